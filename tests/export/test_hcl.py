"""HCL as it is written: escapes, alignment, nested blocks."""

from __future__ import annotations

import pytest

from awsdeploy.export.hcl import Block, Expression, Section, call, quoted, text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('say "hi"', '"say \\"hi\\""'),
        ("#{host}", '"#{host}"'),
        ("${aws:InstanceId}", '"$${aws:InstanceId}"'),
        ("%{if}", '"%%{if}"'),
        ("a\nb\\c", '"a\\nb\\\\c"'),
        ("한국어", '"한국어"'),
    ],
)
def test_nothing_in_a_string_is_a_template(value: str, written: str) -> None:
    assert quoted(value) == written


def test_a_block_is_formatted_as_terraform_does() -> None:
    settings = {
        "id": Expression("aws_vpc.network_vpc").id,
        "enabled": True,
        "left_out": None,
        "percent": 80.0,
        "share": 0.05,
        "tags": {"Name": "a", "awsdeploy:stack": "shop/dev"},
        "policy": call("jsonencode", {"Statement": [{"Effect": "Allow"}]}),
        "ingress": [],
        "rule": [Section(port=1), Section(port=22, block=Section())],
    }
    assert (
        text([Block("resource", ("aws_x", "one"), settings, "Two\nlines.")])
        == """\
# Two
# lines.
resource "aws_x" "one" {
  id      = aws_vpc.network_vpc.id
  enabled = true
  percent = 80
  share   = 0.05
  tags = {
    Name              = "a"
    "awsdeploy:stack" = "shop/dev"
  }
  policy = jsonencode({
    Statement = [
      {
        Effect = "Allow"
      },
    ]
  })
  ingress = []

  rule {
    port = 1
  }

  rule {
    port = 22

    block {}
  }
}
"""
    )
