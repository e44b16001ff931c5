"""What is asked about copies from one site to another, and what is known of it so far."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.both_ends import NOT_YET, Control
from bot.domain.differences import Differences, Side
from bot.domain.pulling import DeepReport
from bot.domain.rule_audit import PairAudit
from bot.domain.snapshot import SyncTask, Unknown
from bot.domain.topology import Site
from bot.domain.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Question:
    """What to compare: a source with a target, and if only some repositories count, a glob that names them.

    `critical` are the globs of the images that a failover must not lose; `only_critical` leaves out all repositories
    that hold none of them. `domain` is the one that was named, where `critical` is narrowed to it.
    """

    source: Site
    target: Site
    critical: tuple[str, ...]
    repositories: str | None = None
    only_critical: bool = False
    domain: str | None = None

    @property
    def instances(self) -> tuple[str, str]:
        """Return the instances of both ends."""
        return self.source.instance, self.target.instance

    @property
    def way(self) -> str:
        """Return the direction, and the domain where one was named, as they are typed."""
        narrowed = f" domain {self.domain}" if self.domain else ""
        return f"from {self.source.name} to {self.target.name}{narrowed}"

    @property
    def words(self) -> str:
        """Return what is typed to ask exactly this."""
        narrowed = f" repo {self.repositories}" if self.repositories else ""
        return f"replication {self.way}{narrowed}"


@dataclass(frozen=True, slots=True)
class Report:
    """What is known, `done` of `total` repositories gone through; `interrupted` says why there is no more to come.

    `unseen` are copy tasks of pushes that came after the source's repository was last looked at, the newest first: what
    they did not bring is lost without being in any list. `live_because` says why what is kept could not be taken, so
    that both ends were asked what they hold now, of what was asked about alone.
    """

    question: Question
    source: Side
    target: Side
    found: Differences
    judgement: Judgement
    taken_at: datetime
    control: Control = field(default_factory=Control)
    done: int = 0
    total: int = 0
    is_final: bool = False
    interrupted: str = ""
    live_because: str = ""
    unseen: tuple[SyncTask, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """A report, what the rules in that direction do, and where that was asked for, the target as pulls meet it."""

    report: Report
    audit: PairAudit | Unknown = NOT_YET
    deep: DeepReport | None = None
