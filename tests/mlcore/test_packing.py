"""Packs: one prefix of p tokens, n answers, t tokens in all; exact beside plain sequences."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from mlcore.config import BaseConfig, LoraConfig, TrainConfig
from mlcore.data import feedback_items, scorer_items
from mlcore.encoding import Encoder
from mlcore.heads import make_head
from mlcore.loading import load_base
from mlcore.model import Model
from mlcore.packing import EncodedItem, encode_items, group_packs, make_pack, plan_steps
from mlcore.schemas import Answer, Example, MarkedAnswer, Question
from mlcore.training import pack_states

ANSWERS = ["They lose more water than they take up.", "Heat.", "The roots are dry, so the cells go limp.", "no idea"]


def _examples(question_id: str = "q", group: str = "set") -> list[Example]:
    question = Question(question_id, f"Why do plants wilt? ({question_id})", "They lose water.", max_points=2.0)
    return [
        Example(question, MarkedAnswer(Answer(f"{question_id}{i}", text), i % 3, f"Feedback {i}."), group)
        for i, text in enumerate(ANSWERS)
    ]


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> Model:
    base = load_base(BaseConfig(tiny_base, quantisation="none", compute_dtype="float32", device="cpu"), training=True)
    model = Model(base)
    torch.manual_seed(0)
    model.attach("scorer", LoraConfig(rank=2))
    for weight in model.trainable("scorer"):
        torch.nn.init.normal_(weight, std=0.1)
    model.heads["scorer"] = make_head("regression", model.hidden_size, 5)
    return model


@pytest.fixture(scope="module")
def encoder(model: Model) -> Encoder:
    return Encoder(model.base.tokenizer, max_prefix_tokens=300, max_answer_tokens=100)


@pytest.fixture
def config(tmp_path: Path, tiny_base: Path) -> TrainConfig:
    return TrainConfig(tmp_path / "out", (tmp_path / "rows.jsonl",), BaseConfig(tiny_base), pack_answers=3)


def _plain(model: Model, item: EncodedItem) -> torch.Tensor:
    """(t, hidden) states of one item as a sequence of its own."""
    return model.hidden(torch.tensor([item.prefix + item.body]), use_cache=False).last_hidden_state[0]


def test_packed_scores_are_those_of_separate_sequences(model: Model, encoder: Encoder) -> None:
    items = encode_items(scorer_items(_examples()), encoder, 20)
    pack = make_pack(items)
    packed = pack_states(model, pack)[pack.read]
    plain = torch.stack([_plain(model, item)[-1] for item in items])
    assert torch.allclose(packed, plain, atol=1e-5)


def test_packed_gradients_are_those_of_separate_sequences(model: Model, encoder: Encoder) -> None:
    items = encode_items(scorer_items(_examples()), encoder, 20)
    weights, head, pack = model.trainable("scorer"), model.heads["scorer"], make_pack(items)

    head.loss(head(pack_states(model, pack)[pack.read]), pack.targets).sum().backward()
    packed = [weight.grad.clone() for weight in weights if weight.grad is not None]
    for weight in weights:
        weight.grad = None
    for item in items:
        head.loss(head(_plain(model, item)[-1:]), torch.tensor([item.target])).sum().backward()

    assert len(packed) == len(weights)
    for found, weight in zip(packed, weights, strict=True):
        assert weight.grad is not None
        assert torch.allclose(found, weight.grad, atol=1e-5, rtol=1e-3)
        weight.grad = None


def test_only_the_completion_is_learnt(model: Model, encoder: Encoder) -> None:
    items = encode_items(feedback_items(_examples()), encoder, 20)
    pack = make_pack(items)
    flat = pack.ids[0].tolist()
    for place, label in zip(pack.predict.tolist(), pack.labels.tolist(), strict=True):
        assert flat[place + 1] == label
    written = encoder.tokenizer.decode(pack.labels.tolist())
    assert written == "".join(f"Feedback {i}.<|im_end|>" for i in range(len(ANSWERS)))


def test_cut_feedback_does_not_teach_an_end(encoder: Encoder) -> None:
    item = encode_items(feedback_items(_examples()), encoder, 2)[0]
    assert item.completion == 2
    assert item.body[-1] != encoder.end_id


def test_packs_keep_to_one_question_and_to_their_limits(encoder: Encoder, config: TrainConfig) -> None:
    items = encode_items(scorer_items(_examples("a") + _examples("b")), encoder, 20)
    packs = group_packs(items, config, random.Random(0))
    assert sorted(index for pack in packs for index in pack) == list(range(len(items)))
    for pack in packs:
        assert len(pack) <= config.pack_answers
        assert len({items[index].prefix for index in pack}) == 1


def test_the_plan_is_the_same_for_the_same_seed(encoder: Encoder, config: TrainConfig) -> None:
    items = encode_items(scorer_items(_examples("a") + _examples("b")), encoder, 20)
    assert plan_steps(items, config, 2.5, 7) == plan_steps(items, config, 2.5, 7)
    assert plan_steps(items, config, 2.5, 7) != plan_steps(items, config, 2.5, 8)


def test_a_set_is_passed_as_often_as_its_weight_says(encoder: Encoder, tmp_path: Path, tiny_base: Path) -> None:
    weights = {"twice": 2.0, "never": 0.0}
    config = TrainConfig(tmp_path / "out", (tmp_path / "x",), BaseConfig(tiny_base), set_weights=weights)
    items = encode_items(scorer_items(_examples("a", "twice") + _examples("b", "never")), encoder, 20)
    taken = [index for step in plan_steps(items, config, 1.0, 0) for pack in step for index in pack]
    assert sorted(taken) == sorted([0, 1, 2, 3] * 2)
