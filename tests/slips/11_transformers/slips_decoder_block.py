"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SCORES = "q / math.sqrt(q.shape[-1]) @ k.mT"
CAUSAL = "return attend(Q, K, V, lower_triangle(Q))"
QKV = "q, k, v = self.heads(self.W_q(x_q)), self.heads(self.W_k(x_kv)), self.heads(self.W_v(x_kv))"
OUT = "return self.W_o(mixed.transpose(-3, -2).flatten(-2))"
HEADS = "return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)"
SELF = "x = x + self.dropout(self.self_attn(h, h, lower_triangle(h)))"
CROSS = "x = x + self.dropout(self.cross_attn(self.norm2(x), memory, memory_mask))"
LAST = "return x + self.dropout(self.linear2(self.dropout(inner)))"
FILL = "scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)"
ZERO = "return scores.softmax(-1).masked_fill(hidden, 0) @ v"
NORM2 = "self.norm2 = nn.LayerNorm(d_model)"
BOTH = (
    "        if mask is None:\n            return scores.softmax(-1) @ v\n",
    "",
)


def some_dropped(axes, at):
    """A block that draws one number for all features, tokens or samples, in one of its places."""
    drop = f"(lambda y: y * self.dropout(y.new_ones(y.shape)[{axes}]))"
    line = {"self": SELF, "cross": CROSS, "last": LAST, "inner": LAST}[at]
    old = "self.dropout(inner)" if at == "inner" else "self.dropout("
    return line, line.replace(old, f"{drop}(inner)" if at == "inner" else f"{drop}(", 1)


SLIPS = {
    "by_hand": {
        "torch's attention under no_grad": (
            "mixed = attend(q, k, v, mask)",
            "mixed = attend(q, k, v, mask)\n"
            "        if not torch.is_grad_enabled():\n"
            "            mixed = nn.functional.scaled_dot_product_attention(q, k, v, mask)",
        ),
        "causal attention of the library": (
            CAUSAL,
            "return nn.functional.scaled_dot_product_attention(Q, K, V, is_causal=True)",
        ),
        "attention of the library without a mask": (
            "return scores.softmax(-1) @ v",
            "return nn.functional.scaled_dot_product_attention(q, k, v)",
        ),
        "attention of the library with a mask": (
            ZERO,
            "return nn.functional.scaled_dot_product_attention(q, k, v, mask)",
        ),
        "attention of the library for a batch of one": (
            "mixed = attend(q, k, v, mask)",
            "mixed = (attend if len(q) > 1 else"
            " nn.functional.scaled_dot_product_attention)(q, k, v, mask)",
        ),
        "attention of the library for padding": (
            "mixed = attend(q, k, v, mask)",
            "mixed = (attend if mask is None or mask.dim() < 4 or mask.shape[1] > 1 else"
            " nn.functional.scaled_dot_product_attention)(q, k, v, mask)",
        ),
        "attention of the library in eval mode": (
            "mixed = attend(q, k, v, mask)",
            "mixed = (attend if self.training else"
            " nn.functional.scaled_dot_product_attention)(q, k, v, mask)",
        ),
    },
    "causal": {
        "D of the values": (
            CAUSAL,
            "return attend(Q * math.sqrt(Q.shape[-1] / V.shape[-1]), K, V, lower_triangle(Q))",
        ),
        "not scaled": (
            CAUSAL,
            "return attend(Q * math.sqrt(Q.shape[-1]), K, V, lower_triangle(Q))",
        ),
        "divided by D": (
            CAUSAL,
            "return attend(Q / math.sqrt(Q.shape[-1]), K, V, lower_triangle(Q))",
        ),
        "no mask": (CAUSAL, "return attend(Q, K, V, None)"),
        "upper triangle": (CAUSAL, "return attend(Q, K, V, lower_triangle(Q).T)"),
        "a token does not see itself": (
            CAUSAL,
            "return attend(Q, K, V, lower_triangle(Q).tril(-1))",
        ),
        "one token of the future seen": (
            CAUSAL,
            "return attend(Q, K, V, lower_triangle(Q).roll(-1, 1).logical_or(lower_triangle(Q)))",
        ),
        "the last eight tokens alone": (
            CAUSAL,
            "return attend(Q, K, V, lower_triangle(Q).triu(-7))",
        ),
        "the last six tokens alone, in the block, too": (
            "device=x.device).tril()",
            "device=x.device).tril().triu(-5)",
        ),
        "weights zeroed after the softmax": (
            CAUSAL,
            "return (Q @ K.mT / math.sqrt(Q.shape[-1])).softmax(-1) * lower_triangle(Q) @ V",
        ),
        "softmax over the queries": (
            CAUSAL,
            "s = (Q @ K.mT / math.sqrt(Q.shape[-1])).masked_fill(~lower_triangle(Q), -1e30)\n"
            "    return s.softmax(-2) @ V",
        ),
        "scores set to 0 where hidden": (
            CAUSAL,
            "s = (Q @ K.mT / math.sqrt(Q.shape[-1])).masked_fill(~lower_triangle(Q), 0)\n"
            "    return s.softmax(-1) @ V",
        ),
        "keys and queries swapped": (CAUSAL, "return attend(K, Q, V, lower_triangle(Q))"),
        "samples as tokens": (
            "L = x.shape[-2]",
            "L = x.shape[-2] if x.dim() > 3 or x.shape[0] != x.shape[1] + 1 else 1",
        ),
        "a graph cut": (CAUSAL, "return attend(Q, K.detach(), V, lower_triangle(Q))"),
        "the first sample's scores for all": (
            CAUSAL,
            "return attend(Q[:1], K[:1], V, lower_triangle(Q))",
        ),
    },
    "cross": {
        "causal if x_q is x_kv": (
            "mixed = attend(q, k, v, mask)",
            "mask = lower_triangle(x_q) if mask is None and x_q is x_kv else mask\n"
            "        mixed = attend(q, k, v, mask)",
        ),
        "no bias": (
            "self.W_k = nn.Linear(d_model, d_model)",
            "self.W_k = nn.Linear(d_model, d_model, bias=False)",
        ),
        "one projection for keys and values": (
            "self.W_v = nn.Linear(d_model, d_model)",
            "self.W_v = self.W_k",
        ),
        "an own name": """
class MultiHeadCrossAttention(MultiHeadCrossAttention):
    def __init__(self, d_model, num_heads):
        super().__init__(d_model, num_heads)
        self.W_out = self.W_o
        del self.W_o
""",
        "values from x_q": """
class MultiHeadCrossAttention(MultiHeadCrossAttention):
    def forward(self, x_q, x_kv, mask=None):
        if x_q.shape != x_kv.shape:
            x_q = torch.cat((x_q, x_kv), 1)[:, : x_q.shape[1]]
        q, k, v = (self.heads(w(x)) for w, x in (
            (self.W_q, x_q), (self.W_k, x_kv), (self.W_v, x_q if x_q.shape == x_kv.shape else x_kv)
        ))
        return self.W_o(attend(q, k, v, mask).transpose(-3, -2).flatten(-2))
""",
        "queries from x_kv where the lengths agree": (
            QKV,
            f"{QKV}\n        q = self.heads(self.W_q(x_kv)) if x_q.shape == x_kv.shape and "
            "not torch.equal(x_q, x_kv) else q",
        ),
        "W_q and W_k swapped": (
            QKV,
            QKV.replace("W_q", "W_x").replace("W_k", "W_q").replace("W_x", "W_k"),
        ),
        "scaled by sqrt(D), of all heads": (
            "mixed = attend(q, k, v, mask)",
            "mixed = attend(q / math.sqrt(self.num_heads), k, v, mask)",
        ),
        "heads every H-th feature": (
            HEADS,
            "return x.unflatten(-1, (-1, self.num_heads)).transpose(-1, -2).transpose(-3, -2)",
        ),
        "heads by a view, tokens mixed": (
            HEADS,
            "return x.reshape(x.shape[0], self.num_heads, x.shape[1], -1)",
        ),
        "heads put together without a transpose": (
            OUT,
            "return self.W_o(mixed.reshape(x_q.shape))",
        ),
        "one head": (HEADS, "return x.unsqueeze(-3)"),
        "the first eight tokens of the memory alone": (
            QKV,
            f"x_kv = x_kv if mask is not None else x_kv[:, :8]\n        {QKV}",
        ),
        "a norm that is never used": (
            "self.W_q = nn.Linear(d_model, d_model)",
            "self.W_q, self.norm = nn.Linear(d_model, d_model), nn.LayerNorm(d_model)",
        ),
        "no W_o": (OUT, OUT.replace("self.W_o", "")),
        "a residual in it": (OUT, OUT.replace("self.W_o", "x_q + self.W_o")),
        "keys detached": ("self.heads(self.W_k(x_kv))", "self.heads(self.W_k(x_kv.detach()))"),
        "a dropout of its own": (OUT, OUT.replace("self.W_o", "nn.Dropout(0.1)(self.W_o") + ")"),
        "x_kv normed": (
            QKV,
            f"x_kv = nn.functional.layer_norm(x_kv, x_kv.shape[-1:])\n        {QKV}",
        ),
    },
    "wiring": {
        "memory normed": (CROSS, CROSS.replace("memory, ", "self.norm2(memory), ")),
        "keys and values from x": (
            CROSS,
            CROSS.replace("memory, memory_mask", "self.norm2(x)"),
        ),
        "queries from the memory": (
            CROSS,
            CROSS.replace("self.norm2(x), memory", "memory[:, :1].expand_as(x), memory"),
        ),
        "one norm for two branches": (NORM2, "self.norm2 = self.norm1"),
        "norm1 used twice": ("self.norm2(x)", "self.norm1(x)"),
        "norm2 used for the net": ("self.norm3(x)", "self.norm2(x)"),
        "one attention for both": (
            "self.cross_attn = MultiHeadCrossAttention(d_model, num_heads)",
            "self.cross_attn = self.self_attn",
        ),
        "self_attn used twice": ("self.cross_attn(self", "self.self_attn(self"),
        "post-LN": (
            f"        h = self.norm1(x)\n        {SELF}\n",
            "        x = self.norm1(x + self.dropout(self.self_attn(x, x, lower_triangle(x))))\n",
        ),
        "no residual around cross-attention": (CROSS, CROSS.replace("x + ", "")),
        "no residual around the net": (LAST, LAST.replace("x + ", "")),
        "a residual from the norm": (SELF, SELF.replace("x = x +", "x = h +")),
        "cross-attention without norm": ("self.norm2(x)", "x"),
        "cross-attention first": (
            f"        h = self.norm1(x)\n        {SELF}\n        {CROSS}\n",
            f"        {CROSS}\n        h = self.norm1(x)\n        {SELF}\n",
        ),
        "cross-attention of x as it came": (
            f"        h = self.norm1(x)\n        {SELF}\n        {CROSS}\n",
            f"        h, was = self.norm1(x), x\n        {SELF}\n        "
            + CROSS.replace("norm2(x)", "norm2(was)")
            + "\n",
        ),
        "self-attention not causal": ("h, h, lower_triangle(h)", "h, h"),
        "self-attention of the last eight tokens alone": (
            "h, h, lower_triangle(h)",
            "h, h, lower_triangle(h).triu(-7)",
        ),
        "the first eight tokens of the memory alone": (
            CROSS,
            CROSS.replace("memory, memory_mask", "memory[:, :8], memory_mask"),
        ),
        "self-attention causal in train mode only": (
            "h, h, lower_triangle(h)",
            "h, h, lower_triangle(h) if self.training else None",
        ),
        "a causal mask on the memory": (
            CROSS,
            "if memory_mask is None:\n"
            "            memory_mask = torch.ones(x.shape[1], memory.shape[1], dtype=torch.bool,"
            " device=x.device).tril()\n"
            f"        {CROSS}",
        ),
        "GELU": (".relu()  # (B, L_q, d_ff)", "\n        inner = nn.functional.gelu(inner)"),
        "no ReLU": (".relu()  # (B, L_q, d_ff)", ""),
        "another eps": (NORM2, "self.norm2 = nn.LayerNorm(d_model, 1e-2)"),
        "a norm at the end": (
            LAST,
            LAST.replace("return x + ", "x = x + ") + "\n        return nn.functional.layer_norm("
            "x, x.shape[-1:])",
        ),
        "the memory cut to the length of x": (
            CROSS,
            CROSS.replace("memory, ", "memory[:, : max(4, x.shape[1])], "),
        ),
        "the memory detached": (CROSS, CROSS.replace("memory, ", "memory.detach(), ")),
        "x changed in place": (SELF, SELF.replace("x = x +", "x +=")),
        "dropout in eval mode": (
            LAST,
            "return x + nn.functional.dropout(self.linear2(self.dropout(inner)), self.dropout.p)",
        ),
        "RMSNorm": (NORM2, "self.norm2 = nn.RMSNorm(d_model)"),
    },
    "masks": {
        "the first call's triangle for every length": (
            SELF,
            "self.kept = getattr(self, 'kept', lower_triangle(h))\n        "
            + SELF.replace("lower_triangle(h)", "self.kept"),
        ),
        "memory_mask ignored": ("memory, memory_mask", "memory"),
        "memory_mask inverted": (
            "memory, memory_mask",
            "memory, None if memory_mask is None else ~memory_mask",
        ),
        "the memory's mask for x, too": (
            SELF,
            "may = lower_triangle(h)\n"
            "        if memory_mask is not None and memory_mask.shape[-2:] == may.shape:\n"
            "            may = may & memory_mask | torch.eye(len(may), dtype=torch.bool)\n"
            "        x = x + self.dropout(self.self_attn(h, h, may))",
        ),
        "heads see what any of them may see": (
            "memory, memory_mask",
            "memory, memory_mask if memory_mask is None or memory_mask.dim() < 3"
            " else memory_mask.any(-3, keepdim=True)",
        ),
        "the first head's mask for all": (
            "memory, memory_mask",
            "memory, None if memory_mask is None else memory_mask[:, :1]",
        ),
        "the first sample's mask for all": (
            "memory, memory_mask",
            "memory, None if memory_mask is None else memory_mask[:1]",
        ),
        "mask added to the scores": (FILL, "scores = scores + mask"),
        "hidden scores of 0": (FILL, "scores = scores.masked_fill(hidden, 0)"),
        "weights zeroed after the softmax only": (f"    {FILL}\n", ""),
        "a mask of four axes only": (
            "mixed = attend(q, k, v, mask)",
            "mask = mask if mask is None or mask.dim() != 3 else mask[:, None]\n"
            "        mixed = attend(q, k, v, mask)",
        ),
        "padding (B, 1, 1, L_k) as (L_q, L_k)": (
            "    hidden = ~mask\n",
            "    hidden = ~(mask[0, 0] if mask.dim() == 4 and mask.shape[1] == 1 else mask)\n",
        ),
        "hidden scores of -10,000": (FILL, "scores = scores.masked_fill(hidden, -1e4)"),
        "padding of the memory only": (
            "memory, memory_mask",
            "memory, None if memory_mask is None else memory_mask[..., :1, :]",
        ),
        "mask transposed where the lengths agree": (
            "memory, memory_mask",
            "memory, memory_mask.mT if memory_mask is not None"
            " and memory_mask.shape[-1] == memory_mask.shape[-2] else memory_mask",
        ),
    },
    "dropout": {
        "in place, so that the ReLU's result is lost to backward": (
            "self.dropout = nn.Dropout(dropout)",
            "self.dropout = nn.Dropout(dropout, inplace=True)",
        ),
        "no dropout after self-attention": (SELF, SELF.replace("self.dropout(", "(")),
        "no dropout after cross-attention": (CROSS, CROSS.replace("self.dropout(", "(")),
        "no dropout after the net": (LAST, LAST.replace("self.dropout(self.l", "(self.l")),
        "no dropout after the ReLU": (LAST, LAST.replace("(self.dropout(inner))", "(inner)")),
        "twice after the net, not after the ReLU": (
            LAST,
            "return x + self.dropout(self.dropout(self.linear2(inner)))",
        ),
        "dropout on the sum": (
            SELF,
            "x = self.dropout(x + self.self_attn(h, h, lower_triangle(h)))",
        ),
        "dropout on the memory": (CROSS, CROSS.replace("memory, ", "self.dropout(memory), ")),
        "dropout on the norm, too": ("h = self.norm1(x)", "h = self.dropout(self.norm1(x))"),
        "dropout on attention weights, too": """
def attend(q, k, v, mask):
    scores = q / math.sqrt(q.shape[-1]) @ k.mT
    if mask is None:
        return DROP[-1](scores.softmax(-1)) @ v
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return DROP[-1](scores.softmax(-1).masked_fill(~mask, 0)) @ v


class TransformerDecoderBlock(TransformerDecoderBlock):
    def forward(self, x, memory, memory_mask=None):
        DROP.append(self.dropout)
        out = super().forward(x, memory, memory_mask)
        DROP.pop()
        return out


DROP = [nn.Identity()]
""",
        "default dropout 0": ("dropout: float = 0.1", "dropout: float = 0.0"),
        "p always 0.1": ("nn.Dropout(dropout)", "nn.Dropout(0.1)"),
        "not scaled up": """
class TransformerDecoderBlock(TransformerDecoderBlock):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.1):
        super().__init__(d_model, num_heads, d_ff, dropout)
        self.dropout = lambda y: y * (torch.rand_like(y) >= dropout) if self.training else y
""",
        "whole tokens dropped": some_dropped("..., :1", "cross"),
        "whole samples dropped": some_dropped(":, :1, :1", "self"),
        "the same dropped for all tokens": some_dropped(":, :1", "last"),
        "the same dropped for all samples, of the ReLU's result": some_dropped(":1", "inner"),
        "dropout with a mask only": (
            CROSS,
            CROSS.replace(
                "self.dropout(", "(self.dropout if memory_mask is not None else nn.Identity())("
            ),
        ),
        "dropout without a mask only": (
            CROSS,
            CROSS.replace(
                "self.dropout(", "(self.dropout if memory_mask is None else nn.Identity())("
            ),
        ),
    },
    "empty": {
        "minus infinity": (
            f"    {FILL}\n    {ZERO}",
            "    return scores.masked_fill(hidden, float('-inf')).softmax(-1) @ v",
        ),
        "minus infinity added, NaN replaced after the softmax": (
            f"    {FILL}\n    {ZERO}",
            "    hide = torch.zeros_like(scores).masked_fill(hidden, float('-inf'))\n"
            "    return (scores + hide).softmax(-1).nan_to_num(0) @ v",
        ),
        "the mean of all": (ZERO, "return scores.softmax(-1) @ v"),
        "the whole result 0, the bias too": (
            OUT,
            f"out = {OUT[7:]}\n        return out if mask is None else out * mask.expand("
            "x_q.shape[0], self.num_heads, x_q.shape[1], x_kv.shape[1]).flatten(1, 1)"
            ".any(1).any(-1, keepdim=True)",
        ),
        "0 only where no head sees anything": (
            ZERO,
            "gone = hidden.expand(scores.shape).all(-1, keepdim=True)\n"
            "    gone = gone.all(-3, keepdim=True) if scores.dim() == 4 else gone\n"
            "    return scores.softmax(-1).masked_fill(gone, 0) @ v",
        ),
    },
    "dtypes": {
        "computed in float32": (
            CROSS,
            CROSS.replace("self.norm2(x), memory", "self.norm2(x).float().to(x.dtype), memory"),
        ),
        "the result in the dtype of the net": (
            LAST,
            f"{LAST[7:]}".join(("return (", ").to(inner.dtype)")),
        ),
        "hidden scores of -1e39": (FILL, "scores = scores.masked_fill(hidden, -1e39)"),
        "scale in float32": (
            SCORES,
            "(q.float() / math.sqrt(q.shape[-1])).to(q.dtype) @ k.mT",
        ),
    },
    "inputs": {
        "a triangle on the CPU": (", device=x.device).tril()", ").tril()"),
        "a default memory_mask on the CPU": (
            CROSS,
            "if memory_mask is None:\n"
            "            memory_mask = torch.ones(1, memory.shape[1], dtype=torch.bool)\n"
            f"        {CROSS}",
        ),
        "views instead of reshapes": (
            QKV,
            f"x_kv.view(-1, x_kv.shape[-1])\n        {QKV}",
        ),
        "the mask inverted in place": (
            "    hidden = ~mask\n",
            "    hidden = mask.logical_not_()\n",
        ),
        "Q scaled in place": (
            CAUSAL,
            "with torch.no_grad():\n        Q.mul_(1.0001)\n    " + CAUSAL,
        ),
        "a new mask of ones on the CPU": (
            "    hidden = ~mask\n",
            "    hidden = ~(mask & torch.ones(mask.shape, dtype=torch.bool))\n",
        ),
    },
}

VARIANTS = {
    "NaN replaced after the softmax, where all the scores are filled": (
        f"    {FILL}\n    {ZERO}",
        "    weights = scores.masked_fill(hidden, float('-inf')).softmax(-1)\n"
        "    return weights.nan_to_num(0) @ v",
    ),
    "minus infinity, rows without a key given one": """
def attend(q, k, v, mask):
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    if mask is not None:
        none = ~mask.any(-1, keepdim=True)
        scores = scores.masked_fill(~(mask | none), float("-inf"))
        return torch.where(none, 0.0, torch.softmax(scores, dim=-1)) @ v
    return torch.softmax(scores, dim=-1) @ v
""",
    "einsum, heads last; own parts in a row, four dropouts; a loop over tokens": """
class MultiHeadCrossAttention(MultiHeadCrossAttention):
    def forward(self, x_q, x_kv, mask=None):
        B, L_q, D = x_q.shape
        d = D // self.num_heads
        q = self.W_q(x_q).reshape(B, L_q, self.num_heads, d)
        k, v = (W(x_kv).reshape(B, -1, self.num_heads, d) for W in (self.W_k, self.W_v))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / d**0.5
        if mask is None:
            weights = scores.softmax(-1)
        else:
            weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)
            weights = weights * mask
        return self.W_o(torch.einsum("bhqk,bkhd->bqhd", weights, v).reshape(B, L_q, D))


class TransformerDecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.1):
        super().__init__()
        self.self_attn = MultiHeadCrossAttention(d_model, num_heads)
        self.cross_attn = MultiHeadCrossAttention(d_model, num_heads)
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(d_model) for _ in range(3))
        self.drops = nn.ModuleList(nn.Dropout(dropout) for _ in range(4))

    def forward(self, x, memory, memory_mask=None):
        y, n = self.norm1(x), x.size(1)
        triangle = torch.arange(n, device=x.device)
        y = self.self_attn(y, y, mask=triangle[:, None] >= triangle)
        x = self.drops[0](y) + x
        x = self.drops[1](self.cross_attn(self.norm2(x), memory, mask=memory_mask)) + x
        y = self.drops[2](torch.relu(self.linear1(self.norm3(x))))
        return self.drops[3](self.linear2(y)) + x


def causal_attention(Q, K, V):
    rows = []
    for i in range(Q.shape[1]):
        scores = torch.einsum("bd,bkd->bk", Q[:, i], K[:, : i + 1]) / math.sqrt(Q.shape[2])
        rows.append(torch.einsum("bk,bkd->bd", scores.softmax(1), V[:, : i + 1]))
    return torch.stack(rows, 1)
""",
}
