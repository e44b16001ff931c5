"""The peer: one program written straight down with aiohttp and redis-py, for this one company and nothing else.

It takes the same safety steps as the bot, with the same calls in the same order and side by side where the bot has
them so: signature, button code, vote under a version, the audit asked for an end, people and ground checked again,
claim under a token, claim read back, freezes read, record read, one write, read-back, commit, card drawn by one process
at a time and compared with what is stored. It has no framework, no layers, no types on the wire, no rate limits, and no
answer to anything going wrong.
"""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from benchmarks.by_hand_wires import PVTZ, TAG, Wire, Wires

ENDS = {"done", "rejected", "expired"}


class ByHand(Wires):
    """The whole program."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = os.environ["REGISTRY_BOT_SLACK_SIGNING_SECRET"].encode()
        self.help = json.loads(os.environ.get("BENCH_HELP", "{}"))
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self.open()
        app = web.Application()
        app.add_routes([web.get("/healthz", self.healthy), web.get("/readyz", self.healthy)])
        app.add_routes([web.post("/slack/events", self.events), web.post("/seed", self.seed)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ["REGISTRY_BOT_HTTP_PORT"])).start()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def healthy(self, _: web.Request) -> web.Response:
        return web.Response()

    # the front door: signature, button code, card, vote

    async def events(self, request: web.Request) -> web.Response:
        body = await request.read()
        stamp = request.headers["X-Slack-Request-Timestamp"]
        wanted = hmac.new(self.secret, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        given = request.headers["X-Slack-Signature"]
        if abs(time.time() - int(stamp)) > 300 or not hmac.compare_digest(given, f"v0={wanted}"):
            return web.Response(status=401)
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        freezes: Any = await self.redis.hgetall(f"{TAG}:freeze")  # every answer shows what is frozen
        if "payload" in form:
            return await self.click(json.loads(form["payload"]))
        return web.json_response(self.help | {"frozen": freezes} if freezes else self.help)

    async def click(self, payload: Wire) -> web.Response:
        action, user = payload["actions"][0], payload["user"]["id"]
        verb, operation_id, digest, code = action["value"].split("|")
        if not hmac.compare_digest(self.mac("T", operation_id, verb, digest), code):
            return web.Response(status=403)
        card = await self.load(operation_id, "card")
        if card != [payload["container"]["channel_id"], payload["container"]["message_ts"]]:
            return web.Response(status=403)
        operation = await self.load(operation_id)
        said = f"{operation_id}: your approval counts."
        if not any(vote["user"] == user for vote in operation["votes"]):
            await self.vote(operation, user, digest)
        self.spawn(self.respond(payload["response_url"], said))
        return web.Response()

    async def vote(self, operation: Wire, user: str, digest: str) -> None:
        if user == operation["requester"] or operation["state"] != "PENDING" or operation["digest"] != digest:
            raise web.HTTPForbidden
        code = self.mac(operation["id"], digest, user, "approve")
        operation["votes"].append({"user": user, "digest": digest, "mac": code, "at": now()})
        operation["state"] = "APPROVED"
        await self.commit(operation, "approved")
        self.spawn(self.update_card(operation["id"]))
        self.spawn(self.carry_out(operation["id"]))

    async def respond(self, url: str, text: str) -> None:
        body = {"text": text, "response_type": "ephemeral", "replace_original": False}
        async with self.http.post(url, json=body) as answer:
            await answer.read()

    # the work

    async def carry_out(self, operation_id: str) -> None:
        operation = await self.load(operation_id)
        plan = operation["plan"]
        await self.recheck(operation, plan)
        token = secrets.token_hex(16)
        operation |= {"state": "APPLYING", "lease": {"token": token, "until": time.time() + 30}}
        began = time.monotonic()
        await self.commit(operation, "claimed", token)
        operation = await self.load(operation_id)
        assert operation["lease"]["token"] == token
        assert not await self.redis.exists(f"{TAG}:freeze")
        assert same(await self.record(plan["record_id"]), plan["existing"])
        assert time.monotonic() - began < 10
        await self.write(plan, operation["digest"])
        assert same(await self.record(plan["record_id"]), plan["desired"])
        operation |= {"state": "VERIFYING", "lease": None, "applied_at": now()}
        await self.commit(operation, "read back")
        await self.update_card(operation_id)

    async def ended(self, operation_id: str) -> bool:
        """Tell whether the audit knows an end of what the store holds as going on: somebody has put it back then."""
        since = int((time.time() - 60) * 1000)
        entries: Any = await self.redis.xrange(f"{TAG}:audit", min=f"{since}-0", count=200)
        return any(said["operation"] == operation_id and said["entry"] in ENDS for _, said in entries)

    async def recheck(self, operation: Wire, plan: Wire) -> None:
        digest = hashlib.sha256(canonical(plan)).hexdigest()
        assert digest == operation["digest"]
        policy = hashlib.sha256(canonical([self.registry["policy"], self.registry["people"]])).hexdigest()
        assert policy == plan["policy"]
        people = [operation["requester"], *(vote["user"] for vote in operation["votes"])]
        for vote in operation["votes"]:
            assert hmac.compare_digest(vote["mac"], self.mac(operation["id"], digest, vote["user"], "approve"))
        assert not await self.ended(operation["id"])
        for answer in await asyncio.gather(*(self.slack_get("users.info", user=user) for user in people)):
            assert not answer["user"]["deleted"]
        fresh = await self.draft(plan["away"], plan["to"], plan["vpc"])
        assert all(fresh[part] == plan[part] for part in ("existing", "desired"))

    async def draft(self, away: str, to: str, vpc: str) -> Wire:
        found = await asyncio.gather(
            self.zone(vpc),
            self.site(to),
            self.site(away),
            self.copies(away, to),
            self.home(away),
        )
        zone, standby = found[0], found[1]
        answer, _ = await asyncio.gather(self.challenge(standby["public"]), self.last_moves())
        assert answer == self.registry["sites"][to]["instance"]
        assert standby["status"] == "RUNNING"
        assert zone["vpcs"] == [vpc]
        desired = zone["record"] | {"Type": "CNAME", "Value": standby["public"]}
        policy = hashlib.sha256(canonical([self.registry["policy"], self.registry["people"]])).hexdigest()
        plan = {"away": away, "to": to, "vpc": vpc, "zone": zone["id"], "record_id": zone["record"]["RecordId"]}
        return plan | {
            "existing": zone["record"],
            "desired": desired,
            "policy": policy,
            "nonce": secrets.token_hex(8),
        }

    async def zone(self, vpc: str) -> Wire:
        domain = next(iter(self.registry["domains"]))
        asked = {"Keyword": domain, "SearchMode": "EXACT", "QueryVpcId": vpc, "PageNumber": "1", "PageSize": "100"}
        listed = (await self.call(self.pvtz, PVTZ, "DescribeZones", asked))["Zones"]["Zone"]
        info = await self.call(self.pvtz, PVTZ, "DescribeZoneInfo", {"ZoneId": listed[0]["ZoneId"]})
        asked = {"ZoneId": info["ZoneId"], "Keyword": "@", "SearchMode": "EXACT", "PageNumber": "1", "PageSize": "100"}
        records = (await self.call(self.pvtz, PVTZ, "DescribeZoneRecords", asked))["Records"]["Record"]
        assert len(records) == 1
        return {
            "id": info["ZoneId"],
            "vpcs": [vpc["VpcId"] for vpc in info["BindVpcs"]["Vpc"]],
            "record": records[0],
        }

    async def site(self, name: str) -> Wire:
        endpoint = {"EndpointType": "internet", "ModuleName": "Registry"}
        instance, internet, links = await asyncio.gather(
            self.registry_call(name, "GetInstance"),
            self.registry_call(name, "GetInstanceEndpoint", **endpoint),
            self.registry_call(name, "GetInstanceVpcEndpoint", ModuleName="Registry"),
        )
        public = next(each["Domain"] for each in internet["Domains"] if each["Type"] == "SYSTEM")
        seen = {"status": instance["InstanceStatus"], "public": public, "links": links["LinkedVpcs"], "at": now()}
        await self.redis.set(f"{TAG}:endpoints:{name}", json.dumps(seen), ex=2592000)
        return seen

    async def home(self, name: str) -> str:
        known = await self.redis.get(f"{TAG}:endpoints:{name}")
        return await self.challenge(json.loads(known)["public"] if known else (await self.site(name))["public"])

    async def copies(self, away: str, to: str) -> None:
        paging = {"PageNo": "1", "PageSize": "100"}
        _, _, here, there = await asyncio.gather(
            self.registry_call(away, "ListRepoSyncRule", **paging),
            self.registry_call(away, "ListRepoSyncTask", **paging),
            self.inventory(away),
            self.inventory(to),
        )
        assert here == there

    async def inventory(self, name: str) -> Wire:
        paging = {"PageNo": "1", "PageSize": "100"}
        listed = await self.registry_call(name, "ListRepository", RepoNamespaceName="core", **paging)
        repositories = listed["Repositories"]
        asked = (self.registry_call(name, "ListRepoTag", RepoId=each["RepoId"], **paging) for each in repositories)
        found = {
            f"core/{repository['RepoName']}:{image['Tag']}": image["Digest"]
            for repository, tags in zip(repositories, await asyncio.gather(*asked), strict=True)
            for image in tags["Images"]
        }
        await self.redis.set(f"{TAG}:inv:{name}", json.dumps(found), ex=2592000)
        return found

    async def last_moves(self) -> list[str]:
        ids = await self.redis.zrevrange(f"{TAG}:recent", 0, 49)
        async with self.redis.pipeline(transaction=False) as pipe:
            for operation_id in map(str, ids):
                pipe.hget(f"{TAG}:op:{operation_id}", "doc")
            found = [json.loads(doc) for doc in await pipe.execute() if doc]
        return [operation["applied_at"] for operation in found if operation.get("applied_at")]

    async def record(self, record_id: int) -> Wire:
        return await self.call(self.pvtz, PVTZ, "DescribeZoneRecord", {"RecordId": str(record_id)})

    async def write(self, plan: Wire, digest: str) -> None:
        wanted = {name: str(plan["desired"][name]) for name in ("RecordId", "Rr", "Type", "Value", "Ttl", "Line")}
        answer = await self.call(self.pvtz, PVTZ, "UpdateZoneRecord", wanted | {"ClientToken": f"{digest[:40]}-0"})
        assert answer["RecordId"] == plan["record_id"]

    # what the bot's `failover` command would have left behind; not measured

    async def seed(self, request: web.Request) -> web.Response:
        asked = await request.json()
        plan = await self.draft(asked["away"], asked["to"], asked["vpc"])
        digest, operation_id = hashlib.sha256(canonical(plan)).hexdigest(), f"fo-{secrets.token_hex(3)}"
        operation = {"id": operation_id, "plan": plan, "digest": digest, "state": "PENDING", "version": 0, "votes": []}
        operation |= {"requester": asked["requester"], "at": now(), "lease": None}
        await self.commit(operation, "requested")
        ts = f"1700000000.{secrets.randbelow(10**6):06}"
        await self.redis.hset(f"{TAG}:op:{operation_id}", "card", json.dumps([asked["channel"], ts]))
        value = f"approve|{operation_id}|{digest}|{self.mac('T', operation_id, 'approve', digest)}"
        return web.json_response({"value": value, "ts": ts})


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def same(found: Wire, wanted: Wire) -> bool:
    return all(found[name] == value for name, value in wanted.items())


def now() -> str:
    return datetime.now(UTC).isoformat()


async def main() -> None:
    await ByHand().start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
