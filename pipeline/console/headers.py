"""The headers that keep browsers safe, on every answer."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' blob:;"
    " manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
}


class SafeHeaders:
    """Adds the headers as an answer begins.

    It looks at nothing else, so that hundreds of streams cost no task of their own each.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def begun(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_SAFE)
                headers.setdefault("Cache-Control", _kept(scope))
            await send(message)

        await self.app(scope, receive, begun if scope["type"] == "http" else send)


def _kept(scope: Scope) -> str:
    # An address with a version in it never means anything else.
    versioned = "v" in parse_qs(scope["query_string"].decode("latin-1"))
    if scope["path"].startswith("/static/") and versioned:
        return "public, max-age=31536000, immutable"
    return "no-store"
