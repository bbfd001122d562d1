"""The plain way to do the engine's work: transformers and peft, a full prompt for every answer, batches of eight."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from mlcore.adapters import attach_part, read_stack
from mlcore.config import BaseConfig, Part
from mlcore.encoding import Encoder
from mlcore.loading import load_base
from mlcore.manifest import read_manifest
from mlcore.model import Model
from mlcore.prompts import feedback_request, score_request
from mlcore.schemas import Answer, Question

BATCH = 8


class PlainTransformers:
    """The same base, adapter and prompts as the engine's; only how they are computed differs.

    Args:
        dtype: what everything is computed in; float32 is what transformers does unasked.
    """

    def __init__(self, config: BaseConfig, version: Path, dtype: Literal["float32", "bfloat16"] = "float32") -> None:
        manifest = read_manifest(version)
        # As for training the layers stay transformers' own.
        self.model = Model(load_base(replace(config, compute_dtype=dtype), training=True))
        self.encoder = Encoder(
            self.model.base.tokenizer,
            max_prefix_tokens=config.max_prefix_tokens,
            max_answer_tokens=config.max_answer_tokens,
        )
        self.parts: list[Part] = [part for part in ("scorer", "feedback") if part in manifest.parts]
        for part in self.parts:
            attach_part(self.model, part, part, version, manifest)
        # transformers refuses to cast what was quantised once; these layers are plain numbers now.
        nn.Module.to(self.model.base.model, getattr(torch, dtype))
        self.stack = read_stack(version, manifest)

    def close(self) -> None:
        """Give the memory back before something else is measured."""
        del self.model
        gc.collect()

    @torch.inference_mode()
    def scores(self, question: Question, answers: Sequence[Answer]) -> list[float]:
        """A score in [0, 1] for each answer."""
        tail = self.encoder.pieces(score_request())
        head = self.model.heads["scorer"]
        scores: list[float] = []
        for prompts in batches([self._prompt(question, answer, tail) for answer in answers]):
            ids, mask = self._padded(prompts, left=False)
            with self.model.using("scorer"):
                states = self.model.hidden(ids, attention_mask=mask, use_cache=False)[0]
            last = states[torch.arange(len(prompts)), mask.sum(1) - 1]
            scores += head.read(last)
        texts = [answer.text for answer in answers]
        return self.stack.apply(question, texts, scores) if self.stack else scores

    @torch.inference_mode()
    def write(self, question: Question, answers: Sequence[Answer], points: float, most: int) -> int:
        """Write feedback of `most` tokens to answers that earned `points`; the number of tokens written."""
        tail = self.encoder.pieces(feedback_request(question, points))
        prompts = [self._prompt(question, answer, tail) for answer in answers]
        causal: Any = self.model.base.model
        written = 0
        for batch in batches(prompts):
            ids, mask = self._padded(batch, left=True)
            with self.model.using("feedback"):
                output = causal.generate(
                    ids,
                    attention_mask=mask,
                    max_new_tokens=most,
                    min_new_tokens=most,
                    do_sample=False,
                    eos_token_id=self.encoder.end_id,
                    pad_token_id=self.encoder.pad_id,
                )
            written += output[:, ids.shape[1] :].numel()
        return written

    def _prompt(self, question: Question, answer: Answer, tail: list[int]) -> list[int]:
        return [*self.encoder.prefix(question), *self.encoder.answer(answer.text).ids, *tail]

    def _padded(self, prompts: Sequence[list[int]], *, left: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Prompts as ids and mask, both (b, t)."""
        longest = max(map(len, prompts))
        rows, masks = [], []
        for prompt in prompts:
            fill = [self.encoder.pad_id] * (longest - len(prompt))
            rows.append(fill + prompt if left else prompt + fill)
            seen, unseen = [1] * len(prompt), [0] * len(fill)
            masks.append(unseen + seen if left else seen + unseen)
        return torch.tensor(rows, device=self.model.device), torch.tensor(masks, device=self.model.device)


def batches(prompts: Sequence[list[int]]) -> list[Sequence[list[int]]]:
    """In arrival order, as a plain script would."""
    return [prompts[start : start + BATCH] for start in range(0, len(prompts), BATCH)]
