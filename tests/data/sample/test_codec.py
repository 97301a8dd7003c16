from io import BytesIO

import numpy as np
from PIL import Image

from unmask.data.sample.codec import encode, encode_mask
from unmask.data.sample.fields import stream


def test_formats_are_mixed_and_the_ending_is_true() -> None:
    pixels = stream(1).integers(0, 255, (128, 128, 3), np.uint8)
    endings = []
    for key in range(60):
        data, ending = encode(pixels, stream(2, key))
        with Image.open(BytesIO(data)) as image:
            assert image.format == {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[ending]
        endings.append(ending)
    assert set(endings) == {"jpg", "png", "webp"}
    assert endings.count("jpg") > endings.count("webp") > endings.count("png")


def test_a_mask_survives_its_encoding() -> None:
    mask = (stream(3).random((40, 50)) > 0.5).astype(np.uint8) * np.uint8(255)
    with Image.open(BytesIO(encode_mask(mask))) as image:
        assert (np.asarray(image.convert("L")) == mask).all()
