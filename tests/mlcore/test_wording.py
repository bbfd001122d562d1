"""What of a model's feedback a student may read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.schemas import MarkNote, Question
from mlcore.wording import contradicts, language_of, plain_verdict, worded

QUESTION = Question(
    "q",
    "Why does the bulb go out?",
    "The open switch leaves a gap in the circuit, so that no current can flow through the bulb.",
    max_points=2.0,
    step=0.5,
)
GERMAN = Question("d", "Warum geht die Lampe aus?", "Der offene Schalter unterbricht den Stromkreis.", language="de")
ANSWER = "There is a gap."


def said(text: str, points: float, answer: str = ANSWER, question: Question = QUESTION, **options: int) -> str:
    return worded(question, answer, text, points, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("The response is correct.", 0.5),
        ("Correct.", 0.0),
        ("That's right!", 0.5),
        ("The answer is completely correct because it names the gap.", 0.5),
        ("The response correctly answers the question.", 0.0),
        ("Alles richtig.", 0.5),
        ("The response is partially correct.", 1.0),
        ("The response is partially correct.", 0.0),
        ("The response is incorrect.", 1.0),
        ("The answer is wrong.", 0.5),
        ("Falsch!", 1.0),
        ("Die Antwort ist teilweise richtig.", 1.0),
    ],
)
def test_a_verdict_that_the_points_do_not_bear_out_is_found(text: str, share: float) -> None:
    assert contradicts(text, share)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("The response is correct.", 1.0),
        ("The response is partially correct.", 0.5),
        ("The response is incorrect.", 0.0),
        ("The response correctly names the gap.", 0.5),
        ("The response is correct, but the reason is missing.", 0.5),
        ("The remaining response is correct.", 0.5),
        ("The first reason is wrong.", 0.5),
        ("The correct answer names the gap.", 0.0),
        ("Du hast den Stromkreis genannt, es fehlt der Schalter.", 0.5),
    ],
)
def test_a_verdict_that_fits_is_left(text: str, share: float) -> None:
    assert not contradicts(text, share)


def test_what_contradicts_the_points_goes_and_the_rest_stays() -> None:
    text = "The response is correct. It names the gap. Say also what the current does."
    assert said(text, 1.0) == "It names the gap. Say also what the current does."
    assert said(text, 2.0) == text


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (2.0, "The response is correct."),
        (0.5, "The response is partially correct."),
        (0.0, "The response is incorrect."),
    ],
)
def test_where_nothing_is_left_a_short_honest_sentence_stands(points: float, sentence: str) -> None:
    wrong = "The response is incorrect." if points else "The response is correct."
    assert said(wrong, points) == sentence
    assert said("", points) == sentence
    assert said("The response names the gap and…", points) == sentence


def test_the_reference_answer_is_not_given_away() -> None:
    text = f"The switch matters. {QUESTION.reference_answer}"
    assert said(text, 1.0) == "The switch matters."
    assert said(text, 1.0, quoted_words=0) == text
    # A few words of it are no secret, nor is what the student wrote.
    assert said("Think of the gap in the circuit.", 1.0) == "Think of the gap in the circuit."
    assert said(text, 1.0, answer=QUESTION.reference_answer) == text


def test_a_short_reference_is_not_said_whole() -> None:
    question = Question("s", "Why?", "The path is open.", max_points=2.0)
    assert said("The path is open. Look again.", 1.0, question=question) == "Look again."


def test_a_loop_is_cut() -> None:
    text = "Say what the current does in the circuit. And say what the current does in the circuit."
    assert said(text, 1.0) == "Say what the current does in the circuit."


def test_it_speaks_the_answers_language() -> None:
    english = "The response does not say what the switch is for in the circuit."
    assert said(english, 0.5, "Der Schalter ist offen.", GERMAN) == "Die Antwort ist teilweise richtig."
    german = "Es fehlt, was der Schalter mit dem Strom und der Lampe macht."
    assert said(german, 0.5, "Der Schalter ist offen.", GERMAN) == german
    assert language_of(GERMAN, "The switch is open, so there is no way for the current.") == "en"
    assert language_of(GERMAN, "1,5 V") == "de"


def test_who_did_not_answer_is_told_so() -> None:
    notes = frozenset({MarkNote.NO_ANSWER})
    found = worded(QUESTION, "idk", "The response is incorrect because of the gap.", 0.0, notes=notes)
    assert found.startswith("This does not answer the question.")
    # A teacher who gives points for it has read something in it.
    assert worded(QUESTION, "idk", "It names the gap.", 1.0, notes=notes) == "It names the gap."


def test_a_base_that_learned_no_feedback_says_little() -> None:
    assert said("One thing. Two things. Three things.", 1.0, most_sentences=2) == "One thing. Two things."


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_there_is_always_something_to_say(answer: str, text: str, points: float) -> None:
    assert said(text, points, answer).strip()


def test_every_language_has_its_sentences() -> None:
    assert plain_verdict(1.0, "de") == "Die Antwort ist richtig."
    assert plain_verdict(0.3, "en") == "The response is partially correct."
