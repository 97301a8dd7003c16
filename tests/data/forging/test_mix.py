import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faces import expand_settings
from unmask.data.forging.mix import METHODS, Mix, mix_of
from unmask.errors import ConfigError


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"region_methods": {"donor": 1.0, "glue": 0.0}}, "expand.region_methods: 'glue' is none of"),
        ({"skin_methods": {"self": 0.7}}, "expand.skin_methods: shares of"),
        ({"skin_methods": {}}, "expand.skin_methods: shares of"),
        ({"region_methods": {"self": 1.5, "warp": -0.5}}, "expand.region_methods: shares of"),
        ({"poisson_share": 1.2}, "expand.poisson_share: 1.2 is not"),
        ({"colour_space": "hsv"}, "expand.colour_space: 'hsv' is none of rgb, ycbcr"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(changed, message):
    with pytest.raises(ConfigError, match=message):
        mix_of(expand_settings(**changed))


def test_the_projects_own_settings_are_sound():
    assert mix_of(expand_settings()).poisson_share == 0


@given(draw=st.floats(0, 1, exclude_max=True), shares=st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_a_draw_falls_to_a_method_that_has_a_share(draw, shares):
    total = sum(shares)
    methods = {name: share / total for name, share in zip(METHODS, shares, strict=True)}
    assert Mix(methods, {"self": 1.0}, 0.0, "rgb").method("nose", draw) in METHODS
    assert Mix(methods, {"self": 1.0}, 0.0, "rgb").method("skin", draw) == "self"


def test_shares_are_taken_in_the_order_of_the_methods():
    mix = Mix({"donor": 0.6, "self": 0.3, "warp": 0.1}, {"self": 1.0}, 0.0, "rgb")
    assert [mix.method("eyes", draw) for draw in (0.0, 0.59, 0.61, 0.89, 0.91)] == [
        *("donor", "donor", "self", "self", "warp")
    ]
