"""The people and channels that every workspace starts with."""

from simulator.slack.model import BOT_USER_ID, OUTSIDE_TEAM_ID, SLACKBOT_ID, Channel, User


def people() -> dict[str, User]:
    """Return a fresh set of personas, the app's own bot user among them."""
    everyone = [
        User("U01ONCALL", "oncall", "On-call", is_admin=True, is_app_user=True),
        User("U01APPROVER", "approver", "Approver"),
        User("U02APPROVER", "second", "Second approver"),
        User("U01MEMBER", "member", "Member without a role"),
        User("U01GUEST", "guest", "Guest", is_restricted=True),
        User("U01OUTSIDER", "outsider", "Outsider", team_id=OUTSIDE_TEAM_ID, is_stranger=True),
        User("U01LEFT", "left", "Deactivated", deleted=True),
        User("U01BOTTY", "botty", "Another bot", is_bot=True),
        User(BOT_USER_ID, "registry", "registry", is_bot=True),
        User(SLACKBOT_ID, "slackbot", "Slackbot"),
    ]
    return {user.id: user for user in everyone}


def channels() -> dict[str, Channel]:
    """Return a fresh set of channels, one for each situation that a bot meets."""
    staff = ["U01ONCALL", "U01APPROVER", "U02APPROVER", "U01MEMBER"]
    every = [
        Channel("C01OPS", "ops", [*staff, "U01GUEST", "U01BOTTY", BOT_USER_ID]),
        Channel("C02INC", "inc-registry", [*staff, "U01GUEST", BOT_USER_ID]),
        Channel("C03GENERAL", "general", [*staff]),
        Channel("C04SHARED", "shared-partner", [*staff, "U01OUTSIDER", BOT_USER_ID], is_ext_shared=True),
        Channel("C05PRIVATE", "inc-secret", ["U01ONCALL", "U01APPROVER"], is_private=True),
    ]
    return {channel.id: channel for channel in every}
