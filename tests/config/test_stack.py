"""Names of a stack: each is recognised as its own, whatever other stacks are called."""

from __future__ import annotations

import pytest

from awsdeploy.config.stack import Stack

LIMIT = 32
OWN = Stack("shop", "prod")


@pytest.mark.parametrize("stack", [OWN, Stack("a-name-that-is-cut-in-aws", "production")])
def test_a_name_of_any_generation_is_its_own(stack: Stack) -> None:
    for generation in ("", "44136fa3", "44136fa3.2"):
        assert stack.has_called(stack.called("web/alb", generation, LIMIT), "web/alb", LIMIT)


@pytest.mark.parametrize("other", [Stack("shop", "prod2"), Stack("shop-prod", "dev"), Stack("shop", "pro")])
def test_a_name_of_a_stack_that_begins_alike_is_another_stacks(other: Stack) -> None:
    assert not OWN.has_called(other.called("web/alb", "44136fa3", LIMIT), "web/alb", LIMIT)


@pytest.mark.parametrize("name", ["shop-prod", "shop-prod-alb", "shop-prod-alb-0a1b2", "shop-prod-web-0a1b2c", ""])
def test_a_name_that_no_stack_gives_is_somebody_elses(name: str) -> None:
    assert not OWN.has_called(name, "web/alb", LIMIT)
