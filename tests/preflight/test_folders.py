"""Check of the services' folders: said in the application's repository only."""

from __future__ import annotations

from pathlib import Path

import pytest

from awsdeploy.aws.session import AwsSession
from awsdeploy.config import from_mapping
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.preflight.folders import service_folders

SETTINGS = from_mapping({"name": "shop", "environment": "dev", "platform": "supported"}, source="", environ={})
NEST = '{"dependencies": {"@nestjs/core": "11"}}'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "package.json").write_text(NEST)


def asked(folder: Path | None) -> list[Finding]:
    return list(service_folders(Question(SETTINGS, AwsSession(), folder=folder)))


def test_a_service_without_its_folder_is_named_with_the_programs_that_are_there(repository: Path) -> None:
    write(repository, "front", "apps/api", "infra")
    (found,) = asked(repository / "infra")
    assert (found.what, found.fatal) == ("folder of backend", False)
    assert found.seen == f"there is no back/package.json in {repository}"
    assert found.remedy == 'write its folder: [services.backend] directory = "…"; programs found: apps/api/ (NestJS)'


def test_nothing_is_said_where_every_folder_is_there(repository: Path) -> None:
    write(repository, "front", "back")
    assert asked(repository) == []


def test_nothing_is_said_outside_of_the_applications_repository(tmp_path: Path, repository: Path) -> None:
    assert asked(None) == []
    assert asked(repository) == []
    (repository / ".git").rmdir()
    write(tmp_path, "api")
    assert asked(tmp_path) == []


def test_a_folder_that_may_not_be_read_or_has_no_known_program_ends_nothing(repository: Path) -> None:
    write(repository, "back")
    (repository / "front").mkdir(mode=0o000)
    try:
        (found,) = asked(repository)
    finally:
        (repository / "front").chmod(0o755)
    assert (found.what, found.remedy) == ("folder of frontend", 'write its folder: [services.frontend] directory = "…"')
