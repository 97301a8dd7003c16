import numpy as np
import pytest

from unmask.labels.graph import BINARY, FFPP, FFSC, LabelGraph
from unmask.labels.table import EDITS, targets

FFPP_VECTORS = {
    "camera": "0 000 000000",
    "Deepfakes": "1 011 111111",
    "FaceSwap": "1 011 111111",
    "Face2Face": "1 101 001100",
    "NeuralTextures": "1 101 001100",
    "region-eyes": "1 001 100000",
    "region-mouth": "1 001 001100",
    "region-nose": "1 001 000010",
}
FFSC_VECTORS = {  # 2: not annotated
    "camera": "0 00000 000000",
    "age": "1 10000 100001",
    "smile": "1 01000 001100",
    "surprise": "1 01000 101111",
    "gender": "1 20110 111101",
    "identity": "1 20010 111111",
    "pose": "1 00001 111111",
}


def bits(text: str) -> list[int]:
    return [int(character) for character in text.replace(" ", "")]


def every_generator() -> list[str]:
    return [name for names in EDITS.values() for name in names]


def consistent(generator: str, graph: LabelGraph, *, physical_inconsistency: bool) -> bool:
    target, known = targets(generator, graph, physical_inconsistency=physical_inconsistency)
    where = known.astype(bool)
    return bool((graph.legal_states()[:, where] == target[where]).all(axis=1).any())


@pytest.mark.parametrize(("generator", "vector"), FFPP_VECTORS.items())
def test_published_vectors_of_ffpp(generator: str, vector: str) -> None:
    """U-G2."""
    target, known = targets(generator, FFPP, physical_inconsistency=True)
    assert target.tolist() == bits(vector)
    assert known.all()
    assert FFPP.is_legal(target[None])[0]


@pytest.mark.parametrize(("generator", "vector"), FFSC_VECTORS.items())
def test_published_vectors_of_ffsc(generator: str, vector: str) -> None:
    target, known = targets(generator, FFSC, physical_inconsistency=True)
    assert [value if sure else 2 for value, sure in zip(target, known, strict=True)] == bits(vector)


def test_without_physical_inconsistency_swaps_have_it_off_and_known() -> None:
    target, known = targets("Deepfakes", FFPP, physical_inconsistency=False)
    assert target.tolist() == bits("1 010 111111")
    assert known.all()


def test_the_only_global_of_a_region_edit_stays_on() -> None:
    target, _ = targets("region-nose", FFPP, physical_inconsistency=False)
    assert target.tolist() == bits("1 001 000010")


@pytest.mark.parametrize("generator", ["stylegan2", "sdxl", "resynthesis"])
def test_a_synthetic_face_is_identity_inconsistency_and_all_regions(generator: str) -> None:
    target, known = targets(generator, FFPP, physical_inconsistency=True)
    assert target.tolist() == bits("1 011 111111")
    assert known.tolist() == bits("1 011 111111")


IDENTITY, EXPRESSION, WHOLE = "1 011 111111", "1 101 001100", "1 211 111111"
PUBLISHED = {  # as folders and lists of the sets spell them; 2: not known
    **dict.fromkeys(("FaceShifter", "DeepFakeDetection", "FF-DF", "FF-FS", "FF-FH", "deepfake"), IDENTITY),
    **dict.fromkeys(("Celeb-synthesis", "CelebDFv2_fake", "dfdc", "DFDC_Fake", "DFDCP_FakeA"), IDENTITY),
    **dict.fromkeys(("DeeperForensics-1.0", "end_to_end", "UADFV_Fake", "DeepFaceLab", "MobileSwap"), IDENTITY),
    **dict.fromkeys(("FF-F2F", "FF-NT"), EXPRESSION),
    **dict.fromkeys(("fomm", "facevid2vid", "MRAA", "one_shot_free", "sadtalker", "heygen"), "1 101 221122"),
    "wav2lip": "1 101 001122",
    **dict.fromkeys(("progan", "stylegan", "stylegan2", "biggan", "gaugan", "whichfaceisreal"), WHOLE),
    **dict.fromkeys(("stable_diffusion_v_1_4", "stable_diffusion_v_1_5", "sdv4", "sd14", "sd1.5", "sd2.1"), WHOLE),
    **dict.fromkeys(("Midjourney", "wukong", "VQDM", "ADM", "glide", "glide_100_10", "ldm_200_cfg", "DiT"), WHOLE),
    **dict.fromkeys(("starganv2", "styleclip", "CollabDiff"), "1 221 222222"),
    **dict.fromkeys(("seeingdark", "san", "wilddeepfake"), "1 222 222222"),
}


@pytest.mark.parametrize(("generator", "vector"), PUBLISHED.items())
def test_names_of_published_sets(generator: str, vector: str) -> None:
    target, known = targets(generator, FFPP, physical_inconsistency=True)
    found = "".join(str(value) if sure else "2" for value, sure in zip(target, known, strict=True))
    assert found == vector.replace(" ", "")


@pytest.mark.parametrize("generator", ["inpaint", "regionedit", "warp"])
def test_a_forger_of_changing_regions_leaves_the_locals_unknown(generator: str) -> None:
    target, known = targets(generator, FFPP, physical_inconsistency=True)
    assert target.tolist() == bits("1 001 000000")
    assert known.tolist() == bits("1 001 000000")


def test_of_an_unknown_generator_only_the_root_is_known() -> None:
    target, known = targets("never heard of", FFSC, physical_inconsistency=True)
    assert target.tolist() == known.tolist() == [1] + [0] * 11


def test_regions_of_an_attribute_that_the_graph_lacks_leave_those_above_them_unknown() -> None:
    target, known = targets("age", FFPP, physical_inconsistency=False)
    assert known[FFPP.levels()[1]].tolist() == [1, 0, 0]
    assert target[FFPP.names.index("skin")] == 1


@pytest.mark.parametrize("graph", [FFPP, FFSC, BINARY], ids=lambda graph: graph.key)
@pytest.mark.parametrize("physical", [True, False])
@pytest.mark.parametrize("generator", every_generator())
def test_known_labels_agree_with_a_legal_state(generator: str, graph: LabelGraph, physical: bool) -> None:
    """U-G2."""
    assert consistent(generator, graph, physical_inconsistency=physical)


def test_each_generator_stands_in_the_table_once() -> None:
    assert len(set(every_generator())) == len(every_generator())


def test_spelling_of_a_generator_does_not_matter() -> None:
    first, _ = targets("Neural_Textures", FFPP, physical_inconsistency=True)
    second, _ = targets("neural-textures", FFPP, physical_inconsistency=True)
    np.testing.assert_array_equal(first, second)
