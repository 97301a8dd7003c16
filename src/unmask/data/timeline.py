"""When the frames of a clip are shown: presentation times, key frames, and the moments that lie evenly over it."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Self


@dataclass(frozen=True)
class Timeline:
    """Presentation times of all frames and of the key frames, ascending, in units of so many seconds."""

    times: list[int]
    keys: list[int]
    end: int
    unit: Fraction

    @classmethod
    def of(cls, shown: Iterable[tuple[int, int, bool]], unit: Fraction) -> Self | None:
        """From time, duration (0 where unknown) and whether it is a key frame, of each frame; None without any."""
        shown = list(shown)
        if not shown:
            return None
        times = sorted({time for time, _, _ in shown})
        last = max(duration for time, duration, _ in shown if time == times[-1])
        # Some containers leave the last frame's duration out: it is then as long as the one before.
        last = last or (times[-1] - times[-2] if len(times) > 1 else 1)
        return cls(times, sorted({time for time, _, key in shown if key}), times[-1] + last, unit)

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last, s."""
        return self.seconds(self.end)

    def seconds(self, time: int) -> float:
        """A time in s after the first frame."""
        return float((time - self.times[0]) * self.unit)

    def number(self, time: int) -> int:
        """The number of the frame that is shown at a time, from 0."""
        return bisect_right(self.times, time) - 1

    def shown(self, count: int) -> list[int]:
        """Times of the frames that are shown in the middle of each of COUNT equal parts."""
        start, length = self.times[0], self.end - self.times[0]
        moments = (start + Fraction((2 * part + 1) * length, 2 * count) for part in range(count))
        return sorted({self.times[bisect_right(self.times, moment) - 1] for moment in moments})
