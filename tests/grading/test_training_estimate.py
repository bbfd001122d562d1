"""The form of a training says what it will take before it is started; nothing is started by asking."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from grading.estimates import training_estimate
from grading.models import TrainingPoint, TrainingRun, TrainingSet, TrainingState
from grading.services import training_run_start, training_set_upload

SIZES = {
    "model_type": "llama",
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}
CHOICES: dict[str, Any] = {
    "parts": ["scorer"],
    "method": "qlora",
    "rank": 16,
    "learning_rate": 2e-4,
    "epochs": 3.0,
    "start_from": None,
}


@pytest.fixture
def base(tmp_path: Path, settings: Any) -> Path:
    """A base model as far as a web server reads it."""
    (tmp_path / "config.json").write_text(json.dumps(SIZES))
    (tmp_path / "model.safetensors").write_bytes(bytes(8))
    settings.MARGINALIA_BASE_DIR = tmp_path
    settings.MARGINALIA_DEVICE = "cpu"
    return tmp_path


def a_set(admin: User, number: int, name: str = "Past exams") -> TrainingSet:
    rows = (
        {"question_id": f"q{i % 5}", "question": f"Why {i % 5}?", "answer": f"Because {i}. " * 20, "score": i % 3 / 2}
        for i in range(number)
    )
    return training_set_upload(by=admin, name=name, licence="", data="\n".join(map(json.dumps, rows)).encode())


def form_for(client: Client, *sets: TrainingSet) -> dict[str, Any]:
    form = client.get(reverse("grading:training_new")).context["form"]
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {**{name: value for name, value in values.items() if value}, "training_sets": [row.pk for row in sets]}


def test_the_form_says_number_time_and_memory(client: Client, admin: User, base: Path) -> None:
    client.force_login(admin)
    form = form_for(client, a_set(admin, 60))
    answer = client.post(reverse("grading:training_estimate"), form, headers={"HX-Request": "true"})
    said = " ".join(answer.content.decode().split())
    assert "About 60 examples" in said
    assert re.search(r"\d+–\d+ minutes", said)
    assert re.search(r"\d+\.\d GB on the worker&#x27;s CPU|\d+\.\d GB on the worker's CPU", said)
    assert "the speed is a guess" in said
    assert "<html" not in said
    assert not TrainingRun.objects.exists()


def test_without_scripts_the_whole_form_comes_back_with_it(client: Client, admin: User, base: Path) -> None:
    client.force_login(admin)
    form = form_for(client, a_set(admin, 60))
    page = client.post(reverse("grading:training_estimate"), form).content.decode()
    assert "About 60 examples" in page
    assert form["request_key"].hex in page.replace("-", "")
    assert "Start the training" in page


def test_it_warns_of_too_little_to_learn_from(client: Client, admin: User, base: Path) -> None:
    client.force_login(admin)
    few, enough = a_set(admin, 29, "few"), a_set(admin, 30, "enough")
    for chosen, warned in ((few, True), (enough, False)):
        answer = client.post(reverse("grading:training_estimate"), form_for(client, chosen))
        assert ("unlikely to make the model better" in answer.content.decode()) is warned


def test_a_base_that_the_web_server_cannot_see_is_no_fault(
    client: Client, admin: User, settings: Any, tmp_path: Path
) -> None:
    settings.MARGINALIA_BASE_DIR = tmp_path / "elsewhere"
    client.force_login(admin)
    answer = client.post(reverse("grading:training_estimate"), form_for(client, a_set(admin, 60)))
    assert "The base model cannot be seen from here" in answer.content.decode()


def test_twice_the_epochs_take_twice_the_tokens(admin: User, base: Path) -> None:
    chosen = a_set(admin, 60)
    once, twice = (
        training_estimate(courses=[], training_sets=[chosen], **{**CHOICES, "epochs": epochs}).found
        for epochs in (10.0, 20.0)
    )
    assert once is not None
    assert twice is not None
    assert twice.tokens == pytest.approx(2 * once.tokens, rel=0.2)


def test_the_speed_of_the_last_training_counts(admin: User, base: Path) -> None:
    chosen = a_set(admin, 60)
    before = training_estimate(courses=[], training_sets=[chosen], **CHOICES).found
    run = training_run_start(by=admin, request_key=uuid.uuid4(), courses=[], training_sets=[chosen], **CHOICES)
    TrainingRun.objects.filter(pk=run.pk).update(state=TrainingState.SUCCEEDED)
    TrainingPoint.objects.create(run=run, stage="scorer", step=1000, seconds=50.0, train_loss=0.5)

    after = training_estimate(courses=[], training_sets=[chosen], **CHOICES).found

    assert before is not None
    assert after is not None
    assert (before.measured, after.measured) == (False, True)
    # That run read in 50 seconds what this one is going to read, the evaluations left out.
    assert after.tokens / after.rate == pytest.approx(50, rel=0.5)
