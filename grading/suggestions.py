"""Which training is worth trying now, and with which settings: chosen from data, language and device, with reasons."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from courses.models import Course
from grading.models import ModelVersion, TrainingExample, TrainingRun, TrainingSet, TrainingState
from grading.training_settings import AllSettings
from mlcore.estimate import FEW_EXAMPLES

RANK, LEARNING_RATE, EPOCHS = 16, 1e-4, 3.0
# So many texts teach a feedback writer more about how this school writes than they make it forget.
ENOUGH_FEEDBACK = 60
# A correction moved the points by more than this share of the maximum.
CORRECTED = 0.01


@dataclass(frozen=True)
class Suggestion:
    """Arguments for `training_run_start` but for who asks, and why they are what they are, a sentence each."""

    arguments: dict[str, Any]
    examples: int
    reasons: tuple[str, ...]

    @property
    def few(self) -> bool:
        return self.examples < FEW_EXAMPLES


def suggested_training(course: Course | None = None) -> Suggestion:
    """What one click would train: all that may be trained on (for a course, its own answers alone)."""
    rows = TrainingExample.objects.usable()
    rows = rows.filter(course=course) if course else rows
    number = rows.count()
    in_use = ModelVersion.objects.in_use(course)
    parts, about_parts = _parts(in_use, rows.exclude(row__feedback=None).exclude(row__feedback="").count())
    epochs, about_epochs = _epochs(number)
    rate, about_rate = _rate(in_use, Counter(rows.order_by().values_list("language", flat=True)))
    arguments = {
        "request_key": uuid.uuid4(),
        "course": course,
        "courses": [course] if course else list(Course.objects.filter(training_examples__in=rows).distinct()),
        "training_sets": [] if course else list(TrainingSet.objects.filter(examples__in=rows).distinct()),
        "parts": parts,
        "method": "lora" if settings.MARGINALIA_QUANTISATION == "none" else "qlora",
        "rank": (rank_of(in_use) if in_use else 0) or RANK,
        "learning_rate": rate,
        "epochs": epochs,
        "start_from": in_use,
        "head": head_of(in_use) if in_use else "regression",
        "others": AllSettings(pack_tokens=4096 if str(settings.MARGINALIA_DEVICE).startswith("cuda") else 1024),
    }
    start = _("It goes on from “%s” and keeps what that version knows.") % in_use.name if in_use else ""
    return Suggestion(arguments, number, tuple(filter(None, (start, about_parts, about_epochs, about_rate))))


def new_corrections() -> int:
    """Grades whose proposed points a teacher changed, released since the newest training that came to its end began."""
    last = TrainingRun.objects.filter(state=TrainingState.SUCCEEDED).order_by("-created_at").first()
    rows = TrainingExample.objects.usable().exclude(correction=None)
    rows = rows.exclude(correction__gt=-CORRECTED, correction__lt=CORRECTED)
    return rows.filter(created_at__gt=last.created_at).count() if last else rows.count()


def training_is_due() -> int:
    """How many new corrections there are, where they are enough to try a training and none is under way; else 0."""
    if TrainingRun.objects.active().exists():
        return 0
    number = new_corrections()
    return number if number >= settings.SUGGEST_TRAINING_AFTER else 0


def rank_of(version: ModelVersion) -> int:
    """The rank of a version's adapters; 0 where its manifest does not say."""
    for part in (version.manifest.get("parts") or {}).values():
        rank = ((part.get("settings") or {}).get("lora") or {}).get("rank")
        if rank:
            return int(rank)
    return 0


def head_of(version: ModelVersion) -> str:
    """The kind of a version's scoring head."""
    scorer = (version.manifest.get("parts") or {}).get("scorer") or {}
    return str(scorer.get("head") or "regression")


def _parts(in_use: ModelVersion | None, with_feedback: int) -> tuple[Sequence[str], str]:
    if with_feedback >= ENOUGH_FEEDBACK:
        return ("scorer", "feedback"), ""
    words = ngettext(
        "The feedback writer is left as it is: only %(number)d text is there to learn from.",
        "The feedback writer is left as it is: only %(number)d texts are there to learn from.",
        with_feedback,
    )
    kept = in_use is not None and "feedback" in (in_use.manifest.get("parts") or {})
    return ("scorer",), words % {"number": with_feedback} if kept else ""


def _epochs(number: int) -> tuple[float, str]:
    """Few answers are gone through more often; many teach as much in one pass."""
    epochs = 4.0 if number < 150 else EPOCHS if number < 800 else 2.0 if number < 4000 else 1.0
    words = ngettext(
        "It goes through the answers %(number)d time.", "It goes through the answers %(number)d times.", int(epochs)
    )
    return epochs, words % {"number": int(epochs)}


def _rate(in_use: ModelVersion | None, languages: Counter[str]) -> tuple[float, str]:
    """Larger steps where most answers are in a language that the starter never read."""
    if not languages or in_use is None or languages.get("en", 0) >= 0.5 * languages.total():
        return LEARNING_RATE, ""
    return 2 * LEARNING_RATE, _("Most answers are not in English, so it learns in larger steps.")
