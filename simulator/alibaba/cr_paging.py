"""The two ways in which Container Registry turns pages: by number, or by a token that takes precedence."""

from collections.abc import Sequence
from typing import Any, TypeVar

from simulator.alibaba.parameters import Parameters, read_token, slice_of, write_token

T = TypeVar("T")


def page(given: Parameters, items: Sequence[T], default: int = 30) -> tuple[Sequence[T], dict[str, Any]]:
    """Cut the page that PageNo and PageSize name."""
    number, size = given.integer("PageNo", 1, 1, 2**31), given.integer("PageSize", default, 1, 100)
    return slice_of(items, number, size), {"PageNo": number, "PageSize": size}


def page_or_token(given: Parameters, items: Sequence[T]) -> tuple[Sequence[T], dict[str, Any]]:
    """Cut the page after NextToken when the caller speaks of tokens, else the numbered one."""
    if not given.optional("MaxResults") and not given.optional("NextToken"):
        return page(given, items)
    size = given.integer("MaxResults", 30, 1, 100)
    start = read_token(given.text("NextToken")) if given.optional("NextToken") else 0
    more = {"NextToken": write_token(start + size)} if start + size < len(items) else {}
    return items[start : start + size], {"MaxResults": size} | more
