"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

HIDE = "scores.masked_fill(hidden, torch.finfo(scores.dtype).min)"
WEIGH = "attn = scores.softmax(dim=-1).masked_fill(hidden, 0)"
SCALE = "Q / math.sqrt(Q.shape[-1]) @ K.mT"
HEADS = "x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)"
MERGE = "mixed.transpose(-3, -2).flatten(-2)"
DROPPED = "mixed = self.dropout(attn) @ v"
FIRST = "x = x + self.dropout(self.attend(self.norm1(x), mask))"
SECOND = "return x + self.dropout(self.linear2(self.dropout(inner)))"
ATTEND = "self.self_attn(x, x, x, attn_mask=mask, need_weights=False)[0]"
EXPAND = "mask.expand(B, self.self_attn.num_heads, L, L).flatten(0, 1)"


def shared_dropout(some, branch="shared", inner="dropout"):
    """A block that draws one number for all that is left out in some of its dropouts."""
    return f"""
class TransformerEncoderBlock(TransformerEncoderBlock):
    def shared(self, x):
        return x * self.dropout(x.new_ones(x.shape)[{some}])

    def forward(self, x, mask=None):
        x = x + self.{branch}(self.attend(self.norm1(x), mask))
        inner = self.linear1(self.norm2(x)).relu()
        return x + self.{branch}(self.linear2(self.{inner}(inner)))
"""


SLIPS = {
    "challenge_scaled_dot_product_attention": {
        "no scale": (SCALE, "Q @ K.mT"),
        "scale by D": ("math.sqrt(Q.shape[-1])", "Q.shape[-1]"),
        "scale by the features of V": ("math.sqrt(Q.shape[-1])", "math.sqrt(V.shape[-1])"),
        "scale by the number of keys": ("math.sqrt(Q.shape[-1])", "math.sqrt(K.shape[-2])"),
        "scaled after float16 has overflowed": (SCALE, "Q @ K.mT / math.sqrt(Q.shape[-1])"),
        "a float32 scale for float64": (
            "math.sqrt(Q.shape[-1])",
            "torch.tensor(Q.shape[-1]).sqrt().item()",
        ),
        "Q scaled in place": (
            "scores = Q / math.sqrt(Q.shape[-1])",
            "Q.data /= math.sqrt(Q.shape[-1])\n    scores = Q",
        ),
        "softmax over queries": (WEIGH, "attn = scores.softmax(dim=-2).masked_fill(hidden, 0)"),
        "softmax over queries without a mask": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n        attn = scores.softmax(dim=-2)",
        ),
        "softmax over dim 1": (WEIGH, "attn = scores.softmax(dim=1).masked_fill(hidden, 0)"),
        "mask inverted": ("hidden = ~mask", "hidden = mask"),
        "mask ignored": ("if mask is None", "if True"),
        "mask on queries": ("hidden = ~mask", "hidden = ~mask.expand_as(scores)[..., :1]"),
        "mask after softmax only": (HIDE, "scores"),
        "zero for a hidden score": (HIDE, "scores.masked_fill(hidden, 0)"),
        "hidden keys only damped": (HIDE, "scores.masked_fill(hidden, -20.0)"),
        "-1e4 for a hidden score": (HIDE, "scores.masked_fill(hidden, -1e4)"),
        "-1e9, which float16 does not have": (HIDE, "scores.masked_fill(hidden, -1e9)"),
        "scores clamped": (
            WEIGH,
            "attn = scores.clamp(-50, 50).softmax(-1).masked_fill(hidden, 0)",
        ),
        "-1e9 added": (HIDE, "scores + (hidden * -1e9).to(scores.dtype)"),
        "multiplied by the mask": (HIDE, "scores * mask"),
        "smallest number of Q under autocast": ("finfo(scores.dtype)", "finfo(Q.dtype)"),
        "uniform where there is no key": (WEIGH, "attn = scores.softmax(dim=-1)"),
        "NaN where there is no key": (
            f"scores = {HIDE}\n        {WEIGH}",
            'attn = scores.masked_fill(hidden, float("-inf")).softmax(dim=-1)',
        ),
        "NaN in the gradients of an added mask": (
            f"scores = {HIDE}\n        {WEIGH}",
            'hole = torch.zeros_like(scores).masked_fill(hidden, float("-inf"))\n'
            "        attn = (scores + hole).softmax(dim=-1).nan_to_num(0)",
        ),
        "zeros in out but not in attn": (
            f"        {WEIGH}\n    return attn @ V, attn",
            "        attn = scores.softmax(dim=-1)\n"
            "        return attn.masked_fill(hidden, 0) @ V, attn\n    return attn @ V, attn",
        ),
        "scores clamped for exp": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n        attn = scores.clamp(-80, 80).softmax(dim=-1)",
        ),
        "exp without the maximum": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n"
            "        attn = scores.exp() / scores.exp().sum(-1, keepdim=True)",
        ),
        "maximum taken before the mask": (
            f"scores = {HIDE}\n        {WEIGH}",
            "power = (scores - scores.amax(-1, keepdim=True)).exp().masked_fill(hidden, 0)\n"
            "        attn = power / power.sum(-1, keepdim=True).clamp(min=1e-7)",
        ),
        "weights detached": ("return attn @ V, attn", "return attn @ V, attn.detach()"),
        "weights before the mask returned": (
            "return attn @ V, attn",
            "return attn @ V, (Q / math.sqrt(Q.shape[-1]) @ K.mT).softmax(dim=-1)",
        ),
        "out alone": ("return attn @ V, attn", "return attn @ V"),
        "attn first": ("return attn @ V, attn", "return attn, attn @ V"),
        "a list": ("return attn @ V, attn", "return [attn @ V, attn]"),
        "scores returned": ("return attn @ V, attn", "return attn @ V, scores"),
        "T for mT": ("K.mT", "K.T"),
        "batches only": ("K.mT", "K.transpose(1, 2)"),
        "keys read in memory order": ("K.mT", "K.reshape(*K.shape[:-2], K.shape[-1], -1)"),
        "contiguous input only": ("K.mT", "K.view(-1, *K.shape[-2:]).view(K.shape).mT"),
        "always float32": (SCALE, "Q.float() / math.sqrt(Q.shape[-1]) @ K.float().mT"),
        "a mask made on the CPU": (
            "hidden = ~mask",
            "hidden = ~(mask & torch.ones(scores.shape[-2:], dtype=torch.bool))",
        ),
        "the library's": (
            "return attn @ V, attn",
            "return torch.nn.functional.scaled_dot_product_attention(Q, K, V, mask), attn",
        ),
        "the library's by another name": (
            "return attn @ V, attn",
            "return torch._C._nn.scaled_dot_product_attention(Q, K, V, mask), attn",
        ),
        "mask changed in place": ("hidden = ~mask", "hidden = mask.logical_not_()"),
        "minus infinity added": (
            f"scores = {HIDE}\n        {WEIGH}",
            "hole = torch.zeros_like(scores).masked_fill(hidden, -math.inf)\n"
            "        none = hidden.all(-1, keepdim=True)\n"
            "        attn = (scores + hole).masked_fill(none, 0).softmax(-1).masked_fill(none, 0)",
        ),
        "smallest number added": (
            HIDE,
            "scores + torch.zeros_like(scores).masked_fill(hidden, torch.finfo(scores.dtype).min)",
        ),
        "weights masked in place, which backward needs": (
            WEIGH,
            "attn = scores.softmax(dim=-1).masked_fill_(hidden, 0)",
        ),
        "a default mask made on the CPU": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n"
            "        hidden = torch.zeros(scores.shape[-2:], dtype=torch.bool)\n"
            "        attn = scores.masked_fill(hidden, 0).softmax(dim=-1)",
        ),
        "a mask of two axes at least": ("hidden = ~mask", "hidden = ~mask[..., :, :]"),
        "a mask asserted to have two axes": (
            "hidden = ~mask",
            "assert mask.dim() >= 2\n        hidden = ~mask",
        ),
        "a mask that must be a matrix": ("hidden = ~mask", "hidden = (~mask.mT).mT"),
    },
    "challenge_encoder_block": {
        "post-LN": (
            f"{FIRST}\n        inner = self.linear1(self.norm2(x)).relu()",
            "x = self.norm1(x + self.dropout(self.attend(x, mask)))\n"
            "        inner = self.linear1(x).relu()",
        ),
        "norm on the sum": (SECOND, SECOND.replace("return x + ", "return self.norm2(x) + ")),
        "no residual around attention": (FIRST, FIRST.replace("x + ", "")),
        "no residual around the feed-forward net": (SECOND, SECOND.replace("x + ", "")),
        "residual from the norm": (
            FIRST,
            "x = self.norm1(x)\n        x = x + self.dropout(self.attend(x, mask))",
        ),
        "second residual from the input": (
            f"{FIRST}\n        inner = self.linear1(self.norm2(x))",
            f"{FIRST.replace('x = ', 'y = ', 1)}\n        inner = self.linear1(self.norm2(y))",
        ),
        "branches side by side": (
            f"{FIRST}\n        inner = self.linear1(self.norm2(x))",
            f"was = x\n        {FIRST}\n        inner = self.linear1(self.norm2(was))",
        ),
        "one norm for both": ("self.norm2 = nn.LayerNorm(d_model)", "self.norm2 = self.norm1"),
        "the first norm used twice": ("self.norm2(x)", "self.norm1(x)"),
        "norms swapped": (
            f"{FIRST}\n        inner = self.linear1(self.norm2(x))",
            f"{FIRST.replace('norm1', 'norm2')}\n        inner = self.linear1(self.norm1(x))",
        ),
        "attention without norm": ("self.norm1(x)", "x"),
        "norm of the queries only": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def forward(self, x, mask=None):
        B, L, _ = x.shape
        if mask is not None:
            mask = ~mask.expand(B, self.self_attn.num_heads, L, L).flatten(0, 1)
        x = x + self.dropout(self.self_attn(self.norm1(x), x, x, attn_mask=mask)[0])
        return x + self.dropout(self.linear2(self.dropout(self.linear1(self.norm2(x)).relu())))
""",
        "dropout on the residual": (
            SECOND,
            "return self.dropout(x + self.linear2(self.dropout(inner)))",
        ),
        "dropout on the first sum": (
            FIRST,
            "x = self.dropout(x + self.attend(self.norm1(x), mask))",
        ),
        "no dropout after attention": (FIRST, "x = x + self.attend(self.norm1(x), mask)"),
        "no dropout after the feed-forward net": (
            SECOND,
            "return x + self.linear2(self.dropout(inner))",
        ),
        "no dropout after the ReLU": (SECOND, "return x + self.dropout(self.linear2(inner))"),
        "dropout on the norm, too": ("self.norm2(x)", "self.dropout(self.norm2(x))"),
        "dropout on the first norm, too": ("self.norm1(x)", "self.dropout(self.norm1(x))"),
        "no dropout of attention weights": ("num_heads, dropout, batch", "num_heads, batch"),
        "default dropout 0": ("dropout: float = 0.1", "dropout: float = 0.0"),
        "dropout in eval mode": (
            SECOND,
            "return x + nn.functional.dropout(self.linear2(self.dropout(inner)), self.dropout.p)",
        ),
        "mask not inverted": ("~mask.expand", "mask.expand"),
        "mask ignored": ("attn_mask=mask", "attn_mask=None"),
        "mask transposed": ("~mask.expand", "~mask.mT.expand"),
        "heads before samples": (
            EXPAND,
            "mask.expand(B, self.self_attn.num_heads, L, L).transpose(0, 1).flatten(0, 1)",
        ),
        "mask repeated sample by sample": (
            EXPAND,
            "mask.expand(B, self.self_attn.num_heads, L, L)[:, 0]"
            ".repeat(self.self_attn.num_heads, 1, 1)",
        ),
        "one mask for all": (EXPAND, "mask.expand(B, self.self_attn.num_heads, L, L)[0, 0]"),
        "samples attend to each other": ("dropout, batch_first=True", "dropout"),
        "GELU": (
            ".relu()  # (B, L, d_ff)",
            "\n        inner = nn.functional.gelu(inner)",
        ),
        "no ReLU": (".relu()  # (B, L, d_ff)", ""),
        "ReLU at the end": (SECOND, SECOND.replace("(self.dropout(inner))", "(inner).relu()")),
        "another eps": (
            "self.norm1 = nn.LayerNorm(d_model)",
            "self.norm1 = nn.LayerNorm(d_model, 1e-6)",
        ),
        "x changed in place": (FIRST, "x += self.dropout(self.attend(self.norm1(x), mask))"),
        "x changed behind autograd's back": (
            FIRST,
            "x.data += self.dropout(self.attend(self.norm1(x), mask))",
        ),
        "the tuple of self_attn": (ATTEND, ATTEND.replace("[0]", "[1]").replace("False", "True")),
        "a third norm": (
            "self.dropout = nn",
            "self.norm3 = nn.LayerNorm(d_model)\n        self.dropout = nn",
        ),
        "an own name for a part": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.1):
        super().__init__(d_model, num_heads, d_ff, dropout)
        self.attn = self.self_attn
        del self.self_attn
""",
        "the library's block": """
class TransformerEncoderBlock(nn.TransformerEncoderLayer):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.1):
        super().__init__(
            d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=True
        )

    def forward(self, x, mask=None):
        if mask is not None:
            B, L, _ = x.shape
            mask = ~mask.expand(B, self.self_attn.num_heads, L, L).flatten(0, 1)
        return super().forward(x, mask)
""",
        "a mask made on the CPU": (
            "~mask.expand",
            "~(mask & nn.init.torch.ones(L, L, dtype=nn.init.torch.bool)).expand",
        ),
        "a default mask made on the CPU": (
            "        if mask is not None:",
            "        if mask is None:\n"
            "            mask = nn.init.torch.ones(L, L, dtype=nn.init.torch.bool)\n"
            "        if True:",
        ),
        "a mask of two axes handed on": (
            "        if mask is not None:",
            "        if mask is not None and mask.dim() == 2:\n            mask = ~mask\n"
            "        elif mask is not None:",
        ),
        "a mask of two axes at least": ("~mask.expand", "~mask[..., :, :].expand"),
        "whole samples dropped": shared_dropout(":, :1, :1"),
        "whole samples dropped, of the ReLU's result, too": shared_dropout(
            ":, :1, :1", inner="shared"
        ),
        "whole samples dropped, of the ReLU's result only": shared_dropout(
            ":, :1, :1", "dropout", "shared"
        ),
        "whole tokens dropped": shared_dropout("..., :1"),
        "whole tokens dropped, of the ReLU's result, too": shared_dropout(
            "..., :1", inner="shared"
        ),
        "whole tokens dropped, of the ReLU's result only": shared_dropout(
            "..., :1", "dropout", "shared"
        ),
        "the same dropped for all samples": shared_dropout(":1"),
        "the same dropped for all samples, of the ReLU's result, too": shared_dropout(
            ":1", inner="shared"
        ),
        "the same dropped for all samples, of the ReLU's result only": shared_dropout(
            ":1", "dropout", "shared"
        ),
        "the same dropped for all tokens": shared_dropout(":, :1"),
        "the same dropped for all tokens, of the ReLU's result, too": shared_dropout(
            ":, :1", inner="shared"
        ),
        "the same dropped for all tokens, of the ReLU's result only": shared_dropout(
            ":, :1", "dropout", "shared"
        ),
        "dropout on the norm instead of the ReLU's result": (
            f"inner = self.linear1(self.norm2(x)).relu()  # (B, L, d_ff)\n        {SECOND}",
            "inner = self.linear1(self.dropout(self.norm2(x))).relu()\n"
            "        return x + self.dropout(self.linear2(inner))",
        ),
        "dropout on the norm instead of the attention weights": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def attend(self, x, mask):
        self.self_attn.dropout = 0.0
        return super().attend(self.dropout(x), mask)
""",
        "dropout twice on the result instead of the attention weights": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def attend(self, x, mask):
        self.self_attn.dropout = 0.0
        return self.dropout(super().attend(x, mask))
""",
        "dropout twice on the result instead of the ReLU's": (
            SECOND,
            "return x + self.dropout(self.dropout(self.linear2(inner)))",
        ),
        "attention weights dropped without a mask only": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def attend(self, x, mask):
        self.self_attn.dropout = self.dropout.p if mask is None else 0.0
        return super().attend(x, mask)
""",
        "attention weights dropped with a mask only": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def attend(self, x, mask):
        self.self_attn.dropout = 0.0 if mask is None else self.dropout.p
        return super().attend(x, mask)
""",
        "dropout in place on the ReLU's result": (
            SECOND,
            "return x + self.dropout(self.linear2("
            "nn.functional.dropout(inner, self.dropout.p, self.training, inplace=True)))",
        ),
        "a branch detached": (
            FIRST,
            "y = self.dropout(self.attend(self.norm1(x), mask))\n"
            "        x = x + (y.detach() if self.training and self.dropout.p else y)",
        ),
    },
}

VARIANTS = {
    "challenge_scaled_dot_product_attention": {
        "minus infinity and where": """
def scaled_dot_product_attention(Q, K, V, mask=None):
    root = Q.shape[-1] ** 0.25
    scores = torch.einsum("...qd,...kd->...qk", Q / root, K / root)
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    attn = torch.softmax(torch.where(mask, scores, float("-inf")), dim=-1)
    attn = torch.where(mask, attn, 0.0)
    return torch.einsum("...qk,...kv->...qv", attn.to(V.dtype), V), attn
""",
        "NaN replaced at once": """
def scaled_dot_product_attention(Q, K, V, mask=None):
    scores = torch.matmul(Q * Q.shape[-1] ** -0.5, K.transpose(-2, -1))
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -math.inf)
    attn = torch.nan_to_num(torch.softmax(scores, -1), nan=0.0)
    return torch.matmul(attn.to(V.dtype), V), attn
""",
        "an added mask that leaves empty rows open": """
def scaled_dot_product_attention(Q, K, V, mask=None):
    scores = (Q * Q.size(-1) ** -0.5).matmul(K.transpose(-2, -1))
    if mask is None:
        attn = torch.nn.functional.softmax(scores, dim=-1)
        return attn.matmul(V), attn
    top = torch.finfo(scores.dtype).max
    scores = scores.clamp(-top, top)
    some = mask.any(dim=-1, keepdim=True)
    hole = torch.zeros(mask.shape, dtype=scores.dtype, device=scores.device)
    hole.masked_fill_(~mask & some, float("-inf"))
    attn = torch.nn.functional.softmax(scores + hole, dim=-1) * some
    return attn.matmul(V.to(attn.dtype)), attn
""",
        "exponentials in float32, in place": """
def scaled_dot_product_attention(Q, K, V, mask=None):
    wide = Q.dtype if Q.dtype == torch.float64 else torch.float32
    with torch.autocast(Q.device.type if Q.device.type != "meta" else "cpu", enabled=False):
        scores = Q.to(wide) @ K.to(wide).transpose(-1, -2) / math.sqrt(Q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(mask.logical_not(), -torch.inf)
        top = scores.detach().amax(dim=-1, keepdim=True).clamp(min=-1e30)
        power = torch.exp(scores - top)
        attn = power / power.sum(dim=-1, keepdim=True).clamp(min=1e-30)
        return (attn @ V.to(wide)).to(Q.dtype), attn.to(Q.dtype)
""",
        "one batch axis, flattened": """
def scaled_dot_product_attention(Q, K, V, mask=None):
    lead, L_q, L_k = Q.shape[:-2], Q.shape[-2], K.shape[-2]
    q, k, v = (t.reshape(-1, *t.shape[-2:]) for t in (Q, K, V))
    scores = torch.bmm(q * q.shape[-1] ** -0.5, k.transpose(1, 2)).reshape(*lead, L_q, L_k)
    if mask is not None:
        scores[~mask.expand_as(scores)] = torch.finfo(scores.dtype).min
    attn = scores.softmax(-1)
    if mask is not None:
        attn = attn * mask
    out = torch.bmm(attn.reshape(-1, L_q, L_k).to(v.dtype), v)
    return out.reshape(*lead, L_q, V.shape[-1]), attn
""",
    },
    "challenge_encoder_block": {
        "four dropouts, weights asked for, samples second": """
class TransformerEncoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.1):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d_model, num_heads, dropout=dropout)
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.drops = nn.ModuleList(nn.Dropout(dropout) for _ in range(3))
        self.heads = num_heads

    def forward(self, x, mask=None):
        h = self.norm1(x).transpose(0, 1)
        if mask is not None:
            L, B, _ = h.shape
            mask = torch.zeros(B, self.heads, L, L, dtype=x.dtype, device=x.device).masked_fill(
                mask.logical_not(), float("-inf")
            )
            mask = mask.view(B * self.heads, L, L)
        h, _ = self.self_attn(h, h, h, attn_mask=mask)
        x = x + self.drops[0](h.transpose(0, 1))
        h = self.drops[1](torch.relu(self.linear1(self.norm2(x))))
        return self.drops[2](self.linear2(h)) + x


import torch
""",
        "dropout before the ReLU, which is the same": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def forward(self, x, mask=None):
        x = x + self.dropout(self.attend(self.norm1(x), mask))
        h = nn.functional.relu(self.dropout(self.linear1(self.norm2(x))))
        return self.dropout(self.linear2(h)).add(x)
""",
        "dropout in place where backward needs nothing": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def forward(self, x, mask=None):
        drop = nn.Dropout(self.dropout.p, inplace=True).train(self.training)
        x = drop(self.attend(self.norm1(x), mask)) + x
        inner = self.dropout(self.linear1(self.norm2(x)).relu_())
        return drop(self.linear2(inner)) + x
""",
        "the feed-forward net in a row, shared parts": """
class TransformerEncoderBlock(TransformerEncoderBlock):
    def forward(self, x, mask=None):
        B, L, _ = x.shape
        y = x.clone()
        h = self.norm1(x)
        if mask is not None:
            mask = ~mask.expand(B, self.self_attn.num_heads, L, L).reshape(-1, L, L)
        y += self.dropout(self.self_attn(h, h, h, attn_mask=mask)[0])
        parts = (self.norm2, self.linear1, self.dropout, nn.ReLU(), self.linear2, self.dropout)
        h = y
        for part in parts:
            h = part(h)
        return y + h
""",
    },
}
