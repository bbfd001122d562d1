"""Words for what rows of grading keep as codes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from courses.templatetags.courses_tags import points as plain_points
from grading.models import Grade, GradeEvent

register = template.Library()

_ACTIONS = {
    "proposed": gettext_lazy("proposed"),
    "changed": gettext_lazy("changed"),
    "approved": gettext_lazy("approved"),
    "undone": gettext_lazy("undid it"),
    "reopened": gettext_lazy("opened again"),
    "rejected": gettext_lazy("rejected"),
    "released": gettext_lazy("released"),
    "released_again": gettext_lazy("released again"),
    "withdrawn": gettext_lazy("withdrawn"),
    "regrade_started": gettext_lazy("marked anew"),
    "refitted": gettext_lazy("carried over to the changed rubric"),
    "second_mark": gettext_lazy("gave a second mark"),
    "settled": gettext_lazy("settled two marks"),
    "regrade_asked": gettext_lazy("asked for a regrade"),
    "regrade_taken_back": gettext_lazy("took the request for a regrade back"),
    "regrade_answered": gettext_lazy("answered the request for a regrade"),
    "started_by_hand": gettext_lazy("begun by hand"),
    "imported": gettext_lazy("imported"),
    "data_deleted": gettext_lazy("marked: trained on data since deleted"),
    "replaced": gettext_lazy("replaced by a newer one"),
    "submission_replaced": gettext_lazy("replaced, because the student handed in again"),
}
_DOING = {
    "loading": gettext_lazy("loading the model"),
    "scoring": gettext_lazy("giving points"),
    "writing": gettext_lazy("writing feedback"),
}
# What a training is at beside its steps (mlcore.config.Task).
_TASKS = {
    "reading": gettext_lazy("reading the examples"),
    "loading": gettext_lazy("loading the model"),
    "encoding": gettext_lazy("turning the answers into tokens"),
    "start": gettext_lazy("measuring the version that it starts from"),
    "held_out": gettext_lazy("measuring on answers that it does not learn from"),
    "words": gettext_lazy("learning from the answers' words"),
    "candidate": gettext_lazy("marking held-out answers with the new version"),
    "in_use": gettext_lazy("marking them with the version in use"),
    "attacks": gettext_lazy("trying to talk the version round"),
    "feedback": gettext_lazy("writing feedback to held-out answers"),
}
_FIELDS = {
    "points": gettext_lazy("points"),
    "feedback": gettext_lazy("feedback"),
    "internal_note": gettext_lazy("internal note"),
}
# What the checks beside the model found (mlcore.schemas.MarkNote), and what that did to the proposal. Blank and cut
# answers have places of their own on the page.
_NOTICES = {
    "no_answer": (
        gettext_lazy("no answer"),
        gettext_lazy("The answer says that there is none, or nothing at all: no points are proposed."),
    ),
    "copied_question": (
        gettext_lazy("copies the question"),
        gettext_lazy("The answer repeats the question and adds nothing: hardly any points are proposed."),
    ),
    "gibberish": (
        gettext_lazy("no words"),
        gettext_lazy("The letters form no words that the check knows: hardly any points are proposed."),
    ),
    "keywords": (
        gettext_lazy("only keywords"),
        gettext_lazy("The answer strings words of the question together: hardly any points are proposed."),
    ),
    "repeated": (
        gettext_lazy("repeats itself"),
        gettext_lazy("The answer says the same over and over: it was also marked with each thing said once."),
    ),
    "addresses_grader": (
        gettext_lazy("speaks to the marker"),
        gettext_lazy(
            "A sentence speaks to whoever marks, or orders points: the answer was marked without that sentence."
        ),
    ),
    "others_words": (
        gettext_lazy("repeated another answer"),
        gettext_lazy("The model repeated a passage of another student's answer: those sentences were left out."),
    ),
    "off_topic": (
        gettext_lazy("off topic?"),
        gettext_lazy("The answer has hardly a word in common with the question: look whether it answers it."),
    ),
}


@dataclass(frozen=True)
class Notice:
    """Something to look at in an answer: a word for its chip, and a sentence."""

    chip: str
    sentence: str


@register.filter
def notices(grade: Grade | None) -> list[Notice]:
    """What a teacher should look at before the proposal counts."""
    codes = grade.notes if grade else []
    return [Notice(*map(str, _NOTICES[code])) for code in codes if code in _NOTICES]


@register.filter
def action_words(event: GradeEvent) -> str:
    return str(_ACTIONS.get(event.action, event.action))


@register.filter
def change_words(event: GradeEvent) -> str:
    """“points 2 → 2.5, feedback”: what was changed; texts are named only, they stand on the page."""
    parts = []
    for name, after in event.after.items():
        if name == "state":
            continue
        words = str(_FIELDS.get(name, name.removeprefix("criterion:")))
        if name in ("feedback", "internal_note"):
            parts.append(words)
        else:
            before = event.before.get(name)
            parts.append(
                f"{words} {_figure(before)} → {_figure(after)}" if before is not None else f"{words} {_figure(after)}"
            )
    return ", ".join(parts)


def _figure(value: object) -> str:
    try:
        return plain_points(Decimal(str(value)))
    except ArithmeticError:
        return str(value)


@register.filter
def duration(seconds: float | None) -> str:
    """About how long: 40 s, 3 min, 2 h 10 min."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 90:
        return _("%(seconds)s s") % {"seconds": whole}
    minutes = round(whole / 60)
    if minutes < 120:
        return _("%(minutes)s min") % {"minutes": minutes}
    return _("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}


@register.filter
def time_left(seconds: float | None) -> str:
    """About how long something that runs still takes, as roughly as it can be known."""
    if seconds is None:
        return "–"
    if seconds < 30:
        return _("less than half a minute")
    minutes = max(1, round(seconds / 60))
    if minutes >= 120:
        return _("about %(hours)s h") % {"hours": round(minutes / 60)}
    return ngettext("about %(number)s minute", "about %(number)s minutes", minutes) % {"number": minutes}


@register.filter
def doing(what: str) -> str:
    """What is done for a grading run at this moment."""
    return str(_DOING[what])


@register.filter
def training_task(what: str) -> str:
    """What a training is at beside its steps."""
    return str(_TASKS.get(what, what))


@register.filter
def percent(share: float | None) -> str:
    """A share as a percentage with one digit, in the reader's decimal sign; a dash where there is none."""
    return "–" if share is None else number_format(round(100 * share, 1) + 0.0, decimal_pos=1)
