"""The container image: small, unprivileged, read-only, and answering for its own health."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Stage:
    """One `FROM … AS name` with everything it takes over from the stages below it."""

    name: str
    parent: str
    instructions: tuple[tuple[str, str], ...]

    def all(self, keyword: str) -> list[str]:
        return [value for name, value in self.instructions if name == keyword]

    def last(self, keyword: str) -> str:
        return self.all(keyword)[-1]

    @property
    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for line in self.all("ENV") for pair in shlex.split(line))


def _instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in lines]


def _stages() -> dict[str, Stage]:
    stages: dict[str, Stage] = {}
    for keyword, value in _instructions():
        if keyword == "FROM":
            parent, _, name = value.split()
            inherited = stages[parent].instructions if parent in stages else ()
            stages[name] = Stage(name, parent, inherited)
        elif stages:
            stage = stages.popitem()[1]
            stages[stage.name] = Stage(stage.name, stage.parent, (*stage.instructions, (keyword, value)))
    return stages


STAGES = _stages()
RUNTIME, DEMO = STAGES["runtime"], STAGES["demo"]
IMAGES = pytest.mark.parametrize("stage", [RUNTIME, DEMO], ids=["runtime", "demo"])


def test_every_stage_stands_on_one_slim_image_pinned_by_a_tag() -> None:
    arguments = [value for keyword, value in _instructions() if keyword == "ARG"]

    assert [re.fullmatch(r"PYTHON_IMAGE=python:3\.1[1-9]-slim-[a-z]+", value) is not None for value in arguments] == [
        True
    ]
    assert {stage.parent for stage in STAGES.values()} - set(STAGES) == {"${PYTHON_IMAGE}"}


def test_without_a_target_the_bot_is_built() -> None:
    assert list(STAGES)[-1] == "runtime"


@IMAGES
def test_an_image_runs_as_a_user_with_a_number_and_not_as_root(stage: Stage) -> None:
    user, group = stage.last("USER").split(":")

    assert int(user) >= 10_000
    assert int(group) >= 10_000


@IMAGES
def test_nothing_is_installed_or_compiled_after_the_build_stage(stage: Stage) -> None:
    assert stage.all("RUN") == []
    assert stage.environment["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_bot_image_takes_one_folder_from_the_build_stage_and_nothing_else() -> None:
    assert RUNTIME.all("COPY") == ["--from=build /opt/registry-bot /opt/registry-bot"]


def test_packages_are_installed_from_the_lock_file_and_checked_by_their_hashes() -> None:
    installs = [command for command in STAGES["build-demo"].all("RUN") if "pip install" in command]

    assert [re.findall(r"--requirement (\S+)", command) for command in installs] == [
        ["requirements.lock"],
        [],
        ["requirements-demo.lock"],
    ]
    assert all("--require-hashes" in command or "--no-index /dist/" in command for command in installs)


def test_the_bot_listens_on_every_address_of_its_container() -> None:
    assert RUNTIME.environment["REGISTRY_BOT_HTTP_HOST"] == "0.0.0.0"


def test_the_bot_is_the_first_process_so_that_it_hears_the_signal_to_stop() -> None:
    assert json.loads(RUNTIME.last("ENTRYPOINT")) == ["registry-bot"]
    assert json.loads(RUNTIME.last("CMD")) == ["run"]


def test_health_is_asked_with_python_alone_because_the_image_has_no_other_client() -> None:
    options, command = re.split(r"\s+CMD\s+", RUNTIME.last("HEALTHCHECK"))
    program = json.loads(command)

    assert "--timeout=3s" in options
    assert program[:3] == ["python", "-I", "-c"]
    assert "'/healthz'" in program[3]
    compile(program[3], "HEALTHCHECK", "exec")


def test_the_demo_image_adds_the_simulator_and_its_manifest() -> None:
    assert DEMO.all("COPY")[-2:] == ["manifest.yml ./", "simulator ./simulator"]
    assert json.loads(DEMO.last("CMD")) == ["python", "-m", "simulator.demo"]


def test_what_is_copied_exists_and_is_let_through_by_the_ignore_file() -> None:
    copies = [line.split()[:-1] for stage in STAGES.values() for line in stage.all("COPY") if "--from" not in line]
    sources = {source for line in copies for source in line}
    admitted = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert all((ROOT / source).exists() for source in sources)
    assert sources == admitted
