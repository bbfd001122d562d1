"""The engine's way of writing, held to a fixed number of tokens, and what its weights take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from mlcore.adapters import attach_part
from mlcore.bench.peers import batches
from mlcore.config import PARTS, BaseConfig
from mlcore.encoding import Encoder
from mlcore.heap import keep_freed_memory
from mlcore.loading import load_base
from mlcore.manifest import read_manifest
from mlcore.model import Model
from mlcore.packed import PackedLinear
from mlcore.prompts import feedback_request
from mlcore.reading import PrefixCache, begin, bucket, pad_rows, read
from mlcore.schemas import Answer, Question
from mlcore.writing import SLOTS, Ready, write

# No token has this number, so no text ends before its time.
_NO_END = -1


class Writer:
    """A base with all parts of a version attached, which writes as the engine does."""

    def __init__(self, config: BaseConfig, version: Path) -> None:
        keep_freed_memory()
        manifest = read_manifest(version)
        self.model = Model(load_base(config))
        self.encoder = Encoder(
            self.model.base.tokenizer,
            max_prefix_tokens=config.max_prefix_tokens,
            max_answer_tokens=config.max_answer_tokens,
        )
        self.bare_bytes = held_bytes(self.model)
        for part in PARTS:
            if part not in manifest.parts:
                continue
            attach_part(self.model, part, part, version, manifest)

    @torch.inference_mode()
    def write(self, question: Question, answers: Sequence[Answer], points: float, most: int) -> int:
        """Write feedback of `most` tokens to answers that earned `points`; the number of tokens written."""
        tail = self.encoder.pieces(feedback_request(question, points))
        prefix = PrefixCache().get(self.model, "feedback", self.encoder.prefix(question))
        read_as = sorted((list(self.encoder.answer(answer.text).ids) for answer in answers), key=len, reverse=True)

        def ready() -> Iterator[Ready]:
            for rows in batches(read_as):
                batch = begin("feedback", prefix, len(rows))
                read(self.model, batch, *pad_rows(rows, bucket(len(rows[0])), self.encoder.pad_id))
                yield Ready(batch, read(self.model, batch, *pad_rows([tail] * len(rows), len(tail), 0)), most)

        return sum(map(len, write(self.model, ready(), _NO_END, min(len(answers), SLOTS))))


def held_bytes(model: Model) -> int:
    """Memory of all weights: parameters, buffers, and what packed and quantised layers keep beside them."""
    tensors: dict[int, torch.Tensor] = {}
    for tensor in [*model.base.model.parameters(), *model.base.model.buffers(), *_quantisation_states(model)]:
        tensors[tensor.untyped_storage().data_ptr()] = tensor
    layers = [layer.packed for layer in model.base.model.modules() if isinstance(layer, PackedLinear)]
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors.values()) + sum(
        layer.numel() * layer.element_size() for layer in layers
    )


def _quantisation_states(model: Model) -> list[torch.Tensor]:
    states = [getattr(weight, "quant_state", None) for weight in model.base.model.parameters()]
    found = [value for state in states if state is not None for value in state.as_dict(packed=False).values()]
    return [value for value in found if isinstance(value, torch.Tensor)]
