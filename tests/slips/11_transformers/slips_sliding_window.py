"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

KEYS = "torch.arange(Q.shape[-2], device=Q.device)"
NEAR = "(i - j).abs() <= window_size"
SINKS = "(j < num_sinks)"
MAY = f"({NEAR}) | {SINKS}"
CAUSAL = "    if causal:\n        may &= j <= i\n"
OUT = "F.scaled_dot_product_attention(Q, K, V, attn_mask=may)"
END = "self.seen + k.shape[2]"
PLACES = "torch.arange(self.seen, end, device=k.device)"
BEFORE = "    if self.kept is not None:\n"
STAYS = "(positions < self.num_sinks) | (positions >= end - self.window_size)"
KEPT = "self.kept = k[:, :, stays], v[:, :, stays], positions[stays]\n"
SEEN = "        self.seen = end\n"
GIVEN = "        return k, v, positions\n"
SCORES = "Q @ K.mT / Q.shape[-1] ** 0.5"
PLAIN = f"torch.softmax(({SCORES}).masked_fill(~may, -torch.inf), -1) @ V"

SLIPS = {
    "window": {
        "one key too few": (NEAR, NEAR.replace("<=", "<")),
        "one key too many": (NEAR, NEAR.replace("window_size", "window_size + 1")),
        "one too few before the query": (
            NEAR,
            "(i - j < window_size) & (j - i <= window_size) | (i == j)",
        ),
        "one too few after the query": (
            NEAR,
            "(i - j <= window_size) & (j - i < window_size) | (i == j)",
        ),
        "one too many after the query": (
            NEAR,
            "(i - j <= window_size) & (j - i <= window_size + 1)",
        ),
        "causal without being asked": (CAUSAL, "    may &= j <= i\n"),
        "blocks": (NEAR, "i // (window_size + 1) == j // (window_size + 1)"),
        "the keys behind the query": (NEAR, "(j - i <= window_size) & (j >= i)"),
        "a window of 0 sees all": (NEAR, f"torch.tensor(window_size == 0) | ({NEAR})"),
        "keys that wrap around": (
            NEAR,
            "((i - j) % len(j) <= window_size) | ((j - i) % len(j) <= window_size)",
        ),
        "at least two keys": (NEAR, "(i - j).abs() <= max(1, window_size)"),
    },
    "causal": {
        "no window any more": (CAUSAL, "    if causal:\n        may = j <= i\n"),
        "ignored": (CAUSAL, ""),
        "the past is hidden": (CAUSAL, CAUSAL.replace("j <= i", "j >= i")),
        "without the query itself": (CAUSAL, CAUSAL.replace("j <= i", "(j < i) | (i == 0)")),
        "a window as Mistral counts it": (
            CAUSAL,
            CAUSAL.replace("j <= i", "(j <= i) & (i - j < max(1, window_size))"),
        ),
        "two windows into the past": (
            CAUSAL,
            "    if causal:\n        may = (j <= i) & (i - j <= 2 * window_size)\n",
        ),
    },
    "sinks": {
        "ignored": (MAY, NEAR),
        "one too many": (SINKS, "(j <= num_sinks) & (num_sinks > 0)"),
        "one too few": (SINKS, "(j < num_sinks - 1)"),
        "queries, not keys": (SINKS, "(i < num_sinks)"),
        "the last keys": (SINKS, "(j >= len(j) - num_sinks)"),
        "the future, too": (
            CAUSAL,
            "    if causal:\n        may &= (j <= i) | (j < num_sinks)\n",
        ),
        "in causal mode alone": (SINKS, "(j < num_sinks * causal)"),
        "not in causal mode": (SINKS, "(j < num_sinks * (not causal))"),
        "at most as many as the window": (SINKS, "(j < min(num_sinks, window_size + 1))"),
    },
    "weights": {
        "no scale": (OUT, OUT.replace("=may", "=may, scale=1.0")),
        "the scale of L": (OUT, OUT.replace("=may", "=may, scale=Q.shape[-2] ** -0.5")),
        "the scale without the root": (OUT, OUT.replace("=may", "=may, scale=1 / Q.shape[-1]")),
        "masked after the softmax": (OUT, f"(torch.softmax({SCORES}, -1) * may) @ V"),
        "masked after the softmax, then made to sum to 1": (
            OUT,
            f"F.normalize(torch.softmax(({SCORES}).float(), -1).to(V) * may, p=1, dim=-1) @ V",
        ),
        "softmax over the queries": (OUT, PLAIN.replace(", -1) @", ", -2) @")),
        "hidden scores are 0": (OUT, PLAIN.replace("-torch.inf), -1)", "0.0), -1).mul(may)")),
        "all that is seen alike": (OUT, "may.to(V) / may.sum(-1, keepdim=True) @ V"),
        "sums in float32": (
            OUT,
            OUT.replace("(Q, K, V,", "(Q.float(), K.float(), V.float(),") + ".to(V)",
        ),
        "no gradient to K": (OUT, OUT.replace("(Q, K, V", "(Q, K.detach(), V")),
        "keys as queries": (OUT, OUT.replace("(Q, K, V", "(K, K, V")),
        "keys and queries swapped": (OUT, OUT.replace("(Q, K, V", "(K, Q, V")),
        "scores no larger than 50": (
            OUT,
            PLAIN.replace(f"({SCORES})", f"({SCORES}).clamp(max=50)"),
        ),
        "the mask is added": (OUT, OUT.replace("=may", "=may.to(Q)")),
    },
    "update": {
        "positions restart after the wrap": (
            GIVEN,
            "        return k, v, torch.arange(k.shape[2], device=k.device) + 0 * positions\n",
        ),
        "sinks evicted": (STAYS, "positions >= end - self.window_size"),
        "one token too few": (STAYS, STAYS.replace(">= end", "> end")),
        "one token too many": (
            STAYS,
            STAYS.replace("end - self.window_size", "end - self.window_size - 1"),
        ),
        "the order of a ring": (
            GIVEN,
            "        ring = self.window_size + self.num_sinks + 1\n"
            "        order = (positions % ring).argsort(stable=True)\n"
            "        return k[:, :, order], v[:, :, order], positions[order]\n",
        ),
        "new tokens first": (
            "torch.cat([old_k, k], dim=2), torch.cat([old_v, v], dim=2)\n"
            "            positions = torch.cat([old, positions])",
            "torch.cat([k, old_k], dim=2), torch.cat([v, old_v], dim=2)\n"
            "            positions = torch.cat([positions, old])",
        ),
        "sinks last": (
            GIVEN,
            "        order = (positions < self.num_sinks).int().argsort(stable=True)\n"
            "        return k[:, :, order], v[:, :, order], positions[order]\n",
        ),
        "sinks twice": (
            GIVEN,
            "        twice = torch.arange(len(positions))\n"
            "        if self.num_sinks and 1 < len(positions) <= self.window_size:\n"
            "            twice = torch.cat([twice[:1], twice])\n"
            "        return k[:, :, twice], v[:, :, twice], positions[twice]\n",
        ),
        "only what stays comes back": (GIVEN, "        return self.kept\n"),
        "cut before the new queries have seen it": (
            GIVEN,
            "        near = stays | (positions == end - self.window_size - 1)\n"
            "        return k[:, :, near], v[:, :, near], positions[near]\n",
        ),
        "positions of the new alone": (
            GIVEN,
            "        return k, v, torch.arange(end - k.shape[2], end)[-k.shape[2] :]\n",
        ),
        "positions from 1": (GIVEN, "        return k, v, positions + 1\n"),
        "values are keys": (GIVEN, "        return k, k, positions\n"),
        "positions as int32": (GIVEN, "        return k, v, positions.int()\n"),
        "counts calls, not tokens": (SEEN, "        self.seen += 1\n"),
    },
    "bounded": {
        "all is kept, the window is cut out": (
            KEPT,
            "self.all = (getattr(self, 'all', ()), k)\n        " + KEPT,
        ),
        "what it was given is kept, not copied": (
            KEPT,
            "self.kept = k, v, positions\n"
            "        if not bool(stays.all()):\n"
            "            self.kept = k[:, :, stays], v[:, :, stays], positions[stays]\n",
        ),
        "views of a long prompt": (
            KEPT,
            "n = int(stays.sum())\n"
            "        if self.num_sinks == 0:\n"
            "            first = len(positions) - n\n"
            "            self.kept = k[:, :, first:], v[:, :, first:], positions[first:]\n"
            "        else:\n"
            "            self.kept = k[:, :, stays], v[:, :, stays], positions[stays]\n",
        ),
        "all positions are kept": (
            SEEN,
            SEEN + "        self.all = torch.cat([getattr(self, 'all', positions), positions])\n",
        ),
        "values are never dropped": (
            SEEN,
            SEEN + "        self.values = [*getattr(self, 'values', []), v[:, :, -1:].clone()]\n",
        ),
        "memory for the longest text": (
            SEEN,
            SEEN + "        self.room = k.new_zeros(*k.shape[:2], 50, k.shape[3])\n",
        ),
    },
    "axes": {
        "bmm": (
            OUT,
            "torch.softmax((torch.bmm(Q, K.mT) / Q.shape[-1] ** 0.5)"
            ".masked_fill(~may, -torch.inf), -1).bmm(V)",
        ),
        "three axes or four": (OUT, f"{OUT} if Q.dim() in (3, 4) else V"),
        "L from axis 1": (KEYS, "torch.arange(Q.shape[1], device=Q.device)"),
        "the scale of V's features": (OUT, OUT.replace("=may", "=may, scale=V.shape[-1] ** -0.5")),
        "the shape of Q": (OUT, f"{OUT}.reshape(Q.shape)"),
    },
    "dtypes": {
        "always float32": (
            OUT,
            OUT.replace("(Q, K, V,", "(Q.double(), K.double(), V.double(),")
            + ".to(torch.promote_types(V.dtype, torch.float32))",
        ),
        "a float64 cache": (
            KEPT,
            "self.kept = k[:, :, stays].double(), v[:, :, stays], positions[stays]\n",
        ),
        "half scores in the dtype's own steps": (
            OUT,
            "torch.softmax((Q @ K.mT / Q.shape[-1] ** 0.5).mul(4).round().div(4)"
            ".masked_fill(~may, -torch.inf), -1) @ V if Q.dtype.itemsize == 2 else " + OUT,
        ),
    },
    "inputs": {
        "a mask on the CPU": (KEYS, "torch.arange(Q.shape[-2])"),
        "positions on the CPU": (PLACES, "torch.arange(self.seen, end)"),
        "view of what is not contiguous": (
            OUT,
            OUT.replace("(Q, K,", "(Q.view(-1).view(Q.shape), K,"),
        ),
        "the cache writes into what it gave": (
            GIVEN,
            "        if getattr(self, 'gave', k).shape == k.shape:\n"
            "            k = getattr(self, 'gave', k).copy_(k)\n"
            "        self.gave = k\n" + GIVEN,
        ),
        "k is changed": (END, END + "\n        v[:, :, :1] *= 1 + 1e-3 * (not v.is_contiguous())"),
    },
}

VARIANTS = {
    "plain softmax": (OUT, PLAIN),
    "a mask by tril and triu": (
        f"({NEAR}) | {SINKS}",
        "torch.ones(len(j), len(j), dtype=torch.bool, device=Q.device)"
        ".tril(window_size).triu(-window_size).index_fill(1, j[:num_sinks], True)",
    ),
    "two parts": """
class RollingKVCache:
    def __init__(self, window_size, num_sinks=0):
        self.w, self.s, self.n, self.parts = window_size, num_sinks, 0, None

    def update(self, k, v):
        first = self.n
        self.n += k.shape[-2]
        new = torch.arange(first, self.n, device=k.device)
        if self.parts is None:
            every = k, v, new
        else:
            every = tuple(
                torch.cat([old, more], dim=-2 if more.dim() > 1 else 0)
                for old, more in zip(self.parts, (k, v, new))
            )
        place = every[2].tolist()
        stay = [i for i, p in enumerate(place) if p < self.s or p >= self.n - self.w]
        index = torch.tensor(stay, dtype=torch.long, device=k.device)
        self.parts = tuple(
            t.index_select(-2 if t.dim() > 1 else 0, index) for t in every
        )
        return every
""",
    "a ring": """
class RollingKVCache:
    def __init__(self, window_size, num_sinks=0):
        self.window, self.sinks, self.seen, self.slots = window_size, num_sinks, 0, None

    def slot(self, p):
        inside = p - self.sinks
        ring = self.sinks + (inside % self.window if self.window else 0)
        return p if p < self.sinks else ring

    def update(self, k, v):
        start, end = self.seen, self.seen + k.shape[2]
        if self.slots is None:
            shape = (2, *k.shape[:2], self.sinks + self.window, k.shape[3])
            self.slots = k.new_empty(shape)
        old = [p for p in range(start) if p < self.sinks or p >= start - self.window]
        at = torch.tensor([self.slot(p) for p in old], dtype=torch.long, device=k.device)
        K, V = (torch.cat([part[:, :, at], new], 2) for part, new in zip(self.slots, (k, v)))
        for p in range(start, end):
            if p < self.sinks or p >= end - self.window:
                self.slots[0][:, :, self.slot(p)] = k[:, :, p - start]
                self.slots[1][:, :, self.slot(p)] = v[:, :, p - start]
        self.seen = end
        return K, V, torch.tensor([*old, *range(start, end)], device=k.device)
""",
}
