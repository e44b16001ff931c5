"""The secrets of the whole suite, all of them recognisable, and the plugin that fails a test which shows one.

The simulator marks its own secrets with the same word. Every test's captured output and failure text is looked through
for it, plain and as encodings would carry it.
"""

import base64
from collections.abc import Generator, Iterator

import pytest

from simulator.canary import MARK


def marked(what: str) -> str:
    """Return the secret of this name."""
    return f"{MARK}{what}"


SIGNING_KEY = marked("SigningKeyOfTheTests")
ACCESS_KEY_ID = f"LTAI5t{marked('KeyId')}"
ACCESS_KEY_SECRET = marked("AccessKeySecret")
SECURITY_TOKEN = f"CAIS{marked('SecurityToken')}"
REDIS_PASSWORD = marked("RedisPassword")
BOT_TOKEN = f"xoxb-{marked('BotToken')}"
APP_TOKEN = f"xapp-{marked('AppToken')}"
SLACK_SIGNING_SECRET = marked("SlackSigningSecret")


def leaks(text: str) -> list[str]:
    """Return what of a text holds a secret: the surroundings of the mark, in whichever form it is found."""
    return [text[max(0, at - 40) : at + 40] for form in FORMS if (at := text.find(form)) >= 0]


def _forms(word: str) -> Iterator[str]:
    """Yield a word plain, as hexadecimal digits, and as base64 has it at each of its three offsets."""
    yield word
    yield word.encode().hex()
    for offset in range(3):
        # what touches the ends depends on the neighbours, so only the middle is sure to be there
        middle = base64.b64encode(b"\0" * offset + word.encode()).decode().rstrip("=")
        yield middle[4 if offset else 0 : len(middle) - 1]


FORMS = tuple(_forms(MARK))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose output or failure text holds a secret."""
    report = yield
    fresh = "teardown" if report.when == "teardown" else ""  # what came before is there again
    texts = [text for title, text in report.sections if title.endswith(fresh)]
    found = leaks("\n".join([report.longreprtext, *texts]))
    if found:
        report.outcome = "failed"
        report.longrepr = f"{report.longreprtext}\nA secret of the suite is shown here:\n" + "\n".join(found)
    return report
