"""A small world of two instances whose every state is remembered, a copier that lies, and readers that are held up."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.domain.comparing import Critical
from bot.domain.inventory import Coverage, Repository, Scan, Tag
from bot.domain.snapshot import Inventory, SyncTask
from bot.domain.topology import Site
from tests.builders import INSTANCE_ID, NOW
from tests.domain.stocks import ENDS, SOURCE, TARGET
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeRegistries


class Held(NamedTuple):
    """One tag: what it names, when it was written here, and when and where this content was pushed at first."""

    digest: str
    written_at: datetime
    born_at: datetime
    born_in: str


Stock = dict[str, dict[str, Held]]


class Copy(NamedTuple):
    """A copy that is due, begun by one push."""

    task_id: str
    path: str
    tag: str
    held: Held


@dataclass
class Pass:
    """One reading of an instance that goes on repository by repository."""

    number: int
    started_at: datetime
    left: list[str]
    listed: set[str]
    unread: list[str] = field(default_factory=list)


class Replicated:
    """Two instances, what happened to them, and what is kept of them."""

    def __init__(self) -> None:
        self.now = NOW
        self.stocks: dict[str, Stock] = {SOURCE: {}, TARGET: {}}
        self.past: dict[str, list[tuple[datetime, Stock]]] = {site: [(NOW, {})] for site in self.stocks}
        self.modified: dict[tuple[str, str], datetime] = {}
        self.tasks: dict[str, SyncTask] = {}
        self.due: list[Copy] = []
        self.sent: dict[str, str] = {}
        self.down: set[str] = set()
        self.passes: dict[str, Pass] = {}
        self.kept = FakeInventories()
        self._made = 0

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def push(self, site: str, path: str, tag: str) -> None:
        """Push new content; what is pushed to the source begins a copy."""
        self._made += 1
        held = Held(f"{self._made:064x}", self.now, self.now, site)
        self._write(site, path, tag, held)
        if site == SOURCE:
            task = SyncTask(f"task-{self._made}", "PENDING", f"{path}:{tag}", self.now, self.now, *ENDS)
            self.tasks[task.task_id] = task
            self.sent[task.task_id] = held.digest
            self.due.append(Copy(task.task_id, path, tag, held))

    def delete(self, site: str, path: str, tag: str) -> None:
        """Delete a tag, and its repository when that was the last one."""
        if self.stocks[site].get(path, {}).pop(tag, None):
            self._wrote(site, path)
        if not self.stocks[site].get(path, {"": None}):
            del self.stocks[site][path]
            self._remember(site)

    def land(self, which: int) -> None:
        """Let a copy arrive as it was when it began, whatever the source has by now."""
        copy = self._end(which, "SUCCESS")
        if copy and SOURCE not in self.down and TARGET not in self.down:
            self._write(TARGET, copy.path, copy.tag, copy.held._replace(written_at=self.now))

    def lie(self, which: int) -> None:
        """Report a copy as done that brought nothing."""
        self._end(which, "SUCCESS")

    def fail(self, which: int) -> None:
        """Let a copy fail."""
        self._end(which, "ERROR")

    def toggle(self, site: str) -> None:
        """Let an instance fall silent, or answer again."""
        self.down ^= {site}
        known = self._known(site)
        silent = (known.silent_since or self.now) if site in self.down else None
        self.kept.known[INSTANCE_ID[site]] = replace(known, silent_since=silent)

    def read(self, site: str, calls: int) -> None:
        """Go on with the pass at hand, or begin one; a silent instance is not read."""
        for _ in range(0 if site in self.down else calls):
            self._step(site)
            self.wait(1)

    def skip(self, site: str) -> None:
        """Fail to read the next repository of the pass at hand, and bring the pass to its end without it."""
        if site not in self.passes:
            self.read(site, 1)
        at_hand = self.passes.get(site)
        if at_hand and at_hand.left:
            at_hand.unread.append(at_hand.left.pop(0))
            self.read(site, len(at_hand.left) + 1)

    def truth(self, site: str, path: str, moment: datetime) -> dict[str, Held]:
        """Return what a repository held at a moment."""
        stock = [stock for since, stock in self.past[site] if since <= moment][-1]
        return stock.get(path, {})

    def paths(self) -> set[str]:
        """Return every repository that ever was."""
        return {path for states in self.past.values() for _, stock in states for path in stock}

    def _step(self, site: str) -> None:
        at_hand = self.passes.get(site)
        if at_hand is None:
            self._begin(site)
        elif at_hand.left:
            self._read_one(site, at_hand, at_hand.left.pop(0))
        else:
            self._finish(site, at_hand)

    def _begin(self, site: str) -> None:
        known = self._known(site)
        listed = sorted(self.stocks[site])
        kept = self.kept.kept.get(INSTANCE_ID[site], {})
        left = [p for p in listed if p not in kept or kept[p].modified_at != self.modified[site, p]]
        number = len(self.kept.saved) + 1
        self.passes[site] = Pass(number, self.now, left, set(listed))
        self._save(replace(known, running=Scan(number, False, self.now)))

    def _read_one(self, site: str, at_hand: Pass, path: str) -> None:
        found = self.stocks[site].get(path, {})
        tags = {tag: Tag(held.digest, held.written_at) for tag, held in found.items()}
        modified = self.modified[site, path]
        kept = Repository(path, path, tags, self.now, at_hand.number, modified)
        self.kept.kept.setdefault(INSTANCE_ID[site], {})[path] = kept

    def _finish(self, site: str, at_hand: Pass) -> None:
        kept = self.kept.kept.setdefault(INSTANCE_ID[site], {})
        for path in set(kept) - at_hand.listed:
            del kept[path]
        del self.passes[site]
        known, unread = self._known(site), tuple(at_hand.unread)
        spaces = {path.partition("/")[0]: True for path in self.stocks[site]}
        self._save(replace(known, as_of=at_hand.started_at, running=None, unread=unread, namespaces=spaces))

    def _known(self, site: str) -> Coverage:
        return self.kept.known.get(INSTANCE_ID[site], Coverage(INSTANCE_ID[site]))

    def _save(self, coverage: Coverage) -> None:
        self.kept.known[coverage.instance] = coverage
        self.kept.saved.append(coverage)

    def _write(self, site: str, path: str, tag: str, held: Held) -> None:
        self.stocks[site].setdefault(path, {})[tag] = held
        self._wrote(site, path)

    def _wrote(self, site: str, path: str) -> None:
        self.modified[site, path] = self.now
        self._remember(site)

    def _remember(self, site: str) -> None:
        self.past[site].append((self.now, {path: dict(tags) for path, tags in self.stocks[site].items()}))

    def _end(self, which: int, status: str) -> Copy | None:
        if not self.due:
            return None
        copy = self.due.pop(which % len(self.due))
        self.tasks[copy.task_id] = replace(self.tasks[copy.task_id], status=status, changed_at=self.now)
        return copy


class Answering(FakeRegistries):
    """Registries that list what the instances of such a world hold at the moment."""

    def __init__(self, world: Replicated) -> None:
        super().__init__(*world.down)
        self._world = world

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Return the repositories that a glob names."""
        self._require_up(site)
        now, critical = self._world.now, Critical(globs)
        stock = {path: tags for path, tags in self._world.stocks[site.name].items() if critical.touches(path)}
        found = {
            path: Repository(path, path, {tag: Tag(each.digest, each.written_at) for tag, each in tags.items()}, now, 0)
            for path, tags in stock.items()
        }
        return Inventory(site.instance, found, now)
