"""Recognition of programs: what package.json, main.ts, controllers and lock files say, and what cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from awsdeploy.config.project import Findings, Program, ProjectTree, find, on_disk
from awsdeploy.config.project.javascript import without_comments
from awsdeploy.config.project.package_managers import package_manager

NEST = {"dependencies": {"@nestjs/core": "11"}}
NEXT = {"dependencies": {"next": "16"}, "scripts": {"start": "next start"}}


def tree(files: dict[str, object]) -> ProjectTree:
    texts = {path: one if isinstance(one, str) else json.dumps(one) for path, one in files.items()}
    return ProjectTree(frozenset(texts), texts.__getitem__)


def found(files: dict[str, object]) -> Findings:
    return find(tree(files))


def backend(main: str = "", more: dict[str, object] | None = None, package: object = NEST) -> Program:
    """The backend beside a frontend."""
    files = {"front/package.json": NEXT, "back/package.json": package, "back/src/main.ts": main, **(more or {})}
    return found(files).programs[1]


@pytest.mark.parametrize(
    ("folders", "chosen", "others"),
    [
        (("front", "back"), ("front", "back"), 0),
        (("client", "server"), ("client", "server"), 0),
        (("web", "api"), ("web", "api"), 0),
        (("apps/docs", "apps/web", "apps/api"), ("apps/web", "apps/api"), 1),
        (("packages/shop-next", "packages/shop-nest"), ("packages/shop-next", "packages/shop-nest"), 0),
        ((".", "server"), (".", "server"), 0),
        (("web", "api", "apps/admin-next", "examples/web", "e2e/front"), ("web", "api"), 1),
    ],
)
def test_programs_are_found_wherever_they_are(folders: tuple[str, ...], chosen: tuple[str, ...], others: int) -> None:
    nest = ("back", "server", "api", "shop-nest")
    packages = {f"{one}/package.json".removeprefix("./"): NEST if one.endswith(nest) else NEXT for one in folders}
    mains = {f"{one}/src/main.ts": "" for one in folders if one.endswith(nest)}
    seen = found({**packages, **mains})
    assert tuple(one.folder for one in seen.programs) == chosen
    assert [one.service for one in seen.programs] == ["frontend", "backend"]
    assert len(seen.others) == others


def test_another_program_is_named_with_the_lines_to_add() -> None:
    (other,) = found({f"apps/{one}/package.json": NEXT for one in ("web", "admin")}).others
    assert 'add [services.admin] with directory = "apps/admin"' in other


def test_a_library_is_no_program() -> None:
    packages = {"packages/ui-kit/package.json": {"devDependencies": {"next": "16"}}, "packages/auth/package.json": NEST}
    assert found(dict(packages)) == Findings(())


def test_the_top_package_of_a_workspace_can_have_all_dependencies() -> None:
    top = {"dependencies": {"next": "16", "@nestjs/core": "11"}, "scripts": {"start": "turbo start"}}
    files: dict[str, object] = {"package.json": top, "pnpm-workspace.yaml": ""}
    files |= {"apps/web/package.json": {}, "apps/web/next.config.ts": ""}
    files |= {"apps/api/package.json": {}, "apps/api/nest-cli.json": "{}"}
    seen = found(files)
    assert [(one.folder, one.framework) for one in seen.programs] == [("apps/web", "Next.js"), ("apps/api", "NestJS")]
    assert seen.others == ()


def test_a_package_with_both_frameworks_cannot_be_told() -> None:
    both = {"dependencies": {"next": "16", "@nestjs/core": "11"}, "scripts": {"start": "nx serve"}}
    seen = found({"package.json": both})
    assert seen.programs == ()
    assert "package.json has the dependencies of several programs" in seen.others[0]
    assert found({"package.json": NEST, "nx.json": "{}"}).others == seen.others


def test_nestjs_that_renders_the_pages_of_nextjs_is_one_program() -> None:
    both = {"dependencies": {"next": "16", "@nestjs/core": "11"}, "scripts": {"start": "nest start"}}
    files: dict[str, object] = {
        "package.json": both,
        "nest-cli.json": "{}",
        "next.config.js": "",
        "pages/index.tsx": "",
    }
    seen = found({**files, "src/main.ts": "await app.listen(3000)"})
    assert seen.others == ()
    (program,) = seen.programs
    assert (program.framework, program.folder, program.paths) == ("NestJS", ".", ("/*",))
    assert "both are one program" in "".join(program.remarks)
    assert found(files).programs == ()


def test_a_folder_that_settings_cannot_name_is_said() -> None:
    assert "rename this folder" in found({"my web/package.json": NEXT}).others[0]


@pytest.mark.parametrize(
    ("listen", "port", "said"),
    [
        ("await app.listen(4000)", 4000, ""),
        ("await app.listen(process.env.PORT ?? 3000)", 9999, ""),
        ("await app.listen(process.env['PORT'] || 3000, '0.0.0.0')", 9999, ""),
        ("await app.listen({ port: Number(process.env.PORT), host: '0.0.0.0' })", 9999, ""),
        ("const port: number = 4100;\nawait app.listen(port)", 4100, ""),
        ("const port = config.get<number>('PORT', 4000);\nawait app.listen(port)", 9999, ""),
        ("const port = parseInt(process.env.PORT, 10);\nawait app.listen(port)", 9999, ""),
        ("await app.listen(process.env.APP_PORT ?? 4200)", 4200, ""),
        ("await app.listen(config.getOrThrow('APP_PORT'))", 9999, "it comes from the variable APP_PORT"),
        ("await app.listen(settings.port)", 9999, "it comes from an expression"),
        ("// app.listen(4000)\n/* app.listen(4001) */ await app.listen(4002)", 4002, ""),
    ],
)
def test_the_port_is_read_from_main(listen: str, port: int, said: str) -> None:
    program = backend(listen)
    assert program.port == port
    assert [one for one in program.missing if one.startswith("its port")] == [
        f"its port: {said}; the program must listen on PORT" for _ in range(bool(said))
    ]


@pytest.mark.parametrize(
    ("call", "paths", "note"),
    [
        ("app.setGlobalPrefix('api')", (), ""),
        ("app.setGlobalPrefix(`/api/v2`)", (), ""),
        ("app.setGlobalPrefix('v1/', { exclude: ['health'] })", ("/v1", "/v1/*"), ""),
        ("const PREFIX = 'api';\napp.setGlobalPrefix(PREFIX)", (), ""),
        ("app.setGlobalPrefix(process.env.PREFIX ?? 'api')", (), 'is "api" unless PREFIX is set'),
        ("app.setGlobalPrefix(config.get('PREFIX'))", (), "its global prefix: it comes from the variable PREFIX"),
        ("app.setGlobalPrefix(config.prefix)", (), "its global prefix: it comes from an expression"),
        ("// app.setGlobalPrefix('api')", (), "no global prefix: the load balancer removes /api"),
    ],
)
def test_the_global_prefix_is_read_or_said_to_be_unknown(call: str, paths: tuple[str, ...], note: str) -> None:
    program = backend(call)
    assert program.paths == paths
    assert program.strip_prefix == note.startswith("no global prefix")
    said = [one for one in (*program.remarks, *program.missing) if "prefix" in one]
    assert [note in one for one in said] == ([True] if note else [])


CONTROLLER = "@Controller({})\nexport class A {{ @Get({}) a() {{}} @Get(':id') b() {{}} }}\n"


@pytest.mark.parametrize(
    ("controller", "route", "prefix", "health"),
    [
        ("'health'", "", "api", "/api/health"),
        ("", "'health'", "api", "/api/health"),
        ("{ path: 'healthz', version: VERSION_NEUTRAL }", "'live'", "api", "/api/healthz/live"),
        ("'status'", "'/'", "v1", "/v1/status"),
        ("['ping', 'other']", "", "", "/ping"),
        ("", "", "api", "/api"),
        ("'cats'", "", "api", ""),
        ("'orders/paid'", "'status'", "api", ""),
        ("NAME", "'health'", "api", ""),
        ("'cats'", "'health/:id'", "api", ""),
    ],
)
def test_the_health_route_is_found_in_the_controllers(controller: str, route: str, prefix: str, health: str) -> None:
    source = CONTROLLER.format(controller, route)
    main = f"app.setGlobalPrefix('{prefix}')" if prefix else ""
    program = backend(
        main, {"back/src/a.controller.ts": source, "back/src/a.controller.spec.ts": "@Controller('health')"}
    )
    assert program.health == (health or "tcp")
    assert any("any answer below 500" in one for one in program.remarks) == (not health)
    assert any(one.startswith("no health route;") for one in program.remarks) == (health == "/api")


def test_a_route_without_the_prefix_is_a_health_route_too() -> None:
    health: dict[str, object] = {"back/src/health.controller.ts": CONTROLLER.format("'health'", "")}
    assert backend("app.setGlobalPrefix('api', { exclude: ['health'] })", health).health == "/health"
    assert backend("app.setGlobalPrefix('api');\nadapter.get('/healthz', ok)").health == "/healthz"


def test_what_main_leaves_to_another_file_is_read_there() -> None:
    program = backend("bootstrap();", {"back/src/boot.ts": "app.setGlobalPrefix('v1');\nawait app.listen(4000)"})
    assert (program.port, program.paths) == (4000, ("/v1", "/v1/*"))


URI = "type: VersioningType.URI"


@pytest.mark.parametrize(
    ("versioning", "controller", "health"),
    [
        (f"{{ {URI} }}", "'health'", "/api/health"),
        ("", "{ path: 'health', version: '2' }", "/api/health"),
        (f"{{ {URI}, defaultVersion: '1' }}", "'health'", "/api/v1/health"),
        (f"{{ {URI}, defaultVersion: ['2', '1'], prefix: 'version-' }}", "'health'", "/api/version-2/health"),
        (f"{{ {URI}, defaultVersion: VERSION_NEUTRAL }}", "'health'", "/api/health"),
        (f"{{ {URI}, defaultVersion: '1', prefix: false }}", "'ping'", "/api/1/ping"),
        (f"{{ {URI}, defaultVersion: '1' }}", "{ path: 'health', version: VERSION_NEUTRAL }", "/api/health"),
        (f"{{ {URI} }}", "{ path: 'health', version: '3' }", "/api/v3/health"),
        (f"{{ {URI}, defaultVersion: '1' }}", "", "/api/v1"),
    ],
)
def test_the_version_in_a_health_routes_url_is_read(versioning: str, controller: str, health: str) -> None:
    main = f"app.setGlobalPrefix('api');\n{f'app.enableVersioning({versioning})' if versioning else ''}"
    assert backend(main, {"back/src/a.controller.ts": CONTROLLER.format(controller, "")}).health == health


@pytest.mark.parametrize(
    ("default", "controller"),
    [("config.version", CONTROLLER.format("'health'", "")), ("'1'", CONTROLLER.format("'health'", ") @Version('2'"))],
)
def test_a_version_that_cannot_be_read_is_pointed_out(default: str, controller: str) -> None:
    main = f"app.setGlobalPrefix('api');\napp.enableVersioning({{ {URI}, defaultVersion: {default} }})"
    program = backend(main, {"back/src/health.controller.ts": controller})
    assert program.health == "tcp"
    assert any("/api/v1/health" in one for one in program.remarks)


def test_a_root_route_that_the_prefix_excludes_serves_as_health_route() -> None:
    root: dict[str, object] = {"back/src/app.controller.ts": CONTROLLER.format("", "")}
    assert backend("app.setGlobalPrefix('api/v1', { exclude: [''] })", root).health == "/"


@pytest.mark.parametrize("path", ["src/infra/http/main.ts", "src/a/b/c/d/e/f/app.ts"])
def test_a_main_file_anywhere_is_found_by_what_it_does(path: str) -> None:
    boot = "const app = await NestFactory.create<NestExpressApplication>(AppModule);\nawait app.listen(4000)"
    others: dict[str, object] = {
        "back/src/cli.ts": "NestFactory.createApplicationContext(AppModule)",
        "back/test/main.ts": "NestFactory.create(AppModule)",
        "back/nest-cli.json": {"sourceRoot": "src/infra", "entryFile": "infra/http/main.js"},
    }
    assert backend("app.listen(4001)", {f"back/{path}": boot, **others}).port == 4001
    files = {"back/package.json": NEST, f"back/{path}": boot, **others}
    assert found(files).programs[0].port == 4000


DEPLOY = "prisma migrate deploy"
ORMS: list[tuple[str, dict[str, str], str, str, str]] = [
    ("typeorm", {"migration:run": "typeorm migration:run -d x"}, "", "TypeORM", "npm run migration:run"),
    ("typeorm", {}, "src/db/data-source.ts", "TypeORM", "npx typeorm migration:run -d dist/db/data-source.js"),
    ("prisma", {"migrate": "prisma migrate dev"}, "prisma/migrations/1/migration.sql", "Prisma", f"npx {DEPLOY}"),
    ("prisma", {"migrate": "x", "migrate:deploy": DEPLOY}, "", "Prisma", "npm run migrate:deploy"),
    ("prisma", {}, "prisma/schema.prisma", "Prisma", ""),
    ("sequelize", {}, ".sequelizerc", "Sequelize", "npx sequelize-cli db:migrate"),
    ("@mikro-orm/core", {}, "src/mikro-orm.config.ts", "MikroORM", "npx mikro-orm migration:up"),
    ("drizzle-orm", {"db:migrate": "drizzle-kit migrate"}, "", "Drizzle", "npm run db:migrate"),
    ("drizzle-orm", {}, "drizzle.config.ts", "Drizzle", "npx drizzle-kit migrate"),
    ("knex", {"db:migrate:make": "knex migrate:make"}, "knexfile.js", "Knex", "npx knex migrate:latest"),
    ("express", {"migrate": "node dist/migrate.js"}, "", "", "npm run migrate"),
    ("express", {}, "", "", ""),
]


@pytest.mark.parametrize(("library", "scripts", "file", "orm", "migrate"), ORMS)
def test_the_orm_and_its_migration_command_are_proposed(
    library: str, scripts: dict[str, str], file: str, orm: str, migrate: str
) -> None:
    package = {"dependencies": {"@nestjs/core": "11", "mysql2": "3", library: "1"}, "scripts": scripts}
    program = backend("", {f"back/{file}": ""} if file else {}, package)
    assert (program.orm, program.migrate) == (orm, migrate)
    assert any("a migration command" in one for one in program.missing) == (bool(orm) and not migrate)


def test_a_script_is_called_with_the_programs_package_manager() -> None:
    package: dict[str, object] = {"dependencies": {"@nestjs/core": "11", "knex": "3"}}
    assert backend("", {}, {"dependencies": {"@nestjs/core": "11"}, "scripts": {"migrate": "x"}}).migrate == ""
    package |= {"scripts": {"migrate": "node dist/migrate.js"}}
    for lock, migrate in (("pnpm-lock.yaml", "pnpm run migrate"), ("back/yarn.lock", "yarn run migrate")):
        assert backend("", {lock: ""}, package).migrate == migrate


CLIENT = 'generator client {\n  provider = "prisma-client-js"\n}\n'


@pytest.mark.parametrize(
    ("packages", "schema", "needed"),
    [
        (["typeorm", "pg"], "", ["PostgreSQL (pg)"]),
        (["typeorm", "pg", "mysql2"], "", []),
        (["@nestjs/mongoose", "mongoose"], "", ["MongoDB (mongoose)"]),
        (["mongoose", "mysql2"], "", ["MongoDB (mongoose)"]),
        (["prisma"], CLIENT + 'datasource db {\n  provider = "postgresql"\n}', ["PostgreSQL (provider postgresql)"]),
        (["prisma", "pg"], CLIENT + 'datasource db {\n  provider = "mysql"\n}', []),
        (["prisma"], CLIENT + 'datasource db {\n  // provider = "sqlite"\n  provider = "mysql"\n}', []),
        (["mysql2", "@nestjs/bullmq"], "", ["Redis (@nestjs/bullmq)"]),
        (["redis", "kafkajs", "amqplib"], "", ["Redis (redis)", "Kafka (kafkajs)", "RabbitMQ (amqplib)"]),
        (["mssql"], "", ["SQL Server (mssql)"]),
    ],
)
def test_what_the_stack_does_not_have_is_pointed_out(packages: list[str], schema: str, needed: list[str]) -> None:
    package = {"dependencies": {"@nestjs/core": "11", **dict.fromkeys(packages, "1")}}
    remarks = backend("", {"back/prisma/schema.prisma": schema} if schema else {}, package).remarks
    assert [one.partition(", but ")[0] for one in remarks if "it uses" in one] == [f"it uses {one}" for one in needed]


def test_packages_for_development_need_no_backing_service() -> None:
    package = {"dependencies": {"@nestjs/core": "11", "mysql2": "3"}, "devDependencies": {"sqlite3": "5", "redis": "5"}}
    assert not [one for one in backend("", {}, package).remarks if "it uses" in one]


def test_a_program_with_mysql_beside_another_database_gets_its_values() -> None:
    package = {"dependencies": {"@nestjs/core": "11", "mysql2": "3", "mongoose": "8"}}
    assert backend("", {}, package).uses_mysql
    assert not backend("", {}, {"dependencies": {"@nestjs/core": "11", "mongoose": "8"}}).uses_mysql


@pytest.mark.parametrize(
    ("package", "schema", "orm", "database"),
    [
        ({"drizzle-orm": "1", "postgres": "3"}, "", "Drizzle", "PostgreSQL"),
        ({"@prisma/client": "7"}, 'datasource db {\n  provider = "sqlserver"\n}', "Prisma", "SQL Server"),
        ({"typeorm": "1", "mysql2": "3"}, "", "TypeORM", ""),
    ],
)
def test_the_database_of_a_workspaces_package_is_the_programs(
    package: dict[str, str], schema: str, orm: str, database: str
) -> None:
    needs = {"dependencies": {"@nestjs/core": "11", "@shop/core": "workspace:*"}}
    program = backend(
        "",
        {
            "package.json": {"workspaces": ["back", "packages/*"]},
            "packages/core/package.json": {"name": "@shop/core", "dependencies": {"@shop/db": "*", "@shop/core": "*"}},
            "packages/db/package.json": {"name": "@shop/db", "dependencies": {**package, "@shop/core": "*"}},
            "packages/db/prisma/schema.prisma": schema,
            "packages/other/package.json": {"name": "@shop/other", "dependencies": {"mongoose": "8"}},
        },
        needs,
    )
    assert (program.orm, program.uses_mysql, program.migrate) == (orm, not database, "")
    assert bool(database) == any(one.startswith(f"it uses {database} (") for one in program.remarks)
    assert f"{orm} (packages/db/)" in program.details
    assert f"a migration command for {orm}: if there is one, set migrate" in program.missing


CREATED = "const app = await NestFactory.create(AppModule); await app.listen(process.env.PORT ?? 3000)"


@pytest.mark.parametrize(
    ("source", "strips", "unreached"),
    [
        ("@Controller('users')\nclass A {}", True, ""),
        ("@Controller()\nclass A {}", True, ""),
        ("@Controller('v1/users')\nclass A {}", True, ""),
        ("@Controller('api/users')\nclass A {}", False, ""),
        ("@Controller('/api/users')\nclass A {}", False, ""),
        ("@Controller({ path: 'api/users', version: '1' })\nclass A {}", False, ""),
        ("@Controller(['api/users', 'members'])\nclass A {}", False, ""),
        ("@Controller('apis')\nclass A {}", True, ""),
        ("RouterModule.register([{ path: 'api', module: UsersModule }])", False, ""),
        (
            "@Controller('api/users')\nclass A {}\n@Controller('admin')\nclass B {}\n@Controller('health')\nclass C {}",
            False,
            "/admin",
        ),
        ("// @Controller('api/users')\n@Controller('users')\nclass A {}", True, ""),
    ],
)
def test_the_prefix_is_not_removed_where_routes_begin_with_it(source: str, strips: bool, unreached: str) -> None:
    program = backend(CREATED, {"back/src/app.ts": source})
    assert program.strip_prefix == strips
    assert [one.rpartition(": ")[2] for one in program.remarks if "do not begin" in one] == [unreached] * bool(
        unreached
    )


GRAPHQL = "GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true, MORE })"
IN_API = "@Controller('api/users')\nclass A {}\n"


@pytest.mark.parametrize(
    ("prefix", "source", "fixed"),
    [
        ("api", GRAPHQL.replace("MORE", ""), ("/graphql",)),
        ("api", GRAPHQL.replace("MORE", "path: '/query'"), ("/query",)),
        ("api", GRAPHQL.replace("MORE", "useGlobalPrefix: true"), ()),
        ("api", GRAPHQL.replace("MORE", "path: 'api/graphql'"), ()),
        ("api", "// " + GRAPHQL, ()),
        ("api", "GraphQLModule.forRootAsync({ useFactory: () => ({}) })", ("/graphql",)),
        ("api", "@WebSocketGateway()\nclass A {}", ("/socket.io/*",)),
        ("api", "@WebSocketGateway({ cors: true, path: '/live' })\nclass A {}", ("/live/*",)),
        ("v1", GRAPHQL.replace("MORE", ""), ("/graphql",)),
        ("", IN_API + GRAPHQL.replace("MORE", ""), ("/graphql",)),
    ],
)
def test_what_the_prefix_does_not_change_gets_its_requests(prefix: str, source: str, fixed: tuple[str, ...]) -> None:
    package = {"dependencies": {"@nestjs/core": "11", "@nestjs/platform-socket.io": "11"}}
    program = backend(CREATED + f"; app.setGlobalPrefix('{prefix}')", {"back/src/app.ts": source}, package)
    top = prefix or "api"
    assert program.paths == (() if top == "api" and not fixed else (f"/{top}", f"/{top}/*", *fixed))
    assert not program.strip_prefix


def test_below_a_removed_prefix_clients_of_socket_io_need_a_path() -> None:
    package = {"dependencies": {"@nestjs/core": "11", "@nestjs/platform-socket.io": "11"}}
    sockets = {"back/src/app.ts": "@WebSocketGateway()\nclass A {}"}
    program = backend(CREATED, dict(sockets), package)
    assert (program.strip_prefix, program.paths) == (True, ())
    assert any("clients of Socket.IO must set" in one and one.endswith(": /api/socket.io") for one in program.remarks)
    (alone,) = found({"back/package.json": package, "back/src/main.ts": CREATED, **sockets}).programs
    assert not any("Socket.IO" in one for one in alone.remarks)


def test_a_gateway_with_a_port_of_its_own_is_pointed_out() -> None:
    program = backend(CREATED, {"back/src/app.ts": "@WebSocketGateway(3001, { cors: true })\nclass A {}"})
    assert any("a port of its own (3001)" in one for one in program.remarks)


def test_a_migration_script_that_needs_bun_is_not_proposed() -> None:
    package = {"dependencies": {"@nestjs/core": "11", "prisma": "6"}, "scripts": {"migrate": f"bunx {DEPLOY}"}}
    assert backend("", {"back/prisma/migrations/1/migration.sql": ""}, package).migrate == f"npx {DEPLOY}"


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({"back/.nvmrc": "v22.1.0\n"}, "22.1.0", "back/.nvmrc"),
        ({".node-version": "# ours\n20\n"}, "20", ".node-version"),
        ({"package.json": {"engines": {"node": ">=20"}}}, ">=20", "engines.node in package.json"),
        ({"package.json": {"volta": {"node": "20.9.0"}}, ".nvmrc": "18"}, "20.9.0", "volta.node in package.json"),
        ({".nvmrc": "$(rm -rf)"}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_node_version_is_where_projects_write_it(files: dict[str, object], version: str, source: str) -> None:
    program = backend("", files)
    assert (program.node, program.node_source) == (version, source)
    assert any("a Node.js version" in one for one in program.missing) == (not version)


@pytest.mark.parametrize(
    ("files", "major"),
    [
        ({".nvmrc": "v22.1.0"}, "22"),
        ({".nvmrc": "lts/Jod"}, "22"),
        ({".nvmrc": "16"}, ""),
        ({".nvmrc": "stable"}, ""),
        ({"back/package.json": {"volta": {"node": "20.9.0"}}}, "20"),
        ({"back/package.json": {"engines": {"node": "22.x"}}}, "22"),
        ({"back/package.json": {"engines": {"node": ">=20 <21"}}}, "20"),
        ({"back/package.json": {"engines": {"node": ">=20"}}}, ""),
        ({"back/package.json": {"engines": {"node": "26"}}}, ""),
    ],
)
def test_a_node_version_is_written_if_it_is_one_that_machines_have(files: dict[str, object], major: str) -> None:
    assert backend("", files).node_major == major


@pytest.mark.parametrize(
    ("files", "manager", "reason"),
    [
        ({"package-lock.json": ""}, "npm", ""),
        ({"back/yarn.lock": "", "pnpm-lock.yaml": ""}, "yarn", ""),
        ({"package-lock.json": "", "npm-shrinkwrap.json": ""}, "npm", ""),
        ({"package-lock.json": "", "pnpm-lock.yaml": "", "pnpm-workspace.yaml": ""}, "pnpm", "(pnpm-workspace.yaml)"),
        (
            {"package-lock.json": "", "yarn.lock": "", "package.json": {"packageManager": "yarn@4.1.0+sha"}},
            "yarn",
            "(packageManager in package.json): delete package-lock.json",
        ),
        ({"package-lock.json": "", "yarn.lock": ""}, "npm", "(it is not clear which one is in use)"),
    ],
)
def test_of_several_lock_files_one_counts_and_it_is_said_why(
    files: dict[str, object], manager: str, reason: str
) -> None:
    seen = package_manager(tree(files), "back")
    assert seen.name == manager
    assert (reason in seen.remark) if reason else seen.remark == ""


@pytest.mark.parametrize(
    ("more", "lock", "unused"),
    [
        ({}, "package-lock.json", "apps/api/package-lock.json"),
        ({"package.json": {"workspaces": ["packages/*"]}}, "apps/api/package-lock.json", ""),
        ({"apps/api/package-lock.json": "", "apps/api/yarn.lock": ""}, "package-lock.json", "apps/api/yarn.lock"),
        (
            {"pnpm-lock.yaml": "", "apps/api/pnpm-lock.yaml": "", "pnpm-workspace.yaml": "packages:\n  - apps/*\n"},
            "pnpm-lock.yaml",
            "apps/api/pnpm-lock.yaml",
        ),
        (
            {
                "pnpm-lock.yaml": "",
                "apps/api/pnpm-lock.yaml": "",
                "pnpm-workspace.yaml": "packages:\n  - apps/*\n",
                ".npmrc": "shared-workspace-lockfile=false\n",
                "apps/api/package-lock.json": None,
            },
            "apps/api/pnpm-lock.yaml",
            "",
        ),
    ],
)
def test_in_a_workspace_the_lock_file_at_the_top_counts(more: dict[str, object], lock: str, unused: str) -> None:
    files: dict[str, object] = {"package.json": {"workspaces": ["apps/*"]}, "package-lock.json": ""}
    files |= {"apps/api/package.json": NEST, "apps/api/package-lock.json": "", **more}
    seen = package_manager(tree({path: text for path, text in files.items() if text is not None}), "apps/api")
    assert seen.lock == lock
    assert (f"{unused} does not count" in seen.remark) == bool(unused)


def test_the_newest_lock_file_counts(tmp_path: Path) -> None:
    for age, name in enumerate(("yarn.lock", "package-lock.json")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    seen = package_manager(on_disk(tmp_path), ".")
    assert seen.name == "yarn"
    assert "(it is the newest): delete package-lock.json" in seen.remark


def test_what_next_says_is_read_from_its_configuration() -> None:
    config = "export default { basePath: '/shop', output: 'export' } // basePath: '/old'"
    (program,) = found({"web/package.json": NEXT, "web/next.config.mjs": config}).programs
    assert program.health == "/shop"
    assert 'output: "export"' in program.remarks[0]


def test_a_folder_is_read_without_what_nobody_wrote(tmp_path: Path) -> None:
    for path in ("web/package.json", "node_modules/a/package.json", ".next/package.json", f"{'a/' * 13}x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert sorted(on_disk(tmp_path).paths) == ["web/package.json"]
    assert on_disk(tmp_path).text("web/missing") == ""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a // b\nc", "a  \nc"),
        ("a /* b\n */ c", "a   c"),
        ("'http://x' // y", "'http://x'  "),
        ('"a\\"//b" /* c', '"a\\"//b"  '),
        ("`// ${x} /*` //", "`// ${x} /*`  "),
    ],
)
def test_comments_are_removed_and_strings_are_not(text: str, left: str) -> None:
    assert without_comments(text) == left


def test_hostile_text_takes_no_time() -> None:
    for text in ("/*" * 100_000, "'" * 100_001, "`\\" * 100_000, "@Controller(" * 20_000, ".listen(" * 20_000):
        assert backend(text, {"back/src/a.controller.ts": text}).port == 9999
