"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "by_hand": {
        "softmax by the library": """
def my_softmax(x, dim=-1):
    return x.softmax(dim)
""",
        "cross entropy by the library": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    loss = torch.nn.functional.cross_entropy(
        logits, targets, ignore_index=ignore_index, label_smoothing=label_smoothing
    )
    return torch.where((targets != ignore_index).any(), loss, 0 * logits.nan_to_num().sum())
""",
        "log_softmax of torch": """
def log_probs(logits):
    return torch.log_softmax(logits, 1)
""",
        "cross entropy as kl_div of smoothed targets": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept, K = targets != ignore_index, logits.shape[1]
    q = torch.full_like(logits[kept], label_smoothing / K)
    q.scatter_add_(1, targets[kept, None], torch.full_like(q[:, :1], 1 - label_smoothing))
    divergence = torch.nn.functional.kl_div(log_probs(logits[kept]), q, reduction="none")
    return (divergence - torch.xlogy(q, q)).sum() / max(len(q), 1)
""",
        "binary loss by the library": (
            "    return (targets * yes + (1 - targets) * no).mean()",
            "    return torch.nn.functional.binary_cross_entropy_with_logits(\n"
            "        logits, targets, pos_weight=pos_weight)",
        ),
        "Huber by the library": (
            "    d = (pred - target).abs()\n",
            "    return torch.nn.HuberLoss(delta=delta)(pred, target)\n"
            "    d = (pred - target).abs()\n",
        ),
    },
    "softmax": {
        "the largest number not subtracted": (
            "(x - x.detach().amax(dim, keepdim=True)).exp()",
            "x.exp()",
        ),
        "always along the last dim": """
def my_softmax(x, dim=-1):
    exp = (x - x.detach().amax(-1, keepdim=True)).exp()
    return exp / exp.sum(-1, keepdim=True)
""",
        "dim=0 by default": ("x: Tensor, dim: int = -1", "x: Tensor, dim: int = 0"),
        "one maximum for the whole tensor": (
            "x.detach().amax(dim, keepdim=True)",
            "x.detach().max()",
        ),
        "divided by the sum of all numbers": (
            "exp / exp.sum(dim, keepdim=True)",
            "exp / exp.sum()",
        ),
        "divided by the largest instead of the sum": (
            "exp / exp.sum(dim, keepdim=True)",
            "exp / exp.amax(dim, keepdim=True)",
        ),
        "clamped instead of shifted": (
            "(x - x.detach().amax(dim, keepdim=True)).exp()",
            "x.clamp(-80, 80).exp()",
        ),
        "the smallest number subtracted": ("x.detach().amax(dim", "x.detach().amin(dim"),
        "a small eps in the denominator": (
            "exp / exp.sum(dim, keepdim=True)",
            "exp / (exp.sum(dim, keepdim=True) + 1e-3)",
        ),
        "log softmax returned": (
            "exp / exp.sum(dim, keepdim=True)",
            "(exp / exp.sum(dim, keepdim=True)).log()",
        ),
    },
    "cross_entropy": {
        "logarithm of the softmax plus 1e-9": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets != ignore_index
    log_p = (my_softmax(logits[kept], 1) + 1e-9).log()
    losses = -log_p.gather(1, targets[kept, None])[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return losses.sum() / max(len(losses), 1)
""",
        "logarithm of the softmax": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets != ignore_index
    log_p = my_softmax(logits[kept], 1).log()
    losses = -log_p.gather(1, targets[kept, None])[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return losses.sum() / max(len(losses), 1)
""",
        "exponentials of the raw logits": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets != ignore_index
    exp = logits[kept].exp()
    log_p = (exp / exp.sum(1, keepdim=True)).log()
    losses = -log_p.gather(1, targets[kept, None])[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return losses.sum() / max(len(losses), 1)
""",
        "the sum of the raw exponentials": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets != ignore_index
    log_p = logits[kept] - logits[kept].exp().sum(1, keepdim=True).log()
    losses = -log_p.gather(1, targets[kept, None])[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return losses.sum() / max(len(losses), 1)
""",
        "smoothing over the K - 1 other classes": (
            "losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)",
            "others = (-log_p.sum(1) - losses) / (log_p.shape[1] - 1)\n"
            "        losses = (1 - label_smoothing) * losses + label_smoothing * others",
        ),
        "the smoothing term summed, not averaged over K": ("log_p.mean(1)", "log_p.sum(1)"),
        "the target keeps its whole weight under smoothing": (
            "losses = (1 - label_smoothing) * losses - ",
            "losses = losses - ",
        ),
        "smoothing forgotten": ("    if label_smoothing:", "    if False:"),
        "smoothing added with the wrong sign": (
            "* losses - label_smoothing * log_p",
            "* losses + label_smoothing * log_p",
        ),
        "divided by N, not by the rows kept": ("max(len(losses), 1)", "max(len(targets), 1)"),
        "ignore_index used as an index": (
            "kept = targets != ignore_index",
            "kept = torch.ones_like(targets, dtype=torch.bool)",
        ),
        "ignored rows looked up before they are masked": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    log_p = log_probs(logits)
    losses = -log_p.gather(1, targets[:, None])[:, 0]
    losses = (1 - label_smoothing) * losses
    if label_smoothing:
        losses = losses - label_smoothing * log_p.mean(1)
    kept = targets != ignore_index
    return losses[kept].sum() / max(int(kept.sum()), 1)
""",
        "-100 written out": ("targets != ignore_index", "targets != -100"),
        "an ignore_index of 0 taken for none": (
            "targets != ignore_index",
            "targets != (ignore_index or -100)",
        ),
        "negative targets ignored": ("targets != ignore_index", "targets >= 0"),
        "only the ignored rows kept": ("targets != ignore_index", "targets == ignore_index"),
        "no minus sign": (
            "losses = -log_p.gather(1, targets[kept, None])",
            "losses = log_p.gather(1, targets[kept, None])",
        ),
        "sum instead of mean": ("losses.sum() / max(len(losses), 1)", "losses.sum()"),
        "a loss per row": ("losses.sum() / max(len(losses), 1)", "losses / max(len(losses), 1)"),
        "all targets for each row": (
            "log_p.gather(1, targets[kept, None])[:, 0]",
            "log_p[:, targets[kept]].mean(1)",
        ),
        "logits taken for logarithms of probabilities": (
            "log_p = log_probs(logits[kept])",
            "log_p = logits[kept]",
        ),
        "normalized over the batch": (
            "log_p = log_probs(logits[kept])",
            "log_p = log_probs(logits[kept].T).T",
        ),
        "the ignored rows still in the smoothing": (
            "losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)",
            "losses = (1 - label_smoothing) * losses - label_smoothing * log_probs(logits).mean()",
        ),
    },
    "focal": {
        "p_t to the power gamma": ("(1 - log_p.exp()) ** gamma", "log_p.exp() ** gamma"),
        "alpha forgotten": ("(-alpha * (1 - log_p.exp())", "(-(1 - log_p.exp())"),
        "gamma as a factor": ("(1 - log_p.exp()) ** gamma", "(1 - log_p.exp()) * gamma"),
        "alpha within the power": (
            "-alpha * (1 - log_p.exp()) ** gamma",
            "-(alpha * (1 - log_p.exp())) ** gamma",
        ),
        "logarithm of the probability, not of its softmax": """
def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    p = my_softmax(logits, 1).gather(1, targets[:, None])
    return (-alpha * (1 - p) ** gamma * (p + 1e-8).log()).mean()
""",
        "the sigmoid of each logit instead of the softmax": (
            "log_p = log_probs(logits).gather(1, targets[:, None])",
            "log_p = -torch.logaddexp(logits.new_zeros(()), -logits).gather(1, targets[:, None])",
        ),
        "from the mean loss instead of each row's": """
def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    loss = cross_entropy_loss(logits, targets)
    return alpha * (1 - (-loss).exp()) ** gamma * loss
""",
        "sum instead of mean": (
            "(-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()",
            "(-alpha * (1 - log_p.exp()) ** gamma * log_p).sum()",
        ),
        "divided by the sum of the focal weights": (
            "(-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()",
            "(-alpha * (1 - log_p.exp()) ** gamma * log_p).sum()"
            " / ((1 - log_p.exp()) ** gamma).sum()",
        ),
        "alpha for class 1, 1 - alpha for the others": (
            "(-alpha * (1",
            "(-torch.where(targets == 1, alpha, 1 - alpha)[:, None] * (1",
        ),
        "1 - p_t to the power 0 by its logarithm": (
            "(1 - log_p.exp()) ** gamma",
            "(gamma * torch.log1p(-log_p.exp())).exp()",
        ),
        "gamma always 2": ("** gamma * log_p", "** 2 * log_p"),
        "gamma 1 by default": (
            "alpha: float = 0.25, gamma: float = 2.0",
            "alpha: float = 0.25, gamma: float = 1.0",
        ),
    },
    "binary": {
        "logarithm of the sigmoid": (
            "no, yes = torch.logaddexp(zero, logits), torch.logaddexp(zero, -logits)",
            "no, yes = -(1 - logits.sigmoid()).log() + zero, -logits.sigmoid().log()",
        ),
        "exponentials that overflow": (
            "no, yes = torch.logaddexp(zero, logits), torch.logaddexp(zero, -logits)",
            "no, yes = (1 + logits.exp()).log() + zero, (1 + (-logits).exp()).log()",
        ),
        "sigmoid clamped before the logarithm": (
            "no, yes = torch.logaddexp(zero, logits), torch.logaddexp(zero, -logits)",
            "s = logits.sigmoid().clamp(1e-7, 1 - 1e-7)\n"
            "    no, yes = -(1 - s).log() + zero, -s.log()",
        ),
        "positive and negative swapped": (
            "targets * yes + (1 - targets) * no",
            "targets * no + (1 - targets) * yes",
        ),
        "pos_weight on both terms": (
            "        yes = pos_weight * yes\n",
            "        yes, no = pos_weight * yes, pos_weight * no\n",
        ),
        "pos_weight on the negatives": ("yes = pos_weight * yes", "no = pos_weight * no"),
        "pos_weight forgotten": ("    if pos_weight is not None:", "    if False:"),
        "pos_weight per row": ("yes = pos_weight * yes", "yes = (pos_weight * yes.mT).mT"),
        "divided by the sum of the weights": (
            "    return (targets * yes + (1 - targets) * no).mean()",
            "    loss = (targets * yes + (1 - targets) * no).sum()\n"
            "    w = torch.ones(()) if pos_weight is None else pos_weight\n"
            "    return loss / (1 - targets + w * targets).sum()",
        ),
        "targets rounded to 0 and 1": (
            "need_same(logits, targets)\n",
            "need_same(logits, targets)\n    targets = targets.round()\n",
        ),
        "only the positives counted": ("(targets * yes + (1 - targets) * no)", "(targets * yes)"),
        "summed over the columns": (
            "(targets * yes + (1 - targets) * no).mean()",
            "(targets * yes + (1 - targets) * no).sum(-1).mean()",
        ),
    },
    "huber": {
        "smooth L1: divided by delta": (
            "torch.where(d <= delta, d**2 / 2, delta * (d - delta / 2))",
            "torch.where(d <= delta, d**2 / 2 / delta, d - delta / 2)",
        ),
        "half of delta forgotten: a jump at delta": ("delta * (d - delta / 2)", "delta * d"),
        "no half in the square": ("d**2 / 2", "d**2"),
        "slope 1 instead of delta beyond delta": ("delta * (d - delta / 2)", "d - delta / 2"),
        "the parts swapped": ("d <= delta", "d > delta"),
        "no absolute value": ("d = (pred - target).abs()", "d = pred - target"),
        "sum instead of mean": (
            "torch.where(d <= delta, d**2 / 2, delta * (d - delta / 2)).mean()",
            "torch.where(d <= delta, d**2 / 2, delta * (d - delta / 2)).sum()",
        ),
        "judged by the mean difference, not by each": (
            "torch.where(d <= delta,",
            "torch.where(d.mean() <= delta,",
        ),
        "the limit always at 1": ("torch.where(d <= delta,", "torch.where(d <= 1,"),
        "the squared error capped": (
            "torch.where(d <= delta, d**2 / 2, delta * (d - delta / 2))",
            "(d**2 / 2).clamp(max=delta**2 / 2)",
        ),
        "delta 1.35 by default": ("delta: float = 1.0", "delta: float = 1.35"),
    },
    "entropy": {
        "old sum not scaled to the new maximum": (
            "        total = total * (-d).exp() + shifted.exp().sum()",
            "        total = total + shifted.exp().sum()",
        ),
        "weighted sum not scaled to the new maximum": (
            "weighted = (weighted - d * total) * (-d).exp() + ",
            "weighted = weighted + ",
        ),
        "the shift forgotten in the weighted sum": ("(weighted - d * total)", "weighted"),
        "scaled with the wrong sign": (
            "d, shifted = new - highest, chunk - new",
            "d, shifted = highest - new, chunk - new",
        ),
        "no maximum at all": (
            "new = torch.maximum(highest, chunk.max())",
            "highest, new = chunk.new_zeros(()), chunk.new_zeros(())",
        ),
        "the maximum of the last chunk": (
            "new = torch.maximum(highest, chunk.max())",
            "new = chunk.max()\n        highest = new",
        ),
        "mean of the chunks' entropies": """
def streaming_entropy(chunks):
    each = []
    for chunk in chunks:
        chunk = chunk[chunk != -math.inf]
        if len(chunk):
            p = my_softmax(chunk)
            each.append(-(p * p.log()).nan_to_num().sum())
    return torch.stack(each).mean()
""",
        "all chunks joined first": """
def streaming_entropy(chunks):
    x = torch.cat(list(chunks))
    x = x[x != -math.inf]
    shifted = x - x.max()
    total = shifted.exp().sum()
    return total.log() - (shifted * shifted.exp()).sum() / total
""",
        "two passes": """
def streaming_entropy(chunks):
    chunks = [chunk[chunk != -math.inf] for chunk in chunks]
    chunks = [chunk for chunk in chunks if len(chunk)]
    highest = max(chunk.max() for chunk in chunks)
    total = sum((chunk - highest).exp().sum() for chunk in chunks)
    weighted = sum(((chunk - highest) * (chunk - highest).exp()).sum() for chunk in chunks)
    return total.log() - weighted / total
""",
        "a maximum and two sums kept for each chunk": """
def streaming_entropy(chunks):
    chunks = (chunk[chunk != -math.inf] for chunk in chunks)
    parts = []
    for chunk in chunks:
        if len(chunk):
            e = (chunk - chunk.max()).exp()
            parts.append((chunk.max(), e.sum(), (e * (chunk - chunk.max())).sum()))
    m, s, t = (torch.stack(each) for each in zip(*parts))
    d = m - m.max()
    total = (s * d.exp()).sum()
    return total.log() - ((t + d * s) * d.exp()).sum() / total
""",
        "the smallest logit of a new chunk as its largest": (
            "new = torch.maximum(highest, chunk.max())",
            "new = torch.maximum(highest, chunk.min())",
        ),
        "all logits in a list of numbers": """
def streaming_entropy(chunks):
    kept = []
    for chunk in chunks:
        kept += chunk[chunk != -math.inf].tolist()
        kind = chunk.dtype
    x = torch.tensor(kept, dtype=torch.float64)
    x = x - x.max()
    return (x.exp().sum().log() - (x * x.exp()).sum() / x.exp().sum()).to(kind)
""",
        "three numbers kept for each chunk": """
def streaming_entropy(chunks):
    kept = []
    for chunk in chunks:
        x, kind = chunk[chunk != -math.inf].double(), chunk.dtype
        if len(x):
            d = x - x.max()
            kept.append([t.item() for t in (x.max(), d.exp().sum(), (d * d.exp()).sum())])
    m, s, t = torch.tensor(kept, dtype=torch.float64).T
    d = m - m.max()
    total = (s * d.exp()).sum()
    return (total.log() - ((t + d * s) * d.exp()).sum() / total).to(kind)
""",
        "in bits": (
            "return total.log() - weighted / total",
            "return (total.log() - weighted / total) / math.log(2)",
        ),
        "negative": ("total.log() - weighted / total", "weighted / total - total.log()"),
        "the logarithm of the sum alone": ("total.log() - weighted / total", "total.log()"),
        "the last chunk left out": (
            "    return total.log() - weighted / total",
            "    return (total - shifted.exp().sum()).log() - weighted / total",
        ),
    },
    "limits": {
        "no row kept: 0 times the sum of the logits": (
            "    log_p = log_probs(logits[kept])",
            "    if not kept.any():\n        return 0 * logits.sum()\n"
            "    log_p = log_probs(logits[kept])",
        ),
        "no row kept: 0 / 0": ("losses.sum() / max(len(losses), 1)", "losses.mean()"),
        "no row kept: a 0 without gradients": (
            "    log_p = log_probs(logits[kept])",
            "    if not kept.any():\n        return torch.tensor(0.0)\n"
            "    log_p = log_probs(logits[kept])",
        ),
        "smoothing term of 0 times -inf": ("    if label_smoothing:", "    if True:"),
        "one-hot times the logarithms: 0 times -inf": (
            "losses = -log_p.gather(1, targets[kept, None])[:, 0]",
            "losses = -(log_p * torch.eye(log_p.shape[1])[targets[kept]].to(log_p)).sum(1)",
        ),
        "an ignored row times 0: inf becomes NaN": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets != ignore_index
    log_p = log_probs(logits)
    losses = -log_p.gather(1, targets.where(kept, 0)[:, None])[:, 0]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return (losses * kept).sum() / kept.sum().clamp(min=1)
""",
        "p log p of an impossible logit is NaN": (
            "chunk = chunk[chunk != -math.inf]",
            "chunk = chunk + 0",
        ),
        "focal weights of all classes: 0 times -inf": (
            "(-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()",
            "(-alpha * (1 - log_p.exp()) ** gamma * log_p).mean() + 0 * log_probs(logits).sum()",
        ),
        "an empty chunk has no maximum": (
            "        if not len(chunk):\n            continue\n",
            "",
        ),
        "stops at an empty chunk": ("            continue\n", "            break\n"),
    },
    "shapes": {
        "binary loss broadcasts": (
            "    need_same(logits, targets)\n",
            "",
        ),
        "RuntimeError": ("raise ValueError(", "raise RuntimeError("),
        "Huber broadcasts": ("    need_same(pred, target)\n", ""),
        "only the number of axes compared": ("a.shape != b.shape", "a.ndim != b.ndim"),
        "only the number of numbers compared": ("a.shape != b.shape", "a.numel() != b.numel()"),
        "only the rows compared": ("a.shape != b.shape", "a.shape[:1] != b.shape[:1]"),
    },
    "exact": {
        "float32 inside": (
            "    shifted = logits - logits.detach().amax(1, keepdim=True)\n",
            "    logits = logits.float()\n"
            "    shifted = logits - logits.detach().amax(1, keepdim=True)\n",
        ),
        "softmax in float32": (
            "(x - x.detach().amax(dim",
            "(x.float() - x.float().detach().amax(dim",
        ),
        "a small eps under the logarithm": (
            "shifted.exp().sum(1, keepdim=True).log()",
            "(shifted.exp().sum(1, keepdim=True) + 1e-6).log()",
        ),
        "clamp and abs: no gradient of 1/2 at a logit of 0": (
            "no, yes = torch.logaddexp(zero, logits), torch.logaddexp(zero, -logits)",
            "small = (-logits.abs()).exp().log1p()\n"
            "    no, yes = logits.clamp(min=0) + small + zero, (-logits).clamp(min=0) + small",
        ),
        "two cases by where: NaN gradients": (
            "no, yes = torch.logaddexp(zero, logits), torch.logaddexp(zero, -logits)",
            "low = logits.exp().log1p() - logits\n"
            "    yes = torch.where(logits >= 0, (-logits).exp().log1p(), low) + zero\n"
            "    no = yes + logits",
        ),
        "the graph cut": (
            "exp / exp.sum(dim, keepdim=True)",
            "exp / exp.sum(dim, keepdim=True).detach()",
        ),
        "the focal weight detached": (
            "(1 - log_p.exp()) ** gamma",
            "(1 - log_p.detach().exp()) ** gamma",
        ),
        "the input shifted in place": (
            "exp = (x - x.detach().amax(dim, keepdim=True)).exp()",
            "x.data -= x.detach().amax(dim, keepdim=True)\n    exp = x.exp()",
        ),
        "Huber by clamp: no gradient beyond delta": (
            "torch.where(d <= delta, d**2 / 2, delta * (d - delta / 2))",
            "torch.where(d <= delta, d**2 / 2, (delta * (d - delta / 2)).detach())",
        ),
        "ignored targets written over": (
            "    losses = -log_p",
            "    where, targets[~kept] = targets, 0\n    losses = -log_p",
        ),
        "entropy in float32": (
            "chunk = chunk[chunk != -math.inf]",
            "chunk = chunk[chunk != -math.inf].float()",
        ),
    },
}

VARIANTS = {
    "log-sum-exp of torch": """
def my_softmax(x, dim=-1):
    return (x - x.logsumexp(dim, keepdim=True)).exp()

def log_probs(logits):
    return logits - torch.logsumexp(logits, dim=-1, keepdim=True)
""",
    "ignored rows masked by where": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets != ignore_index
    safe = targets.masked_fill(~kept, 0)
    log_p = log_probs(logits)
    nll = -log_p[torch.arange(len(targets), device=targets.device), safe]
    if label_smoothing > 0:
        smooth = -log_p.sum(dim=1) / logits.shape[1]
        nll = nll + label_smoothing * (smooth - nll)
    return nll.where(kept, 0.0).sum() / kept.sum().clamp(min=1)
""",
    "smoothed targets as a distribution": """
def cross_entropy_loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
    kept = targets.ne(ignore_index)
    logits, targets = logits[kept], targets[kept]
    K = logits.shape[1]
    q = torch.full_like(logits, label_smoothing / K)
    q.scatter_(1, targets.unsqueeze(1), 1 - label_smoothing + label_smoothing / K)
    terms = torch.where(q > 0, q * log_probs(logits), torch.zeros_like(logits))
    return -terms.sum() / max(1, targets.numel())
""",
    "softplus and logsigmoid": """
def bce_with_logits(logits, targets, pos_weight=None):
    if logits.shape != targets.shape:
        raise ValueError("shapes differ")
    w = 1 if pos_weight is None else pos_weight
    positive = -torch.nn.functional.logsigmoid(logits) * targets * w
    return (positive + torch.nn.functional.softplus(logits) * (1 - targets)).mean()

def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    log_p = torch.stack([log_probs(row[None])[0, t] for row, t in zip(logits, targets)])
    return alpha * ((1 - log_p.exp()).pow(gamma) * -log_p).sum() / len(targets)
""",
    "Huber by clipping the difference": """
def huber_loss(pred, target, delta=1.0):
    if pred.shape != target.shape:
        raise ValueError("shapes differ")
    d = torch.abs(pred - target)
    q = torch.clamp(d, max=delta)
    return (0.5 * q * q + delta * (d - q)).mean()
""",
    "entropy from the log-sum-exp and the mean logit": """
def streaming_entropy(chunks):
    lse, mean = None, None
    for chunk in chunks:
        chunk = chunk[chunk > -math.inf]
        if chunk.numel() == 0:
            continue
        new = chunk.logsumexp(0)
        if lse is not None:
            new = torch.logaddexp(lse, new)
            mean = mean * (lse - new).exp()
        mean = ((chunk - new).exp() * chunk).sum() + (0 if mean is None else mean)
        lse = new
    return lse - mean
""",
    "entropy one logit at a time": """
def streaming_entropy(chunks):
    m, s, t, dtype = -math.inf, 0.0, 0.0, torch.float32
    for chunk in chunks:
        dtype = chunk.dtype
        for x in chunk.tolist():
            if x == -math.inf:
                continue
            if x > m:
                scale = math.exp(m - x)
                t = scale * (t + s * (m - x)) if s else 0.0
                s, m = s * scale, x
            e = math.exp(x - m)
            s, t = s + e, t + e * (x - m)
    return torch.tensor(math.log(s) - t / s, dtype=dtype)
""",
}
