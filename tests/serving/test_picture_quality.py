import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unmask.data import quality
from unmask.monitoring.reference import QUALITY
from unmask.serving.picture_quality import Quality, measure_quality


@given(seed=st.integers(0, 99), width=st.integers(1, 64), height=st.integers(1, 64))
def test_it_measures_what_the_manifest_holds(seed, width, height):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    found = measure_quality(picture, size=(640, 480), jpeg_quality=85, encoded_bytes=30_720)
    assert found.sharpness == quality.sharpness(quality.luma(picture))
    assert found.brightness == quality.brightness(quality.luma(picture))


def test_size_and_bytes_are_those_that_were_sent():
    found = measure_quality(Image.new("RGB", (64, 48)), size=(640, 480), jpeg_quality=-1, encoded_bytes=30_720)
    assert found == Quality(0.0, 0.0, 640, 480, -1, 0.1)


def test_its_columns_are_those_that_are_compared():
    assert tuple(Quality.__dataclass_fields__) == QUALITY
