"""People, channels and messages of the workspace, as Slack's API shows them."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEAM_ID = "T01SIM"
TEAM_DOMAIN = "simulation"
OUTSIDE_TEAM_ID = "T0OUTSIDE"
APP_ID = "A0REGBOT"
BOT_ID = "B0REGBOT"
BOT_USER_ID = "U0REGBOT"
SLACKBOT_ID = "USLACKBOT"
PERMALINK_ARCHIVE = "archives"


@dataclass(slots=True)
class User:
    """One account; the flags are those of Slack's user object."""

    id: str
    name: str
    real_name: str
    team_id: str = TEAM_ID
    deleted: bool = False
    is_bot: bool = False
    is_app_user: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_admin: bool = False
    is_owner: bool = False
    enterprise_user: Json | None = None
    """What an Enterprise organisation adds: its id and the workspaces (`teams`) that the person belongs to."""

    @property
    def is_member(self) -> bool:
        """Tell whether this workspace is the person's own, or one of several in their organisation."""
        return self.team_id == TEAM_ID or TEAM_ID in (self.enterprise_user or {}).get("teams", ())

    def wire(self) -> Json:
        """Return the user object; a deactivated account has lost most of its fields."""
        profile = {"real_name": self.real_name, "display_name": self.real_name, "team": self.team_id}
        base: Json = {"id": self.id, "team_id": self.team_id, "name": self.name, "deleted": self.deleted}
        base |= {"profile": profile, "is_bot": self.is_bot, "is_app_user": self.is_app_user, "updated": 1700000000}
        if self.is_stranger:
            base["is_stranger"] = True
        if self.enterprise_user:
            base["enterprise_user"] = {"id": self.id} | self.enterprise_user
        return base if self.deleted else base | self._living()

    def _living(self) -> Json:
        return {
            "real_name": self.real_name,
            "tz": "Asia/Shanghai",
            "tz_label": "China Standard Time",
            "tz_offset": 28800,
            "is_admin": self.is_admin,
            "is_owner": self.is_owner,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_email_confirmed": True,
        }


@dataclass(slots=True)
class Channel:
    """One conversation: a channel, or the direct messages between the app and `user`."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    is_im: bool = False
    user: str | None = None

    @property
    def family(self) -> str:
        """Name the scope family (`channels:read`, `groups:read`, `im:read`) that reads this conversation."""
        if self.is_im:
            return "im"
        return "groups" if self.is_private else "channels"

    def wire(self) -> Json:
        """Return the conversation object as conversations.info shows it."""
        base = {"id": self.id, "created": 1700000000, "is_archived": self.is_archived, "is_im": self.is_im}
        base |= {"is_mpim": False, "is_org_shared": False, "context_team_id": TEAM_ID}
        return base | ({"user": self.user, "is_open": True} if self.is_im else self._named())

    def _named(self) -> Json:
        return {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_private": self.is_private,
            "is_general": self.name == "general",
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_pending_ext_shared": False,
            "is_member": BOT_USER_ID in self.members,
            "creator": "U01ONCALL",
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "shared_team_ids": [TEAM_ID, OUTSIDE_TEAM_ID] if self.is_ext_shared else [TEAM_ID],
        }


@dataclass(slots=True)
class Message:
    """One message of a channel; `ephemeral_to` names the only person who sees it."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    ephemeral_to: str | None = None
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)
    broadcast: bool = False
    edited_ts: str | None = None
    reply_users: list[str] = field(default_factory=list)
    pinned: bool = False

    @property
    def by_app(self) -> bool:
        """Tell whether our app wrote it, and so may change it."""
        return self.user == BOT_USER_ID

    def wire(self) -> Json:
        """Return the message object as the Web API and block_actions show it."""
        wire: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": TEAM_ID}
        if self.by_app:
            wire |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": _bot_profile()}
        if self.broadcast:
            wire["subtype"] = "thread_broadcast"
        optional: Json = {"blocks": self.blocks, "files": self.files, "thread_ts": self.thread_ts}
        wire |= {key: value for key, value in optional.items() if value}
        if self.edited_ts:
            wire["edited"] = {"user": self.user, "ts": self.edited_ts}
        return wire | self._pins()

    def _pins(self) -> Json:
        return {"pinned_to": [self.channel]} if self.pinned else {}

    def seen(self) -> Json:
        """Return what a person or a test sees of it."""
        seen: Json = {"ts": self.ts, "thread_ts": self.thread_ts, "user": self.user, "text": self.text}
        seen |= {"blocks": self.blocks, "ephemeral_to": self.ephemeral_to}
        optional: Json = {"files": self.files, "pinned": self.pinned, "broadcast": self.broadcast}
        return seen | {key: value for key, value in optional.items() if value}


def _bot_profile() -> Json:
    return {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER_ID, "name": "registry", "team_id": TEAM_ID}
