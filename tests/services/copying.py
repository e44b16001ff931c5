"""A company whose hangzhou lacks images of zhangjiakou, and the way of a copy job through it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.copy_job import CopyJob, Phase
from bot.domain.inventory import Repository, Tag
from bot.domain.snapshot import Inventory
from bot.domain.topology import Site
from bot.ports import Ports
from bot.worker.copyist import Copyist
from handlers import all_handlers
from tests.builders import CHANNEL, INSTANCE_ID, NOW, ON_CALL
from tests.fake_copies import FakeCopier, FakeCopies
from tests.fakes import FakeClock, FakeOperations, FakeRegistries, FakeWorkspace, some_ports
from tests.handlers.calls import a_call, answer
from tests.handlers.kept import keep

SOURCE, TARGET = "zhangjiakou", "hangzhou"
ASK = f"sync missing from {SOURCE} to {TARGET}"
PUSHED = NOW - timedelta(hours=1)


class Shelves(FakeRegistries):
    """Registries that list exactly what is on `shelves`, by site, path and tag."""

    def __init__(self) -> None:
        super().__init__()
        self.shelves: dict[str, dict[str, dict[str, Tag]]] = {SOURCE: {}, TARGET: {}}
        self.immutable: set[str] = set()
        self.reads: list[tuple[str, tuple[str, ...]]] = []

    def put(self, site: str, image: str, digest: str, pushed_at: datetime | None = PUSHED) -> None:
        """Have a site hold an image."""
        path, _, tag = image.rpartition(":")
        self.shelves[site].setdefault(path, {})[tag] = Tag(digest, pushed_at)

    def take(self, site: str, image: str) -> None:
        """Have a site lose an image."""
        path, _, tag = image.rpartition(":")
        del self.shelves[site][path][tag]

    def repositories(self, site: str) -> dict[str, Repository]:
        """Return what a site holds."""
        return {
            path: Repository(path, f"crr-{path}", dict(tags), NOW, 1, is_immutable=path in self.immutable)
            for path, tags in self.shelves[site].items()
        }

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Return the repositories that are named."""
        self._require_up(site)
        self.reads.append((site.name, globs))
        found = {path: each for path, each in self.repositories(site.name).items() if path in globs}
        return Inventory(site.instance, found, NOW)


@dataclass
class Copying:
    """The parts that a test takes hold of."""

    ports: Ports
    clock: FakeClock
    registries: Shelves
    copier: FakeCopier
    copies: FakeCopies
    operations: FakeOperations
    workspace: FakeWorkspace
    alarms: list[str] = field(default_factory=list)

    async def know(self) -> None:
        """Have both inventories as just read."""
        for site in (SOURCE, TARGET):
            await keep(self.ports, site, *self.registries.repositories(site).values())

    def use(self, copier: FakeCopier) -> None:
        """Put another vendor in place of the one at hand."""
        self.copier = copier
        self.ports = replace(self.ports, copier=copier)

    async def offer(self, text: str = ASK) -> CopyJob:
        """Ask for copies and return the job that is offered."""
        await answer(self.ports, text)
        return next(job for job in self.copies.held.values() if job.phase is Phase.OFFERED)

    async def press(self, job: CopyJob, button: int = 0, user_id: str = ON_CALL, **fields: Any) -> str:
        """Press a button of the offer as it was posted, and return what the presser is told."""
        pressed = self.buttons(job)[button]
        given = {"value": pressed["value"], "message_ts": job.ts, "channel_id": CHANNEL, **fields}
        call = a_call("sync", user_id, **given)
        message = await all_handlers().handler_of_button(str(pressed["action_id"]))(call, self.ports)
        assert message is not None
        return message.text

    def buttons(self, job: CopyJob) -> list[dict[str, Any]]:
        """Return the buttons that the first message of a job had."""
        post = next(post for post in self.workspace.posts if post.ts == job.ts)
        return [dict(each) for block in post.message.blocks for each in block.get("elements", ()) if "value" in each]

    def shown(self, job: CopyJob) -> str:
        """Return the first line of a job's message."""
        return next(post.message.text for post in self.workspace.posts if post.ts == job.ts)

    async def started(self, text: str = ASK) -> CopyJob:
        """Return a job that was confirmed."""
        job = await self.offer(text)
        await self.press(job)
        return self.copies.held[job.id]

    async def work(self, rounds: int = 1, owner: str = "bot-1", seconds: float = 2) -> None:
        """Take rounds as a worker does."""
        copyist = Copyist(self.ports, owner)
        for _ in range(rounds):
            await copyist.tick()
            self.clock.move(timedelta(seconds=seconds))

    def land(self, *images: str) -> None:
        """Let copies arrive, and their tasks say so."""
        for image in images:
            path, _, tag = image.rpartition(":")
            self.registries.put(TARGET, image, self.registries.shelves[SOURCE][path][tag].digest)
            self.copier.end("SUCCESS", image=image)

    def job(self) -> CopyJob:
        """Return the only job as it is stored."""
        (job,) = self.copies.held.values()
        return job

    def fates(self) -> dict[str, str]:
        """Return what became of each image of the only job."""
        return {copy.image: str(copy.state) for copy in self.job().copies}

    def events(self) -> list[str]:
        """Return what the audit says."""
        return [entry["event"] for entry in self.operations.audit]


async def copying(missing: int = 3) -> Copying:
    """Return a company whose standby lacks so many critical images and has one."""
    clock, registries, workspace = FakeClock(), Shelves(), FakeWorkspace()
    operations, alarms = FakeOperations(clock), list[str]()
    copier, copies = FakeCopier(clock), FakeCopies(operations)
    ports = some_ports(
        clock=clock, registries=registries, workspace=workspace, operations=operations, copier=copier, copies=copies
    )
    company = Copying(ports, clock, registries, copier, copies, operations, workspace, alarms)
    company.ports = replace(ports, alarm=alarms.append)
    for number in range(missing):
        registries.put(SOURCE, f"core/api:{number}", f"{number:064x}", PUSHED + timedelta(seconds=number))
    for site in (SOURCE, TARGET):
        registries.put(site, "core/api:same", "f" * 64)
    await company.know()
    assert INSTANCE_ID[SOURCE] != INSTANCE_ID[TARGET]
    return company
