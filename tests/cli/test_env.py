"""env list, set, unset and import: by the installed command, what then stands in Parameter Store, and what goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from awsdeploy.errors import UsageError
from awsdeploy.release import env_file
from tests.account import leftovers
from tests.release.repository import commit, repository
from tests.simulated import World, tags
from tests.terminal import talk

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
timezone = "Asia/Seoul"
"""
PLACE = "/deploy/shop/dev"
SECRET = "sk-live-4f9a1c77b2"


def parameter(world: World, path: str) -> dict[str, Any]:
    found: dict[str, Any] = world.client("ssm").get_parameter(Name=f"{PLACE}/{path}", WithDecryption=True)["Parameter"]
    return found


def names(world: World) -> set[str]:
    return {one["Name"] for one in world.client("ssm").describe_parameters()["Parameters"]}


def listed(world: World, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = world.awsdeploy("env", "list", "--json", *words)
    assert done.returncode == 0, done.stderr
    return {(one["service"], one["name"]): one for one in json.loads(done.stdout)["variables"]}


def writes(world: World) -> int:
    return int(world.control("GET", "calls")["writes"])


def released(world: World) -> None:
    """Let the machines say that a release runs on them."""
    ids = [
        one["InstanceId"]
        for all in world.client("ec2").describe_instances()["Reservations"]
        for one in all["Instances"]
    ]
    world.client("ec2").create_tags(Resources=ids, Tags=[{"Key": "awsdeploy:release", "Value": "20260101T000000Z-a"}])


def test_a_value_from_standard_input_is_stored_encrypted_and_shown_nowhere(stack_copy: World) -> None:
    released(stack_copy)
    done = stack_copy.awsdeploy("env", "set", "backend", "STRIPE_KEY", stdin=f"{SECRET}\n")
    assert done.returncode == 0, done.stderr
    stored = parameter(stack_copy, "backend/STRIPE_KEY")
    assert (stored["Type"], stored["Value"]) == ("SecureString", SECRET)
    found = tags(
        stack_copy.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=stored["Name"])["TagList"]
    )
    assert (found["awsdeploy:stack"], found["awsdeploy:set"]) == ("shop/dev", "env")
    assert "awsdeploy restart backend" in done.stdout
    texts = [done.stdout, done.stderr, stack_copy.awsdeploy("env", "list", "--json").stdout]
    texts += [path.read_text(errors="replace") for path in stack_copy.folder.rglob("*") if path.is_file()]
    assert not any(SECRET in text for text in texts)


def test_a_value_is_asked_for_and_not_echoed(stack_copy: World) -> None:
    said, code = talk(["env", "set", "backend", "STRIPE_KEY"], [("Value of STRIPE_KEY", SECRET)])
    assert code == 0, said
    assert SECRET not in said
    assert parameter(stack_copy, "backend/STRIPE_KEY")["Value"] == SECRET


def test_a_value_on_the_command_line_is_taken_with_a_warning(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("env", "set", "backend", "LOG_LEVEL=debug", "URL=a=b")
    assert done.returncode == 0, done.stderr
    assert "LOG_LEVEL, URL is now in your shell history" in done.stderr
    assert parameter(stack_copy, "backend/URL")["Value"] == "a=b"


def test_setting_again_changes_the_value_and_keeps_the_tags(stack_copy: World) -> None:
    for value in ("one", "two"):
        assert stack_copy.awsdeploy("env", "set", "backend", "A", stdin=value).returncode == 0
    stored = parameter(stack_copy, "backend/A")
    assert (stored["Value"], stored["Version"]) == ("two", 2)
    assert listed(stack_copy)["backend", "A"]["origin"] == "set"


def test_the_list_says_who_set_what_and_where_the_rest_comes_from(stack_copy: World) -> None:
    stack_copy.awsdeploy("env", "set", "backend", "API_KEY", stdin=SECRET)
    stack_copy.awsdeploy("env", "set", "frontend", "NPM_TOKEN", "--build", stdin=SECRET)
    stack_copy.client("ssm").put_parameter(Name=f"{PLACE}/backend/OLD", Value="x", Type="String")
    found = listed(stack_copy)
    assert found["backend", "API_KEY"] == {
        "service": "backend",
        "name": "API_KEY",
        "build": False,
        "origin": "set",
        "by": "sandbox",
        "at": found["backend", "API_KEY"]["at"],
        "from": None,
        "shadows": None,
    }
    assert {name: (one["origin"], one["by"]) for (service, name), one in found.items() if service == "backend"} == {
        "API_KEY": ("set", "sandbox"),
        "OLD": ("by hand", "sandbox"),
        **dict.fromkeys(("JWT_SECRET", "S3_BUCKET"), ("awsdeploy", "awsdeploy")),
        **dict.fromkeys(
            ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_SSL_CA"), ("awsdeploy", "awsdeploy")
        ),
        **dict.fromkeys(("NODE_ENV", "PORT", "HOSTNAME", "AWS_REGION", "TZ"), ("computed", "awsdeploy")),
        **dict.fromkeys(("RELEASE_ID", "DATABASE_URL"), ("computed", "awsdeploy")),
    }
    assert ("frontend", "DB_HOST") not in found
    assert found["frontend", "NEXT_PUBLIC_BASE_URL"]["origin"] == "computed"
    assert found["frontend", "NPM_TOKEN"]["build"] is True
    text = stack_copy.awsdeploy("env", "list").stdout
    line = next(one for one in text.splitlines() if "API_KEY" in one)
    assert "set by sandbox" in line
    assert "+0900" in line
    assert SECRET not in text
    assert "backend" not in stack_copy.awsdeploy("env", "list", "frontend").stdout


def test_values_are_shown_on_request(stack_copy: World) -> None:
    stack_copy.awsdeploy("env", "set", "backend", "API_KEY", stdin=SECRET)
    stack_copy.awsdeploy("env", "set", "backend", "CERT", stdin="first\nsecond\n")
    shown = stack_copy.awsdeploy("env", "list", "backend", "--show").stdout
    assert SECRET in shown
    assert '"first\\nsecond"' in shown
    assert listed(stack_copy, "--show")["backend", "CERT"]["value"] == "first\nsecond"
    assert listed(stack_copy, "--show")["backend", "DB_USER"]["value"] == "app"


def test_what_takes_the_place_of_a_documented_name_is_warned_of(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("env", "set", "backend", "DB_HOST", stdin="elsewhere.example.com")
    assert done.returncode == 0, done.stderr
    assert "DB_HOST overrides the value that awsdeploy provides (the database)" in done.stderr
    assert "overrides the value" in stack_copy.awsdeploy("env", "list").stdout
    assert listed(stack_copy)["backend", "DB_HOST"]["shadows"] == "the database"
    quiet = stack_copy.awsdeploy("env", "set", "frontend", "DB_HOST", stdin="elsewhere.example.com")
    assert "overrides the value" not in quiet.stderr


def test_what_is_read_at_build_needs_a_build(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("env", "set", "frontend", "NEXT_PUBLIC_MAP=x")
    assert "awsdeploy deploy frontend" in done.stdout
    assert "restart" not in done.stdout
    done = stack_copy.awsdeploy("env", "set", "frontend", "NPM_TOKEN", "--build", stdin=SECRET)
    assert "awsdeploy deploy frontend" in done.stdout
    assert parameter(stack_copy, "frontend/build/NPM_TOKEN")["Value"] == SECRET


def test_what_is_read_at_build_is_said_to_need_more_than_a_restart(stack_copy: World) -> None:
    released(stack_copy)
    (stack_copy.folder / ".env").write_text("NEXT_PUBLIC_MAP=x\n")
    for words in (
        ("set", "frontend", "NEXT_PUBLIC_MAP=x"),
        ("set", "frontend", "NPM_TOKEN=x", "--build"),
        ("import", "frontend", ".env"),
        ("unset", "frontend", "NEXT_PUBLIC_MAP"),
    ):
        done = stack_copy.awsdeploy("env", *words, "--restart")
        assert done.returncode == 0, done.stderr
        assert "A restart is not enough: N" in done.stdout
        assert "awsdeploy deploy frontend" in done.stdout
    assert stack_copy.client("ssm").list_commands()["Commands"] == []


@pytest.mark.parametrize("words", [("set", "backend", "A=x", "NEXT_PUBLIC_B=y"), ("import", "backend", ".env")])
def test_a_service_that_cannot_be_restarted_has_its_variables_all_the_same(
    stack_copy: World, words: tuple[str, ...]
) -> None:
    released(stack_copy)
    (stack_copy.folder / ".env").write_text("A=x\nNEXT_PUBLIC_B=y\n")
    for reservation in stack_copy.client("ec2").describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            stack_copy.control("POST", "agent", {"instance": one["InstanceId"], "online": False})
    done = stack_copy.awsdeploy("env", *words, "--restart")
    assert done.returncode == 5, done.stderr
    assert "Set A, NEXT_PUBLIC_B for backend." in done.stdout
    assert "A restart is not enough: NEXT_PUBLIC_B" in done.stdout
    assert "agent" in done.stderr
    assert parameter(stack_copy, "backend/A")["Value"] == "x"


def test_before_the_first_release_nothing_is_restarted(stack_copy: World) -> None:
    (stack_copy.folder / ".env").write_text("B=y\n")
    for words in (("set", "backend", "A=x"), ("import", "backend", ".env"), ("unset", "backend", "A")):
        for more in ((), ("--restart",)):
            done = stack_copy.awsdeploy("env", *words, *more)
            if (words[0], more) == ("unset", ("--restart",)):
                continue  # it is gone
            assert done.returncode == 0, done.stderr
            assert "backend has no release yet. The first one uses the change:" in done.stdout
            assert "awsdeploy deploy backend" in done.stdout
            assert "awsdeploy restart" not in done.stdout
    assert stack_copy.client("ssm").list_commands()["Commands"] == []


def test_a_service_that_is_no_more_is_not_restarted(stack_copy: World) -> None:
    stack_copy.client("ssm").put_parameter(Name=f"{PLACE}/gone/A", Value="x", Type="SecureString")
    assert stack_copy.awsdeploy("env", "unset", "gone", "A", "--restart").returncode == 64
    assert parameter(stack_copy, "gone/A")["Value"] == "x"
    assert stack_copy.awsdeploy("env", "unset", "gone", "A").returncode == 0


@pytest.mark.parametrize("name", ["JWT_SECRET", "S3_BUCKET"])
def test_what_awsdeploy_made_is_written_over_only_by_force(stack_copy: World, name: str) -> None:
    before = parameter(stack_copy, f"backend/{name}")
    refused = stack_copy.awsdeploy("env", "set", "backend", name, stdin="mine")
    assert refused.returncode == 5, refused.stderr
    assert "--force" in refused.stderr
    assert stack_copy.awsdeploy("env", "unset", "backend", name).returncode == 5
    assert writes(stack_copy) == 0
    forced = stack_copy.awsdeploy("env", "set", "backend", name, "--force", stdin="mine")
    assert forced.returncode == 0, forced.stderr
    after = parameter(stack_copy, f"backend/{name}")
    assert (after["Value"], after["Type"]) == ("mine", before["Type"])
    assert listed(stack_copy)["backend", name]["origin"] == "awsdeploy"


def test_what_somebody_made_by_hand_without_encryption_is_removed_first(stack_copy: World) -> None:
    stack_copy.client("ssm").put_parameter(Name=f"{PLACE}/backend/OLD", Value="x", Type="String")
    refused = stack_copy.awsdeploy("env", "set", "backend", "OLD", stdin="y")
    assert refused.returncode == 5
    assert "awsdeploy env unset backend OLD" in refused.stderr
    assert stack_copy.awsdeploy("env", "unset", "backend", "OLD").returncode == 0
    assert stack_copy.awsdeploy("env", "set", "backend", "OLD", stdin="y").returncode == 0
    assert parameter(stack_copy, "backend/OLD")["Type"] == "SecureString"


def test_large_values_take_the_larger_tier_on_request_only(stack_copy: World) -> None:
    refused = stack_copy.awsdeploy("env", "set", "backend", "CERT", stdin="x" * 5000)
    assert refused.returncode == 64
    assert "5,000 bytes" in refused.stderr
    assert "--advanced" in refused.stderr
    assert "xxx" not in refused.stderr
    assert writes(stack_copy) == 0
    assert stack_copy.awsdeploy("env", "set", "backend", "CERT", "--advanced", stdin="x" * 5000).returncode == 0
    assert stack_copy.awsdeploy("env", "set", "backend", "CERT", stdin="short").returncode == 0
    assert parameter(stack_copy, "backend/CERT")["Value"] == "short"
    assert stack_copy.awsdeploy("env", "set", "backend", "CERT", "--advanced", stdin="x" * 9000).returncode == 64


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (("set", "backend", "1A=x"), ""),
        (("set", "backend", "A-B"), "x"),
        (("set", "backend", "A="), ""),
        (("set", "backend", "A"), ""),
        (("set", "backend", "A", "B"), "x"),
        (("set", "back", "A"), "x"),
        (("set", "database", "A"), "x"),
        (("unset", "backend", "A"), ""),
        (("unset", "backend", "DB_HOST"), ""),
        (("list", "back"), ""),
        (("import", "backend", "missing.env"), ""),
        (("import", "backend", "-"), "A\nB-C=1\n"),
    ],
)
def test_what_makes_no_sense_sets_nothing(stack_copy: World, words: tuple[str, ...], stdin: str) -> None:
    done = stack_copy.awsdeploy("env", *words, stdin=stdin)
    assert done.returncode == 64, done.stderr
    assert writes(stack_copy) == 0


BASE64 = "bGl2ZV80ZjlhMWM3N2IyLW5ldmVy"  # of a key's last lines: a name, as far as its letters go


REFUSED: list[tuple[tuple[str, ...], str, str]] = [
    (("set", "backend", "STRIPE_KEY", SECRET), "", "Argument 2 after backend is not a valid name"),
    (("set", f"STRIPE_KEY={SECRET}", "A=b"), "", "'STRIPE_KEY' is not a service"),
    (("set", "backend", f"A={SECRET}\udcff"), "", "A is not valid UTF-8 text"),
    (("set", "backend", f"A={SECRET * 500}"), "", "A has 9,000 bytes"),
    (("unset", "backend", f"A={SECRET}"), "", "Argument 1 after backend is not a valid name"),
    (("list", "backend", SECRET), "", "1 argument too many"),
    (("import", "backend", "-", SECRET), "", "1 argument too many"),
    (
        ("import", "backend", "-"),
        f"A=1\n{SECRET}\n",
        "standard input:2: the text before = is not a valid variable name",
    ),
    (("import", "backend", "-"), f"A=1\n{BASE64}\n", "standard input:2: = and a value are missing"),
    (
        ("import", "backend", "-"),
        f"A=1\n{BASE64}+==\n",
        "standard input:2: the text before = is not a valid variable name",
    ),
    (("import", "backend", "-"), f"{BASE64}=\n", "standard input:1 has no value"),
    (("import", "backend", "-"), f"\nA='{SECRET}\nB={SECRET}\n", "standard input:2: this line is not NAME=value"),
    (("import", "backend", "-"), f"A=1\n{BASE64}={SECRET * 500}\n", "standard input:2 has 9,000 bytes"),
    (("import", "backend", "-"), f"{SECRET}\udcff", "is not valid UTF-8 text"),
]


def test_no_refusal_repeats_what_may_be_a_value(stack_copy: World) -> None:
    for words, stdin, said in REFUSED:
        done = stack_copy.awsdeploy("env", *words, stdin=stdin)
        assert done.returncode == 64, (words, done.stderr)
        assert said in done.stderr
        assert not [one for one in (SECRET, BASE64) if one in done.stdout + done.stderr], words
    assert writes(stack_copy) == 0


def test_what_aws_repeats_of_a_value_is_not_passed_on(stack_copy: World) -> None:
    said = f"Value '{SECRET}' at 'value' failed to satisfy constraint"
    stack_copy.control(
        "POST", "refuse", {"operation": "ssm:PutParameter", "code": "ValidationException", "message": said}
    )
    done = stack_copy.awsdeploy("env", "set", "backend", "A", "--debug", stdin=SECRET)
    assert done.returncode == 4, done.stderr
    assert "Value '***' at 'value' failed" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_of_nothing_nothing_can_be_set(world: World) -> None:
    (world.folder / "config.toml").write_text(CONFIG)
    for words in (("set", "backend", "A=x"), ("list",), ("unset", "backend", "A")):
        assert world.awsdeploy("env", *words).returncode == 6
    assert names(world) == set()


def test_a_file_is_imported_without_what_awsdeploy_provides(stack_copy: World) -> None:
    text = (
        f'# mine\nexport API_KEY={SECRET} # live\nDB_HOST=localhost\nJWT_SECRET=dev\nEMPTY=\nKEY="a\nb"\nU=${{X}}/y\n'
    )
    (stack_copy.folder / ".env").write_text(text)
    done = stack_copy.awsdeploy("env", "import", "backend", ".env")
    assert done.returncode == 0, done.stderr
    assert "Set API_KEY, KEY, U for backend." in done.stdout
    for name in ("DB_HOST", "JWT_SECRET", ".env:5"):
        assert f"Skipped: {name} " in done.stderr
    assert ".env:8 looks like a reference to another variable" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert parameter(stack_copy, "backend/API_KEY")["Value"] == SECRET
    assert parameter(stack_copy, "backend/KEY")["Value"] == "a\nb"
    assert f"{PLACE}/backend/DB_HOST" not in names(stack_copy)
    assert stack_copy.awsdeploy("env", "import", "backend", ".env", "--force").returncode == 0
    assert parameter(stack_copy, "backend/DB_HOST")["Value"] == "localhost"
    assert parameter(stack_copy, "backend/JWT_SECRET")["Value"] == "dev"


def test_the_file_says_the_service_by_its_folder(stack_copy: World) -> None:
    for folder in ("back", "front"):
        (stack_copy.folder / folder).mkdir(exist_ok=True)
        (stack_copy.folder / folder / ".env").write_text(f"NEXT_PUBLIC_WHERE={folder}\n")
    for words, service in (
        (("front/.env",), "frontend"),
        (("back/.env",), "backend"),
        (("back/.env", "frontend"), "frontend"),
        (("frontend", "front/.env"), "frontend"),
    ):
        done = stack_copy.awsdeploy("env", "import", *words)
        assert done.returncode == 0, done.stderr
        assert f"Set NEXT_PUBLIC_WHERE for {service}." in done.stdout
        assert "awsdeploy deploy" in done.stdout
    assert parameter(stack_copy, "frontend/NEXT_PUBLIC_WHERE")["Value"] == "front"


def test_a_file_of_no_service_needs_a_name(stack_copy: World) -> None:
    (stack_copy.folder / ".env").write_text("A=1\n")
    for words, stdin in ((".env",), ""), (("-",), "A=1\n"):
        done = stack_copy.awsdeploy("env", "import", *words, stdin=stdin)
        assert done.returncode == 64
        assert "The service is missing" in done.stderr
        assert "Services: frontend, backend." in done.stderr
    assert writes(stack_copy) == 0


def test_on_a_terminal_the_names_are_shown_and_agreed_to(stack_copy: World) -> None:
    stack_copy.awsdeploy("env", "set", "backend", "OLD", stdin="x")
    (stack_copy.folder / ".env").write_text(f"API_KEY={SECRET}\nOLD=y\n")
    said, code = talk(["env", "import", ".env", "backend"], [("Set 2 variables for backend?", "n")])
    assert code == 8, said
    assert "New: API_KEY" in said
    assert "To overwrite: OLD" in said
    assert SECRET not in said
    assert f"{PLACE}/backend/API_KEY" not in names(stack_copy)
    said, code = talk(["env", "import", ".env", "backend"], [("Set 2 variables for backend?", "y")])
    assert code == 0, said
    assert parameter(stack_copy, "backend/OLD")["Value"] == "y"
    said, code = talk(["env", "import", ".env", "backend", "--yes"], [])
    assert code == 0, said


def test_what_the_code_requires_is_named_before_a_release(stack_copy: World) -> None:
    repository(stack_copy.folder)
    commit(stack_copy.folder, {"back/src/main.ts": "for (const one of ['A']) config.getOrThrow('STRIPE_KEY')"})
    for reservation in stack_copy.client("ec2").describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            stack_copy.control("POST", "agent", {"instance": one["InstanceId"], "online": False})
    said = "Note: backend: the code requires variables that are not set:\n  STRIPE_KEY (back/src/main.ts)\n"
    done = stack_copy.awsdeploy("deploy", "backend")
    assert done.returncode == 5, done.stderr
    assert said in done.stderr
    assert "awsdeploy env set backend STRIPE_KEY" in done.stderr
    stack_copy.awsdeploy("env", "set", "backend", "STRIPE_KEY", stdin=SECRET)
    done = stack_copy.awsdeploy("deploy", "backend")
    assert done.returncode == 5, done.stderr
    assert "STRIPE_KEY" not in done.stderr


def test_up_leaves_what_was_set_alone_and_destroy_takes_it_along(stack_copy: World) -> None:
    settings = stack_copy.settings(CONFIG)
    stack_copy.awsdeploy("env", "set", "backend", "API_KEY", stdin=SECRET)
    stack_copy.awsdeploy("env", "set", "frontend", "NPM_TOKEN", "--build", stdin=SECRET)
    stack_copy.awsdeploy("env", "set", "backend", "JWT_SECRET", "--force", stdin=SECRET)
    assert stack_copy.plan(settings).quiet
    stack_copy.up(settings)
    for path in ("backend/API_KEY", "frontend/build/NPM_TOKEN", "backend/JWT_SECRET"):
        assert parameter(stack_copy, path)["Value"] == SECRET
    done = stack_copy.awsdeploy("destroy", "--confirm", "shop-dev")
    assert done.returncode == 0, done.stderr
    assert "2 environment values" in done.stderr
    assert leftovers(stack_copy) == []


def test_what_the_stack_would_make_itself_is_in_the_way_if_it_was_set(stack_copy: World) -> None:
    stack_copy.client("ssm").delete_parameter(Name=f"{PLACE}/backend/JWT_SECRET")
    stack_copy.awsdeploy("env", "set", "backend", "JWT_SECRET", stdin=SECRET)
    done = stack_copy.awsdeploy("up", "--yes")
    assert done.returncode == 5, done.stderr
    assert "env set" in done.stderr
    assert parameter(stack_copy, "backend/JWT_SECRET")["Value"] == SECRET


def test_a_file_is_read_as_shells_and_frameworks_read_it() -> None:
    text = (
        "\ufeff# comment\n\nA=1\nexport B = two words  # comment\nC='$X #no'\nD=\"line\\nnext\"\n"
        'E="first\nsecond"\nF=a#b\nG="${H}"\nA=last\n'
    )
    found = {one.name: one for one in env_file.parse(text, ".env")}
    assert {name: one.value for name, one in found.items()} == {
        "A": "last",
        "B": "two words",
        "C": "$X #no",
        "D": "line\nnext",
        "E": "first\nsecond",
        "F": "a#b",
        "G": "${H}",
    }
    assert [name for name, one in found.items() if one.refers] == ["G"]


def test_the_lines_of_a_file_that_are_wrong_are_named_without_what_they_hold() -> None:
    with pytest.raises(UsageError) as raised:
        env_file.parse("A=1\n\n\nsecret words here\nB-C=2\nD\n", "my.env")
    assert raised.value.message.splitlines() == [
        "my.env:4: this line is not NAME=value.",
        "my.env:5: the text before = is not a valid variable name.",
        "my.env:6: = and a value are missing.",
    ]


def test_a_variable_of_config_toml_is_listed_with_its_text(stack_copy: World) -> None:
    table = '[services.frontend]\n[services.backend]\n[services.backend.variables]\nMYSQL_HOST = "{DB_HOST}"\nA = "x"\n'
    stack_copy.settings(CONFIG + table)
    row = listed(stack_copy, "--show")["backend", "MYSQL_HOST"]
    assert (row["origin"], row["by"], row["from"], row["value"]) == ("config.toml", "config.toml", "{DB_HOST}", None)
    assert "MYSQL_HOST config.toml: {DB_HOST}" in " ".join(stack_copy.awsdeploy("env", "list").stdout.split())
    (stack_copy.folder / "laptop.env").write_text("MYSQL_HOST=localhost\nB=1\n")
    done = stack_copy.awsdeploy("env", "import", "--yes", "laptop.env", "backend")
    assert "Skipped: MYSQL_HOST is in config.toml; --force sets it." in done.stderr, done.stderr
    done = stack_copy.awsdeploy("env", "set", "backend", "MYSQL_HOST=other")
    assert "Warning: MYSQL_HOST overrides config.toml: {DB_HOST}." in done.stderr
    rows = listed(stack_copy)
    assert (rows["backend", "MYSQL_HOST"]["origin"], rows["backend", "A"]["origin"]) == ("set", "config.toml")
    assert rows["backend", "MYSQL_HOST"]["shadows"] == "config.toml: {DB_HOST}"
