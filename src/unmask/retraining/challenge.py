"""A challenger from the newest data, code and settings, and what is decided about it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from unmask.dates import today
from unmask.dvc_process import repro_command, run_dvc
from unmask.evaluation.comparison.compare import Decision
from unmask.git import git
from unmask.registry.promotion import champion, settle
from unmask.registry.tags import Version
from unmask.retraining.decide import decide
from unmask.retraining.intake import take_inbox, waiting_feedback
from unmask.retraining.settings import RetrainSettings
from unmask.retraining.start import lay_start
from unmask.retraining.tree import Log, Tree, add_data, commit, move_branch, open_tree
from unmask.serving.bundle import BUNDLE, load_bundle

Outcome = Literal["promote", "keep", "unchanged"]
_TRAILER = re.compile(r"^(Model|Champion|Verdict|Warm-start): (\S+)$", re.MULTILINE)
NOBODY = "none"


@dataclass(frozen=True)
class Challenge:
    """What became of one challenger.

    `commit` is where the loop's branch stands, `model` the challenger's version; `champion` is whom it was held
    against, None where there is none yet; `decision` is None where nothing was compared.
    """

    outcome: Outcome
    summary: str
    commit: str
    model: str
    champion: Version | None
    decision: Decision | None
    intake: str


def challenge(root: Path, state: Path, settings: RetrainSettings, *, reason: str, log: Log, lock: int) -> Challenge:
    """Take in, train and compare; the branch moves, and neither the workspace nor the champion changes.

    Raises:
        UnmaskError: a step failed; the next run begins again and finds what was finished.
    """
    if mended := settle(root, state):
        log(mended)
    holder = champion(root)
    log("bringing the worktree up to date")
    tree = open_tree(root, state, branch=settings.branch, remote=settings.data_remote)
    if few := _too_few_labels(tree, state, settings):
        log(few)
        return Challenge("unchanged", few, tree.tip or tree.base, "", holder, None, "the inbox was left alone")
    intake = _take_in(tree, state, settings, log)
    made = commit(tree, f"Data: {intake}", settings.author.identity)
    warm = holder is not None and settings.warm_start
    if known := _decided_before(tree, made, holder, warm=warm):
        log(known)
        return Challenge("unchanged", known, made, "", holder, None, intake)
    made = lay_start(tree, holder if warm else None, identity=settings.author.identity, log=log)
    log("running the pipeline")
    run_dvc(repro_command(), root=tree.folder, on_line=log, holding=[lock])
    model = load_bundle(tree.folder / BUNDLE).version
    found = _judge(
        Challenge("promote", "", made, model, holder, None, intake), tree, state, settings, log=log, lock=lock
    )
    log(found.summary)
    made = commit(tree, _message(found, reason, warm=warm), settings.author.identity)
    log("moving the loop's branch")
    move_branch(tree, made)
    return replace(found, commit=made)


def _too_few_labels(tree: Tree, state: Path, settings: RetrainSettings) -> str:
    """Why there is nothing to learn from yet; "" where there is, or nobody asked."""
    waiting = waiting_feedback(state, tree.data) if settings.min_labels else 0
    if waiting >= settings.min_labels:
        return ""
    return f"{waiting} newly labelled pictures wait in the inbox, {settings.min_labels} are wanted; nothing was done"


def _take_in(tree: Tree, state: Path, settings: RetrainSettings, log: Log) -> str:
    intake = "the inbox was left alone"
    if settings.take_inbox:
        log("taking the inbox in")
        taken = take_inbox(state, tree.folder, today=today().isoformat(), caps=tree.caps)
        for line in taken.refused:
            log(f"not taken in: {line}")
        intake = taken.summary
    log(intake)
    add_data(tree)
    return intake


def _decided_before(tree: Tree, made: str, holder: Version | None, *, warm: bool) -> str:
    """Why there is nothing to do: the branch's last commit holds the same, and was decided about; else ""."""
    if made != tree.tip or holder is None:
        return ""
    told = dict(_TRAILER.findall(git(tree.folder, "log", "-1", "--format=%B", made)))
    as_then = told.get("Warm-start") == _yes(warm)
    # Who came of this has learnt it; to go on from there would never end.
    if told.get("Model") == holder.model and (warm or as_then):
        return f"nothing changed since {holder.name} was promoted"
    if told.get("Verdict") == "keep" and told.get("Champion") == holder.name and as_then:
        return f"nothing changed since model {told.get('Model')} lost against {holder.name}"
    return ""


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _judge(found: Challenge, tree: Tree, state: Path, settings: RetrainSettings, *, log: Log, lock: int) -> Challenge:
    holder, model = found.champion, found.model
    if holder is None:
        return replace(found, summary=f"model {model} is the first version")
    if holder.model == model:
        return replace(found, outcome="unchanged", summary=f"the pipeline gives {holder.name} again")
    log(f"scoring {holder.name} on the challenger's test rows")
    decision = decide(tree, holder, state, trigger=settings.trigger, log=log, lock=lock)
    failed = [check for check in decision.checks if not check.passed]
    why = f": {failed[0].name}, {failed[0].reason}" if failed else ""
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    verb = "beats" if decision.verdict == "promote" else "does not replace"
    summary = f"model {model} {verb} {holder.name}{why}{more}"
    return replace(found, outcome=decision.verdict, summary=summary, decision=decision)


def _message(found: Challenge, reason: str, *, warm: bool) -> str:
    checks, notes = (found.decision.checks, found.decision.notes) if found.decision else ((), ())
    lines = [f"{'passed' if check.passed else 'FAILED'}: {check.name}: {check.reason}" for check in checks]
    lines += [f"note: {note}" for note in notes]
    holder = found.champion.name if found.champion else NOBODY
    trailers = [f"Model: {found.model}", f"Champion: {holder}", f"Verdict: {found.outcome}"]
    trailers.append(f"Warm-start: {_yes(warm)}")
    parts = [f"Retrain: {found.summary}", f"Why: {reason}", "\n".join(lines), "\n".join(trailers)]
    return "\n\n".join(part for part in parts if part)
