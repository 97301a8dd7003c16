"""A detector in the form that is exported and served."""

import torch
from torch import Tensor, nn

from unmask.models.detector import Detector
from unmask.models.marginals import StateMarginals


class ExportModule(nn.Module):
    """A detector as served: uint8 pictures in, float32 out, sentences turned into constants.

    (N, H, W, 3) -> logit (N,), scores (N, n), marginals (N, n), embedding (N, D), map (N, h, w).
    """

    OUTPUTS = ("logit", "scores", "marginals", "embedding", "map")

    weight: Tensor
    bias: Tensor

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.encoder = detector.encoder
        self.states = StateMarginals(detector.graph, dtype=torch.float32)
        with torch.no_grad():
            weight, bias = detector.head.as_linear()
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", bias.detach().clone())
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The outputs in the order of OUTPUTS."""
        pictures = image.permute(0, 3, 1, 2).to(torch.float32) / 255
        features = self.encoder.features(pictures)
        embedding = self.encoder.pool(features)
        scores = embedding @ self.weight.T + self.bias
        found = self.states(scores)
        places = self.states.log_odds(self.encoder.embed_places(features) @ self.weight.T + self.bias)
        return found.logit, scores, found.marginals, embedding, places
