"""The admins' pages about training: start, watch, cancel, and the sets that are uploaded for it."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading.curves import curves, nice_step, thinned
from grading.models import TrainingPoint, TrainingRun, TrainingSet, TrainingState
from grading.services import training_set_upload
from tests.grading.factories import make_version


@pytest.fixture
def site_admin(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def rows(number: int = 40) -> bytes:
    entries = (
        {"question_id": f"q{i % 5}", "question": f"Why {i % 5}?", "answer": f"Because {i}.", "score": i % 3 / 2}
        for i in range(number)
    )
    return "\n".join(json.dumps(entry) for entry in entries).encode()


def a_run(admin: User, state: str = TrainingState.TRAINING, **fields: Any) -> TrainingRun:
    config = {"parts": ["scorer"], "method": "qlora", "lora": {"rank": 16}, "learning_rate": 2e-4, "epochs": 3.0}
    return TrainingRun.objects.create(
        requested_by=admin, request_key=uuid.uuid4(), config=config, state=state, **{"stage": "scorer", **fields}
    )


def form_of(page: Any, **changes: Any) -> dict[str, Any]:
    form = page.context["form"]
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values["start_from"] = ""
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def test_it_starts_a_training_with_the_defaults(site_admin: Client, admin: User) -> None:
    chosen = training_set_upload(by=admin, name="Past exams", licence="our own", data=rows())
    page = site_admin.get(reverse("grading:training_new"))
    assert "Past exams · 40 marked answers" in page.content.decode()
    answer = site_admin.post(reverse("grading:training_new"), form_of(page, training_sets=[chosen.pk]))
    run = TrainingRun.objects.get()
    assert answer.url == reverse("grading:training", args=[run.pk])
    assert run.config["parts"] == ["scorer", "feedback"]
    assert run.run_examples.count() == 40


def test_it_starts_nothing_twice_by_a_second_click(site_admin: Client, admin: User) -> None:
    chosen = training_set_upload(by=admin, name="Past exams", licence="", data=rows())
    form = form_of(site_admin.get(reverse("grading:training_new")), training_sets=[chosen.pk])
    answers = [site_admin.post(reverse("grading:training_new"), form).url for _ in range(2)]
    assert answers[0] == answers[1]
    assert TrainingRun.objects.count() == 1


def test_it_says_what_is_missing(site_admin: Client, admin: User) -> None:
    few = training_set_upload(by=admin, name="Few", licence="", data=rows(3))
    page = site_admin.get(reverse("grading:training_new"))
    nothing = site_admin.post(reverse("grading:training_new"), form_of(page)).content.decode()
    assert "Choose at least one course or one uploaded set" in nothing
    too_few = site_admin.post(reverse("grading:training_new"), form_of(page, training_sets=[few.pk])).content.decode()
    assert "3 marked answers are too few" in too_few
    nonsense = form_of(page, training_sets=[few.pk], learning_rate="nan", rank="0", epochs="-1")
    assert site_admin.post(reverse("grading:training_new"), nonsense).status_code == 200
    assert not TrainingRun.objects.exists()


def test_it_proposes_to_go_on_from_the_version_in_use_with_its_rank(site_admin: Client) -> None:
    manifest = {"parts": {"scorer": {"settings": {"lora": {"rank": 8}}}}}
    version = make_version(manifest=manifest)
    form = site_admin.get(reverse("grading:training_new")).context["form"]
    assert form.initial["start_from"] == version
    assert form.initial["rank"] == 8


def test_it_shows_a_run_that_waits_for_a_worker(site_admin: Client, admin: User) -> None:
    run = a_run(admin, TrainingState.QUEUED, stage="")
    page = site_admin.get(reverse("grading:training", args=[run.pk])).content.decode()
    assert "No worker for training is listening" in page
    assert 'hx-trigger="every 2s"' in page


def test_it_draws_the_losses_without_inline_style(site_admin: Client, admin: User) -> None:
    run = a_run(admin, started_at=timezone.now(), step=20, steps=40)
    for step in range(1, 21):
        validation = 0.5 if step >= 10 else None
        TrainingPoint.objects.create(
            run=run, stage="scorer", step=step, train_loss=1 / step, validation_loss=validation
        )
    page = site_admin.get(reverse("grading:training", args=[run.pk])).content.decode()
    assert "<polyline" in page
    assert "The loss went from 1.000 to 0.050." in page
    assert " style=" not in page
    assert "20 of 40 · 50 %" in page


def test_it_says_what_is_prepared_and_how_long_that_takes(site_admin: Client, admin: User) -> None:
    now = timezone.now()
    counted = {"task": "encoding", "task_done": 100, "task_of": 400, "task_since": now - timedelta(seconds=60)}
    run = a_run(admin, TrainingState.PREPARING, stage="preparing", heartbeat_at=now, **counted)
    url = reverse("grading:training_progress", args=[run.pk])
    page = " ".join(site_admin.get(url).content.decode().split())
    assert "turning the answers into tokens · 100 of 400 · about 3 minutes" in page
    TrainingRun.objects.update(task="loading", task_done=0, task_of=0)
    page = " ".join(site_admin.get(url).content.decode().split())
    assert '<dd class="num"> loading the model </dd>' in page, "what is not counted has no time that is left"
    TrainingRun.objects.update(task="")
    assert "<dt>Now</dt>" not in site_admin.get(url).content.decode()


def test_it_stops_asking_when_the_run_is_over(site_admin: Client, admin: User) -> None:
    run = a_run(admin)
    url = reverse("grading:training_progress", args=[run.pk])
    assert "HX-Refresh" not in site_admin.get(url).headers
    TrainingRun.objects.update(state=TrainingState.FAILED, error_code="out_of_memory", error_detail="2 GiB <b>more</b>")
    assert site_admin.get(url).headers["HX-Refresh"] == "true"
    page = site_admin.get(reverse("grading:training", args=[run.pk])).content.decode()
    assert "hx-trigger" not in page
    assert "memory was too small" in page
    assert "2 GiB &lt;b&gt;more" in page


def test_it_cancels(site_admin: Client, admin: User) -> None:
    waiting, working = a_run(admin, TrainingState.QUEUED), a_run(admin)
    for run in (waiting, working):
        site_admin.post(reverse("grading:training_cancel", args=[run.pk]))
    waiting.refresh_from_db()
    working.refresh_from_db()
    assert waiting.state == TrainingState.CANCELLED
    assert working.cancel_requested_at is not None
    page = site_admin.get(reverse("grading:training", args=[working.pk])).content.decode()
    assert "It is being cancelled" in page


def test_it_links_to_what_a_run_made(site_admin: Client, admin: User) -> None:
    measured = {"n": 9, "mae_percent": 10.0, "rmse": 0.1, "qwk": 0.7, "pearson": 0.8, "smd": 0.0}
    evaluation = {"n": 9, "candidate": measured, "in_use": {**measured, "qwk": 0.75}, "in_use_name": "starter"}
    make_version("promoted", name="starter")
    run = a_run(admin, TrainingState.SUCCEEDED, version=make_version("candidate", evaluation=evaluation))
    page = site_admin.get(reverse("grading:training", args=[run.pk])).content.decode()
    assert reverse("grading:version", args=[run.version_id]) in page
    assert "It did worse on the same answers." in page
    assert f"Training {run.pk}" in site_admin.get(reverse("grading:training_list")).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["training", "training_progress", "training_cancel"])
def test_it_refuses_who_is_no_admin(client: Client, admin: User, teacher: User, name: str) -> None:
    run = a_run(admin)
    client.force_login(teacher)
    ask = client.post if name == "training_cancel" else client.get
    assert ask(reverse(f"grading:{name}", args=[run.pk])).status_code == 403


def upload(client: Client, data: bytes, **fields: str) -> Any:
    values = {"name": "Past exams", "licence": "our own", **fields}
    return client.post(
        reverse("grading:training_sets"), {**values, "file": SimpleUploadedFile("rows.jsonl", data)}, follow=True
    )


def test_it_takes_a_set_and_lists_it(site_admin: Client) -> None:
    page = upload(site_admin, rows(5)).content.decode()
    assert "5 marked answers were taken" in page
    assert "Past exams" in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"question": "Why?", "answer": "So."}', "has no score"),
        (b'{"question": "Why?", "answer": "So.", "score": 1}\nnot json', "line 2"),
        (b'{"question": "Why?", "answer": "So.", "score": 7}', "lies outside"),
        ("Übung".encode("latin-1"), "UTF-8"),
    ],
)
def test_it_says_which_line_of_a_set_is_wrong(site_admin: Client, data: bytes, words: str) -> None:
    page = upload(site_admin, data).content.decode()
    assert words in page
    assert "rows.jsonl" not in page  # the program's own file, of which the admin knows nothing
    assert not TrainingSet.objects.exists()


def test_it_refuses_a_set_that_is_too_large(site_admin: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    assert "larger than" in upload(site_admin, rows(5)).content.decode()


def columns(steps: list[int], train: list[float | None], validation: list[float | None]) -> dict[str, list[Any]]:
    return {"step": steps, "train_loss": train, "validation_loss": validation, "seconds": [float(s) for s in steps]}


def test_a_curve_goes_from_the_left_edge_to_the_right_one() -> None:
    (curve,) = curves({"scorer": columns([0, 5, 10], [1.0, 0.5, 0.0], [None, 0.4, 0.4])})
    points = [tuple(map(float, pair.split(","))) for pair in curve.train.split()]
    assert (points[0][0], points[-1][0]) == (curve.left, curve.right)
    assert points[0][1] < points[1][1] < points[2][1]
    assert len(curve.dots) == 1  # the same measurement told twice
    assert (curve.lowest, curve.lowest_step) == (0.4, 5)


def test_a_curve_survives_one_point_flat_losses_and_nothing() -> None:
    assert curves({"preparing": columns([0], [None], [None])}) == []
    assert len(curves({"scorer": columns([3], [0.7], [None]), "feedback": columns([1, 2], [0.0, 0.0], [0, 0])})) == 2
    assert curves({"scorer": columns([1, 2], [float("nan"), float("inf")], [None, None])}) == []


def test_long_curves_are_thinned_and_their_table_keeps_the_last_row() -> None:
    steps = list(range(1, 5001))
    (curve,) = curves({"scorer": columns(steps, [1.0 / step for step in steps], [None] * 5000)})
    assert len(curve.train.split()) <= 120
    assert len(curve.rows) <= 40
    assert curve.rows[-1][0] == 5000
    assert thinned([(0.0, 1.0), (1.0, 3.0)], most=1) == [(0.5, 2.0)]


def test_the_list_has_the_newest_training_first(site_admin: Client, admin: User) -> None:
    runs = [a_run(admin).pk for _ in range(3)]
    page = site_admin.get(reverse("grading:training_list")).context["page"]
    assert [run.pk for run in page] == runs[::-1]


def test_ticks_fall_on_round_numbers() -> None:
    assert nice_step(0.6, 5) == pytest.approx(0.2)
    assert nice_step(95, 5) == 20
