"""Circumstances of a failover, and how each preflight rule comes out in them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.inventory import Coverage
from bot.domain.moves import Move
from bot.domain.plan import Effect, Level
from bot.domain.preflight import Circumstances
from bot.domain.snapshot import Silence, SyncTask, TaskFeed, Unknown, ViewState
from bot.domain.topology import Route
from tests.builders import (
    DOMAIN,
    HOME_ADDRESS,
    INSTANCE_ID,
    NOW,
    PUBLIC_NAME,
    a_change,
    a_comparison,
    a_policy,
    a_record,
    a_replication,
    a_site,
    a_site_state,
    a_snapshot,
    a_view_state,
    an_answer,
    an_instance,
    endpoints,
    other,
)

SILENT = Silence("did not answer within 2 s", PUBLIC_NAME["hangzhou"], NOW)
GONE = Unknown("cn-hangzhou does not answer")
INTERNET = endpoints().internet


def circumstances(snapshot: dict[str, Any] | None = None, **fields: Any) -> Circumstances:
    """Return circumstances in which everything speaks for the failover, but for what is named."""
    usual = Circumstances(
        a_site(), a_site("hangzhou"), Route.INTERNET, (DOMAIN,), (a_change(),), a_snapshot(**snapshot or {}), a_policy()
    )
    return replace(usual, **fields)


def standby(**fields: Any) -> dict[str, Any]:
    """Return sites of a snapshot with a standby that is as named."""
    return {"sites": {"hangzhou": a_site_state(**fields), "zhangjiakou": a_site_state("zhangjiakou")}}


def closed_to_all_but(*entries: str) -> dict[str, Any]:
    """Return sites of a snapshot with a standby whose access list holds these entries."""
    return standby(endpoints=endpoints(internet=replace(INTERNET, acl_enabled=True, acl_entries=entries)))


def copies(*statuses: str) -> dict[str, Any]:
    """Return the replication of a snapshot with one copy of each status."""
    pair = (INSTANCE_ID["zhangjiakou"], INSTANCE_ID["hangzhou"])
    tasks = tuple(SyncTask(str(n), status, "core/api:1", NOW, NOW, *pair) for n, status in enumerate(statuses))
    return {"replication": a_replication(feed=TaskFeed(tasks, len(tasks), NOW))}


def moved(*ages: timedelta, away: str = "zhangjiakou", record: str = "record-b") -> dict[str, Any]:
    """Return the moves of a snapshot: so long ago, one record was moved away from a site."""
    return {"moves": tuple(Move(record, away, other(away), NOW - age) for age in ages)}


def compared(**fields: Any) -> dict[str, Any]:
    """Return the replication of a snapshot whose comparison came out as named."""
    return {"replication": a_replication(comparison=a_comparison(**fields))}


def kept(site: str, minutes: float, **fields: Any) -> Coverage:
    """Return what is known of a site's inventory that was read whole so many minutes ago."""
    return replace(Coverage(INSTANCE_ID[site], NOW - timedelta(minutes=minutes)), **fields)


def _pulling_from(site: str) -> ViewState:
    """Return hangzhou's view, pulling from a site."""
    return a_view_state("hangzhou", records=(a_record("hangzhou", value=HOME_ADDRESS[site]),))


CASES: list[tuple[str, dict[str, Any], Level, Effect, str]] = [
    ("STANDBY_RUNNING", {}, Level.PASS, Effect.NONE, "The instance at hangzhou is RUNNING."),
    (
        "STANDBY_RUNNING",
        standby(instance=an_instance(status="STOPPED")),
        Level.FAIL,
        Effect.BLOCKS,
        "The instance at hangzhou is STOPPED, not RUNNING.",
    ),
    (
        "STANDBY_RUNNING",
        standby(instance=GONE),
        Level.UNKNOWN,
        Effect.BLOCKS,
        "Nobody can tell whether the instance at hangzhou runs: cn-hangzhou does not answer.",
    ),
    ("STANDBY_ANSWERS", {}, Level.PASS, Effect.NONE, "hangzhou answers pulls under the custom name."),
    (
        "STANDBY_ANSWERS",
        {"standby_answer": SILENT},
        Level.FAIL,
        Effect.BLOCKS,
        "hangzhou does not answer pulls: did not answer within 2 s.",
    ),
    (
        "STANDBY_ANSWERS",
        {"standby_answer": an_answer("zhangjiakou", dialled="10.1.0.10")},
        Level.FAIL,
        Effect.BLOCKS,
        "10.1.0.10 answers as cri-bbbbb, not as cri-aaaaa of hangzhou.",
    ),
    (
        "STANDBY_ANSWERS",
        {"standby_answer": an_answer(instance_id=None, dialled="10.1.0.10")},
        Level.FAIL,
        Effect.BLOCKS,
        "10.1.0.10 answers as no instance, not as cri-aaaaa of hangzhou.",
    ),
    (
        "STANDBY_ANSWERS",
        {"standby_answer": Unknown("the bot runs outside these VPCs")},
        Level.UNKNOWN,
        Effect.LOSS,
        "Whether hangzhou answers pulls is not observable from here: the bot runs outside these VPCs.",
    ),
    (
        "CERTIFICATE",
        {},
        Level.PASS,
        Effect.NONE,
        "The certificate at hangzhou is valid for 60 more days.",
    ),
    (
        "CERTIFICATE",
        {"standby_answer": an_answer(certificate_expires_at=NOW + timedelta(days=14))},
        Level.WARN,
        Effect.WARNS,
        "The certificate at hangzhou expires in 14 days.",
    ),
    (
        "CERTIFICATE",
        {"standby_answer": an_answer(certificate_expires_at=NOW)},
        Level.FAIL,
        Effect.BLOCKS,
        "The certificate at hangzhou has expired.",
    ),
    ("CUSTOM_DOMAIN", {}, Level.PASS, Effect.NONE, "hangzhou carries the custom name."),
    (
        "CUSTOM_DOMAIN",
        standby(endpoints=endpoints(internet=replace(INTERNET, custom_domains=("other.io",)))),
        Level.FAIL,
        Effect.BLOCKS,
        f"hangzhou does not carry the custom name {DOMAIN}, so TLS would fail.",
    ),
    (
        "CUSTOM_DOMAIN",
        standby(endpoints=GONE),
        Level.UNKNOWN,
        Effect.LOSS,
        "Whether hangzhou carries the custom name is unknown: cn-hangzhou does not answer.",
    ),
    (
        "ACCESS_LIST",
        closed_to_all_but("203.0.113.0/24"),
        Level.PASS,
        Effect.NONE,
        "The access list of hangzhou admits zhangjiakou.",
    ),
    (
        "ACCESS_LIST",
        closed_to_all_but("198.51.100.0/24", "::/0", "not an address"),
        Level.FAIL,
        Effect.BLOCKS,
        "The access list of hangzhou does not admit 203.0.113.7/32 of zhangjiakou.",
    ),
    (
        "CRITICAL_IMAGES",
        {},
        Level.PASS,
        Effect.NONE,
        "3 of 3 critical images are identical at hangzhou.",
    ),
    (
        "CRITICAL_IMAGES",
        compared(identical=("a:1",), missing=("b:1",), different=("c:1",)),
        Level.FAIL,
        Effect.LOSS,
        "1 of 3 critical images are identical at hangzhou; missing: b:1; different: c:1.",
    ),
    (
        "CRITICAL_IMAGES",
        compared(identical=(), missing=tuple(f"i:{n}" for n in range(7))),
        Level.FAIL,
        Effect.LOSS,
        "0 of 7 critical images are identical at hangzhou; missing: i:0, i:1, i:2, i:3, i:4 and 2 more.",
    ),
    (
        "CRITICAL_IMAGES",
        compared(kept_home=kept("zhangjiakou", 3)),
        Level.WARN,
        Effect.WARNS,
        "As of 02:57 UTC, 3 min before zhangjiakou could no longer be read: 3 of 3 critical images are identical at "
        "hangzhou; what was pushed since is not known.",
    ),
    (
        "CRITICAL_IMAGES",
        compared(identical=()),
        Level.WARN,
        Effect.WARNS,
        "No image at zhangjiakou matches `critical` in registry.yaml, so none was compared.",
    ),
    (
        "CRITICAL_IMAGES",
        {"replication": a_replication(comparison=Unknown("zhangjiakou: no answer"))},
        Level.UNKNOWN,
        Effect.LOSS,
        "Whether hangzhou has the critical images is unknown: zhangjiakou: no answer.",
    ),
    (
        "CRITICAL_IMAGES",
        {"replication": Unknown("no answer")},
        Level.UNKNOWN,
        Effect.LOSS,
        "Whether hangzhou has the critical images is unknown: no answer.",
    ),
    (
        "CURRENT_VALUE",
        {},
        Level.PASS,
        Effect.NONE,
        "The present value of every view belongs to a configured site.",
    ),
    (
        "LEFT_BEHIND",
        {"bystanders": (_pulling_from("zhangjiakou"),)},
        Level.WARN,
        Effect.WARNS,
        "vpc-aaaaa pulls from zhangjiakou too and is NOT moved by this plan; by hand: `registry-bot manual hangzhou`.",
    ),
    (
        "ALREADY_THERE",
        {"views": (a_view_state(records=(a_record(value=HOME_ADDRESS["hangzhou"]),)),)},
        Level.WARN,
        Effect.WARNS,
        "vpc-bbbbb already pulls from hangzhou: this changes only by which route.",
    ),
    (
        "OPPOSED",
        {"opposed_by": ("fo-7k2m",)},
        Level.WARN,
        Effect.WARNS,
        "fo-7k2m is open and would move pulls to zhangjiakou, the site that this plan leaves.",
    ),
    (
        "HOME_DOWN",
        {},
        Level.WARN,
        Effect.WARNS,
        "zhangjiakou answers pulls right now: is this failover needed?",
    ),
    (
        "HOME_DOWN",
        {"home_answer": SILENT},
        Level.PASS,
        Effect.NONE,
        "zhangjiakou does not answer pulls: did not answer within 2 s.",
    ),
    (
        "HOME_DOWN",
        {"home_answer": Unknown("nobody can ask")},
        Level.UNKNOWN,
        Effect.WARNS,
        "Whether zhangjiakou still answers pulls is unknown: nobody can ask.",
    ),
    ("REPLICATION", copies("SUCCESS"), Level.PASS, Effect.NONE, "No copy to hangzhou is unfinished or failed."),
    (
        "REPLICATION",
        copies("PENDING"),
        Level.WARN,
        Effect.WARNS,
        "Replication to hangzhou: unfinished copies 1, failed 0.",
    ),
    (
        "REPLICATION",
        copies("SUCCESS", "ERROR"),
        Level.WARN,
        Effect.WARNS,
        "Replication to hangzhou: unfinished copies 0, failed 1.",
    ),
    (
        "REPLICATION",
        copies("PENDING", "SYNCHRONIZING", "ERROR"),
        Level.WARN,
        Effect.WARNS,
        "Replication to hangzhou: unfinished copies 2, failed 1.",
    ),
    (
        "WAY_BACK",
        standby(instance=an_instance(edition="Enterprise_Basic")),
        Level.WARN,
        Effect.WARNS,
        "hangzhou is Basic edition: what is pushed there meanwhile will not be copied back to zhangjiakou.",
    ),
    (
        "ANTI_FLAP",
        moved(timedelta(minutes=4, seconds=59), away="hangzhou"),
        Level.WARN,
        Effect.WARNS,
        "This takes back a move from hangzhou to zhangjiakou that was made only 4 min ago.",
    ),
    (
        "ANTI_FLAP",
        moved(timedelta(seconds=10), timedelta(minutes=4), away="hangzhou"),
        Level.WARN,
        Effect.WARNS,
        "This takes back a move from hangzhou to zhangjiakou that was made only seconds ago.",
    ),
    (
        "ANTI_FLAP",
        moved(timedelta(minutes=4, seconds=59)),
        Level.WARN,
        Effect.WARNS,
        "This repeats a move from zhangjiakou to hangzhou that was made only 4 min ago: find out who put the record "
        "back.",
    ),
    (
        "CHANGES_AN_HOUR",
        moved(timedelta(minutes=6), timedelta(minutes=30), timedelta(minutes=59)),
        Level.WARN,
        Effect.WARNS,
        "Within the last hour the record of cross-region.registry.io in vpc-bbbbb was changed 3 times: find out why "
        "before it is changed once more.",
    ),
]
