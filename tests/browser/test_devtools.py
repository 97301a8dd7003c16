import os
import subprocess

import pytest

from tests.browser import devtools


def test_a_silent_browser_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devtools, "PATIENCE", 0.05)
    (reader, writer), (theirs, ours) = os.pipe(), os.pipe()
    try:
        with pytest.raises(AssertionError, match="said nothing for 0"):
            devtools.Browser(reader, ours)
    finally:
        for descriptor in (reader, writer, theirs, ours):
            os.close(descriptor)


def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devtools, "PATIENCE", 0.1)
    deaf = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with subprocess.Popen(["bash", "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        devtools._end(process)
        assert process.returncode == -9
