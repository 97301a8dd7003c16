"""What routes hand to the inbox: feedback, and pictures whose verdict is uncertain."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unmask.data.opening import open_picture
from unmask.errors import UnmaskError
from unmask.service_settings import Serving
from unmask.serving.inbox.folder import InboxFolder, oldest_kept, picture_name, sha256
from unmask.serving.inbox.rows import CapturedRow, FeedbackRow, Label
from unmask.serving.runtime import Answer, Runtime

LOG = logging.getLogger(__name__)
MOST_WAITING = 64  # pictures to be written; when disks are slower than requests, more are not captured


class Inbox:
    """Takes feedback and captures pictures; what is older than `keep_days` is removed at once and then daily."""

    def __init__(self, settings: Serving) -> None:
        self._folder = InboxFolder(Path(settings.state), daily_megabytes=settings.inbox_megabytes)
        self._captures, self._keep_days = settings.capture == "uncertain", settings.keep_days
        self._limits = settings.limits
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="unmask-inbox")
        self._room = threading.BoundedSemaphore(MOST_WAITING)
        self._closing = threading.Event()
        threading.Thread(target=self._sweep_daily, name="unmask-retention", daemon=True).start()

    def add_feedback(self, prediction_id: str, label: Label, *, note: str, picture: bytes, kind: str) -> bool:
        """Store what a user says, and a PICTURE of a KIND (opening.FORMATS) if there is one; whether it is kept.

        Raises:
            DataError, InboxFullError, OSError: as InboxFolder.add_feedback.
        """
        name = picture_name(prediction_id, kind) if picture else ""
        row = FeedbackRow(_now(), prediction_id, label, note, name, sha256(picture))
        self._folder.add_feedback(row, picture)
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
            if self._closing.is_set() or not self._room.acquire(blocking=False):
                LOG.warning("%s is not captured: the inbox is written too slowly, or closed", prediction_id)
            else:
                self._writer.submit(self._keep, runtime, prediction_id, picture, answer)

    def close(self) -> None:
        """Write what waits, then let the threads go."""
        self._closing.set()
        self._writer.shutdown()

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
            LOG.warning("%s is not captured: %s", prediction_id, error)
        finally:
            self._room.release()

    def _sweep_daily(self) -> None:
        while True:
            try:
                self._folder.sweep(before=oldest_kept(self._keep_days))
            except OSError as error:
                LOG.warning("the inbox could not be cleared of what is too old: %s", error)
            if self._closing.wait(_seconds_to_midnight()):
                return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _seconds_to_midnight() -> float:
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=1, microsecond=0)
    return (midnight - now).total_seconds()
