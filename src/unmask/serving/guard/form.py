"""Uploads: what kind of body a route takes and what its parts may be."""

import codecs
import sys
import typing
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartParser

from unmask.serving.problems import Refusal

KIND = "multipart/form-data"
TEXTS = 16  # text parts of one form
TEXT_BYTES = 10_000
NAME_BYTES = 255
CHARSETS = ("utf-8", "ascii")

# No upload is put on a disk, and none waits for a thread that writes there: the guard bounds what is held.
MultiPartParser.spool_max_size = sys.maxsize


class UploadRoute(APIRoute):
    """A route that takes a form of a few files and short texts, in fields that it knows.

    Another content type is refused with 415; with 400 damage, a character set other than UTF-8, more than
    `limits.pictures` files, more than `TEXTS` texts, longer texts or file names, a field that is unknown, and several
    parts where the route takes one.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI; the form it asks for was read and checked before."""
        answer = super().get_route_handler()
        # Whether a field takes several parts, by its name.
        fields = {
            field.alias: typing.get_origin(field.field_info.annotation) is list for field in self.dependant.body_params
        }

        async def handle(request: Request) -> Response:
            _check_form(await _read_form(request), fields)
            return await answer(request)

        return handle


async def _read_form(request: Request) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind.strip().lower() != KIND:
        raise Refusal(415, f"send {KIND}; this address takes files")
    _check_charset(request)
    files = request.app.state.settings.limits.pictures
    try:
        return await request.form(max_files=files, max_fields=TEXTS, max_part_size=TEXT_BYTES)
    except ValueError:
        raise Refusal(400, "damaged form") from None


def _check_charset(request: Request) -> None:
    """Refuse a form in another character set than UTF-8: some of them make texts that can't be encoded again."""
    _, options = parse_options_header(request.headers["content-type"])
    named = options.get(b"charset", b"utf-8")
    try:
        known = codecs.lookup(named.decode()).name in CHARSETS
    except (LookupError, ValueError):
        known = False
    if not known:
        raise Refusal(400, "the form's charset must be utf-8")


async def read_upload(upload: UploadFile) -> bytes:
    """All bytes of an UPLOAD, which is closed, so that they are not held twice."""
    try:
        return await upload.read()
    finally:
        await upload.close()


def _check_form(form: FormData, fields: Mapping[str, bool]) -> None:
    for name, number in Counter(form.keys()).items():
        if name not in fields:
            raise Refusal(400, f"unknown field; there {_are(sorted(fields))}")
        if number > 1 and not fields[name]:
            raise Refusal(400, f"{name}: {number} parts instead of one")
    for _, part in form.multi_items():
        if isinstance(part, UploadFile) and len((part.filename or "").encode()) > NAME_BYTES:
            raise Refusal(400, f"a file's name is longer than {NAME_BYTES} bytes; rename it")


def _are(names: list[str]) -> str:
    return f"{'is' if len(names) == 1 else 'are'} {', '.join(names)}"
