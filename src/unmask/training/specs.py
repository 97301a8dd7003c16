"""What teacher and student are built of, by the config's method."""

from unmask.config import Config
from unmask.models.detector import DetectorSpec, detector_spec
from unmask.training.methods import method_by_name


def teacher_spec(config: Config) -> DetectorSpec:
    """The encoder of pretrain and teach with the method's head."""
    method = method_by_name(config.method)
    return detector_spec(
        encoder=config.encoder,
        head=method.head,
        labels=config.labels,
        attributes=method.attributes,
        text=config.teach.text,
        preprocess=config.preprocess,
    )


def student_spec(config: Config) -> DetectorSpec:
    """The encoder of distill with a linear head, which needs no text tower in service."""
    return detector_spec(
        encoder=config.distill.encoder,
        head="linear",
        labels=config.labels,
        attributes=method_by_name(config.method).attributes,
        text=config.teach.text,
        preprocess=config.preprocess,
    )
