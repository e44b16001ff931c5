"""What a pass that has just ended leaves of a site."""

from typing import Any

from bot.domain.inventory import Coverage, Listed, Repository
from bot.ports import Ports
from tests.builders import INSTANCE_ID, NOW


async def keep(ports: Ports, site: str, *repositories: Repository, **fields: Any) -> None:
    """Keep these repositories, which the site still has."""
    instance = INSTANCE_ID[site]
    known: dict[str, Any] = {"as_of": NOW, "namespaces": {"core": True}} | fields
    await ports.inventories.put(instance, repositories)
    await ports.inventories.save_coverage(Coverage(instance, **known))
    held = {each.path: (Listed(each.path, each.id), dict(each.tags)) for each in repositories}
    ports.catalogue.held.setdefault(site, {}).update(held)  # type: ignore[attr-defined]
