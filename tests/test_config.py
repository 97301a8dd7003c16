import dataclasses
import subprocess
import sys
import time

import pytest
from omegaconf import MISSING

from unmask.config import Config, load_config
from unmask.errors import ConfigError


@pytest.fixture
def params(tmp_path, project):
    """Write a changed copy of params.yaml; gives its folder."""

    def write(old: str = "", new: str = ""):
        text = (project / "params.yaml").read_text()
        assert old in text
        (tmp_path / "params.yaml").write_text(text.replace(old, new, 1))
        return tmp_path

    return write


def check(folder, *words):
    command = [sys.executable, "-m", "unmask.config", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_our_params_are_sound(project):
    assert load_config(project).preprocess.size_px > 0


def fields_below(section):
    for field in dataclasses.fields(section):
        yield field
        if dataclasses.is_dataclass(field.type):
            yield from fields_below(field.type)


def test_no_field_has_a_default_that_dvc_would_not_see():
    none = (MISSING, dataclasses.MISSING)  # Serving is read without OmegaConf, too
    assert {field.name for field in fields_below(Config) if field.default not in none} == set()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed: 7", "sede: 7", "sede"),
        ("seed: 7", "seed: seven", "seed"),
        ("seed: 7", "", "seed"),
        ("  workers: 2", "  workers: many", "scale.workers"),
        ("  workers: 2", "  workres: 2", "scale.workres"),
        ("  min_rows: 200", "", "validate.min_rows"),
        ("  jpeg_quality: [60, 95]", "  jpeg_quality: [60, good]", "augment.jpeg_quality"),
        ("  bce_epochs: 8", "  bce_epochs: 8.5", "teach.bce_epochs"),
        ("  domain: background", "  domain: [", "params.yaml"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(params, old, new, named):
    with pytest.raises(ConfigError) as caught:
        load_config(params(old, new))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_file_says_where_to_run(tmp_path):
    with pytest.raises(ConfigError, match="run from the project's root"):
        load_config(tmp_path)


def test_an_override_wins(project):
    assert load_config(project, ["teach.optimiser.learning_rate=1.0e-4"]).teach.optimiser.learning_rate == 1e-4


def test_an_unknown_override_is_refused(project):
    with pytest.raises(ConfigError, match="nothing"):
        load_config(project, ["teach.nothing=1"])


def test_a_mistake_ends_a_program_in_three_seconds_without_a_traceback(params):
    start = time.monotonic()
    ended = check(params("  min_rows: 200", "  min_rows: lots"))
    assert time.monotonic() - start < 3
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "validate.min_rows" in ended.stderr
    assert ended.stdout == ""


def test_a_sound_file_ends_with_a_summary(project):
    ended = check(project)
    assert ended.returncode == 0
    assert ended.stderr.startswith("check: params.yaml is sound")
