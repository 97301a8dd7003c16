"""The drill from the first request to the promoted model; it sends traffic and feedback and touches nothing else."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.drill.desk import DRIFTED, Notice, Review, Webhook, to_look_at
from benchmarks.drill.measure import Scores, score
from benchmarks.drill.pictures import Material
from benchmarks.drill.servers import Loop, loop_and_service
from benchmarks.drill.stage import Stage
from benchmarks.drill.traffic import Plan, Sender, Sent
from benchmarks.drill.windows import Window, judged
from unmask.client import Client
from unmask.console import describe, say
from unmask.errors import UnmaskError

T = TypeVar("T")
LOST_FOR_GOOD = ("retrain: keep", "retrain failed", "retrain crashed", "monitor failed")
CALM_WINDOWS = 2  # judged before the newcomer comes; fewer would say nothing of false alarms
AFTERWARDS_S = 20.0  # traffic goes on after the swap
POLL_S, REPORT_S = 0.5, 60.0
_SAID = re.compile(r"Flow run '[^']*' - (.+)")


@dataclass(frozen=True)
class Settings:
    """Traffic, the deployments, how long the steps may take, the desk's reports (at most) and its pace.

    The desk gives a few REPORTS more than the `loop.labels` that start a retrain, so that one which can't be used, such
    as a picture that the data has, does not keep it from starting.
    """

    plan: Plan
    loop: Loop
    reports: int
    alarm_minutes: float
    promotion_minutes: float
    seed: int
    look_seconds: float = 0.1


@dataclass
class Outcome:
    """What happened; times are by `time.monotonic`, None for what did not come."""

    newcomer: str
    before: Scores
    after: Scores | None = None
    sent: list[Sent] = field(default_factory=list)
    refusals: dict[int, int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    review: Review = field(default_factory=Review)
    alarm: float | None = None
    labels_given: float | None = None
    promoted: float | None = None
    failure: str = ""

    @property
    def began(self) -> float | None:
        """When the newcomer's first picture was sent."""
        return next((each.time for each in list(self.sent) if each.picture.generator == self.newcomer), None)

    @property
    def calm(self) -> list[Window]:
        """Windows that ended before the newcomer came, whenever the monitor was done with them."""
        return [one for one in self.windows if self.began is None or one.end <= self.began]


def run(stage: Stage, material: Material, settings: Settings, logs: Path) -> Outcome:
    """Run the drill; what goes wrong once traffic flows is an outcome, with its reason.

    Raises:
        UnmaskError: a server did not come up, or what is measured could not be.
    """
    clock = _Clock()
    clock.say(f"the champion scores {len(material.held_out)} held-out pictures")
    champion = stage.bundle(stage.champion)
    outcome = Outcome(material.newcomer, score(stage.root, champion, material.held_out, logs / "before.log"))
    clock.say("starting Prefect's server, the flows and the service")
    with Webhook(outcome.notices) as desk, loop_and_service(stage, settings.loop, logs, webhook=desk.url) as url:
        calm_over = threading.Event()
        pictures = settings.plan.pictures(material, seed=settings.seed, calm_ended=calm_over.is_set)
        clock.say(f"traffic begins, {settings.plan.rate:g} pictures a second")
        with Sender(url, pictures, settings.plan.rate, outcome.sent) as sender:
            _follow(stage, url, settings, _Watch(outcome, sender, clock, logs), calm_over)
        clock.say("traffic ends")
        outcome.failure, outcome.refusals = outcome.failure or sender.failure, sender.refusals
        outcome.windows = judged(stage.state)
    if outcome.promoted is not None:
        clock.say("the challenger scores the held-out pictures")
        served = next(one.model for one in reversed(outcome.sent) if one.model)
        outcome.after = score(stage.root, stage.bundle(served), material.held_out, logs / "after.log")
    return outcome


class _MissedError(UnmaskError):
    """A step of the loop did not come, or came to another end."""


@dataclass
class _Clock:
    start: float = field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        say(f"drill {minutes:02}:{seconds:02} {line}")


@dataclass(frozen=True)
class _Watch:
    """Waits for the steps of the loop."""

    outcome: Outcome
    sender: Sender
    clock: _Clock
    logs: Path

    def wait(self, probe: Callable[[], T | None], what: str, *, minutes: float) -> T:
        """What PROBE finds at last.

        Raises:
            _MissedError: the loop says that it won't come, it did not within so many MINUTES, or the traffic broke off.
        """
        start = shown = time.monotonic()
        while (now := time.monotonic()) < start + 60 * minutes:
            if (found := probe()) is not None:
                return found
            if bad := next((one for one in self.outcome.notices if one.subject in LOST_FOR_GOOD), None):
                raise _MissedError(f"{bad.subject}: {bad.text}")
            if self.sender.failure:
                raise _MissedError(self.sender.failure)
            if now - shown > REPORT_S:
                shown = now
                self.clock.say(f"waiting for the {what}; {len(self.outcome.sent)} requests; {self._at_work()}")
            time.sleep(POLL_S)
        raise _MissedError(f"no {what} within {minutes:g} minutes")

    def _at_work(self) -> str:
        """What a flow said last."""
        said = _SAID.findall((self.logs / "flows.log").read_text(encoding="utf-8", errors="replace"))
        return f"flows: {said[-1]}" if said else "no flow has run yet"


def _follow(stage: Stage, url: str, settings: Settings, watch: _Watch, calm_over: threading.Event) -> None:
    """Go through the steps of the loop; one that is missed is the outcome's failure."""
    try:
        _stay_calm(stage, settings, watch)
        calm_over.set()
        _learn(stage, url, settings, watch)
    except UnmaskError as missed:  # also a refused report, or an inbox that can't be read
        watch.outcome.failure = describe(missed)
        watch.clock.say(f"MISSED: {watch.outcome.failure}")
    else:
        time.sleep(AFTERWARDS_S)


def _stay_calm(stage: Stage, settings: Settings, watch: _Watch) -> None:
    """Wait until the monitor has judged some windows in which nothing is new."""

    def enough() -> list[Window] | None:
        windows = judged(stage.state)
        return windows if len(windows) >= CALM_WINDOWS else None

    windows = watch.wait(enough, "calm windows", minutes=settings.alarm_minutes)
    alarmed = sum(one.drifted for one in windows)
    watch.clock.say(f"{len(windows)} calm windows were judged, {alarmed} alarmed")


def _learn(stage: Stage, url: str, settings: Settings, watch: _Watch) -> None:
    """Wait for the alarm, label what the desk would, wait for the swap."""
    outcome, clock, patience = watch.outcome, watch.clock, settings.alarm_minutes
    began = watch.wait(lambda: outcome.began, "newcomer's first picture", minutes=patience)
    clock.say(f"the newcomer's first picture was sent, after {len(outcome.sent)} requests")
    alarm = watch.wait(lambda: next(_alarms(outcome, stage, began), None), "alarm", minutes=patience)
    outcome.alarm = alarm.time
    clock.say(f"alarm: {alarm.text}")
    with Client(url) as client:
        watch.wait(lambda: _reports(client, stage, settings, outcome), "desk's reports", minutes=patience)
    outcome.labels_given = time.monotonic()
    done = outcome.review
    clock.say(f"the desk looked at {len(done.looked_at)} pictures and reported {len(done.reported)}")
    swapped = watch.wait(lambda: _swapped(outcome, stage), "promotion", minutes=settings.promotion_minutes)
    outcome.promoted = swapped.time
    clock.say(f"model {swapped.model} answers")


def _alarms(outcome: Outcome, stage: Stage, began: float) -> Iterator[Notice]:
    """Alarms about windows that the newcomer is in; one about an earlier window is false, however late it comes."""
    drifted = [one for one in list(outcome.notices) if one.subject == DRIFTED]
    with_it = [window.what for window in judged(stage.state) if window.end > began] if drifted else []
    return (one for one in drifted if any(what in one.text for what in with_it))


def _reports(client: Client, stage: Stage, settings: Settings, outcome: Outcome) -> Review | None:
    """The desk's review once it has reported enough; until then it goes on with what came meanwhile."""
    waiting = to_look_at(stage.state, list(outcome.sent))
    outcome.review.go_on(client, waiting, most=settings.reports, seconds=settings.look_seconds)
    return outcome.review if len(outcome.review.reported) == settings.reports else None


def _swapped(outcome: Outcome, stage: Stage) -> Sent | None:
    """The first answer of another model than the champion."""
    return next((one for one in list(outcome.sent) if one.model not in {"", stage.champion}), None)
