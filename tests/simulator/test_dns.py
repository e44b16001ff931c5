"""The resolvers inside the VPCs."""

import asyncio
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.message
import pytest
from dns.message import Message
from dns.name import from_text as name
from dns.rcode import FORMERR, NOERROR, NXDOMAIN, REFUSED
from dns.rdatatype import CNAME, A, RdataType

from simulator.dns import Resolvers
from simulator.dns.server import respond
from simulator.dns.view import Answer, View
from simulator.faults import Faults
from simulator.model import Record
from simulator.world import World

DOMAIN = "cross-region.registry.io"
HANGZHOU = "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def world() -> World:
    return World.seed()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def view(world: World, clock: Clock) -> View:
    return View(world, "vpc-bbbbb", clock)


@pytest.fixture
async def resolvers(world: World) -> AsyncIterator[Resolvers]:
    resolvers = Resolvers(world, Faults())
    await resolvers.start("127.0.0.1", lambda: 0)
    yield resolvers
    await resolvers.close()


def apex(world: World, vpc: str = "vpc-bbbbb") -> Record:
    record = world.record_for_vpc(vpc)
    assert record is not None
    return record


def fail_over(world: World) -> None:
    record = apex(world)
    record.type, record.value = "CNAME", HANGZHOU


def values(answer: Answer) -> list[str]:
    return [rdata.to_text() for rrset in answer.rrsets for rdata in rrset]


def look_up(view: View, text: str = DOMAIN, kind: RdataType = A) -> Answer:
    return view.look_up(name(text), kind)


async def ask(resolvers: Resolvers, vpc: str, tcp: bool = False, text: str = DOMAIN) -> Message:
    host, port = resolvers.addresses[vpc].split(":")
    send = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await send(dns.message.make_query(text, "A"), host, port=int(port), timeout=5)


@pytest.mark.parametrize("tcp", [False, True])
async def test_each_vpc_sees_its_own_zone_over_both_transports(resolvers: Resolvers, tcp: bool) -> None:
    answers = [await ask(resolvers, vpc, tcp) for vpc in ("vpc-aaaaa", "vpc-bbbbb")]

    assert [answer.answer[0][0].to_text() for answer in answers] == ["10.1.0.10", "10.2.0.20"]


async def test_a_conversation_over_tcp_may_hold_several_questions(resolvers: Resolvers) -> None:
    query = dns.message.make_query(DOMAIN, "A").to_wire()
    reader, writer = await asyncio.open_connection(*resolvers.addresses["vpc-aaaaa"].split(":"))

    writer.write((len(query).to_bytes(2) + query) * 2)
    sizes = [len(await reader.readexactly(int.from_bytes(await reader.readexactly(2)))) for _ in range(2)]
    writer.close()

    assert sizes[0] == sizes[1] > len(query)


async def test_slowness_delays_only_the_site_that_it_is_set_for(world: World) -> None:
    faults = Faults()
    resolvers = Resolvers(world, faults)
    faults.set("slow", "zhangjiakou", True)

    delays = {vpc: server.delay() for vpc, server in resolvers._servers.items()}

    assert delays == {"vpc-aaaaa": 0.0, "vpc-bbbbb": 1.0}


def test_a_cname_is_followed_down_to_the_public_address(world: World, view: View) -> None:
    fail_over(world)

    answer = look_up(view)

    assert values(answer) == [HANGZHOU + ".", "198.51.100.10"]
    assert answer.rrsets[0].ttl == apex(world).ttl


def test_asking_for_the_alias_itself_does_not_follow_it(world: World, view: View) -> None:
    fail_over(world)

    assert values(look_up(view, kind=CNAME)) == [HANGZHOU + "."]


def test_a_chain_that_ends_in_an_unknown_name_says_so_and_shows_the_chain(world: World, view: View) -> None:
    apex(world).type, apex(world).value = "CNAME", "gone.example"

    answer = look_up(view)

    assert (answer.rcode, values(answer)) == (NXDOMAIN, ["gone.example."])


def test_a_name_that_points_at_itself_is_a_server_failure(world: World, view: View) -> None:
    apex(world).type, apex(world).value = "CNAME", DOMAIN

    assert look_up(view).rcode.name == "SERVFAIL"


def test_a_disabled_record_is_not_answered(world: World, view: View) -> None:
    apex(world).status = "DISABLE"

    answer = look_up(view)

    assert (answer.rcode, answer.rrsets) == (NOERROR, ())


def test_several_values_are_all_answered(world: World, view: View) -> None:
    zone = world.view("vpc-bbbbb")
    assert zone is not None
    zone.records.append(Record(7, "@", "A", "10.2.0.21"))

    assert sorted(values(look_up(view))) == ["10.2.0.20", "10.2.0.21"]


@pytest.mark.parametrize(
    ("text", "kind", "rcode"),
    [
        (DOMAIN, "AAAA", NOERROR),
        (HANGZHOU, "AAAA", NOERROR),
        ("nothing." + DOMAIN, "A", NXDOMAIN),
        ("unknown.example", "A", NXDOMAIN),
    ],
)
def test_absence_of_a_type_and_absence_of_a_name_are_told_apart(view: View, text: str, kind: str, rcode: int) -> None:
    answer = look_up(view, text, RdataType.make(kind))

    assert (answer.rcode, answer.rrsets) == (rcode, ())


def test_the_more_specific_zone_answers_for_its_name(view: View) -> None:
    assert values(look_up(view, "A." + DOMAIN.upper())) == ["10.9.9.9"]


def test_public_names_of_instances_resolve_in_every_vpc(view: View) -> None:
    assert values(look_up(view, HANGZHOU)) == ["198.51.100.10"]


@pytest.mark.parametrize(("vpc", "found"), [("vpc-aaaaa", ["10.1.0.10"]), ("vpc-bbbbb", [])])
def test_the_vpc_name_of_an_instance_resolves_only_where_it_is_linked(world: World, vpc: str, found: list[str]) -> None:
    view = View(world, vpc, Clock())

    assert values(look_up(view, "sim-a-registry-vpc.cn-hangzhou.cr.aliyuncs.com")) == found


@pytest.mark.parametrize(("pattern", "found"), [("ZONE", []), ("RECORD", ["198.51.100.10"])])
def test_the_proxy_pattern_decides_whether_missing_names_are_looked_up_publicly(
    world: World, view: View, pattern: str, found: list[str]
) -> None:
    zone = world.view("vpc-bbbbb")
    assert zone is not None
    zone.name, zone.proxy_pattern = "cr.aliyuncs.com", pattern

    assert values(look_up(view, HANGZHOU)) == found


def test_an_accelerated_zone_shows_a_change_at_once(world: World, view: View) -> None:
    look_up(view)
    apex(world).value = "10.1.0.10"

    assert values(look_up(view)) == ["10.1.0.10"]


def test_a_normal_zone_shows_a_change_when_the_ttl_is_over(world: World, view: View, clock: Clock) -> None:
    normal(world)
    look_up(view)
    apex(world).value = "10.1.0.10"

    clock.now += 59
    before = look_up(view)
    clock.now += 1

    assert (values(before), before.rrsets[0].ttl) == (["10.2.0.20"], 1)
    assert values(look_up(view)) == ["10.1.0.10"]


@pytest.mark.parametrize(("ttl", "served"), [(5, 10), (30, 30), (100_000, 86_400)])
def test_a_normal_zone_rewrites_the_ttl(world: World, view: View, ttl: int, served: int) -> None:
    normal(world)
    apex(world).ttl = ttl

    assert look_up(view).rrsets[0].ttl == served


def test_forgetting_empties_the_cache_of_a_normal_zone(world: World, view: View) -> None:
    normal(world)
    look_up(view)
    apex(world).value = "10.1.0.10"

    view.forget()

    assert values(look_up(view)) == ["10.1.0.10"]


def test_an_answer_too_large_for_plain_udp_is_truncated_unless_the_client_takes_more(world: World, view: View) -> None:
    zone = world.view("vpc-bbbbb")
    assert zone is not None
    zone.records.extend(Record(100 + host, "@", "A", f"10.2.1.{host}") for host in range(60))
    plain, large = dns.message.make_query(DOMAIN, "A"), dns.message.make_query(DOMAIN, "A", payload=4096, use_edns=0)

    cut, whole = (exchange(view, query) for query in (plain, large))

    assert "TC" in dns.flags.to_text(cut.flags)
    assert "TC" not in dns.flags.to_text(whole.flags)
    assert len(whole.answer[0]) == 61


def test_broken_messages_are_refused_under_their_own_id_and_answers_are_ignored(view: View) -> None:
    query = dns.message.make_query(DOMAIN, "A")
    chaos = dns.message.make_query(DOMAIN, "A", rdclass="CH")

    broken = respond(view, query.to_wire()[:20], over_udp=True)

    assert broken is not None
    assert dns.message.from_wire(broken).rcode() == FORMERR
    assert dns.message.from_wire(broken).id == query.id
    assert exchange(view, chaos).rcode() == REFUSED
    assert respond(view, dns.message.make_response(query).to_wire(), over_udp=True) is None
    assert respond(view, b"short", over_udp=True) is None


def test_a_value_that_is_no_address_is_a_server_failure(world: World, view: View) -> None:
    apex(world).value = "not an address"

    assert exchange(view, dns.message.make_query(DOMAIN, "A")).rcode().name == "SERVFAIL"


def exchange(view: View, query: Message) -> Message:
    wire = respond(view, query.to_wire(), over_udp=True)
    assert wire is not None
    return dns.message.from_wire(wire)


def normal(world: World) -> None:
    zone = world.view("vpc-bbbbb")
    assert zone is not None
    zone.dns_group = "NORMAL_ZONE"
