from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router

from courses.access import managed_assignment
from courses.models import Submission
from grading import services
from grading.access import managed_run
from grading.models import GradingRun
from gradingsite.api.paging import Key, Page, Paging, page_of
from gradingsite.api.schemas import ANSWERS, RunIn, RunOut

router = Router(tags=["grading runs"])


@router.get("/assignments/{pk}/runs", response={200: Page[RunOut], **ANSWERS}, url_name="runs")
def run_list(request: HttpRequest, pk: Path[Key], paging: Query[Paging]) -> Any:
    """The grading runs of an assignment."""
    rows = GradingRun.objects.managed_by(request.user).filter(assignment=managed_assignment(request.user, pk))
    return page_of(rows.select_related("version"), paging, lambda found: [_shown(row) for row in found])


@router.post("/assignments/{pk}/runs", response={200: RunOut, **ANSWERS}, url_name="runs")
def run_start(request: HttpRequest, pk: Path[Key], data: RunIn) -> Any:
    """Have answers marked by the model. Where nothing new is to be marked, the answer is the run that is under way."""
    assignment = managed_assignment(request.user, pk)
    chosen = Submission.objects.current().filter(assignment=assignment, pk__in=data.submissions)
    run = services.grading_run_start(
        assignment=assignment,
        by=request.user,  # type: ignore[arg-type]
        scope=data.scope,
        submissions=list(chosen),
        with_feedback=data.with_feedback,
    )
    return _shown(run)


@router.get("/runs/{pk}", response={200: RunOut, **ANSWERS}, url_name="run")
def run(request: HttpRequest, pk: Path[Key]) -> Any:
    """How far one run is."""
    return _shown(managed_run(request.user, pk))


@router.post("/runs/{pk}/cancel", response={200: RunOut, **ANSWERS}, url_name="run_cancel")
def run_cancel(request: HttpRequest, pk: Path[Key]) -> Any:
    """Stop what is not marked yet. A run that is over stays as it is."""
    row = managed_run(request.user, pk)
    services.grading_run_cancel(run=row, by=request.user)  # type: ignore[arg-type]
    return _shown(managed_run(request.user, pk))


def _shown(row: GradingRun) -> dict[str, Any]:
    progress = services.run_progress(row)
    names = ("total", "queued", "running", "done", "failed", "cancelled", "scored", "written")
    counts = {name: getattr(progress, name) for name in names}
    return {
        "id": row.pk,
        "assignment": row.assignment_id,
        "scope": row.scope,
        "with_feedback": row.with_feedback,
        "model_version": row.version.name,
        "created_at": row.created_at,
        "cancelled_at": row.cancelled_at,
        "active": progress.active,
        "seconds_left": progress.seconds_left,
        **counts,
    }
