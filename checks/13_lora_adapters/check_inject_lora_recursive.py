"""What challenge_inject_lora_recursive.py requires. The bodies are in checks/adapters.py."""

from functools import partial

from torch import nn

from checks import adapters

injection = partial(adapters.lora_injection, by_name=False)


def exchanged(inject_lora_recursive):
    for options in ((2, -0.5), (1, 0.0), (8, None)):
        adapters.inject_exchanges(injection(inject_lora_recursive, *options))


def returned(inject_lora_recursive):
    adapters.inject_returns(injection(inject_lora_recursive))


def frozen(inject_lora_recursive):
    adapters.inject_freezes(injection(inject_lora_recursive))


def start(inject_lora_recursive):
    adapters.inject_starts(injection(inject_lora_recursive))


def none(inject_lora_recursive):
    for model in (no_layers(), nn.ReLU(), nn.Linear(5, 4)):
        name = f"on an nn.{type(model).__name__}, inject_lora_recursive"
        injection(inject_lora_recursive)._replace(name=name).refuses(model, [], ValueError)


def again(inject_lora_recursive):
    tried, what = injection(inject_lora_recursive), "inject_lora_recursive(a LoRALinear, 2, 0.5)"
    adapters.inject_again(tried)
    model = nn.Sequential(nn.Linear(5, 4))
    tried.exchanges(tried.call(model, []), model, ["0"])
    base = model[0].base.requires_grad_()
    returned = tried.run(what, model[0], [])
    kept, kind = model[0].base is base, adapters.a(model[0].base)
    assert kept, f"{what}: its base is {kind}, want the very object that it was"
    tried.trains(what, model, ["0"])
    adapters.params_hold(what, model, returned, tried.learners(["0"]))


def shared(inject_lora_recursive):
    adapters.inject_shares(injection(inject_lora_recursive))


def kinds(inject_lora_recursive):
    adapters.inject_takes_kinds(injection(inject_lora_recursive))


def errors(inject_lora_recursive):
    for rank, make in ((0, adapters.nested), (-1, adapters.nested), (2, no_layers)):
        tried = injection(inject_lora_recursive, rank)
        adapters.inject_fails_whole(tried, ([], ValueError, make))


CORE = (exchanged, returned, frozen, start, none)
EDGES = (again, shared, kinds, errors)


def no_layers():
    return nn.Sequential(nn.Conv1d(5, 4, 1), nn.ReLU())
