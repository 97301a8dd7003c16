from unmask.config import Encoder, Labels, Preprocess, TextTower
from unmask.models.detector import DetectorSpec, Head, detector_spec

TINY_CNN = Encoder("test_resnet", {"channels": [8, 8, 16, 24]}, "residual", "none")


def tiny_spec(head: Head, *, graph: str = "ffpp") -> DetectorSpec:
    return detector_spec(
        encoder=TINY_CNN,
        head=head,
        labels=Labels(graph, True),
        attributes=True,
        text=TextTower("tiny", 64, 1, "none"),
        preprocess=Preprocess(64, 72, True),
    )
