"""The one error tree: every message is a sentence for a person that says what to do next.

Every class has a `code`, which stays the same when the words get better: it stands at the end of a refusal, and in
the audit.
"""

import re
from collections.abc import Iterable

_NAMED = re.compile(r"\((E_[A-Z_]+)\)")


class BotError(Exception):
    """The base of all errors that this bot raises on purpose."""

    code: str | None = "E_REFUSED"


class UserError(BotError):
    """The person who asked can mend it."""


class UsageError(UserError):
    """The words of a command do not fit its grammar."""

    code = "E_USAGE"


class NotReadYet(UsageError):
    """A name that nothing known has, and that may be among what was not read yet."""

    code = "E_UNREADABLE_NOW"


class UnknownSite(UserError):
    """No site, domain or VPC is called that."""

    code = "E_BAD_TARGET"


class UnknownOperation(UserError):
    """No operation has that id."""

    code = "E_UNKNOWN_ACTION"


class NotMovable(UserError):
    """A view cannot be moved as things stand; the sentence names the reason."""

    code = "E_NOT_MOVABLE"


class Unreadable(NotMovable):
    """A view or a standby could not be read just now; nothing is known to be wrong with it."""

    code = "E_UNREADABLE_NOW"


class InvalidConfiguration(UserError):
    """The environment or registry.yaml does not describe a bot that may run."""

    code = "E_CONFIGURATION"


class NotPermitted(UserError):
    """This person may not do this; `code` is stable and goes to the audit."""

    code = "E_NOT_PERMITTED"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Conflict(BotError):
    """The world moved between look and act: look again."""

    code = "E_CHANGED_MEANWHILE"


class InvalidTransition(Conflict):
    """The operation's state does not allow that event."""

    code = "E_ALREADY_DECIDED"


class VersionConflict(Conflict):
    """Somebody else changed the operation since it was read."""

    code = "E_CHANGED_MEANWHILE"


class AlreadyOpen(Conflict):
    """Another operation on the same record is still open; `operation_id` names it."""

    code = "E_ALREADY_OPEN"

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"{operation_id} already wants to change the same. Decide or cancel it first.")
        self.operation_id = operation_id


class RecordHeld(Conflict):
    """An earlier write may still be in flight; `seconds` is how long to wait."""

    code = "E_ON_HOLD"

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"An earlier write to this record may still be in flight, so it is on hold for {seconds} more seconds. "
            "Approve again after that."
        )
        self.seconds = seconds


class Frozen(Conflict):
    """The kill switch is on; `told` names what of it the sentence tells: scopes, or the switch of this process."""

    code = "E_FROZEN"

    def __init__(self, sentence: str, told: Iterable[str] = ()) -> None:
        super().__init__(sentence)
        self.told = tuple(told)


class AlreadyFrozen(Conflict):
    """The same is frozen for longer."""

    code = "E_ALREADY_FROZEN"


class FreezeChanged(Conflict):
    """What was to be lifted is not frozen any more, or was frozen anew."""

    code = "E_CHANGED_MEANWHILE"


class OutOfTime(Conflict):
    """The step came before its earliest or after its latest moment by the store's clock."""

    code = "E_EXPIRED"


class ForgedApproval(Conflict):
    """A stored document claims an approval that two distinct people did not give."""

    code = "E_APPROVAL_FORGED"


class ProviderError(BotError):
    """A vendor failed us; `code` and `request_id` are the vendor's own, where it gave any."""

    code: str | None = "E_UNREACHABLE"

    def __init__(self, sentence: str, *, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.request_id = request_id


class Throttled(ProviderError):
    """The vendor asks us to slow down; nothing was changed. `retry_after` is its own wish in seconds, if it had one."""

    code = "E_THROTTLED"

    def __init__(
        self,
        sentence: str,
        *,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence, code=code, request_id=request_id)
        self.retry_after = retry_after


class Refused(ProviderError):
    """The vendor answered and refused: certainly not applied."""

    code = "E_VENDOR_REFUSED"


class Gone(Refused):
    """What was asked for does not exist any more."""

    code = "E_GONE"


class Unreachable(ProviderError):
    """No usable answer came to a read."""

    code = "E_UNREACHABLE"


class Unanswered(Unreachable):
    """A message was sent and no usable answer came: it may have been shown all the same."""


class OutcomeUnknown(ProviderError):
    """A write was sent and no clear answer came: it may or may not be in force. Read, never resend blindly."""

    code = "E_OUTCOME_UNKNOWN"


class StoreUnavailable(ProviderError):
    """Redis does not answer or refuses writes; nothing was decided."""

    code = "E_STORE_DOWN"


class Unconfirmed(StoreUnavailable):
    """Redis has recorded it, but too few of its replicas say that they have it: a failover may lose it."""

    code = "E_STORE_NOT_DURABLE"


def stable_code(error: BotError) -> str:
    """Return the code that people and the audit see: the error's own, never a vendor's.

    A sentence may carry the code of what it tells of, `(E_ZONE_MISMATCH)`, which says more than that of its class.
    """
    own = error.code or ""
    if isinstance(error, NotPermitted) or (isinstance(error, ProviderError) and own.startswith("E_")):
        return own
    named = _NAMED.search(str(error))
    return named[1] if named else type(error).code or own
