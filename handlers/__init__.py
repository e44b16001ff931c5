"""What people may ask of this bot: one file a subcommand, and one for the buttons."""

from bot.routing import Router
from handlers import (
    actions,
    approval,
    approve,
    cancel,
    diff,
    failover,
    freeze,
    plan,
    reject,
    replication,
    show,
    status,
    sync,
    unfreeze,
    watch,
)
from handlers import help as help_


def all_handlers() -> Router:
    """Return every handler, in the order in which help lists them."""
    return Router().include(
        module.router
        for module in (
            help_,
            status,
            replication,
            diff,
            sync,
            watch,
            plan,
            failover,
            approve,
            reject,
            cancel,
            freeze,
            unfreeze,
            actions,
            show,
            approval,
        )
    )
