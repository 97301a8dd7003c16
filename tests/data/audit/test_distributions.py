import re

import pandas as pd
import pytest

from unmask.data.audit.distributions import BINS, HEIGHT, MOST_SOURCES, small_multiples


def rows(**changed: object) -> pd.DataFrame:
    count = 40
    usual = {
        "source": ["<web>"] * count,
        "label": ["real", "fake"] * (count // 2),
        "picture_width": [64, 256] * (count // 2),
        "picture_height": [64, 256] * (count // 2),
        "jpeg_quality": [75, -1] * (count // 2),
        "sharpness": [10.0] * count,
        "brightness": [0.25, 0.75] * (count // 2),
    }
    return pd.DataFrame({**usual, **changed})


def charts(frame: pd.DataFrame) -> list[dict[str, str]]:
    """What each chart says of itself, and its outline by label."""
    pieces = re.findall(r"<svg.*?</svg>", "".join(small_multiples(frame)))
    told = [{"says": re.search(r"aria-label='(.*?)'", piece)[1]} for piece in pieces]
    return [
        each | dict(re.findall(r"<path class=(\w+) d='(.*?)'", piece)) for each, piece in zip(told, pieces, strict=True)
    ]


def test_each_source_has_a_chart_a_quantity_and_its_name_is_escaped():
    assert len(charts(rows())) == 4
    assert "&lt;web&gt;" in "".join(small_multiples(rows()))


def test_labels_that_differ_stand_at_opposite_ends():
    real, fake = (charts(rows())[0][label] for label in ("real", "fake"))
    assert real.startswith(f"M0 {HEIGHT}V2.0H10V{HEIGHT}.0")
    assert fake.endswith(f"V2.0H240V{HEIGHT}Z")
    assert real.count("H") == fake.count("H") == BINS


def test_a_class_that_has_no_value_is_left_out():
    quality = charts(rows())[1]
    assert "fake" not in quality
    assert quality["says"] == "JPEG quality: median real 75"


def test_a_quantity_that_nothing_has_is_left_out():
    assert len(charts(rows(jpeg_quality=[-1] * 40))) == 3


def test_medians_stand_in_words():
    assert "median real 64, fake 256" in "".join(small_multiples(rows()))


def test_many_sources_are_counted_not_drawn():
    many = [f"s{n:02}" for n in range(20) for _ in range(2)]
    html = "".join(small_multiples(rows(source=many)))
    assert html.count("<h3>") == MOST_SOURCES
    assert "8 smaller sources are not drawn" in html


@pytest.mark.parametrize("column", ["sharpness", "brightness"])
def test_a_constant_is_drawn_in_the_middle(column):
    found = charts(rows(**{column: [0.5] * 40}))
    assert len(found) == 4
