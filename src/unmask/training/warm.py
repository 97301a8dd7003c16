"""Training that goes on from the champion: its weights, fewer epochs at a lower rate, and replay (docs/loop.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmask.config import Config, Optimiser, WarmStart
from unmask.data.manifest import read_manifest
from unmask.errors import ConfigError, DataError
from unmask.models.detector import WEIGHTS, Detector, DetectorSpec, load_detector
from unmask.training.champion import HASH, MODELS, Champion, read_champion, trained_pictures
from unmask.training.folders import Folders
from unmask.training.replay import Replay

REMEDY = "start afresh: `warm_start.weights: none` in params.yaml, or `python -m flows.retrain --no-warm-start`"
START_ONLY = ("encoder.weights", "text.weights")  # of a specification: what a network began with, and not what it is
SHOWN = 3


@dataclass(frozen=True)
class Start:
    """The champion in FOLDER, and how training goes on from it."""

    folder: Path
    champion: Champion
    settings: WarmStart

    @property
    def replay(self) -> Replay:
        """How batches mix what is new with what is known."""
        return Replay(self.settings.replay, self.settings.repeats)

    def shorten(self, config: Config) -> Config:
        """The settings with fewer epochs and lower rates, and no early stop; see `load` for the weights."""
        share = self.settings.epochs
        teach, distill = config.teach, config.distill
        return replace(
            config,
            teach=replace(
                teach,
                epochs=_shortened(teach.epochs, share),
                bce_epochs=round(teach.bce_epochs * share),
                optimiser=self._slower(teach.optimiser),
                patience=0,
            ),
            distill=replace(
                distill,
                epochs=_shortened(distill.epochs, share),
                optimiser=self._slower(distill.optimiser),
                patience=0,
            ),
        )

    def load(self, name: str, detector: Detector) -> Path:
        """Give DETECTOR the weights of the champion's teacher or student; returns their file.

        Raises:
            DataError: they are missing or damaged, or of a detector that is built otherwise.
        """
        folder = self.folder / MODELS / name
        found = load_detector(folder)
        differing = list(_differences(found.spec, detector.spec))
        if differing:
            more = f"; {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
            raise DataError(
                f"{folder}: the {name} of {self.champion.version} has {'; '.join(differing[:SHOWN])}{more}; {REMEDY}"
            )
        detector.load_state_dict(found.state_dict())
        return folder / WEIGHTS

    def _slower(self, optimiser: Optimiser) -> Optimiser:
        return replace(optimiser, learning_rate=optimiser.learning_rate * self.settings.rate)


def find_start(config: Config, folders: Folders) -> Start | None:
    """The champion to go on from; None where training starts afresh.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the champion is damaged, or was trained on pictures that validate or test now, on which its
            descendants would look better than they are.
    """
    settings = config.warm_start
    _check(settings)
    champion = read_champion(folders.champion) if folders.champion and settings.weights == "champion" else None
    if champion is None or folders.champion is None:
        return None
    rows = read_manifest(folders.dataset / "manifest.parquet", columns=[HASH, "split"])
    judging = set(rows.loc[rows["split"].isin(["val", "test"]), HASH])
    if known := judging & trained_pictures(folders.champion):
        raise DataError(
            f"{folders.champion}: {len(known):,} of {len(judging):,} validation and test pictures trained "
            f"{champion.version}, {min(known)[:12]} the first, so figures on them would flatter; {REMEDY}"
        )
    return Start(folders.champion, champion, settings)


def _check(settings: WarmStart) -> None:
    if settings.weights not in {"champion", "none"}:
        raise ConfigError(f"params.yaml: warm_start.weights: {settings.weights!r} is neither champion nor none")
    for name in ("epochs", "rate"):
        if not 0 < getattr(settings, name) <= 1:
            raise ConfigError(f"params.yaml: warm_start.{name}: must lie above 0 and at most at 1")
    if not 0 <= settings.replay <= 1:
        raise ConfigError("params.yaml: warm_start.replay: must lie within 0 and 1")
    if settings.repeats < 1:
        raise ConfigError("params.yaml: warm_start.repeats: must be 1 or more")


def _shortened(epochs: int, share: float) -> int:
    return max(1, round(epochs * share))


def _differences(ours: DetectorSpec, theirs: DetectorSpec) -> Iterator[str]:
    """What the champion is built of, beside what params.yaml asks for."""
    there, here = (dict(_flat(spec.to_json())) for spec in (ours, theirs))
    for key in sorted((there.keys() | here.keys()) - set(START_ONLY)):
        if there.get(key) != here.get(key):
            yield f"{key} {there.get(key)!r}, params.yaml asks for {here.get(key)!r}"


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, each in value.items():
        if isinstance(each, Mapping) and name != "args":
            yield from _flat(each, f"{above}{name}.")
        else:
            yield f"{above}{name}", each
