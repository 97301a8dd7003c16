"""Uploads: what kind of body a route takes and what its parts may be."""

import sys
import typing
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartParser

from unmask.serving.problems import Refusal

KIND = "multipart/form-data"
TEXTS = 16  # text parts of one form
TEXT_BYTES = 10_000
NAME_BYTES = 255

# No upload is put on a disk, and none waits for a thread that writes there: the guard bounds what is held.
MultiPartParser.spool_max_size = sys.maxsize


class UploadRoute(APIRoute):
    """A route that takes a form of a few files and short texts, in fields that it knows.

    Another content type is refused with 415; with 400 damage, more than `limits.pictures` files, more than `TEXTS`
    texts, longer texts or file names, a field that is unknown, and several parts where the route takes one.
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
    files = request.app.state.settings.limits.pictures
    try:
        return await request.form(max_files=files, max_fields=TEXTS, max_part_size=TEXT_BYTES)
    except ValueError:
        # A character set that does not fit; Starlette names all other damage itself.
        raise Refusal(400, "damaged form") from None


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
