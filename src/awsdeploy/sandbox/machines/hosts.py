"""The machines behind the simulated ones: for each instance a folder, a loopback address, and what runs there.

Made when something is to run on a machine, never before. Knows nothing of AWS's answers, and nothing of what is run.
An instance has two addresses: one for who listens on every address, one for who listens on 127.0.0.1 alone. A program
is moved there by `shims/listen.js`. Where a system has 127.0.0.1 alone, ports are moved instead.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from awsdeploy.sandbox.machines import paths, processes, toolchain
from awsdeploy.sandbox.server.world import World
from awsdeploy.state.files import own_folder

SHIMS = Path(__file__).with_name("shims")
STAND_INS = {
    "aws": (sys.executable, "-I", "aws.py"),
    "curl": ("/bin/sh", "curl.sh"),
    "id": ("/bin/sh", "id.sh"),
    "systemctl": ("/bin/sh", "systemctl.sh"),
    "runuser": ("/bin/sh", "runuser.sh"),
    "nginx": ("node", "nginx.js"),
}
"""Programs of Amazon Linux that are not the ones of this machine: what plays each."""
LONGEST = 100
"""Bytes of a unix socket's path that every system takes; PM2's are the longest."""
DEEPEST = "/i-0123456789abcdef0/home/app/.pm2/interactor.sock"
FOLDERS = (
    "etc/systemd/system home/app opt/awsdeploy proc run/ports srv/app/releases srv/app/shared tmp usr/local/bin "
    "var/lib/awsdeploy var/log/app var/log/awsdeploy"
)
KEPT = (
    "LANG LC_ALL TZ TERM USER LOGNAME HTTP_PROXY HTTPS_PROXY http_proxy https_proxy SSL_CERT_FILE NODE_EXTRA_CA_CERTS"
)
"""What a program on a machine sees of the environment that the sandbox was started in: how to reach the registry."""


@dataclass(frozen=True)
class Host:
    """One instance's. `address`: where it is reached; `local`: where its own 127.0.0.1 is; `base`: 0, or its ports."""

    id: str
    root: Path
    address: str
    local: str
    base: int


@dataclass
class Hosts:
    """All of a world."""

    running: dict[str, Host] = field(default_factory=dict)
    folder: Path | None = None
    guard: subprocess.Popen[bytes] | None = None
    over: threading.Event = field(default_factory=threading.Event)
    outside: set[int] = field(default_factory=set)
    power: dict[str, int] = field(default_factory=dict)
    """How often each machine has lost its power."""


@dataclass(frozen=True)
class Ready:
    """Machine, environment and programs for a start, and the machine's number of power losses before it."""

    host: Host
    environment: Mapping[str, str]
    programs: Path
    power: int


def host(world: World, id: str) -> Host:
    """The instance's, made on first use. Call it with the world's lock held."""
    hosts = world.of(Hosts)
    if id not in hosts.running:
        root = _folder(world) / id
        for name in FOLDERS.split():
            (root / name).mkdir(parents=True, exist_ok=True)
        taken = [(one.address, one.base) for one in hosts.running.values()]
        address, local, base = paths.found(taken, f"{os.getpid()}:{world.site.port}:{id}")
        hosts.running[id] = Host(id, root, address, local, base)
    return hosts.running[id]


def address_of(world: World, id: str) -> str:
    """The address on which the instance's services answer; 127.0.0.1 where the system has no other."""
    return host(world, id).address


def port_of(world: World, id: str, port: int) -> int:
    """The real port of what listens on `port` in the instance: the same, unless all share one address."""
    one = host(world, id)
    return paths.port(one.root / "run" / "ports", one.base, str(port)) if one.base else port


def let_through(world: World, port: int) -> None:
    """Machines may connect to this port of the real 127.0.0.1: the load balancer's, a database's."""
    hosts = world.of(Hosts)
    hosts.outside.add(port)
    lines = "".join(f"{one}\n" for one in sorted({*hosts.outside, world.site.port}))
    path = _folder(world) / "outside"
    path.with_suffix(".new").write_text(lines)
    path.with_suffix(".new").replace(path)


def name(world: World, host: str, port: int, real: int) -> None:
    """Give a database's port on the real 127.0.0.1 a name, which the machines resolve."""
    path = _folder(world) / "names"
    known = path.read_text() if path.exists() else ""
    path.with_suffix(".new").write_text(f"{host} {port} {real}\n{known}")  # the newest is found first
    path.with_suffix(".new").replace(path)


def below(world: World, name: str) -> Path:
    """A folder that goes with the machines of this world, and everything that runs with its mark."""
    return _folder(world) / name


def programs(world: World) -> Path:
    """The folder of the stand-ins, first in every machine's PATH."""
    return _folder(world) / "bin"


def environment(world: World, id: str, region: str) -> dict[str, str]:
    """Environment of a program on the machine; other parts of its PATH come in front."""
    one, hosts = host(world, id), _folder(world)
    loopback = "127.0.0.1,localhost"
    key, secret = world.site.keys.of_machine(id)
    return {
        # npm looks below HOME, which is the machine's: what it has fetched once need not be fetched by each.
        "npm_config_cache": str(Path.home() / ".npm"),
        "npm_config_userconfig": str(Path.home() / ".npmrc"),
        **{name: value for name, value in os.environ.items() if name in KEPT.split() or _of_npm(name)},
        "ROOT": str(one.root),
        "INSTANCE_ID": id,
        "HOME": str(one.root / "home" / "app"),
        "TMPDIR": str(one.root / "tmp"),
        "PATH": os.pathsep.join([str(hosts / "bin"), os.environ.get("PATH", os.defpath)]),
        "AWS_ENDPOINT_URL": world.site.url,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "NODE_OPTIONS": f"--require {_quoted(SHIMS / 'listen.js')}",
        "NEXT_TELEMETRY_DISABLED": "1",
        processes.MARK: str(one.root),
        "AWSDEPLOY_HOST_ADDRESS": one.address,
        "AWSDEPLOY_HOST_LOCAL": one.local,
        "AWSDEPLOY_HOST_PORTS": f"{one.base}:{paths.PORTS}" if one.base else "",
        "AWSDEPLOY_HOST_OUTSIDE": str(hosts / "outside"),
        "AWSDEPLOY_HOST_NAMES": str(hosts / "names"),
    }


def ready(world: World, id: str, region: str) -> Ready:
    """The machine as it is now, with the world's lock held: a program that is started later is not, if it has lost its
    power meanwhile."""
    hosts = world.of(Hosts)
    return Ready(host(world, id), environment(world, id, region), programs(world), hosts.power.get(id, 0))


def start(
    world: World, on: Ready, script: Path, output: IO[bytes], errors: IO[bytes]
) -> subprocess.Popen[bytes] | None:
    """Run a script on the machine, in a process group of its own; None if the machine has lost its power or is no more.

    Not to be called under the world's lock: what it needs is made first. Raises `NoToolchain`.
    """
    path = f"{on.programs}{os.pathsep}{toolchain.put_into(on.programs)}"
    with world.site.lock:
        if lost(world, on):
            return None
        return subprocess.Popen(
            ["/bin/sh", "-c", shlex.quote(str(script))],
            cwd=on.host.root,
            env={**on.environment, "PATH": on.environment["PATH"].replace(str(on.programs), path, 1)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )


def lost(world: World, on: Ready) -> bool:
    """Check whether the machine has lost its power since it was ready."""
    hosts = world.of(Hosts)
    return hosts.over.is_set() or hosts.power.get(on.host.id, 0) != on.power


def power_off(world: World, id: str) -> None:
    """Everything that runs on the machine is gone at once; its files stay."""
    hosts = world.of(Hosts)
    hosts.power[id] = hosts.power.get(id, 0) + 1
    one = hosts.running.get(id)
    if one is not None:
        processes.end(one.root)
        shutil.rmtree(one.root / "run" / "systemd", ignore_errors=True)


def remove(world: World, id: str) -> None:
    """The machine is no more."""
    power_off(world, id)
    one = world.of(Hosts).running.pop(id, None)
    if one is not None:
        gone = one.root.with_name(f"gone-{id}")
        one.root.rename(gone)
        threading.Thread(target=shutil.rmtree, args=(gone,), kwargs={"ignore_errors": True}, daemon=True).start()


def end(world: World) -> None:
    """All machines of the world are no more; returns when nothing of them runs."""
    hosts = world.of(Hosts)
    hosts.over.set()
    hosts.running.clear()
    if hosts.guard is not None and hosts.guard.stdin is not None:
        hosts.guard.stdin.close()
        hosts.guard.wait()
    link = world.site.folder / "machines"
    if link.is_symlink():
        link.unlink()
    with contextlib.suppress(OSError):  # that of a fork is empty now
        world.site.folder.rmdir()


def leave_behind(world: World) -> None:
    """Forget the other world's machines after a fork: this world starts its own."""
    hosts = world.of(Hosts)
    if hosts.guard is not None and hosts.guard.stdin is not None:
        os.close(hosts.guard.stdin.fileno())
    hosts.running, hosts.folder, hosts.guard = {}, None, None
    hosts.over, hosts.outside = threading.Event(), set()


def _folder(world: World) -> Path:
    """Folder of the machines: in the sandbox's own, unless that is too deep for PM2's sockets."""
    hosts = world.of(Hosts)
    if hosts.folder is not None:
        return hosts.folder
    link = world.site.folder / "machines"
    own_folder(link.parent)
    if link.is_symlink():  # of a sandbox that was killed
        link.unlink()
    shutil.rmtree(link, ignore_errors=True)  # of deleted machines, or not ours
    if len(os.fsencode(link)) + len(DEEPEST) <= LONGEST:
        folder = link
    else:
        folder = Path(tempfile.mkdtemp(prefix="awsdeploy-")).resolve()
        link.symlink_to(folder)
    hosts.folder = folder
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name, (*runner, program) in STAND_INS.items():
        wrapper = folder / "bin" / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([*runner, str(SHIMS / program)])} "$@"\n')
        wrapper.chmod(0o755)
    guard = [sys.executable, "-P", "-m", "awsdeploy.sandbox.machines.processes", str(folder)]
    hosts.guard = subprocess.Popen(guard, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    let_through(world, world.site.port)
    return folder


def _of_npm(name: str) -> bool:
    return name.lower().startswith("npm_config_")


def _quoted(path: Path) -> str:
    """Value in the form that NODE_OPTIONS needs."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if " " in text else text
