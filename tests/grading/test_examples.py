"""Training examples: what is known and odd about them, leaving some out with a reason, and carrying them elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from grading.examples import described
from grading.models import Grade, TrainingExample, TrainingSet
from grading.services import example_exclude, example_restore, training_set_upload
from grading.services.example_files import rows_of_archive
from grading.services.examples import examples_accept, examples_exclude
from tests.grading.factories import make_assignment, make_grade, make_submission

pytestmark = pytest.mark.django_db


def released(answer: str, points: float, assignment: Any, by: User | None = None) -> TrainingExample:
    grade = make_grade(
        make_submission(assignment, answer),
        state="released",
        points=points,
        approved_by=by,
        approved_at=timezone.now(),
        released_at=timezone.now(),
    )
    examples_accept(grade_ids=[grade.pk])
    return TrainingExample.objects.get(grade=grade)


@pytest.fixture
def site_admin(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def listed(client: Client, **query: Any) -> list[int]:
    page = client.get(reverse("grading:examples"), query).context["page"]
    return sorted(row.pk for row in page)


def test_a_released_grade_says_how_far_the_teacher_moved_the_proposal(teacher):
    example = released("The gap opens it.", 3, make_assignment(), teacher)  # 2 of 4 were proposed
    assert example.correction == pytest.approx(0.25)
    assert (example.language, example.share, example.marked_by) == ("en", 0.75, teacher)


@given(st.permutations(["the", "gap", "opens", "circuit"]), st.sampled_from([" ", ", ", "  - "]), st.booleans())
def test_answers_with_the_same_words_are_near_equal_whatever_order_case_and_signs(words, between, upper):
    text = between.join(words)
    row = {"question": "Why?", "answer": text.upper() if upper else text, "score": 1, "max_score": 2}
    assert described(row)["words_hash"] == described({**row, "answer": "Circuit: the gap opens"})["words_hash"]
    assert described(row)["words_hash"] != described({**row, "question": "How?"})["words_hash"]


def test_the_browser_points_out_contradictions_duplicates_and_rows_without_a_rubric(site_admin, admin):
    assignment = make_assignment()
    first, other = released("The gap opens it.", 4, assignment), released("it opens the gap!", 1, assignment)
    same, alone = released("No idea", 0, assignment), released("no idea.", 0, assignment)
    line = {"question": "Q", "answer": "A", "score": 1}
    training_set_upload(by=admin, name="Bare", licence="", data=json.dumps(line).encode())
    bare = TrainingExample.objects.get(training_set__name="Bare")
    assert listed(site_admin, odd="contradicted") == [first.pk, other.pk]
    assert listed(site_admin, odd="duplicated") == [first.pk, other.pk, same.pk, alone.pk]
    assert listed(site_admin, odd="without_rubric") == [bare.pk]
    example_exclude(examples=[other], by=admin, reason="typed in wrongly")
    assert listed(site_admin, odd="contradicted") == []


def test_it_filters_by_course_marker_language_correction_words_and_state(site_admin, teacher, admin):
    physics, german = make_assignment(question="Why is it dark?"), make_assignment(language="de")
    kept = released("The gap.", 2, physics, teacher)
    moved = released("Der Strom kann nicht fließen.", 4, german, admin)
    assert listed(site_admin, course=physics.course_id) == [kept.pk]
    assert listed(site_admin, marked_by=teacher.pk) == [kept.pk]
    assert listed(site_admin, language="de") == [moved.pk]
    assert listed(site_admin, correction="none") == [kept.pk]
    assert listed(site_admin, correction="large") == [moved.pk]
    assert listed(site_admin, correction="huge") == []
    assert listed(site_admin, question="is it DARK") == [kept.pk]
    example_exclude(examples=[moved], by=admin, reason="illegible")
    assert listed(site_admin, state="excluded") == [moved.pk]
    assert listed(site_admin, since="2999-01-01") == []
    assert listed(site_admin, course="x", since="never", correction="?") == [kept.pk, moved.pk]


def test_what_is_left_out_keeps_its_reason_and_comes_back(site_admin, admin):
    example = released("The gap.", 2, make_assignment())
    page = reverse("grading:examples_exclude")
    said = site_admin.post(page, {"example": [example.pk], "reason": ""}, follow=True).content.decode()
    assert "say why" in said
    assert TrainingExample.objects.usable().count() == 1
    site_admin.post(page, {"example": [example.pk], "reason": "the scan is cut off", "next": "https://evil.test/"})
    example.refresh_from_db()
    assert (example.state, example.exclusion_reason, example.excluded_by) == ("excluded", "the scan is cut off", admin)
    assert not TrainingExample.objects.usable().exists()
    answer = site_admin.post(
        reverse("grading:examples_restore"), {"example": [example.pk], "next": "https://evil.test/"}
    )
    assert answer.url == reverse("grading:examples")
    example.refresh_from_db()
    assert (example.state, example.exclusion_reason, example.excluded_by) == ("accepted", "", None)


def test_what_the_program_withdrew_is_never_restored(admin):
    withdrawn = released("The gap.", 2, make_assignment())
    examples_exclude(grade_ids=[withdrawn.grade_id], reason="withdrawn")
    assert example_restore(examples=[withdrawn], by=admin) == 0
    later = released("Another.", 2, make_assignment())
    example_exclude(examples=[later], by=admin, reason="odd")
    Grade.objects.filter(pk=later.grade_id).update(state="withdrawn")
    assert example_restore(examples=[later], by=admin) == 0


def test_a_course_that_permits_no_training_gives_no_examples(site_admin):
    example = released("The gap.", 2, make_assignment())
    course = example.course
    course.may_train = False
    course.save()
    assert not TrainingExample.objects.usable().exists()
    assert "the course wants none trained on" in site_admin.get(reverse("grading:examples")).content.decode()
    assert str(course) not in site_admin.get(reverse("grading:training_new")).content.decode()


def test_an_export_can_be_uploaded_again_as_lines_and_as_a_dataset(site_admin, admin):
    assignment = make_assignment(criteria=(2, 2))
    for number in range(3):
        released(f"The gap {number} – “quoted”.", number, assignment)
    lines = b"".join(site_admin.get(reverse("grading:examples_export", args=["jsonl"])).streaming_content)
    assert [json.loads(line)["score"] for line in lines.splitlines()] == [0.0, 1.0, 2.0]
    archive = b"".join(site_admin.get(reverse("grading:examples_export", args=["zip"])).streaming_content)
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert file.namelist() == ["README.md", "data/train.jsonl"]
        assert file.read("data/train.jsonl") == lines
    for name, data in (("lines", lines), ("dataset", archive)):
        again = training_set_upload(by=admin, name=name, licence="", data=data)
        assert sorted(row["score"] for row in again.examples.values_list("row", flat=True)) == [0.0, 1.0, 2.0]
    filtered = site_admin.get(reverse("grading:examples_export", args=["jsonl"]), {"state": "excluded"})
    assert b"".join(filtered.streaming_content) == b""


@pytest.mark.parametrize("names", [["a.txt"], []])
def test_an_archive_without_lines_is_refused(names, admin):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(ValueError, match=r"no \.jsonl"):
        rows_of_archive(buffer.getvalue(), 1000)
    assert not TrainingSet.objects.exists()


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/train.jsonl", b" " * 5_000_000)
    assert len(buffer.getvalue()) < 10_000
    with pytest.raises(ValueError, match="unpacks"):
        rows_of_archive(buffer.getvalue(), 1_000_000)


def test_the_page_of_an_example_shows_what_the_model_reads_and_no_name(site_admin, teacher):
    assignment = make_assignment(criteria=(2, 2))
    example = released("The <b>gap</b>.", 2, assignment, teacher)
    page = site_admin.get(reverse("grading:example", args=[example.pk])).content.decode()
    assert "The &lt;b&gt;gap&lt;/b&gt;." in page
    assert "Criterion 1" in page
    student = example.grade.submission.student
    assert student.email not in page
    assert student.get_full_name() not in page


def test_the_number_of_queries_does_not_grow_with_the_examples(site_admin, django_assert_max_num_queries):
    assignment = make_assignment()
    for number in range(12):
        released(f"Answer {number}.", 1, assignment)
    with django_assert_max_num_queries(14):
        site_admin.get(reverse("grading:examples"))
