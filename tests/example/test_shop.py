"""The example application: recognised by `init`, installable from any mirror, and really built, run and ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.cli.project import findings
from tests.ports import free_port
from tests.simulated import REGION, World

SHOP = Path(__file__).parents[2] / "examples" / "shop"
FOLDERS = ("front", "back")
BUCKET = "shop-uploads"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


def test_init_recognises_both_services() -> None:
    front, back = findings(SHOP).programs
    assert (front.service, front.framework, front.port) == ("frontend", "Next.js", 3000)
    assert (back.service, back.framework, back.port) == ("backend", "NestJS", 9999)
    assert {front.package_manager, back.package_manager} == {"npm"}
    assert (back.health, back.migrate) == ("/api/health", "npm run migrate")
    assert front.remarks == back.remarks == front.missing == back.missing == ()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_lock_file_names_no_registry(folder: str) -> None:
    lock = json.loads((SHOP / folder / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"], name


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_lock_file_is_that_of_the_package(folder: str) -> None:
    package = json.loads((SHOP / folder / "package.json").read_text())
    locked = json.loads((SHOP / folder / "package-lock.json").read_text())["packages"][""]
    for key in ("name", "version", "engines", "dependencies", "devDependencies"):
        assert package.get(key) == locked.get(key), key


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_in_it_needs_more_than_the_documented_node(folder: str) -> None:
    """Node.js 18: of each range's alternatives, one begins there or earlier."""
    lock = json.loads((SHOP / folder / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        engines = package.get("engines", {})  # a list in packages of long ago
        wanted = engines.get("node", "*") if isinstance(engines, dict) else " ".join(engines).removeprefix("node")
        begins = [re.search(r"\d+", one) for one in wanted.split("||")]
        assert any(found is None or int(found[0]) <= 18 for found in begins), f"{name}: {wanted}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, body: bytes | None = None, kind: str = "application/json") -> Answer:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read())


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(folder: Path, script: list[str], port: int, **environment: str) -> Iterator[str]:
    """A program that answers on its port, and ends in order when it is told to."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["node", *script],
            cwd=folder,
            env={**os.environ, "PORT": str(port), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while not listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, 128 + signal.SIGTERM, -signal.SIGTERM), log.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.torture
def test_it_is_built_and_runs_without_a_database(world: World, tmp_path: Path) -> None:
    left = shutil.ignore_patterns("node_modules", ".next", "dist")
    shop = shutil.copytree(SHOP, tmp_path / "shop", ignore=left)
    back_port, front_port, nobody = free_port(), free_port(), free_port()
    front_environment = {
        # No load balancer stands here: the page asks the API where it is.
        "NEXT_PUBLIC_BASE_URL": f"http://127.0.0.1:{back_port}",
        "NEXT_PUBLIC_S3_URL": f"{world.url}/{BUCKET}",
        "NEXT_MANUAL_SIG_HANDLE": "1",
        "RELEASE_ID": "front-1",
    }
    back_environment = {
        **world.environment,
        "AWS_REGION": REGION,
        "S3_BUCKET": BUCKET,
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(nobody),
        "RELEASE_ID": "back-1",
    }
    for folder in FOLDERS:
        for words in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            done = subprocess.run(
                ["npm", *words],
                cwd=shop / folder,
                env={**os.environ, **front_environment},
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    s3 = world.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    # As `ecosystem.config.js` has PM2 start it.
    start = ["node_modules/next/dist/bin/next", "start", "--keepAliveTimeout", "65000"]
    with (
        running(shop / "back", ["dist/main.js"], back_port, **back_environment) as back,
        running(shop / "front", start, front_port, **front_environment) as front,
    ):
        health = ask(f"{back}/api/health")
        assert (health.status, health.json["release"]) == (200, "back-1")
        for body in (None, b'{"title": "one"}'):
            away = ask(f"{back}/api/items", body)
            assert (away.status, away.json["message"]) == (503, "The database does not answer (ECONNREFUSED)")
        assert ask(f"{back}/api/items", b'{"title": ""}').status == 400

        page = ask(f"{front}/")
        assert page.status == 200
        assert b"The database does not answer" in page.body
        assert b"front-1" in page.body

        upload = ask(f"{back}/api/uploads", PNG, "image/png")
        assert upload.status == 201, upload.body
        key = upload.json["key"]
        assert upload.json["url"] == f"{world.url}/{BUCKET}/{key}"
        assert key.startswith("uploads/stories/")
        stored = s3.get_object(Bucket=BUCKET, Key=key)
        assert (stored["Body"].read(), stored["ContentType"]) == (PNG, "image/png")
        assert ask(f"{back}/api/uploads", b"<svg/>", "image/svg+xml").status == 415
        assert ask(f"{back}/api/uploads", PNG + bytes(6_000_000), "image/png").status == 413
