"""An ingest that is killed, as a process, at a step that matters, and run again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import unmask.data.ingest
from unmask.data.batches import list_batches
from unmask.data.ingest import ingest

SHARD_BYTES = 20_000
take = partial(ingest, today="2026-11-21")
# The child writes small shards slowly, so that the kill meets it between two of them.
CHILD = """
import sys, time
from pathlib import Path
import unmask.data.ingest as module
module.SHARD_BYTES = {size}
write = module._write_shard
def slowly(*arguments, **named):
    rows = write(*arguments, **named)
    time.sleep(0.5)
    return rows
module._write_shard = slowly
module.ingest(Path({root!r}), Path({data!r}), today="2026-11-21")
"""


def contents(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


def test_killed_between_shards_and_run_again_it_equals_an_uninterrupted_run(
    tmp_path: Path, make_source: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmask.data.ingest, "SHARD_BYTES", SHARD_BYTES)
    first, second = make_source(tmp_path / "first"), make_source(tmp_path / "second", "blog", first_seed=500)
    for data in ("whole", "killed"):
        take(first, tmp_path / data)
    before = contents(tmp_path / "killed")
    take(second, tmp_path / "whole")

    data = tmp_path / "killed"
    script = CHILD.format(size=SHARD_BYTES, root=str(second), data=str(data))
    child = subprocess.Popen([sys.executable, "-c", script], env=dict(os.environ), stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(list(data.glob(".*.tmp/shard-*.zip"))) < 2 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    unfinished = list(data.glob(".*.tmp/shard-*.zip"))
    assert unfinished
    assert len(list_batches(data)) == 1
    assert {path: content for path, content in contents(data).items() if not path.startswith(".")} == before

    take(second, data)
    assert contents(data) == contents(tmp_path / "whole")
