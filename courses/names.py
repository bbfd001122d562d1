from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from courses.models import Assignment, Submission


def person_name(user: User | None) -> str:
    """How a person is called on a page: the name where there is one, else the address."""
    return (user.get_full_name() or user.get_username()) if user else "–"


def paper_name(submission: Submission, assignment: Assignment) -> str:
    """What the marking of an assignment calls a paper: its student, or a number where names are hidden."""
    if assignment.blind_marking:
        return _("Paper %(number)d") % {"number": submission.pk}
    return person_name(submission.student)
