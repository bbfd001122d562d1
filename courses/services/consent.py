from __future__ import annotations

from django.db import transaction

from courses.models import CourseEvent, EventKind, Membership


@transaction.atomic
def consent_set(*, membership: Membership, given: bool) -> None:
    """A student agrees that their answers of a course are used for research, or takes that back."""
    changed = Membership.objects.filter(pk=membership.pk, research_consent=not given).update(research_consent=given)
    if changed:
        CourseEvent.objects.create(
            course_id=membership.course_id,
            person_id=membership.user_id,
            actor_id=membership.user_id,
            kind=EventKind.MEMBERS,
            action="consent_changed",
            before={"consent": not given},
            after={"consent": given},
        )
