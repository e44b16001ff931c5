"""Message authentication codes with a key that is not in Redis: writing there is not enough to approve anything."""

import hashlib
import hmac

from bot.errors import InvalidConfiguration, NotPermitted

SHORTEST_KEY = 16
"""Characters; below that a key can be guessed from one button value."""


class HmacSigner:
    """HMAC-SHA256 under a named key; the previous key still verifies while keys are being changed."""

    def __init__(self, key: str, previous: str | None = None) -> None:
        self._keys = {_key_id(text): text.encode() for text in (previous, _long_enough(key)) if text}
        self._current = _key_id(key)

    def sign(self, *parts: str) -> str:
        """Return `key id:mac` over the parts."""
        return f"{self._current}:{_mac(self._keys[self._current], parts)}"

    def verify(self, mac: str, *parts: str) -> bool:
        """Tell whether the mac fits. Raises NotPermitted(E_UNKNOWN_KEY) for a key id that is no longer known."""
        key_id, separator, code = mac.partition(":")
        if not separator:
            return False
        if key_id not in self._keys:
            raise NotPermitted(
                "E_UNKNOWN_KEY",
                "This was signed with a key that the bot no longer uses. Nothing was changed; approve again.",
            )
        return hmac.compare_digest(_mac(self._keys[key_id], parts).encode(), code.encode())


def _long_enough(key: str) -> str:
    if len(key) < SHORTEST_KEY:
        raise InvalidConfiguration(
            f"REGISTRY_BOT_SIGNING_KEY is shorter than {SHORTEST_KEY} characters. "
            "Set it to a random text, such as the output of `openssl rand -hex 32`."
        )
    return key


def _key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:4]


def _mac(key: bytes, parts: tuple[str, ...]) -> str:
    encoded = [part.encode() for part in parts]
    # Each part is preceded by its length, so that no two lists of parts are the same bytes.
    subject = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    return hmac.digest(key, subject, "sha256").hex()
