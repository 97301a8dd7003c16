"""Semantic classes for the adversary where no column tells them: clusters of a frozen encoder's embeddings."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageOps

from unmask.config import Encoder as EncoderSettings
from unmask.console import track
from unmask.data.decode import decode_image
from unmask.data.shards import ShardReader
from unmask.errors import ConfigError

Embeddings = npt.NDArray[np.float32]
Embed = Callable[[list[Image.Image]], Embeddings]
ENCODER_KEY = "assemble.domain_encoder"
CLUSTERS_KEY = "assemble.domain_clusters"
SIDE_PX = 224  # what most weights were trained at, and a multiple of every usual patch
MAX_FITTED = 20_000  # bounds the memory; more rows tell k-means nothing new
_BATCH = 32  # 1 GB of activations in a ResNet-18
_RESTARTS = 4


def cluster_domains(
    reader: ShardReader,
    rows: pd.DataFrame,
    *,
    encoder: EncoderSettings,
    clusters: int,
    seed: int,
    device: str = "cpu",
) -> list[str]:
    """Give each row (columns key, split) its class, `cluster-0` to `cluster-<CLUSTERS - 1>`, by its picture alone.

    k-means on unit embeddings (Lloyd 1982), fitted on rows of the train split, at most MAX_FITTED of them drawn
    by SEED, whose embeddings are all that is held; the other rows take the nearest centre.

    Raises:
        ConfigError: the encoder can't be built or has no trained weights, or fewer training rows than clusters.
        DataError: a crop is missing or damaged.
    """
    training = np.flatnonzero((rows["split"] == "train").to_numpy())
    if not 2 <= clusters <= len(training):
        raise ConfigError(
            f"params.yaml: {CLUSTERS_KEY}: {clusters} is not within 2..{len(training)}, the training rows"
        )
    embed = _embedder(encoder, device)
    keys = rows["key"].to_numpy()
    fitted = np.sort(np.random.default_rng(seed).permutation(training)[:MAX_FITTED])
    others = np.setdiff1d(np.arange(len(keys)), fitted)
    learned = np.concatenate(list(_batches(reader, keys[fitted], embed, "learning clusters")))
    found = np.empty(len(keys), dtype=np.int64)
    centres, found[fitted] = _k_means(learned, clusters, seed)
    nearest = [_nearest(batch, centres) for batch in _batches(reader, keys[others], embed, "finding clusters")]
    found[others] = np.concatenate([np.empty(0, dtype=np.int64), *nearest])
    return [f"cluster-{number}" for number in found]


def _batches(reader: ShardReader, keys: Sequence[str], embed: Embed, what: str) -> Iterator[Embeddings]:
    pictures: list[Image.Image] = []
    for key in track(keys, what):
        pictures.append(ImageOps.fit(decode_image(reader.read(key)), (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC))
        if len(pictures) == _BATCH:
            yield embed(pictures)
            pictures = []
    if pictures:
        yield embed(pictures)


def _k_means(embeddings: Embeddings, clusters: int, seed: int) -> tuple[Embeddings, npt.NDArray[np.int64]]:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # The order in which threads add up would decide rows that lie between two centres.
    with threadpool_limits(limits=1):
        fitted = KMeans(clusters, n_init=_RESTARTS, random_state=seed).fit(embeddings)
    centres = np.asarray(fitted.cluster_centers_, dtype=np.float32)
    return centres, _nearest(embeddings, centres)


def _nearest(embeddings: Embeddings, centres: Embeddings) -> npt.NDArray[np.int64]:
    # |e - c|^2 = |e|^2 - 2 e.c + |c|^2, and |e| is the same for every centre.
    distances = (centres**2).sum(axis=1) - 2 * embeddings @ centres.T
    return np.asarray(distances.argmin(axis=1), dtype=np.int64)


def _embedder(settings: EncoderSettings, device: str) -> Embed:
    """Pictures of SIDE_PX to unit embeddings (N, D), by weights that never change."""
    if settings.weights == "none":
        raise ConfigError(
            f"params.yaml: {ENCODER_KEY}.weights: clusters of an untrained encoder mean nothing; "
            "set it to pretrained or to a .safetensors file"
        )
    import torch

    from unmask.models.encoders import create_encoder

    try:
        encoder = create_encoder(settings, size_px=SIDE_PX).to(device).eval()
    except ConfigError as error:
        raise ConfigError(str(error).replace("params.yaml: encoder.", f"params.yaml: {ENCODER_KEY}.")) from error

    def embed(pictures: list[Image.Image]) -> Embeddings:
        pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
        with torch.inference_mode():
            found = encoder(pixels.permute(0, 3, 1, 2).to(device).float() / 255)
            unit: Embeddings = torch.nn.functional.normalize(found.float(), dim=1).cpu().numpy()
        return unit

    return embed
