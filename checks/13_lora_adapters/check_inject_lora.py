"""What challenge_inject_lora.py requires. The bodies are in checks/adapters.py."""

from checks import adapters
from checks.adapters import lora_injection


def exchanged(inject_lora):
    for options in ((2, -0.5), (1, 0.0), (8, None)):
        adapters.inject_exchanges(lora_injection(inject_lora, *options))


def returned(inject_lora):
    adapters.inject_returns(lora_injection(inject_lora))


def frozen(inject_lora):
    adapters.inject_freezes(lora_injection(inject_lora))


def start(inject_lora):
    adapters.inject_starts(lora_injection(inject_lora))


def unknown(inject_lora):
    adapters.inject_refuses_names(lora_injection(inject_lora))


def again(inject_lora):
    adapters.inject_again(lora_injection(inject_lora))


def shared(inject_lora):
    adapters.inject_shares(lora_injection(inject_lora))


def kinds(inject_lora):
    adapters.inject_takes_kinds(lora_injection(inject_lora))


def errors(inject_lora):
    adapters.inject_fails_whole(lora_injection(inject_lora), *adapters.WRONG_NAMES)
    for rank in (0, -1):
        case = ["stem.0", "heads.out"], ValueError, adapters.nested
        adapters.inject_fails_whole(lora_injection(inject_lora, rank), case)


CORE = (exchanged, returned, frozen, start, unknown)
EDGES = (again, shared, kinds, errors)
