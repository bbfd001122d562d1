"""Configurations refuse nonsense and survive JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcore.config import BaseConfig, LoraConfig, TrainConfig


def _config(**values: Any) -> TrainConfig:
    return TrainConfig(**{"output": Path("o"), "train_files": (Path("t"),), "base": BaseConfig(Path("b")), **values})


def test_it_survives_json() -> None:
    config = _config(lora=LoraConfig(rank=4, targets=("q_proj",)), set_weights={"a": 2.0}, start_from=Path("s"))
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_the_recipe_of_the_starter_is_a_configuration() -> None:
    recipe = Path(__file__).parents[2] / "mlcore" / "starter_recipe.json"
    assert TrainConfig.from_json(json.loads(recipe.read_text())).parts == ("scorer", "feedback")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"parts": ()}, "parts"),
        ({"parts": ("poet",)}, "parts must be one of"),
        ({"head": "tail"}, "head must be one of"),
        ({"method": "lora"}, "lora needs quantisation none"),
        ({"train_files": ()}, "at least one file"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"epochs": float("nan")}, "epochs must be positive"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"validation_share": 1.0}, "validation_share"),
        ({"set_weights": {"a": -1}}, "must not be negative"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _config(**values)


@pytest.mark.parametrize(
    "values", [{"quantisation": "fp7"}, {"device": "tpu"}, {"compute_dtype": "int"}, {"expand": "x"}]
)
def test_a_base_refuses_nonsense(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        BaseConfig(Path("b"), **values)


@pytest.mark.parametrize("values", [{"rank": 0}, {"alpha": 0}, {"dropout": 1.0}, {"targets": ()}])
def test_lora_refuses_nonsense(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        LoraConfig(**values)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValueError, match="no setting “learning_rat”"):
        TrainConfig.from_json({"learning_rat": 1})


def test_a_missing_setting_is_said() -> None:
    with pytest.raises(ValueError, match="incomplete"):
        TrainConfig.from_json({"base": {"directory": "b"}})
