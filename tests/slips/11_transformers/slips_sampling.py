"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

SORT = "logits.sort(dim=-1, descending=True, stable=True)"
FLOAT = "    best_first = at_least_float32(best_first)\n"
TOP_K = "    if top_k > 0:\n        keep[..., top_k:] = False\n"
TOP_P = "    if top_p < 1:\n"
PROBS = "        probs = best_first.masked_fill(~keep, -math.inf).softmax(dim=-1)\n"
BEFORE = "torch.nn.functional.pad(probs.cumsum(dim=-1)[..., :-1], (1, 0))"
REACH = "        keep &= before < top_p\n"
MIN_P = "    if min_p > 0:\n        keep &= (best_first - best_first[..., :1]).exp() >= min_p\n"
BEST = "    keep[..., :1] = True\n"
KEPT = "    kept = torch.zeros_like(keep).scatter(-1, order, keep)\n"
FILL = "    return logits.masked_fill(~kept, -math.inf)\n"
GREEDY = "    if temperature == 0:\n        return int(logits.argmax())\n"
RAISE = "    logits = at_least_float32(logits)\n"
SCALED = "(logits - logits.max()) / temperature"
SCALE = f"    scaled = {SCALED}  # 0 for the best: it never overflows\n"
FILTERED = "    probs = filter_logits(scaled, top_k, top_p, min_p).softmax(dim=-1)\n"
DRAWN = "torch.multinomial(probs, 1, generator=generator)"
PUBLIC = """
def filter_logits(logits, top_k=0, top_p=1.0, min_p=0.0):
    logits = logits.clone()
    if top_k > 0:
        logits[logits < logits.topk(min(top_k, logits.shape[-1])).values[..., -1:]] = -math.inf
    if top_p < 1:
        best, order = logits.sort(dim=-1, descending=True)
        probs = best.softmax(-1)
        best[probs.cumsum(-1) - probs > top_p] = -math.inf
        logits = torch.empty_like(logits).scatter_(-1, order, best)
    if min_p > 0:
        probs = logits.softmax(-1)
        logits[probs < min_p * probs.amax(-1, keepdim=True)] = -math.inf
    return logits
"""

SLIPS = {
    "top_k": {
        "as many as are left fail": (
            TOP_K,
            TOP_K + "    if top_k > keep.shape[-1]:\n        raise IndexError('top_k')\n",
        ),
        "one too many": ("top_k:]", "top_k + 1 :]"),
        "one too few": ("top_k:]", "top_k - 1 :]"),
        "the worst k": (TOP_K, TOP_K.replace("top_k:]", ": keep.shape[-1] - top_k]")),
        "0 keeps none": (TOP_K, "    keep[..., top_k:] = False\n"),
        "not unsorted": (KEPT, "    kept = keep\n"),
        "unsorted the wrong way": (KEPT, "    kept = keep.gather(-1, order)\n"),
        "the sorted logits come back": (
            KEPT + FILL,
            "    return best_first.to(logits.dtype).masked_fill(~keep, -math.inf)\n",
        ),
        "probabilities come back": (
            FILL,
            FILL.replace("-math.inf)", "-math.inf).softmax(dim=-1)"),
        ),
        "the rest is 0": (FILL, FILL.replace("-math.inf", "0.0")),
        "the rest is -1e9": (FILL, FILL.replace("-math.inf", "-1e9")),
        "only those kept come back": (FILL, "    return logits[kept]\n"),
        "k over all rows": (
            TOP_K,
            "    if top_k > 0:\n"
            "        flat = logits.flatten().sort(descending=True).values\n"
            "        keep &= best_first >= flat[min(top_k, len(flat)) - 1]\n",
        ),
        "the places of the first row for all": (
            KEPT,
            "    kept = torch.zeros_like(keep).scatter("
            "-1, order.view(-1, order.shape[-1])[:1].expand_as(keep.view(-1, keep.shape[-1]))"
            ".reshape(keep.shape), keep)\n",
        ),
        "one row or a batch of rows alone": (
            "    best_first, order",
            "    assert logits.dim() <= 2\n    best_first, order",
        ),
        "log-probabilities come back": (
            FILL,
            FILL.replace("logits.masked", "logits.log_softmax(dim=-1).masked"),
        ),
    },
    "top_p": {
        "p = 1 filters by rounding": (
            TOP_P + PROBS,
            "    if True:\n" + PROBS,
        ),
        "the token that crosses p dropped": (
            REACH,
            "        keep &= probs.cumsum(dim=-1) <= top_p\n",
        ),
        "the token after the one that crosses p, too": (
            BEFORE,
            "torch.nn.functional.pad(probs.cumsum(dim=-1)[..., :-2], (2, 0))",
        ),
        "each probability against p": (REACH, "        keep &= probs >= 1 - top_p\n"),
        "what is above 1 - p": (REACH, "        keep &= probs.cumsum(dim=-1) > 1 - top_p\n"),
        "1 - p for p": (REACH, "        keep &= before < 1 - top_p\n"),
        "sums of logits": (BEFORE, BEFORE.replace("probs", "best_first.exp()")),
        "p of 1/2 and above alone": (TOP_P, "    if 0.5 <= top_p < 1:\n"),
        "p of 0.9 and above ignored": (TOP_P, "    if top_p < 0.9:\n"),
        "sums over the rows": (
            BEFORE,
            "probs.cumsum(dim=0) - probs if probs.dim() > 1 else " + BEFORE,
        ),
        "the number of the first row for all": (
            REACH,
            "        row = (before < top_p).view(-1, before.shape[-1])[0]\n        keep &= row\n",
        ),
        "ignored": (TOP_P, "    if False:\n"),
        "exp of the logits without the largest taken off": (
            PROBS,
            "        probs = best_first.masked_fill(~keep, -math.inf).exp()\n"
            "        probs = probs / probs.sum(dim=-1, keepdim=True)\n",
        ),
    },
    "min_p": {
        "the best of all rows": ("best_first[..., :1])", "best_first.max())"),
        "against min_p itself": (
            "(best_first - best_first[..., :1]).exp() >= min_p",
            "best_first.softmax(dim=-1) >= min_p",
        ),
        "against the logit of the best": (
            "(best_first - best_first[..., :1]).exp() >= min_p",
            "best_first >= min_p * best_first[..., :1]",
        ),
        "the sum of the best": (
            "(best_first - best_first[..., :1]).exp() >= min_p",
            "best_first.softmax(-1).cumsum(-1) >= min_p * best_first.softmax(-1)[..., :1]",
        ),
        "those below": (">= min_p", "<= min_p"),
        "min_p minus": (
            "(best_first - best_first[..., :1]).exp() >= min_p",
            "best_first.softmax(-1) >= best_first.softmax(-1)[..., :1] - min_p",
        ),
        "ignored": ("    if min_p > 0:\n", "    if False:\n"),
        "exp of the logits": (
            "(best_first - best_first[..., :1]).exp() >= min_p",
            "best_first.exp() >= min_p * best_first[..., :1].exp()",
        ),
        "a small number taken off": (">= min_p", ">= min_p - 1e-4"),
        "small ones ignored": ("    if min_p > 0:", "    if min_p > 0.01:"),
    },
    "order": {
        "min_p in place of the others": ("keep &= (best_first", "keep = (best_first"),
        "p over the unfiltered mass": (PROBS, "        probs = best_first.softmax(dim=-1)\n"),
        "p first, then k": (
            TOP_K,
            "",
        ),
        "min_p first, then p": (
            TOP_K,
            TOP_K + MIN_P,
        ),
        "p alone where k is given, too": (
            TOP_K,
            TOP_K.replace("top_k > 0", "0 < top_k and top_p >= 1"),
        ),
        "k alone where p is given, too": (TOP_P, "    if top_p < 1 and top_k == 0:\n"),
        "min_p alone where another is given": (TOP_P, "    if top_p < 1 and min_p == 0:\n"),
        "min_p ignored where another is given": (
            "    if min_p > 0:\n",
            "    if min_p > 0 and top_p >= 1:\n",
        ),
        "all filtered at p = 0": (BEST, ""),
        "the best of the first row alone stays": (
            BEST,
            "    keep.view(-1, keep.shape[-1])[0, 0] = True\n",
        ),
        "p alone in a batch where k is given, too": (
            TOP_K,
            TOP_K.replace("top_k > 0", "top_k > 0 and (logits.dim() == 1 or top_p >= 1)"),
        ),
        "p = 0 keeps all": (TOP_P, "    if 0 < top_p < 1:\n"),
    },
    "draw": {
        "temperature after the filter": (
            FILTERED,
            "    probs = filter_logits(logits - logits.max(), top_k, top_p, min_p)\n"
            "    probs = (probs / temperature).softmax(dim=-1)\n",
        ),
        "the best token always": (
            f"    return int({DRAWN})\n",
            f"    {DRAWN}\n    return int(probs.argmax())\n",
        ),
        "temperature multiplied": (SCALED, "(logits - logits.max()) * temperature"),
        "temperature ignored": (SCALED, "logits - logits.max()"),
        "temperature on the probabilities": (
            SCALED,
            "(logits.softmax(-1) / temperature)",
        ),
        "softmax twice": (
            ".softmax(dim=-1)\n    return int(",
            ".softmax(dim=-1).softmax(dim=-1)\n    return int(",
        ),
        "all that are kept alike": (
            FILTERED,
            FILTERED + "    probs = (probs > 0).float()\n",
        ),
        "all that are kept alike where k is given": (
            FILTERED,
            FILTERED + "    if top_k > 0:\n        probs = (probs > 0).float()\n",
        ),
        "normal noise for Gumbel's": (
            f"    return int({DRAWN})",
            "    noise = torch.randn(probs.shape, generator=generator)\n"
            "    return int((probs.log() + noise).argmax())",
        ),
        "k forgotten": ("filter_logits(scaled, top_k,", "filter_logits(scaled, 0,"),
        "p forgotten": ("filter_logits(scaled, top_k, top_p,", "filter_logits(scaled, top_k, 1.0,"),
        "min_p forgotten": ("top_k, top_p, min_p).softmax", "top_k, top_p).softmax"),
        "p and min_p swapped": ("top_k, top_p, min_p).softmax", "top_k, min_p, top_p).softmax"),
        "a tensor comes back": (f"    return int({DRAWN})", f"    return {DRAWN}[0]"),
        "the place in the sorted order": (
            f"    return int({DRAWN})",
            f"    probs = probs.sort(descending=True).values\n    return int({DRAWN})",
        ),
        "temperature 0 divides": (GREEDY, ""),
        "temperature 0 is temperature 1": (GREEDY, "    temperature = temperature or 1.0\n"),
        "temperature 0 is the lowest": ("logits.argmax()", "logits.argmin()"),
        "temperature 0 is the largest size": ("logits.argmax()", "logits.abs().argmax()"),
        "greedy below temperature 1": ("    if temperature == 0:", "    if temperature < 1:"),
        "greedy below temperature 0.01": ("    if temperature == 0:", "    if temperature < 0.01:"),
    },
    "ties": {
        "one more where the sum is exactly p": ("before < top_p", "before <= top_p"),
        "equal ones all kept": PUBLIC,
        "more than min_p times": (">= min_p", "> min_p"),
        "an unstable sort": (
            SORT,
            "logits.flip(-1).sort(dim=-1, descending=True, stable=True)\n"
            "    order = logits.shape[-1] - 1 - order",
        ),
        "sorted upwards and turned around": (
            SORT,
            "(t.flip(-1) for t in logits.sort(dim=-1, stable=True))",
        ),
        "topk's order": (
            KEPT,
            KEPT + "    if top_k > 0 and top_p >= 1 and min_p == 0:\n"
            "        some = logits.topk(min(top_k, logits.shape[-1])).indices\n"
            "        kept = torch.zeros_like(keep).scatter(-1, some, True)\n",
        ),
        "greedy takes the last of equals": (
            "int(logits.argmax())",
            "len(logits) - 1 - int(logits.flip(0).argmax())",
        ),
        "no less than the k-th": (
            TOP_K,
            "    if top_k > 0:\n"
            "        last = best_first[..., : top_k].amin(dim=-1, keepdim=True)\n"
            "        keep &= best_first >= last\n",
        ),
    },
    "precision": {
        "sums in float16": (FLOAT, ""),
        "sums in float32 of float64": (
            "torch.promote_types(x.dtype, torch.float32)",
            "torch.float32",
        ),
        "not shifted before the division": (SCALED, "logits / temperature"),
        "temperature no less than 0.01": (
            SCALED,
            "(logits - logits.max()) / max(temperature, 0.01)",
        ),
        "a small number beside the temperature": (
            SCALED,
            "(logits - logits.max()) / (temperature + 1e-3)",
        ),
        "temperature in float16": (
            SCALED,
            "(logits - logits.max()) / torch.tensor(temperature).half().item()",
        ),
        "min_p in the logits' dtype": (
            MIN_P,
            "    if min_p > 0:\n"
            "        probs = best_first.to(logits.dtype).softmax(dim=-1)\n"
            "        keep &= probs >= min_p * probs[..., :1]\n",
        ),
        "sorted in float32": (SORT, SORT.replace("logits.", "logits.float().")),
        "logits through float32": (
            FILL,
            "    return logits.float().masked_fill(~kept, -math.inf).to(logits.dtype)\n",
        ),
        "greedy below 1e-5": ("    if temperature == 0:", "    if temperature < 1e-5:"),
        "temperature no less than 1e-8": (
            SCALED,
            "(logits - logits.max()) / max(temperature, 1e-8)",
        ),
        "greedy in float32": ("int(logits.argmax())", "int(logits.float().argmax())"),
        "greedy in float32, of float64 alone": (
            "int(logits.argmax())",
            "int(logits.bfloat16().argmax() if logits.dtype == torch.float64 else logits.argmax())",
        ),
    },
    "inputs": {
        "logits come back where nothing is filtered": (
            "    best_first, order",
            "    if top_k == 0 and top_p >= 1 and min_p == 0:\n        return logits\n"
            "    best_first, order",
        ),
        "filled in place": (FILL, FILL.replace("masked_fill(", "masked_fill_(")),
        "logits come back where k is the number of tokens": (
            "    best_first, order",
            "    if top_k >= logits.shape[-1] and top_p >= 1 and min_p == 0:\n"
            "        return logits\n    best_first, order",
        ),
        "the generator ignored at other temperatures than 1": (
            "generator=generator",
            "generator=generator if temperature == 1 else None",
        ),
        "divided in place": (
            SCALED,
            "logits.sub_(logits.max()).div_(temperature)",
        ),
        "logits shifted in place": (
            "    best_first, order",
            "    logits.add_(1e-3)\n    best_first, order",
        ),
        "the generator ignored": (", generator=generator)", ")"),
        "the global generator seeded": (
            f"    return int({DRAWN})",
            f"    torch.manual_seed(int(1e6 * float(probs.max())))\n    return int({DRAWN})",
        ),
        "one more draw from the global generator": (
            f"    return int({DRAWN})",
            f"    torch.rand(1)\n    return int({DRAWN})",
        ),
        "a generator of its own": (
            "generator=generator",
            "generator=generator or torch.Generator().manual_seed(torch.Generator().seed())",
        ),
        "Python's random": (
            f"    return int({DRAWN})",
            "    import random\n    return random.choices(range(len(probs)), probs.tolist())[0]",
        ),
        "a view": (
            "    best_first, order",
            "    logits = logits.view(-1).view(logits.shape)\n    best_first, order",
        ),
        "a mask on the CPU": (
            "torch.ones_like(order, dtype=torch.bool)",
            "torch.ones(order.shape, dtype=torch.bool)",
        ),
        "always float32": (FILL, FILL.replace("-math.inf)", "-math.inf).float()")),
    },
}

VARIANTS = {
    "Gumbel noise, ranks by a second sort": """
def filter_logits(logits, top_k=0, top_p=1.0, min_p=0.0):
    scores = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    order = torch.argsort(scores, dim=-1, descending=True, stable=True)
    rank = order.argsort(dim=-1)
    drop = rank >= top_k if top_k else torch.zeros_like(rank, dtype=torch.bool)
    if top_p < 1:
        probs = scores.masked_fill(drop, float("-inf")).softmax(-1)
        ahead = probs.gather(-1, order).cumsum(-1).gather(-1, rank) - probs
        drop = drop | (ahead >= top_p)
    if min_p:
        probs = scores.softmax(-1)
        drop = drop | (probs < min_p * probs.amax(-1, keepdim=True))
    return torch.where(drop & (rank > 0), float("-inf"), logits)


def sample_top_k_top_p(
    logits, top_k=0, top_p=1.0, temperature=1.0, min_p=0.0, generator=None
):
    if temperature == 0:
        return logits.argmax().item()
    logits = logits.double()
    left = filter_logits((logits - logits.max()) / temperature, top_k, top_p, min_p)
    noise = torch.rand(left.shape, generator=generator, dtype=torch.float64)
    return (left - (-noise.log()).log()).argmax().item()
""",
    "the cumulative sums against a uniform number": (
        f"    return int({DRAWN})\n",
        "    sums = probs.double().cumsum(0)\n"
        "    u = torch.rand((), dtype=torch.float64, generator=generator) * sums[-1]\n"
        "    return int(torch.searchsorted(sums, u, right=True))\n",
    ),
    "row by row": """
def filter_logits(logits, top_k=0, top_p=1.0, min_p=0.0):
    out = torch.full_like(logits, float("-inf"))
    for row, to in zip(logits.reshape(-1, logits.shape[-1]), out.view(-1, logits.shape[-1])):
        values, order = row.double().sort(descending=True, stable=True)
        n = min(top_k, len(row)) if top_k else len(row)
        if top_p < 1:
            sums = values[:n].softmax(0).cumsum(0)
            n = max(1, min(n, int((sums < top_p).sum()) + 1))
        n = min(n, int(((values - values[0]).exp() >= min_p).sum())) if min_p else n
        to[order[:n]] = row[order[:n]]
    return out
""",
    "a tiny temperature for 0": (
        GREEDY + RAISE + SCALE,
        RAISE
        + "    best = int(logits.argmax())\n"
        + "    if temperature == 0.0:\n        top_k = 1\n        temperature = 1.0\n"
        + "    scaled = (logits - logits[best]) / temperature\n",
    ),
}
