"""The test authority."""

import ssl
from pathlib import Path

import pytest

from simulator.certificates import Authority

NAMES = ["cross-region.registry.io", "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"]


def shake_hands(authority: Authority, server: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Let a client that trusts `authority` and a server talk through memory until both are content."""
    client = ssl.create_default_context(cafile=authority.ca_path)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(down, up, server_hostname=name)
    callee = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (caller, callee):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    caller.do_handshake()
    return caller


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_authority_accepts_every_certified_name(tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path)

    connection = shake_hands(authority, authority.server_context(NAMES), name)

    assert connection.version() == "TLSv1.3"
    assert not connection.session_reused


def test_a_name_that_is_not_certified_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(authority, authority.server_context(NAMES[:1]), NAMES[1])


def test_an_expired_certificate_is_refused_as_expired(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        shake_hands(authority, authority.server_context(NAMES, expired=True), NAMES[0])


def test_the_certificate_to_trust_is_named_by_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    authority = Authority(Path())

    assert authority.ca_path.is_absolute()
    assert "BEGIN CERTIFICATE" in authority.ca_path.read_text()
