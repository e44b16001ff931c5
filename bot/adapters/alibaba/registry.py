"""Container Registry: instances, endpoints, images and replication, each through its own region's host."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.inventory import read_inventory
from bot.adapters.alibaba.limits import Lane
from bot.adapters.alibaba.sharing import Shared
from bot.adapters.alibaba.wire import (
    PAGE_SIZE,
    Page,
    body,
    count,
    flag,
    moment,
    read_list,
    required,
    text,
    together,
)
from bot.domain.inventory import dated
from bot.domain.snapshot import Endpoints, Instance, InternetEndpoint, Inventory, SyncRule, SyncTask, TaskFeed, VpcLink
from bot.domain.topology import Site
from bot.errors import Refused

MODULE = "Registry"
INSTANCE_PAGE_SIZE = 30
"""The documented default; no maximum is documented for instances."""
TASK_PAGES = 5
"""Tasks cannot be filtered by time and come in no documented order, so this many pages are a sample, and said so."""
NO_LINK = "INSTANCE_ACCESS_NOT_EXIST"


class AlibabaRegistries:
    """Container Registry's control plane."""

    def __init__(self, alibaba: Alibaba, now: Callable[[], datetime]) -> None:
        self._alibaba = alibaba
        self._now = now
        self._rules: Shared[tuple[SyncRule, ...]] = Shared("registry.rules")
        self._tasks: Shared[TaskFeed] = Shared("registry.tasks")

    async def instance(self, site: Site) -> Instance:
        """Return the site's home instance."""
        cr, models = await self._of(site)
        request = models.GetInstanceRequest(instance_id=site.instance)
        found = body(await cr.get_instance_async(request), "GetInstance")
        return _instance_from_wire(found)

    async def list_instances(self, region: str, account: str = "main") -> tuple[Instance, ...]:
        """Return every instance of a region that the account may see."""
        cr, (_, models) = await self._alibaba.cr(region, account), await self._alibaba.models()

        async def fetch(page: int) -> Page:
            request = models.ListInstanceRequest(page_no=page, page_size=INSTANCE_PAGE_SIZE)
            found = body(await cr.list_instance_async(request), "ListInstance")
            return Page(list(found.instances or []), count(found.total_count, "TotalCount"))

        page = await read_list(fetch, lambda wire: required(wire.instance_id, "InstanceId"), f"instances of {region}")
        return tuple(_instance_from_wire(wire) for wire in page.items)

    async def endpoints(self, site: Site) -> Endpoints:
        """Return the public endpoint and the VPC links, with the time of reading."""
        as_of = self._now()
        found: list[Any] = await together((self._internet(site), self._links(site)))
        return Endpoints(found[0], found[1], as_of)

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Return the repositories of which a glob names any image."""
        as_of = self._dating(site)
        cr, models = await self._of(site, Lane.BULK)
        return Inventory(site.instance, await read_inventory(cr, models, site.instance, globs, as_of), as_of())

    async def sync_rules(self, site: Site) -> tuple[SyncRule, ...]:
        """Return the replication rules that this instance takes part in, source first; many askers share one read."""
        return await self._rules.read(site.instance, lambda: self._read_rules(site))

    async def sync_tasks(self, site: Site) -> TaskFeed:
        """Return the replication tasks that this instance lists, up to a cap of pages; many askers share one read."""
        return await self._tasks.read(site.instance, lambda: self._read_tasks(site))

    async def _read_rules(self, site: Site) -> tuple[SyncRule, ...]:
        cr, models = await self._of(site)

        async def fetch(page: int) -> Page:
            request = models.ListRepoSyncRuleRequest(instance_id=site.instance, page_no=page, page_size=PAGE_SIZE)
            found = body(await cr.list_repo_sync_rule_async(request), "ListRepoSyncRule")
            return Page(list(found.sync_rules or []), count(found.total_count, "TotalCount"))

        page = await read_list(fetch, lambda wire: required(wire.sync_rule_id, "SyncRuleId"), "replication rules")
        return tuple(_rule_from_wire(site.instance, wire) for wire in page.items)

    async def _read_tasks(self, site: Site) -> TaskFeed:
        as_of = self._dating(site)
        cr, models = await self._of(site)

        async def fetch(page: int) -> Page:
            request = models.ListRepoSyncTaskRequest(instance_id=site.instance, page_no=page, page_size=PAGE_SIZE)
            found = body(await cr.list_repo_sync_task_async(request), "ListRepoSyncTask")
            return Page(list(found.sync_tasks or []), count(found.total_count, "TotalCount"))

        page = await read_list(
            fetch, lambda wire: required(wire.sync_task_id, "SyncTaskId"), "replication tasks", max_pages=TASK_PAGES
        )
        return TaskFeed(tuple(task_from_wire(wire) for wire in page.items), page.total, as_of())

    def _dating(self, site: Site) -> Callable[[], datetime]:
        """Return what dates a reading that begins now, to be asked once it is over: its answers tell the time."""
        begun_at = self._now()
        return lambda: dated(begun_at, self._alibaba.ahead(site.region))

    async def _of(self, site: Site, lane: Lane = Lane.READ) -> tuple[Any, Any]:
        return await self._alibaba.cr(site.region, site.account, lane), (await self._alibaba.models())[1]

    async def _internet(self, site: Site) -> InternetEndpoint:
        cr, models = await self._of(site)
        request = models.GetInstanceEndpointRequest(
            instance_id=site.instance, endpoint_type="internet", module_name=MODULE
        )
        return _internet_from_wire(body(await cr.get_instance_endpoint_async(request), "GetInstanceEndpoint"))

    async def _links(self, site: Site) -> tuple[VpcLink, ...]:
        cr, models = await self._of(site)
        request = models.GetInstanceVpcEndpointRequest(instance_id=site.instance, module_name=MODULE)
        try:
            found = body(await cr.get_instance_vpc_endpoint_async(request), "GetInstanceVpcEndpoint")
        except Refused as refused:
            if refused.code == NO_LINK:
                return ()
            raise
        return tuple(_link_from_wire(wire) for wire in found.linked_vpcs or [] if text(wire.vpc_id))


def _instance_from_wire(wire: Any) -> Instance:
    return Instance(
        instance_id=required(wire.instance_id, "InstanceId"),
        name=text(wire.instance_name) or "",
        status=required(wire.instance_status, "InstanceStatus"),
        edition=text(wire.instance_specification) or "",
    )


def _internet_from_wire(wire: Any) -> InternetEndpoint:
    """Sort the domains: SYSTEM is the generated name, USER the custom ones."""
    domains = [(text(each.type), required(each.domain, "Domain").lower()) for each in wire.domains or []]
    return InternetEndpoint(
        enabled=flag(wire.enable),
        status=text(wire.status),
        system_domain=next((domain for kind, domain in domains if kind == "SYSTEM"), None),
        custom_domains=tuple(domain for kind, domain in domains if kind == "USER"),
        acl_enabled=flag(wire.acl_enable),
        acl_entries=tuple(entry for each in wire.acl_entries or [] if (entry := text(each.entry))),
    )


def _link_from_wire(wire: Any) -> VpcLink:
    return VpcLink(
        vpc_id=required(wire.vpc_id, "VpcId"),
        ip=text(wire.ip) or "",
        status=text(wire.status) or "unknown",
        issue=text(wire.issue),
    )


def _rule_from_wire(asked: str, wire: Any) -> SyncRule:
    """Put the source first.

    A rule is listed at both ends and SyncDirection is as seen by whoever was asked. Whether Local and Target swap with
    it is not documented, so only the direction decides, and the other end is whichever of the two was not asked.
    """
    local, target = text(wire.local_instance_id) or "", text(wire.target_instance_id) or ""
    other = target if local == asked else local
    is_source = text(wire.sync_direction) != "TO"
    source_is_local = is_source == (local == asked)
    names = (text(wire.local_namespace_name), text(wire.local_repo_name))
    far_names = (text(wire.target_namespace_name), text(wire.target_repo_name))
    source, end = (names, far_names) if source_is_local else (far_names, names)
    return SyncRule(
        rule_id=required(wire.sync_rule_id, "SyncRuleId"),
        name=text(wire.sync_rule_name) or "",
        from_instance=asked if is_source else other,
        to_instance=other if is_source else asked,
        scope=text(wire.sync_scope) or "",
        # PASSIVE means after a push, INITIATIVE means by hand only.
        is_automatic=text(wire.sync_trigger) == "PASSIVE",
        namespace=source[0],
        repository=source[1],
        tag_filter=text(wire.tag_filter),
        namespace_filter=text(wire.namespace_name_filter),
        repository_filter=text(wire.repo_name_filter),
        to_namespace=end[0],
        to_repository=end[1],
        created_at=moment(wire.create_time),
        is_cross_account=flag(wire.cross_user),
    )


def task_from_wire(wire: Any) -> SyncTask:
    """Read one task, of the list or by itself, which tells fewer times."""
    source = wire.image_from
    return SyncTask(
        task_id=required(wire.sync_task_id, "SyncTaskId"),
        status=required(wire.task_status, "TaskStatus"),
        image=_image(source),
        created_at=moment(getattr(wire, "create_time", None)),
        # The misspelt field is the long-standing one; newer answers carry both.
        changed_at=moment(getattr(wire, "modified_time", None)) or moment(getattr(wire, "modifed_time", None)),
        from_instance=text(getattr(source, "instance_id", None)) or "",
        to_instance=text(getattr(wire.image_to, "instance_id", None)) or "",
        issue=text(wire.task_issue),
        rule_id=text(wire.sync_rule_id),
    )


def _image(end: Any) -> str:
    names = [text(getattr(end, name, None)) or "?" for name in ("repo_namespace_name", "repo_name", "image_tag")]
    return f"{names[0]}/{names[1]}:{names[2]}"
