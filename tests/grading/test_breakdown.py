"""Where a candidate differs from the version in use: by course, question, language and length, and answer by answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from grading.breakdown import divisions, held_out_rows, samples
from grading.examples import described
from grading.models import ModelVersion, TrainingExample, TrainingRunExample, TrainingSet, TrainingState
from tests.grading.factories import make_version
from tests.grading.test_training_page import a_run

pytestmark = pytest.mark.django_db
NUMBER = 20


@pytest.fixture
def version(admin: User) -> ModelVersion:
    """On question 0 the candidate is right and the other off by half, on question 1 the reverse; the answers to
    question 1 are in German and long."""
    candidate = make_version("candidate", manifest={"parts": {"scorer": {"head": "regression"}}})
    run = a_run(admin, TrainingState.SUCCEEDED, version=candidate)
    bulbs = TrainingSet.objects.create(name="Bulbs")
    scores = []
    for place in range(NUMBER):
        second = place % 2
        row = {
            "id": f"row-{place}",
            "question": f"Why does bulb {second} go out?",
            "answer": f"Answer {place}" + " und so weiter" * 20 * second,
            "score": 3,
            "max_score": 4,
            "language": "de" if second else "en",
        }
        example = TrainingExample.objects.create(
            source="uploaded",
            state="accepted",
            training_set=bulbs,
            question_key=str(second),
            row=row,
            content_hash=str(place),
            **described(row),
        )
        TrainingRunExample.objects.create(run=run, example=example, content_hash=str(place), split="held_out")
        scores.append([row["id"], 0.25 if second else 0.75, 0.75 if second else 0.25])
    candidate.evaluation = {"n": NUMBER, "scores": scores}
    candidate.save()
    return candidate


def test_each_part_has_both_errors_and_what_they_amount_to(version):
    found = {str(division.title): division.parts for division in divisions(held_out_rows(version))}
    assert list(found) == ["Assignment", "Language", "Length of the answer"], "one set divides nothing"
    for parts in found.values():
        assert sorted((part.candidate, part.in_use, part.found.n, part.found.verdict) for part in parts) == [
            (0.0, 50.0, 10, "better"),
            (50.0, 0.0, 10, "worse"),
        ]
    assert {str(part.label) for part in found["Language"]} == {"English", "German"}


def test_furthest_and_nearest_answers_are_shown_with_points(version):
    shown = {str(title): rows for title, rows in samples(held_out_rows(version))}
    assert [row.candidate_points for row in shown["Furthest from the teacher"]] == [1.0] * 3
    assert [row.candidate_points for row in shown["Nearest to the teacher"]] == [3.0] * 3
    assert {row.given_points for rows in shown.values() for row in rows} == {3.0}
    assert len(shown["By chance"]) == 3
    assert samples(held_out_rows(version)) == samples(held_out_rows(version)), "the same ones at every look"


def test_an_answer_that_was_deleted_or_left_out_since_is_not_shown(version):
    TrainingExample.objects.filter(row__id="row-0").delete()
    TrainingExample.objects.filter(row__id="row-2").update(state="excluded")
    assert {row.example.row["id"] for row in held_out_rows(version)} == {
        f"row-{place}" for place in range(NUMBER) if place not in (0, 2)
    }


def test_a_version_from_before_scores_were_kept_shows_none():
    assert held_out_rows(make_version(evaluation={"n": 3})) == []
    assert divisions([]) == samples([]) == []


def test_the_pages_of_training_and_version_show_it(client: Client, admin: User, version):
    client.force_login(admin)
    page = client.get(reverse("grading:training", args=[version.training_run.pk])).content.decode()
    assert "Why does bulb 0 go out?" in page
    assert "teacher 3 · this version 1.0 · in use 3.0" in page
    tree: Any = client.get(reverse("grading:version", args=[version.pk])).content.decode()
    assert "Try it" in tree
    assert "Start the shadow mode" in tree


def test_versions_stand_behind_the_one_that_they_went_on_from(client: Client, admin: User):
    first = make_version(name="first")
    second = make_version("candidate", name="second")
    a_run(admin, TrainingState.SUCCEEDED, version=second, start_from=first)
    other = make_version("candidate", name="other")
    client.force_login(admin)
    page = client.get(reverse("grading:versions"))
    assert [(row.name, depth) for row, depth, _ in page.context["rows"]] == [("other", 0), ("first", 0), ("second", 1)]
    assert "goes on from first" in page.content.decode()
    assert client.get(reverse("grading:version", args=[first.pk])).context["children"] == [second]
    assert other.name in page.content.decode()
