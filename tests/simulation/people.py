"""People: they ask, approve, approve themselves, reject, cancel, press twice, press old cards, and look around."""

import random
from collections.abc import Callable

from bot.listeners.deliveries import Delivery
from bot.listeners.desk import Reply
from bot.services.admission import Visitor
from tests.builders import APPROVER, APPROVER_ELSEWHERE, CHANNEL, GUEST, ON_CALL, OUTSIDER, RECORD_ID, WORKSPACE
from tests.simulation.bots import SimBot
from tests.simulation.judge import ANSWER_WITHIN, Judge
from tests.simulation.slack import Posted

LEAD = "U01LEAD"
EVERYBODY = (ON_CALL, APPROVER, APPROVER_ELSEWHERE, LEAD, GUEST, OUTSIDER)
ROUTES = {"A": "internet", "CNAME": "internal"}
"""By which route to ask for a move while the record is of a type, so that there is something to change."""

Note = Callable[[str, str], None]
Told = Callable[[Delivery, Reply], None]


class People:
    """Everybody who types and presses; one act at a time, at whichever bot Slack chooses."""

    def __init__(
        self, chance: random.Random, judge: Judge, running: Callable[[], list[SimBot]], note: Note, told: Told
    ) -> None:
        self._chance, self._judge, self._running, self._note, self._told = chance, judge, running, note, told

    def act(self) -> None:
        """Do one thing that somebody would do."""
        draw = self._chance.random()
        is_asked_already = any(card.buttons() for card in self._judge.slack.cards())
        if draw < (0.1 if is_asked_already else 0.6):
            self._type(self._chance.choice((ON_CALL, ON_CALL, LEAD)), self._wish())
        elif draw < 0.85 and is_asked_already:
            self._press()
        elif draw < 0.93:
            self._vote_by_word()
        else:
            self._look()

    def _wish(self) -> str:
        site = self._chance.choice(("zhangjiakou", "zhangjiakou", "hangzhou"))
        route = ROUTES[self._judge.cloud.zones.held[RECORD_ID[site]].type]
        return f"failover {site} via {route} because of a drill" if self._chance.random() < 0.9 else f"failover {site}"

    def _press(self) -> None:
        cards = [card for card in self._judge.slack.cards() if card.buttons()]
        if not cards:
            return
        card = self._chance.choice(cards[-3:])
        action, value = self._chance.choice([*_approving(card) * 8, *card.buttons()])
        who = self._chance.choice((APPROVER, APPROVER, APPROVER_ELSEWHERE, LEAD, ON_CALL, *EVERYBODY))
        for _ in range(self._chance.choice((1, 1, 2))):
            self._note(who, f"presses {action} on {card.text[:40]}")
            self._hand_over(_visit(who, action_id=action, value=value, message_ts=card.ts))

    def _vote_by_word(self) -> None:
        known = list(self._judge.versions)
        if known:
            verb = self._chance.choice(("approve", "approve", "reject", "cancel"))
            self._type(self._chance.choice(EVERYBODY), f"{verb} {self._chance.choice(known)}")

    def _look(self) -> None:
        known = list(self._judge.versions) or ["fo-0000"]
        words = (
            *("status", "actions", f"show {self._chance.choice(known)}", "plan failover zhangjiakou"),
            *("freeze zhangjiakou until 1h because of a drill", "unfreeze all because it is over"),
            "unfreeze zhangjiakou because it is over",
        )
        self._type(self._chance.choice(EVERYBODY), self._chance.choice(words))

    def _type(self, who: str, text: str) -> None:
        self._note(who, f"types {text}")
        self._hand_over(_visit(who, text=text))

    def _hand_over(self, delivery: Delivery) -> None:
        bots = self._running()
        if not bots:
            return
        bot, loop = self._chance.choice(bots), self._judge.redis.loop
        since, replies = loop.time(), list[Reply]()

        def answered(reply: Reply) -> None:
            replies.append(reply)
            self._note(bot.owner, f"{reply.outcome}: {reply.message.text[:100] if reply.message else ''}")
            self._judge.answered(bot, since, reply.outcome)
            self._told(delivery, reply)

        def miss() -> None:
            if not replies:
                self._judge.answered(bot, since, None)

        bot.deliver(delivery, answered)
        loop.later(ANSWER_WITHIN, miss)


def _approving(card: Posted) -> list[tuple[str, str]]:
    return [button for button in card.buttons() if button[0].endswith("approve")]


def _visit(who: str, text: str = "", action_id: str = "", value: str = "", message_ts: str = "") -> Delivery:
    visitor = Visitor(who, WORKSPACE if who != OUTSIDER else "T09ELSE", CHANNEL, "ops")
    return Delivery(visitor, "https://hooks.slack.com/answer", text, action_id, value, message_ts)
