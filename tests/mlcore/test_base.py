"""Base models: what is told of a checkpoint without loading it, and the bundled one beside what transformers reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from mlcore.base import BUNDLED_NAME, BaseModelError, describe_base, prepare_bundled_base


@pytest.fixture(scope="session")
def bundled_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model as a checkpoint: the one of MARGINALIA_BASE where it is set, or one written for these tests."""
    known = os.environ.get("MARGINALIA_BASE")
    return Path(known) if known else prepare_bundled_base(tmp_path_factory.mktemp("bundled") / "base")


def test_base_json_names_the_model(tiny_base: Path) -> None:
    info = describe_base(tiny_base)
    assert (info.name, info.revision) == ("tiny-llama", "random-weights-seed-0")


def test_without_base_json_the_revision_follows_the_weights(tiny_base: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tiny_base.iterdir():
        if path.name != "base.json":
            (copy / path.name).write_bytes(path.read_bytes())
    first = describe_base(copy)
    assert first.name == "copy"
    assert describe_base(copy) == first
    (copy / "more.safetensors").write_bytes(bytes(8))
    assert describe_base(copy).revision != first.revision


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "not a checkpoint directory"),
        ({"config.json": "{"}, "not readable JSON"),
        ({"config.json": "[]"}, "JSON object"),
        ({"config.json": '{"model_type": "gpt2"}'}, "gpt2"),
        ({"config.json": '{"model_type": "llama"}'}, "no weights"),
        ({"config.json": '{"model_type": "llama"}', "m.safetensors": "", "base.json": "{}"}, "name and revision"),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_words(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(BaseModelError, match=words):
        describe_base(tmp_path)


def test_it_does_not_overwrite_what_is_there(tiny_base: Path) -> None:
    before = json.loads((tiny_base / "base.json").read_text())
    assert prepare_bundled_base(tiny_base) == tiny_base
    assert json.loads((tiny_base / "base.json").read_text()) == before


@pytest.mark.slow
@pytest.mark.model
def test_the_bundled_base_is_what_transformers_reads_from_the_gguf(bundled_base: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from mlcore.base import bundled_gguf

    gguf = bundled_gguf()
    reference = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.bfloat16)
    ours = load_file(bundled_base / "model.safetensors")
    expected = {key: value for key, value in reference.state_dict().items() if key != "lm_head.weight"}
    assert ours.keys() == expected.keys()
    assert not [key for key, value in expected.items() if not torch.equal(ours[key], value.to(torch.bfloat16))]
    written = AutoModelForCausalLM.from_pretrained(str(bundled_base)).config
    for name in ("rope_parameters", "rms_norm_eps", "max_position_embeddings", "vocab_size", "tie_word_embeddings"):
        assert getattr(written, name) == getattr(reference.config, name), name
    tokenizer = AutoTokenizer.from_pretrained(str(bundled_base))
    assert (tokenizer.pad_token, tokenizer.model_max_length) == ("<|endoftext|>", 8192)
    assert describe_base(bundled_base).name == BUNDLED_NAME
