import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import ConfigError
from unmask.serving.guard import tokens
from unmask.serving.guard.tokens import BearerTokens, Tokens

ENVIRONMENT = {"UNMASK_TOKENS": "first-token second.token"}


@pytest.fixture
def app(guarded, echo):
    return guarded(BearerTokens, echo, tokens=Tokens(environment=ENVIRONMENT))


@pytest.mark.parametrize("said", ["Bearer first-token", "bearer second.token", "Bearer  first-token "])
def test_each_token_opens(ask, app, said):
    assert ask(app, path="/predict", headers={"authorization": said}).status == 200


@pytest.mark.parametrize(
    "said", [None, "", "Bearer", "Bearer ", "Bearer first", "Basic first-token", "first-token", "Bearer \u00fc"]
)
def test_anything_else_is_refused(ask, app, said):
    told = ask(app, path="/predict", headers={} if said is None else {"authorization": said})
    assert (told.status, told.headers["www-authenticate"], told.taken) == (401, 'Bearer realm="unmask"', 0)
    assert told.json["request_id"] == told.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz", "/", "/ui", "/ui/page.js"])
def test_probes_and_the_page_need_none(ask, app, path):
    assert ask(app, method="GET", path=path).status == 200


@pytest.mark.parametrize(
    "path", ["/predict", "/metrics", "/model", "/openapi.json", "/uix", "/healthz/", "//", "/ui\n"]
)
def test_everything_else_does(ask, app, path):
    assert ask(app, method="GET", path=path).status == 401


@given(st.text(max_size=40))
def test_no_other_text_opens(said):
    known = Tokens(environment=ENVIRONMENT)
    assert known.admit(f"Bearer {said}") == (said.strip() in ENVIRONMENT["UNMASK_TOKENS"].split())


def test_all_tokens_are_compared_in_constant_time_whichever_fits(monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(tokens.hmac, "compare_digest", compare)
    assert Tokens(environment=ENVIRONMENT).admit("Bearer first-token")
    assert compared == [(32, 32)] * 2


def test_a_file_has_one_a_line_and_comments(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("# desk\nabc123  # Ann\n\nxyz789\n")
    known = Tokens(str(file), {})
    assert [known.admit(f"Bearer {word}") for word in ("abc123", "xyz789", "#", "Ann", "")] == [
        True,
        True,
        *[False] * 3,
    ]


def test_file_and_environment_are_joined(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("abc\n")
    assert len(Tokens(str(file), ENVIRONMENT).hashes) == 3


def test_without_any_everyone_is_let_in(ask, guarded, echo):
    assert ask(guarded(BearerTokens, echo, tokens=Tokens(environment={})), path="/predict").status == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("# nobody yet\n", "holds no token"),
        ("good\nto ken\n", "token 2 has other characters"),
        ("\u00e4\n", "token 1 has other characters"),
    ],
)
def test_a_file_that_would_let_nobody_or_everyone_in_is_refused(tmp_path, text, said):
    file = tmp_path / "tokens"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        Tokens(str(file), {}).check()
    assert str(caught.value).startswith(f"serving.token_file: {file}: ")
    assert "to ken" not in str(caught.value)


@pytest.mark.parametrize("said", ["", "  "])
def test_a_variable_without_a_token_is_refused(said):
    with pytest.raises(ConfigError, match="UNMASK_TOKENS: holds no token; unset it"):
        Tokens("", {"UNMASK_TOKENS": said}).check()
