"""People: they ask, approve, approve themselves, reject, cancel, press twice, press old cards, and look around."""

import random
from collections.abc import Callable

from bot.domain.operation import State
from bot.listeners.deliveries import Delivery
from bot.listeners.desk import Reply
from bot.services.admission import Visitor
from tests.builders import APPROVER, APPROVER_ELSEWHERE, CHANNEL, GUEST, ON_CALL, OUTSIDER, RECORD_ID, WORKSPACE
from tests.simulation.bots import SimBot
from tests.simulation.judge import ANSWER_WITHIN, Judge
from tests.simulation.slack import Posted

LEAD = "U01LEAD"
EVERYBODY = (ON_CALL, APPROVER, APPROVER_ELSEWHERE, LEAD, GUEST, OUTSIDER)
SITES = ("zhangjiakou", "hangzhou")
ROUTES = {"A": "internet", "CNAME": "internal"}
"""By which route to ask for a move while the record is of a type, so that there is something to change."""

PATIENCE = 4.0
"""Seconds that people give a bot to show a plan."""
MOSTLY = 0.8
"""How often people do what makes sense, where they may also do what does not."""

Note = Callable[[str, str], None]
Told = Callable[[Delivery, Reply], None]


class People:
    """Everybody who types and presses; one act at a time, at whichever bot Slack chooses."""

    def __init__(
        self, chance: random.Random, judge: Judge, running: Callable[[], list[SimBot]], note: Note, told: Told
    ) -> None:
        self._chance, self._judge, self._running, self._note, self._told = chance, judge, running, note, told
        self._asked_at: dict[str, float] = {}

    def act(self) -> None:
        """Do one thing that somebody would do."""
        draw = self._chance.random()
        cards = [card for card in self._judge.slack.cards() if card.buttons()]
        waiting = [card for card in cards if self._is_open(card)]
        is_all_asked = waiting or self._is_taken(*SITES)
        if draw < (0.1 if is_all_asked else 0.6):
            self._type(self._chance.choice((ON_CALL, ON_CALL, LEAD)), self._lift() or self._wish())
        elif draw < 0.85 and cards:
            self._press(waiting if waiting and self._chance.random() < MOSTLY else cards)
        elif draw < 0.93:
            self._vote_by_word()
        elif draw < 0.975:
            self._look()
        else:
            self._type(self._chance.choice(EVERYBODY), f"freeze {self._site()} until 1h because of a drill")

    def _is_open(self, card: Posted) -> bool:
        """Tell whether there is anything to decide; after a failover buttons may outlive what they were for."""
        stored = self._judge.redis.serving.store._stored.get(card.buttons()[0][1].split("|")[1])
        return stored is not None and stored.operation().state is State.PENDING

    def _lift(self) -> str:
        """Return the words that lift a freeze of somebody's, mostly, where there is one."""
        store = self._judge.redis.serving.store
        frozen = [f for f in store._freezes.values() if not f.is_by_hand and not f.is_over(store.clock.now())]
        if not frozen or self._chance.random() > MOSTLY:
            return ""
        return f"unfreeze {self._chance.choice(frozen).scope} because it is over"

    def _wish(self) -> str:
        site = self._site()
        self._asked_at[site] = self._judge.now
        route = ROUTES[self._judge.cloud.zones.held[RECORD_ID[site]].type]
        return f"failover {site} via {route} because of a drill" if self._chance.random() < 0.9 else f"failover {site}"

    def _site(self) -> str:
        """Return a site, mostly one of which nothing is wanted yet."""
        site, other = SITES if self._chance.random() < 0.66 else SITES[::-1]
        return other if self._is_taken(site) and self._chance.random() < MOSTLY else site

    def _is_taken(self, *sites: str) -> bool:
        """Tell whether something is under way for all of these."""
        taken, patient = self._judge.redis.serving.store._open, self._judge.now - PATIENCE
        return all(RECORD_ID[site] in taken or self._asked_at.get(site, patient) > patient for site in sites)

    def _press(self, cards: list[Posted]) -> None:
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
            voted = known[-1] if self._chance.random() < MOSTLY else self._chance.choice(known)
            self._type(self._chance.choice((APPROVER, LEAD, ON_CALL, *EVERYBODY)), f"{verb} {voted}")

    def _look(self) -> None:
        known = list(self._judge.versions) or ["fo-0000"]
        words = (
            *("status", "actions", f"show {self._chance.choice(known)}", "plan failover zhangjiakou"),
            *("unfreeze all because it is over", "unfreeze zhangjiakou because it is over"),
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
