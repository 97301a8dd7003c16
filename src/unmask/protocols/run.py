"""`unmask protocol`: run what is missing, then show the table of what there is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from unmask.config import load_config
from unmask.console import say
from unmask.dvc_process import DvcError
from unmask.errors import ConfigError
from unmask.files import replacing
from unmask.protocols.experiments import Experiment, experiments, finished, start, waiting
from unmask.protocols.plan import PROTOCOLS, dated, first_seen
from unmask.protocols.table import as_markdown, gather

Mode = Literal["run", "queue", "list"]


def run_protocol(
    name: str, root: Path, *, mode: Mode, settings: Sequence[str] = (), dates: Path | None = None
) -> tuple[str, str]:
    """Bring a protocol's experiments about, as MODE says, and write build/protocols/NAME.csv and .md.

    With "list" nothing is written. SETTINGS (`key=value`) hold in all experiments; DATES is a table of days that wins
    over the data's.

    Returns:
        The table in Markdown, empty as long as no experiment is finished, and the summary.

    Raises:
        ConfigError: there is no such protocol, or a setting is wrong.
        DataError: the data has too few generators, or all were first seen on one day.
        DvcError: experiments failed; the others ran all the same, and are in the files.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"no protocol {name!r}; there are {', '.join(PROTOCOLS)}")
    config = load_config(root, settings)
    generators = first_seen(root / "data", config.assemble.sources)
    folds = PROTOCOLS[name](dated(generators, dates) if dates else generators)
    planned = experiments(name, folds, root=root, settings=settings)
    done = finished(root)
    missing = [one for one in planned if one.name not in done]
    failed: list[str] = []
    if mode == "list":
        _list(planned, done)
    else:
        started, failed = _start(missing, root, queue=mode == "queue")
        done |= set() if mode == "queue" else started
    ready = [one for one in planned if one.name in done]
    table = gather(ready, root)
    shown = as_markdown(table, confidence=config.evaluate.confidence) if ready else ""
    summary = f"{len(ready)} of {len(planned)} experiments are finished"
    if ready and mode != "list":
        _write(name, table, shown, root)
        summary += f"; table in build/protocols/{name}.csv"
    if failed:
        raise DvcError(f"{', '.join(failed)} failed, for the reasons above; {summary}; run again for what is missing")
    hint = "; run them with `dvc queue start`, then this command again" if mode == "queue" and missing else ""
    return shown, f"{summary}{hint}"


def _list(planned: Sequence[Experiment], done: set[str]) -> None:
    for one in planned:
        state = "finished" if one.name in done else "to do"
        say(f"{one.name}: {state}; unseen {', '.join(one.fold.unseen)}; tested on {', '.join(one.fold.tested)}")


def _start(missing: Sequence[Experiment], root: Path, *, queue: bool) -> tuple[set[str], list[str]]:
    """Run or queue what is not under way yet, whatever became of the others; returns who succeeded and who failed."""
    under_way = waiting(root) if missing else set()
    started, failed = set(), []
    for number, one in enumerate(missing, start=1):
        if one.name in under_way:
            say(f"note: {one.name} is queued or running already")
            continue
        say(f"{one.name}: {number} of {len(missing)}")
        try:
            start(one, root=root, on_line=say, queue=queue)
        except DvcError as error:
            say(f"{one.name}: failed: {error}")
            failed.append(one.name)
        else:
            started.add(one.name)
    return started, failed


def _write(name: str, table: pd.DataFrame, shown: str, root: Path) -> None:
    folder = root / "build/protocols"
    with replacing(folder / f"{name}.csv") as csv, replacing(folder / f"{name}.md") as markdown:
        table.to_csv(csv, index=False)
        markdown.write_text(shown, encoding="utf-8")
