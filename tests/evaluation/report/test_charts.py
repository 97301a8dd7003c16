import math
from xml.etree import ElementTree as ET

import numpy as np

from unmask.evaluation.report.axes import WIDTH, Axes
from unmask.evaluation.report.charts import BINS, Series, histogram, line_chart
from unmask.evaluation.report.numbers import three

AXES = Axes("A & B", "x < 1", "y", diagonal=True)


def _parse(chart: str) -> ET.Element:
    return ET.fromstring(chart)  # noqa: S314 - made here


def _points(element: ET.Element | None) -> list[tuple[float, float]]:
    return [tuple(float(part) for part in pair.split(",")) for pair in element.get("points").split()]


def test_a_line_chart_is_sound_xml_with_its_points_inside() -> None:
    chart = _parse(str(line_chart(AXES, [Series("one <b>", "student", [0, 0.5, 1], [0, 0.9, 1], dots=True)])))
    points = _points(chart.find("polyline"))
    assert len(points) == 3
    assert all(0 <= x <= WIDTH and 0 <= y <= AXES.height for x, y in points)
    assert points[0][1] > points[2][1]  # larger values stand higher
    assert chart.get("aria-label") == "A & B. one <b>"


def test_missing_points_are_left_out() -> None:
    chart = _parse(str(line_chart(AXES, [Series("s", "student", [0, 0.5, 1], [0, math.nan, 1])])))
    assert len(_points(chart.find("polyline"))) == 2


def test_nothing_to_draw_is_said() -> None:
    assert "nothing to draw" in line_chart(AXES, [Series("s", "student", [], [])])


def test_a_band_goes_round_the_interval() -> None:
    series = Series("s", "student", [0, 1], [0.5, 0.6], [0.4, math.nan], [0.6, 0.9])
    band = _points(_parse(str(line_chart(AXES, [series]))).find("polygon"))
    assert [y for _, y in band] == [round(AXES.down(value), 1) for value in (0.4, 0.6, 0.9, 0.6)]


def test_dots_carry_whiskers() -> None:
    series = Series("s", "student", [0.2, 0.8], [0.5, 0.6], [0.4, 0.5], [0.6, 0.9], dots=True)
    chart = _parse(str(line_chart(AXES, [series])))
    assert len([line for line in chart.findall("line") if line.get("class") == "whisker student"]) == 2
    assert len(chart.findall("circle")) == 2


def test_histogram_bars_hold_every_value_once() -> None:
    values = np.random.default_rng(0).random(500)
    chart = _parse(str(histogram(AXES, [("real", "real", values)], [("fake", 0.9), ("real", 0.2)], three)))
    bars = [float(bar.get("height")) for bar in chart.findall("rect")]
    assert len(bars) == BINS
    assert all(0 < height < AXES.height for height in bars)


def test_a_histogram_of_no_values_is_empty() -> None:
    assert _parse(str(histogram(AXES, [("real", "real", np.zeros(0))], [], three))).findall("rect") == []


def test_the_summary_is_read_aloud() -> None:
    assert 'aria-label="A &amp; B. falls"' in line_chart(AXES, [Series("s", "student", [0, 1], [1, 0])], "falls")
