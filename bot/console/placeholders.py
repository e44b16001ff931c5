"""What `discover` cannot know and writes a stand-in for, and how `check` finds it again."""

MARK = "REPLACE"
"""Part of every stand-in; no id of Slack or Alibaba Cloud contains it by chance."""
REQUESTER, APPROVER, CHANNEL = f"U0{MARK}1", f"U0{MARK}2", f"C0{MARK}1"
VPC = f"vpc-{MARK.lower()}"


def is_placeholder(value: str) -> bool:
    """Tell whether nobody has replaced this yet."""
    return MARK in value.upper()
