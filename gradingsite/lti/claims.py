"""What a verified token says, of the right types and no longer than there is room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from courses.models import Role
from gradingsite.lti.errors import LaunchRefused

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
ROLES = f"{CLAIM}roles"
NAMES_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
GRADES_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
DEEP_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
LONGEST, LONGEST_URL = 255, 1000
COURSE_ROLES = "http://purl.imsglobal.org/vocab/lis/v2/membership"
# The short names are of the standard, too.
TEACHERS = frozenset({f"{COURSE_ROLES}#Instructor", f"{COURSE_ROLES}#Administrator", "Instructor"})
STUDENTS = frozenset({f"{COURSE_ROLES}#Learner", "Learner"})


@dataclass(frozen=True)
class Claims:
    """`role` is the one in this course of the platform, or empty: neither student nor staff."""

    sub: str
    role: str
    deployment: str
    email: str = ""
    name: str = ""
    context: str = ""
    context_title: str = ""
    link: str = ""
    link_title: str = ""
    members_url: str = ""
    line_item: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    return_url: str = ""
    return_data: str = ""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def claims_of(body: Mapping[str, Any]) -> Claims:
    """
    Raises:
        LaunchRefused: what has to be there is not, or is longer than any platform makes it.
    """
    context, link = _part(body, f"{CLAIM}context"), _part(body, f"{CLAIM}resource_link")
    names, grades, deep = _part(body, NAMES_CLAIM), _part(body, GRADES_CLAIM), _part(body, DEEP_CLAIM)
    scopes = grades.get("scope")
    may_score = isinstance(scopes, list) and SCORE_SCOPE in scopes
    custom = _part(body, f"{CLAIM}custom")
    return Claims(
        sub=key_of(body.get("sub")),
        role=role_of(body.get(ROLES)),
        deployment=key_of(body.get(f"{CLAIM}deployment_id")),
        email=text_of(body.get("email")),
        name=text_of(body.get("name"))
        or " ".join(filter(None, map(text_of, (body.get("given_name"), body.get("family_name"))))),
        context=key_of(context.get("id")) if context else "",
        context_title=text_of(context.get("title") or context.get("label")),
        link=key_of(link.get("id")) if link else "",
        link_title=text_of(link.get("title")),
        members_url=text_of(names.get("context_memberships_url"), LONGEST_URL),
        line_item=text_of(grades.get("lineitem"), LONGEST_URL) if may_score else "",
        custom={name: text_of(custom.get(name)) for name in ("assignment",) if name in custom},
        return_url=text_of(deep.get("deep_link_return_url"), LONGEST_URL),
        return_data=text_of(deep.get("data"), LONGEST_URL),
    )


def role_of(given: Any) -> str:
    """What somebody is in a course of a platform. Roles at the institution or of the system count for nothing here,
    and whoever is an assistant among other things is an assistant."""
    roles = {role for role in given if isinstance(role, str)} if isinstance(given, list) else set()
    if any(
        role.startswith(f"{COURSE_ROLES}/Instructor#") or role == f"{COURSE_ROLES}#TeachingAssistant" for role in roles
    ):
        assisting = any("TeachingAssistant" in role or role.endswith("#Grader") for role in roles)
        return Role.ASSISTANT if assisting or not roles & TEACHERS else Role.TEACHER
    if roles & TEACHERS:
        return Role.TEACHER
    learner = roles & STUDENTS or any(role.startswith(f"{COURSE_ROLES}/Learner#") for role in roles)
    return Role.STUDENT if learner else ""


def _part(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def key_of(value: Any) -> str:
    """What identifies something is never cut off or mended: two would become one.

    Raises:
        LaunchRefused
    """
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or value != storable(value):
        raise LaunchRefused
    return value


def text_of(value: Any, longest: int = LONGEST) -> str:
    text = storable(value).strip() if isinstance(value, str) else ""
    if longest == LONGEST_URL:
        return text if len(text) <= longest else ""
    return text[:longest]


def storable(text: str) -> str:
    """Without what JSON can say and a database cannot keep."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
