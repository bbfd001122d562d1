# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""Variants of the scorer, each trained alike on the same splits: `python docs/variants.py --data DIR --out FILE.json`.

DIR holds the sets as folders with a train.jsonl each. A seed is a split of the questions too: a sixth of those of
saf_english is held out, the rest is learnt for `--epochs` passes from the bare base model, and the scores of the
answers to the held-out questions are measured without the stacked regressor. What is done already in FILE is not done
again; `--table` prints the table. The heads that lost live here and nowhere else.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

from mlcore.config import BaseConfig, LoraConfig, TrainConfig  # noqa: E402
from mlcore.data import Item, items_for, load_training_data, sample_evenly, whole_items  # noqa: E402
from mlcore.encoding import Encoder, fit_windows  # noqa: E402
from mlcore.heads import RegressionHead, ScoreHead, make_head  # noqa: E402
from mlcore.loading import load_base  # noqa: E402
from mlcore.metrics import pearson, quadratic_weighted_kappa, root_mean_squared_error  # noqa: E402
from mlcore.model import Model  # noqa: E402
from mlcore.packing import EncodedItem, Pack, encode_items, group_packs, make_pack  # noqa: E402
from mlcore.training import PartTrainer, pack_states  # noqa: E402

BASE = ROOT / "var" / "models" / "smollm2-135m-instruct"
SETS = ("saf_english", "saf_german", "scientsbank", "beetle")


class SquaredHead(RegressionHead):
    """Squared error of the sigmoid."""

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (torch.sigmoid(logits[:, 0]) - target).square()


class HuberHead(RegressionHead):
    """Huber's loss of the sigmoid, quadratic up to a tenth of the scale (Huber 1964)."""

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return functional.huber_loss(torch.sigmoid(logits[:, 0]), target, reduction="none", delta=0.1)


class OrdinalHead(ScoreHead):
    """K thresholds, one logit each for "above it"; the mean of their sigmoids is the score (after Cao et al. 2020)."""

    kind = "bands"

    def __init__(self, hidden: int, thresholds: int) -> None:
        super().__init__(hidden, thresholds)
        self.register_buffer("places", (torch.arange(thresholds) + 0.5) / thresholds, persistent=False)

    def score(self, logits: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(logits).mean(-1)

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        above = (target.unsqueeze(1) > self.places).float()
        return functional.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(-1)

    def start_at(self, direction: torch.Tensor) -> None:
        with torch.no_grad():
            self.linear.weight.copy_(direction.unsqueeze(0).expand_as(self.linear.weight))
            self.linear.bias.zero_()


@dataclass(frozen=True)
class Variant:
    """What differs from the scorer in use: a head, how states are pooled, what is told, LoRA, the base, the data."""

    head: Callable[[int], ScoreHead] = RegressionHead
    pooling: str = "last"
    reference: bool = True
    lora: LoraConfig = field(default_factory=LoraConfig)
    quantisation: str = "nf4"
    sets: tuple[str, ...] = ("saf_english",)
    joint: bool = False


ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
VARIANTS: dict[str, Variant] = {
    "in use: logistic loss, last token, rank 16, all layers, nf4": Variant(),
    "squared loss": Variant(head=SquaredHead),
    "Huber loss": Variant(head=HuberHead),
    "9 bands, expectation": Variant(head=lambda hidden: make_head("bands", hidden, 9)),
    "ordinal, 8 thresholds": Variant(head=lambda hidden: OrdinalHead(hidden, 8)),
    "mean over answer and request": Variant(pooling="mean"),
    "no reference answer in the prompt": Variant(reference=False),
    "rank 4": Variant(lora=LoraConfig(rank=4, alpha=8)),
    "rank 64": Variant(lora=LoraConfig(rank=64, alpha=128)),
    "attention layers only": Variant(lora=LoraConfig(targets=ATTENTION)),
    "int8 base": Variant(quantisation="int8"),
    "bf16 base (LoRA)": Variant(quantisation="none"),
    "with the other English sets": Variant(sets=("saf_english", "scientsbank", "beetle")),
    "with all sets, German too": Variant(sets=SETS),
    "one adapter for score and feedback": Variant(joint=True),
}


class VariantTrainer(PartTrainer):
    """The trainer in use, with other pooling, and feedback learnt by the same adapter where it is joint."""

    pooling = "last"
    feedback: Sequence[EncodedItem] = ()
    _packs: list[list[int]] = []

    def _losses(self, pack: Pack) -> torch.Tensor:
        return self.head.loss(self.head(self._pooled(pack)), pack.targets)

    def _pooled(self, pack: Pack) -> torch.Tensor:
        hidden = pack_states(self.model, pack)
        if self.pooling == "last":
            return hidden[pack.read]
        valid = pack.layout.valid.unsqueeze(-1)
        return (hidden[pack.layout.gather] * valid).sum(1) / valid.sum(1)

    def _step(self, packs: Sequence[Pack]) -> float:
        if self.feedback:
            self._learn_feedback()
        return super()._step(packs)

    def _learn_feedback(self) -> None:
        if not self._packs:
            self._packs = group_packs(self.feedback, self.config, random.Random(self.state.step))  # noqa: S311
        for indices in (self._packs.pop(), self._packs.pop() if self._packs else []):
            if not indices:
                continue
            pack = make_pack([self.feedback[i] for i in indices]).to(self.model.device)
            logits = self.model.vocabulary(pack_states(self.model, pack)[pack.predict])
            (0.1 * functional.cross_entropy(logits.float(), pack.labels)).backward()

    @torch.no_grad()
    def held_out(self, items: Sequence[EncodedItem]) -> list[float]:
        """(n,) scores of items in their order, under the last weights."""
        self.model.train(False)
        found = [0.0] * len(items)
        for indices in group_packs(items, self.config, None):
            pack = make_pack([items[i] for i in indices]).to(self.model.device)
            for index, score in zip(indices, self.head.score(self.head(self._pooled(pack))).tolist(), strict=True):
                found[index] = score
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=float, default=0.35)
    parser.add_argument("--rows", type=int, default=120, help="held-out answers to measure on, 0 for all")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    done: list[dict[str, Any]] = json.loads(options.out.read_text()) if options.out.is_file() else []
    if not options.table:
        for seed in options.seeds:
            for name in VARIANTS:
                if not any(row["variant"] == name and row["seed"] == seed for row in done):
                    done.append(one(name, seed, options))
                    options.out.write_text(json.dumps(done, indent=1))
                    print(json.dumps(done[-1]), flush=True)  # noqa: T201
    print(table(done))  # noqa: T201


def one(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one variant on one split and measure it on the split's held-out questions."""
    began = time.monotonic()
    variant = VARIANTS[name]
    config = TrainConfig(
        output=Path("var/variant"),
        train_files=tuple(options.data / name / "train.jsonl" for name in variant.sets),
        base=BaseConfig(BASE, quantisation=variant.quantisation, device="cpu"),  # type: ignore[arg-type]
        method="lora" if variant.quantisation == "none" else "qlora",
        parts=("scorer",),
        lora=variant.lora,
        epochs=options.epochs,
        batch_size=16,
        validation_share=0.16,
        seed=seed,
        # Of another set as many answers as would double saf_english's.
        set_weights={name: 0.3 for name in variant.sets if name != "saf_english"},
    )
    torch.manual_seed(seed)
    data = load_training_data(config)
    base = load_base(config.base, training=True)
    model = Model(base)
    prefix, answer = fit_windows(model.context, config.max_prefix_tokens, config.max_answer_tokens)
    encoder = Encoder(base.tokenizer, max_prefix_tokens=prefix, max_answer_tokens=answer)
    model.attach("scorer", config.lora)
    head = variant.head(model.hidden_size)
    head.start_at(model.yes_no_direction(*encoder.yes_no()))
    model.heads["scorer"] = head
    told = lambda items: [item if variant.reference else without_reference(item) for item in items]  # noqa: E731
    encode = lambda items: encode_items(told(items), encoder, 96)  # noqa: E731
    trainer = VariantTrainer(
        model, "scorer", config, encode(items_for("scorer", data.train)), [], Path("var/variant.none"), "none"
    )
    trainer.pooling = variant.pooling
    if variant.joint:
        trainer.feedback = encode(items_for("feedback", data.train))
    while trainer.state.step < len(trainer.steps):
        trainer._timed_step()  # noqa: SLF001
    rows = sample_evenly([row for row in data.unseen if row.group == "saf_english"], options.rows, 1)
    given = [row.score for row in rows]
    found = trainer.held_out(encode(whole_items(rows)))
    del trainer, model, base
    gc.collect()
    return {
        "variant": name,
        "seed": seed,
        "rows": len(rows),
        "rmse": root_mean_squared_error(given, found),
        "pearson": pearson(given, found),
        "qwk": quadratic_weighted_kappa(given, found),
        "minutes": (time.monotonic() - began) / 60,
    }


def without_reference(item: Item) -> Item:
    return replace(item, question=replace(item.question, reference_answer=""))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Means over the seeds, and the difference from the one in use over the same seeds with its spread."""
    lines = ["| variant | seeds | RMSE | against the one in use | r | QWK |", "|---|---|---|---|---|---|"]
    first = next(iter(VARIANTS))
    usual = {row["seed"]: row["rmse"] for row in rows if row["variant"] == first}
    for name in VARIANTS:
        mine = [row for row in rows if row["variant"] == name and row["seed"] in usual]
        if mine:
            apart = [row["rmse"] - usual[row["seed"]] for row in mine]
            spread = f" ± {statistics.stdev(apart):.3f}" if len(apart) > 1 and name != first else ""
            against = "–" if name == first else f"{statistics.mean(apart):+.3f}{spread}"
            means = {key: statistics.mean(row[key] or 0.0 for row in mine) for key in ("rmse", "pearson", "qwk")}
            lines.append(
                f"| {name} | {len(mine)} | {means['rmse']:.3f} | {against} "
                f"| {means['pearson']:.2f} | {means['qwk']:.2f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
