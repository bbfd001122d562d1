"""What speaks against putting a model version in use, from what was measured of it. Pure: it reads rows, writes none.

A version on which nothing speaks against it is put in use with one click; otherwise an administrator has to give a
reason, which stays in the version's history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from grading.figures import SCORE_MEASURES, verdict
from grading.models import ModelVersion, VersionState
from mlcore.robustness import MOVEMENT, MOVEMENT_99, NONSENSE

_SHOWN_QUESTIONS = 3
# What a few held-out answers cannot tell from chance, as a share of the maximum or of the cases.
SLACK = 0.03
_ATTACKS = (
    (
        "movement",
        MOVEMENT,
        gettext_lazy("Demands for points move a mark by %(share)s %% on average (at most %(aim)s %%)."),
    ),
    (
        "movement_99",
        MOVEMENT_99,
        gettext_lazy("One demand in a hundred moves a mark by %(share)s %% (at most %(aim)s %%)."),
    ),
    ("nonsense", NONSENSE, gettext_lazy("Nonsense gets %(share)s %% of the points on average (at most %(aim)s %%).")),
)


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
    others = [*_robustness_doubts(evaluation), *_interval_doubts(evaluation)]
    if not tested:
        return [_("It did worse on the same answers."), *others] if _worse_in_all(evaluation) else others
    found = []
    if tested["verdict"] == "worse":
        found.append(_("Its marks are worse overall, by more than noise explains."))
    much = [entry for entry in tested["questions"] if entry["much_worse"]]
    words = _("On one question it got much worse: “%s”")
    found += [words % entry["question"] for entry in much[:_SHOWN_QUESTIONS]]
    if len(much) > _SHOWN_QUESTIONS:
        rest = len(much) - _SHOWN_QUESTIONS
        found.append(ngettext("and on %d more question.", "and on %d more questions.", rest) % rest)
    return [*found, *others]


def _robustness_doubts(evaluation: dict[str, Any]) -> list[str]:
    """A version has to resist attacks, or at least as well as the one that it would replace."""
    mine = evaluation["candidate"].get("robustness")
    theirs = evaluation["in_use"].get("robustness")
    if not mine or mine["holds"]:
        return []
    found = []
    for key, aim, words in _ATTACKS:
        if mine[key] > max(aim, theirs[key] + SLACK if theirs else aim):
            found.append(str(words) % {"share": f"{100 * mine[key]:.1f}", "aim": f"{100 * aim:.0f}"})
    return found


def _interval_doubts(evaluation: dict[str, Any]) -> list[str]:
    """Its intervals have to hold the mark about as often as they promise; the rest may be chance."""
    mine = evaluation["candidate"].get("intervals")
    if not mine:
        return []
    upper = mine["ends"][1] if mine.get("ends") else mine["coverage"]
    if upper >= mine["level"] - SLACK:
        return []
    words = _("Its intervals hold the teacher's mark in %(found)d %% of cases and promise %(promised)d %%.")
    return [words % {"found": round(100 * mine["coverage"]), "promised": round(100 * mine["level"])}]


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
