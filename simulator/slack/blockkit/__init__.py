"""Block Kit as strict as Slack: what may stand in a message, and in which words a mistake is refused."""

from simulator.slack.blockkit.blocks import check_blocks

__all__ = ["check_blocks"]
