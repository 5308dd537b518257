"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

GATED = "self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))"
GATE = "self.gate_proj = nn.Linear(d_model, d_ff, bias=False)"
DOWN = "self.down_proj = nn.Linear(d_ff, d_model, bias=False)"
NORM1 = "self.norm1 = nn.RMSNorm(d_model, eps=1e-5)"
W_K = "self.W_k = nn.Linear(d_model, num_kv_heads * self.d, bias=False)"
W_O = "self.W_o = nn.Linear(d_model, d_model, bias=False)"
FIRST = "        x = x + self.attend(self.norm1(x))\n"
SECOND = "        return x + self.mlp(self.norm2(x))\n"
PROJECT = (
    "q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H or KV, L, d)"
)
TURN = "q, k = turned(q, self.rope_theta), turned(k, self.rope_theta)"
MIX = "F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)"
MERGE = "mixed.transpose(1, 2).flatten(2)"
SPLIT = "x.unflatten(-1, (-1, self.d)).transpose(1, 2)"
RATES = "rates = theta ** (-torch.arange(0, d, 2, device=x.device, dtype=torch.float64) / d)"
ANGLES = "angles = torch.arange(length, device=x.device)[:, None] * rates  # (L, d/2)"
PAIRS = "a, b = x.to(wide).unflatten(-1, (-1, 2)).unbind(-1)  # (B, n, L, d/2)"
BACK = "torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)"
EVEN = "        if d_model % (2 * num_heads) or num_heads % num_kv_heads:\n"
SHARED = "        shared = num_heads if num_kv_heads is None else num_kv_heads\n"
BLOCKS = "LlamaBlock(d_model, num_heads, shared, d_ff, rope_theta) for _ in range(num_layers)"
NORM = "        self.norm = nn.RMSNorm(d_model, eps=1e-5)\n        self.head"
HEAD = "self.head = nn.Linear(d_model, vocab_size, bias=False)"
TIE = "        if tie:\n            self.head.weight = self.token.weight\n"
INIT = "nn.init.normal_(p, std=0.02)"
TOO_LONG = "if ids.shape[1] > self.context_length"
LOGITS = "return self.head(self.norm(x))"


def repeated(how):
    """The mix with keys and values made H heads by `how`; {t} is the tensor."""
    k, v = how.format(t="k"), how.format(t="v")
    return MIX, f"F.scaled_dot_product_attention(q, {k}, {v}, is_causal=True)"


def scores(scale="/ q.shape[-1] ** 0.5", mask="torch.ones_like(s, dtype=bool).tril()"):
    """Attention by hand, with another scale or another mask."""
    return (
        f"        mixed = {MIX}\n",
        "        n = q.shape[1] // k.shape[1]\n"
        f"        s = q @ k.repeat_interleave(n, 1).mT {scale}\n"
        f"        s = s.masked_fill(~({mask}), float('-inf'))\n"
        "        mixed = s.softmax(-1) @ v.repeat_interleave(n, 1)\n",
    )


SLIPS = {
    "mlp": {
        "silu on the up branch": (
            GATED,
            "self.down_proj(self.gate_proj(x) * F.silu(self.up_proj(x)))",
        ),
        "leading axes flattened": (GATED, f"{GATED}.reshape(-1, x.shape[-1])"),
        "gelu": (GATED, GATED.replace("silu", "gelu")),
        "half of silu detached": (
            GATED,
            "self.down_proj(torch.sigmoid(self.gate_proj(x)) * self.gate_proj(x).detach()"
            " * self.up_proj(x))",
        ),
        "a bias of the gate": (GATE, GATE.replace(", bias=False", "")),
        "up_proj is gate_proj": (
            "self.up_proj = nn.Linear(d_model, d_ff, bias=False)",
            "self.up_proj = self.gate_proj",
        ),
        "dropout in train mode": (GATED, f"F.dropout({GATED}, 0.1, self.training)"),
    },
    "parts": {
        "a bias of W_o": (W_O, W_O.replace(", bias=False", "")),
        "LayerNorm": (NORM1, "self.norm1 = nn.LayerNorm(d_model, eps=1e-5)"),
        "RMSNorm's own eps": (NORM1, "self.norm1 = nn.RMSNorm(d_model)"),
        "one norm for both branches": (
            "        self.mlp = SwiGLUMLP",
            "        self.norm2 = self.norm1\n        self.mlp = SwiGLUMLP",
        ),
        "the mlp inline": (
            "        self.mlp = SwiGLUMLP(d_model, d_ff)",
            "        self.mlp = nn.Module()\n"
            "        self.mlp.gate_proj = nn.Linear(d_model, d_ff, bias=False)\n"
            "        self.mlp.up_proj = nn.Linear(d_model, d_ff, bias=False)\n"
            "        self.mlp.down_proj = nn.Linear(d_ff, d_model, bias=False)\n"
            "        self.mlp.forward = lambda x: SwiGLUMLP.forward(self.mlp, x)",
        ),
    },
    "block": {
        "the residual from the normed x": (
            FIRST,
            "        x = self.norm1(x)\n        x = x + self.attend(x)\n",
        ),
        "norm after the branch": (FIRST, "        x = x + self.norm1(self.attend(x))\n"),
        "no first residual": (FIRST, "        x = self.attend(self.norm1(x))\n"),
        "the mlp first": (
            FIRST + SECOND,
            "        x = x + self.mlp(self.norm2(x))\n"
            "        return x + self.attend(self.norm1(x))\n",
        ),
        "scale by D": scores("/ x.shape[-1] ** 0.5"),
        "head h reads KV head h % KV": repeated("{t}.repeat(1, q.shape[1] // v.shape[1], 1, 1)"),
        "heads merged without transpose": (MERGE, "mixed.reshape(x.shape)"),
        "output not projected": (f"self.W_o({MERGE})", MERGE),
        "values turned, too": (TURN, TURN + "\n        v = turned(v, self.rope_theta)"),
        "dropout in train mode": (MIX, MIX.replace("k, v,", "k, v, None, 0.1 * self.training,")),
    },
    "rope": {
        "halves for neighbors": (
            PAIRS + "\n    return " + BACK,
            "a, b = x.to(wide).chunk(2, dim=-1)\n"
            "    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1).to(x.dtype)",
        ),
        "no turn": (TURN, "pass"),
        "the keys not turned": (TURN, "q = turned(q, self.rope_theta)"),
        "before the heads are split": (
            TURN,
            "q, k = (self.heads(turned(W(x), self.rope_theta)) for W in (self.W_q, self.W_k))",
        ),
        "rope_theta ignored": (TURN, TURN.replace("self.rope_theta", "10000.0")),
        "positions from 1 for queries alone": (
            TURN,
            "q = turned(F.pad(q, (0, 0, 1, 0)), self.rope_theta)[:, :, 1:]\n"
            "        k = turned(k, self.rope_theta)",
        ),
        "i / d for 2 i / d": (
            RATES,
            RATES.replace(", dtype=torch.float64)", ", dtype=torch.float64) / 2"),
        ),
        "keys detached before the turn": (
            TURN,
            "q, k = turned(q, self.rope_theta), turned(k.detach(), self.rope_theta)",
        ),
    },
    "future": {
        "no mask": (MIX, MIX.replace("is_causal=True", "is_causal=False")),
        "a mask in train mode only": (
            MIX,
            MIX.replace("is_causal=True", "is_causal=self.training"),
        ),
        "a mask without gradients only": (
            MIX,
            MIX.replace("is_causal=True", "is_causal=not torch.is_grad_enabled()"),
        ),
        "one token ahead": scores(mask="torch.ones_like(s, dtype=bool).tril(1)"),
        "no mask for a batch of one": (MIX, MIX.replace("is_causal=True", "is_causal=len(x) > 1")),
        "a table as long as the first text": (
            TURN,
            "self.table = getattr(self, 'table', torch.ones(q.shape[-2], 1))\n"
            "        q = q * self.table[: q.shape[-2]]\n"
            f"        {TURN}",
        ),
        "a little of the last token in all": (
            FIRST,
            "        x = x + self.attend(self.norm1(x))\n"
            "        x = torch.cat((x[:, :-1] + 1e-3 * x[:, -1:], x[:, -1:]), dim=1)\n",
        ),
    },
    "model": {
        "rope_theta not passed on": (BLOCKS, BLOCKS.replace(", rope_theta", "")),
        "no last norm": (LOGITS, "return self.head(x)"),
        "num_kv_heads ignored": (SHARED, "        shared = num_heads\n"),
        "num_kv_heads None is 1": (SHARED, "        shared = num_kv_heads or 1\n"),
        "tied where tie is False": (TIE, "        self.head.weight = self.token.weight\n"),
        "the tied weight made anew": (
            f"                {INIT}\n",
            f"                {INIT}\n"
            "        self.head.weight = nn.Parameter(0.02 * torch.randn(vocab_size, d_model))\n",
        ),
        "one block again and again": (
            f"            {BLOCKS}\n",
            "            [LlamaBlock(d_model, num_heads, shared, d_ff, rope_theta)] * num_layers\n",
        ),
        "the head's table detached": (
            LOGITS,
            "return F.linear(self.norm(x), self.head.weight.detach())",
        ),
        "blocks without gradients in eval mode": (
            "            x = block(x)\n",
            "            x = block(x) if self.training else block(x).detach()\n",
        ),
        "the library's first numbers": (INIT, "pass"),
        "uniform numbers": (INIT, "nn.init.uniform_(p, -0.02 * 3**0.5, 0.02 * 3**0.5)"),
        "the same numbers in each matrix": (
            INIT,
            "nn.init.normal_(p, std=0.02, generator=torch.Generator().manual_seed(0))",
        ),
    },
    "inputs": {
        "angles in the dtype of x": (
            ANGLES,
            "angles = torch.arange(length, device=x.device, dtype=x.dtype)[:, None]"
            " * rates.to(x.dtype)",
        ),
        "angles in float32": (ANGLES, ANGLES.replace("rates ", "rates.float() ")),
        "rates made on the CPU": (RATES, RATES.replace(", device=x.device", "")),
        "x changed in place": (FIRST, "        x.detach().mul_(1 + 1e-7)\n" + FIRST),
        "always float32": (BACK, BACK.replace(".to(x.dtype)", ".float()")),
        "a view of x": (FIRST, "        x = x.view(-1, x.shape[-1]).view(x.shape)\n" + FIRST),
    },
    "refused": {
        "nothing refused": (EVEN, "        if False:\n"),
        "an odd head size accepted": (EVEN, EVEN.replace("(2 * num_heads)", "num_heads")),
        "uneven KV heads accepted": (EVEN, EVEN.replace(" or num_heads % num_kv_heads", "")),
        "too many ids accepted in eval mode": (TOO_LONG, TOO_LONG + " and self.training"),
        "one id too many accepted": (TOO_LONG, "if ids.shape[1] > self.context_length + 1"),
        "assert for ValueError": (
            '            raise ValueError(f"d_model',
            '            raise AssertionError(f"d_model',
        ),
    },
}

VARIANTS = {
    "complex numbers, attention by hand": (
        "def turned(x, theta):\n"
        "    d, L = x.shape[-1], x.shape[-2]\n"
        "    rates = 1.0 / theta ** (torch.arange(0, d, 2, device=x.device).double() / d)\n"
        "    turns = torch.outer(torch.arange(L, device=x.device).double(), rates)\n"
        "    turns = torch.polar(torch.ones_like(turns), turns)\n"
        "    z = torch.view_as_complex(x.double().reshape(*x.shape[:-1], -1, 2))\n"
        "    return torch.view_as_real(z * turns).flatten(-2).type_as(x)\n\n\n"
        "class LlamaBlock(LlamaBlock):\n"
        "    def attend(self, x):\n"
        "        B, L, D = x.shape\n"
        "        q = turned(self.W_q(x).view(B, L, -1, self.d).transpose(1, 2), self.rope_theta)\n"
        "        k = turned(self.W_k(x).view(B, L, -1, self.d).transpose(1, 2), self.rope_theta)\n"
        "        v = self.W_v(x).view(B, L, -1, self.d).transpose(1, 2)\n"
        "        k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))\n"
        "        s = q @ k.mT / self.d**0.5\n"
        "        hidden = torch.ones(L, L, dtype=torch.bool, device=x.device).triu(1)\n"
        "        weights = s.masked_fill(hidden, float('-inf')).softmax(-1)\n"
        "        return self.W_o((weights @ v).transpose(1, 2).reshape(B, L, D))\n"
    ),
    "initialized by apply, the table tied to the head": (
        TIE
        + "        for p in self.parameters():\n            if p.dim() == 2:\n                "
        + INIT,
        "        if tie:\n"
        "            self.token.weight = self.head.weight\n"
        "        self.apply(lambda m: nn.init.normal_(m.weight, 0.0, 0.02)"
        " if isinstance(m, (nn.Linear, nn.Embedding)) else None)",
    ),
}
