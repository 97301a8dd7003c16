import os
import subprocess
import sys

import pytest

from unmask.retraining.lock import LOCK, BusyError, only_run

HOLDS = """\
import sys, time
from pathlib import Path
from unmask.retraining.lock import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""


def test_a_second_one_is_told_who_is_at_work(tmp_path):
    with (
        only_run(tmp_path),
        pytest.raises(BusyError, match=f"process {os.getpid()}.* is at work since 20"),
        only_run(tmp_path),
    ):
        pass
    with only_run(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BusyError), only_run(tmp_path):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with only_run(tmp_path):
        pass


def test_a_process_that_inherited_it_keeps_it(tmp_path):
    with only_run(tmp_path) as lock:
        child = subprocess.Popen(["sleep", "300"], pass_fds=[lock])
    with pytest.raises(BusyError), only_run(tmp_path):
        pass
    child.kill()
    child.wait()
    with only_run(tmp_path):
        pass


def test_a_damaged_lock_file_locks_all_the_same(tmp_path):
    with only_run(tmp_path):
        (tmp_path / LOCK).write_text("[]")
        with pytest.raises(BusyError, match="another retrain or ingest is at work"), only_run(tmp_path):
            pass
