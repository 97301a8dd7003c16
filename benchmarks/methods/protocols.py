"""What is measured: the protocols, their columns, and which part each row plays in a fold."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from unmask.data.splits import uniform

FOLDS = 3
SEED = 7  # of the folds; training in fold k has seed SEED + k
SAMPLE, FACES = "sample", "faces"
Kind = Literal["auc", "recall", "fpr"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number: which parts of the test rows it is about, and at which threshold, where it has one.

    A threshold allows 5 % false positives on half of the reals of another source (`other`), or on the validation reals
    (`own`).
    """

    name: str
    kind: Kind = "auc"
    parts: tuple[str, ...] = ()
    threshold: Literal["", "other", "own"] = ""


SEEN = Column(name="seen", parts=("seen", "both"))
UNSEEN = Column(name="unseen", parts=("unseen", "both"))
STRANGE_REALS = (
    Column(name="recall", kind="recall", parts=("unseen", "other"), threshold="other"),
    Column(name="fpr", kind="fpr", parts=("unseen", "other"), threshold="other"),
    Column(name="recall, own threshold", kind="recall", parts=("unseen", "other"), threshold="own"),
    Column(name="fpr, own threshold", kind="fpr", parts=("unseen", "other"), threshold="own"),
)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One setting in which presets are compared.

    `material` names the prepared pictures; `passes` is the budget of a cell in picture passes; `labelled` the share of
    training groups that keep their labels; `validation` the share of groups outside the test fold; `domain` the
    semantic class; `train_groups` (0: all) bounds the training groups, so that a short run sees each picture several
    times and whole epochs come close to the budget. With `hold_out_domain` every fold tests one class that it never
    trains on; `strange_source` gives reals of a source that nothing trains on, at most `strange_groups` groups of them.
    """

    title: str
    material: str
    sources: tuple[str, ...]
    presets: tuple[str, ...]
    columns: tuple[Column, ...]
    passes: int
    labelled: float = 1.0
    validation: float = 0.2
    domain: str = "source"
    train_groups: int = 0
    unseen_generators: tuple[str, ...] = ()
    hold_out_domain: bool = False
    strange_source: str = ""
    strange_groups: int = 1000


def _left_out(generator: str) -> Protocol:
    return Protocol(
        title=f"unseen generator: {generator} left out, of DFDC pairs and synthetic faces; reals of portraits",
        material=FACES,
        sources=("dfdc", "synthetic"),
        presets=("erm", "full"),
        columns=(*STRANGE_REALS, UNSEEN, SEEN),
        passes=60_000,
        validation=0.04,
        train_groups=1000,
        unseen_generators=(generator,),
        strange_source="portraits",
    )


PROTOCOLS = {
    "labels": Protocol(
        title="few labels within a source: 5 % of DFDC pairs, the rest unlabelled",
        material=FACES,
        sources=("dfdc",),
        presets=("erm", "sclkd", "full"),
        columns=(SEEN,),
        passes=72_000,
        labelled=0.05,
        validation=0.04,
    ),
    "domain": Protocol(
        title="unseen domain: one background of the sample left out a fold",
        material=SAMPLE,
        sources=("sample",),
        presets=("erm", "sagnet", "full"),
        columns=(UNSEEN, SEEN),
        passes=64_000,
        domain="background",
        train_groups=300,
        hold_out_domain=True,
    ),
    "manipulations": Protocol(
        title="unseen manipulations: resynthesis and warp left out of the sample",
        material=SAMPLE,
        sources=("sample",),
        presets=("erm", "sjedd", "full"),
        columns=(UNSEEN, SEEN),
        passes=64_000,
        domain="background",
        train_groups=300,
        unseen_generators=("resynthesis", "warp"),
    ),
    "stylegan2": _left_out("stylegan2"),
    "sdxl": _left_out("sdxl"),
}


def cast_rows(manifest: pd.DataFrame, protocol: Protocol, fold: int, folds: int = FOLDS) -> pd.DataFrame:
    """Rows of one fold with split, labelled and `part` set; groups decide everything, so no group plays two parts.

    Every group of the protocol's sources is tested in exactly one fold. What only tests (unseen generators, the held
    domain, reals of the strange source) tests in every fold. `part` is train, validation, threshold, excluded, or of a
    test row seen, unseen, both (reals that belong to either) or other (reals of the strange source).
    """
    known = manifest["source"].isin(protocol.sources)
    strange = (manifest["source"] == protocol.strange_source) & (manifest["label"] == "real")
    rows = manifest[known | strange].reset_index(drop=True)
    strange = rows["source"] == protocol.strange_source
    unseen = (rows["label"] == "fake") & rows["generator"].isin(protocol.unseen_generators)
    held = _held_out(rows, protocol, fold)
    place = {group: _place(group, protocol, fold, folds) for group in rows["group"].unique()}
    split = rows["group"].map(place)
    split[rows["group"].isin(_only(rows, unseen)) | rows["group"].isin(rows["group"][held])] = "test"
    split[(unseen & (split != "test")) | ((rows["label"] == "unlabelled") & (split != "train"))] = "excluded"
    if protocol.train_groups:
        training = rows["group"][split == "train"]
        split[(split == "train") & ~rows["group"].isin(_first_groups(training, protocol.train_groups))] = "excluded"
    part = split.replace({"val": "validation"})
    tested = split == "test"
    part[tested] = "seen"
    part[tested & (rows["label"] == "real") & (not protocol.hold_out_domain)] = "both"
    part[tested & (held | unseen)] = "unseen"
    part[strange] = rows["group"][strange].map(lambda group: _strange_part(group, fold))
    split[strange] = "test"
    part[strange & rows["group"].isin(rows["group"][~strange])] = "excluded"
    part[strange & ~rows["group"].isin(_first_groups(rows["group"][strange], protocol.strange_groups))] = "excluded"
    split[part == "excluded"] = "excluded"
    shown = rows["group"].map(
        {group: uniform(SEED + fold, "labelled", group) < protocol.labelled for group in rows["group"].unique()}
    )
    labelled = (rows["label"] != "unlabelled") & (split.isin(["val", "test"]) | ((split == "train") & shown))
    return rows.assign(split=split, labelled=labelled.astype(bool), part=part)


def held_domain(rows: pd.DataFrame, fold: int) -> str:
    """The domain that a fold holds out: another one each, in the order of their names."""
    names = sorted(rows["domain"].unique())
    return str(names[fold % len(names)])


def _held_out(rows: pd.DataFrame, protocol: Protocol, fold: int) -> "pd.Series[bool]":
    if not protocol.hold_out_domain:
        return pd.Series(data=False, index=rows.index)
    return (rows["domain"] == held_domain(rows, fold)) & (rows["label"] != "unlabelled")


def _place(group: str, protocol: Protocol, fold: int, folds: int) -> str:
    if int(uniform(SEED, "fold", group) * folds) == fold:
        return "test"
    return "val" if uniform(SEED + fold, "validation", group) < protocol.validation else "train"


def _only(rows: pd.DataFrame, chosen: "pd.Series[bool]") -> set[str]:
    """Groups all of whose rows are chosen."""
    every = chosen.groupby(rows["group"]).all()
    return set(every.index[every])


def _strange_part(group: str, fold: int) -> str:
    return "threshold" if uniform(SEED + fold, "threshold", group) < 0.5 else "other"


def _first_groups(groups: "pd.Series[str]", most: int) -> set[str]:
    return set(sorted(groups.unique(), key=lambda group: uniform(SEED, "first", group))[:most])
