import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from unmask.service_settings import Serving
from unmask.serving.app import create_app
from unmask.serving.engine import Engine


@pytest.fixture
def client(serving: Serving, shared_bundle: Path) -> Iterator[TestClient]:
    """A client of the application in this process, around the hand-made model, of at most four pictures a request."""
    settings = dataclasses.replace(serving, limits=dataclasses.replace(serving.limits, pictures=4))
    app = create_app(settings)
    app.state.engine = Engine(settings, shared_bundle)
    with TestClient(app) as client:
        yield client
    app.state.engine.close()
