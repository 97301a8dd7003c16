import json
import logging
import sys

from hypothesis import given
from hypothesis import strategies as st

from unmask.serving.logs import EVENT, JsonFormatter, service_log


def record(message, **further):
    made = logging.LogRecord("unmask.service", logging.INFO, "", 0, message, (), None)
    setattr(made, EVENT, further)
    return made


@given(st.text(), st.text())
def test_no_text_can_forge_a_line(message, value):
    line = JsonFormatter().format(record(message.replace("%", ""), value=value))
    assert line.isascii()
    assert line.isprintable()
    read = json.loads(line)
    assert (read["event"], read["value"]) == (message.replace("%", ""), value)


def test_a_traceback_stands_in_its_line():
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    line = JsonFormatter().format(made)
    assert "\n" not in line
    assert json.loads(line)["traceback"].endswith("ValueError: first\nsecond\n")


def test_the_time_is_utc_with_milliseconds():
    made = record("x")
    made.created = 0.25
    assert json.loads(JsonFormatter().format(made))["time"] == "1970-01-01T00:00:00.250+00:00"


def test_there_is_one_handler_and_nothing_is_repeated_by_the_root():
    assert service_log() is service_log()
    assert len([handler for handler in service_log().handlers if isinstance(handler.formatter, JsonFormatter)]) == 1
    assert not service_log().propagate
