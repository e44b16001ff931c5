"""Container Registry's copies by hand: asking for them, and looking what became of them.

Always CreateRepoSyncTask and never CreateRepoSyncTaskByRule: a rule's own copy says nothing of whether it may replace a
tag, and works for rules alone that copy by hand only (Container Registry API reference).
"""

from collections.abc import Mapping
from typing import Any

from bot.adapters.alibaba.answers import FORBIDDEN
from bot.adapters.alibaba.client import Alibaba
from bot.adapters.alibaba.limits import Lane
from bot.adapters.alibaba.registry import task_from_wire
from bot.adapters.alibaba.wire import PAGE_SIZE, Page, body, count, read_list, required
from bot.domain.copy_job import Copy
from bot.domain.snapshot import SyncTask
from bot.domain.topology import Account, Site
from bot.errors import Gone, OutcomeUnknown, Refused, Unreachable

NO_SUCH_TASK = "SYNC_TASK_NOT_EXIST"
NO_SUCH_IMAGE = ("REPO_NOT_EXIST", "TAG_NOT_EXIST")
NOWHERE = Copy("no-such-namespace/no-such-repository", "no-such-tag", "")
TASK_PAGES = 3
"""Of the tasks of one tag: hundreds of them come of pushes, and the list has no order."""


class AlibabaCopier:
    """The one way by which the bot has images copied; `accounts` tells whose instances are whose."""

    def __init__(self, alibaba: Alibaba, accounts: Mapping[str, Account]) -> None:
        self._alibaba = alibaba
        self._accounts = accounts

    async def begin(self, copy: Copy, source: Site, target: Site, repository_id: str, *, overrides: bool) -> str:
        """Ask for a copy under the same names, sent once, and return the id of its task."""
        cr, models = await self._of(source, Lane.COPY)
        namespace, _, name = copy.path.partition("/")
        request = models.CreateRepoSyncTaskRequest(
            instance_id=source.instance,
            repo_id=repository_id,
            tag=copy.tag,
            target_instance_id=target.instance,
            target_region_id=target.region,
            target_namespace=namespace,
            target_repo_name=name,
            target_tag=copy.tag,
            target_user_id=self._other_account(source, target),
            override=overrides,
        )
        try:
            found = body(await cr.create_repo_sync_task_async(request), "CreateRepoSyncTask")
            return required(found.sync_task_id, "SyncTaskId")
        except Refused as refused:
            if refused.code in NO_SUCH_IMAGE:
                raise Gone(str(refused), code=refused.code, request_id=refused.request_id) from refused
            raise
        except Unreachable as unreadable:  # the vendor took it, and what it says of it cannot be read
            raise OutcomeUnknown(str(unreadable)) from unreadable

    async def lacks_right(self, source: Site) -> str:
        """Return which right lacks for copies from a site, or nothing.

        Asks for what cannot be, an image that is not there, from an instance to itself: rights are judged before that.
        """
        try:
            await self.begin(NOWHERE, source, source, "crr-none", overrides=False)
        except Refused as refused:
            return str(refused) if (refused.code or "").startswith(FORBIDDEN) else ""
        return ""

    async def task(self, source: Site, task_id: str) -> SyncTask | None:
        """Return a task, None for one that is gone."""
        cr, models = await self._of(source, Lane.BULK)
        request = models.GetRepoSyncTaskRequest(instance_id=source.instance, sync_task_id=task_id)
        try:
            return task_from_wire(body(await cr.get_repo_sync_task_async(request), "GetRepoSyncTask"))
        except Refused as refused:
            if refused.code == NO_SUCH_TASK:
                return None
            raise

    async def tasks_of(self, source: Site, copy: Copy) -> tuple[SyncTask, ...]:
        """Return every task of one image that the source lists."""
        cr, models = await self._of(source, Lane.BULK)
        namespace, _, name = copy.path.partition("/")

        async def fetch(page: int) -> Page:
            request = models.ListRepoSyncTaskRequest(
                instance_id=source.instance,
                repo_namespace_name=namespace,
                repo_name=name,
                tag=copy.tag,
                page_no=page,
                page_size=PAGE_SIZE,
            )
            found = body(await cr.list_repo_sync_task_async(request), "ListRepoSyncTask")
            return Page(list(found.sync_tasks or []), count(found.total_count, "TotalCount"))

        what = f"replication tasks of {copy.image}"
        page = await read_list(
            fetch, lambda wire: required(wire.sync_task_id, "SyncTaskId"), what, max_pages=TASK_PAGES
        )
        tasks = (task_from_wire(wire) for wire in page.items)
        return tuple(task for task in tasks if (task.from_instance, task.image) == (source.instance, copy.image))

    async def _of(self, site: Site, lane: Lane) -> tuple[Any, Any]:
        return await self._alibaba.cr(site.region, site.account, lane), (await self._alibaba.models())[1]

    def _other_account(self, source: Site, target: Site) -> str | None:
        """Return the vendor's number of the target's account where it is another one than the source's."""
        if source.account == target.account:
            return None
        account = self._accounts.get(target.account)
        if account is None or account.account_id is None:
            raise Refused(f"The number of the account {target.account} is not known, so nothing was sent.")
        return account.account_id
