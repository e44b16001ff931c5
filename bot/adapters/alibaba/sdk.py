"""The vendor's SDK, with its calls sent by our own transport. Importing this takes most of a second: do it in a thread.

Both generated clients reach the network through one public method, `call_api_async`, which as shipped builds a TLS
context and a connection for every call. Overriding it keeps typed requests, typed responses and signing.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from alibabacloud_cr20181201 import models as cr_models
from alibabacloud_cr20181201.client import Client as CrClient
from alibabacloud_credentials.provider import DefaultCredentialsProvider, RamRoleArnCredentialsProvider
from alibabacloud_pvtz20180101 import models as pvtz_models
from alibabacloud_pvtz20180101.client import Client as PvtzClient
from alibabacloud_tea_openapi.utils import Utils, get_canonical_query_string
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.request import DaraRequest

from bot.adapters.alibaba.credentials import Keys, Source, expiry

__all__ = ["PooledCr", "PooledPvtz", "Signed", "cr_models", "key_source", "pvtz_models", "silence_loggers"]

ALGORITHM = "ACS3-HMAC-SHA256"
EMPTY_BODY_HASH = Utils.hash(b"", ALGORITHM).hex()
USER_AGENT = Utils.get_user_agent("registry-failover-bot")
SESSION_NAME = "registry-failover-bot"
CR_VERSION = "2018-12-01"
LOGGERS = ("darabonba-core", "alibabacloud-tea", "credentials")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request ready to send once: date, nonce and signature are in its headers."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A call as both products take it: everything in the query, sent to the root."""

    action: str
    version: str
    method: str = "POST"
    pathname: str = "/"


class Send(Protocol):
    """How a call reaches the network: its action, its query, and how to sign it anew for each attempt."""

    def __call__(
        self, action: str, query: Mapping[str, str], sign: Callable[[Keys], Signed]
    ) -> Awaitable[dict[str, Any]]:
        """Return the answer's JSON."""
        ...


class _Pooled:
    """Override the one seam of a generated client."""

    def __init__(self, send: Send, endpoint: str, protocol: str, region: str | None = None) -> None:
        super().__init__(Config(endpoint=endpoint, region_id=region, protocol=protocol))  # type: ignore[call-arg]
        self._send = send
        self._base = f"{protocol.lower()}://{endpoint}"
        self._host = endpoint

    async def call_api_async(self, params: Any, request: Any, runtime: Any) -> dict[str, Any]:  # noqa: ARG002
        """Send one call; whatever goes wrong comes as an error of ours, without the request in its chain."""
        query = dict(request.query or {})
        body = await self._send(params.action, query, lambda keys: self._sign(params, query, keys))
        return {"body": body, "headers": {}, "statusCode": 200}

    def _sign(self, params: Any, query: dict[str, str], keys: Keys) -> Signed:
        request = DaraRequest()
        request.method, request.pathname, request.query = params.method, params.pathname, query
        request.headers = {
            "host": self._host,
            "x-acs-version": params.version,
            "x-acs-action": params.action,
            "user-agent": USER_AGENT,
            "x-acs-date": Utils.get_timestamp(),
            "x-acs-signature-nonce": Utils.get_nonce(),
            "accept": "application/json",
            "x-acs-content-sha256": EMPTY_BODY_HASH,
        }
        if keys.token:
            request.headers |= {"x-acs-accesskey-id": keys.key_id, "x-acs-security-token": keys.token}
        request.headers["Authorization"] = Utils.get_authorization(
            request, ALGORITHM, EMPTY_BODY_HASH, keys.key_id, keys.secret
        )
        url = f"{self._base}{params.pathname}?{get_canonical_query_string(query)}"  # on the wire as it was signed
        return Signed(params.method, url, request.headers)


class PooledPvtz(_Pooled, PvtzClient):  # type: ignore[misc]
    """PrivateZone over our transport."""


class PooledCr(_Pooled, CrClient):  # type: ignore[misc]
    """Container Registry over our transport."""

    async def ask(self, action: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Make a read and return the answer as it came.

        For thousands of calls: the SDK's typed requests and answers take about a quarter of the time of one.
        """
        call, words = Call(action, CR_VERSION), dict(query)
        return await self._send(action, words, lambda keys: self._sign(call, words, keys))


def key_source(role_arn: str | None) -> Source:
    """Return where an account's keys come from: the default chain, or a role that the chain's identity assumes."""
    chain = DefaultCredentialsProvider()
    provider = chain
    if role_arn:
        provider = RamRoleArnCredentialsProvider(
            credentials_provider=chain, role_arn=role_arn, role_session_name=SESSION_NAME
        )

    def fetch() -> Keys:
        found = provider.get_credentials()
        return Keys(
            found.get_access_key_id(),
            found.get_access_key_secret(),
            found.get_security_token(),
            expiry(found.get_expiration()),
        )

    return fetch


def silence_loggers() -> None:
    """Take away the handlers that the SDK attaches at import: under DEBUG=sdk they print headers and tokens."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
