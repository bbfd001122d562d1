"""The one way in which a row changes its state: compare and set.

It lives in courses because submissions move too, and courses imports nothing of grading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django.db import models


class Stateful(Protocol):
    """A model with a `state` field and a drawn map of where each state may go."""

    TRANSITIONS: Mapping[str, frozenset[str]]
    state: Any
    pk: Any


class IllegalTransition(Exception):
    """The map of this model has no such step: a mistake in the program."""


class TransitionLost(Exception):
    """Somebody else moved the row first: nothing was written."""


def check(model: type[Stateful], source: str, target: str) -> None:
    if target not in model.TRANSITIONS.get(source, frozenset()):
        raise IllegalTransition(f"{model.__name__}: {source} -> {target}")


def move(row: Any, to: str, *, guard: Mapping[str, Any] | None = None, **fields: Any) -> None:
    """Move `row` from the state that it was read in to `to`, setting `fields` in the same statement.

    `guard` adds conditions that must still hold in the database (the attempt number of a job, say).

    Raises:
        IllegalTransition: the model's map has no such step.
        TransitionLost: the row has left that state, or the guard no longer holds.
    """
    check(type(row), row.state, to)
    rows = type(row)._default_manager.filter(pk=row.pk, state=row.state, **(guard or {}))  # noqa: SLF001
    if rows.update(state=to, **fields) != 1:
        raise TransitionLost(f"{type(row).__name__} {row.pk} is no longer {row.state}")
    row.state = to
    for name, value in fields.items():
        setattr(row, name, value)


def move_all(rows: models.QuerySet[Any], sources: Iterable[str], to: str, **fields: Any) -> int:
    """Move every row of `rows` that is still in one of `sources`; the number of rows moved."""
    states = list(sources)
    for source in states:
        check(rows.model, source, to)
    return rows.filter(state__in=states).update(state=to, **fields)
