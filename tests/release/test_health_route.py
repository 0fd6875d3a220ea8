"""Route of the health path in the source: said before a release where none can be seen."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from awsdeploy.config import Service, from_mapping
from awsdeploy.release.health_route import unseen
from awsdeploy.release.source import committed
from tests.release.repository import commit, git

NEST = '{"dependencies": {"@nestjs/core": "11.0.0"}}'
NEXT = '{"dependencies": {"next": "16.0.0"}}'
EXPRESS = '{"dependencies": {"express": "5.0.0"}}'
MAIN = "const app = await NestFactory.create(AppModule);\napp.setGlobalPrefix('api');\nawait app.listen(9999);\n"
SCAFFOLD = "@Controller()\nexport class AppController {\n  @Get()\n  getHello() { return 'Hello' }\n}\n"


def service(name: str = "backend", **settings: object) -> Service:
    written = {
        "name": "shop",
        "platform": "supported",
        "services": {"frontend": {}, "backend": {}, name: {"directory": "app", **settings}},
    }
    return from_mapping(written, source="", environ={}).services[name]


def said(folder: Path, package: str, files: dict[str, str], one: Service | None = None) -> str:
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"app/package.json": package, **{f"app/{path}": text for path, text in files.items()}})
    return unseen(committed(folder, "HEAD"), one or service())


def test_a_nest_scaffold_is_told_the_lines_and_the_settings(tmp_path: Path) -> None:
    text = said(tmp_path, NEST, {"src/main.ts": MAIN, "src/app.controller.ts": SCAFFOLD})
    assert "no route for the health path /api/health can be seen in app/" in text
    assert "most common reason" in text
    assert "@Get('health')\n    health() { return { status: 'ok' } }" in text
    assert "setGlobalPrefix" not in text, "it has the prefix"
    for setting in ('health = "tcp"', 'health_status = "200-499"', "[services.backend]"):
        assert setting in text


def test_without_the_prefix_it_is_named_too(tmp_path: Path) -> None:
    text = said(tmp_path, NEST, {"src/main.ts": "await app.listen(3000)", "src/app.controller.ts": SCAFFOLD})
    assert "app.setGlobalPrefix('api') in main.ts" in text


def test_another_prefix_makes_another_path(tmp_path: Path) -> None:
    text = said(tmp_path, NEST, {"src/main.ts": MAIN.replace("'api'", "'v1'"), "src/app.controller.ts": SCAFFOLD})
    assert "/v1/health: set health to this path" in text


@pytest.mark.parametrize(
    "controller",
    [
        "@Controller()\nexport class A {\n  @Get('health')\n  a() {}\n}",
        "@Controller('health')\nexport class A {}",
        "@Controller({ path: 'health', version: VERSION_NEUTRAL })\nexport class A {}",
        "export const ROUTES = { health: '/health' }",
        'router.get("/api/health", handler)',
    ],
)
def test_a_route_in_the_source_needs_no_note(tmp_path: Path, controller: str) -> None:
    assert said(tmp_path, NEST, {"src/main.ts": MAIN, "src/a.ts": controller}) == ""


def test_comments_and_tests_are_no_route(tmp_path: Path) -> None:
    files = {
        "src/main.ts": MAIN,
        "src/a.ts": "// TODO '/health'\n/* @Get('health') */",
        "src/a.spec.ts": "get('/health')",
    }
    assert "no route" in said(tmp_path, NEST, files)


@pytest.mark.parametrize(
    "file", ["app/page.tsx", "src/app/page.jsx", "app/(shop)/page.js", "app/[locale]/page.tsx", "pages/index.js"]
)
def test_the_front_page_of_next_is_seen(tmp_path: Path, file: str) -> None:
    assert said(tmp_path, NEXT, {file: "export default 1"}, service("frontend")) == ""


def test_next_without_the_page_is_told_the_file(tmp_path: Path) -> None:
    files = {"src/app/shop/page.tsx": "export default 1"}
    assert "/ can be seen" in said(tmp_path, NEXT, files, service("frontend"))
    (tmp_path / "second").mkdir()
    text = said(tmp_path / "second", NEXT, files, service("frontend", health="/healthz"))
    assert "In app/src/app/healthz/route.ts:\n    export function GET() { return new Response('ok') }" in text


@pytest.mark.parametrize(
    "file", ["app/healthz/route.ts", "pages/healthz.js", "app/[...all]/page.tsx", "pages/[slug].js"]
)
def test_a_file_of_next_that_may_answer_is_a_route(tmp_path: Path, file: str) -> None:
    assert said(tmp_path, NEXT, {file: "export default 1"}, service("frontend", health="/healthz")) == ""


def test_express_is_told_its_line(tmp_path: Path) -> None:
    assert "app.get('/api/health', " in said(tmp_path, EXPRESS, {"server.js": "app.get('/', handler)"})


@pytest.mark.parametrize(
    ("package", "one"),
    [
        ('{"dependencies": {"fastify": "5.0.0"}}', service()),
        (NEST, service(health="tcp")),
        (NEST, service(health_status="200-499")),
    ],
    ids=["another framework", "tcp", "a 404 is healthy"],
)
def test_what_cannot_be_known_or_does_not_matter_is_not_said(tmp_path: Path, package: str, one: Service) -> None:
    assert said(tmp_path, package, {"src/main.ts": MAIN}, one) == ""


def test_a_folder_without_source_is_not_judged(tmp_path: Path) -> None:
    assert said(tmp_path, NEST, {"README": "text"}) == ""


@pytest.mark.parametrize("text", ["'" + "health " * 30_000, "'" * 200_000, "setGlobalPrefix('" * 10_000])
def test_hostile_text_takes_no_time(tmp_path: Path, text: str) -> None:
    began = time.monotonic()
    said(tmp_path, NEST, {"src/main.ts": text})
    assert time.monotonic() - began < 10
