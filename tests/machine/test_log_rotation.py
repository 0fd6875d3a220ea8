"""Rotation of the logs, by the real logrotate with the configuration that the release agent writes."""

from __future__ import annotations

import fnmatch
import grp
import gzip
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from awsdeploy.resources.compute.bootstrap import AGENT


@pytest.fixture
def rotate(tools: Path, tmp_path: Path) -> Callable[[], Path]:
    """A machine whose logs the real logrotate rotates: as who runs the tests, or as nobody for root."""
    logrotate = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if logrotate is None:
        pytest.skip("logrotate is not installed here, so that what the machines rotate is not tried")
    logs = tmp_path / "var/log/app"
    logs.mkdir(parents=True)
    text = f"process.stdout.write(require('{AGENT}/log_rotation.js').config('{tmp_path}'))"
    words = [str(tools / "bin/node"), "-e", text]
    said = subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    assert "su app app" in said
    config = tmp_path / "logrotate.conf"
    config.write_text(said.replace("su app app", f"su {user} {group}").replace("size 50M", "size 1k"))
    config.chmod(0o644)
    if os.geteuid() == 0:
        shutil.chown(logs, user, group)
        for folder in logs.parents:
            if not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o011)

    def rotate() -> Path:
        state = tmp_path / "logrotate.state"
        subprocess.run([logrotate, "--state", state, config], check=True, timeout=30)
        return logs

    return rotate


def test_a_log_that_is_kept_open_is_rotated_and_written_on(rotate: Callable[[], Path]) -> None:
    """PM2 keeps it open for appending, as the application's user."""
    logs = rotate()
    log, hidden = logs / "backend.log", logs.parent / "of-root.log"
    hidden.write_text("x" * 5000)
    log.touch(mode=0o640)
    shutil.chown(log, logs.stat().st_uid, logs.stat().st_gid)
    (logs / "backend-error.log").symlink_to(hidden)
    before = log.stat()
    with log.open("a") as kept:
        for number in range(7):
            kept.write(f"{number} {'x' * 2000}\n")
            kept.flush()
            rotate()
            kept.write(f"after {number}\n")
            kept.flush()
            assert log.read_text() == f"after {number}\n", "nothing is lost, and there is no hole in front"
    after = log.stat()
    assert (after.st_mode, after.st_uid, after.st_gid, after.st_ino) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
        before.st_ino,
    )
    copies = sorted(path.name for path in logs.iterdir() if path.name.startswith("backend.log."))
    assert copies == [f"backend.log.{number}.gz" for number in range(1, 5)]
    assert gzip.decompress((logs / "backend.log.1.gz").read_bytes()).decode() == f"after 5\n6 {'x' * 2000}\n"
    assert not [name for name in copies if fnmatch.fnmatch(name, "*.log")], "what the CloudWatch agent sends"
    assert hidden.stat().st_size == 5000
