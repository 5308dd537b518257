"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

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
    "parts": {
        "another eps": (
            "self.norm1 = nn.LayerNorm(d_model)",
            "self.norm1 = nn.LayerNorm(d_model, 1e-6)",
        ),
        "RMSNorm for LayerNorm": (
            "self.norm1 = nn.LayerNorm(d_model)",
            "self.norm1 = nn.RMSNorm(d_model)",
        ),
        "one norm for both": ("self.norm2 = nn.LayerNorm(d_model)", "self.norm2 = self.norm1"),
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
    },
    "wiring": {
        "branches side by side": (
            f"{FIRST}\n        inner = self.linear1(self.norm2(x))",
            f"was = x\n        {FIRST}\n        inner = self.linear1(self.norm2(was))",
        ),
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
        "dropout in eval mode": (
            SECOND,
            "return x + nn.functional.dropout(self.linear2(self.dropout(inner)), self.dropout.p)",
        ),
        "samples attend to each other": ("dropout, batch_first=True", "dropout"),
        "GELU": (
            ".relu()  # (B, L, d_ff)",
            "\n        inner = nn.functional.gelu(inner)",
        ),
        "ReLU6": (".relu()  # (B, L, d_ff)", ".clamp(0, 6)"),
        "norm on the branch's result": (
            FIRST,
            "x = x + self.dropout(self.norm1(self.attend(x, mask)))",
        ),
        "no ReLU": (".relu()  # (B, L, d_ff)", ""),
        "ReLU at the end": (SECOND, SECOND.replace("(self.dropout(inner))", "(inner).relu()")),
        "x changed in place": (FIRST, "x += self.dropout(self.attend(self.norm1(x), mask))"),
        "x changed behind autograd's back": (
            FIRST,
            "x.data += self.dropout(self.attend(self.norm1(x), mask))",
        ),
        "the tuple of self_attn": (ATTEND, ATTEND.replace("[0]", "[1]").replace("False", "True")),
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
    },
    "masks": {
        "the last mask used again where there is none": (
            FIRST,
            "mask = self.mask = getattr(self, 'mask', None) if mask is None else mask\n"
            f"        {FIRST}",
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
        "heads see what any of them may see": (
            EXPAND,
            "mask.expand(B, self.self_attn.num_heads, L, L).any(1)"
            ".repeat_interleave(self.self_attn.num_heads, 0)",
        ),
        "mask of the first head for all": (
            EXPAND,
            "mask.expand(B, self.self_attn.num_heads, L, L)[:, 0]"
            ".repeat_interleave(self.self_attn.num_heads, 0)",
        ),
        "one mask for all": (EXPAND, "mask.expand(B, self.self_attn.num_heads, L, L)[0, 0]"),
    },
    "dropout": {
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
    },
    "shapes": {
        "a mask of two axes handed on": (
            "        if mask is not None:",
            "        if mask is not None and mask.dim() == 2:\n            mask = ~mask\n"
            "        elif mask is not None:",
        ),
        "a mask of two axes at least": ("~mask.expand", "~mask[..., :, :].expand"),
    },
    "training": {
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
    "dtypes": {
        "the result in the dtype of the feed-forward net": (
            "return x + self.dropout(self.linear2(self.dropout(inner)))",
            "return (x + self.dropout(self.linear2(self.dropout(inner)))).to(inner.dtype)",
        ),
    },
    "inputs": {
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
    },
}

VARIANTS = {
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
}
