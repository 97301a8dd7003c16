"""What routes hand to the inbox: feedback, and pictures whose verdict is uncertain."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from unmask.data.opening import open_picture
from unmask.errors import UnmaskError
from unmask.service_settings import Serving
from unmask.serving.inbox.folder import InboxFolder, picture_name, sha256
from unmask.serving.inbox.rows import CapturedRow, FeedbackRow, Label
from unmask.serving.logs import EVENT, service_log
from unmask.serving.runtime import Answer, Runtime

LOG = service_log()
REPORTS = 2  # reports that are checked and written at a time
# Pictures to be written; when disks are slower than requests, more are not captured.
MOST_WAITING = 64
MOST_WAITING_BYTES = 64_000_000


class Inbox:
    """Takes feedback and captures pictures.

    POOL are threads of its own: reports wait for a lock on the disk, which inference must not.
    """

    def __init__(self, settings: Serving) -> None:
        self._folder = InboxFolder(Path(settings.state), daily_megabytes=settings.inbox_megabytes)
        self._captures = settings.capture == "uncertain"
        self._limits = settings.limits
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="unmask-inbox")
        self.pool = ThreadPoolExecutor(REPORTS, thread_name_prefix="unmask-feedback")
        self._room = _Room(MOST_WAITING, MOST_WAITING_BYTES)
        self._closing = threading.Event()

    async def add_feedback(self, prediction_id: str, label: Label, *, note: str, picture: bytes, kind: str) -> bool:
        """Store what a user says, and a PICTURE of a KIND (opening.FORMATS) if there is one; whether it is kept.

        Raises:
            DataError, InboxFullError, OSError: as InboxFolder.add_feedback.
        """
        store = partial(self._store, prediction_id, label, note=note, picture=picture, kind=kind)
        await asyncio.get_running_loop().run_in_executor(self.pool, store)
        return bool(picture)

    def capture(
        self, *, runtime: Runtime, ids: Sequence[str], pictures: Sequence[bytes], answers: Sequence[Answer | None]
    ) -> None:
        """Keep the pictures whose verdict is uncertain, if `serving.capture` says so; never waits, never raises."""
        if not self._captures:
            return
        for prediction_id, picture, answer in zip(ids, pictures, answers, strict=True):
            if answer is None or answer.verdict != "uncertain":
                continue
            if self._closing.is_set():
                _not_captured(prediction_id, "the inbox is closed")
            elif not self._room.take(len(picture)):
                _not_captured(prediction_id, "too much waits to be written")
            else:
                self._writer.submit(self._keep, runtime, prediction_id, picture, answer)

    def sweep(self, before: date) -> None:
        """Remove what is of the days BEFORE."""
        self._folder.sweep(before)

    def close(self) -> None:
        """Write what waits, then let the threads go."""
        self._closing.set()
        self._writer.shutdown()
        self.pool.shutdown()

    def _store(self, prediction_id: str, label: Label, *, note: str, picture: bytes, kind: str) -> None:
        name = picture_name(prediction_id, kind) if picture else ""
        self._folder.add_feedback(FeedbackRow(_now(), prediction_id, label, note, name, sha256(picture)), picture)

    def _keep(self, runtime: Runtime, prediction_id: str, picture: bytes, answer: Answer) -> None:
        limits = self._limits
        try:
            opened = open_picture(
                picture, max_megapixels=limits.picture_megapixels, max_megabytes=limits.picture_megabytes
            )
            row = CapturedRow(
                time=_now(),
                id=prediction_id,
                model_version=runtime.bundle.version,
                data_hash=runtime.bundle.data.md5,
                probability=answer.p_fake,
                logit=answer.logit,
                attributes=answer.attributes,
                picture=picture_name(prediction_id, "JPEG" if opened.format == "MPO" else str(opened.format)),
                sha256=sha256(picture),
            )
            self._folder.add_captured(row, picture)
        except (UnmaskError, OSError) as error:
            _not_captured(prediction_id, str(error))
        except Exception:
            LOG.exception("a picture could not be captured", extra={EVENT: {"id": prediction_id}})
        finally:
            self._room.give(len(picture))


class _Room:
    """So many pictures and bytes, for threads that do not wait for it."""

    def __init__(self, pictures: int, size: int) -> None:
        self._pictures, self._size, self._lock = pictures, size, threading.Lock()

    def take(self, size: int) -> bool:
        """Take a picture's bytes, if there is room for them."""
        with self._lock:
            fits = self._pictures > 0 and size <= self._size
            if fits:
                self._pictures, self._size = self._pictures - 1, self._size - size
            return fits

    def give(self, size: int) -> None:
        """Give back what a picture took."""
        with self._lock:
            self._pictures, self._size = self._pictures + 1, self._size + size


def _not_captured(prediction_id: str, why: str) -> None:
    LOG.warning("a picture is not captured", extra={EVENT: {"id": prediction_id, "why": why}})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
