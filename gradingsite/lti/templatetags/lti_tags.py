"""What pages of courses and of people show of learning platforms; nothing at all where there are none."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.auth.models import User

from courses.models import Assignment, Course
from gradingsite.lti.models import Context, PlatformPerson, ResourceLink, Score, ScoreState
from gradingsite.lti.words import trouble_words

register = template.Library()


@register.inclusion_tag("lti/_course.html")
def platform_courses(course: Course) -> dict[str, Any]:
    """On the members' page: the courses of platforms that this one is linked with."""
    rows = Context.objects.filter(course=course, platform__enabled=True).select_related("platform")
    return {"contexts": rows}


@register.inclusion_tag("lti/_assignment.html")
def platform_scores(assignment: Assignment) -> dict[str, Any]:
    """On the assignment's page: how many scores went out, and whether some did not."""
    links = ResourceLink.objects.filter(assignment=assignment)
    rows = Score.objects.filter(link__in=links)
    counts = {state: rows.filter(state=state).count() for state in ScoreState.values} if links.exists() else {}
    waiting = sum(counts.get(state, 0) for state in (ScoreState.QUEUED, ScoreState.SENDING, ScoreState.WAITING))
    return {"assignment": assignment, "links": links, "counts": counts, "waiting": waiting}


@register.inclusion_tag("lti/_person.html", takes_context=True)
def platform_people(context: dict[str, Any], row: User) -> dict[str, Any]:
    people = PlatformPerson.objects.filter(user=row).select_related("platform")
    return {"people": people, "csrf_token": context.get("csrf_token")}


@register.filter
def why(score: Score) -> str:
    """Why a score is not there yet, in words for a teacher."""
    return trouble_words(score)
