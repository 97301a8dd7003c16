"""GET /ui: the page for people, a few files of its own."""

import hashlib
from pathlib import Path

from fastapi import APIRouter, Request, Response

from unmask.serving.problems import Refusal

FOLDER = Path(__file__).parents[1] / "page"
INDEX = "index.html"
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
SCRIPTS = (
    *("api.js", "camera.js", "card.js", "csv.js", "dom.js", "feedback.js", "frame.js", "intake.js", "item.js"),
    *("list.js", "live.js", "model.js", "page.js", "preview.js", "queue.js", "result.js", "timeline.js", "token.js"),
    "where.js",
    "words.js",
)
# Nothing else in the folder is ever sent.
FILES = frozenset({*SCRIPTS, "page.css", "icon.svg"})

router = APIRouter(include_in_schema=False)


@router.get("/ui")
def page(request: Request) -> Response:
    """The page."""
    return _send(INDEX, request)


@router.get("/ui/{name}")
def file(request: Request, name: str) -> Response:
    """One of the page's files."""
    if name not in FILES:
        raise Refusal(404, "not found")
    return _send(name, request)


def _send(name: str, request: Request) -> Response:
    data = (FOLDER / name).read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    # Asked for anew each time and answered with 304: a new release never meets scripts of the old one.
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=TYPES[Path(name).suffix])
