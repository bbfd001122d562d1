"""One backbone in memory, adapters on top of it, and the heads that belong to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import peft
import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from torch import nn

from mlcore.blocks import Blocks
from mlcore.config import LoraConfig
from mlcore.heads import ScoreHead
from mlcore.loading import LoadedBase
from mlcore.packed import packed, product

# Tokens that are looked at again in float32: bfloat16 tells the likeliest from the sixteenth.
_FEW = 16


class Model:
    """A base model with named LoRA adapters (Hu et al. 2021), of which one or none is active.

    Adapters are attached and switched without touching the base. Heads are kept beside them by the same name.
    """

    def __init__(self, base: LoadedBase) -> None:
        self.base = base
        self.heads: dict[str, ScoreHead] = {}
        self._causal: Any = base.model
        self._peft: PeftModel | None = None
        self._active: str | None = None
        self._blocks: dict[str | None, Blocks] = {}
        self._vocabulary: torch.Tensor | None = None

    @property
    def device(self) -> torch.device:
        return self.base.device

    @property
    def config(self) -> Any:
        """The backbone's configuration object, which its layers read."""
        return self._causal.config

    @property
    def backbone(self) -> Any:
        """The decoder without its language-model head: embeddings, layers (adapters within), norm."""
        return self._causal.model

    @property
    def context(self) -> int:
        """The most tokens that the backbone was trained to read at once."""
        return int(self._causal.config.max_position_embeddings)

    @property
    def hidden_size(self) -> int:
        return int(self._causal.config.hidden_size)

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of the adapters that are attached."""
        return tuple(self._peft.peft_config) if self._peft is not None else ()

    @property
    def _adapted(self) -> PeftModel:
        """The backbone with its adapters.

        Raises:
            ValueError: none was attached yet.
        """
        if self._peft is None:
            raise ValueError("no adapter is attached")
        return self._peft

    def attach(self, name: str, lora: LoraConfig, weights: dict[str, torch.Tensor] | None = None) -> None:
        """Put an adapter on the backbone, fresh (it changes nothing yet) or with the weights given.

        Raises:
            ValueError: the weights do not fit the backbone.
        """
        # Its first adapter puts new layers around the base's.
        self._blocks.clear()
        config = peft.LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=list(lora.targets),
            task_type="CAUSAL_LM",
        )
        if self._peft is None:
            self._peft = peft.get_peft_model(self._causal, config, adapter_name=name)
        else:
            self._peft.add_adapter(name, config)
        self._active = None
        for module in self._peft.modules():
            if isinstance(module, LoraLayer):
                # Autocast casts already; peft's own detour over float32 only costs time.
                module.cast_input_dtype_enabled = False
        if weights is not None:
            self.fill(name, weights)
        self._peft.eval()

    def detach(self, name: str) -> None:
        """Take an adapter and its head off the backbone; does nothing for a name that is not there."""
        self.heads.pop(name, None)
        if self._peft is not None and name in self._peft.peft_config:
            # peft cannot lose its last adapter; it is left attached and simply never used again.
            if len(self._peft.peft_config) > 1:
                self._peft.delete_adapter(name)
            self._active = None
        self._blocks.pop(name, None)

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        """An adapter's weights by peft's names, without the adapter's own name in them; float32, on the CPU."""
        state = get_peft_model_state_dict(self._adapted, adapter_name=name)
        return {key: value.detach().cpu().contiguous() for key, value in state.items()}

    def trainable(self, name: str) -> list[nn.Parameter]:
        """The parameters of one adapter, made trainable; those of all others are frozen."""
        self._adapted.set_adapter(name)
        self._active = name
        return [weight for key, weight in self._adapted.named_parameters() if f".{name}." in key and "lora_" in key]

    def train(self, mode: bool) -> None:
        """Training mode (dropout on) or not, for backbone and adapters."""
        self._blocks.clear()
        (self._peft or self._causal).train(mode)

    @contextmanager
    def using(self, name: str | None) -> Iterator[None]:
        """Run the backbone with this adapter, or bare with None."""
        if self._peft is None:
            yield
        elif name is None:
            with self._peft.disable_adapter():
                yield
        else:
            if self._active != name:
                self._peft.set_adapter(name)
                self._active = name
            yield

    def hidden(self, ids: torch.Tensor, **arguments: Any) -> Any:
        """(b, t) token ids -> the backbone's output, normalised hidden states (b, t, hidden) first."""
        return self._causal.model(input_ids=ids, **arguments)

    def blocks(self, adapter: str | None) -> Blocks:
        """The backbone's blocks under an adapter or bare, for reading and writing without gradients."""
        if adapter not in self._blocks:
            self._blocks[adapter] = Blocks(self.backbone, adapter)
        return self._blocks[adapter]

    def vocabulary(self, hidden: torch.Tensor) -> torch.Tensor:
        """(n, hidden) normalised hidden states -> (n, vocabulary) logits."""
        return self._causal.lm_head(hidden)

    def likeliest(self, hidden: torch.Tensor, forbidden: Sequence[Collection[int]]) -> list[int]:
        """(n, hidden) normalised states -> the likeliest token at each of them, but for those that it must not be.

        Where matrices are multiplied in bfloat16 on a CPU, that picks the likeliest few, and float32 one of them.
        """
        head = self._causal.lm_head.weight
        rough = self.base.device.type == "cpu" and self.base.dtype == torch.bfloat16
        logits = self._rough_logits(hidden) if rough else self.vocabulary(hidden.to(head.dtype)).float()
        for row, tokens in enumerate(forbidden):
            for token in tokens:
                logits[row, token] = float("-inf")
        if not rough:
            return [int(token) for token in logits.argmax(-1).tolist()]
        few = logits.topk(min(_FEW, logits.shape[-1])).indices
        exact = torch.einsum("nkh,nh->nk", head[few].float(), hidden.float())
        exact = exact.masked_fill(logits.gather(1, few).isneginf(), float("-inf"))
        return [int(token) for token in few.gather(1, exact.argmax(-1, keepdim=True)).squeeze(1).tolist()]

    def _rough_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        if self._vocabulary is None:
            self._vocabulary = packed(self._causal.lm_head.weight, torch.bfloat16)
        return product(hidden.bfloat16(), self._vocabulary)

    def yes_no_direction(self, yes: int, no: int) -> torch.Tensor:
        """(hidden,) float32: the difference of two tokens' rows in the language-model head."""
        rows = self._causal.lm_head.weight.detach().float()
        return (rows[yes] - rows[no]).cpu()

    def fill(self, name: str, weights: dict[str, torch.Tensor]) -> None:
        """Replace an adapter's weights.

        Raises:
            ValueError: names or shapes differ from the adapter's.
        """
        self._blocks.pop(name, None)
        expected = {key: value.shape for key, value in self.weights(name).items()}
        found = {key: value.shape for key, value in weights.items()}
        if expected != found:
            wrong = sorted(set(expected.items()) ^ set(found.items()))[0]
            raise ValueError(f"the adapter does not fit this base model (first difference: {wrong[0]})")
        set_peft_model_state_dict(self._peft, {key: value.float() for key, value in weights.items()}, adapter_name=name)
