"""One Web API call with all that it may touch, and the table in which methods are entered."""

from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.canary import secret
from simulator.slack.arguments import Arguments
from simulator.slack.limits import Limits, RateLimiter
from simulator.slack.manifest import Manifest
from simulator.slack.model import BOT_USER_ID, Channel, Json, Message
from simulator.slack.refusals import Refusal
from simulator.slack.workspace import Workspace


@dataclass(slots=True)
class Installation:
    """The app as installed: what it was granted, and its secrets. `active` false means that it was removed."""

    manifest: Manifest
    bot_token: str = field(default_factory=lambda: f"xoxb-{secret()}")
    app_token: str = field(default_factory=lambda: f"xapp-1-A0REGBOT-{secret()}")
    signing_secret: str = field(default_factory=secret)
    verification_token: str = field(default_factory=secret)
    active: bool = True


@dataclass(slots=True)
class Upload:
    """A file on its way: asked for, filled, shared."""

    file_id: str
    name: str
    length: int
    content: bytes | None = None
    shared: bool = False


@dataclass(slots=True)
class Site:
    """What the methods work on."""

    workspace: Workspace
    installation: Installation
    limits: Limits
    limiter: RateLimiter
    open_socket: Callable[[], str]
    base_url: str = ""
    uploads: dict[str, Upload] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that passed token, scope and rate; its handler only has to answer it."""

    arguments: Arguments
    site: Site

    def require_scope(self, *any_of: str) -> None:
        """Refuse when none of these scopes was granted."""
        granted = self.site.installation.manifest.scopes
        if not granted.intersection(any_of):
            raise Refusal("missing_scope", needed=",".join(any_of), provided=",".join(sorted(granted)))

    def visible_channel(self, name: str = "channel") -> Channel:
        """Return the channel that the app asks about; a private one without the app does not exist for it."""
        channel = self.site.workspace.channels.get(self.arguments.text(name))
        if channel is None or (channel.family != "channels" and BOT_USER_ID not in channel.members):
            raise Refusal("channel_not_found")
        return channel

    def joined_channel(self, name: str = "channel") -> Channel:
        """Return a channel that the app is a member of."""
        channel = self.visible_channel(name)
        if BOT_USER_ID not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def writable_channel(self, name: str = "channel") -> Channel:
        """Return a channel that the app may post to; a person's id means the direct messages with that person."""
        wanted = self.arguments.text(name)
        if wanted in self.site.workspace.users:
            return self._direct(wanted)
        channel = self.visible_channel(name)
        if channel.is_im:
            return self._direct(channel.user or "")
        if channel.is_archived:
            raise Refusal("is_archived")
        public = "chat:write.public" in self.site.installation.manifest.scopes and not channel.is_private
        if BOT_USER_ID not in channel.members and not public:
            raise Refusal("not_in_channel")
        return channel

    def _direct(self, user_id: str) -> Channel:
        if not self.site.installation.manifest.messages_tab:
            raise Refusal("messages_tab_disabled")
        if self.site.workspace.users[user_id].is_bot:
            raise Refusal("cannot_dm_bot")
        return self.site.workspace.direct(user_id)

    def message(self, channel: Channel, name: str) -> Message:
        """Return a message that everybody can read; an ephemeral one is no message for the Web API."""
        found = self.site.workspace.find(channel.id, self.arguments.text(name))
        if found is None or found.ephemeral_to is not None:
            raise Refusal("message_not_found")
        return found


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API: whose token may call it (bot, app, anyone), how often, and how it takes arguments."""

    name: str
    handler: Handler
    tier: int
    scopes: tuple[str, ...] = ()
    caller: str = "bot"
    takes_json: bool = True


class Methods:
    """A table of methods, filled by a decorator."""

    def __init__(self) -> None:
        self.table: dict[str, Method] = {}

    def method(
        self, name: str, *scopes: str, tier: int, caller: str = "bot", takes_json: bool = True
    ) -> Callable[[Handler], Handler]:
        """Enter a handler under its name; any one of the scopes suffices."""

        def enter(handler: Handler) -> Handler:
            self.table[name] = Method(name, handler, tier, scopes, caller, takes_json)
            return handler

        return enter
