"""The web application: routes, what stands before them, and the one shape of every refusal."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from unmask.service_settings import Serving
from unmask.serving.problems import problem, problem_of
from unmask.serving.request_id import RequestId
from unmask.serving.routes import clip, explain, feedback, model, page, predict

ROUTERS = (predict.router, clip.router, explain.router, feedback.router, model.router, page.router)


def create_app(settings: Serving) -> FastAPI:
    """The application without a model: `app.state.engine` must be set before the first request."""
    app = FastAPI(
        title="unmask",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    # The last one added is met first.
    app.add_middleware(RequestId)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    refusal = error if isinstance(error, HTTPException) else HTTPException(500, "failed")
    return problem_of(refusal, request.state.request_id)


async def _not_understood(request: Request, error: Exception) -> Response:
    found = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": "not understood"}
    where = ".".join(str(part) for part in found["loc"])
    return problem(422, f"{where}: {found['msg']}", request.state.request_id)
