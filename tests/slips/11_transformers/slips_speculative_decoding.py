"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

SIZES = "    if len(draft_probs) != K or len(target_probs) not in (K, K + 1):\n"
P = "target_probs[:K].gather(1, proposed).squeeze(1)"
Q = "draft_probs.gather(1, proposed).squeeze(1)"
U = "torch.rand(K, generator=generator, dtype=torch.float64, device=p.device)"
N = "int((u * q < p).cumprod(dim=0).sum())"
TOKENS = "draft_tokens[:n].tolist()"
REST = "(target_probs[n] - draft_probs[n]).clamp(min=0)"
NONE = "        rest = rest if rest.any() else target_probs[n]\n"
DRAWN = "int(torch.multinomial(rest, 1, generator=generator))"
ALL = f"[*tokens, {DRAWN}]"
LOOP = """
def speculative_decode(target_probs, draft_probs, draft_tokens, generator=None):
    tokens, K = [], len(draft_tokens)
    if len(draft_probs) != K or not 0 <= len(target_probs) - K <= 1:
        raise ValueError("rows")
    for p, q, x in zip(target_probs, draft_probs, draft_tokens.tolist()):
        ratio = p[x] / q[x]
        if torch.rand((), generator=generator) < ratio:
            tokens.append(x)
            continue
        rest = torch.relu(p - q)
        if not rest.sum() > 0:
            rest = p
        return tokens + torch.multinomial(rest, 1, generator=generator).tolist()
    if len(target_probs) > K:
        tokens += torch.multinomial(target_probs[-1], 1, generator=generator).tolist()
    return tokens
"""
RATIO = "p[x] / q[x]"
ADDED = "        tokens += torch.multinomial(target_probs[-1], 1, generator=generator).tolist()\n"

SLIPS = {
    "accept": {
        "the root of the ratio": ("u * q < p", "u**2 * q < p"),
        "one random number for all proposals": (U, U.replace("rand(K,", "rand(1,")),
        "accepted with probability p(x)": ("u * q < p", "u < p"),
        "accepted where p(x) is at least q(x), never otherwise": ("u * q < p", "q <= p"),
        "q / p": ("u * q < p", "u * p < q"),
        "always accepted where p(x) is above 0": ("u * q < p", "p > 0"),
        "the square of the ratio": ("u * q < p", "u.sqrt() * q < p"),
        "accepted with 1 - q(x) + p(x)": ("u * q < p", "u < 1 - q + p"),
        "the ratio of the largest probabilities": (P, "target_probs[:K].amax(dim=1)"),
    },
    "order": {
        "goes on after a rejection, without a bonus then": LOOP.replace(
            "        return tokens + torch", "        tokens += torch"
        ).replace(
            "len(target_probs) > K:", "tokens == draft_tokens.tolist() and len(target_probs) > K:"
        ),
        "the accepted ones are forgotten": (ALL, f"[*tokens[:K * (n == K)], {DRAWN}]"),
        "goes on after a rejection": LOOP.replace(
            "        return tokens + torch", "        tokens += torch"
        ),
        "skips the rejected one and goes on": (
            N,
            "K if (u * q < p).all() else int((u * q < p).sum())",
        ),
        "the rejected one stays": (TOKENS, "draft_tokens[: n + 1].tolist()"),
        "all or nothing": (N, "K * int((u * q < p).all())"),
        "nothing in the place of the rejected one": (
            "    if n < K:\n",
            "    if n < K and n:\n        return tokens\n    if n < K:\n",
        ),
        "the last one is never judged": (
            N,
            "int((u * q < p).index_fill(0, torch.tensor([K - 1]), True).cumprod(dim=0).sum())"
            " if K > 1 else int((u * q < p).sum())",
        ),
        "a tensor comes back": (ALL, f"torch.tensor({ALL})"),
        "tokens are tensors": (TOKENS, "list(draft_tokens[:n])"),
        "how many are accepted comes back": ("        return tokens\n", "        return n\n"),
    },
    "replace": {
        "all tokens with p > q alike": (REST, "(target_probs[n] > draft_probs[n]).float()"),
        "not normalized before a uniform number picks": (
            DRAWN,
            "int((rest.double().cumsum(0) <= torch.rand(1, generator=generator).double())"
            "[: rest.nonzero()[-1]].sum())",
        ),
        "the best one from the second proposal on": (
            NONE,
            NONE + "        if n:\n            return [*tokens, int(rest.argmax())]\n",
        ),
        "the square of the difference": (REST, REST + "**2"),
        "drawn from p again": (REST, "target_probs[n]"),
        "from p without the rejected token": (
            REST,
            "target_probs[n].clone().index_fill_(0, draft_tokens[n].long(), 0.0)",
        ),
        "not clamped": (
            REST + "\n" + NONE,
            "target_probs[n] - draft_probs[n]\n",
        ),
        "the largest difference always": (
            "rest = rest if rest.any() else target_probs[n]",
            "rest = torch.eye(len(rest))[int(rest.argmax())] if rest.any() else target_probs[n]",
        ),
        "q - p": (REST, "(draft_probs[n] - target_probs[n]).clamp(min=0)"),
        "softmax of the differences": (REST, "(target_probs[n] - draft_probs[n]).softmax(0)"),
        "from p, where p > q": (
            REST,
            "target_probs[n] * (target_probs[n] > draft_probs[n])",
        ),
        "by the random number of the rejection": (
            "    return [*tokens, int(torch",
            "    if n < K:\n"
            "        sums = (rest / rest.sum()).cumsum(0)\n"
            "        return [*tokens, min(int((sums < u[n]).sum()), len(rest) - 1)]\n"
            "    return [*tokens, int(torch",
        ),
        "the ratio less 1": (
            REST,
            "(target_probs[n] / draft_probs[n].clamp(min=1e-3) - 1).clamp(min=0)",
        ),
        "the last row of the draft": (REST, REST.replace("draft_probs[n]", "draft_probs[-1]")),
        "from the draft": (REST, "draft_probs[n]"),
    },
    "bonus": {
        "also after the last one was rejected": (
            "    if n < K:\n",
            "    if n == K - 1 and len(target_probs) > K:\n        rest = target_probs[K]\n"
            "    elif n < K:\n",
        ),
        "one after a rejection": (
            "    return [*tokens, int(torch",
            "    if n < K < len(target_probs):\n"
            f"        return [*tokens, {DRAWN}, int(target_probs[K].argmax())]\n"
            "    return [*tokens, int(torch",
        ),
        "no bonus": ("    elif len(target_probs) > K:\n", "    elif False:\n"),
        "the best token of the last row, if K > 3": (
            "        rest = target_probs[K]\n",
            "        if K > 3:\n"
            "            return [*tokens, int(target_probs[K].argmax())]\n"
            "        rest = target_probs[K]\n",
        ),
        "the root of the last row": (
            "        rest = target_probs[K]\n",
            "        rest = target_probs[K] ** 0.5\n",
        ),
        "a bonus without a row for it": (
            "    elif len(target_probs) > K:\n        rest = target_probs[K]\n",
            "    elif K:\n        rest = target_probs[-1]\n",
        ),
        "from the row before": (
            "        rest = target_probs[K]\n",
            "        rest = target_probs[K - 1]\n",
        ),
        "any token alike": (
            "        rest = target_probs[K]\n",
            "        rest = (target_probs[K] > 0).float()\n",
        ),
        "softmax of the last row": (
            "        rest = target_probs[K]\n",
            "        rest = target_probs[K].softmax(0)\n",
        ),
        "in the place of the last proposal": (
            "        rest = target_probs[K]\n",
            "        rest, tokens = target_probs[K], tokens[:-1]\n",
        ),
    },
    "zeros": {
        "Python's min(1, nan)": (
            N,
            "int(torch.tensor([w < min(1.0, r) for w, r in zip(u.tolist(), (p / q).tolist())])"
            ".cumprod(dim=0).sum())",
        ),
        "rejected where q(x) is 0": ("u * q < p", "(u * q < p) & (q > 0)"),
        "accepted where both are 0": ("u * q < p", "(u * q < p) | (q == 0)"),
        "division by zero": (
            N,
            "int(torch.tensor([w < a / b for w, a, b in zip(u.tolist(), p.tolist(), q.tolist())])"
            ".cumprod(dim=0).sum())",
        ),
        "nothing left to draw from": (NONE, ""),
        "all tokens alike if nothing is left": (
            NONE,
            "        rest = rest if rest.any() else torch.ones_like(rest)\n",
        ),
        "from the draft if nothing is left": (NONE, NONE.replace("target_probs", "draft_probs")),
        "the best of p if nothing is left": (
            NONE,
            "        if not rest.any():\n"
            "            return [*tokens, int(target_probs[n].argmax())]\n",
        ),
    },
    "small": {
        "a small number in the denominator": ("u * q < p", "u < p / (q + 1e-10)"),
        "q no less than 1e-10": ("u * q < p", "u * q.clamp(min=1e-10) < p"),
        "a small number on both sides": ("u * q < p", "u * (q + 1e-9) < p + 1e-9"),
        "float64 rounded": (
            REST,
            "(target_probs[n].float() - draft_probs[n].float()).clamp(min=0)",
        ),
        "small differences left out": ("rest.any()", "rest.sum() > 1e-9"),
    },
    "sizes": {
        "rows are not looked at": (SIZES, "    if False:\n"),
        "rows of the draft are not looked at": (
            SIZES,
            "    if len(target_probs) not in (K, K + 1):\n",
        ),
        "too many rows pass": (SIZES, "    if len(draft_probs) != K or len(target_probs) < K:\n"),
        "rows of the target against the draft alone": (
            SIZES,
            "    if len(target_probs) not in (len(draft_probs), len(draft_probs) + 1):\n",
        ),
        "IndexError": ("raise ValueError", "raise IndexError"),
        "K = 0 fails": (SIZES, SIZES.replace("    if ", "    if K == 0 or ")),
        "K = 0 gives nothing": (SIZES, "    if K == 0:\n        return []\n" + SIZES),
    },
    "inputs": {
        "the generator ignored in the draw": (DRAWN, "int(torch.multinomial(rest, 1))"),
        "the generator ignored in accepting": (U, "torch.rand(K, dtype=torch.float64)"),
        "Python's random": (U, "torch.tensor([__import__('random').random() for _ in range(K)])"),
        "the global generator seeded": (
            U,
            "torch.rand(K + 0 * torch.manual_seed(0).initial_seed())",
        ),
        "a generator of its own": (
            U,
            U.replace("generator=generator", "generator=torch.Generator().manual_seed(K)"),
        ),
        "one draw more from the global generator": (U, U + " + 0 * torch.rand(K)"),
        "p changed in place": (
            REST,
            "target_probs[n].sub_(draft_probs[n]).clamp_(min=0)",
        ),
        "clamped in place": (Q, "draft_probs.clamp_(min=1e-2).gather(1, proposed).squeeze(1)"),
        "view of what is not contiguous": (Q, "draft_probs.view(-1)[proposed[:, 0]]"),
    },
}

VARIANTS = {
    "a loop that divides": LOOP,
    "logs, and sums against a uniform number": """
import math

def speculative_decode(target_probs, draft_probs, draft_tokens, generator=None):
    K = draft_tokens.numel()
    if draft_probs.shape[0] != K or target_probs.shape[0] - K not in (0, 1):
        raise ValueError("rows")

    def draw(weights):
        sums = weights.double().cumsum(0)
        u = torch.rand((), generator=generator, dtype=torch.float64) * sums[-1]
        return torch.searchsorted(sums, u, right=True).item()

    out = []
    for i in range(K):
        x = int(draft_tokens[i])
        p, q = target_probs[i, x].item(), draft_probs[i, x].item()
        u = torch.rand((), generator=generator, dtype=torch.float64).item()
        if p > 0 and (q == 0 or math.log(u) < math.log(p) - math.log(q)):
            out.append(x)
        else:
            p, q = target_probs[i].double(), draft_probs[i].double()
            rest = torch.where(p > q, p - q, torch.zeros_like(p))
            return out + [draw(rest if rest.sum() > 0 else p)]
    return out + [draw(row) for row in target_probs[K:]]
""",
    "first index of a rejection": (
        N,
        "next((i for i, ok in enumerate((u < p.double() / q.double()).tolist()) if not ok), K)",
    ),
    "Gumbel noise draws": (
        DRAWN,
        "int((rest.double().log() - (-torch.rand(rest.shape, dtype=torch.float64,"
        " generator=generator).log()).log()).argmax())",
    ),
}
