from collections.abc import Callable

import pytest

from tests.standin import StandIn
from unmask.retraining.run import Result, run_retrain
from unmask.retraining.settings import RetrainSettings

Retrain = Callable[..., tuple[Result, list[str]]]


@pytest.fixture
def retrain(standin: StandIn) -> Retrain:
    """Run the loop in the stand-in project; its result and what it logged."""

    def run(*, approve: bool = True, **settings: object) -> tuple[Result, list[str]]:
        lines: list[str] = []
        result = run_retrain(
            standin.root,
            standin.state,
            RetrainSettings.model_validate(settings),
            reason="a test",
            log=lines.append,
            approve=lambda found, version: approve,
        )
        return result, lines

    return run
