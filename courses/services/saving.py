"""Checking and saving a row, with what the database refuses told as what the person can mend."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from courses.errors import InvalidFields

Row = TypeVar("Row", bound=models.Model)
CLASH = _("This clashes with something that was saved at the same moment. Please reload the page.")


def save_checked(row: Row, *, exclude: Collection[str] | None = None) -> Row:
    """full_clean() and save() in one.

    Raises:
        InvalidFields: a field does not fit, or a constraint of the database was broken (also by a race).
    """
    try:
        row.full_clean(exclude=exclude)
        with transaction.atomic():
            row.save()
    except ValidationError as error:
        raise InvalidFields(error) from error
    except IntegrityError as error:
        raise InvalidFields(ValidationError(CLASH)) from error
    return row


def set_fields(row: models.Model, fields: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Set the named fields; a name outside `allowed` is a mistake in the program."""
    unknown = set(fields) - set(allowed)
    if unknown:
        raise TypeError(f"{type(row).__name__} has no field to set: {', '.join(sorted(unknown))}")
    for name, value in fields.items():
        setattr(row, name, value)
