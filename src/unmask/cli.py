"""`unmask`: the commands a person types; the pipeline itself runs with `dvc repro`."""

import typer

from unmask.commands.compare import compare_command
from unmask.commands.data import accept_command, forget_command, ingest_command, sample_command
from unmask.commands.monitor import monitor_command
from unmask.commands.predict import predict_command
from unmask.commands.preset import preset_command
from unmask.commands.promotion import promote_command, rollback_command
from unmask.commands.protocol import protocol_command
from unmask.commands.registry import registry_app
from unmask.commands.report import report_command
from unmask.commands.review import review_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Keep a deepfake detector current: take pictures in here, then train, judge and package with `dvc repro`.",
)
app.command("ingest")(ingest_command)
app.command("forget")(forget_command)
app.command("sample")(sample_command)
app.command("accept")(accept_command)
app.command("preset")(preset_command)
app.command("predict")(predict_command)
app.command("monitor")(monitor_command)
app.command("protocol")(protocol_command)
app.command("report")(report_command)
app.command("compare")(compare_command)
app.command("promote")(promote_command)
app.command("rollback")(rollback_command)
app.command("review")(review_command)
app.add_typer(registry_app, name="registry")


def main() -> None:
    """Run the command line."""
    app()
