"""Who belongs to a course. A list of names never changes an account that exists: it only adds memberships to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from courses.errors import LastTeacher, RowError, UnknownRole, UserError
from courses.gradebooks import CANVAS_ROWS
from courses.models import Course, Membership, Role
from courses.services.history import member_event
from courses.services.invitations import invitations_queue
from courses.services.people import account_for, email_normal
from courses.tables import ENROLMENT_COLUMNS, TableRow, read_table, role_named


@dataclass
class EnrolmentReport:
    """How many were added, changed their role, or were there already; which accounts are new; what was wrong by row."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    invited: list[User] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


@transaction.atomic
def member_add(*, course: Course, by: User, email: str, name: str = "", role: str = Role.STUDENT) -> Membership:
    """Add the person with this address, or give them this role where they belong to the course already.

    Raises:
        InvalidEmail, UnknownRole, LastTeacher
    """
    membership, _outcome, new_account = _enrol(course, by, email, name, role)
    if new_account:
        invitations_queue(course=course, users=[membership.user])
    return membership


@transaction.atomic
def member_change_role(*, membership: Membership, by: User, role: str) -> Membership:
    """
    Raises:
        UnknownRole, LastTeacher
    """
    if role not in Role.values:
        raise UnknownRole(role=role)
    if role != membership.role:
        _give_role(membership, by, role)
    return membership


@transaction.atomic
def member_remove(*, membership: Membership, by: User) -> None:
    """Take a person out of the course. Their answers and grades stay, and come back with them.

    Raises:
        LastTeacher
    """
    _keep_a_teacher(membership)
    member_event(membership=membership, by=by, action="member_removed", before=membership.role)
    membership.delete()


def member_invite_again(*, membership: Membership, by: User) -> bool:
    """Mail the link for setting a password once more; False where the person has one already."""
    if membership.user.has_usable_password() or not membership.user.is_active:
        return False
    invitations_queue(course=membership.course, users=[membership.user])
    return True


def enrol_from_csv(*, course: Course, by: User, data: bytes) -> EnrolmentReport:
    """Enrol everybody whom the table names; rows that cannot be used are told and the others kept.

    Raises:
        TableUnreadable, MissingColumns: nothing of the file can be used.
    """
    report = _enrol_rows(course, by, data)
    invitations_queue(course=course, users=report.invited)
    return report


def enrol_preview(*, course: Course, by: User, data: bytes) -> EnrolmentReport:
    """What `enrol_from_csv` would do, which is done and undone again: nothing is kept and nobody is told.

    Raises:
        TableUnreadable, MissingColumns
    """
    with transaction.atomic():
        report = _enrol_rows(course, by, data)
        transaction.set_rollback(True)
    return report


def _enrol_rows(course: Course, by: User, data: bytes) -> EnrolmentReport:
    table = read_table(data, ENROLMENT_COLUMNS, required=("email",))
    report = EnrolmentReport(errors=list(table.errors))
    seen: dict[str, int] = {}
    for row in table.rows:
        if not row.text("email").strip() and row.name().strip().lower() in CANVAS_ROWS:
            continue
        try:
            _enrol_row(course, by, row, seen, report)
        except UserError as error:
            report.errors.append(RowError(row.number, error.message))
    report.errors.sort()
    return report


def _enrol_row(course: Course, by: User, row: TableRow, seen: dict[str, int], report: EnrolmentReport) -> None:
    email = email_normal(row.text("email"))
    if email in seen:
        message = _("%(email)s is already in row %(row)d; this row was left out.")
        report.errors.append(RowError(row.number, message % {"email": email, "row": seen[email]}))
        return
    role = role_named(row.text("role"))
    seen[email] = row.number
    with transaction.atomic():
        membership, outcome, new_account = _enrol(course, by, email, row.name(), role)
    setattr(report, outcome, getattr(report, outcome) + 1)
    if new_account:
        report.invited.append(membership.user)


def _enrol(course: Course, by: User, email: str, name: str, role: str) -> tuple[Membership, str, bool]:
    """The membership, what happened to it (added, updated, unchanged), and whether the account is new."""
    if role not in Role.values:
        raise UnknownRole(role=role)
    user, new_account = account_for(email=email, name=name)
    membership, added = Membership.objects.get_or_create(course=course, user=user, defaults={"role": role})
    if added:
        member_event(membership=membership, by=by, action="member_added", after=role)
        return membership, "added", new_account
    if membership.role == role:
        return membership, "unchanged", new_account
    _give_role(membership, by, role)
    return membership, "updated", new_account


def _give_role(membership: Membership, by: User, role: str) -> None:
    if role != Role.TEACHER:
        _keep_a_teacher(membership)
    Membership.objects.filter(pk=membership.pk).update(role=role)
    member_event(membership=membership, by=by, action="role_changed", before=membership.role, after=role)
    membership.role = role


def _keep_a_teacher(membership: Membership) -> None:
    """
    Raises:
        LastTeacher: the course would be left without one. Teachers whose account is closed do not count.
    """
    if membership.role != Role.TEACHER:
        return
    teachers: Sequence[Membership] = list(
        Membership.objects.select_for_update().filter(
            course_id=membership.course_id, role=Role.TEACHER, user__is_active=True
        )
    )
    if all(teacher.pk == membership.pk for teacher in teachers):
        raise LastTeacher
