"""GET /model: what is served."""

from fastapi import APIRouter, Request

from unmask.serving.answers import Model, Source, Swap
from unmask.serving.engine import Engine

router = APIRouter(tags=["model"])


@router.get("/model")
async def model(request: Request) -> Model:
    """Version, data, thresholds, metrics and card of the model that answers."""
    engine: Engine = request.app.state.engine
    models, runtime = engine.models, engine.models.current
    bundle = runtime.bundle
    return Model.model_validate(
        {
            "candidate": bundle.candidate,
            "revision": bundle.revision,
            "precision": bundle.precision.served,
            "provider": runtime.provider,
            "faces": engine.settings.faces,
            "capture": engine.settings.capture,
            "labels": bundle.graph.labels,
            "metrics": bundle.metrics,
            "swap": Swap(since=models.since, follows_promotions=models.follows, refused=models.refused or None),
            "card": runtime.card,
            **Source.of(bundle, request.state.request_id),
        }
    )
