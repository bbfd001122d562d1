"""Rows for tests, through factory_boy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth.models import User
from django.utils import timezone
from factory.django import DjangoModelFactory

from courses.models import (
    Assignment,
    Course,
    Criterion,
    Level,
    Membership,
    Role,
    Rubric,
    Submission,
    SubmissionSource,
    SubmissionState,
)

PASSWORD = "a-long-enough-password"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        django_get_or_create = ("username",)
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"person{number}@example.org")
    username = factory.LazyAttribute(lambda user: user.email)
    first_name = "Sam"
    last_name = factory.Sequence(lambda number: f"Person{number}")
    password = factory.django.Password(PASSWORD)


class CourseFactory(DjangoModelFactory[Course]):
    class Meta:
        model = Course

    name = factory.Sequence(lambda number: f"Course {number}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    course = factory.SubFactory(CourseFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.STUDENT


class AssignmentFactory(DjangoModelFactory[Assignment]):
    class Meta:
        model = Assignment

    course = factory.SubFactory(CourseFactory)
    title = factory.Sequence(lambda number: f"Assignment {number}")
    question = "Why is the sky blue?"
    reference_answer = "Air scatters blue light more than red light."
    max_points = Decimal(4)
    step = "0.5"


class RubricFactory(DjangoModelFactory[Rubric]):
    class Meta:
        model = Rubric

    assignment = factory.SubFactory(AssignmentFactory)


class CriterionFactory(DjangoModelFactory[Criterion]):
    class Meta:
        model = Criterion

    rubric = factory.SubFactory(RubricFactory)
    title = factory.Sequence(lambda number: f"Criterion {number}")
    points = Decimal(2)


class LevelFactory(DjangoModelFactory[Level]):
    class Meta:
        model = Level

    criterion = factory.SubFactory(CriterionFactory)
    points = Decimal(1)
    description = "half of it"


class SubmissionFactory(DjangoModelFactory[Submission]):
    """A READY answer of a student, who becomes a member of the course where needed."""

    class Meta:
        model = Submission
        skip_postgeneration_save = True

    assignment = factory.SubFactory(AssignmentFactory)
    student = factory.SubFactory(UserFactory)
    state = SubmissionState.READY
    source = SubmissionSource.TYPED
    text = "Because blue light is scattered most."
    submitted_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def membership(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        submission: Any = self
        if create:
            Membership.objects.get_or_create(course=submission.assignment.course, user=submission.student)
