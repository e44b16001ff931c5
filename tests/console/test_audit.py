"""`registry-bot audit`: what an auditor can find out, and what nobody can take away unseen."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.redis_keys import AUDIT, META, SEALS
from tests.console.records import OLD, History, history
from tests.console.terminal import Outcome, Terminal, registry_bot

HOUR = timedelta(hours=1)


async def _verify(terminal: Terminal, past: History, *more: str) -> Outcome:
    return await terminal.registry_bot("audit", "verify", *more, environment=past.environment)


async def _head(past: History) -> str:
    seq, digest, *_ = str(await past.store.link.call("HGET", META, "head")).split(":")
    return f"{seq}:{digest}"


async def test_a_whole_audit_is_said_to_be_whole_with_its_head(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        await past.went_by()
        told = await _verify(terminal, past)
        again = await _verify(terminal, past, "--head", await _head(past))

        assert (told.code, again.code) == (0, 0)
        assert f"The audit is whole. Head: {await _head(past)}" in told.out
        assert "25 entries: 1 (" in told.out


async def test_it_takes_nothing_but_redis_and_the_keys(redis_url: str) -> None:
    async with history(redis_url) as past:
        await past.went_by()
        told = await registry_bot("audit", "verify", environment=past.environment)
        nothing = await registry_bot("audit", "verify", environment={})

    assert told.code == 0
    assert (nothing.code, "REGISTRY_BOT_REDIS_URL: is not set" in nothing.err) == (2, True)


@pytest.mark.covers("A43")
async def test_a_removed_entry_is_an_exit_code_and_a_sentence(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        await past.went_by()
        entries = await past.store.link.call("XRANGE", AUDIT, "-", "+")
        await past.store.link.call("XDEL", AUDIT, entries[3][0])
        told = await _verify(terminal, past)

    assert told.code == 1
    assert "The audit has a gap: entry 4 is missing." in told.out


@pytest.mark.covers("A43", "A44")
async def test_a_redis_put_back_whole_is_found_by_the_head_that_was_kept_elsewhere(
    terminal: Terminal, redis_url: str
) -> None:
    async with history(redis_url) as past:
        await past.went_by()
        kept = await past.store.link.call("HMGET", META, "head", "sequence")
        await past.happened(OLD.replace(year=2090), "reject")
        await past.sealer.tick()
        outside = await _head(past)
        (last,) = await past.store.link.call("XREVRANGE", AUDIT, "+", "-", "COUNT", 1)
        await past.store.link.call("XDEL", AUDIT, last[0])
        await past.store.link.call("XDEL", SEALS, "26-0")
        await past.store.link.call("HSET", META, "head", kept[0], "sequence", kept[1])

        alone, compared = await _verify(terminal, past), await _verify(terminal, past, "--head", outside)

    assert alone.code == 0
    assert compared.code == 1
    assert "Entry 26 was sealed once, but the audit ends at entry 25" in compared.out


async def test_a_head_of_another_chain_is_found(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        await past.went_by()
        told = await _verify(terminal, past, "--head", f"7:{'a' * 64}")
        nonsense = await _verify(terminal, past, "--head", "latest")

    assert (told.code, "Entry 7 has another hash" in told.out) == (1, True)
    assert (nonsense.code, "NUMBER:HASH" in nonsense.err) == (2, True)


async def test_an_empty_redis_is_no_whole_audit(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        await past.store.link.call("FLUSHALL")
        told = await _verify(terminal, past)

    assert (told.code, "holds no audit" in told.out) == (1, True)


async def _trim(terminal: Terminal, past: History, file: Path, *more: str) -> Outcome:
    words = ("audit", "trim", "--archive", str(file), *more)
    return await terminal.registry_bot(*words, environment=past.environment)


async def test_old_entries_go_to_a_file_and_both_parts_verify(
    terminal: Terminal, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "audit.jsonl"
    async with history(redis_url) as past:
        await past.went_by()
        outside = await _head(past)
        told = await _trim(terminal, past, file)
        await past.sealer.tick()
        verified = await _verify(terminal, past, "--head", outside)
        await past.sealer.inspect()
        archived = await terminal.registry_bot("audit", "verify", "--archive", str(file), environment={})

        assert (told.code, verified.code, archived.code) == (0, 0, 0)
        assert "11 entries, 1 to 11" in told.out
        assert "Entries up to 11 were archived and trimmed." in verified.out
        assert "The archive is whole." in archived.out
        assert await past.store.link.call("XLEN", AUDIT) == 15
        assert await past.store.freezes() == ()


async def test_trimming_twice_goes_on_where_the_first_ended(terminal: Terminal, redis_url: str, tmp_path: Path) -> None:
    async with history(redis_url) as past:
        await past.went_by()
        first = await _trim(terminal, past, tmp_path / "first")
        nothing = await _trim(terminal, past, tmp_path / "none")
        second = await _trim(terminal, past, tmp_path / "second", "--days", "200")
        archives = [
            await terminal.registry_bot("audit", "verify", "--archive", str(tmp_path / name), environment={})
            for name in ("first", "second")
        ]

        assert [first.code, nothing.code, second.code, *(each.code for each in archives)] == [0, 0, 0, 0, 0]
        assert "Nothing was trimmed" in nothing.out
        assert not (tmp_path / "none").exists()
        assert "12 to 18" in second.out
        assert (await _verify(terminal, past)).code == 0


async def test_nothing_is_trimmed_that_is_young_or_not_as_written_or_has_no_new_file(
    terminal: Terminal, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("something")
    async with history(redis_url) as past:
        await past.went_by()
        young = await _trim(terminal, past, tmp_path / "a", "--days", "179")
        taken = await _trim(terminal, past, tmp_path / "taken")
        entries = await past.store.link.call("XRANGE", AUDIT, "-", "+")
        await past.store.link.call("XDEL", AUDIT, entries[3][0])
        damaged = await _trim(terminal, past, tmp_path / "b")

        assert [young.code, taken.code, damaged.code] == [2, 2, 2]
        assert "at least 180 days" in young.err
        assert "File exists. Nothing was trimmed." in taken.err
        assert "entry 4 is missing. Nothing was trimmed" in damaged.err
        assert await past.store.link.call("XLEN", AUDIT) == 24


@pytest.mark.parametrize("how", ["cut", "changed"])
async def test_a_changed_archive_is_found(terminal: Terminal, redis_url: str, tmp_path: Path, how: str) -> None:
    file = tmp_path / "audit.jsonl"
    async with history(redis_url) as past:
        await past.went_by()
        await _trim(terminal, past, file)
        text = file.read_text()
        file.write_text(text[:-200] if how == "cut" else text.replace("E_USAGE", "E_OTHER", 1))
        told = await terminal.registry_bot("audit", "verify", "--archive", str(file), environment={})

    assert (told.code, "not as it was written" in told.out) == (1, True)


async def _year(past: History) -> None:
    """Let one failover be asked for, approved and done, another be refused, and things happen beside them."""
    move = {"operation": "fo-7k2m", "digest": "d" * 64, "policy": "p" * 64}
    await past.happened(
        OLD,
        "requested",
        **move,
        person="lin",
        user="U01",
        kind="fo",
        after="PENDING",
        changes="record-b (x in vpc-b): A 10.0.0.1 → CNAME h",
        verdict="GO",
        findings="F WARN (warns)",
        route="internet",
        reason="=cmd|calc",
    )
    await past.happened(OLD + HOUR, "refused", code="E_SELF_APPROVAL", count="1", operation="fo-7k2m")
    await past.happened(OLD + HOUR, "refused", code="E_TOO_FAST", count="95", operation="fo-7k2m")
    await past.happened(OLD + HOUR, "approve", **move, person="wei", user="U02", before="PENDING", after="APPROVED")
    await past.happened(OLD + HOUR, "claimed", **move, person="bot", after="APPLYING", bot_version="0.1.0")
    await past.happened(OLD + HOUR, "second read-back", **move, after="DONE", outcome="Done.", requests="r-1 r-2")
    await past.happened(OLD + 2 * HOUR, "observed", **move, after="DONE", observations="CONVERGED: OK")
    await past.happened(
        OLD + 3 * HOUR, "EXTERNAL", operation="fo-7k2m", by="ops@corp", holds="A 10.9.9.9", after="DONE"
    )
    await past.happened(OLD + 4 * HOUR, "frozen", person="lin", scope="all", reason="look first")
    await past.happened(OLD + 100 * HOUR, "requested", operation="fo-8888", person="lin", kind="fo", after="PENDING")


async def _export(terminal: Terminal, past: History, *more: str) -> Outcome:
    span = ("--from", "2020-01-01", "--to", "2020-02-01", *more)
    return await terminal.registry_bot("audit", "export", *span, environment=past.environment)


async def test_an_export_has_one_row_a_change_with_all_that_an_auditor_asks(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        await _year(past)
        told = await _export(terminal, past)

    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [(row["kind"], row["id"]) for row in rows] == [
        ("EXTERNAL", "fo-7k2m#8"),
        ("FREEZE", "#9"),
        ("FAILOVER", "fo-7k2m"),
        ("FAILOVER", "fo-8888"),
    ]
    assert (rows[0]["requested_by"], rows[0]["what"]) == ("ops@corp", "holds: A 10.9.9.9")
    done = rows[2]
    assert (done["requested_by"], done["requested_at"]) == ("lin", "2020-01-01T00:00:00.000Z")
    assert (done["approved_by"], done["approved_at"]) == ("wei", "2020-01-01T01:00:00.000Z")
    assert done["what"] == "record-b (x in vpc-b): A 10.0.0.1 → CNAME h"
    assert (done["verdict"], done["findings"]) == ("GO", "F WARN (warns)")
    assert (done["state"], done["outcome"], done["request_ids"]) == ("DONE", "Done.", "r-1 r-2")
    assert done["observations"] == "CONVERGED: OK"
    assert (rows[3]["state"], rows[3]["ended_at"]) == ("PENDING", "")
    assert told.err == "4 rows.\nRefused: E_SELF_APPROVAL 1, E_TOO_FAST 95.\n"


async def test_as_a_table_it_has_the_same_rows_and_no_formulas(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        await _year(past)
        told = await _export(terminal, past, "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert [row["id"] for row in rows] == ["fo-7k2m#8", "#9", "fo-7k2m", "fo-8888"]
    assert rows[2]["reason"] == "'=cmd|calc"


async def test_what_was_asked_for_belongs_to_one_span_alone(terminal: Terminal, redis_url: str) -> None:
    spans = [("2020-01-01", "2020-01-01T00:30"), ("2020-01-01T00:30", "2020-01-03")]
    async with history(redis_url) as past:
        await _year(past)
        told = [
            await terminal.registry_bot("audit", "export", "--from", a, "--to", b, environment=past.environment)
            for a, b in spans
        ]

    ids = [[json.loads(line)["id"] for line in each.out.splitlines()] for each in told]
    assert ids == [["fo-7k2m"], ["fo-7k2m#8", "#9"]]
    assert json.loads(told[0].out)["state"] == "DONE"


async def test_an_entry_at_the_very_first_moment_belongs_to_the_span(terminal: Terminal, redis_url: str) -> None:
    async with history(redis_url) as past:
        milliseconds = int(OLD.timestamp() * 1000)
        await past.store.link.call("XADD", AUDIT, f"{milliseconds}-0", "event", "frozen", "seq", "1", "scope", "all")
        told = await _export(terminal, past)

    assert [json.loads(line)["kind"] for line in told.out.splitlines()] == ["FREEZE"]


@pytest.mark.parametrize("span", [("yesterday", "2020-01-02"), ("2020-01-02", "2020-01-01")])
async def test_a_span_that_is_none_is_misuse(terminal: Terminal, redis_url: str, span: tuple[str, str]) -> None:
    async with history(redis_url) as past:
        words = ("audit", "export", "--from", span[0], "--to", span[1])
        told = await terminal.registry_bot(*words, environment=past.environment)

    assert told.code == 2
