import math
from xml.etree import ElementTree as ET

import numpy as np
from unmask.evaluation.charts import HEIGHT, WIDTH, Axes, Series, histogram, line_chart

AXES = Axes("A & B", "x < 1", "y", diagonal=True)
SVG = "{http://www.w3.org/2000/svg}"


def _parse(chart: str) -> ET.Element:
    return ET.fromstring(chart)  # noqa: S314 - made here


def _points(chart: str) -> list[tuple[float, float]]:
    line = _parse(chart).find(f"{SVG}polyline")
    return [tuple(float(part) for part in pair.split(",")) for pair in line.get("points").split()]


def test_a_line_chart_is_sound_xml_with_its_points_inside() -> None:
    points = _points(str(line_chart(AXES, [Series("one <b>", "student", [0, 0.5, 1], [0, 0.9, 1], dots=True)])))
    assert len(points) == 3
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[0][1] > points[2][1]  # larger values stand higher


def test_missing_points_are_left_out() -> None:
    assert len(_points(str(line_chart(AXES, [Series("s", "student", [0, 0.5, 1], [0, math.nan, 1])])))) == 2


def test_nothing_to_draw_is_said() -> None:
    assert "nothing to draw" in line_chart(AXES, [Series("s", "student", [], [])])


def test_histogram_bars_hold_every_value_once() -> None:
    values = np.random.default_rng(0).random(500)
    chart = _parse(str(histogram(AXES, [("real", "real", values)], [("fake", 0.9), ("real", 0.2)])))
    bars = [float(bar.get("height")) for bar in chart.findall(f"{SVG}rect")]
    top = float(chart.findall(f"{SVG}line")[0].get("y1"))
    assert len(bars) == 25
    assert all(0 < height < top for height in bars)


def test_a_histogram_of_no_values_is_empty() -> None:
    chart = _parse(str(histogram(AXES, [("real", "real", np.zeros(0))], [])))
    assert chart.findall(f"{SVG}rect") == []


def test_ticks_never_show_a_negative_zero() -> None:
    assert ">-0<" not in line_chart(AXES, [Series("s", "student", [0, 1], [0, 1])])
