"""DNS as one resolver answers it now: no cache, one question, TCP when the answer does not fit."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from bot.errors import Unreachable
from bot.ports import Resolved

PORT = 53
MAX_CHAIN = 8


class DnsResolver:
    """Ask resolvers; what each answer is worth as evidence is decided elsewhere.

    UDP loses packets, so a question is sent again every `resend_after` seconds while the deadline lasts.
    """

    def __init__(self, now: Callable[[], datetime], deadline: float = 3.0, resend_after: float = 1.0) -> None:
        self._now = now
        self._deadline = deadline
        self._resend_after = resend_after

    async def resolve(self, domain: str, resolver: str) -> Resolved:
        """Ask one resolver (`host:port`) for the domain's A records. Raises Unreachable."""
        answer = await self._ask(domain, resolver)
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            code = dns.rcode.to_text(answer.rcode())
            raise Unreachable(f"The resolver {resolver} answered {code} for {domain}.", code=code)
        return _resolved(answer, domain, self._now())

    async def _ask(self, domain: str, resolver: str) -> dns.message.Message:
        host, port = split_host_port(resolver)
        failure = f"did not answer within {self._deadline:g} s"
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(dns.message.make_query(domain, dns.rdatatype.A), host, port)
        except TimeoutError:
            pass
        except (OSError, EOFError):
            failure = "cannot be reached"
        except dns.exception.DNSException:
            failure = "gave an answer that is not DNS"
        raise Unreachable(f"The resolver {resolver} {failure} when asked for {domain}.")

    async def _exchange(self, query: dns.message.Message, host: str, port: int) -> dns.message.Message:
        """Send until answered; the caller's deadline ends it."""
        while True:
            try:
                answer, _by_tcp = await dns.asyncquery.udp_with_fallback(
                    query, host, port=port, timeout=self._resend_after, ignore_unexpected=True
                )
            except dns.exception.Timeout:
                continue
            return answer


def split_host_port(resolver: str) -> tuple[str, int]:
    """Split `host:port`, `[v6]:port` or a bare address; the port is 53 unless given."""
    if resolver.startswith("["):
        host, _, rest = resolver[1:].partition("]")
        return host, int(rest.removeprefix(":") or PORT)
    host, colon, port = resolver.rpartition(":")
    if colon and ":" not in host:
        return host, int(port)
    return resolver, PORT


def _resolved(answer: dns.message.Message, domain: str, at: datetime) -> Resolved:
    """Follow the CNAME chain from the name asked for; TTL is the smallest on the way."""
    owner = dns.name.from_text(domain)
    names: list[str] = []
    ttls: list[int] = []
    while len(names) < MAX_CHAIN and (alias := _rrset(answer, owner, dns.rdatatype.CNAME)):
        owner = alias[0].target
        names.append(owner.to_text(omit_final_dot=True).lower())
        ttls.append(alias.ttl)
    final = _rrset(answer, owner, dns.rdatatype.A)
    if final:
        ttls.append(final.ttl)
    addresses = tuple(sorted(item.address for item in final)) if final else ()
    return Resolved(tuple(names), addresses, min(ttls, default=None), at)


def _rrset(answer: dns.message.Message, owner: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
    return answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, kind)
