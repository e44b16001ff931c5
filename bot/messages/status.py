"""What `status` answers: a row a view, a row a site, what is open, and what is not known."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.operation import Operation
from bot.domain.overview import Overview
from bot.domain.snapshot import Endpoints, SiteState, Unknown, ViewState
from bot.domain.topology import Site
from bot.messages.blocks import Block, compose, context, section, sections
from bot.messages.freeze import scope_words
from bot.messages.listing import operation_line
from bot.messages.text import ago, code, escape, listed, plural, sentence, short, stamp, unknown
from bot.ports import Message

MOST_VIEWS = 20
MOST_SITES = 20
MOST_OPERATIONS = 10


def overview(overview: Overview, now: datetime) -> Message:
    """Return which instance each view pulls from, and how each site is."""
    headline = _headline(overview)
    return compose(
        headline,
        [
            section(f"*{headline}*"),
            *sections(_site_rows(overview, now)),
            *_view_rows(overview),
            *sections(_open_rows(overview.open_operations)),
            context(f"Seen {stamp(overview.taken_at)}", sentence(overview.store_note)),
        ],
    )


def _headline(overview: Overview) -> str:
    freeze = [f"FROZEN: {scope_words(overview.frozen)}"] if overview.frozen else []
    trouble = [*freeze, *_trouble(overview), *_displaced(overview)]
    word = "ATTENTION" if trouble else "OK"
    waiting = [f"{plural(len(overview.open_operations), 'operation')} open"] if overview.open_operations else []
    simulation = "SIMULATION · " if overview.is_simulation else ""
    return f"{simulation}{word}: {' · '.join([*(trouble or [_at_home(overview)]), *waiting])}"


def _trouble(overview: Overview) -> list[str]:
    silent = [s.site.name for s in overview.sites.values() if isinstance(s.instance, Unknown)]
    down = [
        f"{state.site.name} is {state.instance.status}"
        for state in overview.sites.values()
        if not isinstance(state.instance, Unknown) and not state.instance.is_running
    ]
    dead = [f"{listed(silent, 3)} cannot be read"] if silent else []
    return [escape(short(part, 200)) for part in (*dead, *([listed(down, 3)] if down else []))]


def _displaced(overview: Overview) -> list[str]:
    away = [state for state in overview.views if overview.is_away(state)]
    blind = [state for state in overview.views if isinstance(overview.serving(state), Unknown)]
    said = [f"{_vpcs(away)} away from home"] if away else []
    return [*said, *([f"UNKNOWN where {_vpcs(blind)} pulls from"] if blind else [])]


def _vpcs(states: Iterable[ViewState]) -> str:
    return escape(listed((short(vpc, 60) for state in states for vpc in state.view.vpcs), 3))


def _at_home(overview: Overview) -> str:
    return "every VPC is at home" if overview.views else "no VPC to show"


def _site_rows(overview: Overview, now: datetime) -> list[str]:
    states = list(overview.sites.values())
    left = len(states) - MOST_SITES
    return [
        *(_site_row(state, now) for state in states[:MOST_SITES]),
        *([f"and {left:,} more sites"] if left > 0 else []),
    ]


def _site_row(state: SiteState, now: datetime) -> str:
    name = f"*{escape(short(state.site.name, 60))}* {code(state.site.instance, 60)}"
    if isinstance(state.instance, Unknown):
        return f"{name} {unknown(state.instance)}{_remembered(state.endpoints, now)}"
    word = escape(short(state.instance.status, 40))
    return f"{name} {word if state.instance.is_running else f'*{word}*'}{_remembered(state.endpoints, now)}"


def _remembered(endpoints: Endpoints | Unknown, now: datetime) -> str:
    if isinstance(endpoints, Unknown) or endpoints.is_live:
        return ""
    return f" (addresses as of {ago(endpoints.as_of, now)})"


def _view_rows(overview: Overview) -> list[Block]:
    shown = overview.views[:MOST_VIEWS]
    rows = [block for state in shown for block in _view_row(overview, state)]
    left = len(overview.views) - len(shown)
    more = f"and {plural(left, 'more view')}: narrow with {code('/registry status <site>')}"
    return [*rows, section(more)] if left > 0 else rows


def _view_row(overview: Overview, state: ViewState) -> list[Block]:
    vpcs = listed((code(vpc, 60) for vpc in state.view.vpcs), 5)
    return [section(f"{vpcs} {_serving(overview.serving(state), state)}"), context(_details(state))]


def _serving(serving: Site | Unknown, state: ViewState) -> str:
    home = escape(short(state.view.site, 60))
    if isinstance(serving, Unknown):
        return f"pulls from {unknown(serving)} Home is {home}"
    if serving.name == state.view.site:
        return f"pulls from *{home}*, its home"
    return f"pulls from *{escape(short(serving.name, 60))}*, AWAY from its home {home}"


def _details(state: ViewState) -> str:
    zone = state.view.zone if isinstance(state.zone, Unknown) else state.zone.zone_id
    name = escape(short(state.view.domain, 253))
    if isinstance(state.records, Unknown):
        return f"{name} · zone {code(zone or 'unknown', 64)}"
    values = (
        listed((f"{code(r.target)} TTL {r.ttl} s{_disabled(r.status)}" for r in state.records), 3) or "no `@` record"
    )
    return f"{name} · {values} · zone {code(zone or 'unknown', 64)}"


def _disabled(status: str | None) -> str:
    return " (disabled)" if status == "DISABLE" else ""


def _open_rows(operations: Iterable[Operation]) -> list[str]:
    every = tuple(operations)
    rows = [operation_line(operation) for operation in every[:MOST_OPERATIONS]]
    left = len(every) - len(rows)
    more = [f"and {left:,} more: {code('/registry actions')}"] if left > 0 else []
    return [*(["*Open*"] if rows else []), *rows, *more]
