"""The one error tree: every message is a sentence for a person that says what to do next."""


class BotError(Exception):
    """The base of all errors that this bot raises on purpose."""


class UserError(BotError):
    """The person who asked can mend it."""


class UsageError(UserError):
    """The words of a command do not fit its grammar."""


class UnknownSite(UserError):
    """No site, domain or VPC is called that."""


class UnknownOperation(UserError):
    """No operation has that id."""


class NotMovable(UserError):
    """A view cannot be moved as things stand; the sentence names the reason."""


class Unreadable(NotMovable):
    """A view or a standby could not be read just now; nothing is known to be wrong with it."""


class InvalidConfiguration(UserError):
    """The environment or registry.yaml does not describe a bot that may run."""


class NotPermitted(UserError):
    """This person may not do this; `code` is stable and goes to the audit."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Conflict(BotError):
    """The world moved between look and act: look again."""


class InvalidTransition(Conflict):
    """The operation's state does not allow that event."""


class VersionConflict(Conflict):
    """Somebody else changed the operation since it was read."""


class AlreadyOpen(Conflict):
    """Another operation on the same record is still open; `operation_id` names it."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"{operation_id} already wants to change this record. Decide or cancel it first.")
        self.operation_id = operation_id


class RecordHeld(Conflict):
    """An earlier write may still be in flight; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"An earlier write to this record may still be in flight, so it is on hold for {seconds} more seconds. "
            "Approve again after that."
        )
        self.seconds = seconds


class Frozen(Conflict):
    """The kill switch is on."""


class OutOfTime(Conflict):
    """The step came before its earliest or after its latest moment by the store's clock."""


class ForgedApproval(Conflict):
    """A stored document claims an approval that two distinct people did not give."""


class ProviderError(BotError):
    """A vendor failed us; `code` and `request_id` are the vendor's own, where it gave any."""

    def __init__(self, sentence: str, *, code: str | None = None, request_id: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.request_id = request_id


class Throttled(ProviderError):
    """The vendor asks us to slow down; nothing was changed. `retry_after` is its own wish in seconds, if it had one."""

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


class Gone(Refused):
    """What was asked for does not exist any more."""


class Unreachable(ProviderError):
    """No usable answer came to a read."""


class OutcomeUnknown(ProviderError):
    """A write was sent and no clear answer came: it may or may not be in force. Read, never resend blindly."""


class StoreUnavailable(ProviderError):
    """Redis does not answer or refuses writes; nothing was decided."""
