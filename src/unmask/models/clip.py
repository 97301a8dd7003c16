"""Towers of open_clip's models, by `open_clip:<model>` names."""

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import open_clip
import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from unmask.errors import ConfigError

PREFIX = "open_clip:"


def is_clip_name(name: str) -> bool:
    """Whether NAME means an open_clip model."""
    return name.startswith(PREFIX)


def create_clip(name: str, weights: str, *, key: str, size_px: int | None = None) -> Any:
    """Build a whole model with separate `visual` and `text` towers.

    WEIGHTS is none, pretrained (OpenAI's where they fit) or a .safetensors file; KEY is the config section to blame.
    OpenAI's weights want another activation than most: they fit the models whose name ends in `-quickgelu`. It is
    built on torch's default device, `meta` included.

    Raises:
        ConfigError: the model or its weights don't exist or can't be had.
    """
    model = name.removeprefix(PREFIX)
    if model not in open_clip.list_models():
        near = difflib.get_close_matches(model, open_clip.list_models(), n=1)
        hint = f"; did you mean {PREFIX}{near[0]}?" if near else ""
        raise ConfigError(f"params.yaml: {key}.name: open_clip has no model {model!r}{hint}")
    source = _weights_source(model, weights, key)
    try:
        with _quiet():
            return open_clip.create_model(
                model,
                pretrained=source,
                device=torch.get_default_device(),
                force_custom_text=True,
                force_image_size=size_px,
                pretrained_text=weights != "none",
            )
    except (OSError, RuntimeError, ValueError) as error:
        raise weights_error(key, name, error) from error


def weights_error(key: str, name: str, error: Exception) -> ConfigError:
    """What to tell when the weights of a model can't be loaded."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ConfigError(
        f"params.yaml: {key}.weights: those of {name} can't be loaded ({reason}); "
        "set it to none or to a .safetensors file, or allow downloads (HF_HUB_OFFLINE=0)"
    )


def checked_file(weights: str, key: str) -> Path:
    """A weights file that exists and holds no pickle.

    Raises:
        ConfigError: it is no .safetensors file or does not exist.
    """
    path = Path(weights)
    if path.suffix != ".safetensors":
        raise ConfigError(f"params.yaml: {key}.weights: {weights!r} is not none, pretrained or a .safetensors file")
    if not path.is_file():
        raise ConfigError(f"params.yaml: {key}.weights: {weights} does not exist")
    return path


def _weights_source(model: str, weights: str, key: str) -> str | None:
    if weights == "none":
        return None
    if weights != "pretrained":
        return str(checked_file(weights, key))
    # The activation must follow from the name alone, because a stored detector is built again without these weights.
    quick = bool(open_clip.get_model_config(model).get("quick_gelu"))
    tags = [
        tag
        for tag in cast("list[str]", open_clip.list_pretrained_tags_by_model(model))
        if bool(open_clip.get_pretrained_cfg(model, tag).get("quick_gelu")) == quick
    ]
    if not tags:
        raise ConfigError(f"params.yaml: {key}.weights: open_clip has none for {model}; set it to none")
    return "openai" if "openai" in tags else tags[0]


@contextmanager
def _quiet() -> Iterator[None]:
    # open_clip warns on the root logger that a model without weights has no weights.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class ClipImage(nn.Module):
    """An open_clip vision transformer behind the three names that timm's models have."""

    num_prefix_tokens = 1

    def __init__(self, visual: VisionTransformer, *, key: str = "encoder") -> None:
        super().__init__()
        if not isinstance(visual, VisionTransformer) or visual.attn_pool is not None or visual.final_ln_after_pool:
            raise ConfigError(f"params.yaml: {key}.name: of open_clip only plain ViT towers can be used; take timm's")
        self.visual = visual
        self.num_features: int = visual.conv1.out_channels
        self.head_hidden_size: int = visual.output_dim
        mean, std = visual.preprocess_cfg["mean"], visual.preprocess_cfg["std"]
        self.pretrained_cfg = {"mean": tuple(mean), "std": tuple(std)}

    def forward_features(self, pictures: Tensor) -> Tensor:
        """Normalised tokens (B, 1 + N, C), the class token first."""
        found = self.visual.forward_intermediates(
            pictures,
            indices=1,
            normalize_intermediates=True,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        return torch.cat([found["image_intermediates_prefix"][-1], found["image_intermediates"][-1]], dim=1)

    def forward_head(self, features: Tensor, *, pre_logits: bool = True) -> Tensor:
        """Pool and project tokens to (B, head_hidden_size); there is no classifier, with or without PRE_LOGITS."""
        pooled = features[:, 0] if self.visual.pool_type == "tok" else features[:, 1:].mean(dim=1)
        return pooled if not pre_logits or self.visual.proj is None else pooled @ self.visual.proj
