"""One resolver on the wire: the same port for UDP and TCP, as RFC 1035 and RFC 7766 have it."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import dns.message
from dns.exception import DNSException
from dns.flags import QR, RA
from dns.message import Message, QueryMessage
from dns.opcode import QUERY
from dns.rcode import FORMERR, NOERROR, NOTIMP, REFUSED, SERVFAIL, Rcode
from dns.rdataclass import IN

from simulator.dns.view import View

PLAIN_UDP_SIZE = 512  # what a client without EDNS can take (RFC 1035, 4.2.1)
LARGEST = 65_535
PORT_ATTEMPTS = 20


class Server:
    """Serve one VPC's view; `delay` tells before each answer how many seconds it is held back."""

    def __init__(self, view: View, delay: Callable[[], float]) -> None:
        self.view = view
        self.address = ""
        self.delay = delay
        self._datagrams: asyncio.DatagramTransport | None = None
        self._streams: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen on `port` for both transports; with 0 on any port that is free for both."""
        udp, tcp = _sockets(host, port)
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._streams = await asyncio.start_server(self._converse, sock=tcp)
        self.address = "{}:{}".format(*tcp.getsockname())

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._streams is not None:
            self._streams.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._streams.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        # The other side may leave at any moment: that ends this conversation and nothing else.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                size = int.from_bytes(await reader.readexactly(2))
                query = await reader.readexactly(size)
                await asyncio.sleep(self.delay())
                answer = respond(self.view, query, over_udp=False)
                if answer is None:
                    break
                writer.write(len(answer).to_bytes(2) + answer)
                await writer.drain()
        self._open.discard(writer)
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_later(self._server.delay(), self._reply, data, addr)

    def _reply(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = respond(self._server.view, data, over_udp=True)
        if answer is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


def respond(view: View, wire: bytes, over_udp: bool) -> bytes | None:
    """Turn a query into its answer, both as they are on the wire."""
    try:
        query = dns.message.from_wire(wire)
    except DNSException:
        return _malformed(wire)
    if query.flags & QR:
        return None  # somebody's answer; answering it could go round for ever
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(_refusal(query))
    if response.rcode() == NOERROR:
        _fill(response, view)
    return response.to_wire(max_size=_room(query) if over_udp else LARGEST, prefer_truncation=True)


def _fill(response: Message, view: View) -> None:
    question = response.question[0]
    try:
        answer = view.look_up(question.name, question.rdtype)
    except (DNSException, ValueError):
        response.set_rcode(SERVFAIL)  # a record holds a value that cannot be put on the wire
        return
    response.set_rcode(answer.rcode)
    response.answer.extend(answer.rrsets)


def _refusal(query: Message) -> Rcode:
    if query.opcode() != QUERY:
        return NOTIMP
    if not isinstance(query, QueryMessage) or len(query.question) != 1:
        return FORMERR
    return NOERROR if query.question[0].rdclass == IN else REFUSED


def _room(query: Message) -> int:
    return max(query.payload, PLAIN_UDP_SIZE) if query.edns >= 0 else PLAIN_UDP_SIZE


def _malformed(wire: bytes) -> bytes | None:
    """Say FORMERR under the id of a message that cannot be read any further; drop what has not even a header."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    refused = Message(id=int.from_bytes(wire[:2]))
    refused.flags = QR | RA
    refused.set_rcode(FORMERR)
    return refused.to_wire()


def _sockets(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Bind both transports to one port; where any port will do, go on until one is free for both."""
    for attempt in range(1, PORT_ATTEMPTS + 1):
        tcp = socket.create_server((host, port))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            if port or attempt == PORT_ATTEMPTS:
                raise
        else:
            return udp, tcp
    raise AssertionError("unreachable: the last attempt returns or raises")
