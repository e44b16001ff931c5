"""Methods about the app itself: who am I, are you there, open a socket."""

from simulator.slack.calls import Call, Methods
from simulator.slack.model import BOT_ID, BOT_USER_ID, TEAM_ID, Json
from simulator.slack.refusals import Refusal

methods = Methods()


@methods.method("auth.test", tier=5)
def auth_test(call: Call) -> Json:
    """Tell whom the token belongs to."""
    bot = call.site.workspace.users[BOT_USER_ID]
    who = {"team": "Simulation", "user": bot.name, "team_id": TEAM_ID, "user_id": bot.id, "bot_id": BOT_ID}
    return {"url": f"{call.site.base_url}/", **who, "is_enterprise_install": False}


@methods.method("api.test", tier=4, caller="anyone")
def api_test(call: Call) -> Json:
    """Echo the arguments, or the error that was asked for."""
    values = {name: value for name, value in call.arguments.values.items() if name != "token"}
    if error := call.arguments.optional("error"):
        raise Refusal(error, args=values)
    return {"args": values}


@methods.method("apps.connections.open", tier=3, caller="app", takes_json=False)
def connections_open(call: Call) -> Json:
    """Give out the address of one Socket Mode connection."""
    if not call.site.installation.manifest.socket_mode:
        raise Refusal("socket_mode_not_enabled")
    return {"url": call.site.open_socket()}
