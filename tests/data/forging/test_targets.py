import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.data.forging.targets import Regions, is_consistent, row_targets
from unmask.labels.graph import BINARY, FFPP, FFSC, REGIONS

GENERATORS = (
    "selfblend",
    "region-eyes",
    "region-skin",
    "faceswap",
    "face2face",
    "sdxl",
    "warp",
    "regionedit",
    "fomm",
    "wav2lip",
    "nobody",
)
ALL = frozenset(REGIONS)


def vector(generator: str, altered: set[str], *, physical: bool = True) -> str:
    regions = Regions(frozenset(altered), ALL)
    target, known = row_targets(generator, regions, FFPP, physical_inconsistency=physical)
    bits = ["?" if not sure else str(value) for value, sure in zip(target, known, strict=True)]
    return f"{bits[0]} {''.join(bits[1:4])} {''.join(bits[4:])}"


def test_a_self_blended_face_is_identity_physics_and_what_its_mask_covers():
    assert vector("selfblend", {"eye", "nose"}) == "1 011 100010"


@pytest.mark.parametrize(
    ("generator", "altered", "expected"),
    [
        ("region-eyes", {"eye"}, "1 001 100000"),
        ("region-mouth", {"lip", "mouth"}, "1 001 001100"),
        ("region-nose", {"nose"}, "1 001 000010"),
    ],
)
def test_region_edits_have_the_published_vectors(generator, altered, expected):
    assert vector(generator, altered) == expected


def test_skin_alone_leaves_its_globals_open():
    assert vector("region-skin", {"skin"}) == "1 ??? 000001"


def test_a_mask_without_a_region_takes_back_the_globals():
    assert vector("selfblend", set()) == "1 0?? 000000"


def test_a_region_that_the_crop_does_not_show_is_unknown():
    target, known = row_targets("faceswap", Regions(ALL, ALL - {"mouth"}), FFPP, physical_inconsistency=True)
    mouth = FFPP.names.index("mouth")
    assert (target[mouth], known[mouth]) == (0, 0)


def test_without_a_mask_the_manipulation_decides_on_what_the_crop_shows():
    shown = Regions(None, ALL - {"skin", "lip"})
    target, known = row_targets("Deepfakes", shown, FFPP, physical_inconsistency=True)
    assert target.tolist() == [1, 0, 1, 1, 1, 1, 0, 1, 1, 0]
    assert known.tolist() == [1, 1, 1, 1, 1, 1, 0, 1, 1, 0]


def test_without_a_mask_and_landmarks_the_manipulation_decides():
    target, known = row_targets("Deepfakes", None, FFPP, physical_inconsistency=True)
    assert target.tolist() == [1, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    assert known.all()


@pytest.mark.parametrize("graph", [FFPP, FFSC, BINARY], ids=lambda graph: graph.key)
@given(
    generator=st.sampled_from(GENERATORS),
    visible=st.sets(st.sampled_from(REGIONS)),
    altered=st.none() | st.sets(st.sampled_from(REGIONS)),
    physical=st.booleans(),
)
def test_every_vector_fits_a_legal_state(graph, generator, visible, altered, physical):
    target, known = row_targets(generator, Regions(altered, visible), graph, physical_inconsistency=physical)
    assert (target[0], known[0]) == (1, 1)
    assert not target[known == 0].any()
    assert is_consistent(target, known, graph)
