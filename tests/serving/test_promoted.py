import fcntl
import json
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unmask.serving.promoted
from unmask.errors import DataError
from unmask.serving.bundle import load_bundle
from unmask.serving.promoted import bundle_of, load_promoted, promote, read_pointer, rollback

VERSIONS = ["a" * 12, "b" * 12, "c" * 12]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def versions(shared_bundle, other_bundle):
    return load_bundle(shared_bundle).version, load_bundle(other_bundle).version


def point(state: Path, **changed: object) -> None:
    """Write a pointer by hand."""
    version = "a" * 12
    whole = {"version": version, "bundle": f"bundles/{version}", "time": "now", "reason": "", "before": []}
    state.mkdir(exist_ok=True)
    (state / "promoted.json").write_text(json.dumps(whole | changed))


def test_a_promotion_copies_the_bundle_and_names_it(state, shared_bundle, versions):
    promoted = promote(shared_bundle, state, "first of all")
    assert read_pointer(state) == promoted
    assert (promoted.version, promoted.reason, promoted.before) == (versions[0], "first of all", [])
    assert load_bundle(state / promoted.bundle) == load_bundle(shared_bundle)
    assert load_promoted(versions[0], state).bundle.version == versions[0]
    assert {path.name for path in state.iterdir()} == {
        *("promoted.json", "promotions.jsonl", "bundles", ".promoting.lock")
    }


def test_nothing_is_promoted_at_first(state):
    assert read_pointer(state) is None
    with pytest.raises(DataError, match="nothing is promoted; run `unmask promote`"):
        rollback(state)


def test_a_rollback_goes_to_the_version_before(state, shared_bundle, other_bundle, versions):
    promote(shared_bundle, state, "")
    assert promote(other_bundle, state, "").before == [versions[0]]
    back = rollback(state)
    assert (back.version, back.before, back.reason) == (versions[0], [], f"rollback from {versions[1]}")
    assert read_pointer(state) == back
    with pytest.raises(DataError, match=f"nothing was promoted before {versions[0]}"):
        rollback(state)


@given(steps=st.lists(st.sampled_from([*VERSIONS, "back"]), max_size=12))
@settings(deadline=None, max_examples=30)
def test_promotions_are_a_stack(steps, tmp_path_factory):
    state, stack = tmp_path_factory.mktemp("state"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unmask.serving.promoted, "Runtime", lambda folder, threads: Named(folder))
        patch.setattr(unmask.serving.promoted, "_keep", lambda runtime, state: False)
        for step in steps:
            if step == "back" and len(stack) < 2:
                with pytest.raises(DataError):
                    rollback(state)
            elif step == "back":
                stack.pop()
                assert rollback(state).version == stack[-1]
            else:
                stack += [step] if stack[-1:] != [step] else []
                promote(state / "bundles" / step, state, "")
            found = read_pointer(state)
            assert stack == ([*found.before, found.version] if found else [])


class Named:
    """A runtime of which only the version is looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = type("Bundle", (), {"version": folder.name})


def test_promoting_what_is_promoted_changes_nothing(state, shared_bundle):
    first = promote(shared_bundle, state, "one")
    assert promote(shared_bundle, state, "two") == first
    assert len((state / "promotions.jsonl").read_text().splitlines()) == 1


def test_the_history_says_what_was_decided(state, shared_bundle, other_bundle, versions):
    promote(shared_bundle, state, "one")
    promote(other_bundle, state, "two\n{}\x1b[2J")
    rollback(state)
    rows = [json.loads(line) for line in (state / "promotions.jsonl").read_text().splitlines()]
    assert [(row["action"], row["version"]) for row in rows] == [
        ("promote", versions[0]),
        ("promote", versions[1]),
        ("rollback", versions[0]),
    ]
    assert "\x1b" not in (state / "promotions.jsonl").read_text()


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors", "CARD.md"])
def test_a_damaged_bundle_is_not_promoted(state, bundle_folder, shared_bundle, name):
    before = promote(shared_bundle, state, "")
    damaged = bytearray((bundle_folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (bundle_folder / name).write_bytes(damaged)
    with pytest.raises(DataError, match=f"{name}: changed since it was packaged"):
        promote(bundle_folder, state, "")
    assert read_pointer(state) == before


def test_a_bundle_that_scores_otherwise_is_not_promoted(state, bundle_folder):
    described = json.loads((bundle_folder / "bundle.json").read_text())
    described["self_test"][0]["logit"] += 1.0
    (bundle_folder / "bundle.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="self-test picture 1"):
        promote(bundle_folder, state, "")
    assert read_pointer(state) is None
    assert not (state / "bundles").exists()


def test_a_stored_bundle_that_was_damaged_is_stored_again(state, shared_bundle, other_bundle):
    version = promote(shared_bundle, state, "").version
    (state / "bundles" / version / "model.onnx").write_bytes(b"rotten")
    assert promote(shared_bundle, state, "again").reason == "again"
    assert load_promoted(version, state).bundle == load_bundle(shared_bundle)


def test_a_rollback_to_a_damaged_bundle_is_refused(state, shared_bundle, other_bundle, versions):
    promote(shared_bundle, state, "")
    promoted = promote(other_bundle, state, "")
    (state / "bundles" / versions[0] / "model.onnx").write_bytes(b"rotten")
    with pytest.raises(DataError, match=r"model\.onnx: changed since it was packaged"):
        rollback(state)
    assert read_pointer(state) == promoted


def test_what_a_killed_promotion_left_is_cleared(state, shared_bundle):
    left = state / "bundles" / ".aaaaaaaaaaaa.12345678.tmp"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(b"half")
    version = promote(shared_bundle, state, "").version
    assert [path.name for path in (state / "bundles").iterdir()] == [version]


@pytest.mark.parametrize(
    "changed",
    [
        {"bundle": "../elsewhere"},
        {"bundle": "/etc"},
        {"bundle": "bundles/../../x"},
        {"bundle": "bundles/bbbbbbbbbbbb"},
        {"version": "../../../etc/x", "bundle": "bundles/../../../etc/x"},
        {"version": "A" * 12, "bundle": f"bundles/{'A' * 12}"},
        {"before": ["../x"]},
        {"before": "aaaaaaaaaaaa"},
        {"reason": None},
        {"further": 1},
        {"reason": "x" * 70_000},
    ],
)
def test_a_pointer_that_names_anything_else_is_refused(state, changed):
    point(state, **changed)
    with pytest.raises(DataError, match=r"promoted\.json: not a pointer .*; remove it and promote again"):
        read_pointer(state)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 20_000, '"\ud800"', "\x00"])
def test_a_pointer_that_is_no_json_is_refused(state, text):
    state.mkdir()
    (state / "promoted.json").write_text(text, errors="surrogatepass")
    with pytest.raises(DataError, match="not a pointer"):
        read_pointer(state)


def test_a_damaged_pointer_is_not_written_over(state, shared_bundle):
    point(state, version=1)
    with pytest.raises(DataError, match="remove it and promote again"):
        promote(shared_bundle, state, "")


def test_a_link_out_of_the_folder_is_not_followed(state, shared_bundle):
    (state / "bundles").mkdir(parents=True)
    (state / "bundles" / ("a" * 12)).symlink_to(shared_bundle)
    with pytest.raises(DataError, match="a link that leads out"):
        bundle_of("a" * 12, state)


def test_a_folder_with_another_version_is_refused(state, shared_bundle):
    shutil.copytree(shared_bundle, state / "bundles" / ("a" * 12))
    with pytest.raises(DataError, match="holds version"):
        load_promoted("a" * 12, state)


def test_two_promotions_at_once_are_refused(state, shared_bundle):
    state.mkdir()
    with (state / ".promoting.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another promotion is running"):
            promote(shared_bundle, state, "")
    assert promote(shared_bundle, state, "")


def test_a_reader_meets_only_whole_pointers(state, shared_bundle, other_bundle, versions):
    promote(shared_bundle, state, "")
    done, read = threading.Event(), []

    def watch() -> None:
        while not done.is_set():
            read.append(read_pointer(state))

    reader = threading.Thread(target=watch)
    reader.start()
    for _ in range(5):
        promote(other_bundle, state, "")
        rollback(state)
    done.set()
    reader.join()
    assert {pointer.version for pointer in read} == set(versions)
