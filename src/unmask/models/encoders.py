"""Image encoders by name: timm's, and open_clip's image towers as `open_clip:<model>`."""

import difflib
from typing import Any, Self

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from unmask.config import Encoder as EncoderSettings
from unmask.errors import ConfigError
from unmask.models.clip import ClipImage, checked_file, create_clip, is_clip_name, weights_error
from unmask.models.front import RESIDUALS, Front, channels_of


class Encoder(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] -> embeddings (B, embed_dim); the front normalises as the backbone expects."""

    def __init__(self, backbone: nn.Module, front: Front, embed_dim: int) -> None:
        super().__init__()
        self.front = front
        self.backbone = backbone
        self.embed_dim = embed_dim

    def forward(self, pictures: Tensor) -> Tensor:
        """Embeddings (B, embed_dim) of pictures."""
        return self.pool(self.features(pictures))

    def features(self, pictures: Tensor) -> Tensor:
        """The backbone's own last features before pooling: a map (B, C, h, w) or tokens (B, N, C)."""
        # Convolutions take half the time on this layout.
        seen = self.front(pictures).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.backbone.forward_features(seen)  # type: ignore[operator]
        return features

    def pool(self, features: Tensor) -> Tensor:
        """Features to embeddings (B, embed_dim)."""
        embedding: Tensor = self.backbone.forward_head(features, pre_logits=True)  # type: ignore[operator]
        return embedding.flatten(1)

    def feature_map(self, pictures: Tensor) -> Tensor:
        """The last features as a map (B, C, h, w), without class tokens."""
        return self._places(self.features(pictures)).permute(0, 3, 1, 2)

    def embed_places(self, features: Tensor) -> Tensor:
        """Embed every place of the last features as if it filled the picture: (B, h, w, embed_dim).

        Where the backbone only averages its map, the mean over places is the picture's embedding.
        """
        places = self._places(features)
        batch, height, width, channels = places.shape
        single = places.reshape(-1, 1, 1, channels)
        if features.dim() == 3:
            # Token poolings take either the first token or the mean of all behind the prefix: give both.
            single = single.flatten(1, 2).expand(-1, self._prefix + 1, -1)
        elif not self._channels_last(features):
            single = single.permute(0, 3, 1, 2)
        return self.pool(single).reshape(batch, height, width, self.embed_dim)

    def train(self, mode: bool = True) -> Self:
        """Switch the mode; a BatchNorm whose weights are frozen keeps its statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm) and module.affine and not module.weight.requires_grad:
                module.eval()
        return self

    @property
    def _prefix(self) -> int:
        return int(getattr(self.backbone, "num_prefix_tokens", 0))

    def _channels_last(self, features: Tensor) -> bool:
        width = getattr(self.backbone, "num_features", 0)
        return features.shape[1] != width and features.shape[-1] == width

    def _places(self, features: Tensor) -> Tensor:
        if features.dim() == 3:
            tokens = features[:, self._prefix :]
            side = round(tokens.shape[1] ** 0.5)
            return tokens.reshape(tokens.shape[0], side, side, tokens.shape[2])
        return features if self._channels_last(features) else features.permute(0, 2, 3, 1)


def create_encoder(encoder: EncoderSettings, *, size_px: int | None = None) -> Encoder:
    """Build the encoder that a config section names.

    SIZE_PX is the side of the square pictures; only transformers with fixed positions need it, and without it
    they expect the size they were published with.

    Raises:
        ConfigError: name, args, front or weights name nothing that exists or fits.
    """
    if encoder.front not in RESIDUALS:
        raise ConfigError(f"params.yaml: encoder.front: {encoder.front!r} is none of {', '.join(RESIDUALS)}")
    if encoder.front == "downup" and size_px is not None and size_px % 2:
        raise ConfigError(f"params.yaml: preprocess.size_px: {size_px} is odd, which front downup can't take")
    own = own_weights(encoder.weights)
    source = "none" if own is not None else encoder.weights
    build = _clip_backbone if is_clip_name(encoder.name) else _timm_backbone
    backbone = build(encoder, source, channels_of(encoder.front), size_px)
    stats = backbone.pretrained_cfg
    front = Front(mean=stats["mean"], std=stats["std"], name=encoder.front)
    built = Encoder(backbone, front, int(getattr(backbone, "head_hidden_size", None) or backbone.num_features))
    if own is not None:
        _load_own(built, own, encoder)
    return built


def own_weights(weights: str) -> dict[str, Tensor] | None:
    """Weights written by `pretrain`, which carry our module names; None where WEIGHTS is anything else.

    Raises:
        ConfigError: WEIGHTS names a file that is missing, damaged or no .safetensors.
    """
    if weights in ("none", "pretrained"):
        return None
    path = checked_file(weights, "encoder")
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"params.yaml: encoder.weights: {path} is damaged ({error})") from error
    return stored if any(name.startswith("backbone.") for name in stored) else None


def _load_own(built: Encoder, stored: dict[str, Tensor], encoder: EncoderSettings) -> None:
    try:
        built.load_state_dict(stored)
    except RuntimeError as error:
        raise ConfigError(
            f"params.yaml: encoder.weights: {encoder.weights} does not fit {encoder.name} with these args and front"
        ) from error


def _clip_backbone(encoder: EncoderSettings, weights: str, channels: int, size_px: int | None) -> ClipImage:
    if encoder.args:
        raise ConfigError(f"params.yaml: encoder.args: {encoder.name} takes none")
    backbone = ClipImage(create_clip(encoder.name, weights, key="encoder", size_px=size_px).visual)
    narrow = backbone.visual.conv1
    if channels != narrow.in_channels:
        backbone.visual.conv1 = nn.Conv2d(
            channels, narrow.out_channels, narrow.kernel_size, stride=narrow.stride, bias=narrow.bias is not None
        )
        _copy_widened(narrow, backbone.visual.conv1)
    return backbone


def _timm_backbone(encoder: EncoderSettings, weights: str, channels: int, size_px: int | None) -> Any:
    if not timm.is_model(encoder.name):
        near = difflib.get_close_matches(encoder.name, timm.list_models(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"params.yaml: encoder.name: timm has no model {encoder.name!r}{hint}")
    args = dict(encoder.args)
    published = timm.get_pretrained_cfg(encoder.name)
    if size_px is not None and published is not None and published.fixed_input_size:
        args.setdefault("img_size", size_px)
    try:
        backbone = timm.create_model(encoder.name, pretrained=False, in_chans=channels, num_classes=0, **args)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise ConfigError(f"params.yaml: encoder.args: {encoder.name} can't be built with them ({error})") from error
    if weights != "none":
        _copy_widened(_timm_with_weights(encoder, weights, args), backbone)
    return backbone


def _timm_with_weights(encoder: EncoderSettings, weights: str, args: dict[str, Any]) -> nn.Module:
    overlay = None if weights == "pretrained" else {"file": weights}
    try:
        built: nn.Module = timm.create_model(
            encoder.name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=0, **args
        )
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise weights_error("encoder", encoder.name, error) from error
    return built


def _copy_widened(source: nn.Module, target: nn.Module) -> None:
    """Copy weights; input channels that the source lacks start at 0, so that both compute the same at first."""
    stored = source.state_dict()
    for name, value in target.state_dict().items():
        given = stored[name]
        if given.shape != value.shape:
            extra = value.shape[1] - given.shape[1]
            stored[name] = torch.cat([given, given.new_zeros(given.shape[0], extra, *given.shape[2:])], dim=1)
    target.load_state_dict(stored)
