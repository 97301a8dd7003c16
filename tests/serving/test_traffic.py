import json
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.serving.picture_quality import Quality
from unmask.serving.traffic import TrafficRow, day_of, file_name, project, read_traffic, remove_old

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
QUALITY = Quality(812.5, 0.41, 640, 480, 85, 0.12)


def row(number=0, *, time=NOON, quality=QUALITY):
    return TrafficRow(
        id=f"id-{number}",
        time=time,
        route="/predict",
        model_version="a" * 12,
        data_hash="0.dir",
        probability=0.75,
        logit=2.5,
        verdict="uncertain",
        marginals={"mouth": 0.5, "nose": 0.25},
        quality=quality,
        embedding=np.arange(16, dtype=np.float16),
    )


def same(one, other):
    return vars(one) | {"embedding": one.embedding.tolist()} == vars(other) | {"embedding": other.embedding.tolist()}


def write(state, *rows, worker="0" * 8, number=0, further=b""):
    folder = state / "traffic"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / file_name(rows[0].time.date(), worker, number)).open("ab") as stream:
        stream.write(further + b"".join(each.to_json().encode() + b"\n" for each in rows))


@pytest.mark.parametrize("quality", [QUALITY, None])
def test_a_row_survives_its_file(quality):
    line = row(quality=quality).to_json()
    assert "\n" not in line
    assert same(TrafficRow.from_json(line), row(quality=quality))


@given(
    probability=st.floats(0, 1),
    logit=st.floats(-1e4, 1e4),
    name=st.text(max_size=9),
    embedding=st.lists(st.floats(-100, 100, width=16), min_size=16, max_size=16),
)
@settings(max_examples=40)
def test_any_row_is_one_line_that_reads_back(probability, logit, name, embedding):
    given_row = TrafficRow(**vars(row()) | {"probability": probability, "logit": logit, "marginals": {name: 0.5}})
    given_row = TrafficRow(**vars(given_row) | {"embedding": np.array(embedding, np.float16)})
    line = given_row.to_json()
    assert line.isascii()
    assert "\n" not in line
    found = TrafficRow.from_json(line)
    assert found.probability == pytest.approx(probability, abs=1e-6)
    assert found.logit == pytest.approx(logit, abs=1e-5)
    assert list(found.marginals) == [name]
    np.testing.assert_allclose(found.embedding, given_row.embedding, atol=1e-3, rtol=1e-3)


@given(st.binary(max_size=80))
def test_any_other_line_is_told_apart(line):
    with pytest.raises(ValueError, match="not a traffic row"):
        TrafficRow.from_json(line)


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "perhaps"},
        {"time": "2026-11-21T12:00:00"},
        {"time": 5},
        {"probability": None},
        {"embedding": [1.0]},
        {"embedding": "x"},
        {"quality": {}},
        {"marginals": []},
        {"id": 1},
    ],
)
def test_a_row_with_a_damaged_field_is_told_apart(changed):
    with pytest.raises(ValueError, match="not a traffic row"):
        TrafficRow.from_json(json.dumps(json.loads(row().to_json()) | changed))


def test_rows_of_a_span_come_back_from_all_workers(tmp_path):
    hours = [row(number, time=NOON + timedelta(hours=6 * number)) for number in range(8)]
    write(tmp_path, *hours[:2], worker="a" * 8)
    write(tmp_path, *hours[2:6], worker="a" * 8)
    write(tmp_path, *hours[6:], worker="b" * 8, number=1)
    found = read_traffic(tmp_path, NOON + timedelta(hours=6), NOON + timedelta(hours=36))
    assert [each.id for each in found] == ["id-1", "id-2", "id-3", "id-4", "id-5"]  # the end is not within
    assert [each.id for each in found] == ["id-1", "id-2", "id-3", "id-4", "id-5"]  # as often as it is read


def test_a_row_written_after_midnight_is_found_in_the_next_days_file(tmp_path):
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    late = row(time=midnight - timedelta(milliseconds=5))
    write(tmp_path, row(1, time=midnight), late)
    assert [each.id for each in read_traffic(tmp_path, NOON, midnight - timedelta(milliseconds=1))] == ["id-0"]


def test_times_are_compared_across_zones(tmp_path):
    write(tmp_path, row(time=datetime(2026, 11, 21, 23, 30, tzinfo=UTC)))
    east = timezone(timedelta(hours=9))
    start = datetime(2026, 11, 22, 8, tzinfo=east)
    assert len(list(read_traffic(tmp_path, start, start + timedelta(hours=1)))) == 1


def test_damaged_lines_are_skipped_and_counted(tmp_path):
    write(tmp_path, row(0), further=b"\xff\xfe\n{}\n[[[[\n")
    with (tmp_path / "traffic" / file_name(NOON.date(), "0" * 8, 0)).open("ab") as stream:
        stream.write(row(1).to_json().encode()[:100])  # its worker was killed
    found = read_traffic(tmp_path, NOON, NOON + DAY)
    assert [each.id for each in found] == ["id-0"]
    assert found.damaged == 4
    list(found)
    assert found.damaged == 4


def test_deep_nesting_is_a_damaged_line(tmp_path):
    write(tmp_path, row(0), further=b"[" * 100_000 + b"\n")
    found = read_traffic(tmp_path, NOON, NOON + DAY)
    assert [each.id for each in found] == ["id-0"]
    assert found.damaged == 1


def test_nothing_was_asked_yet(tmp_path):
    assert list(read_traffic(tmp_path, NOON, NOON + DAY)) == []


def test_a_time_without_a_zone_is_refused(tmp_path):
    with pytest.raises(ValueError, match="time zone"):
        read_traffic(tmp_path, datetime(2026, 11, 21), NOON)  # noqa: DTZ001


def test_old_files_are_removed_and_others_are_not_touched(tmp_path):
    for days in range(5):
        write(tmp_path, row(time=NOON - days * DAY))
    (tmp_path / "traffic" / "2020-01-01.notes.jsonl").write_text("mine")
    (tmp_path / "traffic" / "2020-99-01.00000000.000.jsonl").write_text("no day")
    assert remove_old(tmp_path, NOON.date() - timedelta(days=2)) == 2
    left = {day for path in (tmp_path / "traffic").iterdir() if (day := day_of(path))}
    assert left == {NOON.date() - days * DAY for days in range(3)}
    assert (tmp_path / "traffic" / "2020-01-01.notes.jsonl").exists()


@pytest.mark.parametrize("name", ["x.jsonl", "2026-11-21.0000000g.000.jsonl", "2026-13-21.00000000.000.jsonl", "a"])
def test_only_its_own_files_have_a_day(tmp_path, name):
    assert day_of(tmp_path / name) is None
    assert day_of(tmp_path / file_name(date(2026, 11, 21), "0123abcd", 1000)) == date(2026, 11, 21)


@given(seed=st.integers(0, 1000), width=st.sampled_from([3, 96, 512]))
@settings(max_examples=30)
def test_a_projection_is_fixed_and_linear(seed, width):
    one, other = np.random.default_rng(seed).standard_normal((2, width)).astype(np.float32)
    assert project(one).shape == (16,)
    assert project(one).dtype == np.float16
    np.testing.assert_array_equal(project(one), project(one.copy()))
    np.testing.assert_allclose(project(one + other), project(one) + project(other), atol=0.1)


def test_a_projection_about_keeps_distances():
    points = np.random.default_rng(0).standard_normal((200, 96)).astype(np.float32)
    short = np.stack([project(point) for point in points]).astype(np.float64)
    ratio = np.linalg.norm(short[1:] - short[:-1], axis=1) / np.linalg.norm(points[1:] - points[:-1], axis=1)
    assert 0.9 < ratio.mean() < 1.1


def test_a_large_embedding_stays_finite():
    assert np.isfinite(project(np.full(96, 1e6, np.float32))).all()
