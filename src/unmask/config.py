"""params.yaml as typed dataclasses, loaded through Hydra; every value stands in params.yaml.

No field has a default here, because DVC sees only what is written in params.yaml.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from unmask.console import run_as_program
from unmask.errors import ConfigError
from unmask.service_settings import Serving


@dataclass
class Scale:
    engine: str = MISSING
    workers: int = MISSING
    address: str = MISSING
    device: str = MISSING
    precision: str = MISSING
    compile: bool = MISSING
    crop_memory_gb: float = MISSING


@dataclass
class Encoder:
    name: str = MISSING
    args: dict[str, Any] = MISSING
    front: str = MISSING
    weights: str = MISSING


@dataclass
class Faces:
    detector: str = MISSING
    crop: str = MISSING
    margin: float = MISSING
    missing: str = MISSING


@dataclass
class SourceShares:
    val_fraction: float = MISSING
    test_fraction: float = MISSING
    labelled_fraction: float = MISSING


@dataclass
class Assemble:
    sources: list[str] = MISSING
    max_side_px: int = MISSING
    min_side_px: int = MISSING
    max_megapixels: float = MISSING
    max_megabytes: float = MISSING
    max_clip_megabytes: float = MISSING
    clip_frames: int = MISSING
    faces: Faces = MISSING
    near_duplicate_bits: int = MISSING
    val_fraction: float = MISSING
    test_fraction: float = MISSING
    unseen_generators: list[str] = MISSING
    labelled_fraction: float = MISSING
    source_shares: dict[str, SourceShares] = MISSING
    domain: str = MISSING
    domain_clusters: int = MISSING
    domain_encoder: Encoder = MISSING


@dataclass
class Expand:
    self_blended_per_real: int = MISSING
    region_edits_per_real: int = MISSING
    min_change: float = MISSING
    min_area: float = MISSING
    region_methods: dict[str, float] = MISSING
    skin_methods: dict[str, float] = MISSING
    poisson_share: float = MISSING
    colour_space: str = MISSING
    physical_inconsistency: bool = MISSING
    pair_masks: bool = MISSING
    pair_noise_factor: float = MISSING
    pair_min_change: float = MISSING
    pair_max_shift_px: float = MISSING


@dataclass
class Validate:
    min_rows: int = MISSING
    min_validation_reals: int = MISSING
    max_quarantined_fraction: float = MISSING
    max_shortcut_auc: float = MISSING
    max_label_association: float = MISSING
    min_class_share: float = MISSING
    decode_sample: int = MISSING
    audit_rows: int = MISSING
    max_shrink: float = MISSING
    max_growth: float = MISSING
    reference_source: str = MISSING


@dataclass
class Preprocess:
    size_px: int = MISSING
    window_px: int = MISSING
    shrink: bool = MISSING


@dataclass
class Labels:
    graph: str = MISSING
    allow_bare_root: bool = MISSING


@dataclass
class Augment:
    jpeg_p: float = MISSING
    jpeg_quality: list[int] = MISSING
    webp_p: float = MISSING
    webp_quality: list[int] = MISSING
    rescale_p: float = MISSING
    rescale_range: list[float] = MISSING
    blur_p: float = MISSING
    blur_sigma: list[float] = MISSING
    noise_p: float = MISSING
    noise_std: list[float] = MISSING
    colour: float = MISSING


@dataclass
class Optimiser:
    batch_size: int = MISSING
    learning_rate: float = MISSING
    weight_decay: float = MISSING
    warmup_fraction: float = MISSING
    clip_norm: float = MISSING
    ema_decay: float = MISSING
    checkpoint_every_steps: int = MISSING


@dataclass
class Contrast:
    dim: int = MISSING
    queue: int = MISSING
    momentum: float = MISSING
    final_momentum: float = MISSING
    temperature: float = MISSING


@dataclass
class WarmStart:
    weights: str = MISSING
    epochs: float = MISSING
    rate: float = MISSING
    replay: float = MISSING
    repeats: int = MISSING


@dataclass
class Pretrain:
    epochs: int = MISSING
    optimiser: Optimiser = MISSING
    contrast: Contrast = MISSING


@dataclass
class TextTower:
    name: str = MISSING
    width: int = MISSING
    layers: int = MISSING
    weights: str = MISSING


@dataclass
class Bilevel:
    every: int = MISSING
    mode: str = MISSING
    learning_rate: float = MISSING
    radius: float = MISSING
    normalise: bool = MISSING


@dataclass
class Adversary:
    weight: float = MISSING
    position: str = MISSING
    ramp: bool = MISSING


@dataclass
class Teach:
    epochs: int = MISSING
    optimiser: Optimiser = MISSING
    text: TextTower = MISSING
    encoder_rate: float = MISSING
    text_rate: float = MISSING
    bce_epochs: int = MISSING
    bce_mix: float = MISSING
    patience: int = MISSING
    trainable: str = MISSING
    bilevel: Bilevel = MISSING
    adversary: Adversary = MISSING


@dataclass
class Distill:
    epochs: int = MISSING
    encoder: Encoder = MISSING
    optimiser: Optimiser = MISSING
    mix: float = MISSING
    temperature: float = MISSING
    unlabelled_per_labelled: int = MISSING
    patience: int = MISSING


@dataclass
class Tiers:
    named: list[str] = MISSING
    rows: int = MISSING
    sweeps: dict[str, list[float]] = MISSING


@dataclass
class Evaluate:
    bootstrap: int = MISSING
    confidence: float = MISSING
    fake_fpr: float = MISSING
    real_miss: float = MISSING
    worst: int = MISSING
    tiers: Tiers = MISSING


@dataclass
class Promote:
    margin: float = MISSING
    slice_margin: float = MISSING
    min_rows: int = MISSING
    min_shared: float = MISSING
    max_fpr: float = MISSING
    max_latency_ms: float = MISSING
    min_kept: float = MISSING


@dataclass
class Drift:
    max_rows: int = MISSING
    min_rows: int = MISSING
    level: float = MISSING
    min_moved: float = MISSING
    permutations: int = MISSING
    keep_reports: int = MISSING


@dataclass
class Package:
    candidate: str = MISSING
    self_test_rows: int = MISSING
    int8: str = MISSING
    max_auc_loss: float = MISSING
    licences: dict[str, str] = MISSING


@dataclass
class Config:
    seed: int = MISSING
    method: str = MISSING
    scale: Scale = MISSING
    assemble: Assemble = MISSING
    expand: Expand = MISSING
    validate: Validate = MISSING
    preprocess: Preprocess = MISSING
    labels: Labels = MISSING
    encoder: Encoder = MISSING
    augment: Augment = MISSING
    warm_start: WarmStart = MISSING
    pretrain: Pretrain = MISSING
    teach: Teach = MISSING
    distill: Distill = MISSING
    evaluate: Evaluate = MISSING
    promote: Promote = MISSING
    drift: Drift = MISSING
    package: Package = MISSING
    serving: Serving = MISSING


def load_config(root: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and check ROOT/params.yaml.

    Raises:
        ConfigError: a key is unknown, missing or of the wrong type; the message names it.
    """
    if not (root / "params.yaml").is_file():
        raise ConfigError(f"params.yaml: not found in {root}; run from the project's root")
    try:
        with initialize_config_dir(config_dir=str(root.resolve()), version_base=None):
            written = compose(config_name="params", overrides=list(overrides))
        merged = cast("DictConfig", OmegaConf.merge(OmegaConf.structured(Config), written))
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"params.yaml: {_first_line(error)}") from error
    missing = sorted(OmegaConf.missing_keys(merged))
    if missing:
        raise ConfigError(f"params.yaml: missing {', '.join(missing)}")
    return cast("Config", OmegaConf.to_object(merged))


def _first_line(error: Exception) -> str:
    key = getattr(error, "full_key", None)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    where = f"{key}: " if key else ""
    return where + (" ".join(" ".join(lines).split()) if isinstance(error, YAMLError) else lines[0])


def stage(run: Callable[[Config], str]) -> Callable[[], None]:
    """Turn a function from a config to a summary line into a stage's main program.

    Words after the module's name are Hydra overrides: `python -m unmask.stages.teach teach.epochs=1`.
    """

    @wraps(run)
    def program() -> None:
        name = Path(sys.argv[0]).stem
        run_as_program(name, lambda: run(load_config(Path.cwd(), sys.argv[1:])))

    return program


if __name__ == "__main__":
    run_as_program("check", lambda: f"params.yaml is sound, method {load_config(Path.cwd(), sys.argv[1:]).method}")
