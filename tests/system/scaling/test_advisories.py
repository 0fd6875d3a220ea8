"""Notes of a plan about Auto Scaling: once, and only where it matters."""

from __future__ import annotations

import pytest

from awsdeploy.architecture import differences_from_document
from awsdeploy.config import loads

BASE = 'name = "shop"\nplatform = "supported"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["considers for production, is off"]),
        ('environment = "dev"\n', []),
        ("[services.backend.scaling]\n", []),
        ('[services.backend.scaling]\nhealth = "elb"\n', ["a failover makes the group replace every machine"]),
        (
            'environment = "dev"\n[services.backend.scaling]\nhealth = "elb"\n',
            ["a failover makes the group replace every machine"],
        ),
    ],
)
def test_the_plan_mentions_it_in_one_sentence_at_most(text: str, said: list[str]) -> None:
    if "[services" in text:
        text += "[services.frontend]\n"
    sentences = [
        one.sentence
        for one in differences_from_document.differences(loads(BASE + text))
        if "machine" in one.sentence or "Scaling" in one.sentence
    ]
    assert len(sentences) == len(said)
    assert all(words in sentence for words, sentence in zip(said, sentences, strict=True))
