from dataclasses import replace
from pathlib import Path

import pytest

from unmask.config import load_config
from unmask.errors import ConfigError
from unmask.monitoring.settings import check_settings


def test_those_that_ship_are_sound():
    check_settings(load_config(Path(__file__).parents[2]).drift)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", 0.0),
        ("level", 1.0),
        ("permutations", 49),
        ("min_moved", 1.0),
        ("min_rows", 19),
        ("min_rows", 401),
        ("keep_reports", 0),
    ],
)
def test_one_out_of_range_is_named(settings, name, value):
    with pytest.raises(ConfigError, match=rf"drift\.{name}: {value}"):
        check_settings(replace(settings, **{name: value}))
