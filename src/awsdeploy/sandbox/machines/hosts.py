"""Hosts of the simulated instances on this computer: for each a folder, a loopback address, and its processes.

A host is created when the first program runs on it. An instance has two addresses, one for programs that listen on
every address, and one for programs that listen on 127.0.0.1 only. `shims/listen.js` gives each program its address. If
the system has only 127.0.0.1 (macOS), the programs get other ports instead.
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
NODE_INSTALLER = "install-node"
"""Program that the release agent asks for another Node.js than the machine's own."""
REPLACEMENTS = {
    "aws": (sys.executable, "-I", "aws.py"),
    "curl": ("/bin/sh", "curl.sh"),
    "id": ("/bin/sh", "id.sh"),
    "systemctl": ("/bin/sh", "systemctl.sh"),
    "runuser": ("/bin/sh", "runuser.sh"),
    "nginx": ("node", "nginx.js"),
    NODE_INSTALLER: (sys.executable, "-I", "node_installer.py"),
}
"""Programs of Amazon Linux that differ or are missing on this computer, and the script that replaces each."""
SOCKET_PATH_LIMIT = 100
"""Bytes that every system allows for the path of a Unix socket."""
LONGEST_SOCKET_PATH = "/i-0123456789abcdef0/home/app/.pm2/interactor.sock"
"""The longest path of a socket below the folder of the hosts: one of PM2."""
FOLDERS = (
    "etc/systemd/system home/app opt/awsdeploy proc run/ports srv/app/releases srv/app/shared tmp usr/local/bin "
    "var/lib/awsdeploy var/log/app var/log/awsdeploy"
)
PASSED_VARIABLES = (
    "LANG LC_ALL TZ TERM USER LOGNAME HTTP_PROXY HTTPS_PROXY http_proxy https_proxy SSL_CERT_FILE NODE_EXTRA_CA_CERTS"
)
"""Variables that programs on a host get from the sandbox's own environment, for example the proxy for npm."""


@dataclass(frozen=True)
class Host:
    """Host of one instance.

    `address`: where others reach it. `local`: what it uses as 127.0.0.1. `base`: first port on a shared address, or 0.
    """

    id: str
    root: Path
    address: str
    local: str
    base: int


@dataclass
class Hosts:
    """All hosts of one simulated world."""

    running: dict[str, Host] = field(default_factory=dict)
    folder: Path | None = None
    guard: subprocess.Popen[bytes] | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    allowed_ports: set[int] = field(default_factory=set)
    power_losses: dict[str, int] = field(default_factory=dict)
    """Number of power losses of each instance."""


@dataclass(frozen=True)
class PreparedHost:
    """Host, environment and programs for a start, and how often the host had lost its power before."""

    host: Host
    environment: Mapping[str, str]
    programs: Path
    power_losses: int


def host(world: World, id: str) -> Host:
    """Return the instance's host; create it on first use. The caller holds the world's lock."""
    hosts = world.of(Hosts)
    if id not in hosts.running:
        root = _folder(world) / id
        for name in FOLDERS.split():
            (root / name).mkdir(parents=True, exist_ok=True)
        taken = [(one.address, one.base) for one in hosts.running.values()]
        address, local, base = paths.choose_address(taken, f"{os.getpid()}:{world.site.port}:{id}")
        hosts.running[id] = Host(id, root, address, local, base)
    return hosts.running[id]


def address_of(world: World, id: str) -> str:
    """Return the address on which the instance's services answer; 127.0.0.1 if the system has no other."""
    return host(world, id).address


def port_of(world: World, id: str, port: int) -> int:
    """Return the real port of `port` on the instance: the same, unless all hosts share one address."""
    one = host(world, id)
    return paths.assigned_port(one.root / "run" / "ports", one.base, str(port)) if one.base else port


def allow_port(world: World, port: int) -> None:
    """Let the hosts connect to this port of the real 127.0.0.1, for example that of a database."""
    hosts = world.of(Hosts)
    hosts.allowed_ports.add(port)
    lines = "".join(f"{one}\n" for one in sorted({*hosts.allowed_ports, world.site.port}))
    path = _folder(world) / "outside"
    path.with_suffix(".new").write_text(lines)
    path.with_suffix(".new").replace(path)


def register_name(world: World, host: str, port: int, address: str, real: int) -> None:
    """Make the hosts reach a database's name and port at a real loopback address and port.

    `shims/listen.js` does it for Node.js programs. Others do not load it, so where the port is the same `shims/aws.py`
    gives them the address instead of the name.
    """
    path = _folder(world) / "names"
    known = path.read_text() if path.exists() else ""
    # The hosts use the first match, so the newest is first.
    path.with_suffix(".new").write_text(f"{host} {port} {address} {real}\n{known}")
    path.with_suffix(".new").replace(path)


def subfolder(world: World, name: str) -> Path:
    """Return a folder that is deleted with the hosts; programs that run with its mark are ended with them."""
    return _folder(world) / name


def programs(world: World) -> Path:
    """Return the folder of the `REPLACEMENTS`, which is first in the PATH of each host."""
    return _folder(world) / "bin"


def environment(world: World, id: str, region: str) -> dict[str, str]:
    """Return the environment of a program on the host. `start` adds Node.js to its PATH."""
    one, hosts = host(world, id), _folder(world)
    loopback = "127.0.0.1,localhost"
    key, secret = world.site.keys.of_machine(id)
    return {
        # HOME differs for each host; without these npm would download the same packages for each.
        "npm_config_cache": str(Path.home() / ".npm"),
        "npm_config_userconfig": str(Path.home() / ".npmrc"),
        **{
            name: value
            for name, value in os.environ.items()
            if name in PASSED_VARIABLES.split() or _is_npm_setting(name)
        },
        "ROOT": str(one.root),
        "INSTANCE_ID": id,
        "NODE_INSTALLER": str(hosts / "bin" / NODE_INSTALLER),
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
        "NODE_OPTIONS": f"--require {_quote_for_node(SHIMS / 'listen.js')}",
        "NEXT_TELEMETRY_DISABLED": "1",
        processes.MARK: str(one.root),
        "AWSDEPLOY_HOST_CACHE": str(toolchain.cache()),
        "AWSDEPLOY_HOST_ADDRESS": one.address,
        "AWSDEPLOY_HOST_LOCAL": one.local,
        "AWSDEPLOY_HOST_PORTS": f"{one.base}:{paths.PORTS}" if one.base else "",
        "AWSDEPLOY_HOST_OUTSIDE": str(hosts / "outside"),
        "AWSDEPLOY_HOST_NAMES": str(hosts / "names"),
    }


def prepare(world: World, id: str, region: str) -> PreparedHost:
    """Return what `start` needs. The caller holds the world's lock.

    `start` does not start a program if the host has lost its power since then.
    """
    hosts = world.of(Hosts)
    return PreparedHost(host(world, id), environment(world, id, region), programs(world), hosts.power_losses.get(id, 0))


def start(
    world: World, on: PreparedHost, script: Path, output: IO[bytes], errors: IO[bytes]
) -> subprocess.Popen[bytes] | None:
    """Run a script on the host, in a separate process group. Returns None if the host has no power or was deleted.

    The caller must not hold the world's lock, because installing Node.js takes long. Raises `NoToolchain`.
    """
    path = f"{on.programs}{os.pathsep}{toolchain.put_into(on.programs)}"
    with world.site.lock:
        if lost_power(world, on):
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


def lost_power(world: World, on: PreparedHost) -> bool:
    """Check whether the host has lost its power since `prepare`."""
    hosts = world.of(Hosts)
    return hosts.ended.is_set() or hosts.power_losses.get(on.host.id, 0) != on.power_losses


def power_off(world: World, id: str) -> None:
    """Kill every process on the host; its files stay."""
    hosts = world.of(Hosts)
    hosts.power_losses[id] = hosts.power_losses.get(id, 0) + 1
    one = hosts.running.get(id)
    if one is not None:
        processes.end(one.root)
        shutil.rmtree(one.root / "run" / "systemd", ignore_errors=True)


def remove(world: World, id: str) -> None:
    """Kill every process on the host and delete its files."""
    power_off(world, id)
    one = world.of(Hosts).running.pop(id, None)
    if one is not None:
        gone = one.root.with_name(f"gone-{id}")
        one.root.rename(gone)
        threading.Thread(target=shutil.rmtree, args=(gone,), kwargs={"ignore_errors": True}, daemon=True).start()


def end(world: World) -> None:
    """Delete all hosts of the world; returns when none of their processes runs."""
    hosts = world.of(Hosts)
    hosts.ended.set()
    hosts.running.clear()
    if hosts.guard is not None and hosts.guard.stdin is not None:
        hosts.guard.stdin.close()
        hosts.guard.wait()
    link = world.site.folder / "machines"
    if link.is_symlink():
        link.unlink()
    with contextlib.suppress(OSError):  # the folder of a forked world is empty now
        world.site.folder.rmdir()


def forget_after_fork(world: World) -> None:
    """Forget the hosts of the original world: a forked world starts its own."""
    hosts = world.of(Hosts)
    if hosts.guard is not None and hosts.guard.stdin is not None:
        os.close(hosts.guard.stdin.fileno())
    hosts.running, hosts.folder, hosts.guard = {}, None, None
    hosts.ended, hosts.allowed_ports = threading.Event(), set()


def _folder(world: World) -> Path:
    """Return the folder of the hosts: in the sandbox's folder, unless the paths of PM2's sockets would be too long."""
    hosts = world.of(Hosts)
    if hosts.folder is not None:
        return hosts.folder
    link = world.site.folder / "machines"
    own_folder(link.parent)
    if link.is_symlink():  # from a sandbox that was killed
        link.unlink()
    shutil.rmtree(link, ignore_errors=True)  # files of deleted hosts
    if len(os.fsencode(link)) + len(LONGEST_SOCKET_PATH) <= SOCKET_PATH_LIMIT:
        folder = link
    else:
        folder = Path(tempfile.mkdtemp(prefix="awsdeploy-")).resolve()
        link.symlink_to(folder)
    hosts.folder = folder
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name, (*runner, program) in REPLACEMENTS.items():
        wrapper = folder / "bin" / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([*runner, str(SHIMS / program)])} "$@"\n')
        wrapper.chmod(0o755)
    guard = [sys.executable, "-P", "-m", "awsdeploy.sandbox.machines.processes", str(folder)]
    hosts.guard = subprocess.Popen(guard, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    allow_port(world, world.site.port)
    return folder


def _is_npm_setting(name: str) -> bool:
    return name.lower().startswith("npm_config_")


def _quote_for_node(path: Path) -> str:
    """Quote a path for NODE_OPTIONS."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if " " in text else text
