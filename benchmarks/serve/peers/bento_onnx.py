"""ONNX Runtime behind a BentoML service as its documentation writes one.

`bentoml serve benchmarks.serve.peers.bento_onnx:Untuned`, the bundle named by UNMASK_BUNDLE.
It answers with probabilities alone: no caps, names, sentences or records.
"""

from pathlib import Path

import bentoml
import numpy as np

from benchmarks.serve.peers.plain import decoded, probability, session
from unmask.serving.bundle import bundle_folder, load_bundle
from unmask.serving.runtime import prepare


@bentoml.service
class Untuned:
    """Probabilities of forgery."""

    def __init__(self) -> None:
        self.bundle, self.session = load_bundle(bundle_folder()), session(bundle_folder())

    @bentoml.api
    def predict(self, images: list[Path]) -> list[float]:
        """One for each picture."""
        crops = np.stack([prepare(decoded(path), self.bundle.preprocessing) for path in images])
        (logits,) = self.session.run(["logit"], {"image": crops})
        return [probability(float(logit), self.bundle) for logit in logits]
