"""The worst mistakes: what the detector saw, where it looked, and its own words."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from PIL import Image

from unmask.data.decode import decode_image
from unmask.data.preprocess import Pixels, crop
from unmask.data.shards import ShardReader
from unmask.evaluation.predict import as_pictures, spec_of, target_device
from unmask.evaluation.record import Mistake
from unmask.labels.explanation import explain
from unmask.labels.graph import LabelGraph
from unmask.models.detector import Detector

SIDE_PX = 144
JPEG_QUALITY = 82
FAKE, REAL = (214, 38, 122), (0, 140, 108)  # colours of evidence for each, as the report's legend names them
STRONGEST = 0.6  # share of a place's colour that full evidence covers, so that the picture stays visible


def worst_mistakes(
    detector: Detector, predictions: pd.DataFrame, keys: pd.Series, root: Path, *, count: int, device: str
) -> dict[str, list[Mistake]]:
    """COUNT of the test rows that were judged most wrongly, half of them real, at most one of a group and generator.

    PREDICTIONS are the DETECTOR's test rows with `state` and `marginals`; KEYS maps image_id to the crop's shard key
    below ROOT.

    Raises:
        DataError: a shard is damaged or a crop does not decode.
    """
    found: dict[str, list[Mistake]] = {}
    for label, ascending in (("real", False), ("fake", True)):
        rows = predictions[(predictions["label"] == label) & (predictions["verdict"] != label)]
        rows = rows.sort_values("p_fake", ascending=ascending, kind="stable")
        rows = rows.drop_duplicates(["group", "generator"]).head(count // 2)
        pictures = _crops([keys[name] for name in rows["image_id"]], detector, root)
        maps = activation_maps(detector, pictures, device=device)
        found[label] = [
            _mistake(row, picture, heat, detector.graph)
            for (_, row), picture, heat in zip(rows.iterrows(), pictures, maps, strict=True)
        ]
    return found


def _crops(keys: Sequence[str], detector: Detector, root: Path) -> list[Pixels]:
    reader, spec = ShardReader(root), spec_of(detector)
    return [crop(decode_image(reader.read(key)), spec) for key in keys]


def activation_maps(
    detector: Detector, pictures: Sequence[Pixels], *, device: str
) -> Sequence[npt.NDArray[np.float32]]:
    """Log-odds of fake of each place, (h, w) a picture, of crops uint8 (size, size, 3)."""
    if not pictures:
        return []
    target = target_device(device)
    with torch.inference_mode():
        heat = detector.to(target).eval().activation_map(as_pictures(np.stack(pictures), target))
    return list(heat.cpu().numpy())


def overlay(picture: Pixels, heat: npt.NDArray[np.float32]) -> Image.Image:
    """The crop in grey with each place coloured by the evidence there: FAKE above even odds, REAL below.

    The colour's strength is |2p - 1| with p the place's own probability of fake, so it compares between pictures.
    """
    grown = Image.fromarray(heat.astype(np.float32)).resize(
        (picture.shape[1], picture.shape[0]), Image.Resampling.BILINEAR
    )
    evidence = np.tanh(np.asarray(grown, dtype=np.float64) / 2)[..., None]  # 2 sigmoid(z) - 1
    grey = picture.astype(np.float64).mean(axis=2, keepdims=True)
    colour = np.where(evidence > 0, FAKE, REAL)
    strength = np.abs(evidence) * STRONGEST
    return Image.fromarray((grey * (1 - strength) + colour * strength).round().astype(np.uint8))


def _mistake(row: pd.Series, picture: Pixels, heat: npt.NDArray[np.float32], graph: LabelGraph) -> Mistake:
    sentence = explain(
        verdict=row["verdict"],
        state=np.asarray(row["state"]),
        marginals=np.asarray(row["marginals"]),
        graph=graph,
        p_fake=float(row["p_fake"]),
    )
    told = {name: str(row[name]) for name in ("image_id", "label", "source", "generator", "verdict")}
    return Mistake(
        **told,
        p_fake=float(row["p_fake"]),
        sentence=sentence,
        picture=_jpeg(Image.fromarray(picture)),
        overlay=_jpeg(overlay(picture, heat)),
    )


def _jpeg(image: Image.Image) -> str:
    image.thumbnail((SIDE_PX, SIDE_PX))
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=JPEG_QUALITY)
    return base64.b64encode(stream.getvalue()).decode("ascii")
