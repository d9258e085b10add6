"""The room of people: signing in, passwords, accounts, keys."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.console.people import keeping, service, signing
from pipeline.console.people.twins import api

__all__ = ["api", "pages"]

pages = APIRouter(include_in_schema=False)
for part in (signing.pages, service.pages, keeping.pages):
    pages.include_router(part)
