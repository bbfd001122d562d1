"""Comments on words of an answer. They belong to a grade and change with it: only while it is open to review."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from grading.exceptions import GradeIsClosed, WordsNotFound
from grading.models import AnchoredComment, CriterionScore, Grade, GradeState


def anchor_add(
    *, grade: Grade, by: User, start: int, end: int, text: str, score: CriterionScore | None = None
) -> AnchoredComment:
    """Attach a comment to the characters `start` to `end` of the answer.

    Raises:
        WordsNotFound: the answer has no such characters.
        GradeIsClosed: the grade is decided.
    """
    with transaction.atomic():
        row = _open(grade)
        if not row.submission.text[start:end].strip() or end > len(row.submission.text):
            raise WordsNotFound
        return AnchoredComment.objects.create(grade=row, score=score, start=start, end=end, text=text, by=by)


def anchor_remove(*, comment: AnchoredComment) -> None:
    with transaction.atomic():
        _open(comment.grade)
        comment.delete()


def _open(grade: Grade) -> Grade:
    row = Grade.objects.select_for_update().get(pk=grade.pk)
    if row.state != GradeState.PROPOSED:
        raise GradeIsClosed(state=row.get_state_display())
    return row
