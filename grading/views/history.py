"""What happened: in a course for its teachers, in the whole site for admins; as a page and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from courses.access import owned_course
from courses.models import Course
from courses.views.requests import PersonRequest, page_of
from grading.admin_access import admin_required
from grading.history import Asked, Line, history_rows, lines_all, lines_of
from grading.history_form import HistoryForm
from grading.services.exports import defused


@require_safe
@admin_required
def history(request: PersonRequest) -> HttpResponse:
    return _page(request, None)


@require_safe
@login_required
def course_history(request: PersonRequest, pk: int) -> HttpResponse:
    return _page(request, owned_course(request.user, pk))


@never_cache
@require_safe
@admin_required
def history_csv(request: PersonRequest) -> HttpResponse:
    return _csv(HistoryForm(request.GET, None).asked())


@never_cache
@require_safe
@login_required
def course_history_csv(request: PersonRequest, pk: int) -> HttpResponse:
    return _csv(HistoryForm(request.GET, owned_course(request.user, pk)).asked())


def _page(request: PersonRequest, course: Course | None) -> HttpResponse:
    form = HistoryForm(request.GET, course)
    page = page_of(request, history_rows(form.asked()))
    kept = request.GET.copy()
    kept.pop("page", None)
    context = {"course": course, "form": form, "page": page, "lines": lines_of(page), "query": kept.urlencode()}
    return render(request, "grading/history.html", context)


class _Echo:
    """Where the writer of a row puts it: straight on to who asked."""

    def write(self, text: str) -> str:
        return text


def _csv(asked: Asked) -> HttpResponse:
    rows = _written(lines_all(asked))
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="history.csv"'
    return response  # type: ignore[return-value]


def _written(lines: Iterable[Line]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"  # without it Excel reads umlauts as two characters
    heads = (_("When"), _("Kind"), _("Who"), _("What"), _("About"), _("Course"), _("Assignment"))
    yield writer.writerow([*heads, _("Change"), _("Note")])
    for line in lines:
        at = timezone.localtime(line.at).isoformat(timespec="seconds")
        texts = (line.kind, line.actor, line.words.action, line.about, line.course, line.assignment)
        yield writer.writerow([at, *(defused(text) for text in (*texts, line.words.changes, line.words.note))])
