"""Training examples as the browser of them shows and filters them: what is known of a row, and what is odd about it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from grading.models import ExampleState, TrainingExample
from mlcore.rows import guess_language

# Points of near-equal answers that lie further apart than this share of the maximum contradict each other.
CONTRADICTION = 0.1


def described(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a row is filtered and compared by.

    Answers are near-equal where they have the same words, whatever their order, case and punctuation.
    """
    answer = str(row.get("answer") or "")
    words = sorted(set(re.findall(r"\w+", answer.casefold())))
    question = " ".join(str(row.get("question") or "").casefold().split())
    least, most = float(row.get("min_score") or 0), float(row.get("max_score") or 1)
    score = float(row.get("score") or 0)
    return {
        "words_hash": hashlib.sha256("\n".join([question, *words]).encode()).hexdigest(),
        "language": str(row.get("language") or guess_language(answer))[:8],
        "share": (score - least) / (most - least) if most > least else None,
    }


def with_faults(rows: QuerySet[TrainingExample]) -> QuerySet[TrainingExample]:
    """Rows with `duplicated`, `contradicted` and `without_rubric`, found among all that is accepted."""
    alike = TrainingExample.objects.filter(state=ExampleState.ACCEPTED, words_hash=OuterRef("words_hash"))
    others = alike.exclude(pk=OuterRef("pk")).exclude(words_hash="")
    apart = others.filter(
        Q(share__gt=OuterRef("share") + CONTRADICTION) | Q(share__lt=OuterRef("share") - CONTRADICTION)
    )
    return rows.annotate(duplicated=Exists(others), contradicted=Exists(apart))


def without_rubric(rows: QuerySet[TrainingExample]) -> QuerySet[TrainingExample]:
    """Rows that say nothing about how points are given: no criteria, no instructions, no reference answer."""
    criteria = Q(row__criteria=[]) | Q(row__criteria=None) | Q(row__criteria__isnull=True)
    told = ("reference_answer", "instructions")
    for name in told:
        criteria &= Q(**{f"row__{name}": ""}) | Q(**{f"row__{name}": None}) | Q(**{f"row__{name}__isnull": True})
    return rows.filter(criteria)


def corrected_by(rows: QuerySet[TrainingExample], least: float, most: float) -> QuerySet[TrainingExample]:
    """Rows whose points a teacher moved by at least and at most that share of the maximum, up or down."""
    up = Q(correction__gte=least, correction__lte=most)
    down = Q(correction__lte=-least, correction__gte=-most)
    return rows.filter(up | down).order_by(F("pk"))
