"""What is marked in a benchmark: one assignment and made-up answers to it, the same in every run."""

from __future__ import annotations

import random

from mlcore.schemas import Answer, Question

_QUESTION = (
    "A class grows bean plants in three places: on a sunny window sill, in a cupboard without any light, and on a "
    "shelf in the shade. All plants get the same amount of water. After three weeks the plants on the window sill are "
    "green and strong, those on the shelf are pale and long, and those in the cupboard have died. Explain what the "
    "class can conclude from this about what plants need, name the process that is behind it, and say what the class "
    "kept the same so that the comparison is fair."
)
_REFERENCE = (
    "Plants need light to live. With the energy of light they make sugar from water and carbon dioxide and set oxygen "
    "free; the process is called photosynthesis and takes place in the chloroplasts, which are green because of their "
    "chlorophyll. In the shade there is little light, so the plants make less chlorophyll, stay pale and grow long in "
    "search of light. In the dark they cannot make sugar at all and die as soon as the seed's store is used up. The "
    "comparison is fair because water, soil and kind of plant were the same and only the light was different. One mark "
    "for light, one for photosynthesis, one for each of two things that were kept the same."
)
_OPENINGS = [
    "I think that",
    "The experiment shows that",
    "In my opinion",
    "It is clear that",
    "We learned in class that",
]
_CLAIMS = [
    "plants need light to make their own food",
    "the plants in the cupboard died because they could not do photosynthesis",
    "water is the only thing that a plant really needs",
    "the pale plants had too little chlorophyll",
    "sugar is made from carbon dioxide and water with the energy of the sun",
    "plants eat the soil and in the dark they cannot find it",
    "the plants in the shade grew long because they were looking for light",
    "the class gave all of them the same water, so only the light was different",
    "it was warmer on the window sill and so they grew better",
    "oxygen is set free by the leaves when the sun shines on them",
]


def assignment(number: int = 0) -> Question:
    """One question of 4 points; with the instructions around it about 300 tokens that all answers share.

    Another number gives another text, so that nothing that was kept of the last one helps.
    """
    return Question(f"bench {number}", f"Experiment {number}. {_QUESTION}", _REFERENCE, max_points=4.0, step=0.5)


def answers(count: int) -> list[Answer]:
    """`count` answers of one to seven sentences, about 60 tokens on average, in no order of length."""
    chance = random.Random(0)  # noqa: S311 (not a secret)
    return [Answer(str(number), _answer(chance)) for number in range(count)]


def _answer(chance: random.Random) -> str:
    claims = chance.sample(_CLAIMS, chance.choice([1, 2, 3, 4, 4, 5, 7]))
    return " ".join(f"{chance.choice(_OPENINGS)} {claim}." for claim in claims)
