"""The bootstrap script really runs, in a throwaway root; a stub at its one named point plays the rest of the world."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.resources.compute import bootstrap, placeholder

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
NODE_18 = "node-v18.20.8-linux-x64-glibc-217"
LARGE, SMALL = 3_900_000, 980_000  # kB of a t3.medium and a t3.micro
PAGE = placeholder.user_data("al2023", 9999, "/api/health", "ap-northeast-2", "s3://b/releases/backend/current.json")
AGENT = "opt/aws/amazon-cloudwatch-agent"

WORLD = f"""\
#!/bin/bash
# Everything that would come from outside, made on the spot; what was asked for is written down.
set -euo pipefail
echo "outside $*" >>"$CALLS"
case "$*" in "$REFUSES"*) exit 1 ;; esac
make() {{
  mkdir -p "$(dirname "$ROOT/$1")"
  printf '#!/bin/bash\\necho "%s $*" >>"$CALLS"\\n' "${{1##*/}}" >"$ROOT/$1"
  chmod 755 "$ROOT/$1"
}}
case $1 in
packages)
  for name in "${{@:2}}"; do
    case $name in
    nodejs24) make usr/bin/node-24 ;;
    iptables*) make usr/sbin/iptables ;;
    git) make usr/bin/git ;;
    logrotate) make usr/sbin/logrotate ;;
    amazon-cloudwatch-agent) make {AGENT}/bin/amazon-cloudwatch-agent-ctl ;;
    esac
  done ;;
tools) cp "$SERVED/package-lock.json" "$2" ;;
npm)
  for name in pm2 yarn; do
    mkdir -p "$2/node_modules/$name"
    version=$(grep -o "\\"$name\\": \\"[0-9.]*" "$2/package.json" | grep -o '[0-9.]*$')
    echo "{{ \\"version\\": \\"$version\\" }}" >"$2/node_modules/$name/package.json"
  done ;;
download) cp "$SERVED/${{2##*/}}" "$3" ;;
esac
"""

HERE = {
    "id": 'grep -q "^$1:" "$ROOT/etc/passwd"',
    "useradd": 'mkdir -p "$ROOT/etc"; echo "${@: -1}:x" >>"$ROOT/etc/passwd"',
    "chown": "true",
    "dd": 'for word in "$@"; do case $word in of=*) : >"${word#of=}" ;; esac; done',
    "mkswap": "true",
    "swapon": 'echo "/swapfile file" >>"$ROOT/proc/swaps"',
    "iptables": "true",
    "alternatives": 'ln -sfn "$ROOT$3" "$ROOT/usr/bin/node"',
    "systemctl": f'[[ $1 != is-active || -f "$ROOT/{AGENT}/etc/awsdeploy.json" ]]',
    "sleep": "true",
}
"""Commands that a machine has and a throwaway root has not."""


@dataclass
class BootstrapHost:
    """A machine below a folder of its own."""

    root: Path
    tools: Path
    system: str

    def bootstrap(self, refuses: str = "nothing is refused") -> subprocess.CompletedProcess[str]:
        calls = self.tools / "calls"
        calls.write_text("")
        return subprocess.run(
            ["bash", "-s", "shop/prod", "backend", self.system, "ap-northeast-2", "a-bucket"],
            input=bootstrap.script().decode(),
            env={
                "PATH": f"{self.tools}:{os.environ['PATH']}",
                "ROOT": str(self.root),
                "OUTSIDE": str(self.tools / "outside"),
                "CALLS": str(calls),
                "SERVED": str(self.tools / "served"),
                "REFUSES": refuses,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return (self.tools / "calls").read_text().splitlines()

    @property
    def outcome(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "var/lib/awsdeploy/bootstrap.json").read_text())
        return found

    def everything(self) -> dict[str, tuple[int, int, str]]:
        """Every file with its mode, its time and what is in it."""
        return {
            str(path.relative_to(self.root)): (
                path.lstat().st_mode,
                path.lstat().st_mtime_ns,
                os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else "",
            )
            for path in self.root.rglob("*")
        }


@pytest.fixture
def bootstrap_host(tmp_path: Path) -> Callable[..., BootstrapHost]:
    def made(system: str = "al2023", memory: int = LARGE) -> BootstrapHost:
        found = BootstrapHost(tmp_path / "root", tmp_path / "tools", system)
        (found.root / "proc").mkdir(parents=True)
        (found.root / "proc/meminfo").write_text(f"MemTotal:       {memory} kB\nMemFree: 1 kB\n")
        (found.root / "proc/swaps").write_text("Filename Type Size Used Priority\n")
        (found.root / "etc").mkdir()
        (found.root / "etc/passwd").write_text("root:x\n")
        found.tools.mkdir()
        for name, lines in HERE.items():
            program(found.tools / name, f'#!/bin/bash\necho "{name} $*" >>"$CALLS"\n{lines}\n')
        program(found.tools / "outside", WORLD)
        serve_node(found.tools / "served")
        (found.tools / "served/package-lock.json").write_bytes(bootstrap.tools_lock())
        return found

    return made


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def serve_node(folder: Path) -> None:
    """A Node.js of a few bytes, as it is published."""
    for name in ("node", "npm", "npx"):
        (folder / NODE_18 / "bin").mkdir(parents=True, exist_ok=True)
        program(folder / NODE_18 / "bin" / name, "#!/bin/bash\n")
    subprocess.run(["tar", "-cJf", f"{NODE_18}.tar.xz", NODE_18], cwd=folder, check=True)
    sums = subprocess.run(["sha256sum", f"{NODE_18}.tar.xz"], cwd=folder, check=True, capture_output=True, text=True)
    other = f"{'0' * 64}  node-v18.20.8-linux-x64.tar.xz\n"
    (folder / "SHASUMS256.txt").write_text(other + sums.stdout)


def test_shellcheck_accepts_the_user_data() -> None:
    """`make lint` checks the scripts that are files."""
    text = PAGE + bootstrap.fetched("a-bucket", "shop/prod", "backend", "al2023", "ap-northeast-2")
    done = subprocess.run([SHELLCHECK, "-"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.mark.parametrize("system", ["al2", "al2023"])
def test_a_machine_becomes_ready_for_releases(bootstrap_host: Callable[..., BootstrapHost], system: str) -> None:
    machine = bootstrap_host(system)
    done = machine.bootstrap()
    assert done.returncode == 0, done.stderr
    assert {name: machine.outcome[name] for name in ("version", "outcome", "step")} == {
        "version": 6,
        "outcome": "ok",
        "step": "",
    }
    assert machine.calls[-2:] == ["outside tag ok 6", "outside release"]
    owners = {"srv/app": "root", "srv/app/releases": "root", "srv/app/shared": "app", "var/log/app": "app"}
    for folder, owner in owners.items():
        assert (machine.root / folder).is_dir()
        assert f"chown {owner}:{owner} {machine.root / folder}" in machine.calls
    for user in ("app", "app-build"):
        assert any(call.startswith("useradd --system") and call.endswith(f" {user}") for call in machine.calls)


def test_pm2_and_yarn_come_by_a_lock_file_with_a_hash_for_each_package(
    bootstrap_host: Callable[..., BootstrapHost],
) -> None:
    machine = bootstrap_host()
    machine.bootstrap()
    tools = machine.root / "opt/awsdeploy/tools"
    assert f"outside npm {tools}" in machine.calls
    wanted = json.loads((tools / "package.json").read_text())["dependencies"]
    lock = json.loads((tools / "package-lock.json").read_text())["packages"]
    assert lock[""]["dependencies"] == wanted == {"pm2": "6.0.8", "yarn": "1.22.22"}
    assert all("integrity" in one and "resolved" not in one for name, one in lock.items() if name)
    assert "npm ci " in bootstrap.script().decode()
    assert "--ignore-scripts" in bootstrap.script().decode()
    for name in ("pm2", "yarn"):
        assert os.readlink(machine.root / "usr/local/bin" / name) == f"/opt/awsdeploy/tools/node_modules/.bin/{name}"


@pytest.mark.parametrize(("system", "package"), [("al2", "iptables"), ("al2023", "iptables-nft")])
def test_the_builder_reaches_no_credentials_of_the_machine(
    bootstrap_host: Callable[..., BootstrapHost], system: str, package: str
) -> None:
    machine = bootstrap_host(system)
    machine.bootstrap()
    assert f"outside packages {package}" in machine.calls
    unit = (machine.root / "etc/systemd/system/awsdeploy-metadata.service").read_text()
    assert "-I OUTPUT -d 169.254.169.254 -m owner --uid-owner app-build -j REJECT" in unit
    assert "systemctl enable --quiet --now awsdeploy-metadata.service" in machine.calls


def test_the_agent_reads_logs_as_a_user_of_its_own(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    """Running as root, a link in the application's folder could lead it to any file."""
    machine = bootstrap_host()
    machine.bootstrap()
    told = json.loads((machine.root / AGENT / "etc/awsdeploy.json").read_text())
    assert told["agent"]["run_as_user"] == "cwagent"


def test_node_24_comes_as_a_package_on_amazon_linux_2023(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host("al2023")
    machine.bootstrap()
    assert "outside packages nodejs24 nodejs24-npm" in machine.calls
    assert (machine.root / "usr/bin/node").resolve() == machine.root / "usr/bin/node-24"


def test_node_18_comes_built_for_an_older_glibc_on_amazon_linux_2(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host("al2")
    machine.bootstrap()
    assert os.access(machine.root / "opt" / NODE_18 / "bin/node", os.X_OK)
    for name in ("node", "npm", "npx"):
        assert os.readlink(machine.root / "usr/local/bin" / name) == f"/opt/{NODE_18}/bin/{name}"
    assert sorted(path.name for path in (machine.root / "opt").glob("node*")) == [NODE_18]


def test_a_download_that_is_not_what_was_published_is_not_used(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host("al2")
    (machine.tools / "served" / f"{NODE_18}.tar.xz").write_bytes(b"something else")
    done = machine.bootstrap()
    assert done.returncode != 0
    assert (machine.outcome["outcome"], machine.outcome["step"]) == ("failed", "node")
    assert not (machine.root / "opt" / NODE_18).exists()


def test_the_agent_sends_memory_disk_and_every_log_of_the_service(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host()
    machine.bootstrap()
    path = machine.root / AGENT / "etc/awsdeploy.json"
    config = json.loads(path.read_text())
    assert config["metrics"]["namespace"] == "CWAgent"
    assert config["metrics"]["append_dimensions"] == {
        "InstanceId": "${aws:InstanceId}",
        "AutoScalingGroupName": "${aws:AutoScalingGroupName}",
    }
    assert config["metrics"]["aggregation_dimensions"] == [["AutoScalingGroupName"]]
    assert set(config["metrics"]["metrics_collected"]) == {"mem", "swap", "disk"}
    files = config["logs"]["logs_collected"]["files"]["collect_list"]
    assert {one["file_path"]: one["log_group_name"] for one in files} == {
        "/var/log/app/*.log": "/deploy/shop/prod/backend",
        "/var/log/nginx/*.log": "/deploy/shop/prod/nginx",
        "/var/log/awsdeploy/bootstrap.log": "/deploy/shop/prod/bootstrap",
    }
    for one in files:
        assert one["log_stream_name"] == "{instance_id}"
        assert one.get("publish_multi_logs", False) is ("*" in one["file_path"])
    assert f"amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:{path}" in machine.calls


def test_a_minimal_image_gets_logrotate_for_the_release_agent(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host()
    machine.bootstrap()
    assert "outside packages logrotate" in machine.calls


def test_a_small_machine_gets_swap_and_a_large_one_none(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host(memory=SMALL)
    machine.bootstrap()
    assert stat.S_IMODE((machine.root / "swapfile").stat().st_mode) == 0o600
    assert "/swapfile none swap defaults 0 0" in (machine.root / "etc/fstab").read_text()
    assert f"swapon {machine.root}/swapfile" in machine.calls


def test_a_large_machine_gets_no_swap(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host(memory=LARGE)
    machine.bootstrap()
    assert not (machine.root / "swapfile").exists()


@pytest.mark.parametrize("system", ["al2", "al2023"])
def test_a_second_run_changes_nothing(bootstrap_host: Callable[..., BootstrapHost], system: str) -> None:
    machine = bootstrap_host(system, memory=SMALL)
    machine.bootstrap()
    before = machine.everything()
    done = machine.bootstrap()
    assert done.returncode == 0, done.stderr
    assert machine.everything() == before
    assert [call for call in machine.calls if call.startswith("outside")] == [
        "outside tag ok 6",
        "outside release",
    ]
    assert not [
        call for call in machine.calls if call.startswith(("useradd", "chown", "dd", "mkswap", "swapon", "ama"))
    ]


@pytest.mark.parametrize(
    ("refuses", "step"),
    [
        ("packages nodejs24", "node"),
        ("packages iptables-nft", "metadata"),
        ("tools", "pm2"),
        ("npm", "pm2"),
        ("packages git", "git"),
        ("packages logrotate", "logs"),
        ("packages amazon-cloudwatch-agent", "agent"),
    ],
)
def test_a_step_that_fails_is_named_and_a_later_run_goes_on_from_it(
    bootstrap_host: Callable[..., BootstrapHost], refuses: str, step: str
) -> None:
    machine = bootstrap_host()
    done = machine.bootstrap(refuses)
    assert done.returncode != 0
    assert (machine.outcome["outcome"], machine.outcome["step"]) == ("failed", step)
    assert machine.calls[-1] == f"outside tag failed 6 {step}"
    assert machine.calls.count("sleep 15") == 1, "it is tried again for a while"
    assert machine.bootstrap().returncode == 0
    assert machine.outcome["outcome"] == "ok"


def test_a_release_that_cannot_be_put_on_it_makes_the_machine_no_less_ready(
    bootstrap_host: Callable[..., BootstrapHost],
) -> None:
    machine = bootstrap_host()
    done = machine.bootstrap("release")
    assert (done.returncode, machine.outcome["outcome"]) == (0, "ok")
    assert done.stdout.endswith("the current release could not be put here\n")


def test_an_outcome_that_cannot_be_told_is_no_success(bootstrap_host: Callable[..., BootstrapHost]) -> None:
    machine = bootstrap_host()
    assert machine.bootstrap("tag").returncode != 0


def test_user_data_fits_and_runs_what_it_fetched(tmp_path: Path) -> None:
    """The lines after the placeholder, with an `aws` that hands out a script at the second attempt."""
    text = bootstrap.fetched("a-bucket", "shop/prod", "backend", "al2023", "ap-northeast-2")
    whole = PAGE + text
    assert len(whole.encode()) < 16 * 1024
    for folder in ("/opt/awsdeploy", "/var/log/awsdeploy"):
        text = text.replace(folder, f"{tmp_path}{folder}")
    program(
        tmp_path / "aws",
        f"#!/bin/bash\n[[ -f {tmp_path}/asked ]] || {{ touch {tmp_path}/asked; exit 1; }}\n"
        f'echo "$*" >{tmp_path}/aws.txt; echo \'echo "$*" >{tmp_path}/ran.txt\' >"${{@: -1}}"\n',
    )
    program(tmp_path / "sleep", "#!/bin/bash\n")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail"], input=text, text=True, env=environment, check=True, timeout=30)
    assert (
        "s3 cp --only-show-errors --region ap-northeast-2 s3://a-bucket/bootstrap/bootstrap.sh"
        in (tmp_path / "aws.txt").read_text()
    )
    assert (tmp_path / "ran.txt").read_text().split() == [
        "shop/prod",
        "backend",
        "al2023",
        "ap-northeast-2",
        "a-bucket",
    ]
