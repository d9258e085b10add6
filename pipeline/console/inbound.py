"""Callbacks of gateways: each has a secret address of its own, and may say everything twice."""

from __future__ import annotations

import asyncio
import hmac
import logging

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, Response

from alerts.outgoing.delivery import BadCallback, Hearing, Inbound
from ingest.errors import ConfigMistake
from pipeline.console.pages import Clock
from pipeline.hearing import take
from pipeline.ports import Ports

log = logging.getLogger(__name__)

MOST_BYTES = 1_000_000
"""Longest body that is read."""
_READ_S = 10.0
_AT_ONCE = 8


def add_inbound(app: APIRouter, ports: Ports, clock: Clock) -> None:
    """Take callbacks at ``/inbound/{channel}/{secret}``, a few at once: pages are never kept waiting."""
    turns = asyncio.Semaphore(_AT_ONCE)

    @app.post("/inbound/{channel}/{secret}")
    async def hear(channel: str, secret: str, request: Request) -> Response:
        known = await run_in_threadpool(_known, ports, channel, secret)
        if known is None:
            # The same for a wrong secret as for no such channel: nobody finds out which there are.
            return PlainTextResponse("Not Found", 404)
        if turns.locked():
            return PlainTextResponse("busy, call again", 503, {"Retry-After": "5"})
        async with turns:
            body = await _body(request)
            if body is None:
                return PlainTextResponse(f"a callback has at most {MOST_BYTES} bytes, sent at once", 413)
            said = Inbound(
                headers={name.lower(): value for name, value in request.headers.items()},
                query=dict(request.query_params),
                body=body,
                at=clock(),
            )
            return await run_in_threadpool(_answer, ports, channel, known, said)


def _known(ports: Ports, channel: str, secret: str) -> Hearing | None:
    """The channel, where it takes callbacks and the secret is its own."""
    found: object = ports.outbox.channels.get(channel)
    hearing = found if isinstance(found, Hearing) else None
    wanted = "" if hearing is None else _secret(ports, hearing)
    # Compared in any case, so that time does not tell whether there is such a channel.
    same = hmac.compare_digest(wanted.encode(), secret.encode("utf-8", "replace"))
    return hearing if wanted and same else None


def _secret(ports: Ports, channel: Hearing) -> str:
    """The secret part of a channel's address; empty where it takes no callbacks."""
    if channel.callback is None:
        return ""
    try:
        return ports.reveal(channel.callback)
    except ConfigMistake as error:
        log.error("a callback cannot be taken: %s", error, extra={"action": "callback_refused"})
        return ""


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too long or does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    return None
    except TimeoutError:
        return None
    return bytes(body)


def _answer(ports: Ports, name: str, channel: Hearing, said: Inbound) -> Response:
    try:
        told = channel.hear(said, ports.outbox.means)
    except BadCallback as error:
        log.warning("channel %s: %s", name, error, extra={"action": "callback_refused"})
        return PlainTextResponse(str(error), 400)
    take(ports, name, told, said.at)
    return Response(told.answer, media_type=told.content_type)
