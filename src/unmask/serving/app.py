"""The web application: routes, what stands before them, and the one shape of every refusal."""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from unmask.service_settings import Serving
from unmask.serving.answers import Problem
from unmask.serving.guard.body import BodyLimit
from unmask.serving.guard.drain import Drain
from unmask.serving.guard.failures import Failures
from unmask.serving.guard.headers import SecurityHeaders
from unmask.serving.guard.load import LoadLimit
from unmask.serving.guard.origins import Origins
from unmask.serving.guard.times import TimeLimit
from unmask.serving.guard.tokens import BearerTokens, Tokens
from unmask.serving.observe import Observe
from unmask.serving.problems import problem, problem_of
from unmask.serving.request_id import RequestId
from unmask.serving.routes import clip, explain, feedback, metrics, model, page, predict

ROUTERS = (predict.router, clip.router, explain.router, feedback.router, model.router, metrics.router, page.router)
PROBLEMS = (400, 401, 403, 408, 413, 415, 422, 429, 500, 503, 504)


def create_app(settings: Serving, tokens: Tokens | None = None) -> FastAPI:
    """The application without a model: `app.state.engine` must be set before the first request.

    TOKENS are those of the settings and the environment if none are given.
    """
    app = FastAPI(
        title="unmask",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=lambda route: route.name,
        responses={status: {"model": Problem} for status in PROBLEMS},
    )
    app.state.settings = settings
    app.add_api_route("/", _to_the_page, include_in_schema=False)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    known = tokens or Tokens(settings.token_file)
    _guard(app, settings, known)
    app.openapi = partial(_document, app, known)  # type: ignore[method-assign]
    return app


def _guard(app: FastAPI, settings: Serving, tokens: Tokens) -> None:
    limits = settings.limits
    # Each stands before those above it: the last one is met first.
    app.add_middleware(BodyLimit, megabytes=limits.request_megabytes)
    app.add_middleware(LoadLimit, uploads=limits.concurrency, megabytes=limits.held_megabytes)
    app.add_middleware(TimeLimit, seconds=limits.timeout_s)
    app.add_middleware(BearerTokens, tokens=tokens)
    app.add_middleware(Failures)
    app.add_middleware(Origins, origins=settings.origins)
    app.add_middleware(Drain)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Observe, routes=_paths())
    app.add_middleware(RequestId)


def _paths() -> frozenset[str]:
    return frozenset(route.path for router in ROUTERS for route in router.routes if isinstance(route, Route))


def _document(app: FastAPI, tokens: Tokens) -> dict[str, Any]:
    """The OpenAPI document; it asks for a token where the service does."""
    document = FastAPI.openapi(app)
    if tokens.hashes:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


async def _to_the_page() -> RedirectResponse:
    return RedirectResponse("/ui")


async def _refused(request: Request, error: Exception) -> Response:
    return problem_of(cast("HTTPException", error), request.state.request_id)


async def _not_understood(request: Request, error: Exception) -> Response:
    found = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    return problem(422, _reason(found), request.state.request_id)


def _reason(found: Mapping[str, Any]) -> str:
    """What is wrong with a field, in words that say nothing about how the program reads it."""
    field = ".".join(str(part) for part in found["loc"][1:])
    said = {"missing": "missing", "value_error": "must be a file, not text"}.get(found["type"], found["msg"])
    return f"{field}: {said}"
