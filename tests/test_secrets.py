"""A secret of the suite is recognised in every form, and a test that shows one fails."""

import base64
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import secrets
from tests.secrets import leaks, marked

ROOT = Path(__file__).parent.parent
SHOWING = f"""
import logging, sys

def test_prints(): print("{secrets.BOT_TOKEN}")
def test_complains(): sys.stderr.write("{base64.b64encode(secrets.REDIS_PASSWORD.encode()).decode()}")
def test_logs(): logging.getLogger("x").warning("%s", "{secrets.SIGNING_KEY}")
def test_breaks(): raise ValueError("{secrets.ACCESS_KEY_SECRET}")
def test_is_discreet(): print("nothing of the kind")
"""


@pytest.mark.parametrize(
    "shown",
    [
        f"redis://:{secrets.REDIS_PASSWORD}@127.0.0.1/0",
        quote(f"redis://:{secrets.REDIS_PASSWORD}@127.0.0.1/0", safe=""),
        secrets.SIGNING_KEY.encode().hex(),
        *(base64.b64encode(b"x" * n + secrets.SIGNING_KEY.encode()).decode() for n in range(6)),
        *(base64.urlsafe_b64encode(f"{'u' * n}:{marked('x')}".encode()).decode() for n in range(3)),
    ],
)
def test_a_secret_is_recognised_in_every_form(shown: str) -> None:
    assert leaks(f"before {shown} after") != []


def test_ordinary_words_are_none() -> None:
    assert leaks("canary 7c4n4ry xoxb-1234567890 " + base64.b64encode(bytes(range(256))).decode()) == []


def test_a_test_that_shows_a_secret_fails(tmp_path: Path) -> None:
    file = tmp_path / "test_showing.py"
    file.write_text(SHOWING)
    options = ("-q", "-rN", "-p", "no:cacheprovider", "-p", "tests.secrets", f"--rootdir={tmp_path}")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "4 failed, 1 passed" in run.stdout
    assert run.stdout.count("A secret of the suite is shown here") == 4
