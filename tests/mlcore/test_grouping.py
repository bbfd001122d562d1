from __future__ import annotations

import numpy as np
import pytest

from mlcore.embedding import pack
from mlcore.grouping import Kind, group_answers, likeness, near_pairs, nearest

SWITCH = ["The switch opens the circuit.", "the switch opens the circuit", "The swich opens the circuit"]
LAMP = ["Lamps need batteries with enough charge", "Lamps need batteries having enough charge"]


def test_answers_that_differ_by_typing_are_one_group_and_others_stay_out():
    groups = group_answers([SWITCH[0], LAMP[0], SWITCH[1], "Rain fell.", SWITCH[2], LAMP[1]])
    assert [(group.kind, sorted(group.members)) for group in groups] == [
        (Kind.SIMILAR, [0, 2, 4]),
        (Kind.SIMILAR, [1, 5]),
        (Kind.SINGLE, [3]),
    ]


def test_answers_with_the_same_words_are_the_same_whatever_their_signs():
    assert group_answers([SWITCH[0], "Rain fell.", SWITCH[1]])[0].kind == Kind.SAME


def test_blank_and_off_topic_answers_are_groups_of_their_own_and_come_last():
    groups = group_answers(["", SWITCH[0], " … ", "I don't know", "Pizza"], blank=[3], off_topic=[4, 0])
    assert [(group.kind, group.members) for group in groups] == [
        (Kind.SINGLE, (1,)),
        (Kind.BLANK, (0, 2, 3)),
        (Kind.OFF_TOPIC, (4,)),
    ]


@pytest.mark.parametrize("texts", [[], [""], ["one"], ["", ""], ["!?", "a"]])
def test_every_row_is_in_one_group_however_few_there_are(texts):
    rows = [row for group in group_answers(texts) for row in group.members]
    assert sorted(rows) == list(range(len(texts)))


def test_the_same_answers_are_grouped_the_same_every_time():
    texts = [f"{word} {tail}" for word in (*SWITCH, *LAMP) for tail in ("", "now", "because of it")]
    assert group_answers(texts) == group_answers(list(texts))


def test_embeddings_bring_together_what_shares_no_words_and_part_what_does():
    texts = ["current stops", "no flow any more", "current stops not", "completely different thing"]
    away, left = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    vectors = [pack(vector) for vector in (left, left, away, [0.0, 0.0, 1.0])]
    plain, read = likeness(texts), likeness(texts, vectors)
    assert read[0, 1] > plain[0, 1]
    assert read[0, 2] < plain[0, 2]
    assert np.allclose(read, read.T)
    assert np.all(np.diag(read) == 1)


def test_it_refuses_embeddings_that_are_not_as_many_as_the_answers():
    with pytest.raises(ValueError, match="1 embeddings"):
        likeness(["a", "b"], [pack([1.0])])


def test_near_pairs_are_those_above_the_bound_the_most_alike_first():
    alike = np.array([[1.0, 0.9, 0.3], [0.9, 1.0, 0.95], [0.3, 0.95, 1.0]])
    assert near_pairs(alike, 0.85) == [(1, 2), (0, 1)]


def test_the_nearest_leave_out_what_is_not_alike_at_all():
    assert nearest([0.1, 0.9, 0.5, 0.7], most=2) == [1, 3]
    assert nearest([0.1, 0.05]) == []
