"""Operations as canonical JSON documents and back, refusing what another version or another hand wrote.

A document has two parts. The plan, by far the larger, is written once and never again. The body is everything else,
plus `digest`, the plan's digest, which the commit script compares with the votes because it cannot compute one. A
document of a newer schema is never decoded, so it can never be written back.
"""

import json
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter

from bot.domain.access import canonical_json
from bot.domain.operation import SCHEMA, Operation
from bot.errors import ForgedApproval, StoreUnavailable

REMEMBERED = 128
"""Documents kept decoded: looking at the last fifty would otherwise cost each click milliseconds."""


def encode(operation: Operation) -> str:
    """Return the body of an operation's document; equal operations have equal documents."""
    fields = _operations().dump_python(operation, mode="json", exclude={"plan"})
    return canonical_json(fields | {"digest": operation.plan.digest}).decode()


def encode_plan(operation: Operation) -> str:
    """Return the plan of an operation's document."""
    return canonical_json(_operations().dump_python(operation, mode="json", include={"plan"})["plan"]).decode()


@lru_cache(maxsize=REMEMBERED)
def decode(body: str, plan: str) -> Operation:
    """Return the operation that a document describes; the same text is read once, as operations never change.

    Raises StoreUnavailable for a newer schema or no document at all, ForgedApproval when its plan was changed.
    """
    fields = _fields(body)
    digest = fields.pop("digest", None)
    try:
        fields["plan"] = json.loads(plan)
        operation = _operations().validate_json(json.dumps(fields), strict=True)
    except ValueError as error:
        raise _unreadable() from error
    if operation.plan.digest != digest:
        raise ForgedApproval(
            f"The stored plan of {operation.id} does not match its digest: it was changed outside the bot. "
            "It will not be carried out. Tell whoever looks after Redis, and ask for a new plan."
        )
    return operation


def _fields(body: str) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(fields, dict) or not isinstance(schema := fields.get("schema"), int):
        raise _unreadable()
    if schema > SCHEMA:
        raise newer_schema(str(fields.get("id")), schema)
    return fields


def newer_schema(operation_id: str, schema: int) -> StoreUnavailable:
    """Return the refusal to touch a document that a newer bot wrote."""
    return StoreUnavailable(
        f"{operation_id} was written by a newer version of this bot (schema {schema}, this one knows {SCHEMA}). "
        "Nothing was changed; finish the update of all bots first.",
        code="E_NEWER_SCHEMA",
    )


def _unreadable() -> StoreUnavailable:
    return StoreUnavailable(
        "An operation in Redis cannot be read: it is not a document of this bot. Nothing was changed; "
        "tell whoever looks after Redis.",
        code="E_UNREADABLE",
    )


@cache
def _operations() -> TypeAdapter[Operation]:
    """Build the codec when first needed: it takes a noticeable part of the time to start."""
    return TypeAdapter(Operation)
