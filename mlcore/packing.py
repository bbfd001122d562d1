"""Exact packing: answers to one question in one sequence, their shared prefix computed once.

A pack is [prefix, answer 1 + request, answer 2 + request, …]. Positions start again after the prefix for each answer,
and an answer attends to the prefix and to itself alone, so losses and gradients are those of separate sequences (Krell
et al. 2021, "Efficient Sequence Packing without Cross-contamination", with a shared prefix).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from mlcore.config import TrainConfig
from mlcore.data import Item
from mlcore.encoding import Encoder
from mlcore.schemas import Question
from mlcore.shared_prefix import Layout, make_layout


@dataclass(frozen=True)
class EncodedItem:
    """An item as ids: `prefix` is shared by all items of a question, the last `completion` ids of `body` are learnt."""

    prefix: tuple[int, ...]
    body: tuple[int, ...]
    completion: int
    target: float
    group: str


@dataclass(frozen=True)
class Pack:
    """n items of one question as one sequence of t tokens.

    Attributes:
        ids: (1, t) token ids.
        positions: (1, t) position of each token in its own answer's sequence.
        layout: where the answers lie; what attention needs instead of a mask.
        read: (n,) index of each item's last token, where a head reads.
        targets: (n,) scores in [0, 1], float32.
        predict: (m,) indices of the tokens whose next one is learnt.
        labels: (m,) ids of those next tokens.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    layout: Layout
    read: torch.Tensor
    targets: torch.Tensor
    predict: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> Pack:
        """The same pack on a device."""
        return Pack(*(value.to(device) for value in vars(self).values()))


def encode_items(items: Iterable[Item], encoder: Encoder, max_feedback_tokens: int) -> list[EncodedItem]:
    """Items as ids; an item's completion ends with the token that ends a turn."""
    prefixes: dict[Question, tuple[int, ...]] = {}
    encoded = []
    for item in items:
        if item.question not in prefixes:
            prefixes[item.question] = tuple(encoder.prefix(item.question))
        completion: list[int] = []
        if item.completion:
            words = encoder.words(item.completion)
            # Feedback that was cut must not teach that it ends there.
            completion = words[:max_feedback_tokens] + [encoder.end_id] * (len(words) <= max_feedback_tokens)
        body = (*encoder.answer(item.answer).ids, *encoder.pieces(item.request), *completion)
        encoded.append(EncodedItem(prefixes[item.question], body, len(completion), item.target, item.group))
    return encoded


def make_pack(items: Sequence[EncodedItem]) -> Pack:
    """One pack of items that share their prefix."""
    prefix = items[0].prefix
    ids, positions = list(prefix), list(range(len(prefix)))
    read: list[int] = []
    predict: list[int] = []
    labels: list[int] = []
    for item in items:
        ids += item.body
        positions += range(len(prefix), len(prefix) + len(item.body))
        read.append(len(ids) - 1)
        predict += range(len(ids) - item.completion - 1, len(ids) - 1)
        labels += item.body[len(item.body) - item.completion :]
    return Pack(
        ids=torch.tensor([ids]),
        positions=torch.tensor([positions]),
        layout=make_layout(len(prefix), [len(item.body) for item in items]),
        read=torch.tensor(read),
        targets=torch.tensor([item.target for item in items], dtype=torch.float32),
        predict=torch.tensor(predict, dtype=torch.long),
        labels=torch.tensor(labels, dtype=torch.long),
    )


def group_packs(items: Sequence[EncodedItem], config: TrainConfig, order: random.Random | None) -> list[list[int]]:
    """Indices of items in packs that respect the window and the number of answers; shuffled where `order` is given."""
    by_prefix: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        by_prefix[item.prefix].append(index)
    packs: list[list[int]] = []
    for prefix, indices in by_prefix.items():
        if order is not None:
            # Answers of about the same length share a pack, which spares attention to padding.
            indices.sort(key=lambda index: len(items[index].body) * order.uniform(0.7, 1.4))
        pack: list[int] = []
        used = len(prefix)
        for index in indices:
            size = len(items[index].body)
            if pack and (len(pack) == config.pack_answers or used + size > config.pack_tokens):
                packs.append(pack)
                pack, used = [], len(prefix)
            pack.append(index)
            used += size
        packs.append(pack)
    if order is not None:
        order.shuffle(packs)
    return packs


def plan_steps(items: Sequence[EncodedItem], config: TrainConfig, epochs: float, seed: int) -> list[list[list[int]]]:
    """Optimiser steps, each a list of packs (indices of items), for that many passes; the same for the same seed."""
    steps: list[list[list[int]]] = []
    epoch = 0
    left = epochs
    while left > 1e-9:
        packs = _epoch(items, config, random.Random(f"{seed}:{epoch}"))  # noqa: S311 (nothing secret)
        packs = packs[: max(1, round(len(packs) * min(1.0, left)))]
        steps += _steps(packs, config.batch_size)
        epoch, left = epoch + 1, left - 1
    return steps


def _epoch(items: Sequence[EncodedItem], config: TrainConfig, order: random.Random) -> list[list[int]]:
    """One pass: each set as often as its weight says; a weight's fraction takes that share of the set's packs."""
    packs: list[list[int]] = []
    weights = {name: float(config.set_weights.get(name, 1.0)) for name in {item.group for item in items}}
    for turn in range(int(max(weights.values())) + 1):
        for pack in group_packs(items, config, order):
            share = weights[items[pack[0]].group] - turn
            if share >= 1 or order.random() < share:
                packs.append(pack)
    order.shuffle(packs)
    return packs


def _steps(packs: Sequence[list[int]], batch_size: int) -> list[list[list[int]]]:
    steps: list[list[list[int]]] = []
    step: list[list[int]] = []
    for pack in packs:
        step.append(pack)
        if sum(map(len, step)) >= batch_size:
            steps.append(step)
            step = []
    return steps + ([step] if step else [])
