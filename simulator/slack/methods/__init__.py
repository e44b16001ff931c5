"""Every Web API method that this workspace answers."""

from simulator.slack.calls import Method
from simulator.slack.methods import app, chat, conversations, files, people

METHODS: dict[str, Method] = {
    **app.methods.table,
    **chat.methods.table,
    **conversations.methods.table,
    **files.methods.table,
    **people.methods.table,
}
