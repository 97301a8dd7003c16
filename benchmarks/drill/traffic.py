"""Traffic to the service: what is sent when, sent at an even pace by a thread, every answer and every loss kept."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import httpx
import numpy as np

from benchmarks.drill.pictures import Material, Picture
from unmask.client import Client, Prediction, ServiceError
from unmask.console import describe


@dataclass(frozen=True)
class Plan:
    """Pictures a second; the least before the newcomer; over how many its share rises; the share it keeps then."""

    rate: float = 4.0
    calm: int = 200
    rise: int = 100
    peak: float = 0.5

    def share(self, number: int) -> float:
        """Share of the newcomer at the picture of that NUMBER, counted from the end of the calm."""
        return self.peak * min(1.0, number / max(1, self.rise))

    def pictures(self, material: Material, *, seed: int, calm_ended: Callable[[], bool]) -> Iterator[Picture]:
        """Pictures without end; of each kind all are sent once before any is sent again.

        The calm lasts until CALM_ENDED says so, and `calm` pictures at least.
        """
        rng = np.random.default_rng(seed)
        usual, new = _around(material.usual, rng), _around(material.new, rng)
        risen = 0
        for number in count():
            if risen or (number >= self.calm and calm_ended()):
                risen += 1
            yield next(new if rng.random() < self.share(risen) else usual)


def _around(pictures: Sequence[Picture], rng: np.random.Generator) -> Iterator[Picture]:
    while True:
        yield from (pictures[place] for place in rng.permutation(len(pictures)))


@dataclass(frozen=True)
class Sent:
    """A request and its answer; ERROR says how it was lost, and then there is none.

    TIME is by `time.monotonic`; SECONDS until its answer or its loss, with what was refused and sent again.
    """

    time: float
    picture: Picture
    id: str = ""
    probability: float = 0.0
    verdict: str = ""
    model: str = ""
    error: str = ""
    seconds: float = 0.0


class CountedTransport(httpx.HTTPTransport):
    """Counts answers other than 200 by status, also those after which the client sends again."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: Counter[int] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        answer = super().handle_request(request)
        if answer.status_code != httpx.codes.OK:
            self.refusals[answer.status_code] += 1
        return answer


@dataclass
class Sender:
    """Sends a picture a request from a thread until the block ends.

    What is refused as one too many is sent again by the client, and counted; what gets no judgement is lost. What else
    goes wrong ends the traffic, and stands in `failure`.
    """

    url: str
    pictures: Iterator[Picture]
    rate: float
    sent: list[Sent] = field(default_factory=list)
    failure: str = ""
    _transport: CountedTransport = field(default_factory=CountedTransport)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Sender":
        self._thread = threading.Thread(target=self._run, name="drill-traffic")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def lost(self) -> list[Sent]:
        """Requests without a judgement."""
        return [each for each in self.sent if each.error]

    @property
    def refusals(self) -> dict[int, int]:
        """Answers other than 200 by status."""
        return dict(self._transport.refusals)

    def _run(self) -> None:
        try:
            self._send_all()
        except Exception as error:  # noqa: BLE001  (a thread has nobody else to tell)
            self.failure = f"the traffic broke off: {describe(error)}"

    def _send_all(self) -> None:
        with Client(self.url, transport=self._transport) as client:
            due = time.monotonic()
            while not self._stop.is_set():
                self.sent.append(send(client.predict, next(self.pictures)))
                due = max(due + 1 / self.rate, time.monotonic() - 1.0)  # a pause is not made up for all at once
                self._stop.wait(max(0.0, due - time.monotonic()))


def send(predict: Callable[[bytes], Prediction], picture: Picture) -> Sent:
    """Ask once; whatever goes wrong is the answer's error."""
    now = time.monotonic()
    try:
        answer = predict(picture.data)
    except ServiceError as error:
        return Sent(now, picture, error=str(error), seconds=time.monotonic() - now)
    seconds = time.monotonic() - now
    if answer.judgement is None or answer.source is None:
        return Sent(now, picture, answer.id, error=answer.error or "no judgement", seconds=seconds)
    judged, model = answer.judgement, answer.source.model_version
    return Sent(now, picture, answer.id, judged.probability, judged.verdict, model, seconds=seconds)
