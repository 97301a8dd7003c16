"""Training that goes on from the champion: its weights, fewer epochs at a lower rate, and replay (docs/loop.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from unmask.config import Config, Distill, Teach, WarmStart
from unmask.errors import DataError
from unmask.models.detector import WEIGHTS, Detector, DetectorSpec, load_detector
from unmask.training.champion import MODELS, REMEDY, Champion, find_champion
from unmask.training.folders import Folders
from unmask.training.replay import Replay

START_ONLY = ("encoder.weights", "text.weights")  # of a specification: what a network began with, and not what it is
SHOWN = 3

Section = TypeVar("Section", Teach, Distill)


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

    def shorten(self, section: Section) -> Section:
        """The section with fewer epochs, a lower rate and no early stop."""
        optimiser = section.optimiser
        slower = replace(optimiser, learning_rate=optimiser.learning_rate * self.settings.rate)
        return replace(section, epochs=max(1, self.share(section.epochs)), optimiser=slower, patience=0)

    def share(self, epochs: int) -> int:
        """Of so many epochs, how many there are now."""
        return round(epochs * self.settings.epochs)

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


def find_start(config: Config, folders: Folders) -> Start | None:
    """The champion to go on from; None where training starts afresh.

    Raises:
        ConfigError, DataError: as `find_champion`.
    """
    champion = find_champion(config.warm_start, folders.champion, folders.dataset)
    if champion is None or folders.champion is None:
        return None
    return Start(folders.champion, champion, config.warm_start)


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
