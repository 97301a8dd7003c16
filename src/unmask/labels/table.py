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
# A driven face opens another mouth for certain; how far the rest moved, and the head with it, depends on the driver.
REENACTED = Edit(
    attributes=("expression",), regions=("lip", "mouth"), unsure=("eye", "eyebrow", "nose", "pose", "skin")
)
LIP_SYNC = Edit(attributes=("expression",), regions=("lip", "mouth"), unsure=("nose", "skin"))
SYNTHETIC = Edit(attributes=("identity",), unsure=("age", "expression", "gender", "pose", PHYSICAL))
SOMEWHERE = Edit(regions=None, unsure=("age", "expression", "gender", "identity", "pose"))

# The published vectors of FF++ and FFSC first, then other published sets under the names that their folders and
# lists use, then the sample's forgers. A method whose effect is not known stays out of the table.
EDITS: dict[Edit, tuple[str, ...]] = {
    IDENTITY: (
        *("deepfakes", "deepfake", "faceswap", "faceshifter", "ffdf", "fffs", "fffh", "ffsh"),
        *("deepfakedetection", "dfd", "dfdfake", "dfdc", "dfdcfake", "dfdcp", "dfdcpfakea", "dfdcpfakeb"),
        *("celebdf", "celebdfv1", "celebdfv2", "celebdfv1fake", "celebdfv2fake", "celebsynthesis"),
        *("deeperforensics", "deeperforensics10", "dfvae", "endtoend", "dffake", "uadfv", "uadfvfake"),
        *("simswap", "fsgan", "blendface", "infoswap", "inswap", "inswapper", "uniface", "facedancer", "e4s"),
        *("mobswap", "mobileswap", "deepfacelab", "faceswapgan", "diffswap", "diffface", "hififace", "megafs"),
        *("roop", "roopfake", "identity", "swap", "selfblend"),
    ),
    EXPRESSION: ("face2face", "neuraltextures", "fff2f", "ffnt", "smile", "hfgismile", "expression"),
    REENACTED: (
        *("fomm", "facevid2vid", "fsvid2vid", "mraa", "oneshot", "oneshotfree", "pirender", "tpsm", "tpsmm", "lia"),
        *("dagan", "danet", "mcnet", "hyperreenact", "sadtalker", "heygen", "liveportrait", "reenactment"),
    ),
    LIP_SYNC: ("wav2lip", "lipsync", "videoretalking"),
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
        *("stylegan", "stylegan2", "stylegan3", "styleganxl", "progan", "pggan", "biggan", "cyclegan", "gaugan"),
        *("crn", "imle", "vqgan", "vqdm", "wukong", "adm", "guided", "ddpm", "ddim", "rddm", "ldm", "ldm100"),
        *("ldm200", "ldm200cfg", "glide", "glide5027", "glide10010", "glide10027", "dit", "ditxl2", "sit", "sitxl2"),
        *("pixart", "pixartalpha", "stablediffusion", "sd14", "sd15", "sd21", "sdxl", "sd3", "sd35"),
        *("sdv4", "sdv5", "sdv14", "sdv15", "sdv21", "stablediffusionv14", "stablediffusionv15"),
        *("stablediffusionv21", "stablediffusionxl", "flux", "midjourney", "midjourney6", "midjourneyv5"),
        *("midjourneyv6", "dalle", "dallemini", "dalle2", "dalle2face", "dalle3", "imagen", "firefly", "dcface"),
        *("thispersondoesnotexist", "whichfaceisreal", "whichisreal", "synthetic", "resynthesis", "upsampler"),
    ),
    SOMEWHERE: (
        *("stargan", "starganv2", "styleclip", "e4e", "collabdiff", "collaborativediffusion"),
        *("inpaint", "regionedit", "warp"),
    ),
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
