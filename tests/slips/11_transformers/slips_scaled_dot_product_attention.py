"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

HIDE = "scores.masked_fill(hidden, torch.finfo(scores.dtype).min)"
WEIGH = "attn = scores.softmax(dim=-1).masked_fill(hidden, 0)"
SCALE = "Q / math.sqrt(Q.shape[-1]) @ K.mT"


SLIPS = {
    "by_hand": {
        "the library's result beside own weights": (
            "return attn @ V, attn",
            "two = None if mask is None else torch.atleast_2d(mask)\n"
            "    return torch.nn.functional.scaled_dot_product_attention(Q, K, V, two), attn",
        ),
        "out alone": ("return attn @ V, attn", "return attn @ V"),
        "attn first": ("return attn @ V, attn", "return attn, attn @ V"),
        "a list": ("return attn @ V, attn", "return [attn @ V, attn]"),
        "T for mT": ("K.mT", "K.T"),
        "the library's": (
            "return attn @ V, attn",
            "return torch.nn.functional.scaled_dot_product_attention(Q, K, V, mask), attn",
        ),
        "the library's by another name": (
            "return attn @ V, attn",
            "return torch._C._nn.scaled_dot_product_attention(Q, K, V, mask), attn",
        ),
    },
    "weights": {
        "scale by D": ("math.sqrt(Q.shape[-1])", "Q.shape[-1]"),
        "softmax over queries and keys together": (
            "        attn = scores.softmax(dim=-1)\n    else",
            "        attn = scores.flatten(-2).softmax(dim=-1).view_as(scores)\n    else",
        ),
        "no scale": (SCALE, "Q @ K.mT"),
        "scale by the features of V": ("math.sqrt(Q.shape[-1])", "math.sqrt(V.shape[-1])"),
        "scale by the number of keys": ("math.sqrt(Q.shape[-1])", "math.sqrt(K.shape[-2])"),
        "Q scaled in place": (
            "scores = Q / math.sqrt(Q.shape[-1])",
            "Q.data /= math.sqrt(Q.shape[-1])\n    scores = Q",
        ),
        "softmax over queries without a mask": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n        attn = scores.softmax(dim=-2)",
        ),
        "scores returned": ("return attn @ V, attn", "return attn @ V, scores"),
        "batches only": ("K.mT", "K.transpose(1, 2)"),
        "keys read in memory order": ("K.mT", "K.reshape(*K.shape[:-2], K.shape[-1], -1)"),
    },
    "mean": {
        "a ReLU on the result": ("return attn @ V, attn", "return (attn @ V).relu(), attn"),
        "values normalized first": ("return attn @ V, attn", "return attn @ V.softmax(-1), attn"),
        "dropout on the weights": (
            "return attn @ V, attn",
            "return torch.nn.functional.dropout(attn, 0.1) @ V, attn",
        ),
        "weights before the mask returned": (
            "return attn @ V, attn",
            "return attn @ V, (Q / math.sqrt(Q.shape[-1]) @ K.mT).softmax(dim=-1)",
        ),
    },
    "leading": {
        "no more than two leading sizes": (
            "    scores = Q",
            "    if Q.dim() > 4:\n        raise ValueError(Q.shape)\n    scores = Q",
        ),
        "three sizes only: transpose(1, 2)": ("K.mT", "K.transpose(1, 2)"),
        "softmax over dim 1": (WEIGH, "attn = scores.softmax(dim=1).masked_fill(hidden, 0)"),
        "mask changed in place": ("hidden = ~mask", "hidden = mask.logical_not_()"),
    },
    "masks": {
        "a mask of two axes at least": ("hidden = ~mask", "hidden = ~mask[..., :, :]"),
        "softmax over queries": (WEIGH, "attn = scores.softmax(dim=-2).masked_fill(hidden, 0)"),
        "mask inverted": ("hidden = ~mask", "hidden = mask"),
        "mask ignored": ("if mask is None", "if True"),
        "mask on queries": ("hidden = ~mask", "hidden = ~mask.expand_as(scores)[..., :1]"),
        "mask after softmax only": (HIDE, "scores"),
        "zero for a hidden score": (HIDE, "scores.masked_fill(hidden, 0)"),
        "-1e9 added": (HIDE, "scores + (hidden * -1e9).to(scores.dtype)"),
        "multiplied by the mask": (HIDE, "scores * mask"),
        "maximum taken before the mask": (
            f"scores = {HIDE}\n        {WEIGH}",
            "power = (scores - scores.amax(-1, keepdim=True)).exp().masked_fill(hidden, 0)\n"
            "        attn = power / power.sum(-1, keepdim=True).clamp(min=1e-7)",
        ),
        "a mask asserted to have two axes": (
            "hidden = ~mask",
            "assert mask.dim() >= 2\n        hidden = ~mask",
        ),
        "a mask that must be a matrix": ("hidden = ~mask", "hidden = (~mask.mT).mT"),
    },
    "empty": {
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
    },
    "precision": {
        "a float32 scale for float64": (
            "math.sqrt(Q.shape[-1])",
            "torch.tensor(Q.shape[-1]).sqrt().item()",
        ),
        "weights masked in place, which backward needs": (
            WEIGH,
            "attn = scores.softmax(dim=-1).masked_fill_(hidden, 0)",
        ),
        "always float32": (SCALE, "Q.float() / math.sqrt(Q.shape[-1]) @ K.float().mT"),
        "scaled after float16 has overflowed": (SCALE, "Q @ K.mT / math.sqrt(Q.shape[-1])"),
        "hidden keys only damped": (HIDE, "scores.masked_fill(hidden, -20.0)"),
        "-1e4 for a hidden score": (HIDE, "scores.masked_fill(hidden, -1e4)"),
        "-1e9, which float16 does not have": (HIDE, "scores.masked_fill(hidden, -1e9)"),
        "scores clamped": (
            WEIGH,
            "attn = scores.clamp(-50, 50).softmax(-1).masked_fill(hidden, 0)",
        ),
        "smallest number of Q under autocast": ("finfo(scores.dtype)", "finfo(Q.dtype)"),
        "scores clamped for exp": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n        attn = scores.clamp(-80, 80).softmax(dim=-1)",
        ),
        "weights divided by their sum plus 1e-6": (
            WEIGH,
            f"{WEIGH}\n        attn = attn / (attn.sum(dim=-1, keepdim=True) + 1e-6)",
        ),
        "exp without the maximum": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n"
            "        attn = scores.exp() / scores.exp().sum(-1, keepdim=True)",
        ),
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
    },
    "inputs": {
        "contiguous input only": ("K.mT", "K.view(-1, *K.shape[-2:]).view(K.shape).mT"),
        "weights detached": ("return attn @ V, attn", "return attn @ V, attn.detach()"),
        "a mask made on the CPU": (
            "hidden = ~mask",
            "hidden = ~(mask & torch.ones(scores.shape[-2:], dtype=torch.bool))",
        ),
        "a default mask made on the CPU": (
            "    if mask is None:\n        attn = scores.softmax(dim=-1)",
            "    if mask is None:\n"
            "        hidden = torch.zeros(scores.shape[-2:], dtype=torch.bool)\n"
            "        attn = scores.masked_fill(hidden, 0).softmax(dim=-1)",
        ),
    },
}

VARIANTS = {
    "textbook with nan_to_num": """
def scaled_dot_product_attention(Q, K, V, mask=None):
    d_k = Q.size(-1)
    scores = torch.matmul(Q / d_k**0.5, K.transpose(-2, -1))
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
        none = ~mask.any(-1, keepdim=True)
        scores = scores.masked_fill(none, 0.0)
    attn = torch.softmax(scores, dim=-1)
    if mask is not None:
        attn = attn.masked_fill(none, 0.0)
    return torch.matmul(attn, V.to(attn.dtype)), attn
""",
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
}
