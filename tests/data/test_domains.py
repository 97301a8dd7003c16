import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from unmask.config import Encoder
from unmask.data import domains
from unmask.data.domains import cluster_domains
from unmask.data.shards import ShardReader, ShardWriter
from unmask.errors import ConfigError

KINDS = ("stripes", "spots", "ramp")


def picture(kind: str, seed: int) -> Image.Image:
    """Pictures of one kind look alike, and like no other kind."""
    random = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(64), np.arange(64))
    shape = {
        "stripes": 200 * ((across + int(random.integers(8))) // 4 % 2),
        "spots": 250 * ((across // 16 + down // 16) % 2),
        "ramp": across * 3,
    }[kind]
    tint = {"stripes": (1.0, 0.2, 0.2), "spots": (0.2, 1.0, 0.2), "ramp": (0.2, 0.2, 1.0)}[kind]
    pixels = shape[..., None] * np.array(tint) + random.normal(0, 6, (64, 64, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """A tiny encoder with weights in a file, as timm stores them."""
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "timm.safetensors"
    save_file(timm.create_model("test_resnet", pretrained=False, num_classes=0).state_dict(), path)
    return Encoder("test_resnet", {}, "none", str(path))


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShardReader, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("crops")
    rows = []
    with ShardWriter(folder / "crops-a.zip") as writer:
        for number in range(36):
            kind = KINDS[number % 3]
            stream = io.BytesIO()
            picture(kind, number).save(stream, "PNG")
            writer.write(f"{number}.png", stream.getvalue())
            split = "train" if number < 24 else ("val", "test", "excluded")[number // 3 % 3]
            rows.append({"key": f"crops-a.zip/{number}.png", "split": split, "kind": kind})
    return ShardReader(folder), pd.DataFrame(rows)


Clustered = Callable[..., list[str]]


@pytest.fixture
def clustered(crops: tuple[ShardReader, pd.DataFrame], encoder: Encoder) -> Clustered:
    def run(rows: pd.DataFrame | None = None, *, clusters: int = 3, seed: int = 7) -> list[str]:
        reader, all_rows = crops
        chosen = all_rows if rows is None else rows
        return cluster_domains(reader, chosen[["key", "split"]], encoder=encoder, clusters=clusters, seed=seed)

    return run


def test_pictures_that_look_alike_share_a_class(clustered: Clustered, crops: tuple[ShardReader, pd.DataFrame]) -> None:
    found = pd.Series(clustered())
    assert set(found) == {"cluster-0", "cluster-1", "cluster-2"}
    assert (found.groupby(crops[1]["kind"]).nunique() == 1).all()


def test_the_same_seed_gives_the_same_classes(clustered: Clustered) -> None:
    assert clustered() == clustered()


def test_rows_that_do_not_train_change_no_class(clustered: Clustered, crops: tuple[ShardReader, pd.DataFrame]) -> None:
    rows = crops[1]
    everything = clustered(clusters=5)
    alone = clustered(rows[rows["split"] == "train"], clusters=5)
    assert everything[:24] == alone
    shuffled = pd.concat([rows[:24], rows[24:].iloc[::-1]])
    assert clustered(shuffled, clusters=5)[24:] == everything[24:][::-1]


def test_only_so_many_rows_are_fitted_and_in_batches(
    clustered: Clustered, crops: tuple[ShardReader, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    embedder = domains._embedder

    def watched(settings: Encoder, device: str) -> domains.Embed:
        embed = embedder(settings, device)

        def counted(pictures: list[Image.Image]) -> domains.Embeddings:
            sizes.append(len(pictures))
            return embed(pictures)

        return counted

    monkeypatch.setattr(domains, "_embedder", watched)
    monkeypatch.setattr(domains, "MAX_FITTED", 12)
    monkeypatch.setattr(domains, "_BATCH", 5)
    found = pd.Series(clustered())
    assert sizes == [5, 5, 2, 5, 5, 5, 5, 4]
    assert (found.groupby(crops[1]["kind"]).nunique() == 1).all()


def test_an_untrained_encoder_is_refused(crops: tuple[ShardReader, pd.DataFrame], encoder: Encoder) -> None:
    with pytest.raises(ConfigError, match=r"assemble\.domain_encoder\.weights"):
        cluster_domains(*crops, encoder=replace(encoder, weights="none"), clusters=3, seed=7)


@pytest.mark.parametrize(
    ("change", "key"),
    [({"name": "no_such_net"}, "name"), ({"weights": "gone.safetensors"}, "weights"), ({"args": {"x": 1}}, "args")],
)
def test_a_wrong_encoder_names_its_key(
    crops: tuple[ShardReader, pd.DataFrame], encoder: Encoder, change: dict[str, object], key: str
) -> None:
    with pytest.raises(ConfigError, match=rf"assemble\.domain_encoder\.{key}"):
        cluster_domains(*crops, encoder=replace(encoder, **change), clusters=3, seed=7)


@pytest.mark.parametrize("clusters", [0, 1, 25])
def test_more_clusters_than_training_rows_are_refused(clustered: Clustered, clusters: int) -> None:
    with pytest.raises(ConfigError, match=r"assemble\.domain_clusters"):
        clustered(clusters=clusters)


def test_torch_waits_until_it_is_needed(project: Path) -> None:
    import subprocess
    import sys

    code = "import sys, unmask.data.domains; assert not {'torch', 'timm', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=project)
