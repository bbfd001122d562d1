"""The admins' pages about model versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from grading.figures import SCORE_MEASURES, compared, headline, measured_sets, verdict
from grading.models import ModelVersion, VersionState
from grading.services import version_promote, version_register
from tests.grading.adapters import write_bare_adapter
from tests.grading.factories import make_user, make_version
from tests.proof import log_in_now

BETTER = {"n": 30, "mae_percent": 9.04, "rmse": 0.12, "qwk": 0.8, "pearson": 0.9, "smd": -0.05, "rmse_percent": 12.0}
WORSE = {"n": 30, "mae_percent": 14.0, "rmse": 0.2, "qwk": 0.6, "pearson": 0.7, "smd": 0.3, "rmse_percent": 20.0}


@pytest.fixture
def site_admin(client: Client, admin: User) -> Client:
    return log_in_now(client, admin)


def registered(settings: Any, name: str, **fields: Any) -> ModelVersion:
    directory = write_bare_adapter(Path(settings.MARGINALIA_VERSIONS_DIR) / name)
    return version_register(directory=directory, **fields)


def evaluated(candidate: dict[str, Any], in_use: dict[str, Any] | None, name: str = "old") -> dict[str, Any]:
    return {"n": 30, "candidate": candidate, "in_use": in_use, "in_use_name": name, "split_by": "question"}


ADMIN_PAGES = ("versions", "training_list", "training_new", "training_sets", "health")


@pytest.mark.parametrize("name", ADMIN_PAGES)
def test_it_refuses_teachers_and_sends_strangers_to_the_login(client: Client, teacher: User, name: str) -> None:
    url = reverse(f"grading:{name}")
    assert client.get(url).url.startswith(reverse("login"))
    client.force_login(teacher)
    assert client.get(url).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["version_promote", "version_retire", "version_reject", "version_card", "version"])
def test_it_refuses_teachers_each_step_of_a_version(client: Client, name: str) -> None:
    version = make_version(VersionState.CANDIDATE)
    client.force_login(make_user())
    assert client.post(reverse(f"grading:{name}", args=[version.pk])).status_code in {403, 405}
    version.refresh_from_db()
    assert version.state == VersionState.CANDIDATE


@pytest.mark.parametrize("name", ["version_retire", "version_reject"])
def test_it_changes_nothing_by_a_link(site_admin: Client, name: str) -> None:
    assert site_admin.get(reverse(f"grading:{name}", args=[make_version().pk])).status_code == 405


def test_it_lists_versions_with_their_figures(site_admin: Client) -> None:
    make_version(name="starter")
    make_version(VersionState.CANDIDATE, name="fresh", evaluation=evaluated(BETTER, WORSE))
    page = site_admin.get(reverse("grading:versions")).content.decode()
    assert "in use" in page
    assert "9.0" in page
    assert "0.120" in page


def test_it_shows_a_version_beside_the_one_in_use_in_words(site_admin: Client) -> None:
    make_version(name="old")
    version = make_version(VersionState.CANDIDATE, name="new", evaluation=evaluated(WORSE, BETTER))
    page = site_admin.get(reverse("grading:version", args=[version.pk])).content.decode()
    assert "It did worse on the same answers." in page
    assert "worse</span>" in page
    assert "was not trained on" in page


def test_it_escapes_what_a_manifest_says(site_admin: Client) -> None:
    manifest = {"parts": {"scorer": {}}, "licences": ["<script>alert(1)</script>"], "metrics": {"<b>": BETTER}}
    version = make_version(manifest=manifest)
    page = site_admin.get(reverse("grading:version", args=[version.pk])).content.decode()
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_it_puts_a_version_in_use_and_brings_the_old_one_back(site_admin: Client, admin: User, settings: Any) -> None:
    old, new = registered(settings, "old"), registered(settings, "new", evaluation=evaluated(BETTER, WORSE))
    version_promote(version=old, by=admin)
    url = reverse("grading:version_promote", args=[new.pk])
    assert "instead of “old”" in site_admin.get(url).content.decode()
    site_admin.post(url, {"note": "agreed with physics"})
    assert ModelVersion.objects.promoted().get() == new
    assert "agreed with physics" in site_admin.get(reverse("grading:version", args=[new.pk])).content.decode()
    site_admin.post(reverse("grading:version_roll_back"))
    assert ModelVersion.objects.promoted().get() == old


def test_it_warns_before_a_worse_version_is_put_in_use(site_admin: Client, settings: Any) -> None:
    make_version(name="old")
    worse = registered(settings, "new", evaluation=evaluated(WORSE, BETTER))
    page = site_admin.get(reverse("grading:version_promote", args=[worse.pk])).content.decode()
    assert "Put in use all the same" in page


def test_it_says_why_damaged_files_cannot_be_put_in_use(site_admin: Client, settings: Any) -> None:
    version = registered(settings, "new")
    (Path(settings.MARGINALIA_VERSIONS_DIR) / "new" / "scorer.safetensors").write_bytes(b"other")
    page = site_admin.post(reverse("grading:version_promote", args=[version.pk]), {"note": ""})
    assert page.status_code == 200
    assert "cannot be used" in page.content.decode()
    assert not ModelVersion.objects.promoted().exists()


def test_it_retires_and_rejects(site_admin: Client) -> None:
    used, candidate = make_version(), make_version(VersionState.CANDIDATE)
    site_admin.post(reverse("grading:version_retire", args=[used.pk]))
    site_admin.post(reverse("grading:version_reject", args=[candidate.pk]))
    states = ModelVersion.objects.in_bulk()
    assert (states[used.pk].state, states[candidate.pk].state) == ("retired", "rejected")


def test_it_says_when_there_is_nothing_to_roll_back_to(site_admin: Client) -> None:
    page = site_admin.post(reverse("grading:version_roll_back"), follow=True).content.decode()
    assert "nothing to go back to" in page


def test_it_hands_the_card_out_as_markdown(site_admin: Client, settings: Any) -> None:
    response = site_admin.get(reverse("grading:version_card", args=[registered(settings, "new").pk]))
    assert response.headers["Content-Type"].startswith("text/markdown")
    assert response.content.decode().startswith("# new")


def test_it_says_so_when_the_card_cannot_be_written(site_admin: Client) -> None:
    response = site_admin.get(reverse("grading:version_card", args=[make_version().pk]), follow=True)
    assert "The card cannot be written" in response.content.decode()


def test_a_rival_is_marked_only_where_it_does_better() -> None:
    (found,) = measured_sets({"exam": {**BETTER, "floors": {"ridge": {**WORSE, "qwk": 0.85}}}, "note": "text"})
    verdicts = {line.measure.key: line.cells[1].verdict for line in found.marks.lines}
    assert verdicts["qwk"] == "ahead"
    assert {word for key, word in verdicts.items() if key != "qwk"} == {""}


def test_nearer_to_zero_is_better_where_both_sides_are_wrong() -> None:
    smd = next(measure for measure in SCORE_MEASURES if measure.key == "smd")
    assert verdict(smd, -0.05, 0.3) == "better"
    assert verdict(smd, 0.3, -0.05) == "worse"
    assert verdict(smd, 0.3001, 0.3) == "same"
    assert verdict(smd, None, 0.3) == ""


def test_figures_are_rounded_and_not_cut() -> None:
    mae, rmse = SCORE_MEASURES[:2]
    words = (mae.words(9.96), rmse.words(0.2719), rmse.words(-0.0001), rmse.words(None))
    assert words == ("10.0", "0.272", "0.000", "–")


def test_what_was_not_measured_is_not_compared() -> None:
    assert compared({}) is None
    assert compared(evaluated(BETTER, None)) is None
    assert headline({}, {}) is None
