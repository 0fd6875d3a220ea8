"""Bootstrap of a fresh machine: the script that makes it ready for releases, and the lines of user data that fetch
it.

The script itself is in `awsdeploy/machine/bootstrap.sh`. It is the same for every service and platform, which it
is told as arguments; a newer one is for machines yet to come and replaces none.
"""

from __future__ import annotations

from importlib import resources

OBJECT = "bootstrap/bootstrap.sh"
"""Its name in the artifacts bucket."""
RELEASE_SCRIPT = "bootstrap/release.sh"
"""The release agent, beside it."""
AGENT = resources.files("awsdeploy.machine") / "agent"
"""Its source folder."""
TOOLS = "bootstrap/tools-lock.json"
"""The lock file of PM2 and yarn, which machines install by it: versions and hashes, no addresses."""
TAG = "awsdeploy:bootstrap"
"""Tag of a machine in which it reports: `ok VERSION`, or `failed VERSION STEP`."""
LATEST = "current"
"""The release that a service's machines are to have, beside all that were sent."""
LOG = "/var/log/awsdeploy/bootstrap.log"


def script() -> bytes:
    """The script as it is shipped with this version."""
    return _shipped(OBJECT)


def release_script() -> bytes:
    """Return the release agent as one text: a script that starts it, then its files, which Node.js reads from there."""
    files = {path.name: path.read_text("utf-8") for path in AGENT.iterdir() if path.name.endswith(".js")}
    del files["files.js"]  # the text itself is that file
    parts = (f"// === {name} ===\n{files[name]}" for name in sorted(files))
    return "".join([AGENT.joinpath("start.sh").read_text("utf-8"), *parts]).encode()


def tools_lock() -> bytes:
    """The lock file of the machines' own programs, as npm reads it."""
    return _shipped(TOOLS)


def _shipped(key: str) -> bytes:
    return resources.files("awsdeploy.machine").joinpath(key.rpartition("/")[2]).read_bytes()


def manifest_key(service: str, id: str = LATEST) -> str:
    """S3 key of the manifest of a release, by default the current one."""
    return f"releases/{service}/{id}.json"


def fetched(bucket: str, *arguments: str) -> str:
    """Lines of a shell script: get it, patiently, and run it. A machine that cannot is left as it is.

    AWS: the CLI is part of Amazon Linux; a new instance profile may take a minute to be honoured everywhere.
    """
    place = f"/opt/awsdeploy/{OBJECT.rpartition('/')[2]}"
    region = arguments[-1]
    return f"""install -d -m 755 /opt/awsdeploy /var/log/awsdeploy
for pause in 5 10 20 40 80 160; do
  aws s3 cp --only-show-errors --region {region} s3://{bucket}/{OBJECT} {place} && break
  sleep $pause
done >> {LOG} 2>&1
bash {place} {" ".join(arguments)} {bucket} >> {LOG} 2>&1
"""
