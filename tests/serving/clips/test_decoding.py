import dataclasses
import io
import json
import subprocess
import sys

import pytest

from unmask.errors import ConfigError, DataError, ResourceError
from unmask.serving.clips import decoding
from unmask.serving.clips.decoding import Task

TASK = Task(frames=4, max_megapixels=1.0, max_duration_s=60.0, memory_megabytes=1000, processor_s=20)


def confined(code, **changes):
    """Run CODE in a process that has given up what decoding does not need; its exit code and last line of error."""
    task = json.dumps(dataclasses.asdict(dataclasses.replace(TASK, **changes)))
    start = "import json, sys; from unmask.serving.clips.decoding import Task, confine; "
    words = [sys.executable, "-c", f"{start}confine(Task(**json.loads(sys.argv[1]))); {code}", task]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


def test_memory_is_bounded():
    assert confined("bytearray(900_000_000)", memory_megabytes=600)[1] == "MemoryError"
    assert confined("bytearray(100_000_000)", memory_megabytes=600)[0] == 0


def test_processor_time_is_bounded():
    assert confined("[None for _ in iter(int, 1)]", processor_s=1)[0] < 0


def test_no_file_can_be_written(tmp_path):
    code, said = confined(f"import os; os.write(os.open({str(tmp_path / 'a')!r}, os.O_CREAT | os.O_WRONLY), b'x')")
    assert code
    assert "File too large" in said


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ResourceError("memory ran out"), 413, "the clip takes more memory to decode than a clip may"),
        (MemoryError(), 413, "the clip takes more memory to decode than a clip may"),
        (DataError("no frame can be decoded"), 400, "no frame can be decoded"),
        (ConfigError("clips need the extra"), 501, "clips need the extra"),
    ],
)
def test_what_goes_wrong_is_said(monkeypatch, capfdbinary, error, status, said):
    def fail(data, *, max_megapixels):
        raise error

    monkeypatch.setattr(decoding, "confine", lambda task: None)
    monkeypatch.setattr(decoding, "probe", fail)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"clip")))
    decoding.main(TASK)
    failure = json.loads(capfdbinary.readouterr().out)
    assert failure["status"] == status
    assert failure["error"].startswith(said)


@pytest.mark.parametrize("module", ["numpy", "torch", "onnxruntime", "bentoml", "fastapi"])
def test_it_starts_light(module):
    code = f"import sys, unmask.serving.clips.decoding; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
