"""The starter that ships with the program, on the bundled base."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import mlcore
from mlcore.base import prepare_bundled_base
from mlcore.config import BaseConfig
from mlcore.engine import Engine
from mlcore.manifest import read_manifest
from mlcore.schemas import Answer, Question

STARTER = Path(mlcore.__file__).parent / "starter"
QUESTION = Question(
    "q",
    "How did you separate the salt from the water?",
    reference_answer="The water was evaporated, leaving the salt.",
    max_points=2.0,
    step=0.5,
)
RIGHT = Answer("right", "We let the water evaporate, so that the salt was left.")
WRONG = Answer("wrong", "I asked my teacher and then we went home.")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    known = os.environ.get("MARGINALIA_BASE") or "var/models/smollm2-135m-instruct"
    base = Path(known) if Path(known).exists() else prepare_bundled_base(tmp_path_factory.mktemp("bundled") / "base")
    engine = Engine(BaseConfig(base, device="cpu"))
    engine.use(STARTER)
    return engine


def test_it_is_whole_small_and_names_its_sources() -> None:
    manifest = read_manifest(STARTER)
    assert set(manifest.parts) == {"scorer", "feedback"}
    assert sum(path.stat().st_size for path in STARTER.iterdir()) < 25 * 1024 * 1024
    assert any("CC BY-SA 3.0" in notice for notice in manifest.licences)
    assert any("CC BY 4.0" in notice for notice in manifest.licences)
    assert manifest.metrics


def test_its_manifest_was_made_by_the_recipe() -> None:
    recipe = json.loads((STARTER.parent / "starter_recipe.json").read_text())
    config = read_manifest(STARTER).training["config"]
    assert {key: config[key] for key in ("learning_rate", "seed", "head", "method", "max_minutes")} == {
        key: recipe[key] for key in ("learning_rate", "seed", "head", "method", "max_minutes")
    }


@pytest.mark.slow
@pytest.mark.model
def test_it_tells_right_from_wrong(engine: Engine) -> None:
    right, wrong = engine.mark(QUESTION, [RIGHT, WRONG], feedback=False)
    assert right.score > wrong.score + 0.2


@pytest.mark.slow
@pytest.mark.model
def test_its_mark_is_bit_for_bit_the_same_alone_and_among_others(engine: Engine) -> None:
    alone = engine.mark(QUESTION, [RIGHT], feedback=False)[0]
    others = [Answer(str(i), "The salt stayed in the dish and the water went up. " * (i % 3 + 1)) for i in range(9)]
    among = engine.mark(QUESTION, [*others, RIGHT, WRONG], feedback=False)
    assert among[9] == alone


@pytest.mark.slow
@pytest.mark.model
def test_its_feedback_is_sentences(engine: Engine) -> None:
    found = engine.mark(QUESTION, [RIGHT])[0].feedback
    assert found
    assert found[-1] in ".!?…"
