"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

STEPS = "for _ in range(max_len):"
EXTEND = "        for total, tokens in beams:\n"
ASK = "log_prob_fn(torch.tensor(tokens)).double()"
SORT = "log_probs.sort(descending=True, stable=True)"
FEW = "zip(best[:beam_width].tolist(), order[:beam_width].tolist(), strict=True)"
ADD = "[(total + more, [*tokens, token]) for more, token in pairs]"
RANK = "        candidates.sort(key=lambda one: one[0], reverse=True)"
KEPT = "candidates[:beam_width]"
DONE = "        finished += [one for one in kept if one[1][-1] == eos_token]\n"
ALIVE = "        beams = [one for one in kept if one[1][-1] != eos_token]\n"
EVERY = "    every = finished + beams\n"
SCORE = "one[0] / max(1, len(one[1]) - 1) ** length_penalty"
BEST = f"max(every, key=lambda one: {SCORE})[1]"
FLAT = """
def beam_search(log_prob_fn, start_token, max_len, beam_width, eos_token, length_penalty=0.0):
    beams, sums, finished = torch.tensor([[start_token]]), torch.zeros(1).double(), []
    for _ in range(max_len):
        if len(beams) == 0:
            break
        rows = torch.stack([log_prob_fn(beam) for beam in beams]).double()
        flat = (sums[:, None] + rows).flatten()
        order = flat.argsort(descending=True, stable=True)[:beam_width]
        chosen, tokens = order // rows.shape[1], order % rows.shape[1]
        beams, sums = torch.cat([beams[chosen], tokens[:, None]], dim=1), flat[order]
        ended = tokens == eos_token
        finished += list(zip(sums[ended].tolist(), beams[ended].tolist()))
        beams, sums = beams[~ended], sums[~ended]
    best, found = None, []
    for total, tokens in finished + list(zip(sums.tolist(), beams.tolist())):
        score = total / max(len(tokens) - 1, 1) ** length_penalty
        if best is None or score > best:
            best, found = score, tokens
    return found
"""

SLIPS = {
    "greedy": {
        "a width of 1 does not stop at eos": (
            ALIVE,
            ALIVE + "        if beam_width == 1:\n            beams = kept\n",
        ),
        "max_len counts the start": (STEPS, "for _ in range(max_len - 1):"),
        "one step too many": (STEPS, "for _ in range(max_len + 1):"),
        "eos left out of the result": (
            f"    return {BEST}\n",
            f"    found = {BEST}\n"
            "    return found[:-1] if found[-1] == eos_token and len(found) > 1 else found\n",
        ),
        "the start is token 0": ("[(0.0, [start_token])]", "[(0.0, [0])]"),
        "tokens are tensors": (
            "order[:beam_width].tolist(), strict",
            "order[:beam_width], strict",
        ),
        "a width of 1 keeps two": (
            "    finished = []\n",
            "    finished = []\n    beam_width = max(2, beam_width)\n",
        ),
    },
    "beams": {
        "two tokens of a beginning at most": (
            FEW,
            "zip(best[: min(2, beam_width)].tolist(), order[: min(2, beam_width)].tolist())",
        ),
        "the best of each beginning, not of all": (
            RANK,
            "        if len(beams) == beam_width:\n"
            "            candidates = candidates[:: len(candidates) // len(beams)]\n" + RANK,
        ),
        "probabilities multiplied": (
            "[(0.0, [start_token])]",
            "[(1.0, [start_token])]",
        ),
        "rows kept by length and last token": (
            "    finished = []\n",
            "    finished = []\n"
            "    known, ask = {}, log_prob_fn\n"
            "    log_prob_fn = lambda t: known.setdefault((len(t), int(t[-1])), ask(t))\n",
        ),
        "one beam too few": (KEPT, "candidates[: max(1, beam_width - 1)]"),
        "no order at all": (RANK + "  # stable: equal ones stay in order\n", ""),
        "greedy whatever the width": (KEPT, "candidates[:1]"),
        "the best token of a beginning after the first step": (
            FEW,
            "list(zip(best[:beam_width].tolist(), order[:beam_width].tolist()))"
            "[: beam_width if len(tokens) == 1 else 1]",
        ),
        "softmax over the log-probabilities of a step": (
            ASK,
            ASK + "\n            log_probs = (log_probs / 2).log_softmax(dim=-1)",
        ),
    },
    "finished": {
        "eos that is not kept ends it": (
            DONE,
            "        finished += [one for one in candidates if one[1][-1] == eos_token]\n",
        ),
        "eos takes no place in its own step": FLAT.replace(
            "stable=True)[:beam_width]",
            "stable=True)\n"
            "        over = order % rows.shape[1] == eos_token\n"
            "        few = order[:beam_width]\n"
            "        order = torch.cat([few[over[:beam_width]], order[~over][:beam_width]])",
        ),
        "a place in later steps": (
            KEPT,
            "sorted(candidates + [one for one in finished], key=lambda one: -one[0])[:beam_width]\n"
            "        kept = [one for one in kept if one not in finished]",
        ),
        "extended": (ALIVE, "        beams = kept\n"),
        "fewer beams after each that finished": (
            KEPT,
            "candidates[: beam_width - len(finished)]",
        ),
        "asked about, then left out": (
            EXTEND,
            "        for _, tokens in finished:\n"
            "            log_prob_fn(torch.tensor(tokens))\n" + EXTEND,
        ),
        "eos may come again": (
            EXTEND,
            "        for total, tokens in finished[:1]:\n"
            "            more = log_prob_fn(torch.tensor(tokens)).max().item()\n"
            "            candidates.append((total + more - 50, [*tokens, eos_token]))\n" + EXTEND,
        ),
    },
    "result": {
        "finished ones alone": (EVERY, "    every = finished or beams\n"),
        "unfinished ones alone": (EVERY, "    every = beams or finished\n"),
        "ends as soon as one is finished": (
            ALIVE,
            ALIVE + "        if finished:\n            break\n",
        ),
        "the penalty of finished ones alone": (
            SCORE,
            "one[0] / (max(1, len(one[1]) - 1) if one[1][-1] == eos_token else 1)"
            " ** length_penalty",
        ),
        "ends when more are finished than fit": (
            ALIVE,
            ALIVE + "        if len(finished) > beam_width:\n            break\n",
        ),
        "the first finished": (EVERY, "    every = finished[:1] + beams\n"),
        "divided by the length without a penalty": (SCORE, "one[0] / max(1, len(one[1]) - 1)"),
        "eos costs nothing": (
            ADD,
            ADD.replace("total + more", "total + (more if token != eos_token else 0.0)"),
        ),
        "the last finished alone": (
            DONE,
            DONE + "        finished = finished[-1:]\n",
        ),
    },
    "penalty": {
        "added per token": (SCORE, "one[0] + length_penalty * len(one[1])"),
        "the start is counted": (SCORE, "one[0] / len(one[1]) ** length_penalty"),
        "eos is not counted": (
            SCORE,
            "one[0] / max(1, len(one[1]) - 1 - (one[1][-1] == eos_token)) ** length_penalty",
        ),
        "ignored": (SCORE, "one[0]"),
        "multiplied": (SCORE, SCORE.replace(" / max", " * max")),
        "times the length": (
            SCORE,
            SCORE.replace("** length_penalty", "* (length_penalty or 1)").replace(
                "max(1, len(one[1]) - 1)", "(max(1, len(one[1]) - 1) if length_penalty else 1)"
            ),
        ),
        "the formula with (5 + n) / 6": (
            SCORE,
            "one[0] / ((4 + max(1, len(one[1]))) / 6) ** length_penalty",
        ),
        "at every step": (
            ADD,
            ADD.replace("total + more", "(total + more) / len(tokens) ** length_penalty"),
        ),
        "at most 1": (SCORE, SCORE.replace("** length_penalty", "** min(1.0, length_penalty)")),
        "ends as soon as the best is finished, penalty or not": (
            ALIVE,
            ALIVE + "        if kept and kept[0][1][-1] == eos_token:\n            break\n",
        ),
        "an early end as without a penalty": (
            ALIVE,
            ALIVE + "        if finished and beams:\n"
            "            if max(one[0] for one in finished) >= beams[0][0]:\n"
            "                break\n",
        ),
    },
    "work": {
        "called twice": (
            ASK,
            "(log_prob_fn(torch.tensor(tokens)) + log_prob_fn(torch.tensor(tokens))).double() / 2",
        ),
        "called for its size first": (
            "    finished = []\n",
            "    finished = [] if len(log_prob_fn(torch.tensor([start_token]))) else []\n",
        ),
        "a batch of one": (
            ASK,
            "log_prob_fn(torch.tensor(tokens).float()).double()"
            " if False else log_prob_fn(torch.tensor(tokens).to(torch.int16)).double()",
        ),
        "each prefix again": (
            EXTEND,
            "        for _, tokens in beams:\n"
            "            log_prob_fn(torch.tensor(tokens[:2]))\n" + EXTEND,
        ),
        "those that are dropped, too": (
            RANK,
            "        if len(candidates[0][1]) <= max_len:\n"
            "            for _, tokens in candidates:\n"
            "                if tokens[-1] != eos_token:\n"
            "                    log_prob_fn(torch.tensor(tokens))\n" + RANK,
        ),
    },
    "ties": {
        "the higher token": (RANK, "        candidates.sort(reverse=True)"),
        "the lower token before the better beginning": (
            RANK,
            "        candidates.sort(key=lambda one: (-one[0], one[1]))",
        ),
        "topk's order": (SORT, "log_probs.topk(min(beam_width, len(log_probs)))"),
        "sorted upwards and turned around": (
            RANK,
            "        candidates.sort(key=lambda one: one[0])\n        candidates.reverse()",
        ),
        "unfinished ones first": (EVERY, "    every = beams + finished\n"),
        "the last of the best": (BEST, BEST.replace("max(every", "max(every[::-1]")),
        "the longer of the best": (
            f"    return {BEST}\n",
            f"    return max(every, key=lambda one: ({SCORE}, len(one[1])))[1]\n",
        ),
    },
    "sizes": {
        "max_len 0 divides by 0": (
            SCORE,
            SCORE.replace("max(1, len(one[1]) - 1)", "(len(one[1]) - 1)"),
        ),
        "topk with more than there are": (SORT, "log_probs.topk(beam_width)"),
        "max_len 0 is 1": (STEPS, "for _ in range(max(1, max_len)):"),
    },
    "precision": {
        "in log_prob_fn's dtype": (
            ADD,
            "[((more + torch.tensor(total).to(raw)).to(raw).item(), [*tokens, token])"
            " for more, token in pairs]",
        ),
        "in float32": (
            ADD,
            "[((torch.tensor(total, dtype=torch.float32) + more).item(), [*tokens, token])"
            " for more, token in pairs]",
        ),
        "float64 log-probabilities as float32": (ASK, ASK.replace("double()", "float()")),
        "log-probabilities rounded to 4 digits": (
            ASK,
            "(log_prob_fn(torch.tensor(tokens)) * 1e3).round().double() / 1e3",
        ),
    },
}
SLIPS["precision"]["in log_prob_fn's dtype"] = FLAT.replace(
    "torch.zeros(1).double()", "torch.zeros(1)"
).replace(
    "        rows = torch.stack([log_prob_fn(beam) for beam in beams]).double()\n",
    "        rows = torch.stack([log_prob_fn(beam) for beam in beams])\n"
    "        sums = sums.to(rows)\n",
)
SLIPS["precision"]["in float32"] = FLAT.replace("double()", "float()")
SLIPS["beams"]["probabilities multiplied"] = (
    FLAT.replace("torch.zeros(1).double()", "torch.ones(1).double()")
    .replace("sums[:, None] + rows", "sums[:, None] * rows.exp()")
    .replace(
        "score = total /",
        "score = math.log(total) if total > 0 else -math.inf\n        score = score /",
    )
    .replace("\ndef", "\nimport math\n\n\ndef", 1)
)

VARIANTS = {
    "tensors, one flat sort": FLAT,
    "sorted results": (
        f"    return {BEST}\n",
        f"    return sorted(every, key=lambda one: -({SCORE}))[0][1]\n",
    ),
    "all tokens are candidates": (
        FEW,
        "zip(log_probs.tolist(), range(len(log_probs)), strict=True)",
    ),
    "an end where no better one can come": (
        ALIVE,
        ALIVE + "        if finished and beams and length_penalty == 0:\n"
        "            if max(one[0] for one in finished) >= beams[0][0]:\n"
        "                break\n",
    ),
    "impossible candidates are dropped": (
        RANK,
        "        candidates = [one for one in candidates if one[0] > -1e300]\n" + RANK,
    ),
    "a heap": (
        KEPT,
        "__import__('heapq').nlargest(beam_width, candidates, key=lambda one: one[0])",
    ),
}
