"""Where a launch leads: contexts and links as the platform names them, what a teacher linked them with, and
memberships by launch."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse

from courses.models import Assignment, Course, CourseEvent, EventKind, Membership, Role
from courses.querysets import is_admin
from courses.services.courses import course_create
from courses.services.history import settings_event
from courses.services.joining import member_join, was_taken_out
from gradingsite.lti.claims import Claims
from gradingsite.lti.errors import LaunchRefused, NoRole, NotLinkedYet, StaffByHand, TakenOut
from gradingsite.lti.models import Context, Platform, ResourceLink, StaffCap
from gradingsite.lti.services.scores import scores_for_link

RANKS = {Role.STUDENT: 0, Role.ASSISTANT: 1, Role.TEACHER: 2}


@dataclass(frozen=True)
class Place:
    """Where somebody goes, and what they may link there: kept in the session of this browser."""

    address: str
    context: int
    link: int | None


def capped(role: str, platform: Platform) -> str:
    """The role here of somebody with this role on the platform; empty where it gives none."""
    if role == Role.STUDENT:
        return Role.STUDENT
    if not role or platform.staff_cap == StaffCap.NONE:
        return ""
    return Role.ASSISTANT if platform.staff_cap == StaffCap.ASSISTANT else role


def enter(*, platform: Platform, claims: Claims, user: User) -> Place:
    """
    Raises:
        LaunchRefused: in words for this person.
    """
    if not claims.context:
        raise LaunchRefused
    if not claims.role:
        raise NoRole
    context = context_seen(platform=platform, claims=claims)
    link = link_seen(context=context, claims=claims) if claims.link else None
    if context.course is None:
        if claims.role != Role.TEACHER or not may_link(platform, user):
            raise StaffByHand(platform=platform.name) if claims.role != Role.STUDENT else NotLinkedYet
        return Place(reverse("lti:context", args=[context.pk]), context.pk, link.pk if link else None)
    membership = joined(context=context, course=context.course, claims=claims, user=user)
    address = _address(context.course, link, membership)
    return Place(address, context.pk, link.pk if link else None)


def may_link(platform: Platform, user: User) -> bool:
    return may_make_course(platform, user) or Course.objects.owned_by(user).exists()


def may_make_course(platform: Platform, user: User) -> bool:
    teaches = user.memberships.filter(role=Role.TEACHER).exists()
    return is_admin(user) or teaches or platform.staff_cap == StaffCap.TEACHER


def context_seen(*, platform: Platform, claims: Claims) -> Context:
    """The row of this course of the platform, with what the platform says of it now."""
    members_url = _allowed(platform, claims.members_url)
    values = {"title": claims.context_title, "members_url": members_url}
    context, made = Context.objects.get_or_create(
        platform=platform, deployment=claims.deployment, key=claims.context, defaults=values
    )
    changed = {name: value for name, value in values.items() if value and value != getattr(context, name)}
    if not made and changed:
        Context.objects.filter(pk=context.pk).update(**changed)
        context.refresh_from_db()
    return context


def link_seen(*, context: Context, claims: Claims) -> ResourceLink:
    line_item = _allowed(context.platform, claims.line_item)
    values = {"title": claims.link_title, "line_item": line_item}
    link, made = ResourceLink.objects.get_or_create(context=context, key=claims.link, defaults=values)
    changed = {name: value for name, value in values.items() if value and value != getattr(link, name)}
    if not made and changed:
        ResourceLink.objects.filter(pk=link.pk).update(**changed)
        link.refresh_from_db()
    if link.assignment is None and context.course is not None:
        _by_deep_link(link, context.course, claims)
    elif changed.get("line_item"):
        scores_for_link(link=link)
    return link


def _by_deep_link(link: ResourceLink, course: Course, claims: Claims) -> None:
    """A link that was made by deep linking names its assignment; it counts where that belongs to this course."""
    named = claims.custom.get("assignment", "")
    if named.isascii() and named.isdigit() and len(named) < 19:
        assignment = Assignment.objects.filter(course=course, pk=int(named)).first()
        if assignment is not None:
            link_to_assignment(link=link, assignment=assignment, by=None)


def joined(*, context: Context, course: Course, claims: Claims, user: User) -> Membership | None:
    """The membership in the linked course; None for an admin, who sees all courses without one.

    Raises:
        StaffByHand, TakenOut
    """
    membership = course.memberships.filter(user=user).first()
    if membership is not None or is_admin(user):
        return membership
    role = capped(claims.role, context.platform)
    if not role:
        raise StaffByHand(platform=context.platform.name)
    if was_taken_out(course, user):
        raise TakenOut
    return member_join(course=course, user=user, role=role, by=None)


def _address(course: Course, link: ResourceLink | None, membership: Membership | None) -> str:
    staff = membership is None or membership.role != Role.STUDENT
    if link is not None and link.assignment is not None and link.assignment.course_id == course.pk:
        if staff or link.assignment.published:
            return reverse("courses:assignment", args=[link.assignment.pk])
        return reverse("courses:course", args=[course.pk])
    if link is not None and staff:
        return reverse("lti:link", args=[link.pk])
    return reverse("courses:course", args=[course.pk])


@transaction.atomic
def context_link(*, context: Context, course: Course, by: User) -> None:
    """Everybody who comes from this course of the platform belongs to `course` from now on."""
    Context.objects.filter(pk=context.pk).update(course=course, linked_by=by)
    context.course = course
    after = {"platform": f"{context.platform}: {context}"}
    settings_event(course=course, by=by, action="platform_linked", before={}, after=after)


@transaction.atomic
def context_link_new(*, context: Context, name: str, language: str, by: User) -> Course:
    """
    Raises:
        InvalidFields
    """
    course = course_create(by=by, name=name, language=language)
    context_link(context=context, course=course, by=by)
    return course


@transaction.atomic
def context_unlink(*, context: Context, course: Course, by: User) -> None:
    """Nobody comes in by it any more, and no points go there. Who belongs to the course stays."""
    name = f"{context.platform}: {context}"
    CourseEvent.objects.create(
        course=course, actor=by, kind=EventKind.SETTINGS, action="platform_unlinked", before={"platform": name}
    )
    context.links.update(assignment=None, linked_by=None)
    Context.objects.filter(pk=context.pk).update(course=None, linked_by=None)


@transaction.atomic
def link_to_assignment(*, link: ResourceLink, assignment: Assignment, by: User | None) -> None:
    ResourceLink.objects.filter(pk=link.pk).update(assignment=assignment, linked_by=by)
    link.assignment = assignment
    settings_event(
        course=assignment.course,
        assignment=assignment,
        by=by,
        action="platform_link_set",
        before={},
        after={"platform": f"{link.context.platform}: {link}"},
    )
    scores_for_link(link=link)


def _allowed(platform: Platform, url: str) -> str:
    """A service's address, where the admin knows its host; the others are told to the admin and never asked."""
    if not url or platform.may_be_asked(url):
        return url
    host = url.split("/")[2][:255] if url.count("/") >= 2 else url[:255]
    Platform.objects.filter(pk=platform.pk).exclude(refused_host=host).update(refused_host=host)
    return ""
