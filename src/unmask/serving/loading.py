"""The parts of an engine that may be refused: the model, and the detector of faces."""

from pathlib import Path

from unmask.service_settings import Serving
from unmask.serving.bundle import Bundle
from unmask.serving.clips.verdict import clip_frames
from unmask.serving.faces import FaceFinder, face_margin
from unmask.serving.models import Models


def load_models(settings: Serving, bundle: Path | None, *, poll_s: float) -> Models:
    """The models of a worker: BUNDLE, or what is promoted if that is None, looked at every POLL_S seconds.

    Raises:
        DataError: no bundle can be served.
    """

    def check(loaded: Bundle) -> None:
        """See that the bundle says all that requests will ask of it."""
        clip_frames(loaded)
        if settings.faces != "none":
            face_margin(loaded)

    # Threads that each infer on one core beat one inference on all: nobody waits for the slowest part of a layer.
    return Models(bundle, state=Path(settings.state), poll_s=poll_s, threads=1, batch=settings.batch, check=check)


def create_finder(settings: Serving) -> FaceFinder | None:
    """The finder of faces, where the settings ask for it.

    Raises:
        ConfigError: that needs an extra which is not installed.
    """
    return None if settings.faces == "none" else FaceFinder(settings.faces)


def check_loading(settings: Serving, bundle: Path | None) -> None:
    """Try what an engine would load, and leave nothing behind.

    Raises:
        DataError, ConfigError: as above.
    """
    create_finder(settings)
    load_models(settings, bundle, poll_s=0).close()
