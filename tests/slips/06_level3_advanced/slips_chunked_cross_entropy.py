"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LOG_P = "log_p = (h @ wide.T).log_softmax(dim=-1)  # (c, V)"
LOSS = "loss -= log_p.gather(1, target).where(keep, 0).sum()"
MEAN = "return loss / count"
COUNT = "count = kept.sum().clamp(min=1)"
KEPT = "kept = targets != ignore_index  # (N,)"
STARTS = "for start in range(0, len(targets), chunk_size):"
ROWS = "rows = slice(start, start + chunk_size)"
GRAD_H = "grad_hidden[rows] = slope @ wide"
GRAD_W = "grad_weight += slope.T @ h"
SLOPE = "slope = log_p.exp_().scatter_add_(1, target, -torch.ones_like(h[:, :1]))"
DIVIDED = "slope.mul_(keep).div_(count)"
BACK = "grads = [upstream[0] * grad for grad in ctx.saved_tensors]"
TARGET = "target = targets[rows, None].where(keep, 0)"
EXACT = "exact = torch.promote_types(hidden.dtype, torch.float32)"
SMALL = """\
    if chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}, want 1 or more")
"""
LENGTHS = """\
    if len(hidden) != len(targets):
        raise ValueError(f"{len(targets)} targets, want {len(hidden)}, one per row of hidden")
"""
HEAD = """\
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

def chunked_cross_entropy(hidden, weight, targets, chunk_size=1024, ignore_index=-100):
"""
CHECKED = f"""{HEAD}
    if chunk_size < 1 or len(hidden) != len(targets):
        raise ValueError((chunk_size, hidden.shape, targets.shape))
    dtype = torch.float32 if hidden.dtype in (torch.bfloat16, torch.float16) else hidden.dtype
    wide = weight.to(dtype)
    def part(h, t):
        logits = h.to(dtype) @ wide.T
        return F.cross_entropy(logits, t, ignore_index=ignore_index, reduction="sum")
    total = 0.0 * (hidden.sum() + wide.sum()).to(dtype)
    for h, t in zip(hidden.split(chunk_size), targets.split(chunk_size)):
        total = total + checkpoint(part, h, t, use_reentrant=False)
    return total / (targets != ignore_index).sum().clamp(min=1)
"""
PLAIN = CHECKED.replace("checkpoint(part, h, t, use_reentrant=False)", "part(h, t)")

SLIPS = {
    "loss": {
        "exp before log": (
            LOG_P,
            (
                "log_p = (h @ wide.T).exp()\n"
                "            log_p = (log_p / log_p.sum(-1, keepdim=True)).log()"
            ),
        ),
        "probabilities clamped": (
            LOSS,
            LOSS.replace("log_p.gather", "log_p.clamp(min=-100).gather"),
        ),
        "the largest logit of the chunk taken away, not the row's": (
            LOG_P,
            (
                "log_p = h @ wide.T\n"
                "            log_p = log_p - log_p.max()\n"
                "            log_p = log_p - log_p.exp().sum(-1, keepdim=True).log()"
            ),
        ),
        "the sum": (MEAN, "return loss"),
        "a term too much": (MEAN, "return loss / count + 1e-3"),
        "the mean over the vocabulary, too": (MEAN, "return loss / count / len(weight)"),
        "its sign": (MEAN, "return -loss / count"),
        "base 2": (MEAN, "return loss / count / torch.tensor(2.0).log()"),
        "a vector": (MEAN, "return (loss / count)[None]"),
        "hidden changed in place": (LOG_P, "hidden.data.mul_(1.5)\n            " + LOG_P),
    },
    "chunks": {
        "the first 1024 rows without a chunk_size": (
            STARTS,
            "for start in range(0, min(len(targets), 1024), chunk_size):",
        ),
        "the short last chunk is left out": (
            STARTS,
            "for start in range(0, len(targets) - chunk_size + 1, chunk_size):",
        ),
        "the mean of the chunks' means": (
            MEAN,
            "parts = list(zip(hidden.split(chunk_size), targets.split(chunk_size)))\n"
            "        f = torch.nn.functional.cross_entropy\n"
            "        parts = [f(h @ weight.T, t, ignore_index=ignore_index) for h, t in parts]\n"
            "        return torch.stack(parts).mean()",
        ),
        "chunks overlap by a row": (ROWS, ROWS.replace("chunk_size", "chunk_size + 1")),
        "the first chunk alone": (STARTS, "for start in range(0, len(targets), chunk_size)[:1]:"),
        "the last chunk's loss": (LOSS, LOSS.replace("loss -=", "loss = -")),
        "chunk_size is their number": (
            STARTS,
            "chunk_size = len(targets) // chunk_size\n        " + STARTS,
        ),
    },
    "gradients": {
        "upstream taken for 1": (BACK, BACK.replace("upstream[0] * ", "")),
        "upstream's sign alone": (BACK, BACK.replace("upstream[0]", "upstream[0].sign()")),
        "upstream for hidden alone": (
            BACK,
            BACK + "\n        grads[1] = ctx.saved_tensors[1]",
        ),
        "the last chunk's gradient of weight": (GRAD_W, GRAD_W.replace("+=", "=")),
        "no gradient for weight": (
            "return None, *grads, None, None",
            "return None, grads[0], *[None] * 3",
        ),
        "no gradient for hidden": (
            "return None, *grads, None, None",
            "return None, None, grads[1], None, None",
        ),
        "a gradient that is not divided": (DIVIDED, "slope.mul_(keep)"),
        "divided twice": (DIVIDED, DIVIDED + ".div_(count)"),
        "divided by the chunk": (DIVIDED, "slope.mul_(keep).div_(len(h))"),
        "the target's 1 forgotten": (SLOPE, "slope = log_p.exp_()"),
        "the target's 1 added": (SLOPE, SLOPE.replace("-torch", "torch")),
        "hidden's gradient of the first rows": (GRAD_H, GRAD_H.replace("rows", ":len(h)")),
        "nothing unless hidden needs one": (
            "    loss = ChunkedCrossEntropy",
            (
                "    weight = weight if hidden.requires_grad else weight.detach()\n"
                "    loss = ChunkedCrossEntropy"
            ),
        ),
        "weight detached": (
            "apply(targets, hidden, weight,",
            "apply(targets, hidden, weight.detach(),",
        ),
    },
    "ignored": {
        "divided by all tokens": (COUNT, "count = torch.tensor(max(len(targets), 1))"),
        "all below zero is ignored, nothing else": (KEPT, "kept = targets >= 0"),
        "-100 whatever is asked": (KEPT, "kept = targets != -100"),
        "ignored tokens in the loss": (LOSS, LOSS.replace(".where(keep, 0)", "")),
        "ignored tokens in the gradients": (DIVIDED, "slope.div_(count)"),
        "ignored tokens divide the gradient": (
            DIVIDED,
            "slope.mul_(keep).div_(max(len(targets), 1))",
        ),
        "the targets changed in place": (
            TARGET,
            "targets[rows].masked_fill_(~keep[:, 0], 0)\n            " + TARGET,
        ),
        "a chunk with an ignored token is left out": (
            ROWS,
            ROWS + "\n            if not kept[rows].all():\n                continue",
        ),
    },
    "memory": {
        "a plain loop keeps all logits": PLAIN,
        "all logits at once": HEAD
        + "    return F.cross_entropy(hidden @ weight.T, targets, ignore_index=ignore_index)\n",
        "logits made at once, their loss in chunks": CHECKED.replace(
            "part(h, t):", "part(h, t):\n        hidden @ weight.T"
        ),
        "everything checkpointed at once": CHECKED.replace(
            "split(chunk_size)", "split(len(targets) + 1)"
        ),
        "the slopes of all chunks kept": (
            GRAD_W,
            "ctx.all = [*getattr(ctx, 'all', []), slope]\n            " + GRAD_W,
        ),
        "a gradient of weight per chunk kept": (
            GRAD_W,
            "ctx.all = [*getattr(ctx, 'all', []), slope.T @ h]\n            " + GRAD_W,
        ),
        "chunk_size taken for their number": CHECKED.replace(
            "split(chunk_size)", "chunk(chunk_size)"
        ),
        "backward makes all logits": (
            BACK,
            "ctx.saved_tensors[0] @ ctx.saved_tensors[1].T\n        " + BACK,
        ),
        "a one-hot table": (LOG_P, "torch.zeros(len(targets), len(weight))\n            " + LOG_P),
    },
    "none_left": {
        "0 / 0": (COUNT, "count = kept.sum()"),
        "all ignored refused": (
            COUNT,
            COUNT + "\n        if not kept.any():\n            raise ValueError('no token left')",
        ),
        "no token is a special case without gradient": (
            "    loss = Chunked",
            (
                "    if not (targets != ignore_index).any():\n"
                "        return hidden.new_zeros(())\n"
                "    loss = Chunked"
            ),
        ),
        "a mean of NaN mended for no tokens": (
            COUNT,
            "count = kept.sum().clamp(min=len(targets) == 0)",
        ),
        "no tokens refused": (COUNT, COUNT + "\n        hidden[0]"),
    },
    "precision": {
        "all in bfloat16": (EXACT, "exact = hidden.dtype"),
        "weight's gradient summed in bfloat16": (
            GRAD_W,
            "grad_weight = (grad_weight + slope.T @ h).to(weight.dtype)",
        ),
        "a bfloat16 loss": (MEAN, "return (loss / count).to(hidden.dtype)"),
        "the loss summed in bfloat16": (
            LOSS,
            LOSS + "\n            loss = loss.to(hidden.dtype).to(exact)",
        ),
        "weight of bfloat16 in each chunk": CHECKED.replace("wide.T", "weight.to(dtype).T"),
        "bfloat16 probabilities": (LOG_P, LOG_P.split("  #")[0] + ".to(hidden.dtype).to(exact)"),
        "float32 whatever comes": (EXACT, "exact = torch.float32"),
        "slopes in float32": (DIVIDED, "slope = slope.float().mul(keep).div(count).to(exact)"),
        "none left: 0 in hidden's dtype": (
            "    loss = Chunked",
            (
                "    if not (targets != ignore_index).any():\n"
                "        return 0 * (hidden.sum() + weight.sum())\n"
                "    loss = Chunked"
            ),
        ),
    },
    "again": {
        "scaled in place": (BACK, "grads = [grad.mul_(upstream[0]) for grad in ctx.saved_tensors]"),
        "one grad freed": (BACK, BACK + "\n        ctx.saved_tensors[1].zero_()"),
    },
    "errors": {
        "a chunk_size below 1 is never asked": (SMALL, ""),
        "a negative chunk_size": (SMALL, SMALL.replace("< 1", "== 0")),
        "chunk_size asserted": (SMALL, "    assert chunk_size >= 1\n"),
        "chunk_size below 1 is 1": (SMALL, "    chunk_size = max(chunk_size, 1)\n"),
        "as many as there are of both": (
            LENGTHS,
            (
                "    n = min(len(hidden), len(targets))\n"
                "    hidden, targets = hidden[:n], targets[:n]\n"
            ),
        ),
        "fewer targets alone refused": (
            LENGTHS,
            LENGTHS.replace("!=", ">").replace("    loss", "    loss"),
        ),
        "more targets alone refused": (
            LENGTHS,
            LENGTHS.replace("!=", "<") + "    hidden = hidden[: len(targets)]\n",
        ),
        "targets counted from the end": (
            TARGET,
            TARGET.replace("targets", "(targets % len(weight))"),
        ),
        "targets below zero are ignored": (
            KEPT,
            "kept = (targets != ignore_index) & ((targets >= 0) | (ignore_index != -100))",
        ),
        "-100 is ignored, too": (KEPT, "kept = (targets != ignore_index) & (targets != -100)"),
        "targets clamped": (TARGET, TARGET + ".clamp(0, len(weight) - 1)"),
        "impossible targets ignored": (
            KEPT,
            "kept = (targets != ignore_index) & (targets < len(weight))",
        ),
    },
}

VARIANTS = {
    "checkpoint per chunk": CHECKED,
    "a Function that makes the logits again in backward": """
class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, targets, size, index):
        ctx.save_for_backward(hidden, weight, targets)
        ctx.size, ctx.index = size, index
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        ctx.n = max(int((targets != index).sum()), 1)
        parts = [torch.zeros((), dtype=dtype)]
        for h, t in zip(hidden.split(size), targets.split(size)):
            h, t = h[t != index].to(dtype), t[t != index]
            logits = h @ weight.to(dtype).T
            top = logits.logsumexp(1)
            if len(t) and (t.min() < 0 or t.max() >= len(weight)):
                raise IndexError(t)
            parts.append((top - logits[torch.arange(len(t)), t]).sum())
        return sum(parts) / ctx.n

    @staticmethod
    def backward(ctx, upstream):
        hidden, weight, targets = ctx.saved_tensors
        dtype = torch.promote_types(hidden.dtype, torch.float32)
        dh, dw = torch.zeros_like(hidden), torch.zeros_like(weight, dtype=dtype)
        for start in range(0, len(hidden), ctx.size):
            t = targets[start : start + ctx.size]
            at = (t != ctx.index).nonzero()[:, 0]
            h, t = hidden[start + at].to(dtype), t[at]
            p = (h @ weight.to(dtype).T).softmax(1)
            p[torch.arange(len(t)), t] -= 1
            p *= upstream.to(dtype) / ctx.n
            if ctx.needs_input_grad[0]:
                dh[start + at] = (p @ weight.to(dtype)).to(dh.dtype)
            if ctx.needs_input_grad[1]:
                dw.addmm_(p.T, h)
        return dh, dw.to(weight.dtype), None, None, None

def chunked_cross_entropy(hidden, weight, targets, chunk_size=1024, ignore_index=-100):
    if chunk_size <= 0 or targets.shape != hidden.shape[:1]:
        raise ValueError("sizes")
    return Again.apply(hidden, weight, targets, chunk_size, ignore_index)
""",
    "the kept rows first, then checkpoints of logsumexp": """
from torch.utils.checkpoint import checkpoint

def of_chunk(h, weight, t):
    logits = torch.nn.functional.linear(h, weight)
    picked = torch.gather(logits, -1, t.unsqueeze(-1)).squeeze(-1)
    return (torch.logsumexp(logits, -1) - picked).sum()

def chunked_cross_entropy(hidden, weight, targets, chunk_size=1024, ignore_index=-100):
    if chunk_size < 1:
        raise ValueError("chunk_size")
    if targets.numel() != hidden.size(0):
        raise ValueError("lengths")
    if hidden.dtype != torch.float64:
        hidden, weight = hidden.float(), weight.float()
    at = (targets != ignore_index).nonzero().flatten()
    hidden, targets = hidden[at], targets[at]
    if not len(at):
        return (hidden.sum() + weight.sum()) * 0
    loss = torch.tensor(0.0, dtype=hidden.dtype)
    for i in range(0, len(at), chunk_size):
        h, t = hidden[i : i + chunk_size], targets[i : i + chunk_size]
        loss = loss + checkpoint(of_chunk, h, weight, t, use_reentrant=False)
    return loss / len(at)
""",
    "slopes by a mask, the loss by F.nll_loss": """
from torch.nn import functional as F

class Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, targets, size, index):
        dtype = torch.float64 if hidden.dtype is torch.float64 else torch.float32
        kept, losses = targets.ne(index), []
        n = kept.count_nonzero().clamp_min(1)
        dh, dw = torch.zeros_like(hidden, dtype=dtype), torch.zeros_like(weight, dtype=dtype)
        i = 0
        while i < len(targets):
            h, t = hidden[i : i + size].to(dtype), targets[i : i + size]
            log_p = F.log_softmax(h @ weight.to(dtype).T, 1)
            losses.append(F.nll_loss(log_p, t, ignore_index=index, reduction="sum"))
            slope = (log_p.exp() - (torch.arange(len(weight)) == t[:, None]).to(dtype)) / n
            slope[t == index] = 0
            dh[i : i + size] = slope @ weight.to(dtype)
            dw += slope.T @ h
            i += size
        ctx.grads = dh.to(hidden.dtype), dw.to(weight.dtype)
        return sum(losses, torch.zeros((), dtype=dtype)) / n

    @staticmethod
    def backward(ctx, upstream):
        return *((upstream * g.to(upstream.dtype)).to(g.dtype) for g in ctx.grads), None, None, None

def chunked_cross_entropy(hidden, weight, targets, chunk_size=1024, ignore_index=-100):
    if chunk_size < 1 or len(hidden) != len(targets):
        raise ValueError("chunk_size or lengths")
    return Sum.apply(hidden, weight, targets, chunk_size, ignore_index)
""",
}
