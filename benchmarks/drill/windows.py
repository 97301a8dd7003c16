"""What the monitor judged while the drill ran, on the drill's own clock."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unmask.files import read_json


@dataclass(frozen=True)
class Window:
    """A window of traffic that the monitor decided about; END is by `time.monotonic`, WHAT is how notices call it."""

    end: float
    what: str
    drifted: bool


def judged(state: Path) -> list[Window]:
    """The windows in STATE/reports, oldest first, without those that had too few pictures for a decision."""
    ahead = time.time() - time.monotonic()
    windows = []
    for path in sorted((state / "reports").glob("*Z.json")):
        told = read_json(path)
        if not told["undecided"]:
            subject = told["subject"]
            end = datetime.fromisoformat(subject["end"]).timestamp() - ahead
            windows.append(Window(end, str(subject["what"]), bool(told["drifted"])))
    return windows
