"""Refusals: one shape for everything that a request can do wrong."""

from starlette.responses import JSONResponse


class Refusal(Exception):  # noqa: N818  (not an error of the program)
    """A request that is not served: HTTP status and the reason that its sender reads."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def problem(status: int, reason: str, request_id: str) -> JSONResponse:
    """The one shape of a refused request."""
    return JSONResponse({"error": reason, "request_id": request_id}, status_code=status)
