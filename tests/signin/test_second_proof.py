"""Before what weighs much, somebody whose login lies back shows again who they are; nothing happens before."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Course, Membership
from grading.models import ModelVersion, VersionState
from tests.factories import PASSWORD
from tests.grading.factories import make_version
from tests.proof import log_in_now, long_ago

pytestmark = pytest.mark.django_db
AGAIN = reverse("account_reauthenticate")


@pytest.fixture
def office(client: Client, admin: User) -> Client:
    log_in_now(client, admin)
    long_ago(client)
    return client


def test_an_admin_who_changes_a_role(office: Client, course: Course, student: User) -> None:
    row = Membership.objects.get(course=course, user=student)
    answer = office.post(reverse("courses:member_role", args=[row.pk]), {"role": "assistant"})
    assert answer.headers["Location"].startswith(AGAIN)
    row.refresh_from_db()
    assert row.role == "student"
    office.post(answer.headers["Location"], {"password": PASSWORD})
    row.refresh_from_db()
    assert row.role == "assistant"


def test_an_admin_who_changes_the_model_in_use(office: Client) -> None:
    used = make_version(name="used")
    other = make_version(VersionState.RETIRED, name="other")
    for name, keys in (("version_promote", [other.pk]), ("version_retire", [used.pk]), ("version_roll_back", [])):
        answer = office.post(reverse(f"grading:{name}", args=keys))
        assert answer.headers["Location"].startswith(AGAIN), name
    assert ModelVersion.objects.get(state=VersionState.PROMOTED) == used


@pytest.mark.parametrize("name", ["factor_reset", "sso_unlink", "person_sessions_end"])
def test_an_admin_who_changes_how_somebody_logs_in(office: Client, student: User, name: str) -> None:
    assert office.post(reverse(name, args=[student.pk])).headers["Location"].startswith(AGAIN)


@pytest.mark.parametrize("name", ["tokens", "mfa_activate_totp", "mfa_generate_recovery_codes"])
def test_whoever_makes_a_token_or_changes_the_second_factor(client: Client, student: User, name: str) -> None:
    log_in_now(client, student)
    long_ago(client)
    answer = client.post(reverse(name), {"name": "Script", "scope": "read"})
    assert answer.headers["Location"].startswith(AGAIN)
    assert not student.api_tokens.exists()
