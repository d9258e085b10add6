"""Keys of ``sign_in:`` in ``service.yaml``: a sign-in service of the district (OpenID Connect)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from ingest.secret import Secret
from pipeline.configuration.checks import web_address
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document
from pipeline.console.people.visitor import Role

_LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)")


def _issuer(text: str) -> str:
    """Let an address through whose answers nobody on the way can change; ValueError for any other."""
    if text.startswith("http://") and not _LOCAL.match(text):
        raise ValueError("who signs people in must be reached over https; write https://")
    return web_address(text.removesuffix("/")) and text


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What the members of a group of the sign-in service are here."""

    group: str
    """Name of the group, as the service tells it."""
    role: Role
    """What its members are."""
    subsystem: str | None = None
    """Subsystem they are duty officers of."""


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """A service that knows who somebody is, beside the passwords of this instance."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    """Its address, exactly as it names itself; ``/.well-known/openid-configuration`` is read below it."""
    client_id: str
    """What this instance is called there."""
    client_secret: Secret | None = None
    """What it proves itself with; None for a public client, which PKCE alone protects."""
    label: str = ""
    """What stands on the button; the host of the issuer where it is empty."""
    account: str = "preferred_username"
    """Claim that becomes the name of the account, with the host of the issuer behind it."""
    groups: str = "groups"
    """Claim that lists the groups somebody is in."""
    grants: tuple[Grant, ...] = ()
    """What groups are here, taken anew at every sign-in; empty leaves that to the operators."""
    unknown: Literal["refuse", "viewer"] = "refuse"
    """What becomes of somebody in none of the groups who has no account yet."""


def check_sign_in(
    found: SignIn | None, document: Document, subsystems: Collection[str] | None
) -> Iterator[str]:
    """Grants must name subsystems there are; duty officers need one. None knows no subsystems."""
    if found is not None and not found.grants and found.unknown == "refuse":
        sentence = "without grants nobody would be let in; grant a group something, or write unknown: viewer"
        yield document.mistake(("sign_in", "unknown"), sentence)
    for index, grant in enumerate(found.grants if found else ()):
        trail = ("sign_in", "grants", index)
        if grant.role is Role.OFFICER and grant.subsystem is None:
            sentence = "a duty officer needs a subsystem; name it"
            yield document.mistake((*trail, "subsystem"), sentence)
        elif grant.subsystem and subsystems is not None and grant.subsystem not in subsystems:
            sentence = f'no subsystem is called "{grant.subsystem}"; {suggest(grant.subsystem, subsystems)}'
            yield document.mistake((*trail, "subsystem"), sentence)
