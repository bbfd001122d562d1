"""A platform's history in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from courses.names import person_name
from gradingsite.lti.models import Platform, PlatformEvent

ACTIONS = {"registered": _("registered"), "changed": _("changed"), "key_rotated": _("made a new key")}


@dataclass(frozen=True)
class Line:
    at: datetime
    actor: str
    action: str
    changes: str


def lines_of(events: Iterable[PlatformEvent]) -> list[Line]:
    return [_line(event) for event in events]


def _line(event: PlatformEvent) -> Line:
    action = str(ACTIONS.get(event.action, event.action))
    changes = "; ".join(_change(name, event.before, event.after) for name in event.before)
    return Line(event.at, person_name(event.actor) if event.actor else "", action, changes)


def _change(name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    if name == "key":
        return f"{_value(before[name])[:8]}… → {_value(after.get(name))[:8]}…"
    words = Platform._meta.get_field(name).verbose_name  # type: ignore[union-attr]  # noqa: SLF001
    return f"{words}: {_value(before[name])} → {_value(after.get(name))}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return str(value) if value not in (None, "") else "–"
