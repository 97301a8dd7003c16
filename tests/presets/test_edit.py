import re
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.config import load_config
from unmask.errors import ConfigError
from unmask.presets import edit
from unmask.presets.edit import apply_preset, presets


@pytest.fixture
def root(tmp_path: Path, project: Path) -> Path:
    (tmp_path / "params.yaml").write_bytes((project / "params.yaml").read_bytes())
    return tmp_path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A preset called `own` instead of the published ones."""
    folder = tmp_path / "presets"
    folder.mkdir()
    monkeypatch.setattr(edit, "FOLDER", folder)
    return lambda text: (folder / "own.yaml").write_text(text) and None


@pytest.mark.parametrize("name", presets())
def test_a_preset_makes_a_sound_file_whose_comments_stay(root: Path, name: str) -> None:
    def comments() -> list[str]:
        return re.findall(r"# .*", (root / "params.yaml").read_text())

    before = comments()
    changes = apply_preset(name, root, write=True)
    assert changes
    assert comments() == before
    config = load_config(root)
    assert config.method in name
    assert apply_preset(name, root, write=True) == []


def test_a_dry_run_says_the_same_and_writes_nothing(root: Path) -> None:
    before = (root / "params.yaml").read_bytes()
    told = apply_preset("sjedd-vitb32", root, write=False)
    assert (root / "params.yaml").read_bytes() == before
    assert told == apply_preset("sjedd-vitb32", root, write=True)


def test_lines_that_do_not_change_stay_as_they_are(root: Path, own: Callable[[str], None]) -> None:
    own("# mine\nteach: {optimiser: {learning_rate: 6.0e-7}}\n")
    before = (root / "params.yaml").read_text()
    (change,) = apply_preset("own", root, write=True)
    assert (change.key, change.before, change.after) == ("teach.optimiser.learning_rate", "3.0e-3", "6.0e-7")
    assert (root / "params.yaml").read_text() == before.replace("learning_rate: 3.0e-3", "learning_rate: 6.0e-7")


def test_free_form_values_are_replaced_whole(root: Path, own: Callable[[str], None]) -> None:
    own("# mine\nencoder: {args: {depth: 3}}\naugment: {jpeg_quality: [1, 2]}  # not to be copied\n")
    told = {change.key: (change.before, change.after) for change in apply_preset("own", root, write=True)}
    assert told["encoder.args"] == ("{channels: [32, 48, 96, 192]}", "{depth: 3}")
    config = load_config(root)
    assert config.encoder.args == {"depth": 3}
    assert config.augment.jpeg_quality == [1, 2]
    assert "not to be copied" not in (root / "params.yaml").read_text()


@pytest.mark.parametrize(("text", "named"), [("sede: 3", "sede"), ("seed: many", "seed")])
def test_a_wrong_preset_is_named_and_changes_nothing(
    root: Path, own: Callable[[str], None], text: str, named: str
) -> None:
    own(f"# mine\n{text}\n")
    before = (root / "params.yaml").read_bytes()
    with pytest.raises(ConfigError, match=named):
        apply_preset("own", root, write=True)
    assert (root / "params.yaml").read_bytes() == before


def test_an_unknown_preset_names_those_there_are(root: Path) -> None:
    with pytest.raises(ConfigError, match="sagnet-vitl14, sjedd-vitb32"):
        apply_preset("vit", root, write=True)
