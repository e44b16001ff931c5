"""The README names every command and every variable that exists, and no others."""

import re
from pathlib import Path

from bot.settings import Settings
from handlers import all_handlers

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_command_table_is_what_the_handlers_declare() -> None:
    shown = re.findall(r"^\| `/registry (.+?)` \|", README, flags=re.MULTILINE)

    assert {usage.replace("\\|", "|") for usage in shown} == {command.help.usage for command in all_handlers().commands}


def test_the_environment_table_is_what_the_settings_read() -> None:
    rows = dict(re.findall(r"^\| `REGISTRY_BOT_([A-Z_]+)` \|([^|]*)\|", README, flags=re.MULTILINE))
    defaults = {name: field.default for name, field in Settings.model_fields.items()}

    assert {name.lower() for name in rows} == set(defaults)
    shown = {name.lower(): default.strip("` ") for name, default in rows.items() if default.strip()}
    assert {name: str(defaults[name]) for name in shown} == shown


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    links = [
        (page, link) for page in pages for link in re.findall(r"[^!]\[[^\]]*\]\(([^)#:]+)\)", page.read_text("utf-8"))
    ]

    assert [link for page, link in links if not (page.parent / link).exists()] == []
