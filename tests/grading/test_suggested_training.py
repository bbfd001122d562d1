"""One button: a training with settings chosen from the data, offered once there is enough that is new."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading.exceptions import NothingToResume
from grading.models import TrainingExample, TrainingRun, TrainingState
from grading.services import training_run_resume, training_set_upload
from grading.services.training import training_directory
from grading.suggestions import LEARNING_RATE, new_corrections, suggested_training, training_is_due
from grading.training_forms import choices_of
from grading.training_settings import AllSettings
from tests.grading.factories import make_assignment, make_version
from tests.grading.test_examples import released
from tests.grading.test_training_page import a_run, form_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def site_admin(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def upload(admin: User, number: int, **fields: Any) -> None:
    rows = (
        {"question_id": f"q{i % 5}", "question": f"Why {i % 5}?", "answer": f"Because {i}.", "score": i % 2, **fields}
        for i in range(number)
    )
    training_set_upload(by=admin, name="Past", licence="", data="\n".join(map(json.dumps, rows)).encode())


def test_it_goes_on_from_the_version_in_use_with_its_rank_and_head(admin):
    manifest = {"parts": {"scorer": {"head": "bands", "settings": {"lora": {"rank": 8}}}, "feedback": {}}}
    version = make_version(manifest=manifest)
    upload(admin, 40)
    found = suggested_training()
    chosen = found.arguments
    assert (chosen["start_from"], chosen["rank"], chosen["head"]) == (version, 8, "bands")
    assert (found.examples, chosen["parts"], chosen["epochs"]) == (40, ("scorer",), 4.0)
    assert any("only 0 texts" in reason for reason in found.reasons)


def test_more_answers_need_fewer_passes_and_texts_bring_the_feedback_writer_in(admin):
    upload(admin, 160, feedback="Name the gap.")
    chosen = suggested_training().arguments
    assert (chosen["epochs"], chosen["parts"]) == (3.0, ("scorer", "feedback"))


def test_answers_in_another_language_are_learnt_in_larger_steps(admin):
    make_version()
    upload(admin, 20, language="de")
    assert suggested_training().arguments["learning_rate"] == pytest.approx(2 * LEARNING_RATE)


def test_for_a_course_it_takes_that_courses_answers_alone(admin):
    upload(admin, 20)
    example = released("The gap.", 2, make_assignment())
    found = suggested_training(example.course)
    assert found.examples == 1
    assert (found.arguments["courses"], found.arguments["training_sets"]) == ([example.course], [])


def test_one_click_starts_it_and_a_second_click_starts_nothing_more(site_admin, admin):
    upload(admin, 40)
    page = site_admin.get(reverse("grading:training_new"))
    key = page.context["suggestion"].arguments["request_key"]
    for _ in range(2):
        answer = site_admin.post(reverse("grading:training_suggested"), {"request_key": key})
    run = TrainingRun.objects.get()
    assert answer.url == reverse("grading:training", args=[run.pk])
    assert run.run_examples.count() == 40


def test_with_too_little_to_train_on_it_says_so_and_starts_nothing(site_admin, admin):
    upload(admin, 3)
    page = site_admin.get(reverse("grading:training_new")).content.decode()
    assert "So few answers are unlikely" in page
    said = site_admin.post(reverse("grading:training_suggested"), follow=True).content.decode()
    assert "3 marked answers are too few" in said
    assert not TrainingRun.objects.exists()


def test_a_training_is_offered_once_enough_corrections_are_new(site_admin, admin, settings):
    settings.SUGGEST_TRAINING_AFTER = 2
    assignment = make_assignment()
    released("as proposed", 2, assignment)
    released("moved", 4, assignment)
    assert (new_corrections(), training_is_due()) == (1, 0)
    released("moved, too", 1, assignment)
    assert training_is_due() == 2
    assert "corrected 2 proposals" in site_admin.get(reverse("grading:training_list")).content.decode()
    run = a_run(admin, TrainingState.TRAINING)
    assert training_is_due() == 0
    TrainingRun.objects.filter(pk=run.pk).update(state=TrainingState.SUCCEEDED, created_at=timezone.now())
    assert new_corrections() == 0
    TrainingExample.objects.update(created_at=timezone.now() + timezone.timedelta(minutes=1))
    assert training_is_due() == 2


def test_every_setting_of_the_last_level_reaches_the_run(site_admin, admin):
    upload(admin, 40)
    page = site_admin.get(reverse("grading:training_new"))
    sets = [row.pk for row in page.context["form"].fields["training_sets"].queryset]
    changes = {
        "training_sets": sets,
        "parts": "scorer",
        "head": "bands",
        "rank": 4,
        "alpha": 12,
        "targets": ["q_proj", "v_proj"],
        "quantisation": "int8",
        "max_prefix_tokens": 300,
        "max_answer_tokens": 200,
        "max_feedback_tokens": 50,
        "batch_size": 5,
        "pack_tokens": 700,
        "hardening": 0.1,
        "patience": 2,
    }
    site_admin.post(reverse("grading:training_new"), form_of(page, **changes))
    config = TrainingRun.objects.get().config
    assert (config["head"], config["lora"]["alpha"], config["lora"]["targets"]) == ("bands", 12.0, ["q_proj", "v_proj"])
    assert config["base"]["quantisation"] == "int8"
    numbers = ("max_prefix_tokens", "max_answer_tokens", "max_feedback_tokens", "batch_size", "pack_tokens")
    assert [config[name] for name in numbers] == [300, 200, 50, 5, 700]
    assert (config["hardening"], config["patience"]) == (0.1, 2)


def test_a_wrong_setting_of_the_last_level_opens_it(site_admin, admin):
    upload(admin, 40)
    page = site_admin.get(reverse("grading:training_new"))
    answer = site_admin.post(reverse("grading:training_new"), form_of(page, batch_size=0))
    assert answer.context["form"].rest_is_wrong
    assert 'fold mb-3" open' in answer.content.decode()


def test_after_running_out_of_memory_it_offers_smaller_settings(site_admin, admin):
    run = a_run(admin, TrainingState.FAILED, error_code="out_of_memory")
    page = site_admin.get(reverse("grading:training", args=[run.pk])).content.decode()
    assert f"?again={run.pk}&amp;smaller" in page
    usual, less = choices_of(run), choices_of(run, smaller=True)
    assert less["pack_tokens"] * 2 == usual["pack_tokens"] == AllSettings().pack_tokens
    assert less["method"] == "qlora"
    upload(admin, 40)
    form = site_admin.get(f"{reverse('grading:training_new')}?again={run.pk}&smaller").context["form"]
    assert form.initial["pack_tokens"] == less["pack_tokens"]


def test_a_cancelled_run_goes_on_from_its_checkpoint_and_one_without_cannot(site_admin, admin):
    run = a_run(admin, TrainingState.CANCELLED, cancel_requested_at=timezone.now(), finished_at=timezone.now())
    with pytest.raises(NothingToResume):
        training_run_resume(run=run, by=admin)
    left = training_directory(run) / "trained.partial" / "checkpoint" / "scorer.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"weights")
    assert "Go on from the checkpoint" in site_admin.get(reverse("grading:training", args=[run.pk])).content.decode()
    site_admin.post(reverse("grading:training_resume", args=[run.pk]))
    run.refresh_from_db()
    assert (run.state, run.attempt, run.cancel_requested_at, run.finished_at) == ("queued", 0, None, None)
