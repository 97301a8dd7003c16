"""Which rows a number is about, and the number with its interval or the reason why there is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import Interval, effective_rows, exact_interval, group_intervals
from unmask.evaluation.metrics import NAMES, Scored, scored
from unmask.serving.verdict import Thresholds

Level = Literal["frame", "clip"]
References = Mapping[tuple[str, str], str]
Kind = Literal["overall", "generator", "source", "domain"]
MIN_ROWS = 10  # of each class that a number needs
REALS_ONLY = frozenset({"fpr"})
FAKES_ONLY = frozenset({"recall", "miss"})
NO_EXACT = frozenset({"ece"})  # not a share, so that 0 or 1 has no exact interval
CLIP_KEYS = ["source", "label", "generator", "clip"]


@dataclass(frozen=True)
class Slice:
    """Some test rows and what they are called; `reference` says whose reals a generator's fakes are held against."""

    kind: Kind
    name: str
    level: Level
    rows: pd.DataFrame
    source: str = ""
    generator: str = ""
    seen: bool | None = None
    reference: str = ""


def slices(test: pd.DataFrame, references: References) -> Iterator[Slice]:
    """Slices of one candidate's test predictions: every picture, then clips where there are any.

    REFERENCES name the source whose reals a (source, generator) is held against, where that is not its own; the
    shortcut audit's own choice makes the two comparable.
    """
    yield from _slices(test, "frame", references)
    clips = by_clip(test)
    if len(clips):
        yield from _slices(clips, "clip", references)


def _slices(test: pd.DataFrame, level: Level, references: References) -> Iterator[Slice]:
    real = test["label"] == "real"
    yield Slice("overall", "all", level, test)
    for seen, name in ((True, "seen"), (False, "unseen")):
        yield Slice("overall", name, level, test[real | (test["seen"] == seen)], seen=seen)
    yield from _per_generator(test, level, references)
    for source, rows in test.groupby("source", sort=True):
        yield Slice("source", str(source), level, rows, source=str(source))
    for domain, rows in test.groupby("domain", sort=True):
        yield Slice("domain", str(domain), level, rows)


def _per_generator(test: pd.DataFrame, level: Level, references: References) -> Iterator[Slice]:
    reals = test[test["label"] == "real"]
    for (source, generator), fakes in test[test["label"] == "fake"].groupby(["source", "generator"], sort=True):
        wanted = references.get((str(source), str(generator)), str(source))
        chosen = reals[reals["source"] == wanted]
        enough = len(chosen) >= MIN_ROWS
        named = "its source" if wanted == source else wanted
        yield Slice(
            "generator",
            f"{source} / {generator}",
            level,
            pd.concat([chosen if enough else reals, fakes]),
            source=str(source),
            generator=str(generator),
            seen=bool(fakes["seen"].iloc[0]),
            reference=named if enough else "all sources",
        )


def by_clip(frames: pd.DataFrame) -> pd.DataFrame:
    """One row a clip: the mean probability of its frames.

    A clip is (source, label, generator, clip): several manipulations of one video share its name and must stay apart.
    """
    framed = frames[frames["clip"] != ""]
    if not len(framed):
        return framed
    kept = {"group": "first", "domain": "first", "seen": "first", "p_fake": "mean"}
    clips = framed.groupby(CLIP_KEYS, sort=True, as_index=False).agg(kept)
    p = clips["p_fake"].clip(1e-12, 1 - 1e-12)
    return clips.assign(logit=np.log(p / (1 - p)))


def measure_slice(part: Slice, thresholds: Thresholds, settings: Evaluate, *, seed: int) -> dict[str, Any]:
    """A slice's description and its metrics, JSON-ready: `metrics` maps each name to a `number`."""
    fake = (part.rows["label"] == "fake").to_numpy(dtype=np.bool_)
    numbers = {}
    if len(part.rows):
        rows = scored(
            fake=fake, logit=part.rows["logit"], p=part.rows["p_fake"], groups=part.rows["group"], thresholds=thresholds
        )
        numbers = measure_rows(rows, settings, seed=seed)
    return {
        "kind": part.kind,
        "name": part.name,
        "level": part.level,
        "source": part.source,
        "generator": part.generator,
        "seen": part.seen,
        "reference": part.reference,
        "n_real": int((~fake).sum()),
        "n_fake": int(fake.sum()),
        "groups": int(part.rows["group"].nunique()),
        "metrics": numbers,
    }


def measure_rows(rows: Scored, settings: Evaluate, *, seed: int) -> dict[str, dict[str, Any]]:
    """Each metric of `NAMES` as {value, low, high, n_real, n_fake}, or with value None and a `reason`."""
    lacking = {name: _lacking(rows, name) for name in NAMES}
    if all(lacking.values()):
        return {name: number(None, None, rows, reason=reason) for name, reason in lacking.items()}
    values = rows.measure(np.ones(len(rows.fake)))
    intervals = group_intervals(
        rows.measure, rows.groups, resamples=settings.bootstrap, confidence=settings.confidence, seed=seed
    )
    result = {}
    for name in NAMES:
        interval = _honest(name, values[name], intervals[name], rows, settings.confidence)
        reason = lacking[name] or ("" if interval else "a class vanishes from too many resamples")
        result[name] = number(None if reason else values[name], interval, rows, reason=reason)
    return result


def number(value: float | None, interval: Interval | None, rows: Scored, *, reason: str = "") -> dict[str, Any]:
    """One reported number, rounded to what its interval can bear."""
    low, high = interval if interval and value is not None else (None, None)
    shown = {
        key: None if part is None else round(part, 5) for key, part in (("value", value), ("low", low), ("high", high))
    }
    return shown | {"n_real": rows.n_real, "n_fake": rows.n_fake} | ({"reason": reason} if reason else {})


def _lacking(rows: Scored, name: str) -> str:
    """Why the rows can't bear this metric; empty where they can."""
    for label, flags, other in (("real", ~rows.fake, FAKES_ONLY), ("fake", rows.fake, REALS_ONLY)):
        if name in other:
            continue
        count = int(flags.sum())
        if count < MIN_ROWS:
            return f"only {count} {label}"
        if len(np.unique(rows.groups[flags])) < 2:
            return f"every {label} is of one group"
    return ""


def _honest(name: str, value: float, interval: Interval | None, rows: Scored, confidence: float) -> Interval | None:
    """Replace a resampled interval that can't be true: where no error occurred, none is ever drawn."""
    if interval is None or name in NO_EXACT or value not in {0.0, 1.0}:
        return interval
    sizes: dict[bool, float] = {flag: effective_rows(_of(rows, fake=flag)) for flag in (False, True)}
    # Disjoint pairs of one real and one fake are independent trials of "the fake scores higher".
    count = sizes[False] if name in REALS_ONLY else sizes[True] if name in FAKES_ONLY else min(sizes.values())
    return exact_interval(value, count, confidence)


def _of(rows: Scored, *, fake: bool) -> npt.NDArray[np.int64]:
    return np.asarray(rows.groups[rows.fake == fake])
