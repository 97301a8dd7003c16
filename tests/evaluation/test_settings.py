import dataclasses
from pathlib import Path

import pytest

from unmask.config import load_config
from unmask.errors import ConfigError
from unmask.evaluation.settings import check_settings


def test_the_project_s_own_settings_pass(project: Path) -> None:
    check_settings(load_config(project).evaluate)


@pytest.mark.parametrize(
    ("name", "value"),
    [("fake_fpr", 5.0), ("fake_fpr", 0.0), ("real_miss", 1.0), ("confidence", 95.0), ("bootstrap", 0)],
)
def test_a_setting_out_of_its_range_is_named(project: Path, name: str, value: float) -> None:
    settings = dataclasses.replace(load_config(project).evaluate, **{name: value})
    with pytest.raises(ConfigError, match=rf"evaluate\.{name}: .*{value:g}"):
        check_settings(settings)
