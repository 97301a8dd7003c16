"""Which weights of an encoder learn."""

from torch import nn

from unmask.errors import ConfigError
from unmask.models.encoders import Encoder

CHOICES = ("all", "last", "none")

# Where timm's and open_clip's models keep their stages and what normalises after them.
STAGES = ("blocks", "stages", "layers", "layer4", "visual.transformer.resblocks")
NORMS = ("norm", "fc_norm", "visual.ln_post")


def set_trainable(encoder: Encoder, which: str) -> list[str]:
    """Let all weights learn, none, or the last transformer block or convolution stage with the final norm.

    Returns the names of the weights that learn (SAGNet: the last block and ln_post).

    Raises:
        ConfigError: WHICH is none of CHOICES, or the encoder has no stages that are known.
    """
    if which not in CHOICES:
        raise ConfigError(f"params.yaml: teach.trainable: {which!r} is none of {', '.join(CHOICES)}")
    encoder.requires_grad_(which == "all")
    if which == "last":
        for module in _last(encoder.backbone):
            module.requires_grad_(True)
    return [name for name, weight in encoder.named_parameters() if weight.requires_grad]


def _last(backbone: nn.Module) -> list[nn.Module]:
    named = dict(backbone.named_modules())
    stage = next((named[name] for name in STAGES if name in named), None)
    if stage is None:
        known = f"{type(backbone).__name__} has none of {', '.join(STAGES)}"
        raise ConfigError(f"params.yaml: teach.trainable: last: {known}; choose all or none")
    last = list(stage.children())[-1] if isinstance(stage, nn.Sequential | nn.ModuleList) else stage
    # layer4 of a ResNet is one stage of several blocks, all of which learn.
    chosen = stage if "layer4" in named else last
    return [chosen, *(named[name] for name in NORMS if name in named)]
