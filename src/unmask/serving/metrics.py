"""What a scraper reads at /metrics: counters of all workers together, with labels that no sender can choose.

The workers share the files in PROMETHEUS_MULTIPROC_DIR, which BentoML sets for them before they start. BentoML's own
metrics are switched off, because they take whatever path is asked for as a label.
"""

import os
import re
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CROPS = (1, 2, 4, 8, 16, 32, 64, 128)
PROBABILITIES = tuple(round(0.05 * step, 2) for step in range(1, 21))

REQUESTS = Counter("unmask_requests", "Requests answered; 499 where the client left first.", ["route", "status"])
LATENCY = Histogram(
    "unmask_request_seconds", "From a request's head to the end of its answer.", ["route"], buckets=SECONDS
)
BYTES_IN = Counter("unmask_received_bytes", "Bytes of request bodies.", ["route"])
PREDICTIONS = Counter(
    "unmask_predictions", "Pictures and clips judged, none where no face was found.", ["route", "verdict"]
)
REFUSED = Counter("unmask_pictures_refused", "Pictures that could not be judged.", ["route"])
SCORES = Histogram(
    "unmask_probability", "Probabilities of forgery of pictures and clips, without /explain.", buckets=PROBABILITIES
)
AT_WORK = Gauge("unmask_pictures_at_work", "Pictures and frames being decoded or judged.", multiprocess_mode="livesum")
BATCHES = Histogram("unmask_batch_crops", "Crops of an inference.", buckets=CROPS)
MODEL = Gauge("unmask_model_info", "Workers that answer with a version.", ["version"], multiprocess_mode="livesum")
SWAPS = Counter("unmask_model_swaps", "Promotions and rollbacks that were met, by each worker.", ["outcome"])
DROPPED = Counter(
    "unmask_traffic_rows_dropped",
    "Rows of the traffic log that were lost, by what hindered them.",
    ["why"],
)


def render() -> bytes:
    """All metrics in Prometheus' text format, of this process alone where no files are shared."""
    shared = os.environ.get(SHARED)
    if not shared:
        return generate_latest()
    _forget_dead_workers(Path(shared))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, shared)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead_workers(shared: Path) -> None:
    """Take the gauges of workers that are gone out of the sums; a worker that was killed could not do it itself."""
    for file in shared.glob("gauge_live*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not _is_alive(int(found[1])):
            mark_process_dead(int(found[1]), str(shared))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
