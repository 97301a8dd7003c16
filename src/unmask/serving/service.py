"""The service: `bentoml serve` at the project's root, or in a Bento, answers what `routes` describes."""

from pathlib import Path

import bentoml

from unmask.errors import UnmaskError
from unmask.service_settings import Serving, load_serving, params_file
from unmask.serving.app import create_app
from unmask.serving.bundle import named_bundle
from unmask.serving.engine import Engine
from unmask.serving.models import Models

NAME = "unmask"


def _settings() -> Serving:
    try:
        return load_serving(params_file())
    except UnmaskError as error:
        raise SystemExit(f"unmask: {error}") from None


SETTINGS = _settings()
APP = create_app(SETTINGS)


@bentoml.service(
    name=NAME,
    workers=SETTINGS.workers or "cpu_count",
    traffic={"timeout": 24 * 3600},
    logging={"access": {"enabled": False}},  # `Observe` writes the one line of a request
    metrics={"enabled": False},  # routes/metrics.py answers: BentoML's labels are whatever path is asked for
)
@bentoml.asgi_app(APP, path="/")
class Unmask:
    """Is this face a photograph or forged? Answers with a calibrated probability and what it means."""

    def __init__(self) -> None:
        self.engine = Engine(SETTINGS, named_bundle())
        APP.state.engine = self.engine

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check() -> None:
        """Load the model before any worker starts, where a refusal can still be one line and end the program."""
        try:
            Models(named_bundle(), state=Path(SETTINGS.state), poll_s=0, threads=1, batch=1)
        except UnmaskError as error:
            raise SystemExit(f"unmask: {error}") from None

    async def __is_ready__(self) -> bool:
        """For /readyz: the model is loaded, checked and warmed up, and this worker is not about to end."""
        return self.engine.ready

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Let the threads go."""
        self.engine.close()
