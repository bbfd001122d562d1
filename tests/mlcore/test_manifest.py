from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.manifest import (
    FORMAT_VERSION,
    AdapterError,
    AdapterExists,
    BaseEntry,
    BaseMismatch,
    CorruptAdapter,
    IncompatibleAdapter,
    Manifest,
    PartEntry,
    card_markdown,
    read_manifest,
    update_metrics,
    write_adapter,
)

BASE = BaseEntry(name="tiny-llama", revision="abc123")
SCORER = PartEntry(files=("scorer.safetensors",), head="regression", settings={"rank": 8})


def make_manifest(**changes: object) -> Manifest:
    manifest = Manifest(
        name="Physics 2026",
        base=BASE,
        parts={"scorer": SCORER},
        training={"config": {"epochs": 3, "lora": {"rank": 8}}, "data": {"train.jsonl": "00ff"}, "seed": 7},
        licences=("SAF, CC BY 4.0",),
        weaknesses=("Long answers are cut.",),
    )
    return replace(manifest, **changes)  # type: ignore[arg-type]


def write_weights(directory: Path) -> None:
    (directory / "scorer.safetensors").write_bytes(b"weights" * 100)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "versions" / "one", write_weights, make_manifest())


def rewrite(adapter: Path, **changes: object) -> None:
    """Change fields of the manifest as an editor would, leaving its digest as it was."""
    path = adapter / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_read_back(adapter: Path) -> None:
    manifest = read_manifest(adapter)
    assert manifest == replace(make_manifest(), created=manifest.created, files=manifest.files)
    assert list(manifest.files) == ["scorer.safetensors"]


def test_it_leaves_nothing_but_the_adapter_behind(adapter: Path) -> None:
    assert [path.name for path in adapter.parent.iterdir()] == ["one"]
    assert sorted(path.name for path in adapter.iterdir()) == ["CARD.md", "manifest.json", "scorer.safetensors"]


def test_other_users_can_read_what_was_written(adapter: Path) -> None:
    assert {oct(path.stat().st_mode & 0o777) for path in adapter.iterdir()} == {"0o644"}
    assert oct(adapter.stat().st_mode & 0o777) == "0o755"


def test_a_failed_writing_leaves_no_directory(tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        write_weights(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_adapter(tmp_path / "one", fail, make_manifest())
    assert list(tmp_path.iterdir()) == []


def test_it_refuses_to_overwrite(adapter: Path) -> None:
    with pytest.raises(AdapterExists, match="never overwritten"):
        write_adapter(adapter, write_weights, make_manifest())
    assert read_manifest(adapter)


def test_it_refuses_a_directory_that_appeared_meanwhile(tmp_path: Path) -> None:
    def slowly(directory: Path) -> None:
        write_weights(directory)
        (tmp_path / "one").mkdir()

    with pytest.raises(AdapterExists):
        write_adapter(tmp_path / "one", slowly, make_manifest())


def test_it_refuses_a_part_without_its_file(tmp_path: Path) -> None:
    parts = {"scorer": replace(SCORER, files=("other.safetensors",))}
    with pytest.raises(AdapterError, match=r"needs other\.safetensors"):
        write_adapter(tmp_path / "one", write_weights, make_manifest(parts=parts))


def test_it_refuses_an_adapter_that_can_do_nothing(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="neither"):
        write_adapter(tmp_path / "one", write_weights, make_manifest(parts={}))


@pytest.mark.parametrize("name", ["weights.pkl", "weights.bin", ".hidden.json", "manifest.json"])
def test_it_refuses_files_that_are_no_weights(tmp_path: Path, name: str) -> None:
    with pytest.raises(AdapterError, match="not a name for an adapter's file"):
        write_adapter(tmp_path / "one", lambda directory: (directory / name).touch(), make_manifest())


def test_it_refuses_a_link_to_a_file_elsewhere(tmp_path: Path) -> None:
    def link(directory: Path) -> None:
        (directory / "scorer.safetensors").symlink_to("/etc/hostname")

    with pytest.raises(AdapterError, match="not a plain file"):
        write_adapter(tmp_path / "one", link, make_manifest())


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptAdapter, match="is not an adapter directory"):
        read_manifest(tmp_path / "nowhere")


def test_a_missing_file_is_named(adapter: Path) -> None:
    (adapter / "scorer.safetensors").unlink()
    with pytest.raises(CorruptAdapter, match=r"scorer\.safetensors is missing"):
        read_manifest(adapter)


def test_hashes_of_files_can_be_left_for_later(adapter: Path) -> None:
    (adapter / "scorer.safetensors").unlink()
    assert read_manifest(adapter, verify=False).name == "Physics 2026"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"format_version": 1}', "[" * 100_000], ids=range(7))
def test_a_broken_manifest_is_corrupt(adapter: Path, text: str) -> None:
    (adapter / "manifest.json").write_text(text)
    with pytest.raises(CorruptAdapter, match=r"manifest\.json"):
        read_manifest(adapter)


def test_an_edited_figure_is_noticed(adapter: Path) -> None:
    rewrite(adapter, metrics={"rmse": 0.01})
    with pytest.raises(CorruptAdapter, match="changed after it was written"):
        read_manifest(adapter)


def test_a_newer_format_is_incompatible_and_not_corrupt(adapter: Path) -> None:
    newer = FORMAT_VERSION + 1
    rewrite(adapter, format_version=newer, parts="laid out in another way")
    with pytest.raises(IncompatibleAdapter, match=rf"format version {newer}.*up to {FORMAT_VERSION}; update"):
        read_manifest(adapter)


@pytest.mark.parametrize(
    ("parts", "words"),
    [({"scorer": replace(SCORER, head="oracle")}, "head “oracle”"), ({"juggler": SCORER}, "part “juggler”")],
    ids=["head", "part"],
)
def test_an_unknown_head_or_part_is_incompatible(tmp_path: Path, parts: dict[str, PartEntry], words: str) -> None:
    with pytest.raises(IncompatibleAdapter, match=words):
        write_adapter(tmp_path / "one", write_weights, make_manifest(parts=parts))


@pytest.mark.parametrize("name", ["../secret.json", "/etc/secret.json", "a/b.json", "..", "a\\..\\b.json\n", ""])
def test_a_manifest_cannot_name_files_elsewhere(adapter: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A forger can compute the digest as well as we can: it is against accidents, the rule for names is against him.
    monkeypatch.setattr("mlcore.manifest._digest", lambda body: "forged")
    rewrite(adapter, files={name: "00"}, digest="forged")
    with pytest.raises(CorruptAdapter, match="no file of an adapter"):
        read_manifest(adapter)


def test_another_base_is_refused_in_words() -> None:
    make_manifest().require_base("tiny-llama", "abc123")
    with pytest.raises(BaseMismatch, match=r"trained on tiny-llama \(revision abc123\).*loaded is Llama-2-7b"):
        make_manifest().require_base("Llama-2-7b", "abc123")


def test_measurements_can_be_added_later(adapter: Path) -> None:
    changed = update_metrics(adapter, {"held-out": {"n": 4, "rmse": 0.25}})
    assert read_manifest(adapter) == changed
    assert "held-out (4 answers)" in (adapter / "CARD.md").read_text()
    assert len(list(adapter.iterdir())) == 3


def test_the_card_tells_figures_rivals_data_and_limits() -> None:
    measured = {
        "n": 40,
        "rmse": 0.2,
        "pearson": None,
        "feedback": {"bleu": 12.5},
        "floors": {"ridge": {"rmse": 0.19}, "nearest_feedback": {"bleu": 20.0}},
    }
    card = card_markdown(make_manifest(metrics={"unseen questions": measured}))
    assert "### unseen questions (40 answers)" in card
    assert "| this adapter | – | 0.200 | – |" in card
    assert "| TF-IDF + ridge | – | 0.190 |" in card
    assert "| feedback of the nearest answer | 20.0 |" in card
    assert "| mean of the question" not in card
    assert "SAF, CC BY 4.0" in card
    assert "Long answers are cut." in card
    assert "LoRA rank: 8" in card
    assert "a teacher" in card


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(
    name=names,
    metrics=st.dictionaries(names, json_values, max_size=3),
    licences=st.lists(names, max_size=3),
    head=st.sampled_from(["regression", "bands"]),
    weights=st.binary(max_size=64),
)
def test_any_manifest_survives_the_round_trip(
    name: str, metrics: dict[str, object], licences: list[str], head: str, weights: bytes
) -> None:
    manifest = make_manifest(
        name=name, metrics=metrics, licences=tuple(licences), parts={"scorer": replace(SCORER, head=head)}
    )
    with TemporaryDirectory() as directory:
        adapter = write_adapter(
            Path(directory) / "one", lambda where: _keep((where / "scorer.safetensors").write_bytes(weights)), manifest
        )
        read = read_manifest(adapter)
    assert replace(read, files={}) == manifest


@given(data=st.data())
def test_a_flipped_byte_is_noticed_or_means_nothing(data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        adapter = write_adapter(Path(directory) / "one", write_weights, make_manifest())
        before = read_manifest(adapter)
        path = adapter / data.draw(st.sampled_from(["manifest.json", "scorer.safetensors"]))
        before_bytes = path.read_bytes()
        content = bytearray(before_bytes)
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        if path.name == "manifest.json" and _same_content(bytes(content), before_bytes):
            # A space that became a tab, for instance.
            assert read_manifest(adapter) == before
        else:
            with pytest.raises(AdapterError, match=re.escape(str(path))):
                read_manifest(adapter)


def _same_content(first: bytes, second: bytes) -> bool:
    try:
        return json.loads(first) == json.loads(second)
    except ValueError:
        return False


def _keep(_: int) -> None:
    """write_bytes returns a number, and a writer of files returns nothing."""
