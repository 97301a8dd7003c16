from starlette.responses import Response

from unmask.serving.guard.headers import HEADERS, SecurityHeaders


def policy(told):
    return dict(part.split(" ", 1) for part in told.headers["content-security-policy"].split("; "))


async def answer(scope, receive, send):
    await Response("fine")(scope, receive, send)


async def keeps(scope, receive, send):
    await Response("fine", headers={"Cache-Control": "max-age=60"})(scope, receive, send)


def test_every_answer_has_them(ask):
    told = ask(SecurityHeaders(answer))
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= told.headers.items()


def test_nothing_is_loaded_from_elsewhere_and_no_script_stands_in_a_page(ask):
    sources = policy(ask(SecurityHeaders(answer)))
    assert (sources["default-src"], sources["script-src"]) == ("'none'", "'self'")
    assert not [word for word in ("unsafe", "http", "*") if word in " ".join(sources.values())]
    assert sources["frame-ancestors"] == sources["base-uri"] == sources["form-action"] == "'none'"


def test_a_route_may_say_how_long_its_file_is_kept(ask):
    assert ask(SecurityHeaders(keeps)).headers["cache-control"] == "max-age=60"
