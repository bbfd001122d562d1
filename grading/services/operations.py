"""When something last happened that the health page asks for."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from grading.models import LastTime

BACKUP, MAIL_SENT, MAIL_FAILED = "backup", "mail_sent", "mail_failed"


def happened(name: str, *, detail: str = "") -> None:
    """Write down that it happened now."""
    LastTime.objects.update_or_create(name=name, defaults={"at": timezone.now(), "detail": detail[:300]})


def last_time(name: str) -> datetime | None:
    return LastTime.objects.filter(name=name).values_list("at", flat=True).first()
