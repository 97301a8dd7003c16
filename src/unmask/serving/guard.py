"""What stands before the service: a request's size, kind and parts are checked before anything reads them."""

import uuid
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FIELD = "images"
MAX_NAME_BYTES = 200  # the service keeps uploads under their name and file systems stop at 255
DRAINED = 8  # times the limit that is read and thrown away, so that a client is still there to see the refusal


@dataclass(frozen=True)
class Limits:
    """Caps of one request; picture_* concern each of its pictures."""

    request_megabytes: float = 40.0
    picture_megabytes: float = 30.0
    picture_megapixels: float = 50.0
    pictures: int = 16


class _Refusal(Exception):  # noqa: N818  (not an error of the program)
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class UploadGuard:
    """ASGI middleware: gives every request an id, and refuses uploads to PATH that are not a few pictures.

    Refusals are JSON `{"error", "request_id"}`: 413 when too large, 415 when not multipart, 400 otherwise. Text parts
    are refused too, because BentoML would fetch them as URLs.
    """

    def __init__(self, app: ASGIApp, *, path: str, limits: Limits) -> None:
        self._app, self._path, self._limits = app, path, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            body = await self._read(scope, receive)
            if scope["method"] == "POST" and scope["path"] == self._path:
                await self._check_upload(scope, body)
        except _Refusal as refusal:
            await problem(refusal.status, str(refusal), request_id)(scope, receive, send_named)
        else:
            await self._app(scope, _replay(body, receive), send_named)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        limit = int(self._limits.request_megabytes * 1e6)
        announced = Headers(scope=scope).get("content-length", "")
        patience = 0 if announced.isdigit() and int(announced) > DRAINED * limit else DRAINED * limit
        size, chunks, more = 0, list[bytes](), True
        while more and size <= patience:
            message = await receive()
            if message["type"] != "http.request":
                raise _Refusal(400, "the upload broke off")
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
        if more or size > limit:
            raise _Refusal(413, f"request larger than {self._limits.request_megabytes:g} MB; send fewer pictures")
        return b"".join(chunks)

    async def _check_upload(self, scope: Scope, body: bytes) -> None:
        kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise _Refusal(415, f"send multipart/form-data with the pictures in the field `{FIELD}`")
        request = Request(scope, _replay(body, None))
        try:
            async with request.form(max_files=self._limits.pictures, max_fields=0) as form:
                _check_parts(form.multi_items(), self._limits)
        except HTTPException as error:
            said = str(error.detail)
            if "Too many fields" in said:
                said = f"each `{FIELD}` must be a file, not text"
            elif "Too many files" in said:
                said = f"more than {self._limits.pictures} pictures in one request"
            raise _Refusal(400, said) from None


def problem(status: int, reason: str, request_id: str) -> JSONResponse:
    """The one shape of a refused request."""
    return JSONResponse({"error": reason, "request_id": request_id}, status_code=status)


def _check_parts(parts: list[tuple[str, UploadFile | str]], limits: Limits) -> None:
    if not parts:
        raise _Refusal(400, f"no picture in the request; send files in the field `{FIELD}`")
    for number, (name, part) in enumerate(parts, start=1):
        if name != FIELD or isinstance(part, str):
            raise _Refusal(400, f"part {number}: unknown field; pictures belong into the field `{FIELD}`")
        if len((part.filename or "").encode()) > MAX_NAME_BYTES:
            raise _Refusal(400, f"picture {number}: its file name is longer than {MAX_NAME_BYTES} bytes; rename it")
        if (part.size or 0) > limits.picture_megabytes * 1e6:
            raise _Refusal(413, f"picture {number}: larger than {limits.picture_megabytes:g} MB")


def _replay(body: bytes, rest: Receive | None) -> Receive:
    """Give a body that was read already, then whatever comes after it."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if not given or rest is None:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await rest()

    return receive
