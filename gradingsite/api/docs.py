"""The schema as a page to read, made on the server: the strict policy for scripts and styles stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from courses.views.requests import PersonRequest
from gradingsite.api.errors import not_found
from gradingsite.api.site import api


@dataclass(frozen=True)
class Shown:
    """One field or parameter."""

    name: str
    kind: str
    words: str
    needed: bool


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    summary: str
    about: str
    takes: list[Shown]
    gives: list[Shown]


@require_safe
@login_required
def api_docs(request: PersonRequest) -> HttpResponse:
    parts: dict[str, list[Operation]] = {}
    schema: Any = api.get_openapi_schema()
    for tag, operation in _operations(schema):
        parts.setdefault(tag, []).append(operation)
    return render(
        request, "signin/api_docs.html", {"parts": parts, "example": request.build_absolute_uri("/api/courses")}
    )


@csrf_exempt
def unknown(_request: HttpRequest) -> HttpResponse:
    return not_found()


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in schema["paths"].items():
        for method, entry in methods.items():
            good = next(answer for status, answer in entry["responses"].items() if int(status) < 300)
            about = entry.get("description", "").strip().replace("`", "")
            operation = Operation(
                method=method.upper(),
                path=path,
                summary=about.partition("\n\n")[0],
                about=about.partition("\n\n")[2],
                takes=[*_parameters(entry), *_fields(schema, entry.get("requestBody", {}))],
                gives=list(_fields(schema, good)),
            )
            yield entry["tags"][0], operation


def _parameters(entry: dict[str, Any]) -> Iterator[Shown]:
    for row in entry["parameters"]:
        yield Shown(row["name"], _kind(row["schema"]), row["schema"].get("description", ""), row.get("required", False))


def _fields(schema: dict[str, Any], holder: dict[str, Any]) -> Iterator[Shown]:
    for content in holder.get("content", {}).values():
        body = _resolved(schema, content["schema"])
        for name, row in body.get("properties", {}).items():
            yield Shown(name, _kind(row), row.get("description", ""), name in body.get("required", []))


def _resolved(schema: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; of a page of rows, the row that it is made of."""
    found = schema["components"]["schemas"][row["$ref"].rpartition("/")[2]] if "$ref" in row else row
    items = found.get("properties", {}).get("items", {}).get("items", {})
    return _resolved(schema, items) if "$ref" in items and "next" in found["properties"] else found


def _kind(row: dict[str, Any]) -> str:
    if "anyOf" in row:
        return " | ".join(_kind(each) for each in row["anyOf"])
    if "$ref" in row:
        return "object"
    if "enum" in row:
        return " | ".join(f"“{value}”" for value in row["enum"])
    return f"list of {_kind(row['items'])}" if row.get("type") == "array" else str(row.get("format") or row.get("type"))
