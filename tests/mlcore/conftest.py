"""A LLaMA checkpoint small enough for every test: random weights, and a real tokenizer of a few hundred tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TEXT = [
    "You are a teacher. You compare a student's answer with the reference answer.",
    "Why does the bulb go out when the switch is open? The gap opens the circuit, so no current flows.",
    "Why do plants wilt? They lose more water than their roots take up.",
    "Is the student answer correct? Yes. No. The answer earns points. Write feedback to the student.",
    "Warum verwelken Pflanzen? Weil sie mehr Wasser verlieren, als sie aufnehmen.",
]
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint directory as any LLaMA-family model has one: config, safetensors, tokenizer, base.json."""
    directory = tmp_path_factory.mktemp("bases") / "tiny-llama"
    size = _write_tokenizer(directory)
    _write_weights(directory, size)
    facts = {"name": "tiny-llama", "revision": "random-weights-seed-0", "licence": "none", "source": "tests"}
    (directory / "base.json").write_text(json.dumps(facts))
    return directory


@pytest.fixture(scope="session")
def tiny_adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter directory for `tiny_base` with a scorer and a feedback writer, both with random weights."""
    return make_tiny_adapter(tiny_base, tmp_path_factory.mktemp("adapters") / "tiny", seed=0)


def make_tiny_adapter(base: Path, directory: Path, *, seed: int) -> Path:
    """Another seed gives an adapter that marks differently."""
    import torch
    from safetensors.torch import save_file

    from mlcore.adapters import STACK_FILE, part_entry, part_files
    from mlcore.checkpoint import named
    from mlcore.config import PARTS, BaseConfig, LoraConfig, TrainConfig
    from mlcore.heads import make_head
    from mlcore.loading import load_base
    from mlcore.manifest import BaseEntry, Manifest, write_adapter
    from mlcore.model import Model
    from mlcore.stacking import SHAPES

    lora = LoraConfig(rank=2, alpha=4)
    config = TrainConfig(directory, (Path("rows.jsonl"),), BaseConfig(base, device="cpu"), lora=lora)
    model = Model(load_base(config.base))
    chance = torch.Generator().manual_seed(seed)
    files = {}
    for part in PARTS:
        model.attach(part, lora)
        state = named("adapter", model.weights(part))
        if part == "scorer":
            state |= named("head", make_head("regression", model.hidden_size, config.bands).state_dict())
        # A fresh adapter changes nothing; random weights show whether it is there.
        weights = {name: torch.randn(value.shape, generator=chance) * 0.1 for name, value in state.items()}
        files |= part_files(part, weights)

    stack = {name: (torch.rand(shape, generator=chance) - 0.5) * 0.1 for name, shape in SHAPES.items()}
    positive = {name: stack[name].abs() + 0.1 for name in ("counts", "spread")}
    files[STACK_FILE] = {**stack, **positive, "blend": torch.tensor([0.7, 0.3, 0.1])}

    def write(where: Path) -> None:
        for name, tensors in files.items():
            save_file(tensors, str(where / name))

    facts = {"scorer": {"stack": {"model": 0.5, "words": 0.5, "rows": 40, "rmse": 0.2, "rmse_model": 0.3}}}
    parts = {part: part_entry(part, config, facts.get(part, {})) for part in PARTS}
    training = {"held_out_questions": ["set/new"]}
    entry = BaseEntry("tiny-llama", "random-weights-seed-0")
    return write_adapter(directory, write, Manifest(f"Tiny {seed}", entry, dict(parts), training))


def _write_tokenizer(directory: Path) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    # All 256 bytes are in the alphabet, so every text can be written.
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="right",
        model_max_length=4096,
    )
    wrapped.save_pretrained(str(directory))
    return len(wrapped)


def _write_weights(directory: Path, vocabulary: int) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    model.to(torch.bfloat16).save_pretrained(str(directory))
