import pytest

from unmask.errors import DataError
from unmask.evaluation.report.numbers import number, percent, three


def test_a_record_is_read_with_its_rows() -> None:
    found = number({"value": 0.5, "low": 0.4, "high": 0.6, "n_real": 3, "n_fake": 4})
    assert (found.value, found.low, found.high, found.n_real, found.n_fake) == (0.5, 0.4, 0.6, 3, 4)


@pytest.mark.parametrize("record", [None, {}, {"value": None}])
def test_what_was_not_measured_says_so(record: object) -> None:
    assert number(record).reason == "not measured"


def test_the_reason_is_kept() -> None:
    assert number({"value": None, "reason": "only 3 fake"}).reason == "only 3 fake"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", True])
def test_a_value_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="no finite number"):
        number({"value": value})


def test_numbers_are_written_with_a_true_minus() -> None:
    assert (three(-0.1234), three(None), percent(-0.021), percent(0.5)) == (
        "\N{MINUS SIGN}0.123",
        "\N{EN DASH}",
        "\N{MINUS SIGN}2.1 %",
        "50.0 %",
    )
