"""/registry sync, and the two buttons of its offer"""

import re
from functools import partial

from bot import messages
from bot.domain.access import Act, Role, lacking
from bot.domain.copy_job import CopyJob
from bot.domain.grammar import known_name
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.copy_offer import MISSING, Asker, CopyWish, prepare, publish
from bot.services.copy_start import CopyPress, CopyVerb, copy_button_values, decide

router = Router()
_IMAGE = re.compile(r"([a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*)(?::([a-z0-9_][a-z0-9._-]{0,127}))?")


@router.subcommand(
    "sync",
    usage="sync <missing|namespace/name[:tag]> from <site> to <site>",
    role=Role.REQUESTER,
    act=Act.SYNC,
    slow="Comparing both sites…",
)
async def sync(call: Call, ports: Ports) -> Message:
    """Have images copied that another site lacks, after one confirmation; no record is changed by it."""
    wish = _wish(call.words, ports)
    if call.person is None:
        raise lacking(Act.SYNC)
    job = await prepare(ports, wish, Asker(call.person, call.user_id, call.channel_id))
    if not job.copies:
        return messages.nothing_to_copy(job)
    values = partial(copy_button_values, ports)

    def card(offered: CopyJob) -> Message:
        return messages.copy_card(offered, values, is_simulation=ports.rules.is_simulation)

    job, link = await publish(ports, job, card, messages.copy_file(job))
    return messages.copies_offered(job, link)


@router.button(messages.COPY_BUTTON)
async def start(call: Call, ports: Ports) -> Message:
    """Begin to copy what an offer lists."""
    return await _decide(call, ports, CopyVerb.COPY)


@router.button(messages.DISMISS_BUTTON)
async def dismiss(call: Call, ports: Ports) -> Message:
    """Put an offer away."""
    return await _decide(call, ports, CopyVerb.DISMISS)


async def _decide(call: Call, ports: Ports, verb: CopyVerb) -> Message:
    pressed = CopyPress(verb, call.value, call.user_id, call.channel_id, call.message_ts)
    return messages.copies_decided(await decide(ports, pressed))


def _wish(words: tuple[str, ...], ports: Ports) -> CopyWish:
    topology = ports.rules.topology
    if len(words) != 5 or (words[1], words[3]) != ("from", "to"):
        raise UsageError(
            "Say what to copy and which way: /registry sync missing from <site> to <site>, or a repository or an image "
            "in place of missing, such as core/api:2.7.1."
        )
    source, target = (topology.site(known_name(word, topology)) for word in (words[2], words[4]))
    if source is target:
        raise UsageError("A site has nothing to copy to itself. Name two different sites.")
    if words[0] == MISSING:
        return CopyWish(source, target)
    found = _IMAGE.fullmatch(words[0])
    if found is None:
        raise UsageError(
            f"'{words[0][:60]}' is no image. Name one as namespace/name:tag, without its tag for a whole repository, "
            "or say missing for all critical ones; * stands for nothing here."
        )
    return CopyWish(source, target, found[1], found[2])
