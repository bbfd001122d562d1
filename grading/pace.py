"""How fast the papers of an assignment are marked, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from courses.models import Assignment
from courses.querysets import AnyUser
from grading.models import ActKind, ReviewAct

# Longer than this is a break and not a paper; fewer papers than that say nothing.
PAUSE_SECONDS = 15 * 60
FEWEST = 3
LATEST = 200


@dataclass(frozen=True)
class Pace:
    """Seconds for one paper (the median between two approvals of one person), and for all that wait; None where too
    few have been approved to say. `spent` is what the latest approvals took in all."""

    each: float | None
    left: float | None
    spent: float


def pace(assignment: Assignment, user: AnyUser, waiting: int) -> Pace:
    """A person's own pace in one assignment. Papers that were approved many at once do not count."""
    acts = ReviewAct.objects.filter(assignment=assignment, actor_id=user.pk, kind=ActKind.APPROVED, undone_by=None)
    times = list(acts.order_by("-pk").values_list("at", flat=True)[:LATEST])[::-1]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    gaps = [gap for gap in gaps if gap <= PAUSE_SECONDS]
    each = median(gaps) if len(gaps) >= FEWEST else None
    return Pace(each, None if each is None else each * waiting, sum(gaps))
