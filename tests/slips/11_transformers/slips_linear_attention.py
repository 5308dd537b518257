"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

CAUSAL = "        return chunked_linear_attention(Q, K, V, chunk_size=64)\n"
FULL = "    q, (S, z) = feature(Q), summed(feature(K), wide(V))\n"
RATIO = "    return (q @ S / (q @ z[..., None])).to(Q.dtype)\n"
ADD = "S, z = new if state is None else (state[0] + new[0], state[1] + new[1])"
OUT = "    out = f @ S / (f @ z[..., None])  # (*, 1, E)\n"
GIVES = "    return out.squeeze(-2).to(q.dtype), (S, z)\n"
FIRST = "    S, z = summed(feature(K[..., :0, :]), wide(V[..., :0, :]))  # of no token: zeros\n"
WEIGHTS = "        weights = (q @ k.mT).tril()  # (*, c, c), of this chunk\n"
TOTAL = "        total = weights.sum(-1, keepdim=True) + q @ z[..., None]\n"
APPEND = "        outs.append((weights @ v + q @ S) / total)\n"
OUTS = "    outs = []\n"
NEXT = "        S, z = S + new[0], z + new[1]\n"
CAT = "    return torch.cat(outs, dim=-2).to(Q.dtype)\n"
FEATURE = "    return torch.where(x > 0, x + 1, x.clamp(max=0).exp())\n"
WIDE = "    return x.to(torch.promote_types(x.dtype, torch.float32))\n"
SUMMED = "    return k.mT @ v, k.sum(-2)\n"
ELU = "torch.nn.functional.elu"


def feature(text):
    return FEATURE, f"    return {text}\n"


def causal(text):
    """Another way for causal=True; q and k are features."""
    lines = "        q, k, v = feature(Q), feature(K), wide(V)\n"
    return CAUSAL, lines + "".join(f"        {line}\n" for line in text.strip().splitlines())


def full(text):
    """The same without causal."""
    return RATIO, f"    k, v = feature(K), wide(V)\n    return ({text}).to(Q.dtype)\n"


WHOLE = """\
weights = {}
return (weights @ v / weights.sum(-1, keepdim=True)).to(Q.dtype)"""
CUMSUM = """\
S = (k[..., :, None] * v[..., None, :]).cumsum(-3)
z = k.cumsum(-2)
return {}"""
EVERY = "((q[..., None, :] @ S).squeeze(-2) / (q * z).sum(-1, keepdim=True)).to(Q.dtype)"

SLIPS = {
    "full": {
        "no more keys than queries": (
            FULL,
            "    if Q.shape[-2] > 1:\n"
            "        K, V = (t[..., : Q.shape[-2], :] for t in (K, V))\n" + FULL,
        ),
        "no denominator": full("q @ S"),
        "divided by L": full("q @ S / K.shape[-2]"),
        "denominator without the query": full("q @ S / z.sum(-1)[..., None, None]"),
        "softmax attention": full("(Q @ K.mT / Q.shape[-1] ** 0.5).softmax(-1) @ V"),
        "softmax of queries and of keys": full("Q.softmax(-1) @ (K.softmax(-2).mT @ V)"),
        "queries without f": full("wide(Q) @ S / (wide(Q) @ z[..., None])"),
        "keys without f": full("q @ (wide(K).mT @ v) / (q @ wide(K).sum(-2)[..., None])"),
        "epsilon of 1e-3": full("q @ S / (q @ z[..., None] + 1e-3)"),
        "always causal": (
            FULL,
            "    if Q.shape == K.shape:\n"
            "        return chunked_linear_attention(Q, K, V, chunk_size=64)\n" + FULL,
        ),
        "samples mixed": full(
            "q @ S.mean(0, keepdim=True) / (q @ z.mean(0, keepdim=True)[..., None])"
            " if Q.dim() == 3 else q @ S / (q @ z[..., None])"
        ),
        "the last key left out": full(
            "q @ (k[..., :-1, :].mT @ v[..., :-1, :]) / (q @ k[..., :-1, :].sum(-2)[..., None])"
            " if K.shape[-2] > 1 else q @ S / (q @ z[..., None])"
        ),
        "relu": feature("torch.relu(x) + 1e-6"),
        "elu": feature(f"{ELU}(x)"),
        "exp": feature("x.exp()"),
    },
    "causal": {
        "each chunk alone": causal(
            "parts = zip(*(t.split(64, -2) for t in (Q, K, V)))\n"
            "return torch.cat([chunked_linear_attention(*p, 64) for p in parts], -2)"
        ),
        "causal ignored": (CAUSAL, "        pass\n"),
        "denominator of all tokens": causal(
            "weights = (q @ k.mT)\n"
            "return (weights.tril() @ v / weights.sum(-1, keepdim=True)).to(Q.dtype)"
        ),
        "no token sees itself": causal(WHOLE.format("(q @ k.mT).tril(-1) + 1e-9")),
        "one token of the future": causal(WHOLE.format("(q @ k.mT).tril(1)")),
        "only the last 64 tokens": causal(WHOLE.format("(q @ k.mT).tril().triu(-63)")),
        "cumulative sums over another axis": causal(
            f"S = (k[..., :, None] * v[..., None, :]).cumsum(-2)\nz = k.cumsum(-2)\nreturn {EVERY}"
        ),
        "state read before the token is added": causal(
            "S = (k[..., :, None] * v[..., None, :]).cumsum(-3).roll(1, -3)\n"
            "z = k.cumsum(-2).roll(1, -2)\n"
            f"return {EVERY}"
        ),
        "softmax with a triangle": causal(
            "scores = Q @ K.mT\n"
            "hidden = torch.ones(scores.shape[-2:], device=Q.device).triu(1) > 0\n"
            "return scores.masked_fill(hidden, -torch.inf).softmax(-1) @ V"
        ),
    },
    "step": {
        "z before S": """
Plain = globals().get("Plain", linear_attention_step)

def linear_attention_step(state, q, k, v):
    out, (S, z) = Plain(state and state[::-1], q, k, v)
    return out, (z, S)
""",
        "the given state changed in place": (
            ADD,
            "S, z = new if state is None else (state[0].add_(new[0]), state[1].add_(new[1]))",
        ),
        "a list": (GIVES, GIVES.replace("(S, z)", "[S, z]")),
        "state first": (GIVES, "    return (S, z), out.squeeze(-2).to(q.dtype)\n"),
        "the token not added": (GIVES, GIVES.replace("(S, z)", "state or (S, z)")),
        "the state of before read": (
            OUT,
            "    if state is not None:\n        old = state\n"
            "        out = f @ old[0] / (f @ old[1][..., None])\n    else:\n    " + OUT,
        ),
        "z not added up": (ADD, ADD.replace("state[1] + new[1]", "new[1]")),
        "S not added up": (ADD, ADD.replace("state[0] + new[0]", "new[0]")),
        "each token alone": (ADD, "S, z = new"),
        "no denominator": (OUT, "    out = f @ S\n"),
        "keys kept without f": """
Plain = globals().get("Plain", linear_attention_step)

def linear_attention_step(state, q, k, v):
    out, (S, z) = Plain(state, q, k, v)
    return out, (S, z - feature(k) + k if state else z)
""",
    },
    "chunked": {
        "chunks of one token: the values": (
            OUTS,
            f"    if chunk_size == 1:\n        return V\n{OUTS}",
        ),
        "no triangle in a chunk": (WEIGHTS, WEIGHTS.replace(".tril()", "")),
        "a triangle in numerator alone": (
            WEIGHTS + TOTAL,
            WEIGHTS.replace(".tril()", "") + TOTAL + "        weights = weights.tril()\n",
        ),
        "each chunk alone": (NEXT, ""),
        "only the chunk before": (NEXT, "        S, z = new\n"),
        "the state counts its own chunk": (
            WEIGHTS,
            "        S, z = S + k.mT @ v, z + k.sum(-2)\n" + WEIGHTS,
        ),
        "denominator of the chunk alone": (TOTAL, TOTAL.replace(" + q @ z[..., None]", "")),
        "parts divided one by one": (
            APPEND,
            "        own = weights @ v / weights.sum(-1, keepdim=True)\n"
            "        old = q @ S / (q @ z[..., None]) if outs else own\n"
            "        outs.append((own + old) / 2)\n",
        ),
        "the last short chunk left out": (
            "    for q, k, v in chunks:\n",
            "    for q, k, v in chunks:\n"
            "        if outs and q.shape[-2] < chunk_size:\n            continue\n",
        ),
        "the last short chunk not masked": (
            TOTAL,
            "        if q.shape[-2] < chunk_size and outs:\n            weights = q @ k.mT\n"
            + TOTAL,
        ),
        "not causal": (
            OUTS,
            "    if chunk_size >= Q.shape[-2]:\n        return linear_attention(Q, K, V)\n" + OUTS,
        ),
    },
    "gradients": {
        "state detached, token by token": (
            GIVES,
            GIVES.replace("(S, z)", "(S.detach(), z.detach())"),
        ),
        "state detached after a chunk": (NEXT, NEXT + "        S, z = S.detach(), z.detach()\n"),
        "denominator detached": (RATIO, RATIO.replace("z[", "z.detach()[")),
        "denominator of a chunk detached": (APPEND, APPEND.replace("/ total", "/ total.detach()")),
        "without a gradient": ("def linear_attention(", "@torch.no_grad()\ndef linear_attention("),
        "steps without a gradient": (
            "def linear_attention_step(",
            "@torch.no_grad()\ndef linear_attention_step(",
        ),
        "f has no gradient below 0": feature("torch.where(x > 0, x + 1, x.detach().exp())"),
    },
    "linear": {
        "all weights": (
            RATIO,
            "    weights = q @ feature(K).mT\n"
            "    out = weights @ wide(V) / weights.sum(-1, keepdim=True)\n"
            "    return out.to(Q.dtype)\n",
        ),
        "all weights, then a triangle": causal(WHOLE.format("(q @ k.mT).tril()")),
        "a sum for each token, all kept": causal(CUMSUM.format(EVERY)),
        "chunk_size ignored": (OUTS, "    chunk_size = 10_000\n" + OUTS),
        "the past computed anew for each chunk": (
            WEIGHTS,
            "        done = sum(o.shape[-2] for o in outs)\n"
            "        S, z = summed(feature(K[..., :done, :]), wide(V[..., :done, :]))\n" + WEIGHTS,
        ),
        "weights in rows of 16": (
            RATIO,
            "    k, v, outs = feature(K), wide(V), []\n"
            "    for part in q.split(16, -2):\n"
            "        weights = part @ k.mT\n"
            "        outs.append(weights @ v / weights.sum(-1, keepdim=True))\n"
            "    return torch.cat(outs, -2).to(Q.dtype)\n",
        ),
        "a mask of all pairs": (
            CAUSAL,
            "        torch.ones(*2 * Q.shape[-2:-1], dtype=torch.bool, device=Q.device).tril()\n"
            + CAUSAL,
        ),
    },
    "exact": {
        "exp of large numbers in the branch that is not taken": feature(
            "torch.where(x > 0, x + 1, x.exp())"
        ),
        "elu + 1 by the library": feature(f"{ELU}(x) + 1"),
        "epsilon in the state's denominator": (
            OUT,
            OUT.replace("(f @ z[..., None])", "(f @ z[..., None] + 1e-6)"),
        ),
        "denominator of 1e-6 at least": (
            APPEND,
            APPEND.replace("total)", "total.clamp(min=1e-6))"),
        ),
        "float64 computed in float32": (WIDE, "    return x.float()\n"),
        "f of 50 at most": feature("torch.where(x > 0, x + 1, x.clamp(max=0).exp()).clamp(max=50)"),
        "f of 1e-6 at least": feature("torch.where(x > 0, x + 1, x.clamp(-13.8, 0).exp())"),
    },
    "kinds": {
        "state in the inputs' dtype": (
            GIVES,
            GIVES.replace("(S, z)", "(S.to(q.dtype), z.to(q.dtype))"),
        ),
        "sums in the inputs' dtype": (WIDE, "    return x\n"),
        "out in float32": (RATIO, RATIO.replace(".to(Q.dtype)", "")),
        "out of chunks in float32": (CAT, CAT.replace(".to(Q.dtype)", "")),
        "out of a step in float32": (GIVES, GIVES.replace(".to(q.dtype)", "")),
        "zeros on the CPU": (
            FIRST,
            "    S = torch.zeros(*K.shape[:-2], K.shape[-1], V.shape[-1], dtype=wide(K).dtype)\n"
            "    z = torch.zeros(*K.shape[:-2], K.shape[-1], dtype=wide(K).dtype)\n",
        ),
        "view of strides": (FULL, "    Q.view(-1), K.view(-1)\n" + FULL),
        "f in place": (
            FULL,
            "    Q.data.copy_(Q.data * (1 + 1e-9))\n" + FULL,
        ),
    },
}

VARIANTS = {
    "causal token by token, a step by outer products": """
def linear_attention(Q, K, V, causal=False):
    if not causal:
        q, k, v = feature(Q), feature(K), wide(V)
        S, z = torch.einsum("...ld,...le->...de", k, v), k.sum(dim=-2, keepdim=True)
        out = torch.einsum("...ld,...de->...le", q, S)
        return (out / (q * z).sum(-1, keepdim=True)).to(Q.dtype)
    outs, state = [], None
    for q, k, v in zip(Q.unbind(-2), K.unbind(-2), V.unbind(-2)):
        out, state = linear_attention_step(state, q, k, v)
        outs.append(out)
    return torch.stack(outs, dim=-2)

def linear_attention_step(state, q, k, v):
    q_, k_, v_ = feature(q), feature(k), wide(v)
    if state is None:
        state = torch.zeros_like(k_[..., None] * v_[..., None, :]), torch.zeros_like(k_)
    S = state[0] + k_.unsqueeze(-1) * v_.unsqueeze(-2)
    z = state[1] + k_
    out = (q_.unsqueeze(-1) * S).sum(-2) / (q_ * z).sum(-1, keepdim=True)
    return out.to(q.dtype), (S, z)
""",
    "all chunks at once, a column of ones for z, f without a clamp": """
def chunked_linear_attention(Q, K, V, chunk_size):
    L = Q.shape[-2]
    pad = -L % chunk_size
    q, k, v = feature(Q), feature(K), wide(V)
    v = torch.cat([v, torch.ones_like(v[..., :1])], -1)
    q, k, v = (torch.nn.functional.pad(t, (0, 0, 0, pad)) for t in (q, k, v))
    q, k, v = (t.unflatten(-2, (-1, chunk_size)) for t in (q, k, v))
    own = k.mT @ v
    before = own.cumsum(-3) - own
    out = (q @ k.mT).tril() @ v + q @ before
    out = out.flatten(-3, -2)[..., :L, :]
    return (out[..., :-1] / out[..., -1:]).to(Q.dtype)

def feature(x):
    x = wide(x)
    return torch.exp(torch.minimum(x, x.new_zeros(()))) + torch.relu(x)
""",
}
