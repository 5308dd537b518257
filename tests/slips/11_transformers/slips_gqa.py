"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

EVEN_D = (
    "        if d_model % num_heads:\n"
    '            raise ValueError(f"d_model {d_model} is not divisible by num_heads {num_heads}")\n'
)
EVEN_KV = "        if num_heads % num_kv_heads:\n"
W_K = "self.W_k = nn.Linear(d_model, num_kv_heads * self.d, bias=False)"
W_V = W_K.replace("W_k", "W_v")
W_O = "self.W_o = nn.Linear(d_model, d_model, bias=False)"
SPLIT = "x.unflatten(-1, (-1, self.d)).transpose(1, 2)"
ROWS = "        rows = q.reshape(b, kv, h // kv * length, d)  # the queries of a whole group\n"
SCORES = "        scores = (rows / math.sqrt(d) @ k.mT).view(b, h, length, length)\n"
SCALE = "math.sqrt(d)"
HIDE = "scores.masked_fill(~mask, -math.inf)"
WEIGH = "weights = scores.softmax(dim=-1)"
MIXED = "        mixed = (weights.view(b, kv, -1, length) @ v).view(b, h, length, d)\n"
MERGE = "mixed.transpose(1, 2).flatten(2)"
PROJECT = (
    "q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))  # (B, H or KV, L, d)"
)
DEF_POOL = "    if num_heads % num_kv_heads or len(weight) % num_heads:\n"
POOLED = "weight.unflatten(0, (num_kv_heads, -1, d)).mean(dim=1).flatten(0, 1)"


def class_with(body, more=""):
    """The solution's class with another forward."""
    return (
        "class GroupQueryAttention(GroupQueryAttention):\n"
        "    def forward(self, x, mask=None):\n"
        "        b, length, D = x.shape\n"
        "        q, k, v = (self.heads(W(x)) for W in (self.W_q, self.W_k, self.W_v))\n"
        "        d, h, kv = self.d, q.shape[1], k.shape[1]\n" + body + more
    )


FINISH = (
    "        if mask is not None:\n"
    "            scores = scores.masked_fill(~mask, float('-inf'))\n"
    "        mixed = scores.softmax(-1) @ v\n"
    "        return self.W_o(mixed.transpose(1, 2).reshape(b, length, D))\n"
)


def repeated(how):
    """The core answer, with keys and values made H heads by `how`."""
    return class_with(
        f"        k, v = {how.format(t='k')}, {how.format(t='v')}\n"
        "        scores = q @ k.transpose(-2, -1) / math.sqrt(d)\n",
        FINISH,
    )


SLIPS = {
    "by_hand": {
        "the library's attention without a mask": (
            ROWS,
            "        if mask is None:\n"
            "            mixed = nn.functional.scaled_dot_product_attention(\n"
            "                q, k, v, enable_gqa=True)\n"
            "            return self.W_o(mixed.transpose(1, 2).flatten(2))\n" + ROWS,
        ),
        "the library's attention": class_with(
            "        mixed = nn.functional.scaled_dot_product_attention(\n"
            "            q, k, v, mask, enable_gqa=True)\n"
            "        return self.W_o(mixed.transpose(1, 2).flatten(2))\n"
        ),
        "the library's attention where each head has its own": (
            ROWS,
            "        if kv == h:\n"
            "            mixed = nn.functional.scaled_dot_product_attention(q, k, v, mask)\n"
            "            return self.W_o(mixed.transpose(1, 2).flatten(2))\n" + ROWS,
        ),
        "the library's attention where the mask has all axes": (
            ROWS,
            "        if mask is not None and mask.ndim == 4:\n"
            "            mixed = nn.functional.scaled_dot_product_attention(\n"
            "                q, k, v, mask, enable_gqa=True)\n"
            "            return self.W_o(mixed.transpose(1, 2).flatten(2))\n" + ROWS,
        ),
        "the library's attention for one token": (
            ROWS,
            "        if length == 1:\n"
            "            mixed = nn.functional.scaled_dot_product_attention(\n"
            "                q, k, v, mask, enable_gqa=True)\n"
            "            return self.W_o(mixed.transpose(1, 2).flatten(2))\n" + ROWS,
        ),
    },
    "weights": {
        "D not divisible accepted": (EVEN_D, ""),
        "heads that cannot share evenly accepted": (EVEN_KV, "        if False:\n"),
        "more KV heads than heads accepted": (
            EVEN_KV,
            "        if num_heads % num_kv_heads and num_heads > num_kv_heads:\n",
        ),
        "assert for ValueError": (
            '            raise ValueError(f"{num_heads} heads',
            '            raise AssertionError(f"{num_heads} heads',
        ),
        "biases": (W_K, W_K.replace(", bias=False", "")),
        "a bias of the output": (W_O, W_O.replace(", bias=False", "")),
        "keys with all heads": (W_K, W_K.replace("num_kv_heads * self.d", "d_model")),
        "keys and values in one projection": (
            W_V,
            "self.W_kv = nn.Linear(d_model, num_kv_heads * self.d, bias=False)\n"
            "        self.W_v = self.W_kv",
        ),
        "output projection from the KV heads' size": (
            W_O,
            "self.W_o = nn.Linear(num_kv_heads * self.d, d_model, bias=False)",
        ),
        "output projection missing": (
            f"        {W_O}\n",
            "        self.W_o = nn.Identity()\n",
        ),
    },
    "groups": {
        "groups along the wrong axis of the view": (
            "q.reshape(b, kv, h // kv * length, d)",
            "q.unflatten(1, (-1, kv)).transpose(1, 2).reshape(b, kv, -1, d)",
        ),
        "the eight nearest tokens alone": (
            SCORES,
            f"{SCORES}        near = torch.ones_like(scores).tril(7).triu(-7) > 0\n"
            "        scores = scores.masked_fill(~near, -math.inf)\n",
        ),
        "head h reads KV head h % KV": repeated("{t}.repeat(1, h // kv, 1, 1)"),
        "keys in blocks, values in turn": class_with(
            "        k = k.repeat_interleave(h // kv, 1)\n"
            "        v = v.repeat(1, h // kv, 1, 1)\n"
            "        scores = q @ k.mT / math.sqrt(d)\n",
            FINISH,
        ),
        "all read the first KV head": repeated("{t}[:, :1].expand(b, h, length, d)"),
        "the mean of the KV heads for all": repeated("{t}.mean(1, keepdim=True)"),
        "queries pooled, too": class_with(
            "        q = q.unflatten(1, (kv, -1)).mean(2).repeat_interleave(h // kv, 1)\n"
            "        k = k.repeat_interleave(h // kv, 1)\n"
            "        v = v.repeat_interleave(h // kv, 1)\n"
            "        scores = q @ k.mT / math.sqrt(d)\n",
            FINISH,
        ),
        "no scale": (f"rows / {SCALE}", "rows"),
        "no scale where there is one head": (SCALE, "(math.sqrt(d) if h > 1 else 1.0)"),
        "scale by D": (SCALE, "math.sqrt(x.shape[-1])"),
        "scale by KV d": (SCALE, "math.sqrt(kv * d)"),
        "scale by d instead of its root": (f"rows / {SCALE}", "rows / d"),
        "heads split without transpose": (
            SPLIT,
            "x.reshape(x.shape[0], -1, x.shape[1], self.d)",
        ),
        "heads interleaved": (SPLIT, "x.unflatten(-1, (self.d, -1)).permute(0, 3, 1, 2)"),
        "heads merged without transpose": (MERGE, "mixed.reshape(x.shape)"),
        "heads merged feature by feature": (MERGE, "mixed.permute(0, 2, 3, 1).flatten(2)"),
        "tokens never mix": (MIXED, "        mixed = v.repeat_interleave(h // kv, 1)\n"),
        "attention over heads": (WEIGH, "weights = scores.softmax(dim=1)"),
        "output not projected": (f"self.W_o({MERGE})", MERGE),
        "queries from the keys": (
            PROJECT,
            PROJECT + "\n        q = k.repeat_interleave(q.shape[1] // k.shape[1], 1)",
        ),
        "values are the keys": (PROJECT, PROJECT + "\n        v = k"),
        "values detached": (PROJECT, PROJECT + "\n        v = v.detach()"),
        "dropout in train mode": (
            MIXED,
            "        weights = nn.functional.dropout(weights, 0.1, self.training)\n" + MIXED,
        ),
        "causal where no mask is given": (
            "        if mask is not None:\n",
            "        if mask is None:\n"
            "            mask = x.new_ones(length, length, dtype=torch.bool).tril()\n"
            "        if mask is not None:\n",
        ),
    },
    "masks": {
        "mask ignored in eval mode": (
            "if mask is not None",
            "if mask is not None and self.training",
        ),
        "mask inverted": (HIDE, "scores.masked_fill(mask, -math.inf)"),
        "mask ignored where each head has its own KV head": (
            "if mask is not None",
            "if mask is not None and kv < h",
        ),
        "mask of all axes ignored in a batch of one": (
            "if mask is not None",
            "if mask is not None and (b > 1 or mask.ndim < 4)",
        ),
        "mask ignored": ("if mask is not None", "if False"),
        "mask transposed": (HIDE, "scores.masked_fill(~mask.mT, -math.inf)"),
        "softmax over the queries": (WEIGH, "weights = scores.softmax(dim=-2)"),
        "weights zeroed after the softmax": (
            f"            scores = {HIDE}\n        {WEIGH}",
            f"            pass\n        {WEIGH}\n        weights = weights if mask is None "
            "else weights * mask",
        ),
        "hidden scores set to 0": (HIDE, "scores.masked_fill(~mask, 0.0)"),
        "hidden scores only lowered": (HIDE, "scores - 20.0 * ~mask"),
        "hidden scores small, not hidden": (HIDE, "scores.masked_fill(~mask, -10.0)"),
        "the mask added": (HIDE, "scores + mask"),
        "the mask of the first head for all": (
            HIDE,
            "scores.masked_fill(~mask.expand_as(scores)[:, :1], -math.inf)",
        ),
        "the mask of the first head of a group for the group": (
            HIDE,
            "scores.masked_fill(~mask.expand_as(scores)[:, :: h // kv]"
            ".repeat_interleave(h // kv, 1), -math.inf)",
        ),
        "the mask of the first sample for all": (
            HIDE,
            "scores.masked_fill(~mask.expand_as(scores)[:1], -math.inf)",
        ),
        "a mask of two axes is padding": (
            HIDE,
            "scores.masked_fill(~(mask[:, None, None] if mask.shape == x.shape[:2] else mask),"
            " -math.inf)",
        ),
        "a mask per head is per sample": (
            HIDE,
            "scores.masked_fill(~(mask[:, None] if mask.ndim == 3 and len(mask) == b else mask),"
            " -math.inf)",
        ),
        "masks of two axes alone": (
            HIDE,
            "scores.masked_fill(~mask.reshape(-1, length, length)[0], -math.inf)",
        ),
        "two tokens always see each other": (
            HIDE,
            "scores.masked_fill(~(mask | torch.eye(length, dtype=torch.bool)), -math.inf)",
        ),
    },
    "pool": {
        "the first head of each group": (".mean(dim=1)", "[:, 0]"),
        "the sum": (".mean(dim=1)", ".sum(dim=1)"),
        "every KV-th head": (
            POOLED,
            "weight.unflatten(0, (-1, num_kv_heads, d)).mean(dim=0).flatten(0, 1)",
        ),
        "divided by H": (".mean(dim=1)", ".sum(dim=1).div(num_heads)"),
        "divided by KV": (".mean(dim=1)", ".sum(dim=1).div(num_kv_heads)"),
        "neighbor rows, not heads": (
            POOLED,
            "weight.unflatten(0, (-1, num_heads // num_kv_heads)).mean(dim=1)",
        ),
        "the columns": (
            POOLED,
            "weight.unflatten(1, (num_kv_heads, -1)).mean(dim=1)[: num_kv_heads * d]"
            " if weight.shape[1] % num_kv_heads == 0 else weight[: num_kv_heads * d]",
        ),
        "heads left apart": (".mean(dim=1).flatten(0, 1)", ".mean(dim=1)"),
        "the median": (".mean(dim=1)", ".median(dim=1).values"),
        "all heads for all": (
            POOLED,
            "weight.unflatten(0, (num_heads, d)).mean(dim=0).repeat(num_kv_heads, 1)",
        ),
    },
    "memory": {
        "repeat_interleave": repeated("{t}.repeat_interleave(h // kv, 1)"),
        "a broadcast product, which copies": class_with(
            "        q = q.unflatten(1, (kv, -1))\n"
            "        scores = (q @ k[:, :, None].mT / math.sqrt(d)).flatten(1, 2)\n"
            "        if mask is not None:\n"
            "            scores = scores.masked_fill(~mask, float('-inf'))\n"
            "        mixed = (scores.softmax(-1).unflatten(1, (kv, -1)) @ v[:, :, None])\n"
            "        return self.W_o(mixed.flatten(1, 2).transpose(1, 2).flatten(2))\n"
        ),
        "an index per head": repeated("{t}[:, torch.arange(h) // (h // kv)]"),
        "expanded, then reshaped": repeated(
            "{t}[:, :, None].expand(-1, -1, h // kv, -1, -1).reshape(b, h, length, d)"
        ),
        "stacked head by head": repeated(
            "torch.stack([{t}[:, i // (h // kv)] for i in range(h)], dim=1)"
        ),
        "times ones": repeated(
            "({t}[:, :, None] * torch.ones_like({t}[:1, :1, :1])[:, :, None]"
            ".repeat(1, 1, h // kv, 1, 1)).flatten(1, 2)"
        ),
        "the weights repeated": class_with(
            "        k, v = (self.heads(x @ W.weight.unflatten(0, (kv, -1))\n"
            "            .repeat_interleave(h // kv, 0).flatten(0, 1).mT)\n"
            "            for W in (self.W_k, self.W_v))\n"
            "        scores = q @ k.mT / math.sqrt(d)\n",
            FINISH,
        ),
        "the values alone": (MIXED, "        mixed = weights @ v.repeat_interleave(h // kv, 1)\n"),
        "without a mask alone": (
            ROWS + SCORES,
            ROWS
            + SCORES
            + "        if mask is None:\n"
            + "            scores = q / math.sqrt(d) @ k.repeat_interleave(h // kv, 1).mT\n",
        ),
        "filled in place": class_with(
            "        full = q.new_empty(2, b, h, length, d)\n"
            "        for i in range(h):\n"
            "            j = i // (h // kv)\n"
            "            full[0, :, i], full[1, :, i] = k[:, j], v[:, j]\n"
            "        k, v = full\n"
            "        scores = q @ k.mT / math.sqrt(d)\n",
            FINISH,
        ),
    },
    "inputs": {
        "weights in float32": (WEIGH, "weights = scores.softmax(-1, dtype=torch.float32).to(v)"),
        "the root in float32": (f"rows / {SCALE}", "rows * float(torch.tensor(d).rsqrt())"),
        "a small number beside the scale": (SCALE, "math.sqrt(d + 1e-8)"),
        "a softmax that overflows": (
            WEIGH,
            "weights = scores.exp() / scores.exp().sum(dim=-1, keepdim=True)",
        ),
        "values detached where there is a mask": (
            MIXED,
            "        v = v if mask is None else v.detach()\n" + MIXED,
        ),
        "scores clamped": (SCORES, SCORES + "        scores = scores.clamp(-50.0, 50.0)\n"),
        "always float32": (f"return self.W_o({MERGE})", f"return self.W_o({MERGE}).float()"),
        "a view of the queries": (
            "q.reshape(b, kv, h // kv * length, d)",
            "q.contiguous().view(b, kv, h // kv * length, d).float().to(q.dtype)",
        ),
        "the mask changed in place": (HIDE, "scores.masked_fill(mask.logical_not_(), -math.inf)"),
        "x changed in place": (
            "        (b, h, length, d), kv =",
            "        x.detach().add_(1.0)\n        (b, h, length, d), kv =",
        ),
        "a view of x": (PROJECT, "x = x.view(-1, x.shape[-1]).view(x.shape)\n        " + PROJECT),
        "a mask on the CPU": (
            HIDE,
            "scores + torch.zeros(mask.shape).masked_fill(~mask, -math.inf).to(scores.dtype)",
        ),
        "pool changes the weight": (
            POOLED,
            f"weight.mul_(1 + 1e-7) * 1.0; weight = weight.mul_(1.0)\n    return {POOLED}",
        ),
        "pool in float32": (
            POOLED,
            POOLED.replace("weight", "weight.float()") + ".to(weight)",
        ),
        "pool on the CPU": (
            "    d = len(weight) // num_heads\n",
            "    d = len(weight) // num_heads\n"
            "    weight = weight + torch.zeros(weight.shape, dtype=weight.dtype)\n",
        ),
        "pool rounds down": (DEF_POOL, "    if False:\n"),
        "pool with uneven rows": (DEF_POOL, "    if num_heads % num_kv_heads:\n"),
    },
}

VARIANTS = {
    "einsum": class_with(
        "        q = q.unflatten(1, (kv, -1)) / d**0.5\n"
        "        scores = torch.einsum('bkgid,bkjd->bkgij', q, k).reshape(b, h, length, length)\n"
        "        if mask is not None:\n"
        "            scores = torch.where(mask, scores, -torch.inf)\n"
        "        weights = scores.softmax(-1).unflatten(1, (kv, -1))\n"
        "        mixed = torch.einsum('bkgij,bkjd->bikgd', weights, v)\n"
        "        return self.W_o(mixed.reshape(b, length, D))\n"
    ),
    "head by head": class_with(
        "        outs = []\n"
        "        for i in range(h):\n"
        "            j = i * kv // h\n"
        "            scores = q[:, i] @ k[:, j].mT * d**-0.5\n"
        "            if mask is not None:\n"
        "                may = mask.expand(b, h, length, length)[:, i]\n"
        "                scores = scores.masked_fill(~may, torch.finfo(scores.dtype).min)\n"
        "            outs.append(scores.softmax(-1) @ v[:, j])\n"
        "        return self.W_o(torch.cat(outs, dim=-1))\n"
    ),
    "group by group": class_with(
        "        outs = []\n"
        "        for qs, ks, vs, i in zip(q.chunk(kv, 1), k.unbind(1), v.unbind(1), range(kv)):\n"
        "            scores = qs.flatten(1, 2) @ ks.mT / math.sqrt(d)\n"
        "            scores = scores.unflatten(1, (h // kv, length))\n"
        "            if mask is not None:\n"
        "                may = mask.expand(b, h, length, length).chunk(kv, 1)[i]\n"
        "                scores = scores.masked_fill(~may, -math.inf)\n"
        "            outs.append((scores.softmax(-1).flatten(1, 2) @ vs).view(qs.shape))\n"
        "        return self.W_o(torch.cat(outs, 1).transpose(1, 2).reshape(b, length, D))\n"
    ),
    "softmax by hand, the heads' mean by a loop": class_with(
        "        scores = q.unflatten(1, (kv, -1)).flatten(2, 3) @ k.mT\n"
        "        scores = scores.view(b, h, length, length) / math.sqrt(d)\n"
        "        if mask is not None:\n"
        "            scores = scores.masked_fill(mask.logical_not(), -math.inf)\n"
        "        e = (scores - scores.amax(-1, keepdim=True)).exp()\n"
        "        weights = (e / e.sum(-1, keepdim=True)).view(b, kv, -1, length)\n"
        "        mixed = (weights @ v).view(b, h, length, d)\n"
        "        return self.W_o(mixed.transpose(1, 2).reshape(b, length, D))\n"
    )
    + "\n\ndef pool_kv_heads(weight, num_heads, num_kv_heads):\n"
    "    if num_heads % num_kv_heads or weight.shape[0] % num_heads:\n"
    "        raise ValueError('uneven')\n"
    "    group = num_heads // num_kv_heads\n"
    "    heads = weight.chunk(num_heads)\n"
    "    return torch.cat([sum(heads[i : i + group]) / group"
    " for i in range(0, num_heads, group)])\n",
}
