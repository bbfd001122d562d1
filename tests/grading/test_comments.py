"""Saved comments of a course, and feedback in simple Markdown that can do no harm."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from courses.models import Course
from grading.models import SavedComment
from grading.templatetags.grading_text import markdown
from tests.grading.factories import make_grade, make_submission


@pytest.fixture
def desk(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def listed(desk: Client, course: Course) -> list[str]:
    rows = desk.get(reverse("grading:comments_list", args=[course.pk])).json()["comments"]
    return [row["text"] for row in rows]


def test_a_comment_is_saved_once_changed_and_removed(desk, course):
    page = reverse("grading:comments", args=[course.pk])
    for _ in range(2):
        desk.post(page, {"text": "Say why.\r\nThen how."})
    assert listed(desk, course) == ["Say why.\nThen how."]
    row = SavedComment.objects.get()
    desk.post(reverse("grading:comment_edit", args=[row.pk]), {"text": "Give a reason."})
    assert listed(desk, course) == ["Give a reason."]
    assert "Give a reason." in desk.get(page).content.decode()
    desk.post(reverse("grading:comment_remove", args=[row.pk]))
    assert listed(desk, course) == []


def test_two_comments_of_a_course_never_say_the_same(desk, course):
    SavedComment.objects.create(course=course, text="One.")
    other = SavedComment.objects.create(course=course, text="Two.")
    response = desk.post(reverse("grading:comment_edit", args=[other.pk]), {"text": "One."})
    assert "The course has this comment already." in response.content.decode()
    other.refresh_from_db()
    assert other.text == "Two."


def test_an_empty_comment_is_refused(desk, course):
    assert desk.post(reverse("grading:comments", args=[course.pk]), {"text": "  "}).status_code == 422


def test_comments_stay_in_their_course(desk, course, other_course):
    SavedComment.objects.create(course=other_course, text="Theirs.")
    assert listed(desk, course) == []


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**Good**, *nearly* there.", "<p><strong>Good</strong>, <em>nearly</em> there.</p>"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("2 < 3 & 4", "<p>2 &lt; 3 &amp; 4</p>"),
        ("# no heading", "<p># no heading</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
    ],
)
def test_feedback_is_simple_markdown(text, html):
    assert markdown(text).strip() == html


@given(st.text(alphabet="<>[]()!*_`\"'=:/ javscriptonelg#-\n&;", max_size=80))
def test_no_text_becomes_a_script_a_picture_or_an_address_of_a_script(text):
    for element in lxml_html.fragment_fromstring(markdown(text), create_parent="div").iter():
        assert element.tag not in {"script", "img", "iframe", "svg", "style", "input", "form"}
        assert not any(name.startswith("on") for name in element.attrib)
        assert element.get("href", "https:").lower().startswith(("http:", "https:", "mailto:", "/", "#", "?")) or (
            ":" not in element.get("href", "")
        )


def test_a_student_reads_feedback_as_it_was_meant(assignment, student, client, teacher):
    grade = make_grade(
        make_submission(assignment, student=student),
        "released",
        points=2,
        feedback="**Good.** <b onclick=x>",
        approved_by=teacher,
        approved_at=timezone.now(),
        released_at=timezone.now(),
    )
    client.force_login(student)
    page = client.get(reverse("grading:my_grade", args=[grade.submission_id])).content.decode()
    assert "<strong>Good.</strong> &lt;b onclick=x&gt;" in page
