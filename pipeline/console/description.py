"""The description of the API (OpenAPI): what each route under ``/api/v1`` asks of its caller, and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pipeline.console.limits import MOST_BYTES
from pipeline.console.people.doors import COOKIE

_API = "/api/"
_SUMMARY = "Everything the duty desk shows and does, for programs"
_WORDS = f"""
A program comes with the key of its department: `Authorization: Bearer fsk_...`. A browser that has signed in
comes with its cookie, and brings the word of its session in the header `X-CSRF` where it changes something;
the word stands in `GET /api/v1/me`. Times are ISO 8601 in UTC, levels are `blue`, `yellow`, `orange`, `red`.
A refusal is `{{"detail": "..."}}`, in Chinese and English. A body has at most {MOST_BYTES // 1000} kB.
""".strip()
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "Key of a department, made under /people"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Somebody who signed in"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF", "description": "The word of that session"},
}
_REFUSALS = {
    "401": "Nobody known asks",
    "403": "They may not do this, or the word of the session is missing",
    "409": "It cannot be done as things stand; the detail says why",
    "413": "The body is too long",
    "422": "Something is filled in wrongly",
    "429": "Asked too often; `Retry-After` says how long to wait [s]",
}
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})


def describe(app: FastAPI) -> None:
    """Make the application's description say who may call what; made once, when it is first asked for."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    # The way FastAPI documents: https://fastapi.tiangolo.com/how-to/extending-openapi/
    app.openapi = described  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title, version=app.version, summary=_SUMMARY, description=_WORDS, routes=app.routes
    )
    parts = made.setdefault("components", {})
    parts["securitySchemes"] = _SCHEMES
    parts.setdefault("schemas", {})["Refusal"] = {
        "type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}},
    }  # fmt: skip
    for method, one in _operations(made):
        own: dict[str, list[str]] = {"session": []} if method == "get" else {"session": [], "csrf": []}
        one["security"] = [{"key": []}, own]
        one.setdefault("responses", {}).update(_refusals())
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    return made


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        if path.startswith(_API):
            yield from ((method, one) for method, one in item.items() if method in _METHODS)


def _refusals() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    return {status: {"description": said, "content": content} for status, said in _REFUSALS.items()}
