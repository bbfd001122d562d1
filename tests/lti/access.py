"""The lines of learning platforms in the table of who may do what (tests/test_access_by_role.py)."""

from __future__ import annotations

from django.contrib.auth.models import User

from courses.models import Assignment
from gradingsite.lti.models import Context, Platform, PlatformPerson, ResourceLink

ADMIN = frozenset({"admin"})
OWNERS = ADMIN | {"teacher"}
STAFF = OWNERS | {"assistant"}
GET = {
    "lti:context": ("platform_course", OWNERS),
    "lti:members": ("platform_course", OWNERS),
    "lti:link": ("platform_link", STAFF),
    "lti:scores": ("assignment", STAFF),
    "lti:platforms": ("", ADMIN),
    "lti:platform_new": ("", ADMIN),
    "lti:platform": ("platform", ADMIN),
}
POST = {
    "lti:context_unlink": ("platform_course", OWNERS),
    "lti:scores_again": ("assignment", STAFF),
    "lti:key_rotate": ("", ADMIN),
    "lti:person_unlink": ("platform_person", ADMIN),
}
# What a platform says counts by its signature, and then for whoever it says it of: the other files here.
OPEN = {
    "lti:login",
    "lti:launch",
    "lti:follow",
    "lti:jwks",
    "lti:canvas",
    "lti:confirm",
    "lti:enter",
    "lti:deep_link",
}


def rows(assignment: Assignment, student: User) -> dict[str, int]:
    platform = Platform.objects.create(name="Moodle", issuer="http://127.0.0.1:1", client_id="tool")
    context = Context.objects.create(platform=platform, deployment="1", key="c", course=assignment.course)
    return {
        "platform": platform.pk,
        "platform_course": context.pk,
        "platform_link": ResourceLink.objects.create(context=context, key="l", assignment=assignment).pk,
        "platform_person": PlatformPerson.objects.create(platform=platform, sub="s", user=student).pk,
    }
