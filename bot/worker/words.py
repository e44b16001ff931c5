"""Tell each person directly of each word that counts as theirs, once; apart from the card, which must not wait."""

from bot import messages
from bot.ports import Ports, words_of
from bot.services.disowning import not_me_value, own_words
from bot.worker.posting import Poster, Turn


class Words:
    """Goes through the words of an operation, in an order to which later ones only add."""

    def __init__(self, ports: Ports, poster: Poster) -> None:
        self._ports = ports
        self._poster = poster

    async def tell(self, operation_id: str) -> None:
        """Tell of what nobody was told of yet. Raises a ProviderError where there is more to do, later."""
        operations, turn = self._ports.operations, Turn(self._ports.clock)
        operation = await operations.get(operation_id)
        told = await operations.words_told(operation_id)
        await operations.save_words_told(operation_id, told)  # so that what was told before is no news
        for count, own in enumerate(own_words(self._ports, operation)[told:], start=told + 1):
            turn.begin_post()
            value = not_me_value(self._ports, operation, own)
            message = messages.own_word(operation, own.word, own.speaker, own.at, value)
            await self._poster.tell(words_of(operation_id), own.told, message)
            await operations.save_words_told(operation_id, count)
