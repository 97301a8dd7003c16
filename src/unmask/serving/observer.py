"""What is kept of a prediction: its counters, its part of the request's log line, its row in the traffic log."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.service_settings import Serving
from unmask.serving import metrics
from unmask.serving.bundle import Bundle
from unmask.serving.logs import service_log
from unmask.serving.picture_quality import Quality, measure_quality
from unmask.serving.reading import Read, View
from unmask.serving.runtime import Answer, Runtime
from unmask.serving.traffic import TrafficRow, project
from unmask.serving.traffic_log import TrafficLog

if TYPE_CHECKING:
    from unmask.serving.engine import Outcome

LOG = service_log()

NO_FACE = "none"
# Asked of pictures that were judged before, mostly suspect ones: among the scores they would count twice.
SECOND_LOOK = "/explain"
Measure = Callable[[], Quality]


@dataclass
class Predicted:
    """What a request has had predicted so far, for its line in the log; `none` counts pictures without a face."""

    model: str = ""
    pictures: int = 0
    refused: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


PREDICTED: ContextVar[Predicted] = ContextVar("unmask_predicted")


class Observer:
    """Takes note of what a worker predicts."""

    def __init__(self, settings: Serving) -> None:
        self._log = TrafficLog(Path(settings.state)) if settings.traffic_log else None

    def record(self, *, runtime: Runtime, route: str, ids: Sequence[str], outcomes: Sequence["Outcome"]) -> None:
        """Take note of what RUNTIME said on ROUTE of pictures, or of a clip as a whole; never waits and never raises.

        What /explain says is counted, and is neither among the scores nor in the traffic log.
        """
        try:
            self._record(runtime.bundle, route, ids, outcomes)
        except Exception:
            LOG.exception("predictions could not be recorded")

    @contextmanager
    def at_work(self, pictures: int) -> Iterator[None]:
        """Count pictures as being worked on for as long as this lasts."""
        metrics.AT_WORK.inc(pictures)
        try:
            yield
        finally:
            metrics.AT_WORK.dec(pictures)

    def batch_ran(self, crops: int) -> None:
        """Take note of the size of an inference."""
        metrics.BATCHES.observe(crops)

    def close(self) -> None:
        """Write the rows that wait."""
        if self._log:
            self._log.close()

    def _record(self, bundle: Bundle, route: str, ids: Sequence[str], outcomes: Sequence["Outcome"]) -> None:
        predicted = PREDICTED.get(Predicted())
        predicted.model = bundle.version
        predicted.pictures += len(outcomes)
        now = datetime.now(UTC)
        for name, outcome in zip(ids, outcomes, strict=True):
            if outcome.error:
                predicted.refused += 1
                metrics.REFUSED.labels(route).inc()
                continue
            answer = outcome.answer
            verdict = answer.verdict if answer else NO_FACE
            predicted.verdicts[verdict] += 1
            metrics.PREDICTIONS.labels(route, verdict).inc()
            if answer and route != SECOND_LOOK:
                metrics.SCORES.observe(answer.p_fake)
                if self._log:
                    row = partial(_row, name, time=now, route=route, bundle=bundle)
                    self._log.add(partial(row, answer=answer, measure=_measure(outcome.read, outcome.view)))


def _measure(read: Read | None, view: View | None) -> Measure | None:
    """What measures the part that was judged, without a hold on the whole picture: rows wait for their turn."""
    if read is None or view is None:
        return None
    size, jpeg_quality, encoded_bytes = read.size, read.jpeg_quality, read.encoded_bytes
    return partial(measure_quality, view.reduced, size=size, jpeg_quality=jpeg_quality, encoded_bytes=encoded_bytes)


def _row(
    name: str, *, time: datetime, route: str, bundle: Bundle, answer: Answer, measure: Measure | None
) -> TrafficRow:
    return TrafficRow(
        id=name,
        time=time,
        route=route,
        model_version=bundle.version,
        data_hash=bundle.data.md5,
        probability=answer.p_fake,
        logit=answer.logit,
        verdict=answer.verdict,
        marginals=answer.attributes,
        quality=measure() if measure else None,
        embedding=project(answer.embedding),
    )
