"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

CHANCE = "chance, kind = torch.rand((2, *ids.shape), generator=generator, device=ids.device)"
TOKENS = "tokens = torch.randint(vocab_size, ids.shape, generator=generator, device=ids.device)"
CHOSEN = "chosen = (chance < p) & ~special_mask"
MASKED = "inputs = ids.masked_fill(chosen & (kind < 0.8), mask_id)"
OTHERS = "inputs = torch.where(chosen & (kind >= 0.9), tokens, inputs)"
LABELS = "return inputs, ids.masked_fill(~chosen, -100)"
COUNT = "num_visible = int(L * (1 - mask_ratio))"
SHUFFLE = "ids_shuffle = torch.rand(N, L, generator=generator, device=x.device).argsort(dim=1)"
RESTORE = "ids_restore = ids_shuffle.argsort(dim=1)  # the inverse"
VISIBLE = "x_visible = x.take_along_dim(ids_shuffle[:, :num_visible, None], dim=1)"
THREE = "return x_visible, (ids_restore >= num_visible).float(), ids_restore"
HIDDEN = "hidden = mask_token.expand(N, ids_restore.shape[1] - num_visible, D)"
BACK = "return torch.cat((x_visible, hidden), dim=1).take_along_dim(ids_restore[..., None], dim=1)"
ERRORS = "errors = (pred - target).square().mean(dim=-1)"
MEAN = "return (errors * mask).sum() / mask.sum().clamp(min=1)"

SLIPS = {
    "chosen": {
        "exactly a share of p per sample": (
            CHOSEN,
            "number = chance.masked_fill(special_mask, 2).argsort(1).argsort(1)\n"
            "    chosen = (number < round(p * ids.shape[1])) & ~special_mask",
        ),
        "special tokens masked": (CHOSEN, "chosen = chance < p"),
        "special_mask inverted": (CHOSEN, "chosen = (chance < p) & special_mask"),
        "exactly a share of p of the batch": (
            CHOSEN,
            "number = chance.masked_fill(special_mask, 2).flatten().argsort().argsort()\n"
            "    chosen = (number.view(ids.shape) < (~special_mask).sum() // 8) & ~special_mask",
        ),
        "one mask for the batch": (CHOSEN, "chosen = (chance[:1] < p) & ~special_mask"),
        "whole samples chosen": (CHOSEN, "chosen = (chance[:, :1] < p) & ~special_mask"),
        "two tokens side by side chosen": (
            CHOSEN,
            "chosen = (chance[:, ::2].repeat_interleave(2, 1)[:, : ids.shape[1]] < p)"
            " & ~special_mask",
        ),
        "id 0 taken for padding": (CHOSEN, CHOSEN + " & (ids != 0)"),
        "mask_id in ids never chosen": (CHOSEN, CHOSEN + " & (ids != mask_id)"),
        "p always 0.15": (CHOSEN, CHOSEN.replace("< p", "< 0.15")),
        "p is the share that stays": (CHOSEN, CHOSEN.replace("< p", ">= p")),
        "p only of what is replaced": (CHOSEN, CHOSEN.replace("< p", "< p / 0.9")),
        "labels at every token": (LABELS, "return inputs, ids"),
        "labels of 0 for the others": (LABELS, LABELS.replace("-100", "0")),
        "labels of -1 for the others": (LABELS, LABELS.replace("-100", "-1")),
        "labels at the masked only": (
            LABELS,
            "return inputs, ids.masked_fill(~chosen | (inputs == ids), -100)",
        ),
        "labels are the new tokens": (LABELS, LABELS.replace("ids.m", "inputs.m")),
        "labels at the others": (LABELS, LABELS.replace("~chosen", "chosen")),
        "random tokens anywhere": (OTHERS, OTHERS.replace("chosen & (kind >= 0.9)", "kind >= 0.9")),
        "the default p is 0.2": ("p: float = 0.15", "p: float = 0.2"),
        "special ones counted in the share": (
            CHOSEN,
            "p = p * special_mask.numel() / max((~special_mask).sum().item(), 1)\n"
            "    chosen = (chance < p) & ~special_mask",
        ),
        "float labels": (LABELS, f"{LABELS}.float()"),
    },
    "replaced": {
        "another token, never the one it was": (
            TOKENS,
            TOKENS.replace("vocab_size,", "vocab_size - 1,") + "\n    tokens += tokens >= ids",
        ),
        "mask_id never drawn": (
            TOKENS,
            TOKENS.replace("vocab_size,", "vocab_size - 1,") + "\n    tokens += tokens >= mask_id",
        ),
        "all masked": (f"{MASKED}\n    {OTHERS}", "inputs = ids.masked_fill(chosen, mask_id)"),
        "10 % of the rest, which is 2 %": (OTHERS, OTHERS.replace("0.9", "0.98")),
        "10 % of 80 % replaced": (
            OTHERS,
            "inputs = torch.where(chosen & (kind < 0.08), tokens, inputs)",
        ),
        "none stays": (OTHERS, OTHERS.replace(">= 0.9", ">= 0.8")),
        "20 % stay": (OTHERS, "pass"),
        "80 % of the tokens, not of the chosen": (
            MASKED,
            MASKED.replace("kind < 0.8", "chance < 0.8 * p * p"),
        ),
        "the last token never drawn": (TOKENS, TOKENS.replace("vocab_size,", "vocab_size - 1,")),
        "the first token never drawn": (TOKENS, TOKENS.replace("randint(", "randint(1, ")),
        "a token beyond the vocabulary": (TOKENS, TOKENS.replace("vocab_size,", "vocab_size + 1,")),
        "one other token for all": (TOKENS, TOKENS.replace("ids.shape", "(1, 1)")),
        "one other token per sample": (TOKENS, TOKENS.replace("ids.shape", "(ids.shape[0], 1)")),
        "tokens of the batch itself": (
            TOKENS,
            "perm = torch.randperm(ids.numel(), generator=generator)\n"
            "    tokens = ids.flatten()[perm].view(ids.shape)",
        ),
        "exactly 80 % of the chosen": (
            MASKED,
            f"kind = torch.where(chosen, kind, 2).flatten().argsort().argsort().view(ids.shape)\n"
            f"    kind = (kind + 0.5) / chosen.sum().clamp(min=1)\n    {MASKED}",
        ),
        "one kind per sample": (
            CHANCE,
            f"{CHANCE}\n    kind = kind[:, :1].expand_as(kind)",
        ),
        "one kind per place": (
            CHANCE,
            f"{CHANCE}\n    kind = kind[:1].expand_as(kind)",
        ),
        "two side by side get one kind": (
            CHANCE,
            f"{CHANCE}\n    kind = kind[:, ::2].repeat_interleave(2, 1)[:, : ids.shape[1]]",
        ),
        "the chance used twice": (
            CHANCE,
            f"{CHANCE}\n    kind = chance",
        ),
        "another share where few are chosen": (
            MASKED,
            MASKED.replace("kind < 0.8", "kind < (0.8 if p > 0.2 else 0.9)"),
        ),
        "mask_id always 103": (MASKED, MASKED.replace("mask_id", "vocab_size - 1")),
        "tokens follow from the chance": (
            TOKENS,
            "tokens = (kind * vocab_size).long()",
        ),
        "masked and replaced swapped": (
            f"{MASKED}\n    {OTHERS}",
            "inputs = torch.where(chosen & (kind < 0.8), tokens, ids)\n"
            "    inputs = inputs.masked_fill(chosen & (kind >= 0.9), mask_id)",
        ),
    },
    "visible": {
        "one choice for the batch": (
            SHUFFLE,
            SHUFFLE.replace("rand(N, L", "rand(1, L").replace("dim=1)", "dim=1).expand(N, -1)"),
        ),
        "the ratio is the share that stays": (COUNT, "num_visible = int(L * mask_ratio)"),
        "rounded": (COUNT, "num_visible = round(L * (1 - mask_ratio))"),
        "the hidden ones rounded down": (COUNT, "num_visible = L - int(L * mask_ratio)"),
        "a run of neighbors kept": (
            SHUFFLE,
            "start = torch.randint(L, (N, 1), generator=generator, device=x.device)\n"
            "    ids_shuffle = (torch.arange(L, device=x.device) + start) % L",
        ),
        "not random": (
            SHUFFLE,
            "ids_shuffle = torch.arange(L, device=x.device).expand(N, L)",
        ),
        "drawn with replacement": (
            VISIBLE,
            "x_visible = x.take_along_dim(torch.randint(L, (N, num_visible, 1)), dim=1)",
        ),
        "1 = visible": (THREE, THREE.replace(">=", "<")),
        "a bool mask": (THREE, THREE.replace(".float()", "")),
        "the mask in the shuffled order": (
            THREE,
            "mask = (torch.arange(L) >= num_visible).float().expand(N, L)\n"
            "    return x_visible, mask, ids_restore",
        ),
        "the hidden ones returned": (
            VISIBLE,
            VISIBLE.replace(":num_visible", "-num_visible or L:"),
        ),
        "features shuffled, too": (
            VISIBLE,
            "x_visible = x.flip(-1).take_along_dim(ids_shuffle[:, :num_visible, None], dim=1)",
        ),
        "samples mixed": (
            VISIBLE,
            "x_visible = x.roll(1, 0).take_along_dim(ids_shuffle[:, :num_visible, None], dim=1)",
        ),
        "hidden ones zeroed, not dropped": (
            THREE,
            "mask = (ids_restore >= num_visible).float()\n"
            "    return x * (1 - mask[..., None]), mask, ids_restore",
        ),
        "each token by itself": (
            f"{COUNT}\n    {SHUFFLE}",
            "chance = torch.rand(N, L, generator=generator, device=x.device)\n"
            "    num_visible = int((chance[:1] > mask_ratio).sum())\n"
            "    ids_shuffle = chance.argsort(dim=1, descending=True)",
        ),
        "the first token always kept": (
            SHUFFLE,
            "noise = torch.rand(N, L, generator=generator, device=x.device)\n"
            "    noise[:, 0] = -1\n    ids_shuffle = noise.argsort(dim=1)",
        ),
    },
    "order": {
        "the shuffle for its inverse": (THREE, THREE.replace(", ids_restore", ", ids_shuffle")),
        "the numbers of the visible only": (
            THREE,
            THREE.replace(", ids_restore", ", ids_shuffle[:, :num_visible]"),
        ),
        "hidden ones first": (
            THREE,
            THREE.replace(", ids_restore", ", (ids_restore - num_visible) % L"),
        ),
        "the visible in another order": (
            THREE,
            THREE.replace("return x_visible,", "return x_visible.flip(1),"),
        ),
        "visible ones sorted afterwards": (
            THREE,
            THREE.replace(
                "return x_visible,",
                "kept = ids_shuffle[:, :num_visible].sort(1).values\n"
                "    return x.take_along_dim(kept[..., None], 1),",
            ),
        ),
        "int32": (THREE, THREE.replace(", ids_restore", ", ids_restore.int()")),
        "numbers from 1": (THREE, THREE.replace(", ids_restore", ", ids_restore + 1")),
        "every hidden one has the number L_v": (
            THREE,
            THREE.replace(", ids_restore", ", ids_restore.clamp(max=num_visible)"),
        ),
        "a batch of one without its axis": (
            THREE,
            THREE.replace(", ids_restore", ", ids_restore.squeeze(0)"),
        ),
        "one order for the batch": (
            THREE,
            THREE.replace(", ids_restore", ", ids_restore[:1].expand(N, L)"),
        ),
        "the inverse of the inverse": (
            THREE,
            THREE.replace(", ids_restore", ", ids_restore.argsort(1)"),
        ),
    },
    "restored": {
        "mask tokens first": (BACK, BACK.replace("(x_visible, hidden)", "(hidden, x_visible)")),
        "ids_restore read backwards": (
            BACK,
            BACK.replace("ids_restore[..., None]", "ids_restore.argsort(1)[..., None]"),
        ),
        "no order": (BACK, "return torch.cat((x_visible, hidden), dim=1)"),
        "the first sample's order for all": (
            BACK,
            BACK.replace("ids_restore[..., None]", "ids_restore[:1, :, None]"),
        ),
        "zeros for mask_token": (
            HIDDEN,
            HIDDEN.replace("mask_token", "torch.zeros_like(mask_token)"),
        ),
        "the visible tokens' mean for mask_token": (
            HIDDEN,
            HIDDEN.replace("mask_token", "(mask_token * 0 + x_visible.mean())"),
        ),
        "one mask token, by clamped numbers": (
            HIDDEN,
            "hidden = mask_token.expand(N, 1, D)\n"
            "    ids_restore = ids_restore.clamp(max=num_visible - 1)",
        ),
        "the sum of both": (BACK, BACK + " + mask_token"),
        "the first feature of mask_token": (
            HIDDEN,
            HIDDEN.replace("mask_token", "mask_token[:1]"),
        ),
    },
    "loss": {
        "a mean per sample, then over samples": (
            MEAN,
            "return ((errors * mask).sum(1) / mask.sum(1).clamp(min=1)).mean()",
        ),
        "the mean over all tokens": (MEAN, "return errors.mean()"),
        "divided by all tokens": (MEAN, "return (errors * mask).mean()"),
        "the visible ones": (MEAN, "mask = 1 - mask\n    " + MEAN),
        "a sum over D": (ERRORS, ERRORS.replace("mean", "sum")),
        "absolute errors": (ERRORS, ERRORS.replace("square", "abs")),
        "the root": (MEAN, MEAN[:7] + "(" + MEAN[7:] + ").sqrt()"),
        "the sum": (MEAN, "return (errors * mask).sum()"),
        "divided by the samples": (MEAN, "return (errors * mask).sum() / len(mask)"),
        "a loss per sample": (MEAN, "return (errors * mask).sum(1) / mask.sum(1).clamp(min=1)"),
    },
    "random": {
        "tokens from the global generator": (TOKENS, TOKENS.replace("generator=generator, ", "")),
        "chances from the global generator": (CHANCE, CHANCE.replace("generator=generator, ", "")),
        "the shuffle from the global generator": (
            SHUFFLE,
            SHUFFLE.replace("generator=generator, ", ""),
        ),
        "seeded in each call": (
            SHUFFLE,
            "generator = generator or torch.Generator().manual_seed(0)\n    " + SHUFFLE,
        ),
        "a generator of its own": (
            CHANCE,
            "generator = generator or torch.Generator(ids.device)\n    " + CHANCE,
        ),
        "Python's random": (
            TOKENS,
            "import random\n"
            "    tokens = torch.tensor([random.randrange(vocab_size) for _ in range(ids.numel())])"
            ".view(ids.shape).to(ids.device)",
        ),
        "the global generator set": (SHUFFLE, "torch.manual_seed(0)\n    " + SHUFFLE),
    },
    "limits": {
        "NaN where nothing is hidden": (MEAN, MEAN.replace(".clamp(min=1)", "")),
        "NaN replaced by 0 in the loss only": (
            MEAN,
            "return ((errors * mask).sum() / mask.sum()).nan_to_num(0)",
        ),
        "a constant 0": (
            MEAN,
            "if not mask.any():\n        return torch.zeros(())\n    " + MEAN,
        ),
        "at least one per sample": (
            CHOSEN,
            "chosen = ((chance < p) | (chance == chance.min(1, keepdim=True).values))"
            " & ~special_mask",
        ),
        "p=0 as if it were left out": (CHANCE, "p = p or 0.15\n    " + CHANCE),
        "p=1 is not quite 1": (CHOSEN, "chosen = (chance < min(p, 0.9)) & ~special_mask"),
        "at least one visible": (COUNT, COUNT.replace("int(", "max(1, int(") + ")"),
        "at least one hidden": (COUNT, COUNT.replace("int(", "min(L - 1, int(") + ")"),
        "a small number in the denominator": (
            MEAN,
            "return (errors * mask + 1e-3 * (mask.sum() == 0)).sum() / (mask.sum() + 1e-6)",
        ),
    },
    "inputs": {
        "the mask in the dtype of x": (THREE, THREE.replace(".float()", ".to(x.dtype)")),
        "ids changed in place": (
            LABELS,
            "labels = ids.masked_fill(~chosen, -100)\n"
            "    ids.copy_(inputs)\n"
            "    return inputs, labels",
        ),
        "special_mask changed in place": (
            LABELS,
            LABELS.replace("return", "special_mask |= chosen\n    return"),
        ),
        "pred changed in place": (ERRORS, "errors = pred.sub_(target).square().mean(dim=-1)"),
        "chances on the CPU": (CHANCE, CHANCE.replace(", device=ids.device", "")),
        "the shuffle on the CPU": (SHUFFLE, SHUFFLE.replace(", device=x.device", "")),
        "a graph cut at x": (VISIBLE, VISIBLE.replace("x.take", "x.detach().take")),
        "mask_token detached": (HIDDEN, HIDDEN.replace("mask_token", "mask_token.detach()")),
        "float32 out": (VISIBLE, VISIBLE.replace("x.take", "x.float().take")),
        "a float32 result of restore": (
            HIDDEN,
            "x_visible, hidden = x_visible.float(), mask_token.float().expand(\n"
            "        N, ids_restore.shape[1] - num_visible, D)",
        ),
        "the loss in float32": (ERRORS, "errors = (pred - target).float().square().mean(dim=-1)"),
        "views instead of reshapes": (VISIBLE, f"x.view(-1)\n    {VISIBLE}"),
    },
}

VARIANTS = {
    "one draw decides both, shares of p": """
def mask_tokens(ids, mask_id, vocab_size, special_mask, p=0.15, generator=None):
    u = torch.rand(ids.shape, generator=generator, device=ids.device)
    u = u.masked_fill(special_mask, 1.0)
    labels = torch.where(u < p, ids, torch.full_like(ids, -100))
    inputs = ids.clone()
    inputs[u < 0.8 * p] = mask_id
    swap = (u >= 0.8 * p) & (u < 0.9 * p)
    new = torch.randint(0, vocab_size, ids.shape, generator=generator, device=ids.device)
    return torch.where(swap, new, inputs), labels
""",
    "Bernoulli draws, half of the rest": """
def mask_tokens(ids, mask_id, vocab_size, special_mask, p=0.15, generator=None):
    probability = torch.full(ids.shape, float(p), device=ids.device)
    probability.masked_fill_(special_mask, 0.0)
    chosen = torch.bernoulli(probability, generator=generator).bool()
    labels, inputs = ids.clone(), ids.clone()
    labels[~chosen] = -100

    def flip(q):
        share = torch.full(ids.shape, q, device=ids.device)
        return torch.bernoulli(share, generator=generator).bool()

    masked = chosen & flip(0.8)
    inputs[masked] = mask_id
    swapped = chosen & ~masked & flip(0.5)
    new = torch.randint(vocab_size, ids.shape, generator=generator, device=ids.device)
    inputs[swapped] = new[swapped]
    return inputs, labels
""",
    "visible tokens in their own order": """
def random_masking(x, mask_ratio, generator=None):
    n, length, d = x.shape
    keep = int(length * (1 - mask_ratio))
    noise = torch.rand(n, length, generator=generator, device=x.device)
    mask = (noise.argsort(1).argsort(1) >= keep).float()
    order = torch.argsort(mask, dim=1, stable=True)
    x_visible = torch.gather(x, 1, order[:, :keep, None].expand(-1, -1, d))
    return x_visible, mask, torch.argsort(order, dim=1)
""",
    "scattered back": """
def restore(x_visible, mask_token, ids_restore):
    n, count, d = x_visible.shape
    length = ids_restore.shape[1]
    order = ids_restore.argsort(dim=1)
    out = mask_token.repeat(n, length, 1)
    return out.scatter(1, order[:, :count, None].expand(-1, -1, d), x_visible)
""",
    "the mean of what is picked": """
def mae_loss(pred, target, mask):
    picked = mask.bool()
    if not picked.any():
        return (pred * 0).sum()
    return ((pred[picked] - target[picked]) ** 2).mean()
""",
}
