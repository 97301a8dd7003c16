"""Files that are given to the page, and how it is given them."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route

# What the model of tests/serving/conftest.py says of a level of grey.
REAL, UNCERTAIN, FAKE = 0, 128, 255
TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".mp4": "video/mp4", ".webm": "video/webm"}


ORIENTATION, ON_ITS_SIDE = 0x0112, 6


def picture(level: int, *, size: tuple[int, int] = (48, 48), kind: str = "PNG", on_its_side: bool = False) -> bytes:
    stream, image = io.BytesIO(), Image.new("RGB", size, (level, level, level))
    exif = image.getexif()
    if on_its_side:
        exif[ORIENTATION] = ON_ITS_SIDE
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


def clip(levels: Sequence[int], side: int = 64) -> bytes:
    """A WebM clip of plain grey, ten frames a second; Chromium everywhere plays VP8."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=10)
        video.width = video.height = side
        video.pix_fmt = "yuv420p"
        for level in levels:
            frame = av.VideoFrame.from_ndarray(np.full((side, side, 3), level, np.uint8), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return stream.getvalue()


def payload(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": TYPES.get(Path(name).suffix, "application/octet-stream"), "buffer": data}


def choose(page: Page, **files: bytes | int) -> None:
    """Choose files: `a_png=FAKE` is a picture of that level, named a.png; returns when all are answered."""
    named = {name.replace("_", "."): data for name, data in files.items()}
    chosen = [payload(name, picture(data) if isinstance(data, int) else data) for name, data in named.items()]
    page.set_input_files("#files", chosen)
    settle(page)


def settle(page: Page) -> None:
    page.locator("#cancel").wait_for(state="hidden")


def drop_files(page: Page, selector: str, event: str, files: Sequence[FilePayload]) -> None:
    """Send EVENT with files to an element, as a browser does for a drop and for a paste."""
    given = [{**one, "buffer": base64.b64encode(one["buffer"]).decode()} for one in files]
    page.eval_on_selector(
        selector,
        """(target, [event, files]) => {
          const data = new DataTransfer();
          for (const { name, mimeType, buffer } of files) {
            const bytes = Uint8Array.from(atob(buffer), (sign) => sign.charCodeAt(0));
            data.items.add(new File([bytes], name, { type: mimeType }));
          }
          const options = { bubbles: true, cancelable: true };
          const sent = event === "paste"
            ? new ClipboardEvent("paste", { ...options, clipboardData: data })
            : new DragEvent(event, { ...options, dataTransfer: data });
          target.dispatchEvent(sent);
        }""",
        [event, given],
    )


def refuse(status: int, reason: str = "no", **headers: str) -> Any:
    """A handler that answers as the service does when it refuses."""

    def answer(route: Route) -> None:
        body = {"error": reason, "request_id": "0"}
        route.fulfill(
            status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, json=body
        )

    return answer
