import pytest
from starlette.responses import Response

from unmask.serving.guard.front import Front


def saying(word):
    async def app(scope, receive, send):
        await Response(word)(scope, receive, send)

    return app


@pytest.fixture
def front():
    return Front(saying("bentoml"), api=saying("api"))


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz"])
def test_health_is_bentomls_with_the_headers_of_all_answers(ask, front, path):
    told = ask(front, method="GET", path=path)
    assert (told.status, told.body) == (200, b"bentoml")
    assert {"x-request-id", "content-security-policy"} <= set(told.headers)


@pytest.mark.parametrize("path", ["/", "/predict", "/schema.json", "/docs.json", "/assets/x.js", "/livez/", "/metrics"])
def test_everything_else_is_the_applications(ask, front, path):
    assert ask(front, method="GET", path=path).body == b"api"
