"""The wires of the program written by hand: Redis, Slack, both products of the cloud, and the registries."""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import ssl
import time
import uuid
from typing import Any
from urllib.parse import quote

import aiohttp
import redis.asyncio
import yaml
from yarl import URL

Wire = dict[str, Any]
PVTZ, CR = "2018-01-01", "2018-12-01"
TAG = "{by-hand}"
COMMIT = """
if redis.call('EXISTS', KEYS[3]) == 1 then return 'FROZEN' end
local held = redis.call('GET', KEYS[4])
local now = redis.call('TIME')
if held and tonumber(held) > tonumber(now[1]) then return 'HELD' end
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if redis.call('HGET', KEYS[1], 'attempt') == ARGV[3] then return 'OK' end
if version ~= tonumber(ARGV[1]) then return 'VERSION' end
redis.call('HSET', KEYS[1], 'doc', ARGV[2], 'version', version + 1, 'attempt', ARGV[3])
redis.call('XADD', KEYS[2], '*', 'operation', ARGV[5], 'entry', ARGV[4], 'at', now[1], 'version', version + 1)
redis.call('ZADD', KEYS[5], now[1], ARGV[5])
redis.call('ZADD', KEYS[6], now[1], ARGV[5])
return 'OK'
"""


class Wires:
    """Every call that the program makes."""

    def __init__(self) -> None:
        env = os.environ
        with open(env["REGISTRY_BOT_CONFIG"], encoding="utf-8") as file:  # noqa: PTH123
            self.registry = yaml.safe_load(file)
        self.button_key = env["REGISTRY_BOT_SIGNING_KEY"].encode()
        self.key_id, self.key = env["ALIBABA_CLOUD_ACCESS_KEY_ID"], env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"].encode()
        self.slack = env["REGISTRY_BOT_SLACK_API_URL"]
        self.token = {"Authorization": f"Bearer {env['REGISTRY_BOT_SLACK_BOT_TOKEN']}"}
        self.pvtz = env["REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT"]
        self.cr = dict(pair.split("=") for pair in env["REGISTRY_BOT_ALIBABA_CR_ENDPOINT"].split(","))
        self.dial = dict(pair.split("=") for pair in env["REGISTRY_BOT_CONNECT_TO"].split(","))
        self.name = secrets.token_hex(16)
        self.trust = ssl.create_default_context()

    async def open(self) -> None:
        self.redis = redis.asyncio.Redis.from_url(os.environ["REGISTRY_BOT_REDIS_URL"], db=1, decode_responses=True)
        self.script = self.redis.register_script(COMMIT)
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60))
        await self.redis.ping()

    async def load(self, operation_id: str, part: str = "doc") -> Any:
        return json.loads(str(await self.redis.hget(f"{TAG}:op:{operation_id}", part)))

    async def commit(self, operation: Wire, event: str, attempt: str | None = None) -> None:
        version = operation["version"]
        operation["version"] += 1
        key, record = f"{TAG}:op:{operation['id']}", operation["plan"]["record_id"]
        keys = [key, *(f"{TAG}:{name}" for name in ("audit", "freeze", f"hold:{record}", "outbox", "recent"))]
        words = [version, json.dumps(operation), attempt or secrets.token_hex(16), event, operation["id"]]
        assert await self.script(keys=keys, args=words) == "OK"

    async def update_card(self, operation_id: str) -> None:
        key, turn = f"{TAG}:op:{operation_id}", f"{TAG}:turn:{operation_id}"
        while not await self.redis.set(turn, self.name, nx=True, px=20000):  # noqa: ASYNC110 - another process may draw
            await asyncio.sleep(0.01)
        operation = await self.load(operation_id)
        channel, ts = await self.load(operation_id, "card")
        text = f"{operation['state']}: pulls of {operation['plan']['vpc']} move to {operation['plan']['to']}"
        blocks = [
            {"type": "section", "text": {"type": "mrkdwn", "text": each}}
            for each in (text, f"by {operation['requester']}", json.dumps(operation["plan"]["desired"]))
        ]
        body = {"channel": channel, "ts": ts, "text": text, "blocks": blocks}
        async with self.http.post(f"{self.slack}chat.update", json=body, headers=self.token) as answer:
            assert (await answer.json())["ok"]
        await self.redis.hset(key, "rendered", operation["version"])
        assert (await self.load(operation_id))["version"] >= operation["version"]
        await self.redis.delete(turn)

    async def slack_get(self, method: str, **query: str) -> Wire:
        async with self.http.get(f"{self.slack}{method}", params=query, headers=self.token) as answer:
            return json.loads(await answer.read())  # type: ignore[no-any-return]

    async def registry_call(self, name: str, action: str, **query: str) -> Wire:
        site = self.registry["sites"][name]
        answer = await self.call(self.cr[site["region"]], CR, action, {"InstanceId": site["instance"], **query})
        assert answer["IsSuccess"]
        return answer

    async def call(self, host: str, version: str, action: str, query: dict[str, str]) -> Wire:
        path, headers = self.signed(host, version, action, query)
        async with self.http.post(URL(f"http://{host}{path}", encoded=True), headers=headers) as answer:
            assert answer.status == 200
            return json.loads(await answer.read())  # type: ignore[no-any-return]

    def signed(self, host: str, version: str, action: str, query: dict[str, str]) -> tuple[str, dict[str, str]]:
        headers = {
            "host": host,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-version": version,
        }
        asked = "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))
        names, lines = ";".join(headers), "".join(f"{name}:{value}\n" for name, value in headers.items())
        whole = f"POST\n/\n{asked}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(whole.encode()).hexdigest()}"
        mac = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = f"ACS3-HMAC-SHA256 Credential={self.key_id},SignedHeaders={names},Signature={mac}"
        return f"/?{asked}", headers

    async def challenge(self, name: str) -> str:
        host, _, port = self.dial[f"{name}:443"].partition(":")
        domain = next(iter(self.registry["domains"]))
        reader, writer = await asyncio.open_connection(host, int(port), ssl=self.trust, server_hostname=domain)
        writer.write(f"GET /v2/ HTTP/1.1\r\nHost: {domain}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.transport.abort()
        return head.partition('service="')[2].partition('"')[0].rpartition(":")[2]

    def mac(self, *words: str) -> str:
        return hmac.new(self.button_key, "|".join(words).encode(), hashlib.sha256).hexdigest()
