"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

QKV = "        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))"
OLD = """\
        if cache is not None:
            k = torch.cat([cache[0], k], dim=2)  # (B, H, P + S, d)
            v = torch.cat([cache[1], v], dim=2)
"""
MASK = """\
        positions = torch.arange(k.shape[2], device=x.device)
        may = positions <= positions[-q.shape[2] :, None]  # (S, P + S)
"""
OUT = "F.scaled_dot_product_attention(q, k, v, attn_mask=may)"
BACK = "        return self.W_o(out.transpose(1, 2).flatten(2)), (k, v)"
HEADS = "x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)"
DIVIDE = """\
        if d_model % num_heads:
            raise ValueError(f"{num_heads} heads do not divide d_model {d_model}")
"""
SIZES = """\
        if k.shape != want or v.shape != want:
            raise ValueError(f"k {tuple(k.shape)}, v {tuple(v.shape)}, want {want}")
"""
FULL = """\
        if end > max_len:
            raise ValueError(f"{new} more than {self.filled} tokens, room for {max_len}")
"""
WRITE = """\
        self.k[:, :, self.filled : end] = k
        self.v[:, :, self.filled : end] = v
"""
MOVE = "        self.filled = end\n"
VIEWS = "        return self.k[:, :, :end], self.v[:, :, :end]"
ZEROS = """\
        self.k = torch.zeros(sizes, dtype=dtype, device=device)
        self.v = torch.zeros(sizes, dtype=dtype, device=device)
"""
BY_HAND = """\
        scores = q @ k.mT {}
        out = scores.masked_fill(~may, {}).softmax(-1) @ v  # by hand"""


def scores(scaled="/ q.shape[-1] ** 0.5", hidden="-torch.inf"):
    return f"        out = {OUT}", BY_HAND.format(scaled, hidden)


def mask(text):
    return MASK, f"        S, L = q.shape[2], k.shape[2]\n        may = {text}\n"


def only(when, text, line=MASK):
    """The line, but before it `text` where `when` holds."""
    return line, f"        if {when}:\n            {text}\n{line}"


SLIPS = {
    "whole": {
        "scores not divided": scores(""),
        "divided by d, not by its root": scores("/ q.shape[-1]"),
        "divided by the root of d_model": scores("/ x.shape[-1] ** 0.5"),
        "multiplied by the root of d": scores("* q.shape[-1] ** 0.5"),
        "softmax over the queries": (
            f"        out = {OUT}",
            BY_HAND.format("/ q.shape[-1] ** 0.5", "-torch.inf").replace("(-1)", "(-2)"),
        ),
        "masked after the softmax": (
            OUT,
            "((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) * may) @ v",
        ),
        "hidden scores only -10": scores(hidden="-10.0"),
        "softmax without the largest score taken off": (
            OUT,
            "(lambda e: e / e.sum(-1, keepdim=True) @ v)("
            "(q @ k.mT / q.shape[-1] ** 0.5).exp() * may)".replace(
                "e / e.sum(-1, keepdim=True) @ v", "(e / e.sum(-1, keepdim=True)) @ v"
            ),
        ),
        "softmax in float32": (
            f"        out = {OUT}",
            BY_HAND.format("/ q.shape[-1] ** 0.5", "-torch.inf").replace(
                ".softmax(-1)", ".float().softmax(-1).to(v.dtype)"
            ),
        ),
        "W_o forgotten": (
            "self.W_o(out.transpose(1, 2).flatten(2))",
            "out.transpose(1, 2).flatten(2)",
        ),
        "heads joined without changing places": (
            "out.transpose(1, 2).flatten(2)",
            "out.reshape(x.shape)",
        ),
        "heads mixed with tokens": (
            HEADS,
            "x.reshape(x.shape[0], self.num_heads, x.shape[1], -1)",
        ),
        "features of a head apart": (
            HEADS,
            "x.unflatten(2, (-1, self.num_heads)).permute(0, 3, 1, 2)",
        ),
        "no bias": (
            "nn.Linear(d_model, d_model)\n        self.W_k",
            "nn.Linear(d_model, d_model, bias=False)\n        self.W_k",
        ),
        "W_out for W_o": (
            "        self.W_o = nn.Linear(d_model, d_model)",
            "        self.W_out = nn.Linear(d_model, d_model)\n"
            "        type(self).W_o = property(lambda self: self.W_out)",
        ),
        "one layer for keys and values": (
            "self.W_v = nn.Linear(d_model, d_model)",
            "self.W_v = self.W_k",
        ),
        "no token sees itself": mask(
            "torch.ones(S, L, dtype=torch.bool).tril(L - S - 1) | (torch.arange(L) == 0)"
        ),
        "every token sees all": mask("torch.ones(S, L, dtype=torch.bool)"),
        "the last six tokens alone": mask("torch.ones(S, L).tril(L - S).triu(L - S - 5) > 0"),
        "the last eight tokens alone": mask("torch.ones(S, L).tril(L - S).triu(L - S - 7) > 0"),
        "values detached": (BACK, BACK.replace("out.transpose", "out.detach().transpose")),
        "queries detached": (MASK, "        q = q.detach()\n" + MASK),
        "without a cache, no mask": only(
            "cache is None",
            "out = F.scaled_dot_product_attention(q, k, v)\n"
            "            return self.W_o(out.transpose(1, 2).flatten(2)), (k, v)",
        ),
        "one token gives its value, not its value through W_o": only(
            "cache is None and x.shape[1] == 1", "return x, (k, v)"
        ),
        "in eval mode without a gradient": (
            BACK,
            "        if not self.training:\n            out = out.detach()\n" + BACK,
        ),
        "scores of 50 at most": (
            f"        out = {OUT}",
            BY_HAND.format("/ q.shape[-1] ** 0.5", "-torch.inf").replace(
                "softmax(-1)", "clamp(max=50).softmax(-1)"
            ),
        ),
        "the mean over the batch": (
            BACK,
            "        out = out.mean(0, keepdim=True).expand_as(out)\n" + BACK,
        ),
    },
    "splits": {
        "is_causal for pieces": (
            f"{OUT}",
            "F.scaled_dot_product_attention(q, k, v, is_causal=True)",
        ),
        "no mask where there is a cache": mask(
            "torch.ones(S, L, dtype=torch.bool).tril(0 if cache is None else L)"
        ),
        "the triangle of a piece at the upper left": mask(
            "torch.ones(S, L, dtype=torch.bool).tril()"
        ),
        "is_causal except for one token": (
            OUT,
            "F.scaled_dot_product_attention(q, k, v, is_causal=q.shape[2] > 1)",
        ),
        "one future token of a piece": mask(
            "torch.ones(S, L, dtype=torch.bool).tril(L - S + (cache is not None))"
        ),
        "one future token of a piece, where the cache has more than seven": mask(
            "torch.ones(S, L).tril(L - S + (S < 64 and L - S > 7)) > 0"
        ),
        "a piece does not see its first token": mask(
            "torch.ones(S, L, dtype=torch.bool).tril(L - S - (cache is not None))"
        ),
        "old tokens only": mask(
            "(torch.arange(L) < max(L - S, 1)).expand(S, L) if cache is not None"
            " else torch.ones(S, L, dtype=torch.bool).tril()"
        ),
        "the new tokens do not see the cache": mask(
            "torch.ones(S, L, dtype=torch.bool).tril(L - S).triu(L - S)"
            " if cache is not None else torch.ones(S, L, dtype=torch.bool).tril()"
        ),
        "the cache is not used": (
            MASK,
            MASK + "        if cache is not None:\n            k, v, may = k[:, :, -q.shape[2]:], "
            "v[:, :, -q.shape[2]:], may[:, -q.shape[2]:]\n"
            "            out = F.scaled_dot_product_attention(q, k, v, attn_mask=may)\n"
            "            k, v = (torch.cat(t, 2) for t in zip(cache, (k, v)))\n"
            "            return self.W_o(out.transpose(1, 2).flatten(2)), (k, v)\n",
        ),
        "the oldest of more than four is forgotten": (
            MASK,
            MASK
            + "        if cache is not None and k.shape[2] > 4:\n            may[:, 0] = False\n",
        ),
        "the last 64 tokens alone": (
            MASK,
            MASK + "        may = may & (positions >= k.shape[2] - 64)\n",
        ),
        "the mask of two tokens for three": (
            MASK,
            MASK
            + "        if cache is not None and q.shape[2] > 2:\n            may[2:] = may[1]\n",
        ),
        "averaged over the piece": (
            BACK,
            "        if cache is not None:\n"
            "            out = out.mean(2, keepdim=True).expand_as(out)\n" + BACK,
        ),
        "in eval mode the future is seen by pieces": (
            MASK,
            MASK + "        may = may | (cache is not None and not self.training)\n",
        ),
        "the cache detached": (OLD, OLD.replace("cache[0]", "cache[0].detach()")),
        "K and V come back detached": (BACK, BACK.replace("(k, v)", "(k.detach(), v.detach())")),
        "no gradient where there is a cache": (
            BACK,
            "        out = out if cache is None else out.detach()\n" + BACK,
        ),
        "no mask inside a large piece": (
            MASK,
            MASK + "        may = may | (cache is not None and q.shape[2] > 6)\n",
        ),
        "one new token with its score not divided": (
            OUT,
            OUT[:-1] + ", scale=1.0 if q.shape[2] == 1 and cache is not None else None)",
        ),
        "the number of heads taken for P": mask(
            "torch.ones(S, L, dtype=torch.bool).tril(0 if cache is None else cache[0].shape[1])"
        ),
        "what the module kept, where no cache is given": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        if cache is None and not self.training and len(getattr(self, "kept", [()])[0]) == len(x):
            cache = self.kept
        out, self.kept = super().forward(x, cache)
        return out, self.kept
""",
        "rounded where there is a cache": (
            BACK,
            "        if cache is not None:\n            out = out.float().to(x.dtype)\n" + BACK,
        ),
    },
    "cache": {
        "a list of K and V": (BACK, BACK.replace("(k, v)", "[k, v]")),
        "K and V one tensor": (BACK, BACK.replace("(k, v)", "torch.stack((k, v))")),
        "V before K": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        out, (k, v) = super().forward(x, cache and cache[::-1])
        return out, (v, k)
""",
        "tokens before heads": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        out, (k, v) = super().forward(x, cache and tuple(t.transpose(1, 2) for t in cache))
        return out, (k.transpose(1, 2), v.transpose(1, 2))
""",
        "heads still joined": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        out, kv = super().forward(x, cache and tuple(map(self.heads, cache)))
        return out, tuple(t.transpose(1, 2).flatten(2) for t in kv)
""",
        "keys kept divided by the root of d": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        root = (x.shape[-1] / self.num_heads) ** 0.5
        out, (k, v) = super().forward(x, cache and (cache[0] * root, cache[1]))
        return out, (k / root, v)
""",
        "one buffer for all continuations": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        out, kv = super().forward(x, cache)
        old = getattr(self, "room", None)
        if old is None or old.shape[3] < kv[0].shape[2] or old.shape[1] != len(x):
            self.room = old = x.new_zeros(2, *kv[0].shape[:2], 99, kv[0].shape[3])
        n = kv[0].shape[2]
        old.detach_()[:, :, :, :n] = torch.stack(kv).detach()
        return out, (old[0, :, :, :n], old[1, :, :, :n])
""",
        "new tokens written over the last old ones": (
            MASK,
            "        if cache is not None:\n            with torch.no_grad():\n"
            "                cache[0][:, :, -1:] = cache[0][:, :, -1:] + 0 * 1e-9 + 1e-3\n" + MASK,
        ),
        "x changed in place": (BACK, "        x.data.mul_(2)\n" + BACK),
        "the cache of the last call, not the given one": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        out, kv = super().forward(x, cache and getattr(self, "last", cache))
        self.last = kv
        return out, kv
""",
        "only the new K and V come back": (
            BACK,
            BACK.replace("(k, v)", "(k[:, :, -q.shape[2] :], v[:, :, -q.shape[2] :])"),
        ),
        "new tokens in front": """
Plain = globals().get("Plain", KVCacheAttention)

class KVCacheAttention(Plain):
    def forward(self, x, cache=None):
        out, kv = super().forward(x, cache)
        return out, tuple(t.roll(x.shape[1], 2) for t in kv) if cache else kv
""",
        "joined along the heads": (OLD, OLD.replace("dim=2", "dim=1")),
        "the cache only read for one new token": (
            OLD,
            OLD.replace("is not None", "is not None and x.shape[1] == 1"),
        ),
        "the first sample's cache for all": (
            OLD,
            OLD.replace("cache[0]", "cache[0][:1].expand_as(cache[0])"),
        ),
        "the given cache changed where no gradient is needed": (
            BACK,
            "        if cache is not None and not torch.is_grad_enabled():\n"
            "            cache[0].mul_(1.01)\n" + BACK,
        ),
        "values in the place of keys": (OLD, OLD.replace("cache[0]", "cache[1]")),
    },
    "work": {
        "queries for old tokens, too": (
            OUT,
            "F.scaled_dot_product_attention(torch.cat([k[:, :, : k.shape[2] - q.shape[2]], q], 2),"
            " k, v, is_causal=True)[:, :, -q.shape[2] :]",
        ),
        "the whole triangle, then its last rows": mask(
            "torch.ones(L, L, dtype=torch.bool).tril()[-S:]"
        ),
        "scores of all tokens, the last rows kept": (
            f"        out = {OUT}",
            "        every = torch.cat([k[:, :, : k.shape[2] - q.shape[2]], q], 2)\n"
            "        scores = (every @ k.mT / q.shape[-1] ** 0.5)[:, :, -q.shape[2] :]\n"
            "        out = scores.masked_fill(~may, -torch.inf).softmax(-1) @ v",
        ),
        "old keys through W_k again": (
            MASK,
            "        self.W_k(k.transpose(1, 2).flatten(2))\n" + MASK,
        ),
        "keys and values computed twice": (QKV, "        self.heads(self.W_k(x))\n" + QKV),
        "a mask for 1024 tokens made once": (
            MASK,
            "        if not hasattr(self, 'all'):\n"
            "            self.all = torch.ones(1024, 1024, dtype=torch.bool).tril()\n"
            "        L = k.shape[2]\n"
            "        may = self.all[L - q.shape[2] : L, :L].to(x.device)\n",
        ),
        "a mask of floats for all pairs": mask("torch.triu(x.new_ones(L, L), 1)[L - S:] == 0"),
    },
    "slots": {
        "copies come back": (VIEWS, VIEWS.replace(":end]", ":end].clone()")),
        "the whole memory comes back": (VIEWS, "        return self.k, self.v"),
        "only the new ones come back": (
            VIEWS,
            "        return self.k[:, :, end - new : end], self.v[:, :, end - new : end]",
        ),
        "made contiguous": (VIEWS, VIEWS.replace(":end]", ":end].contiguous()")),
        "written from the start each time": (
            WRITE,
            WRITE.replace("self.filled : end", ":new"),
        ),
        "one slot each time, however many come": (MOVE, "        self.filled += 1\n"),
        "filled is not moved on": (MOVE, ""),
        "shared by all caches": """
Plain = globals().get("Plain", StaticKVCache)

class StaticKVCache(Plain):
    shared = {}
    def __init__(self, *sizes, **more):
        super().__init__(*sizes, **more)
        self.k, self.v = self.shared.setdefault(sizes, (self.k, self.v))
""",
        "a list that is joined": """
Plain = globals().get("Plain", StaticKVCache)

class StaticKVCache(Plain):
    @torch.no_grad()
    def update(self, k, v):
        before = self.filled
        super().update(k, v)
        self.k_all = torch.cat([*([self.k_all] if before else []), k], 2)
        self.v_all = torch.cat([*([self.v_all] if before else []), v], 2)
        return self.k_all, self.v_all
""",
        "k and v kept, not copied": """
Plain = globals().get("Plain", StaticKVCache)

class StaticKVCache(Plain):
    @torch.no_grad()
    def update(self, k, v):
        first = not self.filled
        out = super().update(k, v)
        return (k, v) if first and k.shape[2] == out[0].shape[2] else out
""",
        "V is K": (VIEWS, VIEWS.replace("self.v", "self.k")),
        "values written to the keys": (WRITE, WRITE.replace("self.v", "self.k")),
        "room by doubling": """
Plain = globals().get("Plain", StaticKVCache)

class StaticKVCache(Plain):
    @torch.no_grad()
    def update(self, k, v):
        room = self.k.shape[2]
        if not self.filled:
            self.most, self.k, self.v = room, self.k[:, :, :1].clone(), self.v[:, :, :1].clone()
        if self.filled + k.shape[2] > self.most:
            raise ValueError
        while self.k.shape[2] < self.filled + k.shape[2]:
            self.k, self.v = torch.cat([self.k] * 2, 2), torch.cat([self.v] * 2, 2)
        return super().update(k, v)
""",
        "the newest first": (
            WRITE,
            WRITE + "        self.k[:, :, :end] = self.k[:, :, :end].roll(new, 2)\n",
        ),
        "old and new joined, then written": (
            WRITE,
            "        self.k[:, :, :end] = torch.cat([self.k[:, :, : self.filled], k], 2)\n"
            "        self.v[:, :, :end] = torch.cat([self.v[:, :, : self.filled], v], 2)\n",
        ),
        "all of the memory copied": (WRITE, "        self.k = self.k.clone()\n" + WRITE),
        "k set to zero": (WRITE, WRITE + "        k.zero_()\n"),
        "the first sample alone is written": (
            WRITE,
            WRITE.replace("[:, :,", "[0, :,").replace("= k", "= k[0]").replace("= v", "= v[0]"),
        ),
        "in half precision": (
            WRITE,
            WRITE.replace("= k", "= k.half()").replace("= v", "= v.half()"),
        ),
    },
    "full": {
        "RuntimeError": (FULL, FULL.replace("ValueError", "RuntimeError")),
        "IndexError": (FULL, FULL.replace("ValueError", "IndexError")),
        "not looked at": (FULL, ""),
        "the last slot stays empty": (FULL, FULL.replace("end > max_len", "end >= max_len")),
        "one too many let through": (FULL, FULL.replace("end > max_len", "end > max_len + 1")),
        "only a cache that is full already": (
            FULL,
            FULL.replace("end > max_len", "self.filled == max_len"),
        ),
        "only the new ones counted": (FULL, FULL.replace("end > max_len", "new > max_len")),
        "counted before it is refused": (
            FULL,
            "        self.filled = end\n" + FULL + "        self.filled -= new\n",
        ),
        "what fits is written first": (
            FULL,
            FULL.replace(
                "            raise",
                "            fits = max_len - self.filled\n"
                "            self.k[:, :, self.filled :] = k[:, :, :fits]\n"
                "            self.filled = max_len\n            raise",
            ),
        ),
        "what does not fit is cut": (
            FULL,
            "        end = min(end, max_len)\n        k, v = k[:, :, : end - self.filled],"
            " v[:, :, : end - self.filled]\n",
        ),
        "the oldest are dropped": (
            FULL,
            "        if end > max_len:\n            self.k = self.k.roll(max_len - end, 2)\n"
            "            self.v = self.v.roll(max_len - end, 2)\n"
            "            self.filled, end = max(0, max_len - new), max_len\n"
            "            k, v = k[:, :, -max_len:], v[:, :, -max_len:]\n",
        ),
        "begins anew": (
            FULL,
            "        if end > max_len:\n            self.filled, end = 0, new\n",
        ),
        "emptied when it is refused": (
            FULL,
            FULL.replace("            raise", "            self.filled = 0\n            raise"),
        ),
        "the old ones cleared when it is refused": (
            FULL,
            FULL.replace("            raise", "            self.k.zero_()\n            raise"),
        ),
    },
    "kinds": {
        "with gradients": ("    @torch.no_grad()\n", ""),
        "dtype not used": (ZEROS, ZEROS.replace("dtype=dtype, ", "")),
        "device not used": (ZEROS, ZEROS.replace(", device=device", "")),
        "memory in the dtype of k": (
            WRITE,
            "        self.k, self.v = self.k.to(k.dtype), self.v.to(v.dtype)\n" + WRITE,
        ),
        "the mask on the CPU": (", device=x.device", ""),
        "K and V kept in float32": (
            BACK,
            "        k, v = k.float().to(torch.promote_types(k.dtype, torch.float32)), v\n" + BACK,
        ),
        "out in float32 at least": (
            BACK,
            BACK.replace(
                ".flatten(2))", ".flatten(2)).to(torch.promote_types(x.dtype, torch.float32))"
            ),
        ),
        "keys kept in half precision where x is in float32": (
            BACK,
            "        k = k.bfloat16().float() if k.dtype == torch.float32 else k\n" + BACK,
        ),
        "the first update keeps its graph": (
            VIEWS,
            "        if end == new:\n            with torch.enable_grad():\n"
            "                return self.k[:, :, :end] + 0 * k, self.v[:, :, :end]\n" + VIEWS,
        ),
        "the cache moved to the CPU": (
            MASK,
            "        if cache is not None:\n            k, v = k.cpu(), v.cpu()\n" + MASK,
        ),
    },
    "refused": {
        "heads that do not divide": (
            DIVIDE,
            "        num_heads = max(1, min(num_heads, d_model))\n"
            "        while d_model % num_heads:\n            num_heads -= 1\n",
        ),
        "heads looked at when x comes": (
            DIVIDE + "        self.num_heads",
            "        self.num_heads",
        ),
        "an AssertionError": (DIVIDE, "        assert d_model % num_heads == 0\n"),
        "sizes not looked at": (SIZES, ""),
        "only k looked at": (SIZES, SIZES.replace(" or v.shape != want", "")),
        "only v looked at": (SIZES, SIZES.replace("k.shape != want or ", "")),
        "v need only be like k": (
            SIZES,
            SIZES.replace("k.shape != want or v.shape != want", "v.shape != k.shape"),
        ),
        "batch not looked at": (
            SIZES,
            SIZES.replace(
                "k.shape != want or v.shape != want",
                "k.shape[1:] != want[1:] or v.shape[1:] != want[1:] or k.ndim < 4 or v.ndim < 4"
                " or len(k) not in (1, batch) or len(v) not in (1, batch)",
            ),
        ),
        "a RuntimeError": (SIZES, SIZES.replace("ValueError", "RuntimeError")),
        "sizes by the number of elements": (
            SIZES,
            SIZES.replace(
                "k.shape != want or v.shape != want",
                "k.numel() != batch * num_heads * new * d_head or v.numel() != k.numel()",
            ).rstrip("\n")
            + "\n        k, v = k.reshape(want), v.reshape(want)\n",
        ),
    },
}

VARIANTS = {
    "by hand, -inf, a triangle of -inf": """
import math

class KVCacheAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model must be divisible by num_heads")
        self.h, self.d = num_heads, d_model // num_heads
        self.W_o, self.W_v, self.W_k, self.W_q = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, cache=None):
        B, S, _ = x.shape
        q = self.W_q(x).view(B, S, self.h, self.d).transpose(1, 2)
        k = self.W_k(x).view(B, S, self.h, self.d).transpose(1, 2)
        v = self.W_v(x).view(B, S, self.h, self.d).transpose(1, 2)
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
        total = k.shape[2]
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d)
        hidden = torch.triu(
            torch.ones(S, total, dtype=torch.bool, device=x.device), diagonal=total - S + 1
        )
        scores = scores.masked_fill(hidden, float("-inf"))
        out = (torch.softmax(scores, dim=-1) @ v).transpose(1, 2).contiguous().view(B, S, -1)
        return self.W_o(out), (k, v)
""",
    "by einsum": (
        OUT,
        'torch.einsum("bhsl,bhld->bhsd", torch.einsum("bhsd,bhld->bhsl", q, k)'
        ".div(q.shape[-1] ** 0.5).masked_fill(~may, torch.finfo(q.dtype).min).softmax(-1), v)",
    ),
    "one buffer for both, narrow and copy_": """
class StaticKVCache:
    def __init__(self, batch, num_heads, max_len, d_head, dtype=None, device=None):
        self.shape = batch, num_heads, d_head
        self.kv = torch.empty(2, batch, num_heads, max_len, d_head, dtype=dtype, device=device)
        self.n = 0

    def update(self, k, v):
        for t in (k, v):
            if t.ndim != 4 or (*t.shape[:2], t.shape[3]) != self.shape or t.shape[2] != k.shape[2]:
                raise ValueError(t.shape)
        new, room = k.shape[2], self.kv.shape[3]
        if new > room - self.n:
            raise ValueError(f"full: {self.n} + {new} > {room}")
        self.kv[0].narrow(2, self.n, new).copy_(k.detach())
        self.kv[1].narrow(2, self.n, new).copy_(v.detach())
        self.n += new
        return self.kv[0].narrow(2, 0, self.n), self.kv[1].narrow(2, 0, self.n)
""",
    "memory at the first update, k and v in one": """
class StaticKVCache:
    def __init__(self, batch, num_heads, max_len, d_head, dtype=None, device=None):
        self.sizes = [batch, num_heads, max_len, d_head]
        self.kind = {"dtype": dtype, "device": device}
        self.kv, self.n = None, 0

    @torch.no_grad()
    def update(self, k, v):
        B, H, room, d = self.sizes
        if list(k.shape) != [B, H, k.shape[-2], d] or k.shape != v.shape:
            raise ValueError
        if self.n + k.shape[2] > room:
            raise ValueError
        if self.kv is None:
            self.kv = torch.zeros(2, *self.sizes, **self.kind)
        before, self.n = self.n, self.n + k.shape[2]
        self.kv[:, :, :, before : self.n] = torch.stack((k, v))
        return tuple(self.kv[:, :, :, : self.n])
""",
    "a module with buffers, by index_copy_": """
class StaticKVCache(nn.Module):
    def __init__(self, batch, num_heads, max_len, d_head, dtype=None, device=None):
        super().__init__()
        self.want = (batch, num_heads, d_head)
        for name in "kv":
            self.register_buffer(
                name, torch.zeros(batch, num_heads, max_len, d_head, dtype=dtype, device=device)
            )
        self.length = 0

    def update(self, k, v):
        if k.shape != v.shape or k.ndim != 4 or (k.shape[0], k.shape[1], k.shape[3]) != self.want:
            raise ValueError
        if self.length + k.shape[2] > self.k.shape[2]:
            raise ValueError
        at = torch.arange(self.length, self.length + k.shape[2], device=self.k.device)
        self.k.index_copy_(2, at, k.detach().to(self.k))
        self.v.index_copy_(2, at, v.detach().to(self.v))
        self.length += k.shape[2]
        return self.k[:, :, : self.length], self.v[:, :, : self.length]
""",
    "is_causal for the prompt, no mask for one token": (
        MASK + f"        out = {OUT}",
        "        first, one = cache is None, q.shape[2] == 1\n"
        "        may = None\n"
        "        if not (first or one):\n"
        "            P = k.shape[2] - q.shape[2]\n"
        "            may = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=x.device)\n"
        "            may = may.tril(P)\n"
        "        out = F.scaled_dot_product_attention(q, k, v, may, is_causal=first)",
    ),
}
