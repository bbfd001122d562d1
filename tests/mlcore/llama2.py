"""Checkpoints with the proportions of Llama-2 and random weights: scaled down for every test, full size for a card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.mlcore.conftest import TEXT


@dataclass(frozen=True)
class Llama2:
    """What `config.json` of a published Llama-2 says; heads are 128 wide and share no keys and values."""

    hidden: int
    ffn: int
    layers: int
    heads: int
    vocabulary: int = 32_000
    context: int = 4096

    def scaled_down(self) -> Llama2:
        """Widths divided by 32 (heads 32 wide), two layers; the ratios of width, heads and FFN stay."""
        hidden = self.hidden // 32
        return Llama2(hidden, self.ffn // 32, 2, hidden // 32, 512, self.context)


LLAMA2 = {"7b": Llama2(4096, 11008, 32, 32), "13b": Llama2(5120, 13824, 40, 40)}


def write_checkpoint(directory: Path, shape: Llama2, *, device: str = "cpu") -> Path:
    """A checkpoint directory of that shape; the tokenizer is of Llama-2's kind: <s>, </s>, bytes, no ChatML, no pad."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    directory.mkdir(parents=True)
    _write_tokenizer(directory)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        dtype="bfloat16",
    )
    before = torch.get_default_dtype()
    # 13 B numbers in float32 would need twice the memory.
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.random.fork_rng(), torch.device(device):
            torch.manual_seed(0)
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(str(directory))
    facts = {"name": directory.name, "revision": "random-weights-seed-0", "licence": "none", "source": "tests"}
    (directory / "base.json").write_text(json.dumps(facts))
    return directory


def _write_tokenizer(directory: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    pieces = [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=pieces, show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", model_max_length=4096
    )
    wrapped.save_pretrained(str(directory))
