"""The engine and the training on a card, on a tiny random model: shapes and promises, no figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mlcore.config import BaseConfig, LoraConfig, TrainConfig
from mlcore.engine import Engine
from mlcore.loading import load_base
from mlcore.schemas import Answer, Question
from mlcore.train import train
from tests.mlcore.conftest import tiny_adapter, tiny_base

__all__ = ["tiny_adapter", "tiny_base"]

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA card here")]

QUESTION = Question("q", "Why do plants wilt?", "They lose more water than they take up.", max_points=4.0, step=0.5)
TARGET = Answer("target", "They lose more water than their roots take up.")


@pytest.mark.parametrize("quantisation", ["nf4", "int8", "none"])
def test_a_mark_on_a_card_does_not_depend_on_the_other_answers(
    tiny_base: Path, tiny_adapter: Path, quantisation: str
) -> None:
    engine = Engine(BaseConfig(tiny_base, quantisation=quantisation, device="cuda"))  # type: ignore[arg-type]
    engine.use(tiny_adapter)
    others = [Answer(str(i), "water " * (3 * i + 1)) for i in range(20)]
    alone = engine.mark(QUESTION, [TARGET])[0]
    assert engine.device.startswith("cuda")
    assert engine.mark(QUESTION, [*others, TARGET])[-1] == alone


def test_a_card_and_the_cpu_mark_nearly_alike(tiny_base: Path, tiny_adapter: Path) -> None:
    marks = []
    for device in ("cpu", "cuda"):
        engine = Engine(BaseConfig(tiny_base, device=device))
        engine.use(tiny_adapter)
        marks.append(engine.mark(QUESTION, [TARGET], feedback=False)[0].score)
    assert marks[0] == pytest.approx(marks[1], abs=0.05)


@pytest.mark.parametrize(("method", "quantisation"), [("qlora", "nf4"), ("lora", "none")])
def test_training_on_a_card_writes_an_adapter_that_marks(
    tiny_base: Path, tmp_path: Path, method: str, quantisation: str
) -> None:
    rows = [
        {"id": f"{q}/{a}", "question_id": f"s/{q}", "question": f"Why? {q}", "answer": f"x {a}", "score": a % 2}
        for q in range(5)
        for a in range(6)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({**row, "feedback": "Good."}) + "\n" for row in rows))
    base = BaseConfig(tiny_base, quantisation=quantisation, device="cuda")  # type: ignore[arg-type]
    config = TrainConfig(
        tmp_path / "adapter",
        (tmp_path / "rows.jsonl",),
        base,
        method=method,  # type: ignore[arg-type]
        lora=LoraConfig(rank=2),
        epochs=1,
        feedback_epochs=1,
    )
    engine = Engine(replace(base, compute_dtype="float32"))
    engine.use(train(config))
    assert 0 <= engine.mark(QUESTION, [TARGET])[0].score <= 1


def test_a_card_computes_in_half_precision_by_itself(tiny_base: Path) -> None:
    assert load_base(BaseConfig(tiny_base, device="cuda")).dtype in (torch.bfloat16, torch.float16)
