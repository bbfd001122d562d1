"""What a training will take: against numbers worked out by hand, Llama-2's published size, and one real tiny run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.base import BaseModelError
from mlcore.config import BaseConfig, LoraConfig, TrainConfig, TrainProgress
from mlcore.data import load_training_data
from mlcore.estimate import (
    CHARACTERS_PER_TOKEN,
    FEW_EXAMPLES,
    FIXED_SECONDS,
    Shape,
    Work,
    default_rate,
    estimate,
    plan_work,
    read_shape,
    training_bytes,
    weight_bytes,
)
from mlcore.rows import write_rows
from mlcore.schemas import Answer, Example, MarkedAnswer, Question
from mlcore.train import train

TOY = Shape(vocabulary=10, hidden=4, ffn=8, layers=2, heads=2, kv_heads=1, tied=True)
LLAMA_7B = Shape(32_000, 4096, 11008, 32, 32, 32, tied=False)
LLAMA_13B = Shape(32_000, 5120, 13824, 40, 40, 40, tied=False)


def config(**values: object) -> TrainConfig:
    base = values.pop("base", BaseConfig(Path("b"), device="cpu"))
    return TrainConfig(Path("o"), (Path("t"),), base, **values)  # type: ignore[arg-type]


def examples(questions: int, answers: int, characters: int = 70, feedback: str | None = None) -> list[Example]:
    return [
        Example(Question(f"q{q}", f"Why, part {q}?"), MarkedAnswer(Answer(f"{q}/{a}", "x" * characters), 1.0, feedback))
        for q in range(questions)
        for a in range(answers)
    ]


def test_parameters_follow_from_the_shape() -> None:
    # A block: q 16, k 8, v 8, o 16, gate 32, up 32, down 32; two blocks; 40 for the words; five norms of 4.
    assert TOY.linear_parameters == 2 * 144
    assert TOY.parameters == 288 + 40 + 20
    assert replace(TOY, tied=False).parameters == 288 + 80 + 20
    assert LLAMA_7B.parameters == 6_738_415_616
    assert LLAMA_13B.parameters == 13_015_864_320


def test_an_adapter_grows_with_rank_and_targets() -> None:
    # q 4 + 4, v 4 + 2, times the rank, in two blocks.
    assert TOY.adapter_parameters(LoraConfig(rank=3, targets=("q_proj", "v_proj"))) == 2 * 3 * (8 + 6)
    assert TOY.adapter_parameters(LoraConfig(rank=6, targets=("q_proj",))) == 2 * 6 * 8


@pytest.mark.parametrize(
    ("quantisation", "device", "expand", "wanted"),
    [
        ("nf4", "cuda", "auto", 60 * 2 + 288 * 0.516),
        ("int8", "cuda", "auto", 60 * 2 + 288 * 1.0),
        ("none", "cuda", "auto", 60 * 2 + 288 * 2.0),
        ("nf4", "cpu", "auto", 60 * 4 + 288 * 2.0),  # unpacked, because it is small
        ("nf4", "cpu", "no", 60 * 4 + 288 * 0.516),
    ],
)
def test_the_base_takes_what_its_quantisation_says(quantisation: str, device: str, expand: str, wanted: float) -> None:
    base = BaseConfig(Path("b"), quantisation=quantisation, expand=expand)  # type: ignore[arg-type]
    method = "lora" if quantisation == "none" else "qlora"
    assert weight_bytes(config(base=base, method=method), TOY, device) == pytest.approx(wanted)  # type: ignore[arg-type]


def test_memory_at_the_largest_pack_by_hand() -> None:
    work = Work(examples=1, tokens={"scorer": 10.0}, watched=0.0, pack=5, pairs=30, learnt=3)
    chosen = config(parts=("scorer",), lora=LoraConfig(rank=3, targets=("q_proj", "v_proj")))
    adapter = 84 * 20
    stored = 5 * 2 * ((20 + 8) * 4 + 8 * 8)
    pairs = 30 * 2 * 2 * 6
    logits = 3 * 10 * 14
    wanted = (60 * 4 + 288 * 2) + 700_000_000 + 1.25 * (adapter + stored + pairs + logits)
    assert training_bytes(chosen, TOY, work, "cpu") == pytest.approx(wanted, abs=1)


def test_seven_and_thirteen_billion_fit_where_they_are_said_to() -> None:
    """Packs of 1,536 tokens, rank 32: docs/gpu.md says about 33 and 52 GB."""
    work = Work(examples=1, tokens={"scorer": 1.0}, watched=0.0, pack=1536, pairs=1_400_000, learnt=425)
    chosen = config(lora=LoraConfig(rank=32))
    found = [training_bytes(chosen, shape, work, "cuda") / 1e9 for shape in (LLAMA_7B, LLAMA_13B)]
    assert found == [pytest.approx(33, abs=1), pytest.approx(52, abs=1)]


def test_time_is_tokens_by_the_rate_with_a_range() -> None:
    work = Work(examples=40, tokens={"scorer": 6000.0, "feedback": 3000.0}, watched=3000.0, pack=0, pairs=0, learnt=0)
    measured = estimate(config(), TOY, work, "cpu", rate=100.0)
    assert measured.tokens == pytest.approx(6000 + 3000 + 3000 / 3)
    assert measured.seconds == pytest.approx((FIXED_SECONDS + 80, FIXED_SECONDS + 130))
    assert measured.measured
    guessed = estimate(config(), TOY, work, "cpu")
    assert not guessed.measured
    assert guessed.rate == pytest.approx(250 * 135e6 / TOY.parameters)


def test_the_stated_defaults() -> None:
    small = Shape(49_152, 576, 1536, 30, 9, 3, tied=True)
    assert small.parameters == pytest.approx(134.5e6, rel=0.001)
    assert default_rate(small, "cpu") == pytest.approx(251, abs=1)
    assert default_rate(LLAMA_7B, "cuda") == pytest.approx(100e12 / (6 * 6.738e9), rel=0.001)


def test_answers_to_one_question_share_its_prefix_in_a_pack() -> None:
    chosen = config(parts=("scorer",), epochs=2.0, pack_answers=4)
    one = plan_work(examples(1, 1), [], chosen)
    four = plan_work(examples(1, 4), [], chosen)
    eight = plan_work(examples(1, 8), [], chosen)
    answer = 70 / CHARACTERS_PER_TOKEN + 5  # and what is asked of it
    assert four.tokens["scorer"] - one.tokens["scorer"] == pytest.approx(2 * 3 * answer, abs=6)
    assert eight.tokens["scorer"] == 2 * four.tokens["scorer"]
    assert eight.pack == four.pack


def test_windows_bound_the_largest_pack() -> None:
    chosen = config(parts=("scorer",), pack_tokens=512, max_answer_tokens=300)
    assert plan_work(examples(2, 3, characters=50_000), [], chosen).pack < 512


def test_feedback_costs_what_it_learns() -> None:
    chosen = config(parts=("feedback",), max_feedback_tokens=20)
    assert plan_work(examples(2, 3), [], chosen).tokens["feedback"] == 0
    work = plan_work(examples(2, 3, feedback="Say more. " * 100), [], chosen)
    assert work.learnt == 3 * 21


def test_few_examples_are_pointed_out() -> None:
    rows = examples(1, FEW_EXAMPLES)
    assert not estimate(config(), TOY, plan_work(rows, [], config()), "cpu").few
    assert estimate(config(), TOY, plan_work(rows[1:], [], config()), "cpu").few


def test_a_checkpoint_without_sizes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 8)
    with pytest.raises(BaseModelError, match="sizes"):
        read_shape(tmp_path)


def test_a_real_tiny_run_is_of_the_same_order(tiny_base: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", examples(5, 8, feedback="Say what the water does."))
    told: list[TrainProgress] = []
    first = TrainConfig(
        tmp_path / "first",
        (tmp_path / "rows.jsonl",),
        BaseConfig(tiny_base, device="cpu"),
        lora=LoraConfig(rank=4),
        parts=("scorer",),
        epochs=4,
        evaluations=1,
    )
    train(first, on_progress=told.append)
    shape = read_shape(tiny_base)
    data = load_training_data(first)
    work = plan_work(data.train, [*data.unseen, *data.seen], first)
    rate = estimate(first, shape, work, "cpu").tokens / told[-1].seconds

    longer = replace(first, output=tmp_path / "longer", epochs=8)
    train(longer, on_progress=told.append)

    found = estimate(longer, shape, plan_work(data.train, [*data.unseen, *data.seen], longer), "cpu", rate=rate)
    low, high = (value - FIXED_SECONDS for value in found.seconds)
    assert low / 5 < told[-1].seconds < high * 5
    assert found.bytes / 5 < told[-1].memory_bytes < found.bytes * 5
