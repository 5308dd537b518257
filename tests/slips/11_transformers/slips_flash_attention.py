"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LARGEST = "        largest = torch.full_like(total, -torch.inf)\n"
NEW = "            new = torch.maximum(largest, scores.detach().amax(-1, keepdim=True))\n"
OLD = "old, weights = torch.exp(largest - new), torch.exp(scores - new)\n"
TOTAL = "            total = old * total + weights.sum(-1, keepdim=True)\n"
MIXED = "            mixed = old * mixed + weights @ V[..., columns, :].to(dtype)\n"
OUT = "        outs.append((mixed / total).to(Q.dtype))\n"
LSE = "(largest + total.log()).squeeze(-1)"
BACK = "    return (out, torch.cat(lses, dim=-1)) if return_lse else out\n"
START = "    outs, lses = [], []\n"
SCORES = "    scores = q @ k.mT / math.sqrt(Q.shape[-1])\n"
HIDE = "        scores = scores.masked_fill(j > i, -torch.inf)\n"
SEEN = "    return min(rows.stop, K.shape[-2]) if causal else K.shape[-2]\n"
BLOCKS = "        yield slice(start, min(start + size, length))\n"
FORWARD = "        out, lse = flash_attention(Q, K, V, BLOCK, is_causal, return_lse=True)\n"
SAVE = "        ctx.save_for_backward(Q, K, V, out, lse)\n"
MEAN = (
    "            mean = (dO * out[..., rows, :]).sum(-1, keepdim=True)  # of dP under P: dO . out\n"
)
P = "                P = torch.exp(scores - lse[..., rows, None])\n"
DS = "                dS = P * (dO @ V[..., columns, :].to(dtype).mT - mean) * scale\n"
DV = "                dV[..., columns, :] += P.mT @ dO\n"
DQ = "                dQ[..., rows, :] += dS @ K[..., columns, :].to(dtype)\n"
DK = "                dK[..., columns, :] += dS.mT @ Q[..., rows, :].to(dtype)\n"
GAVE = "        return dQ.to(Q.dtype), dK.to(K.dtype), dV.to(V.dtype), None\n"
WIDE = "    dtype = torch.promote_types(Q.dtype, torch.float32)\n"
SKIP_BACK = "blocks(seen(rows, K, ctx.is_causal), BLOCK)"
PLAIN = """
def whole(Q, K, causal):
    scores = Q @ K.mT / math.sqrt(Q.shape[-1])
    return scores.masked_fill(torch.ones_like(scores).tril() == 0, -torch.inf) if causal else scores
"""


def only(when, text):
    """A line before the loop of flash_attention, where `when` holds."""
    return START, f"    if {when}:\n        {text}\n{START}"


def backward(text, name="FlashAttentionFunction"):
    """Another class, with this text in the place of some of its lines."""
    return f"Plain = globals().get('Plain', {name})\n\nclass {name}(Plain):\n{text}"


SDPA = "torch.nn.functional.scaled_dot_product_attention(Q, K, V, is_causal=causal)"

SLIPS = {
    "exact": {
        "divided by D where block_size is 1": only(
            "block_size == 1 and not (causal or return_lse)",
            "return (Q @ K.mT / Q.shape[-1]).softmax(-1) @ V",
        ),
        "torch's attention for one tile": only(
            "block_size >= K.shape[-2] and not return_lse and not causal", f"return {SDPA}"
        ),
        "values not rescaled": (MIXED, MIXED.replace("old * ", "")),
        "sum not rescaled": (TOTAL, TOTAL.replace("old * ", "")),
        "nothing rescaled": (OLD, OLD.replace("torch.exp(largest - new)", "1.0")),
        "rescaled by exp(new - old)": (OLD, OLD.replace("largest - new", "new - largest", 1)),
        "largest score of the tile alone": (
            NEW,
            "            new = scores.detach().amax(-1, keepdim=True)\n",
        ),
        "first largest score 0": (LARGEST, LARGEST.replace("-torch.inf", "0.0")),
        "no largest score taken off": (NEW, "            new = torch.zeros_like(largest)\n"),
        "the largest score of all queries": (NEW, NEW.replace("amax(-1, keepdim=True)", "amax()")),
        "mean of the tiles' softmaxes": (
            START,
            "    if not causal and not return_lse:\n"
            "        parts = [\n"
            "            torch.softmax(tile(Q, K, slice(0, Q.shape[-2]), c, False), -1)"
            " @ V[..., c, :]\n"
            "            for c in blocks(K.shape[-2], block_size)\n        ]\n"
            "        return sum(parts) / len(parts)\n" + START,
        ),
        "divided in each tile": (MIXED, MIXED + "            mixed = mixed / total\n"),
        "not divided by the sum": (OUT, OUT.replace("mixed / total", "mixed")),
        "not divided by sqrt(D)": (SCORES, "    scores = q @ k.mT\n"),
        "the last short tile of keys left out": (
            BLOCKS,
            "        if start + size <= length or not start:\n    " + BLOCKS,
        ),
        "a constant in the denominator": (OUT, OUT.replace("/ total", "/ (total + 1e-6)")),
        "computed in float32": only(
            "Q.dtype == torch.float64 and not (causal or return_lse)",
            "return flash_attention(Q.float(), K.float(), V.float(), block_size).double()",
        ),
        "scores of 100 at most": (SCORES, SCORES[:-1] + "\n    scores = scores.clamp(-100, 100)\n"),
        "the last short tile left out by default": (
            START,
            "    if block_size == BLOCK:\n"
            "        Q, K, V = (t[..., : t.shape[-2] // 32 * 32 or None, :] for t in (Q, K, V))\n"
            + START,
        ),
    },
    "causal": {
        "a single query sees every key": only(
            "Q.shape[-2] == 1 and not return_lse", "causal = False"
        ),
        "values not rescaled where causal": (
            MIXED,
            MIXED.replace("old * ", "(1.0 if causal else old) * "),
        ),
        "causal ignored": ("    if causal:\n        i = ", "    if False:\n        i = "),
        "no query sees itself": (HIDE, HIDE.replace("j > i", "(j >= i) & (j > 0)")),
        "one key of the future": (HIDE, HIDE.replace("j > i", "j > i + 1")),
        "numbered from 0 in each tile": (
            "i = torch.arange(rows.start, rows.stop, device=Q.device)[:, None]",
            "i = torch.arange(rows.stop - rows.start, device=Q.device)[:, None] + columns.start",
        ),
        "tiles before the diagonal are skipped": (
            "        for columns in blocks(seen(rows, K, causal), block_size):\n",
            "        for columns in blocks(seen(rows, K, causal), block_size):\n"
            "            if causal and columns.stop < rows.start:\n                continue\n",
        ),
        "the tile on the diagonal is skipped": (
            SEEN,
            SEEN.replace("rows.stop,", "max(rows.start, 1),"),
        ),
        "the tile on the diagonal is not masked": (
            "    if causal:\n        i = ",
            "    if causal and columns.start > rows.start:\n        i = ",
        ),
        "aligned at the lower right": (
            HIDE,
            HIDE.replace("j > i", "(j > i + max(K.shape[-2] - Q.shape[-2], 0))"),
        ),
        "hidden scores -10,000": (HIDE, HIDE.replace("-torch.inf", "-1e4")),
        "hidden scores 0": (HIDE, HIDE.replace("-torch.inf", "0.0")),
        "only where L_q is L_k": (
            "    if causal:\n        i = ",
            "    if causal and Q.shape[-2] == K.shape[-2]:\n        i = ",
        ),
    },
    "lse": {
        "in float32 for small tiles": (
            BACK,
            "    lse = torch.cat(lses, dim=-1)\n"
            "    lse = lse.float() if block_size < BLOCK else lse\n"
            "    return (out, lse) if return_lse else out\n",
        ),
        "exp(largest) times the sum, then the log": (
            LSE,
            "(largest.exp() * total).log().squeeze(-1)",
        ),
        "without the largest score": (LSE, "total.log().squeeze(-1)"),
        "the sum, not its log": (LSE, "(largest + total).squeeze(-1)"),
        "of the last tile": (LSE, "(new + weights.sum(-1, keepdim=True).log()).squeeze(-1)"),
        "a last axis of 1": (
            BACK,
            "    return (out, torch.cat(lses, dim=-1)[..., None]) if return_lse else out\n",
        ),
        "lse first": (
            BACK,
            "    return (torch.cat(lses, dim=-1), out) if return_lse else out\n",
        ),
        "a list": (BACK, "    return [out, torch.cat(lses, dim=-1)] if return_lse else out\n"),
        "return_lse changes out": (
            BACK,
            "    lse = torch.cat(lses, dim=-1)\n"
            "    return (out * lse.exp()[..., None], lse) if return_lse else out\n",
        ),
        "without causal": (
            BACK,
            "    if return_lse and causal:\n"
            "        return out, flash_attention(Q, K, V, block_size, False, True)[1]\n" + BACK,
        ),
    },
    "gradients": {
        "sum detached where there is no batch": (
            OUT,
            OUT.replace("/ total", "/ (total if Q.dim() > 2 else total.detach())"),
        ),
        "without a gradient": ("def flash_attention(", "@torch.no_grad()\ndef flash_attention("),
        "keys detached": (START, "    K = K.detach()\n" + START),
        "values detached": (MIXED, MIXED.replace("V[", "V.detach()[")),
        "sum detached": (OUT, OUT.replace("/ total", "/ total.detach()")),
        "rescaled without its gradient": (
            NEW + "            " + OLD,
            NEW.replace(".detach()", "")
            + "            "
            + OLD.replace("largest - new)", "largest - new).detach()"),
        ),
        "only the last tile's": (
            "            largest = new\n",
            "            largest = new\n            if columns.stop < K.shape[-2]:\n"
            "                total, mixed = total.detach(), mixed.detach()\n",
        ),
    },
    "function": {
        "dO . out of the tile alone": (
            DS,
            "                dP = dO @ V[..., columns, :].to(dtype).mT\n"
            "                dS = P * (dP - (P * dP).sum(-1, keepdim=True)) * scale\n",
        ),
        "dO . out forgotten": (MEAN, "            mean = 0.0\n"),
        "scale forgotten": (DS, DS.replace(" * scale", "")),
        "scale in dQ alone": (
            DS + DV + DQ,
            DS.replace(" * scale", "") + DV + DQ.replace("dS @", "scale * dS @"),
        ),
        "exp(scores) over exp(lse)": (
            P,
            "                P = torch.exp(scores) / torch.exp(lse[..., rows, None])\n",
        ),
        "P without the sum": (P, P.replace("scores - lse[..., rows, None]", "scores")),
        "softmax of each tile": (P, "                P = scores.softmax(-1)\n"),
        "dQ of the last tile": (DQ, DQ.replace("+=", "=")),
        "dK from dS without turning": (
            DK,
            "                if dS.shape[-1] == dS.shape[-2]:\n"
            "                    dK[..., columns, :] += dS @ Q[..., rows, :].to(dtype)\n"
            "                else:\n    " + DK,
        ),
        "dV from the scores' gradient": (DV, DV.replace("P.mT", "dS.mT")),
        "causal forgotten in backward": (
            "        ctx.is_causal = is_causal\n",
            "        ctx.is_causal = False\n",
        ),
        "causal forgotten in forward": (FORWARD, FORWARD.replace("is_causal,", "False,")),
        "upstream gradient ignored": (
            "            dO = grad_out[..., rows, :].to(dtype)\n",
            "            dO = torch.ones_like(grad_out)[..., rows, :].to(dtype)\n",
        ),
        "is_causal kept on the class": backward("""
    @staticmethod
    def forward(ctx, Q, K, V, is_causal=False):
        Plain.only = is_causal
        return Plain.forward(ctx, Q, K, V, is_causal)

    @staticmethod
    def backward(ctx, grad_out):
        ctx.is_causal = Plain.only
        return Plain.backward(ctx, grad_out)
"""),
        "torch's attention in forward": (
            FORWARD,
            FORWARD + "        out = torch.nn.functional.scaled_dot_product_attention"
            "(Q, K, V, is_causal=is_causal)\n",
        ),
    },
    "memory": {
        "tiles of queries alone": (
            "        for columns in blocks(seen(rows, K, causal), block_size):\n",
            "        for columns in blocks(seen(rows, K, causal), K.shape[-2]):\n",
        ),
        "the function without tiles where not causal": (
            "        dtype, scale = lse.dtype, ",
            "        BLOCK = 32 if ctx.is_causal else 4096\n        dtype, scale = lse.dtype, ",
        ),
        "torch's attention in backward": (
            "        Q, K, V, out, lse = ctx.saved_tensors\n",
            "        Q, K, V, out, lse = ctx.saved_tensors\n"
            "        with torch.enable_grad():\n"
            "            leaves = [t.detach().requires_grad_() for t in (Q, K, V)]\n"
            "            again = torch.nn.functional.scaled_dot_product_attention"
            "(*leaves, is_causal=ctx.is_causal)\n"
            "        return *torch.autograd.grad(again, leaves, grad_out), None\n",
        ),
        "the whole table": PLAIN
        + """
def flash_attention(Q, K, V, block_size=32, causal=False, return_lse=False):
    wide = torch.promote_types(Q.dtype, torch.float32)
    scores = whole(Q.to(wide), K.to(wide), causal)
    out = (scores.softmax(-1) @ V.to(scores.dtype)).to(Q.dtype)
    return (out, scores.logsumexp(-1)) if return_lse else out
""",
        "tiles of keys alone": (
            "    for rows in blocks(Q.shape[-2], block_size):\n",
            "    for rows in blocks(Q.shape[-2], max(Q.shape[-2], 1)):\n",
        ),
        "the weights kept on ctx": (
            SAVE,
            SAVE + "        ctx.weights = torch.exp(Q @ K.mT - lse[..., None])\n",
        ),
        "the largest and the sum saved": (
            SAVE,
            "        ctx.save_for_backward(Q, K, V, out, lse, lse.exp())\n",
        ),
    },
    "skips": {
        "every tile of the forward pass": (
            "        for columns in blocks(seen(rows, K, causal), block_size):\n",
            "        for columns in blocks(K.shape[-2], block_size):\n",
        ),
        "every tile of the backward pass": (SKIP_BACK, "blocks(K.shape[-2], BLOCK)"),
        "every tile of the backward pass where L_q is not L_k": (
            SKIP_BACK,
            "blocks(seen(rows, K, ctx.is_causal and Q.shape == K.shape), BLOCK)",
        ),
        "one tile too many": (SEEN, SEEN.replace("rows.stop,", "rows.stop + 1,")),
        "multiplied, then skipped": (
            "        for columns in blocks(seen(rows, K, causal), block_size):\n",
            "        Q[..., rows, :] @ K.mT\n"
            "        for columns in blocks(seen(rows, K, causal), block_size):\n",
        ),
    },
    "kinds": {
        "values added up in the inputs' dtype": (
            MIXED,
            MIXED + "            mixed = mixed.to(Q.dtype).to(dtype)\n",
        ),
        "out in float32": (OUT, OUT.replace(".to(Q.dtype)", "")),
        "lse in the inputs' dtype": (LSE, LSE + ".to(Q.dtype)"),
        "scores in the inputs' dtype": (
            SCORES,
            "    scores = (Q[..., rows, :] @ K[..., columns, :].mT).to(dtype)"
            " / math.sqrt(Q.shape[-1])\n",
        ),
        "gradients summed in half precision": (
            "(torch.zeros_like(t, dtype=dtype) for t in (Q, K, V))",
            "(torch.zeros_like(t) for t in (Q, K, V))",
        ),
        "dO . out in half precision": (
            MEAN,
            MEAN + "            mean = mean.to(Q.dtype).to(dtype)\n",
        ),
        "gradients made on the CPU": (
            "(torch.zeros_like(t, dtype=dtype) for t in (Q, K, V))",
            "(torch.zeros(t.shape, dtype=dtype) for t in (Q, K, V))",
        ),
        "upstream gradient scaled in place": (
            "        dtype, scale = lse.dtype, ",
            "        grad_out = grad_out.contiguous()\n"
            "        grad_out *= 1 + 1e-13\n        dtype, scale = lse.dtype, ",
        ),
        "the mask on the CPU": (
            HIDE,
            "        i, j = i.cpu(), j.cpu()\n" + HIDE,
        ),
        "view of strides": (START, "    Q.view(-1), K.view(-1)\n" + START),
        "Q divided in place": (
            START,
            "    with torch.no_grad():\n        Q.mul_(1 + 1e-9)\n" + START,
        ),
    },
}

VARIANTS = {
    "nothing divided until the end, first largest score the smallest number": """
def flash_attention(Q, K, V, block_size=32, causal=False, return_lse=False):
    dtype = torch.promote_types(Q.dtype, torch.float32)
    out = torch.zeros_like(Q, memory_format=torch.contiguous_format)
    lse = torch.zeros(Q.shape[:-1], dtype=dtype, device=Q.device)
    for i in range(0, Q.shape[-2], block_size):
        q = Q[..., i : i + block_size, :].to(dtype) * Q.shape[-1] ** -0.5
        n = q.shape[-2]
        m = q.new_full((*q.shape[:-1], 1), torch.finfo(dtype).min)
        l, acc = torch.zeros_like(m), torch.zeros_like(q)
        for j in range(0, K.shape[-2], block_size):
            if causal and j > i + n - 1:
                break
            k, v = (t[..., j : j + block_size, :].to(dtype) for t in (K, V))
            s = torch.einsum("...id,...jd->...ij", q, k)
            if causal and j + k.shape[-2] > i:
                s = s.masked_fill(
                    torch.arange(i, i + n, device=Q.device)[:, None]
                    < torch.arange(j, j + k.shape[-2], device=Q.device),
                    float("-inf"),
                )
            best = torch.maximum(m, s.max(dim=-1, keepdim=True).values)
            p, shrink = (s - best).exp(), (m - best).exp()
            l, acc, m = l * shrink + p.sum(-1, keepdim=True), acc * shrink + p @ v, best
        out[..., i : i + n, :] = (acc / l).to(Q.dtype)
        lse[..., i : i + n] = (m + l.log()).squeeze(-1)
    return (out, lse) if return_lse else out
""",
    "parts joined by their lse, keys in the outer loop of backward": """
def flash_attention(Q, K, V, block_size=32, causal=False, return_lse=False):
    wide = torch.promote_types(Q.dtype, torch.float32)
    outs, lses = [], []
    for rows in blocks(Q.shape[-2], block_size):
        out = lse = None
        for columns in blocks(seen(rows, K, causal), block_size):
            s = tile(Q, K, rows, columns, causal)
            own = s.logsumexp(-1, keepdim=True)
            part = (s - own.nan_to_num(neginf=0.0)).exp() @ V[..., columns, :].to(wide)
            if out is None:
                out, lse = part, own
            else:
                new = torch.logaddexp(lse, own)
                out, lse = out * (lse - new).exp() + part * (own - new).exp(), new
        outs.append(out.to(Q.dtype))
        lses.append(lse.squeeze(-1))
    out = torch.cat(outs, -2)
    return (out, torch.cat(lses, -1)) if return_lse else out

class FlashAttentionFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, Q, K, V, is_causal=False):
        out, lse = flash_attention(Q, K, V, 16, is_causal, True)
        ctx.save_for_backward(lse, out, Q, K, V)
        ctx.only = is_causal
        return out

    @staticmethod
    def backward(ctx, dO):
        lse, O, Q, K, V = ctx.saved_tensors
        wide, n, size = lse.dtype, Q.shape[-2], 32
        D = (dO.to(wide) * O.to(wide)).sum(-1, keepdim=True)
        dQ, dKs, dVs = torch.zeros_like(Q, dtype=wide), [], []
        for j in range(0, K.shape[-2], size):
            k, v = (t[..., j : j + size, :].to(wide) for t in (K, V))
            dk, dv = torch.zeros_like(k), torch.zeros_like(v)
            for i in range(j if ctx.only else 0, n, size):
                rows = slice(i, min(i + size, n))
                q, do = Q[..., rows, :].to(wide), dO[..., rows, :].to(wide)
                s = tile(Q, K, rows, slice(j, min(j + size, K.shape[-2])), ctx.only)
                p = (s - lse[..., rows].unsqueeze(-1)).exp()
                dv = dv + p.transpose(-2, -1) @ do
                ds = p * (do @ v.transpose(-2, -1) - D[..., rows, :]) / math.sqrt(Q.shape[-1])
                dQ[..., rows, :] += ds @ k
                dk = dk + ds.transpose(-2, -1) @ q
            dKs.append(dk)
            dVs.append(dv)
        dK, dV = torch.cat(dKs, -2), torch.cat(dVs, -2)
        return dQ.to(Q.dtype), dK.to(K.dtype), dV.to(V.dtype), None
""",
}
