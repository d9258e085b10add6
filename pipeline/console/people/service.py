"""Signing in through a service of the district: there, and back again."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from ingest.database import writing
from pipeline.configuration.sign_in import SignIn
from pipeline.console.house import House, InHouse, address_of
from pipeline.console.limits import Kind
from pipeline.console.people.doors import Refused
from pipeline.console.people.newcomers import account_of
from pipeline.console.people.provider import VALID, Begun, Provider, ServiceFailed, begin, unsealed
from pipeline.console.people.signing import door, in_tongue, keep, safe
from pipeline.console.refusals import refuse

pages = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

HOME = "/sign-in/service/back"
"""Where the service sends people back to; to be registered there, below ``public_url``."""
BEGUN = "fengsui_begun"
"""Cookie of a sign-in under way."""


@pages.get("/sign-in/service")
def go(request: Request, house: InHouse, next: str = "/") -> Response:
    """On to the service."""
    house.gate.admit(Kind.SIGN_IN, address_of(request))
    provider = _provider(house)
    begun = begin(safe(next), house.wall())
    try:
        answer = RedirectResponse(provider.address(begun), 303)
    except ServiceFailed as error:
        return _not_in(request, house, error, begun.back)
    answer.set_cookie(
        # The way back begins at another site, which a strict cookie would not come along.
        BEGUN, begun.sealed(house.ports.link_key), max_age=int(VALID.total_seconds()), httponly=True,
        samesite="lax", path="/sign-in", secure=_secure(house),
    )  # fmt: skip
    return answer


@pages.get(HOME)
def back(request: Request, house: InHouse) -> Response:
    """Let in whom the service vouches for."""
    house.gate.admit(Kind.SIGN_IN, address_of(request))
    provider = _provider(house)
    try:
        begun = unsealed(request.cookies.get(BEGUN, ""), house.ports.link_key, house.wall())
        claims = provider.claims(begun, request.query_params, house.wall())
        token = _token(house, provider.keys, claims)
    except (ServiceFailed, Refused) as error:
        return _not_in(request, house, error, "/")
    return _in(request, house, begun, token)


def _provider(house: House) -> Provider:
    keys = house.ports.config.service.sign_in
    if keys is None:
        raise refuse(404, "没有这个页面 / there is no such page")
    ports = house.ports
    return Provider(
        keys=keys, home=ports.config.service.public_url + HOME, http=ports.http,
        post=ports.outbox.means.post, reveal=ports.reveal,
    )  # fmt: skip


def _token(house: House, keys: SignIn, claims: dict[str, object]) -> str:
    now = house.wall()
    with writing(house.ports.engine) as connection:
        known = account_of(connection, keys, claims, now)
        token = house.doors.let_in(connection, known.name, now)
        who = house.doors.visitor(connection, token, now)
        assert who is not None
        house.done(connection, who, "sign_in", subject=who.account, via=keys.issuer)
    return token


def _in(request: Request, house: House, begun: Begun, token: str) -> Response:
    """A page of ours that goes on by itself.

    A redirect would still count as coming from the other site: the browser would leave the cookie at home.
    """
    answer = house.pages.view(request, "people/welcome.html", None, next=begun.back)
    keep(house, answer, token)
    answer.delete_cookie(BEGUN, path="/sign-in")
    return answer


def _not_in(request: Request, house: House, error: Exception, back: str) -> Response:
    log.warning("a sign-in service let nobody in: %s", error, extra={"action": "not_let_in"})
    status = 502 if isinstance(error, ServiceFailed) else 403
    answer = door(request, house, back, why=in_tongue(request, error), status=status)
    answer.delete_cookie(BEGUN, path="/sign-in")
    return answer


def _secure(house: House) -> bool:
    return house.ports.config.service.public_url.startswith("https://")
