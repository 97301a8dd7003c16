"""The student in torch behind a plain FastAPI service.

`uvicorn --factory benchmarks.serve.peers.fastapi_torch:create_app`, the student named by UNMASK_BENCH_STUDENT.
It answers with probabilities alone: no caps, names, sentences or records.
"""

import os
from pathlib import Path

import numpy as np
import torch
from fastapi import FastAPI, UploadFile

from benchmarks.serve.peers.plain import decoded, probability
from unmask.models.detector import load_detector
from unmask.serving.bundle import bundle_folder, load_bundle
from unmask.serving.runtime import prepare

STUDENT = "UNMASK_BENCH_STUDENT"


def create_app() -> FastAPI:
    """The application; the environment names the student's folder, and the bundle that was made of it."""
    # Each request is answered in a thread of the pool; a core for each of them is faster than all cores for one.
    torch.set_num_threads(1)
    detector, bundle = load_detector(Path(os.environ[STUDENT])), load_bundle(bundle_folder())
    app = FastAPI()

    @app.get("/readyz")
    def ready() -> str:
        return "ready"

    @app.post("/predict")
    def predict(images: list[UploadFile]) -> list[float]:
        crops = np.stack([prepare(decoded(image.file), bundle.preprocessing) for image in images])
        pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            return [probability(logit, bundle) for logit in detector(pictures).logit.tolist()]

    return app
