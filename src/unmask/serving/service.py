"""The service: `bentoml serve` at the project's root, or in a Bento, answers what `routes` describes."""

import bentoml

from unmask.errors import UnmaskError
from unmask.service_settings import Serving, load_serving, params_file
from unmask.serving.app import create_app
from unmask.serving.bundle import named_bundle
from unmask.serving.cores import count_workers, usable_cores
from unmask.serving.engine import Engine
from unmask.serving.guard.front import Front
from unmask.serving.guard.tokens import Tokens
from unmask.serving.guard.wire import use_guarded_protocol
from unmask.serving.loading import check_loading

NAME = "unmask"


def _settings() -> Serving:
    try:
        return load_serving(params_file())
    except UnmaskError as error:
        raise SystemExit(f"unmask: {error}") from None


SETTINGS = _settings()
TOKENS = Tokens(SETTINGS.token_file)
APP = create_app(SETTINGS, TOKENS)


@bentoml.service(
    name=NAME,
    workers=count_workers(SETTINGS, usable_cores()),
    # BentoML keeps 0.7 KB of each request for so long, however soon it was answered; our own limits come first.
    traffic={"timeout": 5 * SETTINGS.limits.timeout_s},
    # The service logs and counts by itself; these would cost a fifth of a request and keep any path that is asked for.
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": [".*"]},
    # Else the C library keeps what the largest pictures took for ever: 0.9 GB after some of 50 megapixels, not 0.25.
    envs=[
        {"name": "MALLOC_MMAP_THRESHOLD_", "value": str(8 * 2**20)},
        # A team of BLAS threads that spins beside the service's own took a quarter of the processor.
        {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
    ],
)
class Unmask:
    """Is this face a photograph or forged? Answers with a calibrated probability and what it means."""

    def __init__(self) -> None:
        TOKENS.check()
        self.engine = Engine(SETTINGS, named_bundle())
        APP.state.engine = self.engine

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check() -> None:
        """Try the bundle before any worker starts, where a refusal can still be one line and end the program."""
        try:
            check_loading(SETTINGS, named_bundle())
            TOKENS.check()
        except UnmaskError as error:
            raise SystemExit(f"unmask: {error}") from None

    async def __is_ready__(self) -> bool:
        """For /readyz: the model is loaded, checked and warmed up, and this worker is not about to end."""
        return self.engine.ready

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Let the threads go."""
        self.engine.close()


use_guarded_protocol()
Unmask.add_asgi_middleware(Front, api=APP)  # type: ignore[attr-defined]
