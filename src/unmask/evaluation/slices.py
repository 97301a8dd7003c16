"""Which rows a number is about: slices of test rows, picture by picture and clip by clip."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from unmask.config import Evaluate
from unmask.evaluation.metrics import scored
from unmask.evaluation.numbers import MIN_ROWS, measure_rows
from unmask.serving.verdict import Thresholds, calibrate, clip_logits

Level = Literal["frame", "clip"]
References = Mapping[tuple[str, str], str]
Kind = Literal["overall", "generator", "source", "domain"]
CLIP_KEYS = ["source", "label", "generator", "clip"]  # manipulations of one video share its name and must stay apart


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


def slices(test: pd.DataFrame, references: References, *, temperature: float) -> Iterator[Slice]:
    """Slices of one candidate's test predictions: picture by picture, then clip by clip where there are clips.

    TEMPERATURE calibrates the clips' log-odds as it did those of their frames. REFERENCES name the source whose reals a
    (source, generator) is held against, where that is not its own; the shortcut audit's own choice makes the two
    comparable.
    """
    yield from _slices(test, "frame", references)
    if (test["clip"] != "").any():
        yield from _slices(by_clip(test, temperature), "clip", references)


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


def by_clip(frames: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """One row a clip, or a picture that belongs to none: the mean of its frames' log-odds, calibrated.

    A clip is (source, label, generator, clip); see `clip_logits` for why log-odds.
    """
    alone = np.where(frames["clip"] == "", np.arange(len(frames)), -1)
    kept = {"group": "first", "domain": "first", "seen": "first"}
    grouped = frames.assign(alone=alone).groupby([*CLIP_KEYS, "alone"], sort=True, as_index=False)
    logit = clip_logits(frames["logit"], grouped.ngroup())
    return grouped.agg(kept).drop(columns="alone").assign(logit=logit, p_fake=calibrate(logit, temperature))


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
