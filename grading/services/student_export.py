"""Everything about one student as a zip: a page to read, the rows as JSON, and what was handed in."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from django.contrib.auth.models import User
from django.core import serializers
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch
from django.template.loader import render_to_string
from django.utils import timezone

from courses.models import Submission
from grading.about_students import ENTRIES, Entry
from grading.models import Grade

# Never to leave the site, not even for its owner.
SECRET = {"password", "data"}  # "data" of a second factor: the secret that codes are made from


def student_export(*, student: User, whole: bool) -> bytes:
    """The zip. `whole` is for the school's admins: every row. Without it, it is the student's own copy, in which what
    is not released and the notes of teachers among themselves are left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        body = {entry.model._meta.label: _rows(entry, student, whole) for entry in ENTRIES}  # noqa: SLF001
        archive.writestr("data.json", json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
        archive.writestr("index.html", _page(student))
        for row in Submission.objects.filter(student=student).exclude(original="").order_by("pk"):
            with row.original.open("rb") as source:
                archive.writestr(str(row.original.name), source.read())
    return out.getvalue()


def _rows(entry: Entry, student: User, whole: bool) -> list[dict[str, Any]]:
    rows = entry.rows(student)
    if not whole:
        if not entry.shown:
            return []
        rows = rows.filter(**entry.released)
    plain = serializers.serialize("python", rows, fields=None if whole else entry.shown)
    kept: list[dict[str, Any]] = []
    for row in plain:
        fields = {name: value for name, value in row["fields"].items() if name not in SECRET}
        kept.append({"id": row["pk"], **fields})
    return kept


def _page(student: User) -> str:
    """What a person reads: answers, and what was released for them."""
    grades = Grade.objects.released().select_related("feedback").prefetch_related("criterion_scores")
    submissions = Submission.objects.filter(student=student).select_related("assignment__course").order_by("pk")
    context = {
        "student": student,
        "memberships": student.memberships.select_related("course"),
        "submissions": submissions.prefetch_related(Prefetch("grades", grades, to_attr="released")),
        "now": timezone.now(),
    }
    return render_to_string("grading/student_export.html", context)
