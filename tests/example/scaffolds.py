"""Repositories as the frameworks' own generators make them: Next.js and NestJS, with a package manager and a layout.

A generated program and a lock file are made once per test run, because they take long. The programs are not changed.
In a workspace both programs also use a package that must be built first, as a person would write it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import shared
from tests.release.repository import write

OPTIONS = ("--yes", "--disable-git", "--ts", "--eslint", "--app", "--no-src-dir", "--import-alias", "@/*")
NEXT = {
    "default": ("create-next-app@16", "--yes", "--disable-git", "--skip-install"),
    "standalone": ("create-next-app@16", "--yes", "--disable-git", "--skip-install"),
    "webpack": ("create-next-app@16", *OPTIONS, "--no-tailwind", "--skip-install"),
    "15": ("create-next-app@15", *OPTIONS, "--tailwind", "--no-turbopack", "--skip-install"),
    "14": ("create-next-app@14", *OPTIONS, "--tailwind"),
}
NEST = {version: (f"@nestjs/cli@{version}", "new") for version in ("12", "11", "10")}
"""12 makes ES modules, the others CommonJS."""
YARN_1, YARN_4, PNPM = "yarn@1.22.22", "@yarnpkg/cli-dist@4.12.0", "pnpm@10.24.0"
LOCKING = {
    "npm": ("npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"),
    "yarn 1": ("npm", "exec", "--yes", f"--package={YARN_1}", "--", "yarn", "install", "--ignore-scripts"),
    "yarn 4": ("npm", "exec", "--yes", f"--package={YARN_4}", "--", "yarn", "install", "--mode=update-lockfile"),
    "pnpm": ("npm", "exec", "--yes", f"--package={PNPM}", "--", "pnpm", "install", "--lockfile-only"),
}
MANAGERS = tuple(LOCKING)
ASKED = {"npm": "npm@11.6.0", "yarn 1": YARN_1, "yarn 4": "yarn@4.12.0", "pnpm": PNPM}
"""`packageManager` of package.json, which turbo needs."""
LAYOUTS = {"two folders": MANAGERS, "workspaces": MANAGERS[:3], "pnpm workspace": ("pnpm",), "turbo": MANAGERS}
"""Layouts, and the package managers that have them."""
IGNORED = "node_modules\ndist\n.next\n.turbo\n.yarn\n.pnp.*\n.awsdeploy\n"
GREETING, HELLO = "@site/greeting", "Hello World!"
FONTS = "https://fonts.googleapis.com/css2?family="


@dataclass(frozen=True)
class Scaffold:
    """One repository: the variant of Next.js, the version of NestJS, the package manager and the layout."""

    next: str
    nest: str
    manager: str
    layout: str

    @property
    def front(self) -> str:
        return "front" if self.layout == "two folders" else "apps/web"

    @property
    def back(self) -> str:
        return "back" if self.layout == "two folders" else "apps/api"

    def make(self, into: Path) -> None:
        """Write the files, lock files included; commit nothing."""
        shutil.copytree(_generated("next", self.next), into / self.front)
        shutil.copytree(_generated("nest", self.nest), into / self.back)
        write(into, {".gitignore": IGNORED})
        if self.layout == "two folders":
            for folder, program in ((self.front, f"next {self.next}"), (self.back, f"nest {self.nest}")):
                _lock(into / folder, self.manager, program)
            return
        self._workspace(into)
        _lock(into, self.manager, f"{self}")

    def _workspace(self, into: Path) -> None:
        """Write a workspace with a package that both programs use and that must be built before them."""
        pnpm, globs = self.manager == "pnpm", ["apps/*", "packages/*"]
        top: dict[str, Any] = {"name": "site", "private": True, **({} if pnpm else {"workspaces": globs})}
        files: dict[str, str | bytes] = {}
        if pnpm:
            files["pnpm-workspace.yaml"] = "packages:\n" + "".join(f"  - '{one}'\n" for one in globs)
        if self.layout == "turbo":
            top |= {"packageManager": ASKED[self.manager], "devDependencies": {"turbo": "^2.11.0"}}
            task = {"dependsOn": ["^build"], "outputs": ["dist/**", ".next/**", "!.next/cache/**"]}
            files["turbo.json"] = json.dumps({"tasks": {"build": task}})
        options = {"target": "ES2021", "module": "commonjs", "declaration": True, "outDir": "dist", "rootDir": "src"}
        package = {
            "name": GREETING,
            "version": "1.0.0",
            "main": "dist/index.js",
            "types": "dist/index.d.ts",
            "scripts": {"build": "tsc"},
            "devDependencies": {"typescript": "^5.9.0"},
        }
        files |= {
            "package.json": json.dumps(top),
            "packages/greeting/package.json": json.dumps(package),
            "packages/greeting/tsconfig.json": json.dumps({"compilerOptions": options}),
            "packages/greeting/src/index.ts": f"export const greeting = (): string => '{HELLO}';\n",
        }
        write(into, files)
        for folder, name in ((self.front, "web"), (self.back, "api")):
            own = json.loads((into / folder / "package.json").read_text())
            version = "workspace:*" if pnpm or self.manager == "yarn 4" else "*"
            own |= {"name": name, "dependencies": {**own["dependencies"], GREETING: version}}
            (into / folder / "package.json").write_text(json.dumps(own, indent=2))
        page, answer = into / self.front / "app/layout.tsx", self.answer(into)
        page.write_text(
            f"import {{ greeting }} from '{GREETING}';\n{page.read_text()}".replace("Create Next App", HELLO)
        )
        page.write_text(page.read_text().replace(f'"{HELLO}"', "greeting()"))
        text = f"import {{ greeting }} from '{GREETING}';\n{answer.read_text()}"
        answer.write_text(text.replace(f"'{HELLO}'", "greeting()"))

    def answer(self, into: Path) -> Path:
        """Return the file with the API's answer."""
        return into / self.back / "src/app.service.ts"

    def change(self, into: Path, text: str) -> None:
        """Let the API answer something else: in a workspace by the package that it uses."""
        workspace = self.layout != "two folders"
        file = into / "packages/greeting/src/index.ts" if workspace else self.answer(into)
        before = file.read_text()
        assert HELLO in before
        file.write_text(before.replace(HELLO, text))


def fonts(folder: Path) -> Path:
    """Write the answers that Next.js takes instead of Google's for the fonts of its template."""

    def face(name: str) -> str:
        return f"@font-face {{ font-family: '{name}'; font-style: normal; font-weight: 100 900; src: local('Arial'); }}"

    known = {
        f"{FONTS}{name.replace(' ', '+')}:wght@100..900&display=swap": face(name) for name in ("Geist", "Geist Mono")
    }
    file = folder / "fonts.js"
    file.write_text(f"module.exports = {json.dumps(known)}\n")
    return file


def _generated(kind: str, variant: str) -> Path:
    def make(folder: Path) -> None:
        program, *words = (NEXT if kind == "next" else NEST)[variant]
        more = ("--skip-git", "--skip-install", "--package-manager", "npm") if kind == "nest" else ()
        first = words if kind == "nest" else ["made", *words]
        _run(folder, "npm", "exec", "--yes", "--", program, *first, *(["made", *more] if kind == "nest" else []))
        for name in ("node_modules", ".git", "package-lock.json"):
            one = folder / "made" / name
            one.unlink() if one.is_file() else shutil.rmtree(one, ignore_errors=True)
        _vary(folder / "made", variant)

    return shared.once(f"scaffold {kind} {variant}", make)[1] / "made"


def _vary(folder: Path, variant: str) -> None:
    """Choose what the generator does not ask for."""
    file, old, new = {
        "standalone": ("next.config.ts", "= {\n", '= {\n  output: "standalone",\n'),
        "webpack": ("package.json", "next build", "next build --webpack"),
    }.get(variant, ("package.json", "", ""))
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1) if old else text)


def _lock(folder: Path, manager: str, what: str) -> None:
    """Add the lock file of the folder as it is, made once for all equal ones."""

    def make(fresh: Path) -> None:
        ignored = shutil.ignore_patterns("node_modules")
        at = shutil.copytree(folder, fresh / "made", ignore=ignored)
        if manager == "yarn 4":
            (at / "yarn.lock").touch()  # or yarn looks for a project above
            (at / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
        _run(at, *LOCKING[manager])
        for one in at.rglob("node_modules"):
            shutil.rmtree(one, ignore_errors=True)

    made = shared.once(f"lock {manager} {what}", make)[1] / "made"
    for name in ("package-lock.json", "yarn.lock", "pnpm-lock.yaml", ".yarnrc.yml"):
        if (made / name).exists():
            shutil.copy(made / name, folder / name)


def _run(folder: Path, *words: str) -> None:
    more = {"CI": "1", "YARN_ENABLE_IMMUTABLE_INSTALLS": "0", "NEXT_TELEMETRY_DISABLED": "1"}
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
