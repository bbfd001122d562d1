from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.contrib.auth.models import User
from django.utils.formats import date_format, localize
from django.utils.timezone import localtime
from django.utils.translation import gettext

from courses.errors import reason_for
from courses.models import Assignment, Submission
from courses.names import paper_name, person_name

register = template.Library()


@register.filter
def points(value: Decimal | float | None) -> str:
    """2.50 as 2.5 and 3.00 as 3, with the decimal sign of the reader's language."""
    if value is None:
        return "–"
    plain = Decimal(str(value)).quantize(Decimal("0.01"))
    return str(localize(plain.quantize(Decimal(1)) if plain == plain.to_integral() else plain.normalize()))


@register.filter
def when(value: datetime | None) -> str:
    """A moment that no reader can take for another one, whichever of day and month they put first."""
    # Translators: how a moment is written, in the letters of Django's date filter
    return date_format(localtime(value), gettext("j M Y, H:i")) if value else "–"


@register.filter
def person(user: User | None) -> str:
    return person_name(user)


@register.filter
def paper(submission: Submission, assignment: Assignment) -> str:
    return paper_name(submission, assignment)


@register.filter
def reason(code: str) -> str:
    return reason_for(code)


@register.filter
def at(mapping: Mapping[Any, Any] | None, key: Any) -> Any:
    """What a mapping holds under a key that is itself a variable; None where there is nothing."""
    return mapping.get(key) if mapping else None
