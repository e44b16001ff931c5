"""What a target really has of its source at this moment, which no list and no task may be trusted for."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from simulator.repositories import Tag
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Truth:
    """Images as `namespace/name:tag`: the same at both ends, at the source alone, another, at the target alone."""

    identical: frozenset[str]
    missing: frozenset[str]
    different: frozenset[str]
    extra: frozenset[str]

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in ("identical", "missing", "different", "extra")}


def truth(world: World, source: str, target: str, glob: str = "*") -> Truth:
    """Compare two instances; only images whose repository matches the glob."""
    ours, theirs = _images(world, source, glob), _images(world, target, glob)
    both = ours.keys() & theirs.keys()
    # One label is one digest, and labels are there without building an image.
    same = frozenset(name for name in both if ours[name].image == theirs[name].image)
    return Truth(same, frozenset(ours.keys() - both), frozenset(both - same), frozenset(theirs.keys() - both))


def _images(world: World, instance: str, glob: str) -> dict[str, Tag]:
    if instance not in world.instances:
        raise ValueError(f"No instance is called {instance!r}. Known instances: {', '.join(world.instances)}.")
    repositories = world.instances[instance].repositories.items()
    return {
        f"{path}:{name}": tag
        for path, repository in repositories
        if fnmatchcase(path, glob)
        for name, tag in repository.tags.items()
    }
