"""Own tags that every AWS service takes."""

from __future__ import annotations

import pytest

from awsdeploy import config
from awsdeploy.errors import ConfigInvalid

HEAD = 'name = "shop"\nplatform = "supported"\n\n[tags]\n'


def tags(table: str) -> dict[str, str]:
    return dict(config.loads(HEAD + table).tags)


def test_what_every_service_takes_is_taken_as_it_is_written() -> None:
    table = "\n".join(['CostCenter = "42"', '"team:owner" = "platform / 한글 @ +1"', f'{"k" * 128} = "{"v" * 256}"'])
    assert tags(table) == {"CostCenter": "42", "team:owner": "platform / 한글 @ +1", "k" * 128: "v" * 256}
    assert len(tags("\n".join(f't{number} = "x"' for number in range(35)))) == 35


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('"aws:x" = "1"', 'does not begin with "aws:"'),
        ('"AWS:x" = "1"', 'does not begin with "aws:"'),
        ('"awsdeploy:stack" = "other/prod"', 'does not begin with "awsdeploy:"'),
        ('name = "x"', 'another key than "Name"'),
        ('Team = "a"\nteam = "b"', 'IAM takes "Team" for "team"'),
        ('DB_PASSWORD = "hunter2"', "does not look like a secret"),
        ('a = ""', "1–256 characters"),
        (f'{"k" * 129} = "a"', "1–128 characters"),
        (f'a = "{"v" * 257}"', "1–256 characters"),
        ('a = "x;y"', '";" is not allowed'),
        ('a = "x\\ty"', "is not allowed"),
        ('a = " x"', "no space at the beginning"),
        ("a = 1", 'write "1"'),
        ("\n".join(f't{number} = "x"' for number in range(36)), "at most 35 tags"),
    ],
)
def test_what_some_service_refuses_is_refused_here_first(table: str, said: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        tags(table)
    assert said in refused.value.message
    assert "hunter2" not in refused.value.message
