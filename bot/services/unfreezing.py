"""Lift a freeze: one person asks, another approves, and one commit ends it with exactly the freezes that it names."""

from dataclasses import replace

from bot import __version__
from bot.domain.freeze import ALL, STILL_FROZEN, Freeze
from bot.domain.operation import Event, Operation, Requester, advance
from bot.domain.plan import Kind, Plan
from bot.domain.topology import Route
from bot.errors import FreezeChanged, Frozen, StoreUnavailable, UserError
from bot.ports import CLAIM_DURABLE_WITHIN, Commit, IndexMove, Ports
from bot.services.audit import UNFROZEN, entry
from bot.services.finishing import end
from bot.services.freezing import told
from bot.services.recheck import recheck_authority
from bot.services.requests import involved_sites, require_unfrozen, store_request


async def frozen_scopes(ports: Ports) -> tuple[str, ...]:
    """Return the scopes that are frozen, also of sites that registry.yaml no longer has."""
    return tuple(freeze.scope for freeze in await ports.operations.freezes())


async def ask_to_lift(ports: Ports, scope: str, requester: Requester, channel: str, reason: str) -> Operation:
    """Store a request to lift the freeze of exactly this scope.

    Raises Frozen while the environment or the file freezes, UserError when there is nothing to lift, AlreadyOpen.
    """
    require_unfrozen(ports)
    freeze = await _the_freeze(ports, scope)
    return await store_request(ports, _plan(ports, freeze), requester, channel, reason)


async def lift(ports: Ports, operation: Operation, _owner: str) -> None:
    """End an approved request by lifting its freezes, after asking once more whether the approval counts."""
    now = ports.clock.now()
    if now >= operation.lapses_at:
        await end(ports, operation, Event.EXPIRE, _LAPSED, operation.lapses_at)
        return
    if why := ports.store_trouble():
        raise StoreUnavailable(why)
    if difference := ports.kill_switch() or (await recheck_authority(ports, operation)).difference:
        await end(ports, operation, Event.DIFFER, f"Nothing was lifted. {difference}")
        return
    moved = advance(operation, Event.LIFT, now, await _outcome(ports, operation))
    try:
        await ports.operations.commit(
            Commit(
                moved,
                attempt=ports.ids.token(),
                audit=_entry(operation, moved),
                not_after=operation.lapses_at,
                index=IndexMove.RELEASE,
                lifts=operation.plan.lifts,
                durable_within=CLAIM_DURABLE_WITHIN,
            )
        )
    except FreezeChanged:
        await end(ports, operation, Event.DIFFER, _CHANGED)


async def _outcome(ports: Ports, operation: Operation) -> str:
    """Tell what is lifted or, which matters more to whoever reads that it is over, what stays frozen."""
    stay = [freeze for freeze in await ports.operations.freezes() if freeze not in operation.plan.lifts]
    if not stay:
        return f"Lifted: {told(ports, operation.plan.lifts)}"
    return f"{STILL_FROZEN}{', '.join(freeze.named_until(ports.clock.now()) for freeze in stay)}."


def _entry(operation: Operation, moved: Operation) -> dict[str, str]:
    lifted = " ".join(freeze.scope for freeze in operation.plan.lifts)
    return entry(UNFROZEN, moved, "bot", "", before=operation.state) | {"scope": lifted}


async def _the_freeze(ports: Ports, scope: str) -> Freeze:
    freezes = await ports.operations.freezes()
    if any(freeze.is_by_hand for freeze in freezes):
        raise Frozen(told(ports, (freeze for freeze in freezes if freeze.is_by_hand)), [ALL])
    found = next((freeze for freeze in freezes if freeze.scope == scope), None)
    if found is not None:
        return found
    if any(freeze.scope == scope for freeze in ports.local_freezes.freezes()):
        raise StoreUnavailable("Redis does not have this freeze yet, only this bot. Ask again in a moment.")
    what = "Not all sites are" if scope == ALL else f"{scope} itself is not"
    others = f" Frozen now: {', '.join(freeze.scope for freeze in freezes)}." if freezes else " Nothing is frozen now."
    raise UserError(f"{what} frozen, so there is nothing to lift.{others}")


def _plan(ports: Ports, freeze: Freeze) -> Plan:
    access = ports.rules.access
    plan = Plan(
        kind=Kind.UNFREEZE,
        workspace=access.workspace,
        away=freeze.scope,
        to=freeze.scope,
        route=Route.INTERNET,
        changes=(),
        findings=(),
        policy_hash="",
        tool_version=__version__,
        nonce=ports.ids.token(),
        is_simulation=ports.rules.is_simulation,
        lifts=(freeze,),
    )
    return replace(plan, policy_hash=access.policy_hash(involved_sites(ports, plan) or ()))


_LAPSED = "The approval was not carried out within 120 s, so it lapsed. Nothing was lifted. Ask again."
_CHANGED = "Nothing was lifted. What was to be lifted ended meanwhile, or somebody froze it anew."
