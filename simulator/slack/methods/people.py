"""Methods about people, groups of people, and what they pinned."""

from simulator.slack.calls import Call, Methods
from simulator.slack.model import Json
from simulator.slack.refusals import Refusal

methods = Methods()


@methods.method("users.info", "users:read", tier=4, takes_json=False)
def users_info(call: Call) -> Json:
    """Show one account with its flags."""
    user = call.site.workspace.users.get(call.arguments.text("user"))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": user.wire()}


@methods.method("usergroups.users.list", "usergroups:read", tier=2, takes_json=False)
def usergroups_users_list(call: Call) -> Json:
    """Refuse: user groups need a paid plan, and this workspace has none."""
    call.arguments.text("usergroup")
    raise Refusal("plan_upgrade_required")


@methods.method("pins.add", "pins:write", tier=2)
def pins_add(call: Call) -> Json:
    """Pin a message to its channel."""
    message = call.message(call.joined_channel(), "timestamp")
    if message.pinned:
        raise Refusal("already_pinned")
    message.pinned = True
    call.site.workspace.changed()
    return {}
