"""Refusals: one shape for everything that a request can do wrong."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse


class Refusal(HTTPException):
    """A request that is not served: HTTP status, the reason that its sender reads, and headers of the answer."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, reason, headers)


class TryAgain(Refusal):
    """A refusal that says nothing about the request: the same one may be served SECONDS later."""

    def __init__(self, status: int, reason: str, *, seconds: int = 1) -> None:
        super().__init__(status, reason, {"Retry-After": str(seconds)})


def problem(status: int, reason: str, request_id: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The one shape of a refused request."""
    return JSONResponse({"error": reason, "request_id": request_id}, status_code=status, headers=headers)


def problem_of(refusal: HTTPException, request_id: str) -> JSONResponse:
    """A refusal as an answer; also the router's own, of an unknown path (404) or method (405)."""
    return problem(refusal.status_code, refusal.detail, request_id, refusal.headers)
