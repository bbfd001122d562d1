"""Groups of similar answers: made, reshaped by a teacher, marked once and undone as one act."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from grading.exceptions import GroupNeedsMembers, NothingToMarkInGroup, PointsNotAllowed
from grading.models import AnswerGroup, Grade, ReviewAct
from grading.services import acts
from grading.services.groups import group_confirm, group_mark, group_merge, group_split, groups_make
from grading.services.review import grade_approve
from tests.grading.factories import make_assignment, make_grade, make_submission

SAME = ("The switch opens the circuit.", "the switch opens the circuit", "The switch opens a circuit")
OTHER = ("Batteries lose their charge in time", "Batteries lose all charge in time")


@pytest.fixture
def papers(assignment):
    submissions = [make_submission(assignment, text=text) for text in (*SAME, *OTHER)]
    grades = [make_grade(submission) for submission in submissions]
    groups_make(assignment=assignment)
    return grades


def sizes(assignment):
    return [(group.kind, group.members.count()) for group in assignment.answer_groups.all()]


def members(group):
    return list(group.members.values_list("submission", flat=True))


def test_answers_are_grouped_and_the_blank_and_off_topic_ones_stand_apart(assignment):
    for text, notes in ((SAME[0], []), (SAME[1], []), ("Pizza.", ["off_topic"]), ("no idea", ["no_answer"])):
        make_grade(make_submission(assignment, text=text), notes=notes)
    make_submission(assignment, text=SAME[2])
    make_submission(assignment, state="unreadable", text="x")
    groups_make(assignment=assignment)
    assert sizes(assignment) == [("same", 3), ("blank", 1), ("off_topic", 1)]


def test_a_confirmed_group_stays_when_answers_are_grouped_again(assignment, papers, teacher):
    first = assignment.answer_groups.first()
    group_confirm(group=first, by=teacher)
    late = make_submission(assignment, text=SAME[0])
    groups_make(assignment=assignment)
    assert late.pk not in members(first)
    assert len(members(first)) == 3
    assert sorted(size for _, size in sizes(assignment)) == [1, 2, 3]


def test_split_and_merge_move_members_and_lose_none(assignment, papers, teacher):
    first, second = assignment.answer_groups.all()
    fresh = group_split(group=first, members=[papers[1].submission_id], by=teacher)
    assert members(fresh) == [papers[1].submission_id]
    assert fresh.pk != first.pk
    group_merge(group=fresh, into=second, by=teacher)
    assert len(members(second)) == 3
    assert not AnswerGroup.objects.filter(pk=fresh.pk).exists()
    second.refresh_from_db()
    assert second.confirmed_by == teacher


def test_it_refuses_to_split_off_nobody_or_all_and_to_merge_with_itself(assignment, papers, teacher):
    group = assignment.answer_groups.first()
    for chosen in ([], members(group), [10**9]):
        with pytest.raises(GroupNeedsMembers):
            group_split(group=group, members=chosen, by=teacher)
    with pytest.raises(GroupNeedsMembers):
        group_merge(group=group, into=group, by=teacher)
    foreign = AnswerGroup.objects.create(assignment=make_assignment(), kind="similar")
    with pytest.raises(GroupNeedsMembers):
        group_merge(group=group, into=foreign, by=teacher)


def test_one_mark_approves_every_waiting_member_and_each_keeps_its_history(assignment, papers, teacher):
    grade_approve(grade=papers[1], by=teacher, edition=1, points=Decimal(1))
    group = assignment.answer_groups.first()
    assert group_mark(group=group, by=teacher, points=Decimal("3.5"), feedback="All right.") == 2
    marked = Grade.objects.get(pk=papers[0].pk)
    assert (marked.state, marked.points, marked.feedback.text) == ("approved", Decimal("3.5"), "All right.")
    assert [event.action for event in marked.events.all()] == ["changed", "approved"]
    assert Grade.objects.get(pk=papers[1].pk).points == 1, "what was decided before stays"
    assert Grade.objects.get(pk=papers[3].pk).state == "proposed", "another group's answer"


def test_marking_a_group_is_undone_as_a_whole(assignment, papers, teacher):
    group_mark(group=assignment.answer_groups.first(), by=teacher, points=Decimal(4), feedback="Yes.")
    act = acts.undo_last(assignment=assignment, by=teacher)
    assert (act.kind, act.grades.count()) == ("bulk_approved", 3)
    for grade in Grade.objects.filter(pk__in=[paper.pk for paper in papers]):
        assert (grade.state, grade.points, grade.feedback.text) == ("proposed", None, "Well explained.")


def test_points_that_do_not_fit_mark_nobody(assignment, papers, teacher):
    with pytest.raises(PointsNotAllowed):
        group_mark(group=assignment.answer_groups.first(), by=teacher, points=Decimal("0.3"))
    assert not Grade.objects.exclude(state="proposed").exists()
    assert not ReviewAct.objects.exists()


def test_criteria_are_marked_by_their_position(teacher):
    assignment = make_assignment(criteria=(2, 2))
    grades = [make_grade(make_submission(assignment, text=text)) for text in SAME]
    groups_make(assignment=assignment)
    group_mark(group=assignment.answer_groups.get(), by=teacher, criteria={0: Decimal(2), 1: Decimal("0.5")})
    for grade in grades:
        assert [score.points for score in grade.criterion_scores.all()] == [Decimal(2), Decimal("0.5")]
        grade.refresh_from_db()
        assert grade.points == Decimal("2.5")


def test_a_group_without_anything_to_mark_says_so(assignment, papers, teacher):
    group = assignment.answer_groups.first()
    group_mark(group=group, by=teacher)
    with pytest.raises(NothingToMarkInGroup):
        group_mark(group=group, by=teacher)


def test_a_teacher_groups_splits_and_marks_in_the_pages(client, assignment, papers, teacher):
    client.force_login(teacher)
    AnswerGroup.objects.all().delete()
    listed = reverse("grading:groups", args=[assignment.pk])
    assert "not grouped yet" in client.get(listed).content.decode()
    assert "typical answer" in client.post(listed, follow=True).content.decode()
    group = assignment.answer_groups.first()
    page = reverse("grading:group", args=[group.pk])
    html = client.get(page).content.decode()
    assert reverse("grading:review", args=[papers[0].submission_id]) in html
    assert "Mark and approve 3 answers" in html
    client.post(reverse("grading:group_split", args=[group.pk]), {"member": papers[2].submission_id})
    bad = client.post(page, {"points": "9"})
    assert bad.status_code == 422
    assert "not allowed" in bad.content.decode()
    done = client.post(page, {"points": "3,5"}, follow=True).content.decode()
    assert "2 answers were marked" in done
    assert Grade.objects.filter(points=Decimal("3.5"), state="approved").count() == 2


def test_the_list_of_groups_takes_as_many_queries_for_many_as_for_few(
    client, assignment, papers, teacher, django_assert_num_queries
):
    client.force_login(teacher)
    listed = reverse("grading:groups", args=[assignment.pk])
    client.get(listed)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        client.get(listed)
    for number in range(20):
        make_submission(assignment, text=f"word{number} " * 3)
    groups_make(assignment=assignment)
    with django_assert_num_queries(len(few)):
        client.get(listed)
