"""Whatever lies in a tree: no layout breaks, takes what is not there, or loses a file in silence."""

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unmask.data.sources.layout import Finding, Layout
from unmask.data.sources.recognise import LAYOUTS, account_for_the_rest
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

WORDS = [
    *(
        "real",
        "fake",
        "unlabelled",
        "masks",
        "news",
        "pairs.csv",
        "attributes.csv",
        "metadata.json",
        "frames",
        "videos",
    ),
    *(
        "original_sequences",
        "manipulated_sequences",
        "youtube",
        "actors",
        "Deepfakes",
        "c23",
        "images",
        "000",
        "000_003",
    ),
    *("Celeb-real", "YouTube-real", "Celeb-synthesis", "id0_0000", "id0_id1_0000", "List_of_testing_videos.txt"),
    *("0_real", "1_fake", "train", "test", "nature", "ai", "horse", "biggan", "a.png", "b.mp4", "x.json", "all.csv"),
    *("dfdc_train_part_0", "splits", "01__exit_phone_room.mp4", "01_02__exit_phone_room__YVGY8LOK.mp4", "..a", " "),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["label", "frames", "original", "a", "b.mp4", "c23"]), inner, max_size=4)
    ),
    max_leaves=6,
)
CONTENT = (
    JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40) | st.just(b"path,label\na.png,real\n")
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    paths = draw(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("/".join), max_size=8))
    contents = draw(st.lists(CONTENT, min_size=1, max_size=3))
    held = {path: contents[number % len(contents)] for number, path in enumerate(paths)}
    refused = {"bad.png": "not a regular file"} if draw(st.booleans()) else {}
    return Tree("root", "root", tuple(sorted(held)), lambda path: io.BytesIO(held[path]), refused)


def found_by(layout: Layout, tree: Tree, source: str) -> Finding | None:
    try:
        finding = layout.find(tree, source)
    except DataError:
        return None
    account_for_the_rest(tree, layout, finding, source or layout.name)
    return finding


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=trees(), source=st.sampled_from(["", "mine"]))
def test_every_file_is_taken_used_or_refused(layout: Layout, tree: Tree, source: str) -> None:
    layout.recognises(tree)
    finding = found_by(layout, tree, source)
    if finding is None:
        return
    assert finding.found.keys() <= tree.members
    assert {found.mask for found in finding.found.values()} - {""} <= tree.members
    assert {found.label for found in finding.found.values()} <= {"real", "fake", "unlabelled"}
    assert not finding.found.keys() & finding.used
    for found in finding.found.values():
        assert found.source.encode()
        assert json.loads(found.attributes_json) is not None
    for item in finding.refused:
        assert (item.source + item.path + item.reason).encode()
    if not layout.selects:
        accounted = finding.found.keys() | finding.used | finding.masks
        assert {*tree.paths, *tree.refused} <= accounted
