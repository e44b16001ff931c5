"""What the bot cannot do whoever asks: the calls that it makes, where it connects to, and what it shows unasked."""

import asyncio
import re
import ssl
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
import trustme
import yaml

from bot.adapters.data_plane import HttpsProbe
from bot.domain.snapshot import Answer
from bot.settings import Settings
from simulator.alibaba.ram import is_forbidden
from tests.adapters.conftest import DOMAIN, now
from tests.builders import APPROVER, ON_CALL
from tests.office import office

ROOT = Path(__file__).parents[2]
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))


@pytest.mark.covers("A37")
def test_of_all_calls_that_change_something_at_the_vendor_the_code_knows_two() -> None:
    asked = set(re.findall(r"\bmodels\.([A-Z][A-Za-z]+)Request\(", SOURCES))
    sent = set(re.findall(r"\.([a-z_]+)_async\(", SOURCES))

    assert {call for call in asked if not call.startswith(("Describe", "Get", "List"))} == {
        "UpdateZoneRecord",
        "CreateRepoSyncTask",
    }
    assert {call for call in sent if not call.startswith(("describe_", "get_", "list_"))} == {
        "update_zone_record",
        "create_repo_sync_task",
    }
    assert [call for call in asked if is_forbidden(call)] == []


@pytest.mark.covers("A09")
def test_slack_user_groups_are_neither_read_nor_admitted_to_the_list() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    scopes = [scope for scopes in manifest["oauth_config"]["scopes"].values() for scope in scopes]

    assert [scope for scope in scopes if "usergroup" in scope] == []
    assert "usergroups." not in SOURCES
    assert "subteam" not in SOURCES


@pytest.mark.covers("A39")
async def test_a_realm_at_the_metadata_address_is_neither_asked_nor_sent_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def metadata(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    trap = await asyncio.start_server(metadata, "127.0.0.1", 0)
    port = trap.sockets[0].getsockname()[1]
    realm = f'Bearer realm="http://127.0.0.1:{port}/latest/meta-data",service="registry.aliyuncs.com:cn-x:1:cri-aaaaa"'

    async def registry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            lines = (
                "HTTP/1.1 401 Unauthorized",
                f"WWW-Authenticate: {realm}",
                f"Location: http://127.0.0.1:{port}/",
                "",
                "",
            )
            writer.write("\r\n".join(lines).encode())
            await writer.drain()

    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(DOMAIN, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    server = await asyncio.start_server(registry, "127.0.0.1", 0, ssl=context)
    probe = HttpsProbe(now, {"10.1.0.10:443": ("127.0.0.1", server.sockets[0].getsockname()[1])}, deadline=2)

    answer = await probe.challenge(DOMAIN, "10.1.0.10")
    server.close()
    trap.close()

    assert isinstance(answer, Answer)
    assert len(asked) == 1
    assert b"authorization" not in asked[0].lower()


@pytest.mark.covers("A52")
async def test_health_and_metrics_tell_nothing_about_whom_or_what() -> None:
    async with office() as place, aiohttp.ClientSession() as session:
        card = await place.asked()
        await place.click(ON_CALL, card["ts"], "operation.approve")
        await place.click(APPROVER, card["ts"], "operation.approve")
        (operation,) = await place.ports.operations.recent()
        base, metrics = (f"http://127.0.0.1:{port}" for port in (place.server.port, place.server.metrics_port))
        pages = [
            await (await session.get(url)).text() for url in (f"{base}/healthz", f"{base}/readyz", f"{metrics}/metrics")
        ]

    names = [operation.id, operation.plan.digest[:12], ON_CALL, APPROVER, "C01OPS", "T01SIM", "on-call", "zhangjiakou"]
    assert [name for name in names for page in pages if name in page] == []
    assert "registry_bot_deliveries_total" in pages[2]


@pytest.mark.covers("A52")
def test_health_and_metrics_are_on_loopback_unless_set_otherwise() -> None:
    assert Settings.model_fields["http_host"].default == "127.0.0.1"
