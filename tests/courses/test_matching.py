"""A file's name names one student, or nobody."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from courses.matching import StudentMatcher

PEOPLE = [
    ("student1@example.org", "Ada", "Brandt"),
    ("student11@example.org", "Jonas Peter", "Müller"),
    ("bilal.chaudhry@example.org", "Bilal", "Chaudhry"),
    ("maria@example.org", "Maria", "Schmidt"),
    ("anna@example.org", "Anna Maria", "Schmidt"),
    ("essay@example.org", "Inès", "Jacquet"),
    ("twin1@example.org", "Kim", "Lee"),
    ("twin2@example.org", "Kim", "Lee"),
    ("x_maria@example.org", "Mia", "Wong"),
]


@pytest.fixture(scope="module")
def matcher() -> StudentMatcher:
    users = [
        User(pk=number, username=email, email=email, first_name=first, last_name=last)
        for number, (email, first, last) in enumerate(PEOPLE, 1)
    ]
    return StudentMatcher.of(users)


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("student1@example.org.docx", "student1@example.org"),
        ("student11@example.org", "student11@example.org"),
        ("essay_student1@example.org_v2.pdf", "student1@example.org"),
        ("STUDENT1.TXT", "student1@example.org"),
        ("homework student11 final.odt", "student11@example.org"),
        ("Brandt Ada.txt", "student1@example.org"),
        ("ada_brandt.txt", "student1@example.org"),
        ("Essay by Ada Brandt, final.docx", "student1@example.org"),
        ("Mueller_Jonas.pdf", "student11@example.org"),
        ("muller-jonas.pdf", "student11@example.org"),
        ("Mu\u0308ller Jonas Peter.pdf", "student11@example.org"),
        ("ines jacquet.md", "essay@example.org"),
        ("bilal.chaudhry.docx", "bilal.chaudhry@example.org"),
        ("Anna Maria Schmidt - answer.docx", "anna@example.org"),
        ("Maria Schmidt.docx", "maria@example.org"),
        ("x_maria@example.org.txt", "x_maria@example.org"),
        ("Ada Brandt_123456_assignsubmission_file_/Anna Maria Schmidt.docx", "student1@example.org"),
        ("Ada Brandt_123456_assignsubmission_file_answer.docx", "student1@example.org"),
        ("Ada Brandt_98765_assignsubmission_onlinetext_/onlinetext.txt", "student1@example.org"),
        ("all/Ada Brandt/homework.txt", "student1@example.org"),
        ("C:\\upload\\ada_brandt.txt", "student1@example.org"),
    ],
)
def test_it_finds_the_student(matcher: StudentMatcher, name: str, email: str) -> None:
    found = matcher.match(name)
    assert found is not None
    assert found.email == email


@pytest.mark.parametrize(
    "name",
    [
        "homework.docx",
        "my essay.docx",
        "student2.txt",
        "student111.txt",
        "Kim Lee.txt",
        "Ada.txt",
        "Schmidt.txt",
        "Ada Brandt and Bilal Chaudhry.txt",
        "",
        "/",
        "....",
    ],
)
def test_it_leaves_what_is_not_certain(matcher: StudentMatcher, name: str) -> None:
    assert matcher.match(name) is None


def test_a_table_names_people_by_address_login_or_full_name(matcher: StudentMatcher) -> None:
    assert [
        user and user.email for user in map(matcher.named, ["STUDENT1@example.org ", "student11", "Brandt, Ada"])
    ] == [
        "student1@example.org",
        "student11@example.org",
        "student1@example.org",
    ]
    assert matcher.named("Kim Lee") is None
    assert matcher.named("") is None
