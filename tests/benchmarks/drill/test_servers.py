import os

import pytest

from benchmarks.drill.servers import forget_settings


@pytest.fixture
def variables(monkeypatch):
    """An environment of one's own, which the code may empty."""
    own = {"PATH": "/bin", "DVC_NO_ANALYTICS": "1"}
    monkeypatch.setattr(os, "environ", own)
    return own


def test_nothing_of_a_real_deployment_reaches_the_drill(variables):
    variables |= {"UNMASK_SERVING_STATE": "/srv", "UNMASK_BUNDLE": "/srv/b", "UNMASK_TOKENS": "t"}
    variables |= {"PREFECT_API_URL": "http://production/api", "PREFECT_HOME": "/srv/prefect"}
    forget_settings()
    assert not [name for name in variables if name.startswith(("UNMASK_", "PREFECT_"))]
    assert variables.items() >= {"PATH": "/bin", "DVC_NO_ANALYTICS": "1"}.items()


def test_privacy_switches_stay(variables, project):
    lines = (project / ".env.example").read_text().splitlines()
    switches = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    variables |= switches
    forget_settings()
    assert switches.items() <= variables.items()
