"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

CACHE = "return 2 * num_layers * num_kv_heads * d_head * bytes_per"
LATENT = "return num_layers * (kv_rank + d_rope) * bytes_per"
FIT = "return max(memory - weight_bytes, 0) // (kv_bytes_per_token * length)"
SECONDS = "return (weight_bytes + kv_bytes) / bandwidth"
INTENSITY = "return 2 * batch / bytes_per"
MEAN = "return (1 - accept ** (draft_len + 1)) / (1 - accept)"
ALWAYS = """\
    if accept == 1:
        return draft_len + 1.0
"""
ACCEPT = "if not 0 <= accept <= 1:"
DRAFT = "if draft_len < 0:"
LENGTH = "if length < 1:"

SLIPS = {
    "cache": {
        "keys without values": (CACHE, CACHE.replace("2 * ", "")),
        "queries kept, too": (CACHE, CACHE.replace("2 *", "3 *")),
        "one layer": (CACHE, CACHE.replace("num_layers * ", "")),
        "one head": (CACHE, CACHE.replace("num_kv_heads * ", "")),
        "the size of a head forgotten": (CACHE, CACHE.replace("d_head * ", "")),
        "numbers for bytes": (CACHE, CACHE.replace(" * bytes_per", "")),
        "float16 whatever is asked": (CACHE, CACHE.replace("bytes_per", "2")),
        "bits for bytes": (CACHE, CACHE + " * 8"),
        "float32 by default": (
            "d_head: int, bytes_per: int = 2",
            "d_head: int, bytes_per: int = 4",
        ),
        "pairs of heads": (CACHE, CACHE.replace("num_kv_heads", "num_kv_heads**2")),
        "values in one layer alone": (CACHE, CACHE.replace("2 * num_layers", "(num_layers + 1)")),
    },
    "latent": {
        "key and value of the latent": (LATENT, LATENT.replace("return", "return 2 *")),
        "the latent twice": (LATENT, LATENT.replace("(kv_rank", "(2 * kv_rank")),
        "the positions' key twice": (LATENT, LATENT.replace("+ d_rope", "+ 2 * d_rope")),
        "the positions' key forgotten": (LATENT, LATENT.replace("(kv_rank + d_rope)", "kv_rank")),
        "the positions alone": (LATENT, LATENT.replace("(kv_rank + d_rope)", "d_rope")),
        "positions inside the latent": (LATENT, LATENT.replace("+ d_rope", "- d_rope")),
        "a product of both": (LATENT, LATENT.replace("+ d_rope", "* d_rope")),
        "one layer": (LATENT, LATENT.replace("num_layers * ", "")),
        "the positions' key in one layer": (
            LATENT,
            "return (num_layers * kv_rank + d_rope) * bytes_per",
        ),
        "numbers for bytes": (LATENT, LATENT.replace(" * bytes_per", "")),
        "the positions' key in float32": (
            LATENT,
            "return num_layers * (kv_rank * bytes_per + d_rope * 4)",
        ),
        "bits for bytes": (LATENT, LATENT + " * 8"),
        "one byte by default": (
            "d_rope: int, bytes_per: int = 2",
            "d_rope: int, bytes_per: int = 1",
        ),
    },
    "sequences": {
        "rounded up": (
            FIT,
            FIT.replace("return max(", "return -(-max(").replace(", 0) //", ", 0) //") + ")",
        ),
        "the weights take no room": (FIT, FIT.replace("memory - weight_bytes", "memory")),
        "the weights twice": (FIT, FIT.replace("- weight", "- 2 * weight")),
        "weights for each sequence": (
            FIT,
            "return memory // (weight_bytes + kv_bytes_per_token * length)",
        ),
        "one token each": (FIT, FIT.replace(" * length", "")),
        "tokens, not sequences": (
            FIT,
            FIT.replace("(kv_bytes_per_token * length)", "kv_bytes_per_token"),
        ),
        "rounded to the nearest": (
            FIT,
            FIT.replace("return max(", "return round(max(").replace("//", "/") + ")",
        ),
        "a part of a sequence": (FIT, FIT.replace("//", "/")),
        "whole tokens, then whole sequences of one more": (
            FIT,
            FIT.replace("* length", "* (length + 1)"),
        ),
        "one place less": (
            FIT,
            "return max(memory - weight_bytes - 1, 0) // (kv_bytes_per_token * length)",
        ),
        "length squared": (FIT, FIT.replace("* length", "* length**2")),
    },
    "seconds": {
        "the caches forgotten": (SECONDS, "return weight_bytes / bandwidth"),
        "the weights forgotten": (SECONDS, "return kv_bytes / bandwidth"),
        "the larger of the two": (SECONDS, "return max(weight_bytes, kv_bytes) / bandwidth"),
        "upside down": (SECONDS, "return bandwidth / (weight_bytes + kv_bytes)"),
        "whole seconds": (SECONDS, SECONDS.replace("/", "//")),
        "milliseconds": (SECONDS, SECONDS + " * 1e3"),
        "bits": (SECONDS, SECONDS + " * 8"),
        "the caches read and written": (SECONDS, SECONDS.replace("+ kv", "+ 2 * kv")),
        "times the bandwidth": (SECONDS, SECONDS.replace("/", "*")),
        "rounded to microseconds": (
            SECONDS,
            "return round((weight_bytes + kv_bytes) / bandwidth, 6)",
        ),
    },
    "intensity": {
        "mult-adds for FLOPs": (INTENSITY, "return batch / bytes_per"),
        "weights read for each sequence": (INTENSITY, "return 2 / bytes_per"),
        "the batch forgotten for bytes": (INTENSITY, "return float(batch)"),
        "FLOPs per number": (INTENSITY, "return 2.0 * batch"),
        "bytes per FLOP": (INTENSITY, "return bytes_per / (2 * batch)"),
        "backward, too": (INTENSITY, "return 6 * batch / bytes_per"),
        "times the bytes": (INTENSITY, "return 2 * batch * bytes_per"),
        "whole FLOPs": (INTENSITY, "return 2 * batch // bytes_per"),
        "float32 by default": ("batch: int, bytes_per: int = 2", "batch: int, bytes_per: int = 4"),
        "bits": (INTENSITY, INTENSITY + " / 8"),
    },
    "speculative": {
        "each accepted alone": (MEAN, "return 1 + accept * draft_len"),
        "the large model's own token forgotten": (MEAN, MEAN + " - 1"),
        "one token more": (MEAN, MEAN.replace("return", "return 1 +")),
        "proposed times accept": (MEAN, "return accept * draft_len"),
        "one power less": (MEAN, MEAN.replace("(draft_len + 1)", "draft_len")),
        "drafts without an end": (MEAN, "return 1 / (1 - accept)"),
        "all or nothing": (MEAN, "return 1 + draft_len * accept**draft_len"),
        "no token of its own when all are accepted": (MEAN, MEAN + " - accept**draft_len"),
        "no token of its own after a rejection": (
            MEAN,
            "return sum(accept**k for k in range(1, draft_len + 1)) + accept**draft_len",
        ),
        "accept is the rejection": (
            MEAN,
            "return (1 - (1 - accept) ** (draft_len + 1)) / accept if accept else draft_len + 1.0",
        ),
        "an eps against 0 / 0": (MEAN, MEAN.replace("(1 - accept)", "(1 - accept + 1e-8)")),
        "a whole number": (MEAN, MEAN.replace("return (", "return round((") + ")"),
        "two digits": (MEAN, MEAN.replace("return (", "return round((") + ", 2)"),
    },
    "limits": {
        "fewer than none": (
            FIT,
            FIT.replace("max(memory - weight_bytes, 0)", "(memory - weight_bytes)"),
        ),
        "weights that do not fit are an error": (
            FIT,
            'if weight_bytes > memory:\n        raise ValueError("too large")\n    ' + FIT,
        ),
        "the sign lost": (
            FIT,
            FIT.replace("max(memory - weight_bytes, 0)", "abs(memory - weight_bytes)"),
        ),
        "one always fits": (FIT, FIT.replace("return ", "return max(") + ", 1)"),
        "0 / 0 where all are accepted": (ALWAYS, ""),
        "accepted for sure: draft_len": (
            ALWAYS,
            ALWAYS.replace("draft_len + 1.0", "float(draft_len)"),
        ),
        "accepted for sure: refused": (ACCEPT, "if not 0 <= accept < 1:"),
        "never accepted: refused": (ACCEPT, "if not 0 < accept <= 1:"),
        "never accepted: no token": (ALWAYS, ALWAYS + "    if not accept:\n        return 0.0\n"),
        "no draft: refused": (DRAFT, "if draft_len < 1:"),
        "no draft: no token": (ALWAYS, ALWAYS + "    if not draft_len:\n        return 0.0\n"),
        "nearly 1 instead of 1": (ALWAYS, "    accept = min(accept, 1 - 1e-6)\n"),
        "infinity for 1": (ALWAYS, ALWAYS.replace("draft_len + 1.0", 'float("inf")')),
    },
    "values": {
        "accept above 1": (ACCEPT, "if accept < 0:"),
        "accept below 0": (ACCEPT, "if accept > 1:"),
        "accept clamped": (ACCEPT, "accept = min(max(accept, 0), 1)\n    " + ACCEPT),
        "NaN is a probability": (ACCEPT, "if accept < 0 or accept > 1:"),
        "percent": (ACCEPT, "if 1 < accept <= 100:\n        accept /= 100\n    " + ACCEPT),
        "accept not in the message": ("accept is {accept}, want a", "accept is no"),
        "a negative draft": (DRAFT, "if False:"),
        "a negative draft is none": (DRAFT, "draft_len = max(draft_len, 0)\n    " + DRAFT),
        "a negative draft that is always accepted": (DRAFT, "if draft_len < 0 and accept != 1:"),
        "no draft: nothing is looked at": (
            ACCEPT,
            "if draft_len == 0:\n        return 1.0\n    " + ACCEPT,
        ),
        "draft_len not in the message": ("draft_len is {draft_len}, want", "draft_len is not"),
        "no length": (LENGTH, "if length < 0:"),
        "a negative length": (LENGTH, "if length == 0:"),
        "no length is one": (LENGTH, "length = max(length, 1)\n    " + LENGTH),
        "length not in the message": ("length is {length}, want", "length is not"),
        "length looked at only if the weights fit": (
            LENGTH,
            "if length < 1 and weight_bytes < memory:",
        ),
        "asserted": (
            'raise ValueError(f"length is {length}, want 1 or more")',
            "raise AssertionError(length)",
        ),
    },
    "exact": {
        "the cache in a float": (
            CACHE,
            "return int(2.0 * num_layers * num_kv_heads * d_head * bytes_per)",
        ),
        "the latent in a float": (
            LATENT,
            "return int(1.0 * num_layers * (kv_rank + d_rope) * bytes_per)",
        ),
        "room by a float": (
            FIT,
            "return int(max(memory - weight_bytes, 0) / (kv_bytes_per_token * length))",
        ),
        "room by math.floor": (
            FIT,
            (
                "import math\n"
                "\n"
                "    return math.floor(max(memory - weight_bytes, 0) / kv_bytes_per_token / length)"
            ),
        ),
        "the sum of the latent in a float": (
            LATENT,
            LATENT.replace("(kv_rank +", "int(1.0 * kv_rank +"),
        ),
        "the cache as NumPy's int": (
            CACHE,
            (
                "import numpy\n"
                "\n"
                "    sizes = [2, num_layers, num_kv_heads, d_head, bytes_per]\n"
                "    return numpy.prod(sizes)"
            ),
        ),
    },
}

VARIANTS = {
    "sums and loops": """
def kv_bytes_per_token(num_layers, num_kv_heads, d_head, bytes_per=2):
    one = num_kv_heads * d_head
    return (one + one) * bytes_per * num_layers

def mla_bytes_per_token(num_layers, kv_rank, d_rope, bytes_per=2):
    return num_layers * kv_rank * bytes_per + num_layers * d_rope * bytes_per

def max_sequences(memory, weight_bytes, kv_bytes_per_token, length):
    if length <= 0:
        raise ValueError(length)
    if weight_bytes >= memory:
        return 0
    return (memory - weight_bytes) // length // kv_bytes_per_token

def decode_seconds(weight_bytes, kv_bytes, bandwidth):
    return weight_bytes / bandwidth + kv_bytes / bandwidth

def decode_intensity(batch, bytes_per=2):
    return batch * (2 / bytes_per)

def expected_tokens(accept, draft_len):
    if accept < 0 or accept > 1 or accept != accept:
        raise ValueError(accept)
    if draft_len < 0:
        raise ValueError(draft_len)
    return 1 + sum(accept**k for k in range(1, draft_len + 1))
""",
    "Horner's rule, divmod, fractions": """
from fractions import Fraction

def max_sequences(memory, weight_bytes, kv_bytes_per_token, length):
    if not length >= 1:
        raise ValueError(f"no sequence of {length} tokens")
    count, _ = divmod(memory - weight_bytes, kv_bytes_per_token * length)
    return count if count > 0 else 0

def decode_seconds(weight_bytes, kv_bytes, bandwidth):
    return Fraction(weight_bytes + kv_bytes) / Fraction(bandwidth)

def decode_intensity(batch, bytes_per=2):
    return Fraction(2 * batch, bytes_per)

def expected_tokens(accept, draft_len):
    if not (accept >= 0 and accept <= 1):
        raise ValueError(f"{accept=}")
    if not draft_len >= 0:
        raise ValueError(f"{draft_len=}")
    mean = 1.0
    for _ in range(draft_len):
        mean = 1 + accept * mean
    return mean
""",
    "the outcomes one by one": """
def expected_tokens(accept, draft_len):
    if not 0.0 <= accept <= 1.0:
        raise ValueError("accept " + str(accept))
    if draft_len < 0:
        raise ValueError("draft_len " + str(draft_len))
    stops = [(1 - accept) * accept**k * (k + 1) for k in range(draft_len)]
    return sum(stops) + accept**draft_len * (draft_len + 1)
""",
    "the count of sequences by bisection": """
def max_sequences(memory, weight_bytes, kv_bytes_per_token, length):
    if length < 1:
        raise ValueError(f"length {length}")
    each, low, high = kv_bytes_per_token * length, 0, 1
    while weight_bytes + high * each <= memory:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weight_bytes + middle * each <= memory else (low, middle)
    return low
""",
}
