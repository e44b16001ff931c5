"""Slack, Alibaba Cloud and the registries on loopback, as fast as one process can answer, and a note of what came when.

    python -m benchmarks.outside SITES VIEWS REPOSITORIES DIRECTORY

Prints its ports as one JSON line. Nothing is verified here: correctness is the simulator's business and the tests'.
`GET /bench/…` on the control port reads and steers it.
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme

from benchmarks.http_protocol import Answer, Asked, Responder
from benchmarks.layout import BOT_USER, CHANNEL, CHANNEL_NAME, DOMAIN, TEAM, Layout, zone_of

Wire = dict[str, Any]
TAGS = 20


class Cloud:
    """Both products of the cloud, answered by action."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._start = layout.records()
        self._record_of = {zone_of(vpc): number for number, (vpc, _) in self._start.items()}
        self.values = {number: value for number, (_, value) in self._start.items()}
        images = [{"Tag": f"v{n}", "Digest": f"sha256:{n:064x}", "Status": "NORMAL"} for n in range(TAGS)]
        names = [f"app{n}" for n in range(layout.repositories)]
        repositories = [
            {"RepoId": f"crr-{n}", "RepoName": n, "RepoNamespaceName": "core", "RepoStatus": "NORMAL"} for n in names
        ]
        self._canned = {
            "ListRepoTag": _good({"Images": images, "TotalCount": str(TAGS)}),
            "ListNamespace": _good(
                {"Namespaces": [{"NamespaceName": "core", "AutoCreateRepo": True}], "TotalCount": "1"}
            ),
            "ListRepoSyncRule": _good({"SyncRules": [], "TotalCount": 0}),
            "ListRepoSyncTask": _good({"SyncTasks": [], "TotalCount": 0}),
        }
        self._pages = [repositories[at : at + 100] for at in range(0, len(repositories), 100)]

    def reset(self, vpcs: set[str]) -> None:
        """Put the records of these VPCs back."""
        self.values |= {number: value for number, (vpc, value) in self._start.items() if vpc in vpcs}

    def answer(self, site: str | None, action: str, query: dict[str, str]) -> Wire | bytes:
        """Return the answer of one call."""
        if action in self._canned:
            return self._canned[action]
        return getattr(self, f"_{action}")(site, query)  # type: ignore[no-any-return]

    def _DescribeZones(self, _: None, query: dict[str, str]) -> Wire:  # noqa: N802
        wanted = query.get("QueryVpcId")
        zones = [
            {"ZoneId": zone_of(vpc), "ZoneName": DOMAIN, "ZoneType": "AUTH_ZONE"}
            for vpc, _ in self._start.values()
            if wanted in (None, vpc)
        ]
        return {"RequestId": "r", "Zones": {"Zone": zones}, "TotalItems": len(zones), "TotalPages": 1}

    def _DescribeZoneInfo(self, _: None, query: dict[str, str]) -> Wire:  # noqa: N802
        vpc = query["ZoneId"].removeprefix("zone-")
        return {
            "RequestId": "r",
            "ZoneId": query["ZoneId"],
            "ZoneName": DOMAIN,
            "ZoneType": "AUTH_ZONE",
            "DnsGroup": "FAST_ZONE",
            "BindVpcs": {"Vpc": [{"VpcId": vpc, "RegionId": "cn-zhangjiakou"}]},
        }

    def _DescribeZoneRecords(self, _: None, query: dict[str, str]) -> Wire:  # noqa: N802
        record = self._record(self._record_of[query["ZoneId"]])
        return {"RequestId": "r", "TotalItems": 1, "TotalPages": 1, "Records": {"Record": [record]}}

    def _DescribeZoneRecord(self, _: None, query: dict[str, str]) -> Wire:  # noqa: N802
        return {"RequestId": "r", **self._record(int(query["RecordId"]))}

    def _DescribeChangeLogs(self, _: None, __: dict[str, str]) -> Wire:  # noqa: N802
        return {"RequestId": "r", "TotalItems": 0, "TotalPages": 0, "ChangeLogs": {"ChangeLog": []}}

    def _UpdateZoneRecord(self, _: None, query: dict[str, str]) -> Wire:  # noqa: N802
        self.values[int(query["RecordId"])] = query["Value"]
        return {"RequestId": "r", "RecordId": int(query["RecordId"])}

    def _record(self, number: int) -> Wire:
        vpc, _ = self._start[number]
        fixed = {"Rr": "@", "Type": "CNAME", "Ttl": 60, "Line": "default", "Weight": 1, "Status": "ENABLE"}
        return {"RecordId": number, "ZoneId": zone_of(vpc), "Value": self.values[number], **fixed}

    def _GetInstance(self, site: str, query: dict[str, str]) -> bytes:  # noqa: N802
        running = {"InstanceName": site, "InstanceStatus": "RUNNING", "InstanceSpecification": "Enterprise_Advanced"}
        return _good({"InstanceId": query["InstanceId"], **running})

    def _GetInstanceEndpoint(self, site: str, _: dict[str, str]) -> bytes:  # noqa: N802
        domains = [{"Type": "SYSTEM", "Domain": self._layout.public(site)}, {"Type": "USER", "Domain": DOMAIN}]
        return _good({"Enable": True, "Status": "RUNNING", "Domains": domains, "AclEnable": False, "AclEntries": []})

    def _GetInstanceVpcEndpoint(self, site: str, _: dict[str, str]) -> bytes:  # noqa: N802
        links = [{"VpcId": vpc, "Ip": "10.0.0.7", "Status": "RUNNING"} for vpc in self._layout.vpcs(site)[:1]]
        return _good({"Enable": True, "LinkedVpcs": links})

    def _ListRepository(self, _: str, query: dict[str, str]) -> bytes:  # noqa: N802
        page = int(query.get("PageNo", 1)) - 1
        found = self._pages[page] if page < len(self._pages) else []
        return _good({"Repositories": found, "TotalCount": str(self._layout.repositories)})


class Slack:
    """The Web API: everything is ok, and posted messages are kept."""

    def __init__(self) -> None:
        self.posted: list[Wire] = []

    def answer(self, method: str, query: dict[str, str], body: Wire) -> Wire:
        """Return the answer of one call."""
        if method == "auth.test":
            return {"ok": True, "team_id": TEAM, "user_id": BOT_USER, "bot_id": "B00BOT"}
        if method == "users.info":
            flags = {"deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False}
            return {"ok": True, "user": {"id": query["user"], "team_id": TEAM, **flags}}
        if method == "conversations.info":
            return {"ok": True, "channel": {"id": CHANNEL, "name": CHANNEL_NAME, "is_member": True}}
        if method == "conversations.open":
            return {"ok": True, "channel": {"id": "D00PERSON"}}
        if method == "chat.postMessage":
            body["ts"] = f"1700000000.{len(self.posted):06}"
            self.posted.append(body)
            return {"ok": True, "channel": body["channel"], "ts": body["ts"]}
        return {"ok": True}


class Outside:
    """Everything that a bot talks to but Redis, with latency, outages and a note of every call."""

    def __init__(self, layout: Layout, directory: Path) -> None:
        self._layout = layout
        self._cloud = Cloud(layout)
        self._slack = Slack()
        self._authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._authority.cert_pem.write_to_path(str(directory / "ca.pem"))
        self._latency = 0.0
        self._hung: set[str] = set()
        self._marks: list[tuple[float, str, str]] = []
        self._servers: list[asyncio.Server] = []

    async def start(self) -> Wire:
        """Listen everywhere and return the ports."""
        return {
            "control": await self._listen(self._control, latency=lambda: 0.0),
            "slack": await self._listen(self._from_slack),
            "pvtz": await self._listen(partial(self._from_cloud, None)),
            "cr": {name: await self._listen(partial(self._from_cloud, name)) for name in self._layout.names},
            "registries": {name: await self._registry(name) for name in self._layout.names},
        }

    async def _listen(
        self,
        answer: Callable[[Asked], Answer | None],
        latency: Callable[[], float] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        wait = latency or (lambda: self._latency)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Responder(answer, wait), "127.0.0.1", 0, ssl=tls, backlog=1024)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _registry(self, name: str) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(DOMAIN, key_type=trustme.KeyType.ECDSA).configure_cert(context)
        service = f"registry.aliyuncs.com:cn-{name}:{self._layout.instance(name)}"
        challenge = f'WWW-Authenticate: Bearer realm="https://127.0.0.1/token",service="{service}"\r\n'

        def ask(_: Asked) -> Answer:
            self._note("challenge", name)
            return 401, challenge, b"{}"

        return await self._listen(ask, tls=context)

    def _from_cloud(self, site: str | None, asked: Asked) -> Answer | None:
        action = asked.headers["x-acs-action"]
        query = dict(parse_qsl(urlsplit(asked.path).query))
        self._note(action, query.get("RecordId", ""))
        if "alibaba" in self._hung:
            return None
        return 200, "", _encoded(self._cloud.answer(site, action, query))

    def _from_slack(self, asked: Asked) -> Answer | None:
        parts = urlsplit(asked.path)
        method = parts.path.rpartition("/")[2]
        body = json.loads(asked.body) if asked.body.startswith(b"{") else {}
        self._note(method, f"{body.get('ts', '')} {body.get('text', '')}")
        if "slack" in self._hung:
            return None
        return 200, "", _encoded(self._slack.answer(method, dict(parse_qsl(parts.query)), body))

    def _note(self, what: str, detail: str) -> None:
        self._marks.append((time.perf_counter(), what, detail))

    def _control(self, asked: Asked) -> Answer:
        """Serve marks (once), posted messages, and settings: latency, hang, reset."""
        parts = urlsplit(asked.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path == "/bench/marks":
            found, self._marks = self._marks, []
            return 200, "", _encoded({"marks": found})
        if parts.path == "/bench/posted":
            return 200, "", _encoded({"posted": self._slack.posted[int(query["since"]) :]})
        self._latency = float(query.get("latency", self._latency))
        self._hung = set(filter(None, query.get("hang", "").split(",")))
        self._cloud.reset(set(query.get("reset", "").split(",")))
        return 200, "", b"{}"


def _good(wire: Wire) -> bytes:
    return _encoded({"IsSuccess": True, "Code": "success", "RequestId": "r", **wire})


def _encoded(wire: Wire | bytes) -> bytes:
    return wire if isinstance(wire, bytes) else json.dumps(wire).encode()


async def run(words: list[str]) -> None:
    """Serve until killed."""
    sites, views, repositories, directory = words
    outside = Outside(Layout(int(sites), int(views), int(repositories)), Path(directory))
    sys.stdout.write(json.dumps(await outside.start()) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
