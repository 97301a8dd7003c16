"""Where training computes and how: device, precision, compilation; from `scale` in params.yaml."""

import torch
from lightning.fabric import Fabric
from torch import nn

from unmask.config import Scale
from unmask.models.encoders import Encoder


def make_fabric(scale: Scale) -> Fabric:
    """Fabric on the chosen device; `auto` precision is bf16 where the processor computes in it."""
    accelerator, precision, _ = roundings(scale)
    return Fabric(accelerator=accelerator, devices=1, precision=precision)


def roundings(scale: Scale) -> tuple[str, str, bool]:
    """What of `scale` changes how numbers are rounded on this machine: device, precision, compilation."""
    cuda = scale.device == "cuda" or (scale.device == "auto" and torch.cuda.is_available())
    precision = {"auto": "auto", "fp32": "32-true", "bf16": "bf16-mixed"}[scale.precision]
    if precision == "auto":
        fast = cuda or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
        precision = "bf16-mixed" if fast else "32-true"
    return "cuda" if cuda else "cpu", precision, scale.compile


def compile_encoders(scale: Scale, *modules: nn.Module) -> None:
    """Have torch.compile translate every encoder at its first call, where asked for; names of weights stay."""
    for encoder in (part for module in modules for part in module.modules() if isinstance(part, Encoder)):
        if scale.compile:
            encoder.compile()
