"""`unmask predict`: answers for whatever files a person names, decoded beside the network, few at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from unmask.console import say, track
from unmask.data.decode import pillow_quiet
from unmask.data.parallel import Workers, ordered_map
from unmask.errors import ConfigError, DataError
from unmask.serving.bundle import Bundle
from unmask.serving.offline.inputs import check_named, named_files
from unmask.serving.offline.names import escaped, text_of
from unmask.serving.offline.scoring import Row, Scorer, in_chunks, limits_of
from unmask.serving.offline.table import Columns, check_target, partial_of, writing
from unmask.serving.runtime import Runtime


@dataclass
class Tally:
    """What became of the files; those of an earlier run that is continued are `kept`."""

    kept: int = 0
    files: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    first_refusal: str = ""

    def add(self, rows: Sequence[Row]) -> None:
        """Count a file: a clip by its own verdict, not by its frames'."""
        last = rows[-1]
        self.files += 1
        if last.level == "refused":
            self.refused += 1
            self.first_refusal = self.first_refusal or f"{last.path}: {last.error}"
        else:
            self.verdicts[last.verdict] += 1

    def summary(self, bundle: Bundle) -> str:
        """One line: how many of what, and whose answers they are."""
        counts = ", ".join(f"{self.verdicts[name]:,} {name}" for name in ("real", "uncertain", "fake"))
        kept = f", {self.kept:,} kept from before" if self.kept else ""
        refused = f", {self.refused:,} refused (first: {self.first_refusal})" if self.refused else ""
        return f"{self.files:,} files{kept}: {counts}{refused}; model {bundle.version}, data {bundle.data.md5[:12]}"


def predict(
    words: Sequence[str],
    *,
    bundle: Path,
    csv: Path | None,
    show: Callable[[Row], None],
    workers: int,
    resume: bool = False,
) -> tuple[str, int]:
    """Answer for files, folders and patterns, into CSV or, without one, row by row to SHOW.

    Each of WORKERS threads decodes and infers on one core, so that neither waits for the other.

    Returns:
        The summary, and how many files were refused.

    Raises:
        ConfigError: RESUME without CSV.
        DataError: a word names nothing, or no file at all is left; CSV is a folder; the bundle is damaged; what is to
            be continued is of another model.
    """
    if resume and csv is None:
        raise ConfigError("--resume goes on with a CSV file; name it with --csv")
    if csv is not None:
        check_target(csv)
    check_named(words)
    runtime = Runtime(bundle, threads=1)
    scorer = Scorer(runtime, limits_of(runtime.bundle))
    for note in _notes(runtime.bundle):
        say(f"note: {note}")
    own = () if csv is None else (csv, partial_of(csv))
    opened = nullcontext() if csv is None else writing(csv, Columns.of(runtime.bundle), resume=resume)
    with opened as table:
        done = table.done if table else set()
        tally = Tally(kept=len(done))
        for rows in _answers(words, scorer, own=own, done=done, workers=workers):
            tally.add(rows)
            if table:
                table.write(rows)
            else:
                for row in rows:
                    show(row)
    return tally.summary(runtime.bundle), tally.refused


def _answers(
    words: Sequence[str], scorer: Scorer, *, own: Sequence[Path], done: set[str], workers: int
) -> Iterator[list[Row]]:
    """Rows of each file that is not done yet, in order."""
    total = sum(1 for _ in named_files(words, leave_out=own))
    if not total:
        raise DataError(f"{escaped(', '.join(words))}: holds no file")
    paths = (path for path in named_files(words, leave_out=own) if text_of(path) not in done)
    with pillow_quiet(), ThreadPoolExecutor(workers) as pool:
        chunks = ordered_map(pool, scorer, in_chunks(paths), ahead=Workers(workers).ahead)
        yield from track(chain.from_iterable(chunks), "predict", total=total - len(done))


def _notes(bundle: Bundle) -> Iterator[str]:
    """What a reader of the answers must know."""
    if bundle.data.note:
        yield f"the model was trained on this data: {bundle.data.note}"
    if bundle.params["assemble"].get("faces", {}).get("crop", "none") != "none":
        yield "the model was trained on cut-out faces, and here whole pictures are judged; give it faces"
