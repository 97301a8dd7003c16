import os
import signal
import subprocess
import sys
import time

import pytest

HANGS = "import os, time; print(os.getpgid(0), flush=True); time.sleep(300)"
STUBBORN = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {HANGS}"
ASKS = """\
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "unmask.watchdog", sys.executable, "-c", sys.argv[1]],
                         stdin=subprocess.PIPE)
time.sleep(300)
"""


def is_gone(group: int, seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("script", [HANGS, STUBBORN], ids=["polite", "stubborn"])
def test_the_group_ends_with_whoever_asked_however_that_dies(script):
    asker = subprocess.Popen([sys.executable, "-c", ASKS, script], stdout=subprocess.PIPE, text=True)
    group = int(asker.stdout.readline())
    asker.send_signal(signal.SIGKILL)
    asker.wait()
    assert is_gone(group)
    asker.stdout.close()


def test_the_commands_own_code_is_kept():
    command = [sys.executable, "-m", "unmask.watchdog", sys.executable, "-c", "import sys; sys.exit(7)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # the pipe stays open meanwhile
        assert process.wait(60) == 7
