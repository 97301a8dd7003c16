"""The inbox's rows, and where they and their pictures lie."""

from dataclasses import dataclass
from typing import Literal

INBOX = "inbox"  # below the state folder
FEEDBACK, FEEDBACK_PICTURES = "feedback", "pictures"
CAPTURED = "captured"  # rows and pictures
PREDICTION_ID = r"[0-9a-f]{32}-[0-9]{1,4}"  # a request's id and a number, as the answers give it
EXAMPLE_ID = "9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"
SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "TIFF": "tiff"}  # by opening.FORMATS

Label = Literal["real", "fake"]


@dataclass(frozen=True)
class FeedbackRow:
    """What a user says is right. TIME is ISO 8601, UTC; PICTURE the name of the kept file, "" without, SHA256 of it."""

    time: str
    id: str
    label: Label
    note: str
    picture: str
    sha256: str


@dataclass(frozen=True)
class CapturedRow:
    """A picture that was kept because its verdict was uncertain, and what was said of it; TIME to SHA256 as above."""

    time: str
    id: str
    model_version: str
    data_hash: str
    probability: float
    logit: float
    attributes: dict[str, float]
    picture: str
    sha256: str
