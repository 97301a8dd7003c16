"""Which pages may ask: browsers send requests for any page that somebody opens, to services on his desk, too."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving.problems import problem

SAFE = {"GET", "HEAD"}
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
EXPOSED = "X-Request-ID, Retry-After"
REFUSED = "pages of this origin may not use the service; name it in serving.origins, as https://desk.example.org"


class Origins:
    """ASGI middleware: CORS for ORIGINS and nobody else, and 403 where a page of another origin posts.

    A page of the service itself is one whose origin is the host asked for. A name there may be anybody's that now
    leads to this machine (DNS rebinding): only an address, localhost or a name without a dot counts, others must be
    listed. Programs that are no browsers send no origin and are not concerned.
    """

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        self._app, self._origins = app, frozenset(origin.rstrip("/").lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it, or answer a browser that asks before it asks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        listed = origin.lower() in self._origins

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start" and self._origins:
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if listed:
                    answer["Access-Control-Allow-Origin"] = origin
                    answer["Access-Control-Expose-Headers"] = EXPOSED
            await send(message)

        asks_before = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if asks_before and listed:
            await Response(status_code=204, headers=ALLOWED)(scope, receive, send_shared)
        elif scope["method"] not in SAFE and not (listed or _is_own(headers)):
            refusal = problem(403, REFUSED, scope["state"]["request_id"])
            await refusal(scope, receive, send_shared)
        else:
            await self._app(scope, receive, send_shared)


def _is_own(headers: Headers) -> bool:
    """Whether no page sent this, or one of the service itself."""
    origin = headers.get("origin")
    if origin is None:
        # Old browsers leave the origin out of a form's post, but not this.
        return headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    try:
        asking, asked = urlsplit(origin), urlsplit(f"//{headers.get('host', '')}")
        return bool(asking.netloc) and asking.netloc.lower() == asked.netloc.lower() and _is_local(asked.hostname or "")
    except ValueError:
        return False


def _is_local(host: str) -> bool:
    if "." not in host.removesuffix(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
