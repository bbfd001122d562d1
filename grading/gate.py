"""What speaks against putting a model version in use, from what was measured of it. Pure: it reads rows, writes none.

A version on which nothing speaks against it is put in use with one click; otherwise an administrator has to give a
reason, which stays in the version's history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from grading.figures import SCORE_MEASURES, verdict
from grading.models import ModelVersion, VersionState

_SHOWN_QUESTIONS = 3


@dataclass(frozen=True)
class Verdict:
    """A candidate beside the version that was in use, in words. `outcome` is better, worse, noise, or "" where the
    difference was never tested."""

    outcome: str
    overall: str
    by_question: str


def verdict_of(version: ModelVersion) -> Verdict | None:
    """What the comparison amounts to; None where the two were not measured together."""
    found = version.evaluation.get("beside")
    if not found:
        return None
    overall = {
        "better": _("Overall it is better, and the difference is real."),
        "worse": _("Overall it is worse, and the difference is real."),
        "noise": _("Overall the difference lies within the noise of so few answers."),
    }[found["verdict"]]
    return Verdict(found["verdict"], f"{overall} {_interval(found)}", _by_question(found["questions"]))


def doubts(version: ModelVersion, in_use: ModelVersion | None) -> list[str]:
    """What speaks against putting a version in use, each in a sentence; nothing where none is in use, or where it was
    in use before."""
    if in_use is None or in_use.pk == version.pk or version.state != VersionState.CANDIDATE:
        return []
    evaluation = version.evaluation
    if not evaluation.get("candidate") or not evaluation.get("in_use"):
        return [_("It was never measured beside “%s” on the same answers.") % in_use.name]
    found = []
    if evaluation.get("in_use_name") not in (None, in_use.name):
        found.append(_("It was measured beside another version than “%s”, which is in use now.") % in_use.name)
    return found + _measured_doubts(evaluation)


def _measured_doubts(evaluation: dict[str, Any]) -> list[str]:
    tested = evaluation.get("beside")
    if not tested:
        return [_("It did worse on the same answers.")] if _worse_in_all(evaluation) else []
    found = []
    if tested["verdict"] == "worse":
        found.append(_("Its marks are worse overall, by more than noise explains."))
    much = [entry for entry in tested["questions"] if entry["much_worse"]]
    words = _("On one question it got much worse: “%s”")
    found += [words % entry["question"] for entry in much[:_SHOWN_QUESTIONS]]
    if len(much) > _SHOWN_QUESTIONS:
        rest = len(much) - _SHOWN_QUESTIONS
        found.append(ngettext("and on %d more question.", "and on %d more questions.", rest) % rest)
    return found


def _worse_in_all(evaluation: dict[str, Any]) -> bool:
    """Whether no measure of marks speaks for the candidate: all that is left where the rows were not kept."""
    mine, theirs = evaluation["candidate"], evaluation["in_use"]
    verdicts = {verdict(measure, mine.get(measure.key), theirs.get(measure.key)) for measure in SCORE_MEASURES}
    return "worse" in verdicts and "better" not in verdicts


def _interval(found: dict[str, Any]) -> str:
    values = {key: f"{100 * found[key]:+.1f}" for key in ("difference", "low", "high")}
    # xgettext:no-python-format
    words = _("Its marks are off by {difference} points of 100 against the other's (95 % of the time {low} to {high}).")
    return words.format(**values)


def _by_question(questions: list[dict[str, Any]]) -> str:
    better = sum(entry["verdict"] == "better" for entry in questions)
    worse = sum(entry["verdict"] == "worse" for entry in questions)
    words = ngettext(
        "Of %(all)d question it is clearly better on %(better)d and clearly worse on %(worse)d.",
        "Of %(all)d questions it is clearly better on %(better)d and clearly worse on %(worse)d.",
        len(questions),
    )
    return words % {"all": len(questions), "better": better, "worse": worse}
