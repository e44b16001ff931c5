"""What `status` shows: every site and view as seen at one moment, and what is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.operation import Operation
from bot.domain.snapshot import SiteState, Unknown, ViewState, movable_value, serving_site
from bot.domain.topology import Site


@dataclass(frozen=True, slots=True)
class Overview:
    """All views with what they serve; `frozen` are scopes, `store_note` says what is missing when Redis is silent."""

    taken_at: datetime
    sites: Mapping[str, SiteState]
    views: tuple[ViewState, ...]
    open_operations: tuple[Operation, ...] = ()
    frozen: tuple[str, ...] = ()
    store_note: str = ""
    is_simulation: bool = False

    def serving(self, state: ViewState) -> Site | Unknown:
        """Name the site that a view pulls from, or say why nobody can tell."""
        value = movable_value(state)
        return value if isinstance(value, Unknown) else serving_site(value, self.sites)

    def is_away(self, state: ViewState) -> bool:
        """Tell whether a view is known to pull from another site than its own."""
        site = self.serving(state)
        return isinstance(site, Site) and site.name != state.view.site
