"""Launches over HTTP: who comes in by which message of the platform, and what is refused in words."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.core.cache import cache

from courses.models import Membership
from gradingsite.lti import states
from gradingsite.lti.models import Context, Launch, Platform
from gradingsite.lti.services.launches import launches_forget
from tests.lti.browser import Browser, heading, inputs
from tests.lti.conftest import known_as, make_platform
from tests.lti.platform import CLAIM, CLIENT, Person, Simulator

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = "The link could not be opened"


@pytest.fixture
def ada(platform: Platform, student: User, simulator: Simulator) -> User:
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-ada", "ada@example.org", "Ada Brandt")
    return student


def test_a_student_comes_in_and_lands_on_the_assignment(visitor: Browser, ada: User, link: Any) -> None:
    page = visitor.launch()
    assert page.status_code == 200
    assert page.url.endswith(f"/assignments/{link.assignment_id}/")
    assert visitor.user_menu == "Ada Brandt"


def test_the_platform_is_asked_for_its_message_and_its_keys_alone(
    visitor: Browser, ada: User, link: Any, simulator: Simulator
) -> None:
    cache.clear()
    visitor.launch()
    assert simulator.asked == ["/auth", "/jwks"]


def test_the_cookie_of_a_launch_is_lax_and_gone_afterwards(visitor: Browser, ada: User, link: Any) -> None:
    there = visitor.announce()
    cookie = there.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/lti/" in cookie
    visitor.session.cookies.clear()
    visitor.launch()
    assert [name for name in visitor.session.cookies.keys() if name.startswith("lti-")] == []  # noqa: SIM118


def test_what_a_launch_said_of_a_person_is_not_kept(visitor: Browser, ada: User, link: Any) -> None:
    visitor.launch()
    assert Launch.objects.get().claims == {}


def test_what_was_never_opened_is_emptied_after_an_hour(visitor: Browser, ada: User, link: Any) -> None:
    assert visitor.deliver(visitor.fetch()).status_code == 303
    assert Launch.objects.get().claims["email"] == "ada@example.org"
    Launch.objects.update(at="2020-01-01T00:00Z")
    Launch.objects.create(platform=Platform.objects.get(), nonce="n", ticket="t", browser="b", claims={"sub": "x"})
    launches_forget()
    assert [row.nonce for row in Launch.objects.all()] == ["n"]


def refused(page: requests.Response) -> str:
    assert page.status_code == 403, page.status_code
    assert heading(page) == REFUSED
    assert page.headers["X-Frame-Options"] == "DENY"
    return page.text


def nobody_came(visitor: Browser) -> None:
    assert visitor.user_menu == ""
    assert not Launch.objects.exclude(opened_at=None).exists()


@pytest.mark.parametrize(
    ("twist", "words"),
    [
        ("unsigned", "not signed as it has to be"),
        ("hs256", "not signed as it has to be"),
        ("other_key", "not signed as it has to be"),
        ("500 /jwks", "could not be fetched"),
        ("redirect /jwks", "could not be fetched"),
        ("nonsense /jwks", "could not be fetched"),
        ("slow /jwks", "could not be fetched"),
        ("endless /jwks", "could not be fetched"),
    ],
)
def test_a_message_that_nobody_vouches_for_is_refused(
    twist: str, words: str, visitor: Browser, ada: User, link: Any, simulator: Simulator
) -> None:
    cache.clear()
    form = visitor.fetch()
    simulator.twists.add(twist)
    form["id_token"] = simulator.signed(nonce_of(form))
    assert words in refused(visitor.follow(visitor.deliver(form)))
    assert "/secret" not in simulator.asked
    nobody_came(visitor)


def nonce_of(form: dict[str, str]) -> str:
    return states.opened(form["state"].removeprefix("state-")).nonce


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"aud": "another-tool"}, "meant for somebody else"),
        ({"aud": [CLIENT, "another-tool"]}, "meant for somebody else"),
        ({"aud": [CLIENT, "another-tool"], "azp": "another-tool"}, "meant for somebody else"),
        ({"iss": "https://another.example"}, "meant for somebody else"),
        ({"exp": 1_000_000}, "too old"),
        ({"exp": None}, "not signed as it has to be"),
        ({"iat": 4_000_000_000}, "too old"),
        ({"nonce": "of-another-launch"}, "used already"),
        ({"nonce": None}, "used already"),
        ({f"{CLAIM}deployment_id": "deployment-2"}, "has not entered: deployment-2"),
        ({f"{CLAIM}message_type": "LtiSubmissionReviewRequest"}, "not offered here"),
        ({f"{CLAIM}version": "1.1"}, "could not be read"),
        ({f"{CLAIM}roles": None}, "could not be read"),
        ({f"{CLAIM}resource_link": "x"}, "could not be read"),
        ({f"{CLAIM}resource_link": {"id": "x" * 300}}, "could not be read"),
        ({"sub": None}, "not signed as it has to be"),
        ({"sub": 7}, ""),
        ({"sub": "s-ada\0"}, "could not be read"),
        ({"sub": "s-ada\ud800"}, "could not be read"),
    ],
)
def test_a_message_that_says_something_else_is_refused(
    change: dict[str, Any], words: str, visitor: Browser, ada: User, link: Any, simulator: Simulator
) -> None:
    simulator.body.update(change)
    assert words in refused(visitor.launch())
    nobody_came(visitor)


def test_a_message_counts_once(visitor: Browser, ada: User, link: Any) -> None:
    form = visitor.fetch()
    first = visitor.deliver(form)
    assert first.status_code == 303
    assert "used already" in refused(visitor.deliver(form))
    assert visitor.follow(first).status_code == 200
    assert "used already" in refused(visitor.follow(first))
    assert "used already" in refused(visitor.deliver(form))


def test_a_message_that_went_to_another_browser_is_refused(
    visitor: Browser, browse: Callable[[], Browser], ada: User, link: Any
) -> None:
    """Somebody's own launch, sent to a victim so that the victim works in their account."""
    earned = visitor.deliver(visitor.fetch())
    victim = browse()
    assert "another browser" in refused(victim.follow(earned))
    assert victim.user_menu == ""
    victim.announce()
    assert "another browser" in refused(victim.follow(earned))


@pytest.mark.parametrize("state", ["", "state-", "state-x:y:z", "x" * 5000])
def test_a_state_that_is_not_ours_is_refused(state: str, visitor: Browser, ada: User, link: Any) -> None:
    form = {**visitor.fetch(), "state": state}
    assert "did not begin here" in refused(visitor.deliver(form))


def test_a_state_that_is_too_old_is_refused(
    visitor: Browser, ada: User, link: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = visitor.fetch()
    monkeypatch.setattr(states, "SECONDS", -1)
    assert "took too long" in refused(visitor.deliver(form))


@pytest.mark.parametrize("claimed", ["mine", "theirs"])
def test_a_platform_cannot_speak_for_another(
    claimed: str, visitor: Browser, ada: User, link: Any, simulator: Simulator
) -> None:
    """It is registered with keys of its own, and signs a message in the name of the one that Ada comes from."""
    evil = make_platform(
        simulator, issuer="https://evil.example", name="Evil", key_set_url=f"{simulator.issuer}/strangers-jwks"
    )
    good = Platform.objects.exclude(pk=evil.pk).get()
    state, secret = states.begin(evil.pk if claimed == "mine" else good.pk)
    visitor.session.cookies.set(state.cookie, secret, path="/lti/")
    simulator.twists.add("other_key")
    form = {"state": f"state-{states.seal(state)}", "id_token": simulator.signed(state.nonce)}
    assert "not signed as it has to be" in refused(visitor.follow(visitor.deliver(form)))
    nobody_came(visitor)


def test_an_unknown_platform_is_told_so(visitor: Browser, platform: Platform) -> None:
    assert "not registered here" in refused(visitor.announce(iss="https://evil.example"))
    assert "not registered here" in refused(visitor.announce(client_id="tool-8"))
    assert "not registered here" in refused(visitor.announce(iss="\0"))


def test_a_platform_that_is_switched_off_lets_nobody_in(
    visitor: Browser, ada: User, link: Any, platform: Platform
) -> None:
    form = visitor.fetch()
    earned = visitor.deliver(visitor.fetch())
    Platform.objects.update(enabled=False)
    assert "not registered here" in refused(visitor.announce())
    assert "not registered here" in refused(visitor.deliver(form))
    assert refused(visitor.follow(earned))


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "e30.e30.", base64.b64encode(b"[]").decode() + ".W10.x", "x" * 70_000]
)
def test_what_is_no_token_is_refused(token: str, visitor: Browser, platform: Platform) -> None:
    assert refused(visitor.deliver({**visitor.fetch(), "id_token": token}))


def test_an_error_of_the_platform_is_told(visitor: Browser, platform: Platform) -> None:
    form = {**visitor.fetch(), "error": "login_required"}
    del form["id_token"]
    assert "could not be read" in refused(visitor.deliver(form))


def test_a_new_key_of_the_platform_is_fetched_when_it_is_used(
    visitor: Browser, ada: User, link: Any, simulator: Simulator, platform: Platform
) -> None:
    old = {"keys": [{"kid": "p0", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "RS256"}]}
    cache.set(f"lti.keys:{platform.pk}:{platform.key_set_url}", old)
    assert visitor.launch().status_code == 200


def test_a_deactivated_person_is_refused(visitor: Browser, ada: User, link: Any) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    page = visitor.launch()
    assert page.url.endswith("/accounts/inactive/")
    nobody = visitor.user_menu
    assert nobody == ""


def test_students_of_a_course_that_is_not_linked_are_told_so(visitor: Browser, ada: User, platform: Platform) -> None:
    assert "not linked with Marginalia yet" in refused(visitor.launch())
    assert Context.objects.get().course is None


def test_a_launch_without_a_role_in_the_course_opens_nothing(
    visitor: Browser, ada: User, link: Any, simulator: Simulator
) -> None:
    Membership.objects.filter(user=ada).delete()
    for role in ("http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor", f"{CLAIM}NonLearner"):
        simulator.person.roles = [role]
        assert "neither student nor teacher" in refused(visitor.launch())
    assert not Membership.objects.filter(user=ada).exists()


def test_the_tool_publishes_what_a_platform_has_to_know(live_server: Any, simulator: Simulator) -> None:
    keys = requests.get(f"{live_server.url}/lti/jwks.json", timeout=5).json()["keys"]
    assert [sorted(key) for key in keys] == [["alg", "e", "kid", "kty", "n", "use"]]
    config = requests.get(f"{live_server.url}/lti/canvas.json", timeout=5).json()
    assert config["oidc_initiation_url"] == f"{live_server.url}/lti/login/"
    assert config["public_jwk_url"] == f"{live_server.url}/lti/jwks.json"
    assert json.dumps(config).count(f"{live_server.url}/lti/launch/") == 4


def test_a_token_that_is_about_to_end_still_counts(
    visitor: Browser, ada: User, link: Any, simulator: Simulator
) -> None:
    simulator.body["exp"] = int(time.time()) + 1
    assert visitor.launch().status_code == 200
    assert inputs(visitor.open("/").text)
