"""The fixed cast of all tests: one course with its people, and one whose teacher has no business in it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from courses.models import Assignment, Course, Role
from tests.factories import AssignmentFactory, CourseFactory, MembershipFactory, UserFactory


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(email="admin@example.org", first_name="Robin", last_name="Hale", is_staff=True)


@pytest.fixture
def course(db: None) -> Course:
    return CourseFactory(name="Physics")


def _member(course: Course, role: Role, email: str, first: str, last: str) -> User:
    user = UserFactory(email=email, first_name=first, last_name=last)
    MembershipFactory(course=course, user=user, role=role)
    return user


@pytest.fixture
def teacher(course: Course) -> User:
    return _member(course, Role.TEACHER, "teacher@example.org", "Miriam", "Osei")


@pytest.fixture
def assistant(course: Course) -> User:
    return _member(course, Role.ASSISTANT, "assistant@example.org", "Tom", "Weber")


@pytest.fixture
def student(course: Course) -> User:
    return _member(course, Role.STUDENT, "ada@example.org", "Ada", "Brandt")


@pytest.fixture
def other_student(course: Course) -> User:
    return _member(course, Role.STUDENT, "bilal.chaudhry@example.org", "Bilal", "Chaudhry")


@pytest.fixture
def other_course(db: None) -> Course:
    return CourseFactory(name="History")


@pytest.fixture
def outsider(other_course: Course) -> User:
    """A teacher, but of another course."""
    return _member(other_course, Role.TEACHER, "outsider@example.org", "Olga", "Petrov")


@pytest.fixture
def assignment(course: Course) -> Assignment:
    return AssignmentFactory(course=course, title="The sky")
