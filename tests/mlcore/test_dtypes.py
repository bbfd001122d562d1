"""What a model's matrices are multiplied in on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mlcore import dtypes
from mlcore.base import BaseModelError
from mlcore.config import BaseConfig
from mlcore.dtypes import computable, offer, resolve_dtype, time_products
from mlcore.engine import Engine
from mlcore.loading import load_base

CPU = torch.device("cpu")
Measured = Callable[[float, float], list[int]]


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BaseConfig:
    """A base in a directory where nothing was measured yet."""
    place = tmp_path / "models" / "tiny"
    place.parent.mkdir()
    place.symlink_to(tiny_base)
    monkeypatch.delenv(dtypes.TIMINGS_VARIABLE, raising=False)
    return BaseConfig(place, device="cpu")


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """A CPU that multiplies in both dtypes and takes as long as a test says; the list counts how often it was asked."""
    monkeypatch.setattr(dtypes, "computable", lambda device: ("float32", "bfloat16"))

    def set_times(float32: float, bfloat16: float) -> list[int]:
        asked: list[int] = []

        def time(shapes: object, layers: int) -> dict[str, float]:
            asked.append(layers)
            return {"float32": float32, "bfloat16": bfloat16}

        monkeypatch.setattr(dtypes, "time_products", time)
        return asked

    return set_times


def test_the_dtype_is_the_one_that_was_measured_to_be_faster(base: BaseConfig, measures: Measured) -> None:
    measures(100, 40)
    assert resolve_dtype(base, CPU) == torch.bfloat16


def test_a_restart_never_changes_it(base: BaseConfig, measures: Measured) -> None:
    first = measures(100, 40)
    assert (offer(base).own, len(first)) == ("bfloat16", 1)
    second = measures(40, 100)
    assert (offer(base).own, len(second)) == ("bfloat16", 0)
    assert len(list((base.directory.parent / dtypes.KEPT_IN).glob("*.json"))) == 1


def test_it_is_kept_where_the_environment_says(
    base: BaseConfig, measures: Measured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A base may lie where nothing can be written."""
    measures(100, 40)
    monkeypatch.setenv(dtypes.TIMINGS_VARIABLE, str(tmp_path / "elsewhere"))
    assert offer(base).own == "bfloat16"
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    assert not (base.directory.parent / dtypes.KEPT_IN).exists()


def test_a_setting_counts_more_than_what_was_measured(base: BaseConfig, measures: Measured) -> None:
    asked = measures(100, 40)
    fixed = BaseConfig(base.directory, compute_dtype="float32", device="cpu")
    assert (offer(fixed).own, offer(fixed).timing, asked) == ("float32", "", [])


def test_an_offer_says_what_was_measured_and_what_else_this_machine_can(base: BaseConfig, measures: Measured) -> None:
    measures(50, 100)
    found = offer(base)
    assert (found.own, found.known) == ("float32", ("float32", "bfloat16"))
    assert found.timing == "float32 50.0 ms, bfloat16 100.0 ms"


def test_weights_that_stay_quantised_are_multiplied_in_float32_whatever_is_faster(
    base: BaseConfig, measures: Measured
) -> None:
    """Only packed weights are known to give a row the same bits in bfloat16 whatever stands beside it."""
    measures(100, 40)
    quantised = BaseConfig(base.directory, device="cpu", expand="no")
    assert (offer(quantised).own, offer(quantised).known) == ("float32", ("float32",))
    assert resolve_dtype(quantised, CPU, training=True) == torch.bfloat16


def test_a_dtype_that_this_machine_lacks_is_refused_in_words(base: BaseConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtypes, "computable", lambda device: ("float32",))
    asked = BaseConfig(base.directory, compute_dtype="bfloat16", device="cpu")
    with pytest.raises(BaseModelError, match="cannot multiply in bfloat16 on cpu, only in float32"):
        load_base(asked)


def test_a_base_that_is_not_there_is_said(tmp_path: Path, measures: Measured) -> None:
    measures(100, 40)
    with pytest.raises(BaseModelError, match="nothing-here"):
        offer(BaseConfig(tmp_path / "nothing-here", device="cpu"))


def test_an_engine_multiplies_in_it(base: BaseConfig, measures: Measured) -> None:
    measures(50, 100)
    assert Engine(base).dtype == "float32"


def test_both_dtypes_are_timed_on_the_model_s_own_shapes() -> None:
    if "bfloat16" not in computable(CPU):
        pytest.skip("this CPU cannot multiply in bfloat16")
    found = time_products([(64, 64), (64, 32), (96, 64)], layers=3)
    assert set(found) == {"float32", "bfloat16"}
    assert min(found.values()) > 0
