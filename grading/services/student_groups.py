"""Groups of students for the view of fairness: a field is imported as a whole, and deleted as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from courses.errors import RowError
from courses.tables import read_table
from grading.exceptions import GroupsRefused
from grading.models import StudentGroup

_COLUMNS = {
    "student": "student, email, e-mail, mail, username, benutzername, e-mail-adresse",
    "group": "group, value, gruppe, wert",
}
# More groups than this are no groups, but something about each student.
MOST_GROUPS = 12


@dataclass(frozen=True)
class GroupsReport:
    """How many students got a group, and which rows name nobody."""

    taken: int
    errors: tuple[RowError, ...]


def student_groups_import(*, by: User, field: str, data: bytes) -> GroupsReport:
    """Replace a field by a table with the columns student (address or login) and group.

    Raises:
        GroupsRefused: no row names a student, or there are too many groups.
        FileTooLarge, TableUnreadable, MissingColumns: nothing of the file can be used.
    """
    table = read_table(data, _COLUMNS, required=("student", "group"))
    errors, found = list(table.errors), {}
    people = _people({row.text("student").strip().casefold() for row in table.rows})
    for row in table.rows:
        student, value = people.get(row.text("student").strip().casefold()), row.text("group").strip()
        if student is None:
            errors.append(RowError(row.number, _("“%s” is nobody here.") % row.text("student")))
        elif value:
            found[student] = value[:60]
    if not found:
        raise GroupsRefused(reason=_("no row of it names a student with a group."))
    if len(set(found.values())) > MOST_GROUPS:
        raise GroupsRefused(reason=_("there are more than %d different groups in it.") % MOST_GROUPS)
    with transaction.atomic():
        StudentGroup.objects.filter(field=field).delete()
        rows = [StudentGroup(field=field, value=value, student_id=pk) for pk, value in found.items()]
        StudentGroup.objects.bulk_create(rows, batch_size=500)
    return GroupsReport(len(found), tuple(sorted(errors)))


def student_groups_delete(*, field: str) -> int:
    """Forget a field; how many students it had."""
    return StudentGroup.objects.filter(field=field).delete()[0]


def _people(names: set[str]) -> dict[str, int]:
    """Accounts by address and by login, in lower case."""
    people: dict[str, int] = {}
    for pk, email, login in User.objects.values_list("pk", "email", "username"):
        for name in (login.casefold(), email.casefold()):
            if name in names and name:
                people[name] = pk
    return people
