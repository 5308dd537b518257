"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

NEW = "logp[scored - begin - 1 :]"
TOTAL = f"            total -= float({NEW}.double().sum())\n"
END = "min(begin + context_length, len(ids) - 1)"
BEGIN = "            scored, begin = end + 1, begin + stride\n"
LOGP = "logits.log_softmax(dim=-1).gather(-1, targets[:, None])[:, 0]"
FLOAT = "    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))\n"
MEAN = "math.exp(nll / tokens)"
BITS = "nll / math.log(2) / num_bytes"
PASS = "1 - math.comb(n - c, k) / math.comb(n, k)"
SCORE = "logp.mean() if normalize else logp.sum()"
CHOICE = "log_probs(model, text[:-1], text[1:])[len(prompt) - 1 :].double()"
FINALLY = """        for module, training in modes:
            module.training = training
"""
GRAD = "        with torch.no_grad():\n            yield\n"
STRIDE = "    if not 1 <= stride <= context_length:\n"
TWO = "    if len(ids) < 2:\n"
RANGES = "    if not (0 <= c <= n and 1 <= k <= n):\n"
EMPTY = "not len(prompt) or not len(choices) or not all(len(choice) for choice in choices)"

TOKENS = """    return total, len(ids) - 1


def perplexity(model: nn.Module, ids: Tensor, context_length: int, stride: int) -> float:
    nll, tokens = sequence_nll(model, ids, context_length, stride)
    return math.exp(nll / tokens)
"""

SLIPS = {
    "once": {
        "tokens: all ids": (
            TOKENS,
            TOKENS.replace("len(ids) - 1", "len(ids)").replace("/ tokens", "/ (tokens - 1)"),
        ),
        "the first token counted": (
            "    return total, len(ids) - 1\n",
            "    return total, len(ids)\n",
        ),
        "the overlap counted twice": (NEW, "logp"),
        "a token lost at each border": (NEW, "logp[scored - begin - (begin == 0) :]"),
        "log2": (TOTAL, TOTAL.replace(".sum()", ".sum() / math.log(2)")),
        "the mean comes back": (
            "    return total, len(ids) - 1\n",
            "    return total / (len(ids) - 1), len(ids) - 1\n",
        ),
        "log p, not -log p": ("total -= ", "total += "),
        "no softmax": (LOGP, LOGP.replace("log_softmax(dim=-1)", "clone()")),
        "probabilities taken for their logs": (LOGP, LOGP.replace("log_softmax", "softmax")),
        "places predict their own token": (
            "ids[begin:end], ids[begin + 1 : end + 1])",
            "ids[begin:end], ids[begin:end])",
        ),
        "softmax over the places": (LOGP, LOGP.replace("dim=-1", "dim=0")),
        "the last window is left out": (
            "        while scored < len(ids):\n",
            "        while scored < len(ids) and begin < max(1, len(ids) - context_length):\n",
        ),
        "the tokens of the last window alone": (
            TOTAL,
            TOTAL.replace("total -=", "total = -"),
        ),
        "windows' means summed": (TOTAL, TOTAL.replace(".sum()", ".mean()")),
        "a tensor comes back": (
            "    return total, len(ids) - 1\n",
            "    return torch.tensor(total), len(ids) - 1\n",
        ),
        "no token is scored where windows do not overlap": (
            NEW,
            "logp[scored - begin - (0 if stride == context_length and begin else 1) :]",
        ),
    },
    "windows": {
        "the last window that predicts a token scores it": """
def sequence_nll(model, ids, context_length, stride):
    if not 1 <= stride <= context_length or len(ids) < 2:
        raise ValueError("stride or ids")
    total, begin, last = 0.0, 0, len(ids) - 1
    with evaluating(model):
        while True:
            end = min(begin + context_length, last)
            upto = end - begin if end == last else stride
            logp = log_probs(model, ids[begin:end], ids[begin + 1 : end + 1])
            total -= float(logp[:upto].double().sum())
            if end == last:
                return total, last
            begin += stride
""",
        "windows without an overlap": (BEGIN, BEGIN.replace("begin + stride", "end")),
        "stride 1 always": (BEGIN, BEGIN.replace("begin + stride", "begin + 1")),
        "one input less than context_length": (
            END,
            "min(begin + max(context_length - 1, stride), len(ids) - 1)",
        ),
        "one input more": (END, END.replace("begin + context", "begin + 1 + context")),
        "all the text at once": (END, "len(ids) - 1"),
        "the last window moved back until it is full": (
            "            end = min(",
            "            begin = max(0, min(begin, len(ids) - 1 - context_length))\n"
            "            end = min(",
        ),
        "one more pass for nothing": (
            "    return total, len(ids) - 1\n",
            "    with evaluating(model):\n        model(ids[None, -2:-1])\n"
            "    return total, len(ids) - 1\n",
        ),
        "every window with all the text before it": (
            "log_probs(model, ids[begin:end], ids[begin + 1 : end + 1])",
            "log_probs(model, ids[:end], ids[1 : end + 1])[begin:]",
        ),
        "a pass for each token": (
            "            total -= ",
            "            for t in range(scored, end + 1):\n"
            "                logp[t - begin - 1] = log_probs("
            "model, ids[begin:t], ids[begin + 1 : t + 1])[-1]\n"
            "            total -= ",
        ),
        "passes go on to the end of the text": (
            "        while scored < len(ids):\n",
            "        while begin < len(ids) - 1:\n",
        ),
    },
    "rates": {
        "bits to three places": (BITS, f"round({BITS}, 3)"),
        "perplexity without an overlap": (
            "sequence_nll(model, ids, context_length, stride)\n    return",
            "sequence_nll(model, ids, context_length, max(stride, context_length))\n    return",
        ),
        "perplexity with all of the text": (
            "sequence_nll(model, ids, context_length, stride)\n    return",
            "sequence_nll(model, ids, max(len(ids), context_length), stride)\n    return",
        ),
        "mean of the windows' means": """
def perplexity(model, ids, context_length, stride):
    if not 1 <= stride <= context_length or len(ids) < 2:
        raise ValueError("stride or ids")
    scored, begin, means = 1, 0, []
    while scored < len(ids):
        end = min(begin + context_length, len(ids) - 1)
        with evaluating(model):
            logp = log_probs(model, ids[begin:end], ids[begin + 1 : end + 1])
        means.append(-float(logp[scored - begin - 1 :].mean()))
        scored, begin = end + 1, begin + stride
    return math.exp(sum(means) / len(means))
""",
        "perplexity up to exp(20)": (MEAN, "math.exp(min(nll / tokens, 20))"),
        "divided by all ids": (MEAN, "math.exp(nll / (tokens + 1))"),
        "exp of the sum": (MEAN, "math.exp(nll)"),
        "2 to the mean": (MEAN, "2 ** (nll / tokens)"),
        "exp forgotten": (MEAN, "nll / tokens"),
        "1 over the perplexity": (MEAN, "math.exp(-nll / tokens)"),
        "the mean of p's inverses": (MEAN, "math.exp(nll / tokens) * (1 + 1e-4)"),
        "nats per byte": (BITS, "nll / num_bytes"),
        "bits times ln 2": (BITS, "nll * math.log(2) / num_bytes"),
        "log10": (BITS, "nll / math.log(10) / num_bytes"),
        "log2 of the sum": (BITS, "math.log2(max(nll, 1)) / num_bytes"),
        "bits in the whole text": (BITS, "nll / math.log(2)"),
        "8 bits in a byte": (BITS, "nll / math.log(2) / (8 * num_bytes)"),
        "bytes per bit": (BITS, "num_bytes * math.log(2) / max(nll, 1e-9)"),
        "whole bits": (BITS, "nll / math.log(2) // num_bytes"),
    },
    "pass_at_k": {
        "with replacement": (PASS, "1 - (1 - c / n) ** k"),
        "k times the share of right ones": (PASS, "min(1.0, k * c / n)"),
        "the share of right ones": (PASS, "c / n"),
        "all k are right": (PASS, "math.comb(c, k) / math.comb(n, k)"),
        "none is right": (PASS, PASS.replace("1 - math", "math", 1)),
        "exactly one is right": (
            PASS,
            "c * (math.comb(n - c, k - 1)) / math.comb(n, k)",
        ),
        "1 only where all are right": (PASS, f"{PASS} if n > c else 1.0 - (k > 3)"),
        "fewer wrong ones than k: 0": (PASS, f"{PASS} if n - c >= k else 0.0"),
        "fewer wrong ones than k: the formula with replacement": (
            PASS,
            f"{PASS} if n - c >= k else 1 - (1 - c / n) ** k",
        ),
        "a product, one factor too few": (
            PASS,
            "1 - math.prod((n - c - i) / (n - i) for i in range(k - 1))",
        ),
        "wrong ones become negative": (
            PASS,
            "1 - math.prod((n - c - i) / (n - i) for i in range(k))"
            " if n - c - k >= -1 else 1 + math.prod((n - c - i) / (n - i) for i in range(k)) + 1",
        ),
        "floats of the numbers of sets": (
            PASS,
            "1 - float(math.comb(n - c, k)) / float(math.comb(n, k))",
        ),
        "whole shares": (PASS, PASS.replace("/", "//")),
        "a tensor comes back": (PASS, f"torch.tensor({PASS})"),
        "k and c swapped": (PASS, "1 - math.comb(n - k, k) / math.comb(n, k)"),
    },
    "choice": {
        "the prompt's tokens in the score": (
            CHOICE,
            CHOICE.replace("[len(prompt) - 1 :]", ""),
        ),
        "the first token of a choice left out": (
            CHOICE,
            CHOICE.replace("len(prompt) - 1", "min(len(prompt), len(text) - 2)"),
        ),
        "one more in the mean": (
            SCORE,
            "logp.sum() / (len(choice) + 1 if normalize else 1)",
        ),
        "the prompt's last token in the score": (
            CHOICE,
            CHOICE.replace("len(prompt) - 1", "max(0, len(prompt) - 2)"),
        ),
        "the first token alone": (CHOICE, CHOICE.replace("- 1 :]", "- 1 : len(prompt)]")),
        "the last token alone": (CHOICE, CHOICE.replace("len(prompt) - 1", "-1")),
        "never normalized": (SCORE, "logp.sum()"),
        "always normalized": (SCORE, "logp.mean()"),
        "normalize turned around": (SCORE, "logp.sum() if normalize else logp.mean()"),
        "normalized by all of the text": (SCORE, "logp.sum() / (len(text) if normalize else 1)"),
        "normalized by the root of the length": (
            SCORE,
            "logp.sum() / (len(choice) ** 0.5 if normalize else 1)",
        ),
        "the least likely": ("max(scores)", "min(scores)"),
        "of equal ones the last": (
            "    return scores.index(max(scores))\n",
            "    return max(range(len(scores)), key=lambda i: (scores[i], i))\n",
        ),
        "the choice without the prompt": (
            CHOICE,
            "log_probs(model, torch.cat([prompt[-1:], choice[:-1]]), choice).double()",
        ),
        "the first token of the prompt in the place of all": (
            "torch.cat([prompt, choice])",
            "torch.cat([prompt[:1].expand(len(prompt)), choice])",
        ),
        "probabilities multiplied": (
            SCORE,
            "logp.exp().prod() ** (1 / len(choice) if normalize else 1)",
        ),
        "of equal ones the shortest": (
            "    return scores.index(max(scores))\n",
            "    return min(range(len(scores)), key=lambda i: (-scores[i], len(choices[i])))\n",
        ),
        "the mean of p": (SCORE, "logp.exp().mean() if normalize else logp.sum()"),
        "the score comes back": (
            "    return scores.index(max(scores))\n",
            "    return max(scores)\n",
        ),
        "all choices in one text": (
            "            scores.append",
            "            prompt = text\n            scores.append",
        ),
        "a tensor comes back": (
            "    return scores.index(max(scores))\n",
            "    return torch.tensor(scores).argmax()\n",
        ),
    },
    "modes": {
        "train mode": ("    model.eval()\n", ""),
        "a graph": (GRAD, "        yield\n"),
        "modes given back in the constructor's way": (FINALLY, "        model.train()\n"),
        "left in eval mode": (FINALLY, "        pass\n"),
        "the model's own mode for all": (FINALLY, "        model.train(modes[0][1])\n"),
        "eval mode of the model itself alone": (
            "    model.eval()\n",
            "    model.training = False\n",
        ),
        "perplexity leaves eval mode": (
            "    nll, tokens = sequence",
            "    model.eval()\n    nll, tokens = sequence",
        ),
        "eval mode, then a wrong stride is refused": (STRIDE, STRIDE + "        model.eval()\n"),
        "eval mode, then no choices are refused": (
            f"    if {EMPTY}:\n",
            f"    if {EMPTY}:\n        model.eval()\n",
        ),
        "children alone": (
            "for module in model.modules()]",
            "for module in model.children()]",
        ),
        "not after an error": (
            "    try:\n" + GRAD + "    finally:\n" + FINALLY,
            "    with torch.no_grad():\n        yield\n"
            + FINALLY.replace("        for", "    for").replace("            mod", "        mod"),
        ),
        "not after KeyboardInterrupt": (
            "    finally:\n" + FINALLY,
            "    except KeyboardInterrupt:\n        raise\n    except Exception:\n"
            + FINALLY
            + "        raise\n    else:\n"
            + FINALLY,
        ),
        "grad mode switched on": (
            FINALLY,
            FINALLY + "        torch.set_grad_enabled(True)\n",
        ),
        "grad mode left off": (GRAD, "        torch.set_grad_enabled(False)\n        yield\n"),
        "a choice in train mode": (
            "    scores = []\n    with evaluating(model):\n",
            "    scores = []\n    with torch.no_grad():\n",
        ),
    },
    "precision": {
        "perplexity in float32": (MEAN, "float(torch.tensor(nll / tokens).exp())"),
        "log-softmax in the logits' dtype": (FLOAT, ""),
        "float64 rounded to float32": (FLOAT, "    logits = logits.float()\n"),
        "sums in float32": (TOTAL, TOTAL.replace(".double()", ".float()")),
        "float16 alone in float32": (
            FLOAT,
            "    if logits.dtype == torch.float16:\n        logits = logits.float()\n",
        ),
        "sums in the logits' dtype": (
            "[:, 0]\n\n\n@context",
            "[:, 0].to(model(inputs[None]).dtype)\n\n\n@context",
        ),
        "scores rounded": (f"float({SCORE})", f"round(float({SCORE}), 6)"),
        "the sum rounded": ("    return total, len", "    return round(total, 4), len"),
        "the log of a softmax": (
            LOGP,
            LOGP.replace("log_softmax(dim=-1)", "softmax(dim=-1).log()"),
        ),
        "log p no smaller than -100": (LOGP, f"{LOGP}.clamp(min=-100)"),
        "a small number in the log": (
            LOGP,
            LOGP.replace("log_softmax(dim=-1)", "softmax(dim=-1).add(1e-9).log()"),
        ),
    },
    "refused": {
        "stride is not looked at": (STRIDE, "    if False:\n"),
        "stride 0": (STRIDE, STRIDE.replace("not 1 <=", "not 0 <=")),
        "a stride above context_length": (STRIDE, "    if stride < 1:\n"),
        "stride equal to context_length + 1": (
            STRIDE,
            STRIDE.replace("<= context_length", "<= context_length + 1"),
        ),
        "one id": (TWO, "    if len(ids) < 1:\n"),
        "no ids": (TWO, "    if len(ids) == 1:\n"),
        "c below 0": (RANGES, RANGES.replace("0 <= c <= n", "c <= n")),
        "k above n": (RANGES, "    if not (0 <= c <= n and 1 <= k):\n"),
        "k of 0": (RANGES, RANGES.replace("1 <= k", "0 <= k")),
        "no prompt": (EMPTY, EMPTY.replace("not len(prompt) or ", "")),
        "an empty choice": (EMPTY, "not len(prompt) or not len(choices)"),
        "the first choice alone is looked at": (
            EMPTY,
            "not len(prompt) or not len(choices) or not len(choices[0])",
        ),
        "0 of n right: 0 at once": (RANGES, "    if c == 0:\n        return 0.0\n" + RANGES),
        "all of n right: 1 at once": (RANGES, "    if c == n:\n        return 1.0\n" + RANGES),
        "the only choice is not looked at": (
            f"    if {EMPTY}:\n",
            f"    if len(prompt) and len(choices) == 1:\n        return 0\n    if {EMPTY}:\n",
        ),
        "another error": ('        raise ValueError(f"n={n}', '        raise TypeError(f"n={n}'),
    },
}

VARIANTS = {
    "gamma functions": (
        PASS,
        "1.0 if n - c < k else 1 - math.exp(sum(math.lgamma(a + 1) * s for a, s in ("
        "(n - c, 1), (n - c - k, -1), (n, -1), (n - k, 1))))",
    ),
    "cross_entropy, windows by range": """
def sequence_nll(model, ids, context_length, stride):
    n = len(ids)
    if n < 2 or stride < 1 or stride > context_length:
        raise ValueError("ids or stride")
    nll, done = [], 0
    with evaluating(model), torch.inference_mode():
        for begin in range(0, n, stride):
            x = ids[begin : begin + context_length]
            y = ids[begin + 1 : begin + context_length + 1]
            logits = model(x.unsqueeze(0)).squeeze(0)[: len(y)]
            logits = logits if logits.dtype == torch.float64 else logits.float()
            losses = nn.functional.cross_entropy(logits, y, reduction="none")
            nll += losses[done - begin :].tolist()
            done = begin + len(y)
            if done == n - 1:
                break
    return sum(nll), len(nll)
""",
    "all windows in one padded batch": """
def sequence_nll(model, ids, context_length, stride):
    last = len(ids) - 1
    if last < 1 or stride < 1 or stride > context_length:
        raise ValueError("ids or stride")
    begins = [0]
    while begins[-1] + context_length < last:
        begins.append(begins[-1] + stride)
    ends = [min(b + context_length, last) for b in begins]
    pad, rows = nn.utils.rnn.pad_sequence, list(zip(begins, ends))
    x = pad([ids[b:e] for b, e in rows], batch_first=True)
    y = pad([ids[b + 1 : e + 1] for b, e in rows], batch_first=True, padding_value=-100)
    y[1:, : context_length - stride] = -100
    with evaluating(model):
        logp = model(x).double().log_softmax(-1).transpose(1, 2)
    nll = nn.functional.nll_loss(logp, y, reduction="sum", ignore_index=-100)
    return nll.item(), int((y >= 0).sum())
""",
    "a product of factors": (
        PASS,
        "1.0 if n - c < k else 1.0 - math.prod(1 - k / i for i in range(n - c + 1, n + 1))",
    ),
    "choices in one padded batch": """
def pick_choice(model, prompt, choices, normalize=True):
    lengths = [len(c) for c in choices]
    if len(prompt) < 1 or not lengths or min(lengths) < 1:
        raise ValueError("empty")
    texts = [torch.cat((prompt, c)) for c in choices]
    batch = nn.utils.rnn.pad_sequence(texts, batch_first=True)
    with evaluating(model):
        logits = model(batch[:, :-1])
    logits = logits if logits.dtype == torch.float64 else logits.float()
    logp = logits.log_softmax(-1).gather(-1, batch[:, 1:, None])[..., 0]
    best, found = -math.inf, 0
    for i, n in enumerate(lengths):
        score = math.fsum(logp[i, len(prompt) - 1 : len(prompt) - 1 + n].tolist())
        score = score / n if normalize else score
        if score > best:
            best, found = score, i
    return found
""",
    "bits by log2 of e": (BITS, "nll * math.log2(math.e) / num_bytes"),
}
