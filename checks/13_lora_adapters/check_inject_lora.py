"""What challenge_inject_lora.py requires. The bodies are in checks/adapters.py."""

from torch import nn

from checks.adapters import (
    Deep,
    Injection,
    inject_again,
    inject_exchanges,
    inject_fails_whole,
    inject_freezes,
    inject_leaves_all,
    inject_refuses_bases,
    inject_refuses_names,
    inject_returns,
    inject_shares,
    inject_spares_namesakes,
    inject_starts,
    inject_takes_kinds,
    lora,
)


def exchanged(inject_lora):
    for options in ((2, 0.5), (1, -2.0), (3, None)):
        inject_exchanges(injection(inject_lora, *options))


def returned(inject_lora):
    inject_returns(injection(inject_lora))


def frozen(inject_lora):
    inject_freezes(injection(inject_lora))


def start(inject_lora):
    inject_starts(injection(inject_lora))


def unknown(inject_lora):
    inject_refuses_names(injection(inject_lora))


def again(inject_lora):
    inject_again(
        injection(inject_lora), [["stem.0", "stem.0"], ["heads.out"], ["blocks.0.fc", "stem.0"]]
    )
    inject_refuses_bases(injection(inject_lora))


def shared(inject_lora):
    inject_shares(injection(inject_lora))


def namesakes(inject_lora):
    inject_spares_namesakes(injection(inject_lora))


def kinds(inject_lora):
    inject_takes_kinds(injection(inject_lora))


def errors(inject_lora):
    inject_fails_whole(injection(inject_lora))
    for rank in (0, -1):
        tried = injection(inject_lora, rank)
        inject_leaves_all(tried, Deep(), ["stem.0", "heads.out"], ValueError)


CORE = (exchanged, returned, frozen, start, unknown)
EDGES = (again, shared, namesakes, kinds, errors)


def injection(inject_lora, rank=2, scale=0.5):
    """As checks/adapters.py tries it; scale None: none is given."""
    given = (rank,) if scale is None else (rank, scale)

    def inject(model, names):
        return inject_lora(model, names, *given)

    options = "".join(f", {value}" for value in given)
    return Injection("inject_lora", inject, "LoRALinear", lora(nn.Module, rank, scale), options)
