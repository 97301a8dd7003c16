"""The bundle: a folder without pickle that holds all a service needs, described by bundle.json."""

import base64
import dataclasses
import hashlib
import io
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from unmask.data.decode import decode_image
from unmask.errors import DataError
from unmask.serving.verdict import Thresholds
from unmask.strict import read_dataclass

SCHEMA = 2
DESCRIPTION = "bundle.json"
MODEL = "model.onnx"
WEIGHTS = "model.safetensors"
CARD = "CARD.md"
OUTPUTS = ("logit", "scores", "marginals", "embedding", "map")
MAX_DESCRIPTION_BYTES = 8 * 2**20
BUNDLE = Path("build/package/bundle")


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's crop: `PreprocessSpec`, and what assemble did before it."""

    size_px: int
    window_px: int
    shrink: bool
    max_side_px: int
    min_side_px: int


@dataclass(frozen=True)
class Graph:
    """The label graph by name, and its label names in the order of `marginals`."""

    name: str
    allow_bare_root: bool
    labels: list[str]


@dataclass(frozen=True)
class Calibration:
    """p = sigmoid(logit / temperature), the two thresholds on p, and the error rates beyond them.

    The thresholds carry the rates they are meant for; `fake_promised` and `real_promised` are what the validation rows
    promise with 95 % confidence.
    """

    temperature: float
    thresholds: Thresholds
    fake_promised: float
    real_promised: float
    notes: list[str]


@dataclass(frozen=True)
class Precision:
    """Numbers that the served encoder computes in, why, and what was measured of int8 (nothing where it was not tried).

    Calibration, metrics and self-test scores of the bundle are those of the served model.
    """

    served: Literal["float32", "int8"]
    reason: str
    measured: dict[str, float]


@dataclass(frozen=True)
class DataIdentity:
    """Which data trained the model: the hash in data.dvc, its sources, and what a reader must know about it, if any."""

    md5: str
    sources: list[str]
    note: str


@dataclass(frozen=True)
class SelfTest:
    """A drawn picture (PNG, base64) and the logit it must score."""

    png: str
    logit: float

    def picture(self) -> Image.Image:
        """The picture, RGB.

        Raises:
            DataError: it is not a picture.
        """
        try:
            return decode_image(base64.b64decode(self.png, validate=True))
        except ValueError as error:
            raise DataError(f"not base64 ({error})") from None

    @classmethod
    def of(cls, picture: Image.Image, logit: float) -> "SelfTest":
        """Keep a picture with its score."""
        stream = io.BytesIO()
        picture.save(stream, format="PNG", optimize=True)
        return cls(base64.b64encode(stream.getvalue()).decode("ascii"), round(logit, 6))


@dataclass(frozen=True)
class Bundle:
    """What bundle.json says; `files` maps each other file of the folder to its SHA-256."""

    schema: int
    version: str
    candidate: Literal["student", "teacher"]
    revision: str
    preprocessing: Preprocessing
    graph: Graph
    prompts: list[str]
    precision: Precision
    calibration: Calibration
    metrics: dict[str, Any]
    data: DataIdentity
    params: dict[str, Any]
    self_test: list[SelfTest]
    files: dict[str, str]

    def to_json(self) -> str:
        """bundle.json's text."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n"


def named_bundle() -> Path | None:
    """The bundle that UNMASK_BUNDLE names."""
    named = os.environ.get("UNMASK_BUNDLE")
    return Path(named) if named else None


def bundle_folder() -> Path:
    """UNMASK_BUNDLE, else the bundle in the Bento that holds this module, else the one below the current folder.

    A service takes what is promoted before the last two: see `Models`.
    """
    packed = Path(__file__).parents[2] / BUNDLE
    return named_bundle() or (packed if packed.is_dir() else BUNDLE)


def model_version(model_sha256: str, data_md5: str, calibration: Calibration) -> str:
    """Name a model by what it is, what it learned from and where its verdicts turn: 12 hex digits."""
    turns = (calibration.temperature, calibration.thresholds.fake, calibration.thresholds.real)
    parts = (model_sha256, data_md5, *(repr(float(number)) for number in turns))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check its schema and the hash of every file; `Runtime` checks the self-test scores.

    Raises:
        DataError: a file is missing or not what bundle.json says; the message names it.
    """
    described = folder / DESCRIPTION
    if not described.is_file():
        raise DataError(f"{described}: missing; run `dvc repro package`, or name a bundle in UNMASK_BUNDLE")
    if described.stat().st_size > MAX_DESCRIPTION_BYTES:
        raise DataError(f"{described}: larger than {MAX_DESCRIPTION_BYTES} bytes; not a bundle description")
    try:
        value = json.loads(described.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{described}: not JSON ({error}); package the model again") from None
    found = value.get("schema") if isinstance(value, dict) else None
    if found != SCHEMA:
        raise DataError(f"{described}: schema {found!r} instead of {SCHEMA}; package the model again")
    try:
        bundle = read_dataclass(Bundle, value)
    except (ValueError, DataError) as error:
        raise DataError(f"{described}: {error}; package the model again") from None
    _check(bundle, folder)
    return bundle


def _check(bundle: Bundle, folder: Path) -> None:
    for name in (MODEL, WEIGHTS, CARD):
        if name not in bundle.files:
            raise DataError(f"{folder / DESCRIPTION}: files: {name} is missing; package the model again")
    for name, expected in bundle.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise DataError(f"{path}: missing from the bundle; package the model again")
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != expected:
                raise DataError(f"{path}: changed since it was packaged (SHA-256 differs); package the model again")
    temperature = bundle.calibration.temperature
    if not (math.isfinite(temperature) and temperature > 0.0):
        raise DataError(f"{folder / DESCRIPTION}: calibration.temperature: must be above 0; package the model again")
    if bundle.version != model_version(bundle.files[MODEL], bundle.data.md5, bundle.calibration):
        raise DataError(
            f"{folder / DESCRIPTION}: version {bundle.version} belongs to another model, other data or other "
            "thresholds; package the model again"
        )
    if not bundle.self_test:
        raise DataError(f"{folder / DESCRIPTION}: self_test: empty; a bundle must carry scores to check itself with")
