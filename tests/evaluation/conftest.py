import pytest

from unmask.config import Evaluate


@pytest.fixture(scope="session")
def settings() -> Evaluate:
    return Evaluate(bootstrap=100, confidence=0.95, fake_fpr=0.02, real_miss=0.05, worst=4)
