"""GenImage, and Tiny-GenImage, which is laid out alike.

    <generator>[/<archive>]/{train,val}/{nature,ai}/<picture>

for instance BigGAN/imagenet_ai_0419_biggan/val/ai/... or imagenet_midjourney/train/nature/... Checked against
github.com/gendetection/UnbiasedGenImage, ResNet50/pytorch-image-models-0.6.12/create_dataset.py (`nature` is the real
class), and github.com/nguyenhoangha0710/Classifier_Fake_Real_Images, data_loader/README.md (listing of the archives'
folders) and data_loader/tiny_genimage_kaggle.py (a loader of them).
"""

import re

from unmask.data.sources.class_folders import find_classes
from unmask.data.sources.layout import Finding
from unmask.data.sources.tree import Tree

SOURCE = "genimage"
_PATH = re.compile(r"(?:(?P<generator>[^/]+)/(?:[^/]+/)?)?(?P<split>train|val|test)/(?P<kind>nature|ai)/.+")


class GenImage:
    """GenImage, whole, or one generator of it."""

    name = "genimage"
    selects = False
    expects = "<generator>/{train,val}/nature/... and <generator>/{train,val}/ai/..."

    def recognises(self, tree: Tree) -> bool:
        """Whether a file lies in a folder nature or ai of a split."""
        return any(_PATH.fullmatch(path) for path in tree.paths)

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the pictures; the official split is an attribute."""
        return find_classes(
            tree,
            _PATH,
            source=source or SOURCE,
            generator_of=lambda match: (match["generator"] or tree.name, ""),
            real="nature",
        )
