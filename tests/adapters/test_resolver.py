"""DNS questions, over real UDP and TCP."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from bot.adapters.resolver import DnsResolver, split_host_port
from bot.domain.record import Record
from bot.errors import Unreachable
from simulator.app import running
from tests.adapters.conftest import DOMAIN, now

Reply = Callable[[dns.message.Message, bool], dns.message.Message | bytes | None]


class Udp(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        answer = self.reply(dns.message.from_wire(data), False)
        if answer is not None:
            self.transport.sendto(answer if isinstance(answer, bytes) else answer.to_wire(), addr)


@asynccontextmanager
async def resolver(reply: Reply) -> AsyncIterator[tuple[str, Udp]]:
    """Run a resolver that answers as told, on one port for UDP and TCP."""

    async def tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = reply(dns.message.from_wire(await reader.readexactly(length)), True)
        assert isinstance(answer, dns.message.Message)
        wire = answer.to_wire()
        writer.write(struct.pack("!H", len(wire)) + wire)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(tcp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, udp = await loop.create_datagram_endpoint(lambda: Udp(reply), local_addr=("127.0.0.1", port))
    try:
        yield f"127.0.0.1:{port}", udp
    finally:
        transport.close()
        server.close()


def answering(*rrsets: tuple[str, int, str, str], rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Reply:
    def reply(query: dns.message.Message, _by_tcp: bool) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        for name, ttl, kind, *values in rrsets:
            response.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, *values))
        return response

    return reply


async def test_each_vpc_gets_its_own_answer_under_the_same_name() -> None:
    async with running(only={"dns"}) as sim:
        addresses = sim.announcement["dns"]
        here = await DnsResolver(now).resolve(DOMAIN, addresses["vpc-aaaaa"])
        there = await DnsResolver(now).resolve(DOMAIN, addresses["vpc-bbbbb"])

    assert (here.addresses, there.addresses, there.ttl) == (("10.1.0.10",), ("10.2.0.20",), 60)
    assert here.shows(Record("1", "z", "@", "A", "10.1.0.10", 60))


async def test_a_chain_of_names_is_followed_to_its_addresses() -> None:
    chain = answering(
        ("reg.example.", 60, "CNAME", "A.Cr.example."),
        ("a.cr.example.", 5, "CNAME", "b.example."),
        ("b.example.", 30, "A", "198.51.100.10"),
        ("unrelated.example.", 1, "A", "192.0.2.1"),
    )
    async with resolver(chain) as (address, _):
        resolved = await DnsResolver(now).resolve("Reg.example", address)

    assert (resolved.names, resolved.addresses) == (("a.cr.example", "b.example"), ("198.51.100.10",))
    assert resolved.ttl == 5
    assert resolved.shows(Record("1", "z", "@", "CNAME", "A.cr.example.", 60))


async def test_a_loop_of_names_ends() -> None:
    loop = answering(("a.example.", 60, "CNAME", "b.example."), ("b.example.", 60, "CNAME", "a.example."))
    async with resolver(loop) as (address, _):
        resolved = await DnsResolver(now).resolve("a.example", address)

    assert resolved.addresses == ()


@pytest.mark.covers("F62")
async def test_a_name_that_does_not_exist_is_an_answer_that_shows_nothing() -> None:
    async with resolver(answering(rcode=dns.rcode.NXDOMAIN)) as (address, _):
        resolved = await DnsResolver(now).resolve(DOMAIN, address)

    assert (resolved.names, resolved.addresses, resolved.ttl) == ((), (), None)


@pytest.mark.covers("F62")
@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_resolver_that_fails_or_refuses_is_unreachable(code: dns.rcode.Rcode) -> None:
    async with resolver(answering(rcode=code)) as (address, _):
        with pytest.raises(Unreachable, match=dns.rcode.to_text(code)):
            await DnsResolver(now).resolve(DOMAIN, address)


@pytest.mark.covers("F62")
async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    def reply(query: dns.message.Message, by_tcp: bool) -> dns.message.Message:
        if by_tcp:
            response = answering((f"{DOMAIN}.", 60, "A", "10.2.0.20"))(query, True)
            assert isinstance(response, dns.message.Message)
            return response
        response = dns.message.make_response(query)
        response.flags |= dns.flags.TC
        return response

    async with resolver(reply) as (address, _):
        resolved = await DnsResolver(now).resolve(DOMAIN, address)

    assert resolved.addresses == ("10.2.0.20",)


@pytest.mark.covers("F62")
async def test_silence_ends_with_the_deadline() -> None:
    started = time.monotonic()

    async with resolver(lambda _query, _by_tcp: None) as (address, _):
        with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
            await DnsResolver(now, deadline=0.2).resolve(DOMAIN, address)

    assert time.monotonic() - started < 3


async def test_a_lost_packet_is_sent_again() -> None:
    answer = answering((f"{DOMAIN}.", 60, "A", "10.0.0.1"))

    def reply(query: dns.message.Message, by_tcp: bool) -> dns.message.Message | bytes | None:
        return None if udp.asked == 1 else answer(query, by_tcp)

    async with resolver(reply) as (address, udp):
        resolved = await DnsResolver(now, resend_after=0.05).resolve(DOMAIN, address)

    assert (resolved.addresses, udp.asked) == (("10.0.0.1",), 2)


async def test_rubbish_is_not_an_answer() -> None:
    async with resolver(lambda _query, _by_tcp: b"\0\0rubbish") as (address, _):
        with pytest.raises(Unreachable):
            await DnsResolver(now, deadline=0.2).resolve(DOMAIN, address)


async def test_an_answer_to_another_question_is_not_taken() -> None:
    def reply(query: dns.message.Message, _by_tcp: bool) -> dns.message.Message:
        other = dns.message.make_query("other.example", "A", id=query.id ^ 1)
        return dns.message.make_response(other)

    async with resolver(reply) as (address, _):
        with pytest.raises(Unreachable):
            await DnsResolver(now, deadline=0.2).resolve(DOMAIN, address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100.100.2.136", ("100.100.2.136", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("[::1]:5353", ("::1", 5353)),
        ("[::1]", ("::1", 53)),
        ("::1", ("::1", 53)),
    ],
)
def test_the_port_is_53_unless_given(text: str, expected: tuple[str, int]) -> None:
    assert split_host_port(text) == expected
