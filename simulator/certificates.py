"""The certificate authority that every HTTPS server of the simulated world is certified by."""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

EXPIRED_SINCE = timedelta(days=1)


class Authority:
    """A throw-away authority: its key never leaves the process, its certificate is written for clients to trust."""

    def __init__(self, directory: Path) -> None:
        self._authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self.ca_path = (directory / "ca.pem").absolute()
        self._authority.cert_pem.write_to_path(str(self.ca_path))

    def server_context(self, names: Iterable[str], expired: bool = False) -> ssl.SSLContext:
        """Certify `names` with one certificate and return a server's side of TLS that shows it."""
        not_after = datetime.now(UTC) - EXPIRED_SINCE if expired else None
        certificate = self._authority.issue_cert(*names, not_after=not_after, key_type=trustme.KeyType.ECDSA)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        _forget_sessions(context)
        return context


def _forget_sessions(context: ssl.SSLContext) -> None:
    """Make every connection a full handshake: a resumed session would hide a certificate that has changed since."""
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
