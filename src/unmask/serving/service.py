"""The service: `bentoml serve` at the project's root, or in a Bento, answers what `routes` describes."""

import bentoml

from unmask.errors import UnmaskError
from unmask.service_settings import Serving, load_serving, params_file
from unmask.serving.app import create_app
from unmask.serving.bundle import bundle_folder, load_bundle
from unmask.serving.engine import Engine
from unmask.serving.guard.front import Front
from unmask.serving.guard.tokens import Tokens
from unmask.serving.guard.wire import use_guarded_protocol

NAME = "unmask"


def _settings() -> Serving:
    try:
        return load_serving(params_file())
    except UnmaskError as error:
        raise SystemExit(f"unmask: {error}") from None


SETTINGS = _settings()
TOKENS = Tokens(SETTINGS.token_file)
APP = create_app(SETTINGS, TOKENS)


@bentoml.service(name=NAME, workers=SETTINGS.workers or "cpu_count", traffic={"timeout": 24 * 3600})
class Unmask:
    """Is this face a photograph or forged? Answers with a calibrated probability and what it means."""

    def __init__(self) -> None:
        self.engine = Engine(SETTINGS, bundle_folder())
        APP.state.engine = self.engine

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check() -> None:
        """Look at the bundle before any worker starts, where a refusal can still be one line and end the program."""
        try:
            load_bundle(bundle_folder())
            TOKENS.check()
        except UnmaskError as error:
            raise SystemExit(f"unmask: {error}") from None

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Let the threads go."""
        self.engine.close()


use_guarded_protocol()
Unmask.add_asgi_middleware(Front, api=APP)  # type: ignore[attr-defined]
