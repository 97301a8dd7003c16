"""What a manipulation alters: generator -> label vector and which labels are known."""

from dataclasses import dataclass

import numpy as np

from unmask.labels.graph import REGIONS, LabelArray, LabelGraph

PHYSICAL = "physical inconsistency"
REAL_GENERATORS = ("camera", "real")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Attributes and regions that a kind of manipulation alters; `unsure` ones are masked, not zero.

    `regions` is None where they differ from picture to picture.
    """

    attributes: tuple[str, ...] = ()
    regions: tuple[str, ...] | None = REGIONS
    unsure: tuple[str, ...] = ()


IDENTITY = Edit(attributes=("identity",), unsure=("age",))
EXPRESSION = Edit(attributes=("expression",), regions=("lip", "mouth"))
SYNTHETIC = Edit(attributes=("identity",), unsure=("age", "expression", "gender", "pose", PHYSICAL))
SOMEWHERE = Edit(regions=None, unsure=("age", "expression", "gender", "identity", "pose"))

# The published vectors of FF++ and FFSC (methods: 1.4), then what is only generated, then the sample's forgers.
EDITS: dict[Edit, tuple[str, ...]] = {
    IDENTITY: (
        *("deepfakes", "faceswap", "faceshifter", "simswap", "fsgan", "blendface", "infoswap", "inswap", "uniface"),
        *("facedancer", "e4s", "mobswap", "diffswap", "identity", "swap", "dfdc", "celebdf", "selfblend"),
    ),
    EXPRESSION: ("face2face", "neuraltextures", "smile", "hfgismile", "expression"),
    Edit(attributes=("expression",), regions=("eye", "lip", "mouth", "nose", "skin")): (
        *("surprise", "fommexpr", "styleresexpr"),
    ),
    Edit(attributes=("age",), regions=("eye", "skin")): ("age", "diffaeage", "styleresage", "hfgiage"),
    Edit(
        attributes=("gender", "identity"),
        regions=("eye", "eyebrow", "lip", "mouth", "skin"),
        unsure=("age",),
    ): ("gender", "diffaegender", "stylegan2distillationgender", "styleclipgender"),
    Edit(attributes=("pose",)): ("pose", "tpspose", "fommpose", "fnevr"),
    Edit(regions=("eye",)): ("regioneyes", "regioneye"),
    Edit(regions=("lip", "mouth")): ("regionmouth",),
    Edit(regions=("nose",)): ("regionnose",),
    SYNTHETIC: (
        *("stylegan", "stylegan2", "stylegan3", "progan", "biggan", "stargan", "cyclegan", "gauggan"),
        *("sd15", "sd21", "sdxl", "sd3", "flux", "stablediffusion", "midjourney", "dalle", "dalle2", "dalle3"),
        *("adm", "ddpm", "ldm", "glide", "dcface", "diffface", "thispersondoesnotexist", "synthetic"),
        *("resynthesis", "upsampler"),
    ),
    SOMEWHERE: ("inpaint", "regionedit", "warp"),
}


def targets(generator: str, graph: LabelGraph, *, physical_inconsistency: bool) -> tuple[LabelArray, LabelArray]:
    """Label vector of a generator and which of its entries are known; both (n,) int8.

    A camera picture is all zero and all known; of a generator outside the table only the root is known.
    With PHYSICAL_INCONSISTENCY that global is on for every known manipulation, as in the published vectors.
    """
    if generator.lower() in REAL_GENERATORS:
        return np.zeros(len(graph), dtype=np.int8), np.ones(len(graph), dtype=np.int8)
    edit = _edit_of(generator)
    if edit is None:
        root = np.zeros(len(graph), dtype=np.int8)
        root[0] = 1
        return root, root.copy()
    return _vectors(edit, graph, physical_inconsistency=physical_inconsistency)


def is_known(generator: str) -> bool:
    """Whether the table says what a generator of that name alters."""
    return _edit_of(generator) is not None


def _edit_of(generator: str) -> Edit | None:
    plain = "".join(character for character in generator.lower() if character.isalnum())
    return next((edit for edit, names in EDITS.items() if plain in names), None)


def _vectors(edit: Edit, graph: LabelGraph, *, physical_inconsistency: bool) -> tuple[LabelArray, LabelArray]:
    _, _, locals_ = graph.levels()
    on = {"fake", *edit.attributes, *(edit.regions or ())}
    if physical_inconsistency or not edit.attributes:
        on.add(PHYSICAL)
    masked = set(edit.unsure) - on
    if edit.regions is None:
        masked |= set(graph.names[locals_])
    for label in range(len(graph))[locals_]:
        above = {graph.names[parent] for parent in graph.parents(label)}
        if graph.names[label] in on and not above & (on | masked):
            # Some attribute above an altered region was altered; the graph has no word for ours, or another one.
            masked |= above
    target = np.array([name in on for name in graph.names], dtype=np.int8)
    known = np.array([name not in masked for name in graph.names], dtype=np.int8)
    return target, known
