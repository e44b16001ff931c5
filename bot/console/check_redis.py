"""What `registry-bot check` says of Redis: whether decisions are safe there, whose it is, and what is frozen."""

from datetime import datetime

from bot.adapters.clock import SystemClock
from bot.adapters.redis_durability import Trust, assess
from bot.adapters.redis_link import RedisLink
from bot.adapters.redis_store import RedisOperations, stored_workspace
from bot.console.check_slack import team_id
from bot.console.table import Row, fail, ok, warn
from bot.domain.freeze import Freeze
from bot.errors import ProviderError, StoreUnavailable
from bot.settings import Settings

_LOOK_AFTER_REDIS = "Check REGISTRY_BOT_REDIS_URL, and that Redis runs and can be reached from here."


async def redis_rows(settings: Settings) -> list[Row]:
    """Look at Redis; nothing is written to it."""
    url = settings.redis_url.get_secret_value()
    trust = Trust(settings.redis_replicas, settings.redis_durability == "asserted", settings.redis_allow_volatile)
    link = RedisLink(url)
    try:
        mode = await assess(link, SystemClock().now, trust)
        owner = await stored_workspace(url)
        frozen = await _frozen(url)
    except StoreUnavailable as error:
        return [fail("redis", f"{error} {_LOOK_AFTER_REDIS}")]
    finally:
        await link.close()
    if not mode.is_allowed:
        return [fail("redis", mode.sentence)]
    row = warn("redis", mode.sentence) if mode.sentence else ok("redis", "durable, and it takes writes")
    return [row, *_new(settings, owner), *await _foreign(settings, owner), *frozen]


def _new(settings: Settings, owner: str | None) -> list[Row]:
    """Say with what the first start on this Redis begins."""
    if owner is not None or settings.redis_allow_volatile:
        return []
    return [warn("redis: owner", "no bot has used it yet; the first freezes everything until two people lift that")]


async def _foreign(settings: Settings, owner: str | None) -> list[Row]:
    """Say when this Redis already is the store of another workspace's bot."""
    try:
        ours = await team_id(settings)
    except ProviderError:
        return []  # the Slack rows say what is wrong with the token
    if owner in (None, ours):
        return []
    return [fail("redis: owner", f"This Redis belongs to the bot of workspace {owner}. Give each bot its own.")]


async def _frozen(url: str) -> list[Row]:
    """Say what is frozen in this Redis: whoever looks before a drill must not learn it from a refusal."""
    clock = SystemClock()
    operations = RedisOperations(url, clock=clock, workspace="")
    try:
        found = await operations.freezes()
    finally:
        await operations.close()
    return [warn("frozen", _told(freeze, clock.now())) for freeze in found]


def _told(freeze: Freeze, now: datetime) -> str:
    """Name the person as registry.yaml does: a terminal makes nothing of Slack's mentions."""
    if freeze.is_by_hand:
        return freeze.told(now)
    because = f" ({freeze.reason})" if freeze.reason else ""
    lifting = f"`/registry unfreeze {freeze.scope} because …` and a second person lift that"
    return f"{freeze.named_until(now)}, by {freeze.person}{because}; {lifting}"
