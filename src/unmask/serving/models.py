"""Which model answers: the bundle that is named or promoted, and the one that takes its place while requests run."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from unmask.errors import DataError
from unmask.serving import metrics
from unmask.serving.bundle import Bundle, bundle_folder
from unmask.serving.logs import EVENT, service_log
from unmask.serving.promoted import POINTER, Pointer, load_promoted, read_pointer
from unmask.serving.runtime import Runtime

LOG = service_log()

WARM_UP = (1, 2, 1)  # crops of the first inferences, which take longer than later ones
Identity = tuple[int, int, int]


class Models:
    """The model that is served; a request keeps the `current` it began with, so version and score agree.

    What replaces it is loaded, checked and warmed up beside it on a thread of its own and then assigned; the one
    before lives until its last request ends. What fails its checks is refused and not tried again until the pointer
    changes. Where the promoted bundle can't be loaded at start, the latest of those promoted before is taken, and
    only then the packaged one: that may be one that was never fit to be promoted.

    Args:
        named: a bundle to answer with, whatever is promoted; None follows the pointer.
        state: folder of the pointer.
        poll_s: seconds between two looks at it; 0 never looks again.
        threads: threads of one inference.
        batch: most crops of one inference.
        check: raises DataError where a bundle lacks what this service needs of it.

    Raises:
        DataError: no bundle can be loaded; of the last that was tried.
    """

    def __init__(
        self,
        named: Path | None,
        *,
        state: Path,
        poll_s: float,
        threads: int,
        batch: int,
        check: Callable[[Bundle], None],
    ) -> None:
        self._state, self._threads, self._warm_up, self._check = state, threads, (*WARM_UP, batch), check
        self._seen: Identity | None = None
        self._met: Pointer | None = None
        self._closing = threading.Event()
        self._poller: threading.Thread | None = None
        self.refused = ""
        self.current = self._load(lambda: Runtime(named, threads=threads)) if named else self._first()
        self._answer_with(self.current)
        if not named and poll_s > 0:
            self._poller = threading.Thread(target=self._poll, args=(poll_s,), name="unmask-models", daemon=True)
            self._poller.start()

    @property
    def follows(self) -> bool:
        """Whether promotions are taken up."""
        return self._poller is not None

    def close(self) -> None:
        """Look at the pointer no more; a load that is under way ends by itself."""
        self._closing.set()

    def look(self) -> None:
        """Take up the pointer if it changed; what is wrong with it is logged, and `refused` says so."""
        seen = _identity(self._state / POINTER)
        if seen == self._seen:
            return
        self._seen = seen
        pointer: Pointer | None = None
        try:
            pointer = self._read()
            if pointer is None:
                LOG.warning("nothing is promoted any more; the model stays", extra=self._named())
            elif pointer != self._met:
                self._met, self.refused = pointer, ""
                self._answer_with(self._load_promoted(pointer.version))
                metrics.SWAPS.labels("swapped").inc()
                LOG.info("swapped", extra=self._named(reason=pointer.reason))
        except DataError as error:
            self._refuse(pointer.version if pointer else None, error)

    def _poll(self, poll_s: float) -> None:
        while not self._closing.wait(poll_s):
            self.look()

    def _first(self) -> Runtime:
        self._seen = _identity(self._state / POINTER)
        try:
            self._met = self._read()
        except DataError as error:
            self._refuse(None, error)
        versions = [self._met.version, *reversed(self._met.before)] if self._met else []
        for version in versions:
            try:
                return self._load_promoted(version)
            except DataError as error:
                self._refuse(version, error)
        return self._load(lambda: Runtime(bundle_folder(), threads=self._threads))

    def _read(self) -> Pointer | None:
        try:
            return read_pointer(self._state)
        except DataError:
            self._met, self.refused = None, ""  # whatever takes its place is new
            raise

    def _load_promoted(self, version: str) -> Runtime:
        return self._load(lambda: load_promoted(version, self._state, threads=self._threads))

    def _load(self, load: Callable[[], Runtime]) -> Runtime:
        try:
            runtime = load()
            self._check(runtime.bundle)
            side = runtime.bundle.preprocessing.size_px
            for crops in self._warm_up:
                runtime.predict_crops(np.zeros((crops, side, side, 3), np.uint8))
        except DataError:
            raise
        except Exception as error:  # whatever a bundle makes fail, the one that runs goes on
            LOG.exception("a bundle failed in an unforeseen way")
            raise DataError(f"the bundle can't be run ({type(error).__name__}); package the model again") from None
        return runtime

    def _answer_with(self, runtime: Runtime) -> None:
        old, self.current = self.current, runtime
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        metrics.MODEL.labels(old.bundle.version).set(0)
        metrics.MODEL.labels(runtime.bundle.version).set(1)

    def _refuse(self, version: str | None, error: DataError) -> None:
        # A sender of GET /model reads this: the reason may hold paths and names of libraries.
        what = f"version {version}" if version else POINTER
        self.refused = self.refused or f"{what} was refused; the service's log says why"
        metrics.SWAPS.labels("refused").inc()
        LOG.error("promoted model refused: %s", error)

    def _named(self, **further: str) -> dict[str, dict[str, str]]:
        return {EVENT: {"model": self.current.bundle.version, **further}}


def _identity(path: Path) -> Identity | None:
    """What changes when a file is replaced or written to; None where it is not."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
