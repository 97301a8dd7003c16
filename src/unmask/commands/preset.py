"""`unmask preset`: published recipes into params.yaml."""

from pathlib import Path
from typing import Annotated

import typer

from unmask.console import run_as_program, say


def preset_command(
    name: Annotated[str, typer.Argument(help="One of --list.", show_default=False)] = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, write nothing.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Name the presets there are.")] = False,
) -> None:
    """Write a published recipe into params.yaml, keeping its comments and all other settings.

    \b
    unmask preset --list
    unmask preset sjedd-vitb32 --dry-run
    unmask preset sjedd-vitb32

    The recipes need a GPU and the weights of the model, which are downloaded by
    name, or read from a .safetensors file: set encoder.weights (and
    teach.text.weights) to its path. Each file in unmask/presets says where a value
    comes from and what differs from the release. Then: dvc repro. To go back:
    git checkout params.yaml.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    run_as_program("preset", lambda: _list_presets() if listing or not name else _preset(name, dry_run=dry_run))


def _list_presets() -> str:
    from unmask.presets.edit import presets

    for name, what in presets().items():
        say(f"{name}: {what}")
    return f"{len(presets())} presets"


def _preset(name: str, *, dry_run: bool) -> str:
    from unmask.presets.edit import apply_preset

    changes = apply_preset(name, Path.cwd(), write=not dry_run)
    for change in changes:
        say(f"{change.key}: {change.before} -> {change.after}")
    done = "would change" if dry_run else "changed"
    return f"{done} {len(changes)} settings of params.yaml to {name}"
