"""What cannot run ends with an exit code and a sentence on stderr: no stack trace, and no value of a secret."""

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from simulator.demo import CHECKOUT
from tests.processes.premises import Premises
from tests.secrets import marked

CANARY = marked("WrongSetting")


async def _started(company: Premises, **environment: str) -> tuple[int, str]:
    """Run the bot to its end; return its exit code and what it said on stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        env=company.environment | {"REGISTRY_BOT_HTTP_PORT": "0", "REGISTRY_BOT_METRICS_PORT": "0"} | environment,
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    said = err.decode()
    assert "Traceback" not in said
    assert CANARY not in said + out.decode()
    assert process.returncode is not None
    return process.returncode, said


def _edit(good: Path, edit: Callable[[str], str], bad: Path) -> None:
    bad.write_text(edit(good.read_text()))


def _broken(text: str) -> str:
    return text + "\nsites: [oops\n"


def _unknown_key(text: str) -> str:
    return text + "\nfailovers: yes\n"


def _duplicate_key(text: str) -> str:
    return text + "\npolicy: {}\n"


def _one_person(text: str) -> str:
    document = yaml.safe_load(text)
    document["people"] = {"oncall": {"slack": ["U01ONCALL"], "roles": ["requester", "approver"]}}
    return yaml.safe_dump(document)


def _wrong_type(text: str) -> str:
    document = yaml.safe_load(text)
    document["policy"]["approvals"] = "many"
    return yaml.safe_dump(document)


@pytest.mark.covers("A11")
@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (_broken, "line"),
        (_unknown_key, "failovers"),
        (_duplicate_key, "policy"),
        (_one_person, "people"),
        (_wrong_type, "policy.approvals"),
    ],
)
async def test_a_file_that_does_not_describe_a_bot_ends_with_the_place_that_is_wrong(
    company: Premises, tmp_path: Path, edit: Callable[[str], str], says: str
) -> None:
    file = tmp_path / "registry.yaml"
    _edit(Path(company.environment["REGISTRY_BOT_CONFIG"]), edit, file)

    code, said = await _started(company, REGISTRY_BOT_CONFIG=str(file))

    assert code == 2
    assert says in said


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"REGISTRY_BOT_CONFIG": "/nowhere/registry.yaml"}, "/nowhere/registry.yaml"),
        ({"REGISTRY_BOT_SIGNING_KEY": CANARY}, "REGISTRY_BOT_SIGNING_KEY"),
        ({"REGISTRY_BOT_SLACK_BOT_TOKEN": ""}, "REGISTRY_BOT_SLACK_BOT_TOKEN"),
        ({"REGISTRY_BOT_SLACK_APP_TOKEN": f"xoxb-{CANARY}"}, "REGISTRY_BOT_SLACK_APP_TOKEN"),
        ({"REGISTRY_BOT_REDIS_URL": f"https://:{CANARY}@redis"}, "REGISTRY_BOT_REDIS_URL"),
        ({"REGISTRY_BOT_REDIS_URL": f"redis://:{CANARY}@redis:none/0"}, "REGISTRY_BOT_REDIS_URL"),
        ({"REGISTRY_BOT_REDIS_URL": f"redis://:{CANARY}@127.0.0.1:6379/zero"}, "REGISTRY_BOT_REDIS_URL"),
    ],
)
async def test_an_environment_that_does_not_describe_a_bot_ends_with_the_variables_name(
    company: Premises, environment: dict[str, str], says: str
) -> None:
    code, said = await _started(company, **environment)

    assert code == 2
    assert says in said


@pytest.mark.parametrize("variable", ["REGISTRY_BOT_HTTP_PORT", "REGISTRY_BOT_METRICS_PORT"])
async def test_a_port_that_is_taken_ends_with_what_to_set(company: Premises, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = await _started(company, **{variable: str(taken.getsockname()[1])})

    assert code == 1
    assert variable in said
