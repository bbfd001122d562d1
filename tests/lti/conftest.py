from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from courses.models import Course
from gradingsite.lti import http, keys
from gradingsite.lti.models import Context, Platform, PlatformPerson, ResourceLink, ToolKey
from gradingsite.lti.services.entering import context_link, link_to_assignment
from tests.lti.browser import Browser
from tests.lti.platform import CLIENT, COURSE, DEPLOYMENT, LINK, Simulator, running_simulator


@pytest.fixture(scope="session")
def _simulator_of_the_session() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture(scope="session")
def _key_of_the_session() -> dict[str, Any]:
    """To make one takes a while; most tests do not look at it."""
    return {}


@pytest.fixture
def simulator(
    _simulator_of_the_session: Simulator, live_server: Any, monkeypatch: pytest.MonkeyPatch, _key_of_the_session: Any
) -> Simulator:
    found = _simulator_of_the_session
    found.forget()
    found.tool_keys = f"{live_server.url}/lti/jwks.json"
    monkeypatch.setattr(http, "READ_SECONDS", 1)
    if not _key_of_the_session:
        key = keys.signing_key()
        names = ("kid", "public_pem", "sealed_pem")
        _key_of_the_session.update({name: getattr(key, name) for name in names})
    else:
        ToolKey.objects.get_or_create(kid=_key_of_the_session["kid"], defaults=_key_of_the_session)
    return found


@pytest.fixture
def platform(simulator: Simulator) -> Platform:
    """Registered as an admin would have done it."""
    return make_platform(simulator)


def make_platform(simulator: Simulator, **fields: Any) -> Platform:
    values = {
        "name": "Hill Moodle",
        "issuer": simulator.issuer,
        "client_id": CLIENT,
        "deployments": [DEPLOYMENT],
        "auth_login_url": f"{simulator.issuer}/auth",
        "auth_token_url": f"{simulator.issuer}/token",
        "key_set_url": f"{simulator.issuer}/jwks",
    }
    return Platform.objects.create(**{**values, **fields})


@pytest.fixture
def browse(live_server: Any, simulator: Simulator) -> Callable[[], Browser]:
    return lambda: Browser(live_server.url, simulator)


@pytest.fixture
def visitor(browse: Callable[[], Browser]) -> Browser:
    return browse()


@pytest.fixture
def linked(platform: Platform, simulator: Simulator, course: Course, teacher: User) -> Context:
    """The platform's course, linked with the course of the cast."""
    context = Context.objects.create(
        platform=platform,
        deployment=DEPLOYMENT,
        key=COURSE,
        title="Physics 7b",
        members_url=f"{simulator.issuer}/members",
    )
    context_link(context=context, course=course, by=teacher)
    return context


@pytest.fixture
def link(linked: Context, assignment: Any, simulator: Simulator, teacher: User) -> ResourceLink:
    row = ResourceLink.objects.create(context=linked, key=LINK, line_item=f"{simulator.issuer}/columns/1?type_id=3")
    link_to_assignment(link=row, assignment=assignment, by=teacher)
    return row


def known_as(platform: Platform, user: User, sub: str, *, confirmed: bool = True) -> PlatformPerson:
    return PlatformPerson.objects.create(platform=platform, user=user, sub=sub, confirmed=confirmed)
