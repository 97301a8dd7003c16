import pickle
from dataclasses import replace

import pytest

from unmask.config import Config, Tiers
from unmask.errors import ConfigError
from unmask.evaluation.tiers.table import SWEEPS, degradations


def test_clean_comes_first_then_tiers_then_rising_strengths() -> None:
    planned = degradations(Tiers(["hard", "web"], 10, {"jpeg": [90.0, 20.0, 90.0], "blur": [0.5]}))
    assert [each.name for each in planned] == ["clean", "hard", "web", "jpeg 20", "jpeg 90", "blur 0.5"]
    assert [(each.sweep, each.x) for each in planned[2:4]] == [(None, None), ("jpeg", 20.0)]


def test_the_project_s_settings_are_sound_and_use_every_sweep(config: Config) -> None:
    planned = degradations(config.evaluate.tiers)
    assert {each.sweep for each in planned} == {None, *SWEEPS}
    assert len({each.name for each in planned}) == len(planned)


def test_degradations_travel_to_other_processes(config: Config) -> None:
    planned = degradations(config.evaluate.tiers)
    assert pickle.loads(pickle.dumps(planned)) == planned  # noqa: S301


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"named": ["harder"]}, r"named: 'harder' is not one of web, hard"),
        ({"sweeps": {"gamma": [1.0]}}, r"sweeps: 'gamma' is not one of jpeg"),
        ({"sweeps": {"jpeg": [0.0]}}, r"sweeps\.jpeg: 0 is not within 1\.\.100"),
        ({"sweeps": {"noise": [float("nan")]}}, r"sweeps\.noise: nan is not within"),
        ({"rows": 0}, r"rows: must be at least 1"),
    ],
)
def test_a_setting_out_of_its_range_is_named(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=r"evaluate\.tiers\." + message):
        degradations(replace(Tiers(["web"], 10, {}), **change))
