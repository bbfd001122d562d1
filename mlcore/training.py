"""The training loop of one part (scorer or feedback writer): explicit, resumable, the same for the same seed."""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from mlcore import parallel
from mlcore.checkpoint import load_state, named, optimiser_tensors, restore_optimiser, save_state, under
from mlcore.config import Part, Task, TrainConfig
from mlcore.model import Model
from mlcore.packing import EncodedItem, Pack, group_packs, make_pack, plan_steps
from mlcore.shared_prefix import shared_prefix

log = logging.getLogger(__name__)

CLIP = 1.0
_BETAS = (0.9, 0.99)


class TrainingStopped(Exception):
    """The training was asked to stop; its checkpoint is kept, and the same configuration resumes from it."""


@dataclass
class State:
    """How far a part is; everything that a resume needs beside the tensors. Losses are means per answer or token."""

    step: int = 0
    seconds: float = 0.0
    evaluated: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    since_best: int = 0
    train_loss: float | None = None
    validation_loss: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False


Watch = Callable[[State, int, float], None]
# Lets packs through, one after the other, and tells what for.
Counted = Callable[[Task, Sequence[list[int]]], Iterable[list[int]]]


class PartTrainer:
    """Trains one adapter (and its head, for the scorer) on packs of encoded items.

    Args:
        model: has the adapter named `part` attached, and for the scorer a head of the same name.
        train, validation: encoded items; with no validation items the last weights are kept.
        checkpoint: the file to resume from and to write.
        fingerprint: of everything that the result depends on; a checkpoint of another one is not used.
        counted: what packs go through that are read beside the steps.
    """

    def __init__(
        self,
        model: Model,
        part: Part,
        config: TrainConfig,
        train: Sequence[EncodedItem],
        validation: Sequence[EncodedItem],
        checkpoint: Path,
        fingerprint: str,
        counted: Counted = lambda what, packs: packs,
    ) -> None:
        self.model, self.part, self.config = model, part, config
        self.train_items, self.validation_items = train, validation
        self.checkpoint, self.fingerprint, self.counted = checkpoint, fingerprint, counted
        scorer = part == "scorer"
        self.steps = plan_steps(train, config, config.epochs if scorer else config.feedback_epochs, config.seed)
        self.limit = 60 * (config.max_minutes if scorer else config.feedback_max_minutes)
        self.peak = config.learning_rate if scorer else config.feedback_learning_rate
        self.head = model.heads.get(part)
        weights = model.trainable(part)
        groups = [{"params": weights, "lr": self.peak, "peak": self.peak, "weight_decay": config.weight_decay}]
        if self.head is not None:
            peak = config.head_learning_rate
            groups.append({"params": list(self.head.parameters()), "lr": peak, "peak": peak, "weight_decay": 0.0})
        self.optimiser = torch.optim.AdamW(groups, betas=_BETAS)
        self.state = State()
        self.best: dict[str, torch.Tensor] = self._weights()

    def run(self, watch: Watch, should_stop: Callable[[], bool]) -> dict[str, torch.Tensor]:
        """Train to the end of the plan, to the time limit or until validation stops improving; the best weights.

        `watch` is called after every step with the state, the number of steps and the learning rate.

        Raises:
            TrainingStopped: should_stop() said so; the checkpoint was written.
        """
        self._resume()
        if self.config.start_from is not None and not self.state.history:
            # What it starts from is one of the results to choose from.
            self._evaluate()
        self.model.train(True)
        last_saved = time.monotonic()
        while not self.state.done:
            if parallel.agree(should_stop()):
                self._save()
                raise TrainingStopped
            self._timed_step()
            self._evaluate_where_due()
            watch(self.state, len(self.steps), self.optimiser.param_groups[0]["lr"])
            if self.state.done or parallel.agree(time.monotonic() - last_saved > 60 * self.config.checkpoint_minutes):
                self._save()
                last_saved = time.monotonic()
        self.model.train(False)
        return self.best

    def progress(self) -> float:
        """Share of the schedule that is behind, 0 to 1: of the steps, or of the time limit where that is further."""
        by_steps = self.state.step / max(1, len(self.steps))
        return min(1.0, max(by_steps, self.state.seconds / self.limit if self.limit else 0.0))

    def _timed_step(self) -> None:
        began = time.monotonic()
        share = schedule(self.progress(), self.state.step, self.config.warmup_share * len(self.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * share
        packs = [make_pack([self.train_items[i] for i in pack]) for pack in self.steps[self.state.step]]
        loss = self._step([pack.to(self.model.device) for pack in packs])
        smooth = self.state.train_loss
        self.state.train_loss = loss if smooth is None else 0.95 * smooth + 0.05 * loss
        self.state.step += 1
        self.state.seconds = parallel.agree(self.state.seconds + time.monotonic() - began)

    def _step(self, packs: Sequence[Pack]) -> float:
        """One optimiser step over packs that together are one batch; the batch's mean loss."""
        count = sum(self._count(pack) for pack in packs)
        total = 0.0
        for pack in packs[parallel.place() :: parallel.processes()]:
            losses = self._losses(pack)
            (losses.sum() / count).backward()
            total += float(losses.detach().sum())
        total = parallel.sum_gradients((w for group in self.optimiser.param_groups for w in group["params"]), total)
        for group in self.optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return total / count

    def _count(self, pack: Pack) -> int:
        return max(1, int(pack.read.numel() if self.head is not None else pack.labels.numel()))

    def _losses(self, pack: Pack) -> torch.Tensor:
        """(n,) losses of a pack: one per answer for a scorer, one per learnt token for a feedback writer."""
        hidden = pack_states(self.model, pack)
        if self.head is not None:
            return self.head.loss(self.head(hidden[pack.read]), pack.targets)
        with _autocast(self.model):
            logits = self.model.vocabulary(hidden[pack.predict])
        return functional.cross_entropy(logits.float(), pack.labels, reduction="none")

    def _evaluate_where_due(self) -> None:
        finished = self.progress() >= 1.0 or self.state.step == len(self.steps)
        due = math.floor(self.progress() * self.config.evaluations + 1e-9)
        if due > self.state.evaluated or finished:
            self.state.evaluated = due
            began = time.monotonic()
            self._evaluate()
            self.state.seconds = parallel.agree(self.state.seconds + time.monotonic() - began)
        patience = self.config.patience
        self.state.done = finished or bool(patience and self.state.since_best >= patience)

    def _evaluate(self) -> None:
        if not self.validation_items:
            self.best = self._weights()
            return
        by_set = self.measure(self.validation_items)
        loss = sum(entry["loss"] for entry in by_set.values()) / len(by_set)
        self.state.validation_loss = loss
        self.state.history.append({"step": self.state.step, "loss": loss, "train_loss": self.state.train_loss})
        log.info("%s step %d: validation %.4f %s", self.part, self.state.step, loss, by_set)
        if loss < self.state.best_loss:
            self.state.best_loss, self.state.best_step, self.state.since_best = loss, self.state.step, 0
            self.best = self._weights()
        else:
            self.state.since_best += 1

    @torch.no_grad()
    def measure(self, items: Sequence[EncodedItem]) -> dict[str, dict[str, float]]:
        """Mean loss by set, and for a scorer RMSE and Pearson's r of its scores (0-1 scale)."""
        losses: dict[str, list[float]] = defaultdict(list)
        pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.model.train(False)
        packs = group_packs(items, self.config, None)[parallel.place() :: parallel.processes()]
        for indices in self.counted("held_out" if self.state.step else "start", packs):
            chosen = [items[i] for i in indices]
            pack = make_pack(chosen).to(self.model.device)
            if self.head is None:
                losses[chosen[0].group] += self._losses(pack).tolist()
                continue
            logits = self.head(pack_states(self.model, pack)[pack.read])
            losses[chosen[0].group] += self.head.loss(logits, pack.targets).tolist()
            pairs[chosen[0].group] += zip(self.head.score(logits).tolist(), pack.targets.tolist(), strict=True)
        self.model.train(True)
        losses, pairs = _together(losses), _together(pairs)
        return {
            name: {"loss": sum(found) / len(found), **_fit(pairs.get(name, []))}
            for name, found in sorted(losses.items())
            if found
        }

    @torch.no_grad()
    def scores(self, items: Sequence[EncodedItem]) -> list[float]:
        """(n,) scores in [0, 1] under the best weights, in the order of the items; for a scorer."""
        if self.head is None:
            raise ValueError(f"the {self.part} gives no scores")
        put_weights(self.model, self.part, self.best)
        self.model.train(False)
        found = [0.0] * len(items)
        for indices in self.counted("words", group_packs(items, self.config, None)):
            pack = make_pack([items[i] for i in indices]).to(self.model.device)
            scores = self.head.score(self.head(pack_states(self.model, pack)[pack.read]))
            for index, score in zip(indices, scores.tolist(), strict=True):
                found[index] = score
        return found

    def _weights(self) -> dict[str, torch.Tensor]:
        """The adapter's and the head's weights by name, copied to the CPU."""
        weights = named("adapter", self.model.weights(self.part))
        if self.head is not None:
            weights |= named("head", {key: value.detach().cpu() for key, value in self.head.state_dict().items()})
        return {key: value.clone() for key, value in weights.items()}

    def _save(self) -> None:
        if not parallel.leads():
            return
        tensors = {
            **named("now", self._weights()),
            **named("best", self.best),
            **optimiser_tensors(self.optimiser),
            "random": torch.get_rng_state(),
        }
        save_state(self.checkpoint, tensors, {"fingerprint": self.fingerprint, "state": _finite(vars(self.state))})

    def _resume(self) -> None:
        found = load_state(self.checkpoint)
        if found is None or found[1].get("fingerprint") != self.fingerprint:
            return
        tensors, facts = found
        self.state = State(**{**facts["state"], "best_loss": facts["state"]["best_loss"] or math.inf})
        put_weights(self.model, self.part, under("now", tensors))
        self.best = under("best", tensors)
        restore_optimiser(self.optimiser, tensors)
        torch.set_rng_state(tensors["random"])
        log.info("%s: resumed at step %d of %d", self.part, self.state.step, len(self.steps))


def put_weights(model: Model, part: str, weights: dict[str, torch.Tensor]) -> None:
    """Put an adapter's weights (and its head's, where it has one) in place."""
    model.fill(part, under("adapter", weights))
    if part in model.heads:
        model.heads[part].load_state_dict(under("head", weights))


def pack_states(model: Model, pack: Pack) -> torch.Tensor:
    """(t, hidden) normalised hidden states of a pack under the adapter that is active."""
    with _autocast(model), shared_prefix(model.config):
        output = model.hidden(pack.ids, position_ids=pack.positions, use_cache=False, layout=pack.layout)
    return output.last_hidden_state[0]


def _autocast(model: Model) -> torch.autocast:
    low = model.base.dtype in (torch.bfloat16, torch.float16)
    return torch.autocast(model.device.type, dtype=model.base.dtype if low else torch.bfloat16, enabled=low)


def schedule(progress: float, step: int, warmup_steps: float) -> float:
    """Linear warm-up, then a cosine to 2 % of the peak (Loshchilov & Hutter 2017, SGDR, without restarts)."""
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))


def _together(parts: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """The lists of all processes, one after the other."""
    found: dict[str, list[Any]] = {}
    for part in parallel.collect(dict(parts)):
        for name, values in part.items():
            found.setdefault(name, []).extend(values)
    return found


def _fit(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    if not pairs:
        return {}
    found, true = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    fit = {"rmse": float((found - true).square().mean().sqrt())}
    if len(pairs) > 2 and found.std() > 0 and true.std() > 0:
        fit["pearson"] = float(torch.corrcoef(torch.stack([found, true]))[0, 1])
    return fit


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isinf(value) else value for key, value in values.items()}
