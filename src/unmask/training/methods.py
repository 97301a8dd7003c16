"""What each method of params.yaml switches on, over one code base (design: section 4)."""

from dataclasses import dataclass
from typing import Literal

from unmask.config import Encoder
from unmask.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Method:
    """Switches of one preset; the teacher's head and loss, and how encoder and student come about."""

    contrast: bool = False  # momentum contrast before the teacher
    frozen: bool = False  # the encoder stays as pre-training made it
    head: Literal["joint", "linear"] = "linear"
    attributes: bool = False  # the label graph of `labels.graph`; else the root alone
    fidelity: bool = False  # else cross-entropy on the marginals
    bilevel: bool = False
    adversary: bool = False
    distil: bool = False  # the student learns from the teacher; else from labels alone


METHODS = {
    "erm": Method(),
    "ufd": Method(contrast=True, frozen=True),
    "so": Method(attributes=True, bilevel=True),
    "sclkd": Method(contrast=True, distil=True),
    "sagnet": Method(adversary=True),
    "sjedd": Method(head="joint", attributes=True, fidelity=True, bilevel=True),
    "full": Method(
        contrast=True, head="joint", attributes=True, fidelity=True, bilevel=True, adversary=True, distil=True
    ),
}


def pretrains(method: Method, encoder: Encoder) -> bool:
    """Whether contrast comes first: an encoder that stays frozen keeps the weights it came with, if any."""
    return method.contrast and not (method.frozen and encoder.weights != "none")


def method_by_name(name: str) -> Method:
    """Look up a preset.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in METHODS:
        raise ConfigError(f"params.yaml: method: {name!r} is none of {', '.join(METHODS)}")
    return METHODS[name]
