"""The audit cannot be changed behind the bot's back: whatever is done to it is noticed, told and freezes everything."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_keys import AUDIT, META, SEALS
from bot.adapters.redis_store import RedisOperations
from bot.adapters.signer import HmacSigner
from bot.domain.chain import FIRST, START, AuditEntry, Head, sealed
from bot.domain.freeze import ALL
from bot.ports import Ports
from bot.services.chain_check import check
from bot.services.sealing import PAGE, seal
from bot.worker.sealer import Sealer
from tests.adapters.stores import opened
from tests.fakes import SIGNING_KEY, some_ports

ATTACKER = HmacSigner("a key that the attacker made up")


@dataclass
class Scene:
    """A real Redis with an audit, a bot that seals it, and somebody who can write to that Redis."""

    store: RedisOperations
    ports: Ports
    bot: Sealer

    async def happened(self, *events: str) -> None:
        """Record events and have them sealed."""
        for event in events:
            await self.store.record({"event": event})
        await self.bot.tick()

    async def entries(self) -> list[AuditEntry]:
        return list(await self.ports.trail.entries(START, 1000))

    async def rewound(self) -> list[Mapping[str, str]]:
        """Return what the audit tells of damage."""
        return [entry.fields for entry in await self.entries() if entry.event == "rewound"]

    async def damages(self) -> list[str]:
        return [damage.name.split()[0] for damage in (await check(self.ports.trail, self.ports.signer)).damages]

    async def rewrite(self, entries: list[AuditEntry]) -> None:
        """Put another audit in place of this one, chain and head and all, as well as it can be done without the key."""
        standing = await self.ports.trail.standing()
        seals, _ = sealed(FIRST, entries, len(entries))
        await self.store.link.call("DEL", AUDIT, SEALS)
        for entry in entries:
            flat = [word for pair in entry.fields.items() for word in pair]
            await self.store.link.call("XADD", AUDIT, entry.id, *flat)
        for each in seals:
            await self.store.link.call("XADD", SEALS, f"{each.seq}-0", "hash", each.hash, "entry", each.entry)
        last = seals[-1]
        mac = ATTACKER.sign("audit", standing.workspace, standing.store, "head", str(last.seq), last.hash)
        await self.store.link.call("HSET", META, "head", str(Head(last.seq, last.hash, mac)), "sequence", last.seq)

    def restarted(self) -> "Scene":
        """Return the scene with a new process, which remembers nothing."""
        return replace(self, bot=Sealer(self.ports))


@pytest.fixture
async def scene(redis_url: str) -> AsyncIterator[Scene]:
    async with opened(redis_url) as store:
        await store.adopt()
        ports = some_ports(operations=store, trail=RedisTrail(store.link))
        yield Scene(store, ports, Sealer(ports))


async def _is_frozen(scene: Scene) -> bool:
    return [freeze.scope for freeze in await scene.store.freezes()] == [ALL]


async def test_an_untouched_audit_is_whole_and_freezes_nothing(scene: Scene) -> None:
    await scene.happened(*"abc")
    await scene.happened(*"de")
    await scene.restarted().bot.tick()
    await scene.bot.inspect()

    assert (await scene.damages(), await scene.rewound(), await scene.store.freezes()) == ([], [], ())


async def test_nothing_at_all_is_whole_too(scene: Scene) -> None:
    await scene.bot.tick()
    await scene.bot.inspect()

    assert (await scene.damages(), await scene.store.freezes()) == ([], ())


async def test_a_long_audit_that_nobody_sealed_yet_is_sealed_in_one_go(scene: Scene) -> None:
    await scene.happened(*(str(n) for n in range(2 * PAGE + 1)))

    standing = await scene.ports.trail.standing()
    assert (standing.sequence, standing.last.seq if standing.last else 0) == (2 * PAGE + 1, 2 * PAGE + 1)


async def test_the_head_is_told_on_stdout_when_it_moved_and_only_then(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    await scene.happened("a")
    await scene.bot.tick()
    head = (await scene.ports.trail.standing()).head
    assert head is not None

    assert capsys.readouterr().out.count(head.hash) == 1


async def test_two_bots_seal_the_same_audit_together(scene: Scene) -> None:
    other = scene.restarted()
    for _ in range(3):
        await scene.happened("a")
        await other.happened("b")

    assert (await scene.damages(), await scene.rewound()) == ([], [])


async def _change_one(scene: Scene) -> None:
    entries = await scene.entries()
    entries[1] = replace(entries[1], fields={**entries[1].fields, "person": "somebody else"})
    head = await scene.store.link.call("HGET", META, "head")
    seals = await scene.store.link.call("XRANGE", SEALS, "-", "+")
    await scene.rewrite(entries)
    await scene.store.link.call("DEL", SEALS)  # this one only changes the entry: seals and head are left as they were
    for seal_id, flat in seals:
        await scene.store.link.call("XADD", SEALS, seal_id, *flat)
    await scene.store.link.call("HSET", META, "head", head)


async def _remove_one(scene: Scene) -> None:
    await scene.store.link.call("XDEL", AUDIT, (await scene.entries())[1].id)


async def _remove_a_seal(scene: Scene) -> None:
    await scene.store.link.call("XDEL", SEALS, "2-0")


async def _insert_one(scene: Scene) -> None:
    await scene.store.link.call("XADD", AUDIT, "*", "seq", 2, "event", "approve", "person", "somebody")


async def _add_with_another_number(scene: Scene) -> None:
    await scene.store.link.call("XADD", AUDIT, "*", "seq", 9, "event", "approve", "person", "somebody")


async def _insert_what_is_no_text(scene: Scene) -> None:
    await scene.store.link.call("EVAL", "redis.call('XADD', KEYS[1], '99999999999999999-0', 'seq', '\\255')", 1, AUDIT)


async def _cut_the_tail(scene: Scene) -> None:
    await scene.store.link.call("XDEL", AUDIT, (await scene.entries())[-1].id)


async def _take_the_head(scene: Scene) -> None:
    await scene.store.link.call("HDEL", META, "head")


async def _rewrite_all(scene: Scene) -> None:
    entries = await scene.entries()
    entries[1] = replace(entries[1], fields={**entries[1].fields, "person": "somebody else"})
    await scene.rewrite(entries)


TAMPERED: dict[str, tuple[Callable[[Scene], Awaitable[None]], str]] = {
    "an entry changed": (_change_one, "changed"),
    "an entry taken out": (_remove_one, "missing"),
    "a seal taken out": (_remove_a_seal, "unsealed"),
    "an entry put in": (_insert_one, "misplaced"),
    "a number that was never given out": (_add_with_another_number, "misplaced"),
    "bytes that are no text, in no time": (_insert_what_is_no_text, "misplaced"),
    "the tail cut": (_cut_the_tail, "missing"),
    "the head taken": (_take_the_head, "head"),
    "all rewritten without the key": (_rewrite_all, "head"),
}


@pytest.mark.covers("A43")
@pytest.mark.parametrize("what", TAMPERED)
async def test_whatever_is_done_to_it_a_check_finds_it(scene: Scene, what: str) -> None:
    tamper, found = TAMPERED[what]
    await scene.happened(*"abcd")
    await tamper(scene)

    assert found in await scene.damages()


@pytest.mark.covers("A43")
@pytest.mark.parametrize("what", TAMPERED)
async def test_a_bot_that_starts_then_tells_of_it_and_freezes_everything(scene: Scene, what: str) -> None:
    await scene.happened(*"abcd")
    await TAMPERED[what][0](scene)
    new = scene.restarted()
    await new.bot.tick()
    await new.bot.inspect()

    assert await _is_frozen(scene)
    assert all(told["scope"] == ALL and told["why"] and told["damage"] for told in await scene.rewound())


@pytest.mark.parametrize("what", TAMPERED)
async def test_damage_that_two_people_have_looked_at_freezes_nothing_again(scene: Scene, what: str) -> None:
    await scene.happened(*"abcd")
    await TAMPERED[what][0](scene)
    for _ in range(2):
        new = scene.restarted()
        await new.bot.tick()
        await new.bot.inspect()
        await new.bot.tick()
    await scene.store.link.call("DEL", "{registry-bot}:freeze")
    told = len(await scene.rewound())
    new = scene.restarted()
    await new.happened("e")
    await new.bot.inspect()

    assert (len(await scene.rewound()), await scene.store.freezes()) == (told, ())


async def test_a_page_of_entries_put_in_does_not_keep_the_real_ones_from_being_sealed(scene: Scene) -> None:
    await scene.happened(*"abcd")
    for _ in range(PAGE):
        await _insert_one(scene)
    await scene.store.record({"event": "e"})
    trail = scene.ports.trail

    sealing = await seal(trail, scene.ports.signer, None)

    assert (sealing.reached.seq, len(sealing.damages)) == (5, PAGE)


async def test_somebody_else_cannot_call_a_damage_known(scene: Scene) -> None:
    await scene.happened(*"abcd")
    await _remove_one(scene)
    await scene.store.record({"event": "rewound", "damage": "missing 2-2", "mac": ATTACKER.sign("x")})
    new = scene.restarted()
    await new.bot.inspect()

    assert await _is_frozen(scene)


@pytest.mark.covers("A44")
async def test_a_redis_put_back_to_before_a_rejection_while_the_bot_runs_freezes_everything(scene: Scene) -> None:
    await scene.happened("requested")
    entries = await scene.entries()
    head, sequence = await scene.store.link.call("HMGET", META, "head", "sequence")
    await scene.happened("approve", "reject")
    await scene.rewrite(entries)
    await scene.store.link.call("HSET", META, "head", head, "sequence", sequence)
    assert await scene.damages() == []  # by itself the older state is as good as it ever was

    await scene.bot.tick()

    assert await _is_frozen(scene)
    (told,) = await scene.rewound()
    assert "has seen the audit up to entry 3, but Redis holds it only up to entry 1" in told["why"]


@pytest.mark.covers("A43", "A44")
async def test_a_chain_rewritten_while_the_bot_runs_freezes_everything(scene: Scene) -> None:
    await scene.happened(*"abcd")
    await _rewrite_all(scene)

    await scene.bot.tick()

    assert await _is_frozen(scene)
    assert "it was rewritten" in (await scene.rewound())[0]["why"]


@pytest.mark.covers("A44")
async def test_with_a_redis_that_was_emptied_this_bot_is_frozen_by_itself(scene: Scene) -> None:
    await scene.happened(*"abc")
    await scene.store.link.call("FLUSHALL")

    await scene.bot.tick()

    assert [freeze.scope for freeze in scene.ports.local_freezes.freezes()] == [ALL]


async def test_a_new_key_signs_the_head_at_once_so_that_the_old_one_may_go(scene: Scene) -> None:
    await scene.happened(*"abc")
    both = replace(scene.ports, signer=HmacSigner("a new signing key", previous=SIGNING_KEY))
    await Sealer(both).tick()
    only_new = replace(scene.ports, signer=HmacSigner("a new signing key"))
    await Sealer(only_new).tick()

    assert (await check(only_new.trail, only_new.signer)).damages == []
    assert await scene.store.freezes() == ()
