"""What a person sees of a long run: a bar on a terminal, quiet lines elsewhere, one closing line."""

import errno
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from unmask.errors import UnmaskError

T = TypeVar("T")
QUIET_LINE_SECONDS = 20.0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


def track(items: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """Yield items; show rate and time left on a terminal, else a line every 20 seconds."""
    total = len(items) if total is None and hasattr(items, "__len__") else total  # type: ignore[arg-type]
    if not sys.stderr.isatty():
        yield from _track_quietly(items, what, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(items, total=total, description=what)


def _track_quietly(items: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    start = last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - last > QUIET_LINE_SECONDS:
            last = now
            say(f"{what}: {done}/{total or '?'}, {done / (now - start):.1f}/s")
        yield item


def say(line: str) -> None:
    """Print one line to standard error."""
    print(line, file=sys.stderr, flush=True)


def plain_number(value: float) -> str:
    """A number for a sentence: whole ones in full, others with four digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def run_as_program(name: str, run: Callable[[], str]) -> None:
    """Run, then print `name: summary (seconds)`; an error is one line and a non-zero exit code.

    UNMASK_DEBUG=1 shows the traceback as well.
    """
    start = time.monotonic()
    try:
        summary = run()
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get("UNMASK_DEBUG") == "1":
            traceback.print_exc()
        say(f"{name}: error: {describe(error)}")
        raise SystemExit(1) from None
    say(f"{name}: {summary} ({time.monotonic() - start:.1f} s)")


def describe(error: Exception) -> str:
    """One line for an error: a user's mistake as it is, anything else with its type and a way on."""
    if isinstance(error, UnmaskError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"no space left on the device while writing {error.filename or 'a file'}; free some and run again"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first} (UNMASK_DEBUG=1 shows where)"
