"""What a person can do in a Slack client: type a command, say something, press a button."""

from dataclasses import replace

from simulator.slack.blockkit import check_blocks
from simulator.slack.calls import Site
from simulator.slack.delivery import NOT_DISPATCHED, OK, Delivery, Outcome
from simulator.slack.manifest import SlashCommand
from simulator.slack.model import SLACKBOT_ID, Channel, Json, Message, User
from simulator.slack.payloads import click_payload, command_payload, escaped, pressed
from simulator.slack.refusals import NotPossible, Refusal
from simulator.slack.responses import Responses
from simulator.slack.workspace import elements_of


class Hands:
    """Acts as any person of the workspace, and shows that person what Slack would.

    It does not ask whether the person could have opened the channel: an app must hold even where Slack's own fences
    fail, so a test may press as anybody. The workspace page shows each person only what that person can see.
    """

    def __init__(self, site: Site, delivery: Delivery, responses: Responses) -> None:
        self._site = site
        self._delivery = delivery
        self._responses = responses

    async def command(self, user_id: str, channel_id: str, typed: str) -> Outcome:
        """Send a slash command; without a leading slash the text goes to the app's first command."""
        user, channel = self._user(user_id), self._channel(channel_id)
        command, text = self._parsed(typed)
        if command.should_escape:
            text = escaped(text, self._site.workspace)
        payload = command_payload(self._site.installation, command, text, user, channel)
        payload["response_url"] = self._responses.url(user.id, channel.id)
        outcome = await self._delivery.command(payload)
        return self._shown(outcome, user, channel, f"{command.command} {text}".strip())

    async def click(
        self, user_id: str, channel_id: str, ts: str, action_id: str, block_id: str | None = None
    ) -> Outcome:
        """Press a button of a message."""
        user, channel = self._user(user_id), self._channel(channel_id)
        message = self._message(channel, ts, user)
        action = _button(message, action_id, block_id)
        if not self._site.installation.manifest.interactive:
            raise NotPossible("The app's manifest switches interactivity off, so its buttons lead nowhere.")
        shown = self._site.workspace.wire(message)
        payload = click_payload(self._site.installation, user, channel, message, action, shown)
        payload["response_url"] = self._responses.url(user.id, channel.id, message)
        return await self._delivery.interaction(payload)

    def say(self, user_id: str, channel_id: str, text: str, thread_ts: str | None = None) -> Message:
        """Post a plain message as a person."""
        user, channel = self._user(user_id), self._channel(channel_id)
        if channel.is_archived:
            raise NotPossible("The channel is archived.")
        return self._site.workspace.post(channel.id, user.id, text, thread_ts=thread_ts)

    def _parsed(self, typed: str) -> tuple[SlashCommand, str]:
        commands = self._site.installation.manifest.commands
        if not typed.startswith("/"):
            if not commands:
                raise NotPossible("The app's manifest has no slash command.")
            return commands[0], typed
        name, _, text = typed.partition(" ")
        command = self._site.installation.manifest.command(name)
        if command is None:
            raise NotPossible(f"{name} is not a valid command.")
        return command, text

    def _user(self, user_id: str) -> User:
        user = self._site.workspace.users.get(user_id)
        if user is None:
            raise NotPossible(f"Nobody here has the id {user_id!r}.")
        if user.is_bot or user.id == SLACKBOT_ID:
            raise NotPossible("A bot can neither type a command nor press a button.")
        return user

    def _channel(self, channel_id: str) -> Channel:
        channel = self._site.workspace.channels.get(channel_id)
        if channel is None:
            raise NotPossible(f"No channel has the id {channel_id!r}.")
        return channel

    def _message(self, channel: Channel, ts: str, user: User) -> Message:
        message = self._site.workspace.find(channel.id, ts)
        if message is None or message.ephemeral_to not in (None, user.id):
            raise NotPossible(f"{user.real_name} sees no message {ts} in #{channel.name}.")
        return message

    def _shown(self, outcome: Outcome, user: User, channel: Channel, typed: str) -> Outcome:
        """Show the answer that came with the acknowledgement, or Slack's line about a failure."""
        if outcome.status == OK and outcome.response:
            outcome = self._answered(outcome, user, channel, typed)
        if outcome.status != OK:
            name = typed.partition(" ")[0]
            line = f'{name} failed with the error "{outcome.status}"'
            self._site.workspace.post(channel.id, SLACKBOT_ID, line, ephemeral_to=user.id)
        return outcome

    def _answered(self, outcome: Outcome, user: User, channel: Channel, typed: str) -> Outcome:
        said: Json = outcome.response or {}
        try:
            check_blocks(said.get("blocks") or [])
            if said.get("response_type") == "in_channel":
                self._site.workspace.post(channel.id, user.id, typed)
            self._responses.answer(user.id, channel.id, said, None)
        except Refusal:
            return replace(outcome, status=NOT_DISPATCHED)
        return outcome


def _button(message: Message, action_id: str, block_id: str | None) -> Json:
    for block in message.blocks:
        for element in elements_of(block):
            fits = element.get("action_id") == action_id and block_id in (None, block["block_id"])
            if fits and element["type"] == "button":
                return pressed(element, block["block_id"])
    raise NotPossible(f"Message {message.ts} has no button {action_id!r}.")
