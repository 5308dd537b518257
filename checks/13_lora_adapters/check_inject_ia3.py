"""What challenge_inject_ia3.py requires. The bodies are in checks/adapters.py."""

from torch import nn

from checks.adapters import (
    Injection,
    ia3,
    inject_again,
    inject_exchanges,
    inject_fails_whole,
    inject_freezes,
    inject_refuses_bases,
    inject_refuses_names,
    inject_returns,
    inject_shares,
    inject_spares_namesakes,
    inject_starts,
    inject_takes_kinds,
)


def exchanged(inject_ia3):
    inject_exchanges(injection(inject_ia3))


def returned(inject_ia3):
    inject_returns(injection(inject_ia3))


def frozen(inject_ia3):
    inject_freezes(injection(inject_ia3))


def start(inject_ia3):
    inject_starts(injection(inject_ia3))


def unknown(inject_ia3):
    inject_refuses_names(injection(inject_ia3))


def again(inject_ia3):
    inject_again(
        injection(inject_ia3), [["stem.0", "stem.0"], ["heads.out"], ["blocks.0.fc", "stem.0"]]
    )
    inject_refuses_bases(injection(inject_ia3))


def shared(inject_ia3):
    inject_shares(injection(inject_ia3))


def namesakes(inject_ia3):
    inject_spares_namesakes(injection(inject_ia3))


def kinds(inject_ia3):
    inject_takes_kinds(injection(inject_ia3))


def errors(inject_ia3):
    inject_fails_whole(injection(inject_ia3))


CORE = (exchanged, returned, frozen, start, unknown)
EDGES = (again, shared, namesakes, kinds, errors)


def injection(inject_ia3):
    """As checks/adapters.py tries it."""
    return Injection("inject_ia3", inject_ia3, "IA3Linear", ia3(nn.Module), "")
