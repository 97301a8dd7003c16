"""ForenSynths, the data of CNNDetection.

    [{train,val,test}/]<generator>[/<category>]/{0_real,1_fake}/<picture>

The training and validation archives hold ProGAN's categories without a folder for the generator. Checked against
github.com/PeterWang512/CNNDetection: README.md (archives, folders, the training categories), eval_config.py (the
test set's generators and which have categories) and data/datasets.py (its loader).
"""

import re

from unmask.data.sources.class_folders import SPLITS, find_classes
from unmask.data.sources.layout import Finding
from unmask.data.sources.tree import Tree

SOURCE = "forensynths"
_REAL = "0_real"
_PATH = re.compile(rf"(?:(?P<split>{'|'.join(SPLITS)})/)?(?P<folders>(?:[^/]+/)*)(?P<kind>0_real|1_fake)/.+")
_TRAINING_GENERATOR = "progan"
_TRAINING_CATEGORIES = frozenset(
    [
        *("airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
        *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
    ]
)


class ForenSynths:
    """ForenSynths, whole, or one archive of it."""

    name = "forensynths"
    selects = False
    expects = "[train|val|test/]<generator>[/<category>]/0_real/... and .../1_fake/..."

    def recognises(self, tree: Tree) -> bool:
        """Whether a file lies in a folder 0_real or 1_fake."""
        return any(_PATH.fullmatch(path) for path in tree.paths)

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the pictures; the category is an attribute."""

        def generator_of(match: re.Match[str]) -> tuple[str, str]:
            first, _, rest = match["folders"].rstrip("/").partition("/")
            split = match["split"] or (tree.name if tree.name in SPLITS else "")
            if not first and tree.name not in SPLITS:
                return tree.name, ""
            if split != "test" and (first in _TRAINING_CATEGORIES or not first):
                # The training archive's root has a category that is called train.
                at_root = match["split"] or tree.name in SPLITS
                return _TRAINING_GENERATOR if at_root else tree.name, first or match["split"]
            return first, rest

        return find_classes(tree, _PATH, source=source or SOURCE, generator_of=generator_of, real=_REAL)
