"""A platform's list of members beside a course's: what differs, and taking it over."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pylti1p3.exception import LtiException, LtiServiceException
from pylti1p3.names_roles import NamesRolesProvisioningService

from courses.models import Course, Membership, Role
from courses.services.enrolment import member_add, member_remove
from courses.services.joining import member_join
from courses.services.people import account_find
from gradingsite.lti.claims import LONGEST, role_of, storable, text_of
from gradingsite.lti.connector import Connector
from gradingsite.lti.errors import NoAccount, RosterAway, RosterChanged
from gradingsite.lti.http import PlatformAway
from gradingsite.lti.models import Context, PlatformPerson
from gradingsite.lti.services.accounts import Person, address_of, may_bind_silently, person_bind
from gradingsite.lti.services.entering import capped
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind

# A page of this site waits for it.
LONGEST_SECONDS = 30
MOST_MEMBERS = 5000


@dataclass(frozen=True)
class Listed:
    """Somebody on the platform's list who can be added here with this role."""

    person: Person
    role: str
    email: str

    @property
    def role_words(self) -> str:
        return str(Role(self.role).label)


@dataclass
class Roster:
    """`other_role`: belong to the course with another role than the list says, and keep theirs."""

    to_add: list[Listed] = field(default_factory=list)
    there: list[tuple[Listed, Membership]] = field(default_factory=list)
    other_role: list[tuple[Listed, Membership]] = field(default_factory=list)
    missing: list[Membership] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What was looked at, so that nothing else is taken over."""
        plain = [
            sorted((listed.person.sub, listed.role) for listed in self.to_add),
            sorted(membership.pk for membership in self.missing),
        ]
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def roster_fetch(context: Context) -> list[dict[str, Any]]:
    """All pages of the platform's list.

    Raises:
        RosterAway
    """
    platform = context.platform
    members: list[dict[str, Any]] = []
    seen: set[str] = set()
    end = time.monotonic() + LONGEST_SECONDS
    try:
        service = NamesRolesProvisioningService(Connector(platform), {"context_memberships_url": context.members_url})
        following = context.members_url
        while following and following not in seen and len(members) < MOST_MEMBERS and time.monotonic() < end:
            seen.add(following)
            page, more = service.get_members_page(following)
            members += [dict(member) for member in page if isinstance(member, dict)]
            following = more or ""
    except PlatformAway as error:
        raise RosterAway(platform=platform.name, reason=_REASONS.get(error.reason, error.reason)) from error
    except LtiServiceException as error:
        words = _("it answered with %(status)s.") % {"status": error.response.status_code}
        raise RosterAway(platform=platform.name, reason=words) from error
    except (LtiException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RosterAway(platform=platform.name, reason=_REASONS["nonsense"]) from error
    if following:
        raise RosterAway(platform=platform.name, reason=_REASONS["endless"])
    return members


def roster_compare(*, context: Context, course: Course, members: list[dict[str, Any]]) -> Roster:
    linked = {
        row.sub: row.user for row in PlatformPerson.objects.filter(platform=context.platform).select_related("user")
    }
    memberships = {row.user_id: row for row in course.memberships.select_related("user")}
    roster, found = Roster(), set()
    for member in members:
        listed = _listed(context, member, roster)
        if listed is None:
            continue
        user = linked.get(listed.person.sub) or account_find(listed.email)
        membership = memberships.get(user.pk) if user else None
        if user is not None and not user.is_active:
            roster.left_out.append((_called(listed.person), _("the account here is deactivated")))
        elif membership is None:
            roster.to_add.append(listed)
        else:
            found.add(membership.pk)
            (roster.there if membership.role == listed.role else roster.other_role).append((listed, membership))
    students = (row for row in memberships.values() if row.role == Role.STUDENT)
    roster.missing = [row for row in students if row.pk not in found]
    return roster


def roster_apply(
    *, context: Context, course: Course, by: User, members: list[dict[str, Any]], looked_at: str, take_out: bool
) -> Roster:
    """Add who is to be added; take out who is missing only where that is asked for.

    Raises:
        RosterChanged: it is not what was looked at.
        LastTeacher, InvalidEmail
    """
    with transaction.atomic():
        roster = roster_compare(context=context, course=course, members=members)
        if roster.digest != looked_at:
            raise RosterChanged
        for listed in roster.to_add:
            _add(context, course, listed, by)
        for listed, membership in roster.there:
            _bind_known(context, listed.person, membership.user, by)
        if take_out:
            for membership in roster.missing:
                member_remove(membership=membership, by=by)
    return roster


def _add(context: Context, course: Course, listed: Listed, by: User) -> None:
    """By the platform's person where it is known here already, by the address otherwise, as from a list."""
    row = PlatformPerson.objects.filter(platform=context.platform, sub=listed.person.sub).first()
    if row is not None:
        member_join(course=course, user=row.user, role=listed.role, by=by)
        return
    membership = member_add(course=course, by=by, email=listed.email, name=listed.person.name, role=listed.role)
    _bind_known(context, listed.person, membership.user, by)


def _bind_known(context: Context, person: Person, user: User, by: User) -> None:
    """So that points can go to the platform before the person has come from there. Only where a launch would bind,
    too: a list is worth no more than a launch."""
    if not PlatformPerson.objects.filter(platform=context.platform, sub=person.sub).exists() and may_bind_silently(
        user
    ):
        try:
            row = person_bind(platform=context.platform, person=person)
        except NoAccount:  # somebody renamed the account a moment ago
            return
        if row is not None:  # who is new gets the course's invitation by mail, and needs no second one
            record(AccountEventKind.SSO_LINKED, user=row.user, request=None, how="lti", by=by, told=False)


def _listed(context: Context, member: dict[str, Any], roster: Roster) -> Listed | None:
    sub, status = member.get("user_id"), member.get("status", "Active")
    if not isinstance(sub, str) or not sub.strip() or len(sub) > LONGEST or sub != storable(sub):
        return None
    if status != "Active":
        return None
    person = Person(sub, text_of(member.get("email")), text_of(member.get("name")))
    role = role_of(member.get("roles"))
    email = address_of(person)
    if not role:
        return None
    given = capped(role, context.platform)
    if not given:
        roster.left_out.append((_called(person), _("staff of this platform are enrolled by hand")))
    elif email is None:
        roster.left_out.append((_called(person), _("the platform gives no e-mail address")))
    else:
        return Listed(person, given, email)
    return None


def _called(person: Person) -> str:
    return person.name or person.email or person.sub


_REASONS = {
    "address": gettext_lazy("its address is not among the hosts that an admin allowed."),
    "silent": gettext_lazy("it did not answer."),
    "redirect": gettext_lazy("it answered with a redirect, which is not followed."),
    "endless": gettext_lazy("its answer had no end."),
    "nonsense": gettext_lazy("its answer could not be read."),
}
