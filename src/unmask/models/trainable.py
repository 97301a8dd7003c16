"""Which weights of an encoder learn."""

from typing import Literal

from torch import nn

from unmask.models.encoders import Encoder

Trainable = Literal["all", "last", "none"]

# Where timm's and open_clip's models keep their stages and what normalises after them.
STAGES = ("blocks", "stages", "layers", "layer4", "visual.transformer.resblocks")
NORMS = ("norm", "fc_norm", "visual.ln_post")


def set_trainable(encoder: Encoder, which: Trainable) -> list[str]:
    """Let all weights learn, none, or the last transformer block or convolution stage with the final norm.

    Returns the names of the weights that learn (SAGNet: the last block and ln_post).
    """
    encoder.requires_grad_(which == "all")
    if which == "last":
        for module in _last(encoder.backbone):
            module.requires_grad_(True)
    return [name for name, weight in encoder.named_parameters() if weight.requires_grad]


def _last(backbone: nn.Module) -> list[nn.Module]:
    named = dict(backbone.named_modules())
    stage = next((named[name] for name in STAGES if name in named), None)
    if stage is None:
        raise ValueError(f"{type(backbone).__name__} has none of {', '.join(STAGES)}")
    last = list(stage.children())[-1] if isinstance(stage, nn.Sequential | nn.ModuleList) else stage
    # layer4 of a ResNet is one stage of several blocks, all of which learn.
    chosen = stage if "layer4" in named else last
    return [chosen, *(named[name] for name in NORMS if name in named)]
