"""Hostile markup in every text that people or the model can write, in rows that exist."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models

from courses.guards import history_unlocked

PAYLOADS = [
    (
        "'\"></textarea></title><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)>"
        "[a](javascript:alert(4)){{ 7*7 }}"
    ),
    '"><img src=x onerror=alert(1)><b class=poison>',
    "<img src=x onerror=alert(1)>",
    "<b class=poison>",
]
# What programs wrote and read back, or what opens the door.
NOT_WORDS = {
    "directory", "base_revision", "quantisation", "content_hash", "question_key", "password", "username", "error_code",
    "unreadable_reason", "external_id", "step", "action", "before", "after", "original", "code", "hash", "state",
    "kind",
}  # fmt: skip
JSON_WORDS = {
    "title",
    "description",
    "question",
    "reference_answer",
    "text",
    "note",
    "instructions",
    "answer",
    "feedback",
}


def poison() -> int:
    """Put a payload into each such field of each row; how many fields that were."""
    with history_unlocked():
        return sum(map(_poison_rows, _models()))


def _models() -> list[type[models.Model]]:
    return [User, *apps.get_app_config("courses").get_models(), *apps.get_app_config("grading").get_models()]


def _poison_rows(model: type[models.Model]) -> int:
    done = 0
    for row in model._default_manager.all():
        changed = {field.name: value for field in model._meta.concrete_fields if (value := _poisoned(field, row))}
        if changed:
            model._default_manager.filter(pk=row.pk).update(**changed)
            done += len(changed)

    return done


def fitting(most: int | None) -> str:
    return next((text for text in PAYLOADS if most is None or len(text) + 8 <= most), "")


def _poisoned(field: Any, row: models.Model) -> Any:
    value = getattr(row, field.attname)
    if field.name in NOT_WORDS or getattr(field, "choices", None):
        return None
    if isinstance(field, models.JSONField):
        return _in_json(value) if value else None
    if isinstance(field, models.EmailField):
        return f'"<img/src=x/onerror=alert(1)>{row.pk}"@example.org'
    if isinstance(field, models.FileField) or not isinstance(field, models.CharField | models.TextField):
        return None
    payload = fitting(field.max_length)
    # Names that have to be different from each other stay so.
    return f"{row.pk} {payload}" if payload else None


def _in_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: PAYLOADS[0] if key in JSON_WORDS and isinstance(part, str) else _in_json(part)
            for key, part in value.items()
        }
    return [_in_json(part) for part in value] if isinstance(value, list) else value
