"""The web application: routes, what stands before them, and the one shape of every refusal."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from unmask.service_settings import Serving
from unmask.serving.observe import Observe
from unmask.serving.problems import Refusal, problem
from unmask.serving.request_id import RequestId
from unmask.serving.routes import metrics, model, predict

ROUTERS = (predict.router, model.router, metrics.router)


def create_app(settings: Serving) -> FastAPI:
    """The application without a model: `app.state.engine` must be set before the first request."""
    app = FastAPI(title="unmask", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _refused_by_router)
    app.add_exception_handler(RequestValidationError, _not_understood)
    # The last one added is met first.
    app.add_middleware(Observe, routes=_paths())
    app.add_middleware(RequestId)
    return app


def _paths() -> frozenset[str]:
    return frozenset(route.path for router in ROUTERS for route in router.routes if isinstance(route, Route))


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Refusal) else 500
    return problem(status, str(error), request.state.request_id)


async def _refused_by_router(request: Request, error: Exception) -> Response:
    status, said = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "failed")
    return problem(status, str(said), request.state.request_id)


async def _not_understood(request: Request, error: Exception) -> Response:
    found = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": "not understood"}
    where = ".".join(str(part) for part in found["loc"])
    return problem(422, f"{where}: {found['msg']}", request.state.request_id)
