"""What challenge_inject_ia3.py requires. The bodies are in checks/adapters.py."""

from torch import nn

from checks import adapters


def exchanged(inject_ia3):
    adapters.inject_exchanges(injection(inject_ia3))


def returned(inject_ia3):
    adapters.inject_returns(injection(inject_ia3))


def frozen(inject_ia3):
    adapters.inject_freezes(injection(inject_ia3))


def start(inject_ia3):
    adapters.inject_starts(injection(inject_ia3))


def unknown(inject_ia3):
    adapters.inject_refuses_names(injection(inject_ia3))


def again(inject_ia3):
    adapters.inject_again(injection(inject_ia3))


def shared(inject_ia3):
    adapters.inject_shares(injection(inject_ia3))


def kinds(inject_ia3):
    adapters.inject_takes_kinds(injection(inject_ia3))


def errors(inject_ia3):
    adapters.inject_fails_whole(injection(inject_ia3), *adapters.WRONG_NAMES)


CORE = (exchanged, returned, frozen, start, unknown)
EDGES = (again, shared, kinds, errors)


def injection(inject_ia3):
    return adapters.Injection("inject_ia3", inject_ia3, adapters.ia3(nn.Module))
