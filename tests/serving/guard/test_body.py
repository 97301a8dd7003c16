import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.serving.guard.body import BodyLimit, announced_bytes

LIMIT = {"megabytes": 0.001}


@given(st.lists(st.binary(max_size=600), min_size=1, max_size=4))
def test_a_body_passes_whole_up_to_the_limit_and_none_beyond(ask, guarded, echo, chunks):
    told = ask(guarded(BodyLimit, echo, **LIMIT), chunks=chunks)
    size = sum(map(len, chunks))
    assert told.status == (200 if size <= 1000 else 413)
    assert told.json.get("bytes", size) == size


def test_an_announced_size_is_refused_before_anything_is_read(ask, guarded, echo):
    told = ask(guarded(BodyLimit, echo, **LIMIT), headers={"content-length": "1001"}, chunks=[b"a", b"b"])
    assert (told.status, told.taken) == (413, 0)
    assert told.json["error"] == "request larger than 0.001 MB; send less at a time"
    assert told.json["request_id"] == told.headers["x-request-id"]


def test_it_stops_reading_at_the_limit(ask, guarded, echo):
    told = ask(guarded(BodyLimit, echo, **LIMIT), chunks=[b"x" * 400] * 100)
    assert (told.status, told.taken) == (413, 3)


@pytest.mark.parametrize("said", ["", "-5", "abc", "1e9", "\u00b2", "0x10"])
def test_a_length_that_is_none_counts_as_not_announced(said):
    assert announced_bytes({"type": "http", "headers": [(b"content-length", said.encode("latin-1", "replace"))]}) == 0
