"""Embeddings as bytes: what comes out is what went in, and those of two models are never compared."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.embedding import pack, unpack


def test_a_packed_vector_comes_back_with_length_one() -> None:
    found = unpack([pack([3.0, 4.0])])
    assert found.shape == (1, 2)
    assert found[0] == pytest.approx([0.6, 0.8], abs=1e-3)


def test_an_answer_that_was_not_read_is_a_row_of_zeros() -> None:
    found = unpack([pack([1.0, 0.0]), b""])
    assert found.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_nothing_packs_to_nothing_and_zeros_stay_zeros() -> None:
    assert unpack([]).shape[0] == 0
    assert unpack([pack(np.zeros(3))]).tolist() == [[0.0, 0.0, 0.0]]


def test_it_refuses_to_compare_embeddings_of_two_models() -> None:
    with pytest.raises(ValueError, match="different models"):
        unpack([pack([1.0, 0.0]), pack([1.0, 0.0, 0.0])])
