"""What challenge_inject_lora_recursive.py requires. The bodies are in checks/adapters.py."""

from torch import nn

from checks.adapters import (
    Deep,
    Injection,
    inject_again,
    inject_exchanges,
    inject_freezes,
    inject_leaves_all,
    inject_returns,
    inject_shares,
    inject_spares_namesakes,
    inject_starts,
    inject_takes_kinds,
    lora,
    params_hold,
    trains,
)


def exchanged(inject_lora_recursive):
    for options in ((2, 0.5), (1, -2.0), (3, None)):
        inject_exchanges(injection(inject_lora_recursive, *options))


def returned(inject_lora_recursive):
    inject_returns(injection(inject_lora_recursive))


def frozen(inject_lora_recursive):
    inject_freezes(injection(inject_lora_recursive))


def start(inject_lora_recursive):
    inject_starts(injection(inject_lora_recursive))


def none(inject_lora_recursive):
    tried = injection(inject_lora_recursive)
    for model in (nn.Sequential(nn.Conv1d(5, 4, 1), nn.ReLU()), nn.ReLU(), nn.Linear(5, 4)):
        shown = type(model).__name__
        tried._replace(name=f"on an nn.{shown}, inject_lora_recursive").refuses(
            model, [], ValueError
        )


def again(inject_lora_recursive):
    tried = injection(inject_lora_recursive)
    inject_again(tried, [list(Deep.names), ["heads.out"], ["blocks.0.fc", "stem.0"]])
    inject_again(tried, [list(Deep.names), []])
    model = nn.Sequential(nn.Linear(5, 4))
    tried.run(tried.call(model, []), model, [])
    layer, what = model[0], "inject_lora_recursive(a LoRALinear, 2, 0.5)"
    base = layer.base.requires_grad_()
    returned = tried.run(what, layer, [])
    assert layer.base is base, f"{what}: its base is a {type(layer.base).__name__}, not what it was"
    trains(what, layer, ["lora_A", "lora_B"])
    params_hold(what, layer, returned, ["lora_A", "lora_B"])


def shared(inject_lora_recursive):
    inject_shares(injection(inject_lora_recursive))


def namesakes(inject_lora_recursive):
    inject_spares_namesakes(injection(inject_lora_recursive))


def kinds(inject_lora_recursive):
    inject_takes_kinds(injection(inject_lora_recursive))


def errors(inject_lora_recursive):
    for rank in (0, -1):
        inject_leaves_all(injection(inject_lora_recursive, rank), Deep(), [], ValueError)
    model = nn.Sequential(nn.Conv1d(5, 4, 1), nn.ReLU())
    inject_leaves_all(injection(inject_lora_recursive), model, [], ValueError, is_due=False)


CORE = (exchanged, returned, frozen, start, none)
EDGES = (again, shared, namesakes, kinds, errors)


def injection(inject_lora_recursive, rank=2, scale=0.5):
    """As checks/adapters.py tries it; scale None: none is given."""
    given = (rank,) if scale is None else (rank, scale)

    def inject(model, names):
        return inject_lora_recursive(model, *given)

    options = "".join(f", {value}" for value in given)
    kind = lora(nn.Module, rank, scale)
    return Injection("inject_lora_recursive", inject, "LoRALinear", kind, options, by_name=False)
