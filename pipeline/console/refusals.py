"""What a visitor sees where something cannot be done: one sentence on a page, or the same as JSON."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from ingest.errors import FengsuiError, UnknownName
from pipeline.console.house import API, SAFE, house_of


def add_refusals(app: FastAPI) -> None:
    """Answer mistakes in words."""

    @app.exception_handler(AnyHTTPException)
    async def refused(request: Request, error: AnyHTTPException) -> Response:
        if error.status_code == 401 and _by_a_person(request) and request.method in SAFE:
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(back, safe='')}", 303)
        said = "没有这个页面 / there is no such page" if error.detail == "Not Found" else str(error.detail)
        return _say(request, error.status_code, said, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def misfilled(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        return _say(request, 422, f"“{where}”填得不对：{first['msg']} / {where}: {first['msg']}")

    @app.exception_handler(FengsuiError)
    async def cannot(request: Request, error: FengsuiError) -> Response:
        return _say(request, 404 if isinstance(error, UnknownName) else 409, str(error))


def refuse(status: int, message: str) -> HTTPException:
    """What to raise where a request cannot be met."""
    return HTTPException(status, message)


def _by_a_person(request: Request) -> bool:
    return not request.url.path.startswith(API) and "text/html" in request.headers.get("accept", "")


def _say(
    request: Request, status: int, message: str, headers: dict[str, str] | None = None
) -> Response:
    if _by_a_person(request):
        answer = house_of(request).pages.refused(status, message)
    else:
        answer = JSONResponse({"detail": message}, status_code=status)
    answer.headers.update(headers or {})
    return answer
