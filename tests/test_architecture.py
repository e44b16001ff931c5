"""docs/architecture.md shows the code as it is; run as a module, this redraws its state diagram."""

import re
from pathlib import Path

from bot.domain.operation import TRANSITIONS, State

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
PLACE = re.compile(r"(?<=<!-- states -->\n).*?(?=<!-- /states -->)", re.DOTALL)


def state_diagram() -> str:
    """Draw TRANSITIONS in Mermaid."""
    moves = [f"    {before} --> {after}: {event}" for (before, event), after in TRANSITIONS.items()]
    ends = [f"    {state} --> [*]" for state in State if state.is_terminal]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {State.PENDING}", *moves, *ends, "```", ""])


def test_the_state_diagram_is_what_the_transitions_give() -> None:
    drawn = PLACE.findall(PAGE.read_text(encoding="utf-8"))

    assert drawn == [state_diagram()]


def test_every_file_and_folder_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:bot|handlers|simulator)/[\w./]*)`", PAGE.read_text(encoding="utf-8"))

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_part_of_the_bot_is_on_the_page_or_below_one_that_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    parts = [path for path in (ROOT / "bot").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    small = {"__init__.py", "library_logs.py", "logs.py", "metrics.py", "tasks.py"}

    assert [path.name for path in parts if path.name not in small and f"bot/{path.name}" not in page] == []


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda _: state_diagram(), text), encoding="utf-8")
