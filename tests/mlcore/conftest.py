"""A LLaMA checkpoint small enough for every test: random weights, and a real tokenizer of a few hundred tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

_TEXT = [
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
    tokenizer.train_from_iterator(_TEXT, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="right",
        model_max_length=1024,
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
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    model.to(torch.bfloat16).save_pretrained(str(directory))
