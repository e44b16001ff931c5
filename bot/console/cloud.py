"""Alibaba Cloud for a command at a terminal: no Slack, no Redis, and the access keys found before the first call."""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.copier import AlibabaCopier
from bot.adapters.alibaba.credentials import Credentials, Keys, Source
from bot.adapters.alibaba.dns import AlibabaDns
from bot.adapters.alibaba.registry import AlibabaRegistries
from bot.adapters.clock import SystemClock
from bot.domain.snapshot import SiteState, Unknown, ViewState
from bot.domain.topology import Site, View
from bot.errors import InvalidConfiguration, Unreachable
from bot.services.survey import observe
from bot.settings import CloudSettings

T = TypeVar("T")
MAIN = "main"
"""The account that the default credentials belong to; PrivateZone is asked as this one."""
READ = timedelta(seconds=4)
"""A little more than the client's own limit, so that its sentence is the one that is shown."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Both products; `keyless` says in a sentence, for each account without an access key, what it lacks."""

    zones: AlibabaDns
    registries: AlibabaRegistries
    copier: AlibabaCopier
    keyless: Mapping[str, str]

    async def site_state(self, site: Site) -> SiteState:
        """Look at a site's instance and endpoints; what does not answer is Unknown."""
        if site.account in self.keyless:
            unknown = Unknown(self.keyless[site.account].rstrip("."))
            return SiteState(site, unknown, unknown)
        async with asyncio.TaskGroup() as group:
            instance = group.create_task(seen(self.registries.instance(site)))
            endpoints = group.create_task(seen(self.registries.endpoints(site)))
        return SiteState(site, instance.result(), endpoints.result())

    async def view_state(self, view: View) -> ViewState:
        """Look at a view's zone and records; what does not answer is Unknown."""
        if MAIN in self.keyless:
            unknown = Unknown(self.keyless[MAIN].rstrip("."))
            return ViewState(view, unknown, unknown)
        zone = await seen(self.zones.zone(view))
        if isinstance(zone, Unknown):
            return ViewState(view, zone, zone)
        return ViewState(view, zone, await seen(self.zones.records(zone.zone_id)))


@asynccontextmanager
async def cloud(settings: CloudSettings, accounts: Mapping[str, str | None]) -> AsyncIterator[Cloud]:
    """Reach both products; `accounts` maps a name to the role to assume, None for the default credentials."""
    quiet()
    now = SystemClock().now
    found = await _keys({MAIN: None, **accounts})
    alibaba = Alibaba(
        now=now,
        accounts=accounts,
        pvtz_endpoint=settings.alibaba_pvtz_endpoint,
        cr_endpoint=settings.alibaba_cr_endpoint,
        protocol=settings.alibaba_protocol,
        sources={name: _constant(keys) for name, keys in found.items()},
    )
    keyless = {name: _no_key(name) for name, keys in found.items() if keys is None}
    try:
        yield Cloud(AlibabaDns(alibaba), AlibabaRegistries(alibaba, now), AlibabaCopier(alibaba, {}), keyless)
    finally:
        await alibaba.close()


async def seen(read: Awaitable[T]) -> T | Unknown:
    """Return what `read` gives, or Unknown with the reason, also when the environment names no host for a region."""
    try:
        return await observe(read, READ)
    except InvalidConfiguration as error:
        return Unknown(str(error).rstrip("."))


def quiet() -> None:
    """Keep log lines out of what a person reads: these commands say what went wrong themselves."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def _keys(accounts: Mapping[str, str | None]) -> dict[str, Keys | None]:
    """Ask every account's source once: some of them take seconds to fail, longer than a call may last."""
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(_first_keys(name, role)) for name, role in accounts.items()}
    return {name: task.result() for name, task in asked.items()}


async def _first_keys(name: str, role_arn: str | None) -> Keys | None:
    source = await asyncio.to_thread(_source, role_arn)
    try:
        return await Credentials(name, source, SystemClock().now).keys()
    except Unreachable:
        return None


def _source(role_arn: str | None) -> Source:
    sdk = importlib.import_module("bot.adapters.alibaba.sdk")
    sdk.silence_loggers()
    source: Source = sdk.key_source(role_arn)
    return source


def _constant(keys: Keys | None) -> Source:
    def fetch() -> Keys:
        if keys is None:
            raise LookupError("no access key")
        return keys

    return fetch


def _no_key(account: str) -> str:
    if account == MAIN:
        return (
            "No Alibaba Cloud access key was found. Set ALIBABA_CLOUD_ACCESS_KEY_ID and "
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or give the machine or the pod a role."
        )
    return (
        f"No access key for account '{account}': its role could not be assumed. Check role_arn under accounts in "
        "registry.yaml, that role's trust policy, and the permission sts:AssumeRole."
    )
