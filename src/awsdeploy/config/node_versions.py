"""Versions of Node.js that machines can have, and where each platform gets them."""

from __future__ import annotations

from dataclasses import dataclass

from awsdeploy.config.wrong import Wrong

VERSIONS = ("18", "20", "22", "24")
DEFAULTS = {"documented": "18", "supported": "24"}
"""The version of each platform's machines: `machine/bootstrap.sh` installs it."""


@dataclass(frozen=True)
class NodeBuild:
    """Unofficial build of nodejs.org for glibc 2.17, which also runs on Amazon Linux 2 (2.26).

    Without `sha256` the machine compares the archive with SHASUMS256.txt of the same HTTPS server.
    """

    version: str
    ending: str
    sha256: str = ""

    @property
    def archive(self) -> str:
        return f"node-v{self.version}-linux-x64-glibc-217.{self.ending}"


BUILDS = {
    "18": NodeBuild("18.20.8", "tar.xz"),
    "20": NodeBuild("20.20.2", "tar.xz"),
    "22": NodeBuild("22.23.2", "tar.xz", "333a2c084cbeb3fc8cc026b7cc8eb194cec31803142a0c56e58845eafbfe4495"),
    "24": NodeBuild("24.21.0", "tar.gz", "b1d164136d4b218d663e664f40ba5e260ebc07f90e2bd784c63a57d8c0e6aa8a"),
}
"""Source: https://unofficial-builds.nodejs.org/download/release/; of 24 there are none before 24.19."""


def build_of(platform: str, major: str) -> NodeBuild | None:
    """Return the build that a platform installs, or None for a package of the system.

    AWS, "Node.js in AL2023": packages exist for 20, 22 and 24. Amazon Linux 2 has none.
    """
    return BUILDS[major] if platform == "documented" or major == "18" else None


def possible(platform: str, major: str) -> tuple[str, ...]:
    """Return the exact version that a machine gets; of a package the oldest and the newest that there could be."""
    build = build_of(platform, major)
    return (build.version,) if build else (f"{major}.0.0", f"{major}.999.0")


def setting(value: object) -> object:
    """Rule for `node`; "" leaves it to the repository. A number is taken too."""
    text = str(value).strip().removeprefix("v") if isinstance(value, str | int) else "?"
    if text in ("", *VERSIONS) and not isinstance(value, bool):
        return text
    major = text.partition(".")[0]
    remedy = f'write "{major}": the machine gets the newest {major} that awsdeploy knows' if major in VERSIONS else ""
    raise Wrong(f"one of the Node.js versions {', '.join(VERSIONS)}", remedy)
