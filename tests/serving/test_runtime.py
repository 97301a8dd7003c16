import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unmask.data.preprocess import PreprocessSpec, crop, shrink_to
from unmask.errors import DataError
from unmask.labels.graph import graph_by_name
from unmask.serving.build import describe
from unmask.serving.bundle import Preprocessing, SelfTest, load_bundle
from unmask.serving.runtime import Runtime, prepare

HEAVY = {"torch", "pandas", "hydra", "scipy", "mediapipe", "cv2", "av"}
SETTINGS = Preprocessing(size_px=32, window_px=40, shrink=True, max_side_px=64, min_side_px=24)


def grey(level, size=(48, 48)):
    return Image.new("RGB", size, (level, level, level))


@pytest.fixture(scope="module")
def runtime(shared_bundle):
    return Runtime(shared_bundle, threads=1)


def test_a_probability_is_the_calibrated_logit(runtime):
    answer = runtime.predict([grey(204)])[0]
    logit = 8 * (204 / 255 - 0.5)
    assert answer.logit == pytest.approx(logit, abs=1e-4)
    assert answer.p_fake == pytest.approx(1 / (1 + math.exp(-logit / 2)), abs=1e-4)


@pytest.mark.parametrize(("level", "said"), [(0, "real"), (128, "uncertain"), (255, "fake")])
def test_the_verdict_follows_the_thresholds(runtime, level, said):
    assert runtime.predict([grey(level)])[0].verdict == said


def test_attributes_are_named_after_the_graph(runtime):
    answer = runtime.predict([grey(255)])[0]
    assert tuple(answer.attributes) == graph_by_name("ffpp").names
    assert answer.attributes["mouth"] == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-5)


def test_the_sentence_agrees_with_the_verdict(runtime):
    assert [runtime.predict([grey(level)])[0].sentence.split()[0] for level in (0, 255)] == ["no", "altered:"]


def test_answers_come_in_order_whatever_the_batch(runtime):
    levels = [level * 3 for level in range(70)]
    together = [answer.logit for answer in runtime.predict([grey(level) for level in levels])]
    assert together == pytest.approx([8 * (level / 255 - 0.5) for level in levels], abs=1e-4)


def test_no_picture_no_answer(runtime):
    assert runtime.predict([]) == []


def test_a_picture_smaller_than_any_trained_on_is_refused(runtime):
    with pytest.raises(DataError, match="shorter side under 24 px"):
        runtime.predict([grey(0, (200, 23))])


@settings(deadline=None, max_examples=25)
@given(width=st.integers(24, 300), height=st.integers(24, 300), seed=st.integers(0, 9))
def test_a_served_picture_is_prepared_as_a_training_picture_was(width, height, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    trained = crop(shrink_to(picture, SETTINGS.max_side_px), PreprocessSpec(32, 40, shrink=True))
    assert np.array_equal(prepare(picture, SETTINGS), trained)


def test_an_explained_crop_is_answered_as_any_other(runtime):
    crops = np.stack([runtime.prepare(grey(level)) for level in (0, 128, 255)])
    explained = runtime.explain_crops(crops)
    assert [answer.logit for answer, _ in explained] == [answer.logit for answer in runtime.predict_crops(crops)]
    # The hand-made model's map is the crop's own grey.
    assert [found.mean() for _, found in explained] == pytest.approx([0, 128, 255])
    assert {found.shape for _, found in explained} == {(32, 32)}


def test_a_model_that_scores_otherwise_than_packaged_is_refused(bundle_folder):
    bundle = load_bundle(bundle_folder)
    lying = [dataclasses.replace(bundle.self_test[0], logit=bundle.self_test[0].logit + 0.1), *bundle.self_test[1:]]
    describe(bundle_folder, dataclasses.replace(bundle, self_test=lying))
    with pytest.raises(DataError, match="self-test picture 1 scores"):
        Runtime(bundle_folder)


@pytest.mark.parametrize("png", ["", "!", "AAAA"])
def test_a_self_test_without_picture_is_refused(bundle_folder, png):
    bundle = load_bundle(bundle_folder)
    describe(bundle_folder, dataclasses.replace(bundle, self_test=[SelfTest(png, 0.0)]))
    with pytest.raises(DataError, match="self-test picture 1: "):
        Runtime(bundle_folder)


def test_a_model_for_other_crops_is_refused(bundle_folder):
    bundle = load_bundle(bundle_folder)
    other = dataclasses.replace(bundle.preprocessing, size_px=30)
    describe(bundle_folder, dataclasses.replace(bundle, preprocessing=other))
    with pytest.raises(DataError, match="instead of uint8 crops of 30 px"):
        Runtime(bundle_folder)


def test_a_model_of_another_vocabulary_is_refused(bundle_folder):
    bundle = load_bundle(bundle_folder)
    other = dataclasses.replace(bundle.graph, labels=[*bundle.graph.labels[1:], "ear"])
    describe(bundle_folder, dataclasses.replace(bundle, graph=other))
    with pytest.raises(DataError, match="other labels"):
        Runtime(bundle_folder)


def test_what_is_no_model_is_refused(bundle_folder):
    bundle = load_bundle(bundle_folder)
    (bundle_folder / "model.onnx").write_bytes(b"not a model")
    describe(bundle_folder, bundle)
    with pytest.raises(DataError, match="can't open it"):
        Runtime(bundle_folder)


@pytest.mark.parametrize("module", ["runtime", "service"])
def test_serving_imports_neither_torch_nor_pandas(module):
    code = f"import sys, unmask.serving.{module}; print({HEAVY} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
