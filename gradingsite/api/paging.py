"""Lists by keyset: a page begins behind the last id of the one before, so that rows which come or go meanwhile neither
double nor hide any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import QuerySet
from ninja import Schema
from pydantic import Field

MOST_ID = 2**63 - 1
Key = Annotated[int, Field(ge=1, le=MOST_ID)]
Item = TypeVar("Item")


class Paging(Schema):
    after: int = Field(0, ge=0, le=MOST_ID, description="what the page before gave as “next”; 0 begins")
    limit: int = Field(50, ge=1, le=200, description="rows of a page")


class Page(Schema, Generic[Item]):
    items: list[Item]
    next: int | None = Field(description="what to send as “after” for the next page; null at the end")


def page_of(rows: QuerySet[Any], paging: Paging, shown: Callable[[list[Any]], list[Any]]) -> dict[str, Any]:
    found = list(rows.filter(pk__gt=paging.after).order_by("pk")[: paging.limit + 1])
    kept = found[: paging.limit]
    return {"items": shown(kept), "next": kept[-1].pk if len(found) > len(kept) else None}
