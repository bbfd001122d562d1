"""Where a version comes from: its family, and what it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from grading.models import ExampleSplit, ModelVersion, TrainingRun


def family(versions: Iterable[ModelVersion]) -> list[tuple[ModelVersion, int]]:
    """Each version behind the one that it went on from, with its depth below the first; the newest family first."""
    rows = {version.pk: version for version in versions}
    children: dict[int | None, list[ModelVersion]] = {}
    for version in sorted(rows.values(), key=lambda row: -row.pk):
        run = getattr(version, "training_run", None)
        parent = run.start_from_id if run else None
        children.setdefault(parent if parent in rows else None, []).append(version)
    found: list[tuple[ModelVersion, int]] = []

    def walk(parent: int | None, depth: int) -> None:
        for version in children.get(parent, ()):
            found.append((version, depth))
            walk(version.pk, depth + 1)

    walk(None, 0)
    return found


@dataclass(frozen=True)
class Source:
    """A course or an uploaded set with the number of its answers that a version was trained on."""

    name: str
    number: int


def trained_on(version: ModelVersion) -> list[Source]:
    """The sources of a version's own training, as far as they are still there; the most answers first."""
    run = TrainingRun.objects.filter(version=version).first()
    if run is None:
        return []
    rows = run.run_examples.exclude(split=ExampleSplit.HELD_OUT).exclude(example=None)
    counted = rows.order_by().values_list("example__course__name", "example__training_set__name")
    found = [Source(course or name or "–", number) for course, name, number in counted.annotate(number=Count("pk"))]
    return sorted(found, key=lambda source: -source.number)
