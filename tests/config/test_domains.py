"""Registrable parts of domains, by the rules of one top-level domain, against the whole public suffix list."""

from __future__ import annotations

from pathlib import Path

import pytest
from publicsuffixlist import PSLFILE, PublicSuffixList

from awsdeploy.config import domains

WHOLE = PublicSuffixList(only_icann=True)


def below(rule: str) -> list[str]:
    """Names around a rule, in ASCII."""
    name = rule.removeprefix("!").replace("*", "any").encode("idna").decode("ascii")
    return [name, f"a.{name}", f"b.a.{name}"]


def rules() -> list[str]:
    lines = (line.strip() for line in Path(PSLFILE).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("//")]


def test_the_rules_of_a_top_level_domain_say_what_the_whole_list_says() -> None:
    for rule in rules()[::29] + [rule for rule in rules() if rule.startswith(("!", "*"))]:
        for name in below(rule):
            assert domains.registrable(name) == WHOLE.privatesuffix(name), name


@pytest.mark.parametrize("name", ["example.nosuchtld", "a.example.xn--3e0b707e", "www.ck", "a.b.ck"])
def test_unknown_and_international_top_level_domains(name: str) -> None:
    assert domains.registrable(name) == WHOLE.privatesuffix(name)


def test_only_the_rules_of_the_top_level_domain_are_kept() -> None:
    assert len(domains._suffixes("com")._publicsuffix) < 50
