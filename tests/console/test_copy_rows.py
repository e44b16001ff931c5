"""What an auditor's table tells of copies."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.console.audit_rows import Rows
from bot.domain.chain import AuditEntry
from bot.domain.copy_job import Fate
from bot.services import copy_audit
from tests.builders import NOW, ON_CALL
from tests.contracts.test_copies import a_job


def test_each_begin_and_each_end_of_a_copy_job_is_a_row() -> None:
    job = a_job()
    sent = [replace(copy.to(Fate.COPIED, NOW, task_id="rst-1"), sent=1) for copy in job.copies]
    done = job.changed(sent, NOW).ended(NOW)
    told = [
        copy_audit.entry(copy_audit.STARTED, job, "on-call", ON_CALL),
        copy_audit.entry(copy_audit.ENDED, done, "on-call", ON_CALL),
    ]
    at = str(int(NOW.timestamp() * 1000))
    entries = [AuditEntry(f"{at}-{n}", {"seq": str(n), "at": at, **entry}) for n, entry in enumerate(told, start=1)]
    rows = Rows(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))

    begun, ended = [row for entry in entries for row in rows.take(entry)]

    assert (begun["kind"], ended["kind"]) == ("COPIES STARTED", "COPIES ENDED")
    assert begun["requested_by"] == "on-call"
    assert "core/api:1; core/api:2 (replaces)" in str(begun["what"])
    assert "outcome: COPIED: 2 of 2" in str(ended["what"])
