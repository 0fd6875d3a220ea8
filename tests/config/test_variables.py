"""Variables that a program requires: the forms that are read, and those that are not."""

from __future__ import annotations

import time

import pytest

from awsdeploy.config.project.variables import read, required, set_in_files


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("config.getOrThrow('STRIPE_KEY')", {"STRIPE_KEY"}),
        ("config.getOrThrow<string>(\n  'STRIPE_KEY',\n)", {"STRIPE_KEY"}),
        ("config.getOrThrow('db.host'); config.get('OTHER')", set()),
        ("if (!process.env.A_KEY) { throw new Error('A_KEY') }", {"A_KEY"}),
        ("if (!process.env['A_KEY']) throw new Error()", {"A_KEY"}),
        ("if (!process.env.A_KEY) return", set()),
        ("const key = process.env.A_KEY;\nif (!key) {\n  throw new Error('missing')\n}", {"A_KEY"}),
        ("const key: string | undefined = process.env.A_KEY\nif (!key) throw 1", {"A_KEY"}),
        ("const key = process.env.A_KEY;\nif (!other) throw 1", set()),
        ("const key = process.env.A_KEY ?? 'x';\nif (!key) throw 1", set()),
        (
            "validationSchema: Joi.object({ A: Joi.string().valid('x', 'y').required(), B: Joi.number().default(1),"
            " C: Joi.string(), D: Joi.string().required().default('d') })",
            {"A"},
        ),
        (
            "z.object({ A: z.string().min(1), B: z.coerce.number().default(3), C: z.enum(['a']).optional(),\n"
            " D: z\n  .string()\n  .url() }).parse(process.env)",
            {"A", "D"},
        ),
        ("const Shape = z.object({ NAME: z.string() })", set()),
    ],
)
def test_what_a_program_requires_is_read(text: str, names: set[str]) -> None:
    assert set(required({"src/main.ts": text})) == names


def test_a_schema_in_a_file_about_the_environment_counts() -> None:
    text = "export const schema = z.object({ NAME: z.string() })"
    assert required({"src/env.ts": text, "src/shape.ts": text}) == {"NAME": "src/env.ts"}


def test_committed_files_set_variables() -> None:
    files = {
        "back/.env": "# A_COMMENT=1\nexport ONE=1\nTWO = x\nlower=1\n",
        "back/ecosystem.config.js": "env: { THREE: 1, 'FOUR': 2 }",
    }
    assert set_in_files(files) == {"ONE", "TWO", "THREE", "FOUR"}


HOSTILE = (
    *("A: z." * 40_000, "A: Joi.(" * 25_000, "const a = process.env.A" * 8_000, "if (!" * 40_000),
    *("const a:" + " " * 200_000, "\n" * 200_000, "export " * 30_000, "A" * 200_000),
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_hostile_text_takes_no_time(text: str) -> None:
    began = time.monotonic()
    assert len(required({"src/env.ts": f"{text} process.env.A"})) < 2
    read({"src/env.ts": text})
    set_in_files({".env": text, "ecosystem.config.js": text})
    assert time.monotonic() - began < 10
