from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.dispatch import receiver

from grading.signals import released_changed


@receiver(released_changed)
def scores_follow(sender: Any, assignment_id: int, student_ids: Collection[int], **kwargs: Any) -> None:
    """In the transaction of the release: either both are written or neither."""
    from gradingsite.lti.services.scores import scores_changed

    scores_changed(assignment_id=assignment_id, student_ids=student_ids)
