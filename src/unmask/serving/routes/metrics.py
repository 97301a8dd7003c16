"""GET /metrics: counters of all workers, for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from unmask.serving.metrics import render

router = APIRouter()


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics() -> Response:
    """Requests, latency, batches, verdicts, scores and model version in Prometheus' text format."""
    return Response(render(), media_type=CONTENT_TYPE_LATEST)
