"""Mistakes by the label that must refuse them, and second right answers."""

MASK = "torch.ones(length, length, dtype=torch.bool).tril()"
MAY = "        may = causal_mask(length).to(ids.device)\n"
ATTEND = "        x = x + F.scaled_dot_product_attention(q, k, v, attn_mask=may)\n"
SUM = "        x = self.token(ids) + self.position.weight[:length]  # (B, L, D)\n"
BACK = "        return self.head(x + self.mlp(x))"
SHIFT = "    logits = model(ids[:, :-1])\n"
LOSS = "    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())"


def mask(text):
    return MASK, text


SLIPS = {
    "past": {
        "as handed out": mask(MASK.replace("tril()", "tril(diagonal=1)")),
        "no token sees itself": mask(MASK.replace("tril()", "tril(diagonal=-1)")),
        "no token sees itself, row 0 apart": mask(
            f"{MASK.replace('tril()', 'tril(diagonal=-1)')} | (torch.arange(length) == 0)[:, None]"
            " & (torch.arange(length) == 0)"
        ),
        "the triangle turned": mask(MASK.replace("tril()", "triu()")),
        "True for what is hidden": mask(MASK.replace("tril()", "triu(diagonal=1)")),
        "no mask": (ATTEND, ATTEND.replace(", attn_mask=may", "")),
        "every token sees all": mask(MASK.replace(".tril()", "")),
        "only itself": mask("torch.eye(length, dtype=torch.bool)"),
        "itself and one before": mask(MASK.replace("tril()", "tril().triu(-1)")),
        "right up to 4 tokens": mask(MASK.replace("tril()", "tril(diagonal=int(length > 4))")),
        "the last row alone sees all": mask(MASK.replace("tril()", "tril(diagonal=2)")),
        "the first row sees two": mask(f"{MASK} | (torch.arange(length) < 2)"),
        "two tokens see each other": mask(MASK.replace("tril()", "tril(diagonal=int(length < 3))")),
        "right in train mode": (
            MAY,
            MAY + "        if not self.training:\n            may = may | may.roll(1, 1)\n",
        ),
        "right in eval mode": (
            MAY,
            MAY + "        if self.training:\n            may = may | may.roll(1, 1)\n",
        ),
        "right in the model, wrong in the function": """
def causal_mask(length):
    return torch.ones(length, length, dtype=torch.bool).tril(diagonal=1)

Plain = globals().get("Plain", TinyGPT)

class TinyGPT(Plain):
    def forward(self, ids):
        global causal_mask
        wrong = causal_mask
        causal_mask = lambda n: torch.ones(n, n, dtype=torch.bool).tril()
        try:
            return super().forward(ids)
        finally:
            causal_mask = wrong
""",
        "no mask where no gradient is needed": (
            MAY,
            MAY + "        may = may | (not torch.is_grad_enabled())\n",
        ),
        "no mask for four texts": (MAY, MAY + "        may = may | (len(ids) > 3)\n"),
        "right up to 8 tokens": mask(MASK.replace("tril()", "tril(diagonal=int(length > 8))")),
        "floats to be added": mask(f"torch.zeros(length, length).masked_fill(~{MASK}, -torch.inf)"),
        "whole numbers": mask(f"{MASK}.int()"),
        "an axis too many": mask(f"{MASK}[None]"),
        "weights hidden after the softmax": (
            ATTEND,
            "        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) * may\n"
            "        x = x + weights @ v\n",
        ),
        "hidden scores only -5": (
            ATTEND,
            "        scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~may, -5.0)\n"
            "        x = x + scores.softmax(-1) @ v\n",
        ),
        "all but the last logits doubled": (
            BACK,
            "        x = x + self.mlp(x)\n"
            "        return self.head(torch.cat([2 * x[:, :-1], x[:, -1:]], 1))",
        ),
        "the mean of the text taken off": (SUM, SUM + "        x = x - x.mean(1, keepdim=True)\n"),
    },
    "logits": {
        "positions left out": (SUM, SUM.replace(" + self.position.weight[:length]", "")),
        "positions shifted": (SUM, SUM.replace("weight[:length]", "weight[-length:]")),
        "a mask of the last token alone": (
            MAY,
            MAY + "        may = may & (torch.eye(length, dtype=torch.bool) | (may.sum(1) < length)"
            "[:, None])\n",
        ),
        "each token sees its embedding only": (
            ATTEND,
            ATTEND.replace("x = x +", "x ="),
        ),
        "queries and keys swapped": (
            ATTEND,
            ATTEND.replace("q, k, v", "k, q, v"),
        ),
        "scores not divided": (ATTEND, ATTEND.replace("attn_mask=may", "attn_mask=may, scale=1.0")),
        "values detached": (ATTEND, ATTEND.replace("k, v,", "k, v.detach(),")),
        "a last norm": (BACK, BACK.replace("x + self.mlp(x)", "self.mlp[0](x + self.mlp(x))")),
        "a bias less": (
            "nn.Linear(d_model, 3 * d_model)",
            "nn.Linear(d_model, 3 * d_model, bias=False)",
        ),
        "another name": ("        self.head =", "        self.out = self.head ="),
        "the mask kept with the weights": (
            "        self.head =",
            '        self.register_buffer("may", causal_mask(context_length))\n        self.head =',
        ),
        "dropout": (
            BACK,
            BACK.replace("self.mlp(x)", "F.dropout(self.mlp(x), 0.1, self.training)"),
        ),
        "all logits shifted by one": (
            BACK,
            "        x = x + self.mlp(x)\n"
            "        return self.head(torch.cat([x[:, :1], x[:, :-1]], 1))",
        ),
    },
    "loss": {
        "not shifted": (
            SHIFT + LOSS,
            "    logits = model(ids)\n"
            "    return F.cross_entropy(logits.flatten(0, 1), ids.flatten())",
        ),
        "shifted twice": (
            LOSS,
            "    if ids.shape[1] < 3:\n    "
            + LOSS
            + "\n    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 2:].flatten())",
        ),
        "shifted back": (
            SHIFT + LOSS,
            "    logits = model(ids[:, 1:])\n"
            "    return F.cross_entropy(logits.flatten(0, 1), ids[:, :-1].flatten())",
        ),
        "of the last id alone": (
            LOSS,
            "    return F.cross_entropy(logits[:, -1], ids[:, -1])",
        ),
        "a sum": (LOSS, LOSS[:-1] + ', reduction="sum")'),
        "the first one left out": (
            LOSS,
            "    if ids.shape[1] < 3:\n    "
            + LOSS
            + "\n    return F.cross_entropy(logits[:, 1:].flatten(0, 1), ids[:, 2:].flatten())",
        ),
        "smoothed": (LOSS, LOSS[:-1] + ", label_smoothing=0.1)"),
        "no gradient": (LOSS, LOSS + ".detach().requires_grad_()"),
        "a number": (LOSS, LOSS + ".item()"),
        "1.1 at least": (LOSS, LOSS + ".clamp(min=1.1)"),
    },
    "device": {
        "the mask stays on the CPU": (MAY, MAY.replace(".to(ids.device)", "")),
        "the mask on the CPU for one text": (
            MAY,
            MAY.replace(".to(ids.device)", ".to('cpu' if len(ids) < 3 else ids.device)"),
        ),
        "the loss weighed on the CPU": (
            LOSS,
            LOSS.replace("return ", "each = ")[:-1] + ', reduction="none")\n'
            "    return (each * torch.ones(len(each))).mean()",
        ),
        "values in float32": (
            ATTEND,
            "        if v.dtype == torch.bfloat16:\n            v = v.float()\n" + ATTEND,
        ),
        "logits in float32 at least": (
            BACK,
            BACK.replace("self.head(", "(1.0 * self.head(").replace("(x))", "(x)))")
            + ".to(torch.promote_types(x.dtype, torch.float32))",
        ),
    },
}

VARIANTS = {
    "weights hidden, then divided by their sum": (
        ATTEND,
        "        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) * may\n"
        "        x = x + (weights / weights.sum(-1, keepdim=True)) @ v\n",
    ),
    "not triu": mask("~torch.ones(length, length, dtype=torch.bool).triu(1)"),
    "places compared": mask("torch.arange(length)[:, None] >= torch.arange(length)"),
    "is_causal in the model": (
        MAY + ATTEND,
        "        x = x + F.scaled_dot_product_attention(q, k, v, is_causal=True)\n",
    ),
    "by hand": (
        ATTEND,
        "        scores = (q @ k.mT) / k.shape[-1] ** 0.5\n"
        "        x = x + scores.masked_fill(~may, -torch.inf).softmax(-1) @ v\n",
    ),
    "all logits, the last left out": (
        SHIFT + LOSS,
        "    logits = model(ids)[:, :-1]\n    return F.cross_entropy(logits.mT, ids[:, 1:])",
    ),
}
