import pytest
import torch

from tests.models.specs import tiny_spec
from unmask.models.detector import Detector, create_detector


@pytest.fixture(scope="session", params=["joint", "linear"])
def detector(request: pytest.FixtureRequest) -> Detector:
    torch.manual_seed(0)
    built = create_detector(tiny_spec(request.param))
    # Weights that spread the scores, so that a comparison can fail.
    with torch.no_grad():
        for weight in built.head.parameters():
            weight.mul_(3)
        built(torch.rand(16, 3, 64, 64))
    return built.eval()


@pytest.fixture(scope="session")
def pictures() -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(5))
