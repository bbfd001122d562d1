"""What a signed message says is taken as it is meant, or refused; it never breaks a page."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradingsite.lti.claims import CLAIM, DEEP_CLAIM, GRADES_CLAIM, NAMES_CLAIM, ROLES, claims_of, role_of
from gradingsite.lti.errors import LaunchRefused
from gradingsite.lti.models import Platform
from tests.lti.platform import ASSISTANT, INSTRUCTOR, LEARNER

INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(["\0", "a\ud800"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("id", "title", "label", "scope", "lineitem", "context_memberships_url", "deep_link_return_url", "data")
PART = ANYTHING | st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=3)
PARTS = [f"{CLAIM}{name}" for name in ("context", "resource_link", "custom", "deployment_id")]
BODY = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("sub", "email", "name", ROLES, NAMES_CLAIM, GRADES_CLAIM, DEEP_CLAIM, *PARTS), PART)
)


@given(BODY)
def test_any_message_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        claims = claims_of(body)
    except LaunchRefused:
        return
    assert all(isinstance(value, str | dict) for value in claims.plain().values())
    assert 0 < len(claims.sub) <= 255
    everything = "".join(str(value) for value in claims.plain().values())
    assert "\0" not in everything.encode().decode()


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z.@:/\[\]0-9?#]{0,40}"))
def test_any_address_is_allowed_or_not(url: str) -> None:
    platform = Platform(issuer="https://lms.example.org", auth_login_url="x", auth_token_url="", key_set_url="")
    if platform.may_be_asked(url):
        assert url.lower().startswith("https://lms.example.org")


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ([LEARNER], "student"),
        (["Learner"], "student"),
        ([INSTRUCTOR], "teacher"),
        (["Instructor"], "teacher"),
        ([INSTRUCTOR, LEARNER], "teacher"),
        ([ASSISTANT], "assistant"),
        ([ASSISTANT, INSTRUCTOR], "assistant"),
        ([f"{INSTITUTION}Instructor", f"{INSTITUTION}Administrator"], ""),
        ([f"{INSTITUTION}Instructor", LEARNER], "student"),
        (["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"], ""),
        (["http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"], ""),
        (["http://evil.example/membership#Instructor"], ""),
        ([f"{INSTRUCTOR}X"], ""),
        ([["Instructor"], 7, None], ""),
        ("Instructor", ""),
        (None, ""),
        ([], ""),
    ],
)
def test_the_role_is_that_in_the_course(roles: Any, role: str) -> None:
    assert role_of(roles) == role
