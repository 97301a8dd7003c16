"""Uploads: what kind of body a route takes and what its parts may be."""

import codecs
import sys
import typing
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from unmask.serving.problems import Refusal

KIND = "multipart/form-data"
TEXTS = 16  # text parts of one form
TEXT_BYTES = 10_000
NAME_BYTES = 255
CHARSETS = ("utf-8", "ascii")


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
            _check_kind(request)
            form = await _read_form(request)
            _check_form(form, fields)
            return await answer(_Parsed(request, form))

        return handle


class _Parser(MultiPartParser):
    """Starlette's parser of a form: its refusals are in our words, and a form that breaks off is refused.

    Starlette would take a form without its closing boundary for one without its last part.
    """

    # No upload is put on a disk, and none waits for a thread that writes there: the guard bounds what is held.
    spool_max_size = sys.maxsize
    _whole = False

    def on_headers_finished(self) -> None:
        """Begin a part, if there may be another one of its kind."""
        try:
            super().on_headers_finished()
        except MultiPartException:
            raise Refusal(400, self._excess()) from None

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Add to a part; only texts are bounded here."""
        try:
            super().on_part_data(data, start, end)
        except MultiPartException:
            raise Refusal(400, f"a text is longer than {TEXT_BYTES:,} bytes; shorten it") from None

    def on_end(self) -> None:
        """Note that the closing boundary came."""
        self._whole = True

    async def parse(self) -> FormData:
        """The whole form."""
        try:
            form = await super().parse()
        except (MultiPartException, ValueError):
            raise Refusal(400, "damaged form") from None
        if not self._whole:
            await form.close()
            raise Refusal(400, "the form breaks off before its closing boundary; send it whole")
        return form

    def _excess(self) -> str:
        if self._current_files > self.max_files:
            return f"more than {self.max_files} files (serving.limits.pictures); send fewer at a time"
        if self._current_fields > self.max_fields:
            return f"more than {self.max_fields} texts"
        return "a part of the form has no name"


class _Parsed(Request):
    """A request whose form was read before FastAPI asks for it."""

    def __init__(self, request: Request, form: FormData) -> None:
        super().__init__(request.scope, request.receive)
        self._form = form


async def _read_form(request: Request) -> FormData:
    files = request.app.state.settings.limits.pictures
    async with aclosing(request.stream()) as stream:
        parser = _Parser(request.headers, stream, max_files=files, max_fields=TEXTS, max_part_size=TEXT_BYTES)
        return await parser.parse()


def _check_kind(request: Request) -> None:
    """Refuse what is no form, or in another character set than UTF-8: some make texts that can't be encoded again."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind.strip() != KIND.encode():
        raise Refusal(415, f"send {KIND}; this address takes files")
    if not options.get(b"boundary"):
        raise Refusal(400, "the header Content-Type names no boundary between the parts of the form")
    try:
        known = codecs.lookup(options.get(b"charset", b"utf-8").decode()).name in CHARSETS
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
