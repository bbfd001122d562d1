"""Every address with every method as every kind of person, with ids of rows that are not theirs: what the table of
test_access_by_role does not allow is refused whatever the method. Closes with the number of cells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from courses.models import Membership, Submission, UnmatchedFile
from tests.access_table import GET, POST, address, names_of
from tests.everybody import _uploads_go_away, everybody, people, rows
from tests.factories import UserFactory

__all__ = ["_uploads_go_away", "everybody", "people", "rows"]  # fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
METHODS = ("get", "post", "put", "patch", "delete")
ROLES = (
    "admin",
    "teacher",
    "assistant",
    "student",
    "other_student",
    "student_of_another_course",
    "outsider",
    "without_a_course",
    "anonymous",
    "deactivated",
)
NOT_ALLOWED = {401, 403, 404, 405}
CELLS: list[str] = []


@pytest.fixture
def visitors(people: dict[str, User]) -> dict[str, Client]:
    """A browser of each kind of person; the deactivated one is a teacher who was logged in when the account closed."""
    stranger, closed = UserFactory(), UserFactory()
    Membership.objects.create(course=people["outsider"].memberships.get().course, user=stranger, role="student")
    Membership.objects.create(course=people["teacher"].memberships.get().course, user=closed, role="teacher")
    everybody = {**people, "student_of_another_course": stranger, "deactivated": closed}
    clients = {"anonymous": Client()}
    for role, user in everybody.items():
        clients[role] = Client()
        clients[role].force_login(user, backend="gradingsite.accounts.EmailBackend")
    User.objects.filter(pk=closed.pk).update(is_active=False)
    return clients


def requested(client: Client, method: str, url: str) -> int:
    with transaction.atomic():
        answer = getattr(client, method)(url)
        transaction.set_rollback(True)
    away = answer.status_code == 302 and "/login/" in answer.headers["Location"]
    return 401 if away else int(answer.status_code)


def table() -> Iterator[tuple[str, str, frozenset[str]]]:
    for name, (kind, allowed) in [*GET.items(), *POST.items()]:
        # Everybody who is logged in has a home and a list of courses, be it an empty one.
        own = name in ("courses:home", "courses:course_list")
        yield name, kind, allowed | {"without_a_course", "student_of_another_course"} if own else allowed


@pytest.mark.parametrize("role", ROLES)
def test_what_the_table_does_not_allow_is_refused_by_every_method(
    role: str, visitors: dict[str, Client], rows: dict[str, int]
) -> None:
    wrong = []
    for name, kind, allowed in table():
        url = address(name, kind, rows)
        for method in METHODS:
            may = role in allowed and method in (("get", "post") if name in GET else ("post",))
            if may and method == "get":
                continue  # test_access_by_role opens these
            code = requested(visitors[role], method, url)
            CELLS.append(f"{method} {name} {role}")
            if code >= 500 or (not may and code not in NOT_ALLOWED):
                wrong.append(f"{method} {url}: {code}")
    assert wrong == []


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_the_pages_of_the_site_admin_are_shut_to_everybody_else(role: str, visitors: dict[str, Client]) -> None:
    for name in names_of(get_resolver().url_patterns):
        if name.startswith("admin:") and name in ("admin:index", "admin:auth_user_changelist", "admin:auth_user_add"):
            for method in METHODS:
                assert requested(visitors[role], method, reverse(name)) in NOT_ALLOWED
                CELLS.append(f"{method} {name} {role}")


def test_files_that_were_handed_in_have_no_address_but_the_page_that_asks_who_wants_them(
    visitors: dict[str, Client], rows: dict[str, int]
) -> None:
    stored = [str(row.original) for model in (Submission, UnmatchedFile) for row in model.objects.exclude(original="")]
    assert stored
    for role, client in visitors.items():
        for name in stored:
            for url in (f"/media/{name}", f"/{name}", f"/static/../media/{name}", f"/static/%2e%2e/media/{name}"):
                assert client.get(url).status_code == 404, (role, url)
                CELLS.append(f"get {url} {role}")


def test_the_number_of_cells_is_told(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    alone = not any("every_method" in item.name for item in request.session.items)
    with capsys.disabled():
        print(f"\n{len(CELLS)} cells of address, method and role were requested")  # noqa: T201
    assert alone or len(CELLS) > 5000
