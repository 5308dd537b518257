"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

RANGE = "        if not 1 <= top_k <= num_experts:\n"
ROUTER = "self.router = nn.Linear(d_model, num_experts)"
NET = "nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))"
LOGITS = "logits = self.router(tokens)  # (N, E)"
AUX = "        self.aux_loss = moe_load_balance_loss(logits, e, k)\n"
TOP = "top, chosen = logits.topk(k, dim=-1)  # (N, k)"
EXPERT_OF = "expert_of = chosen.T.flatten()"
WEIGHT_OF = "weight_of = top.softmax(dim=-1).T.flatten()"
TOKEN_OF = "token_of = torch.arange(n, device=x.device).repeat(k)"
ROOM = "math.ceil(self.capacity_factor * n * k / e)"
LIMITED = "n if self.capacity_factor is None else"
KEPT = "kept = (expert_of == i).nonzero().flatten()[:room]"
RESULT = "result = weight_of[kept, None] * expert(tokens[rows])  # also of no rows"
ADD = "out = out.index_add(0, rows, result.to(out.dtype))"
COUNT = "counts.append(len(rows))"
RECORD = "self.tokens_per_expert = torch.tensor(counts, device=x.device)"
RETURN = "return out.reshape(x.shape)"
FLAT = "tokens = x.reshape(-1, x.shape[-1])  # (N, D)"
ZEROS = "torch.zeros_like(tokens)"
BALANCE_FLAT = "logits = router_logits.reshape(-1, num_experts)  # (N, E)"
N = "n = max(1, len(logits))"
F_ = "f = torch.zeros_like(logits).scatter(1, chosen, 1.0).sum(dim=0) / (n * top_k)  # (E,)"
P = "p = logits.softmax(dim=-1).sum(dim=0) / n  # (E,)"
LOSS = "return num_experts * (f * p).sum()"


def token_by_token(weights="top.softmax(-1)", room="n * k", order="range(k) for t in range(n)"):
    """The solution's class with a forward that takes one choice after another."""
    return (
        "class MixtureOfExperts(MixtureOfExperts):\n"
        "    def forward(self, x):\n"
        "        tokens = x.reshape(-1, x.shape[-1])\n"
        "        n, k, e = len(tokens), self.top_k, len(self.experts)\n"
        "        logits = self.router(tokens)\n"
        "        self.aux_loss = moe_load_balance_loss(logits, e, k)\n"
        "        top, chosen = logits.topk(k, dim=-1)\n"
        f"        weights = {weights}\n"
        "        c = self.capacity_factor\n"
        f"        room = n * k if c is None else {room}\n"
        "        mine = [[] for _ in range(e)]\n"
        f"        for s, t in [(s, t) for s in {order}]:\n"
        "            if len(mine[chosen[t, s]]) < room:\n"
        "                mine[chosen[t, s]].append((t, s))\n"
        "        out = tokens * 0\n"
        "        for kept, expert in zip(mine, self.experts):\n"
        "            t, s = torch.tensor(kept, dtype=torch.long).view(-1, 2).T\n"
        "            found = expert(tokens[t]) * weights[t, s].unsqueeze(-1)\n"
        "            out = out.index_put((t,), found.type_as(out), accumulate=True)\n"
        "        self.tokens_per_expert = torch.tensor([len(kept) for kept in mine])\n"
        "        return out.reshape(x.shape)\n"
    )


SLIPS = {
    "parts": {
        "GELU in the experts": (NET, NET.replace("ReLU", "GELU")),
        "a router without a bias": (ROUTER, ROUTER.replace("experts)", "experts, bias=False)")),
        "one expert again and again": (
            f"            {NET}\n            for _ in range(num_experts)\n",
            f"            [{NET}] * num_experts\n",
        ),
        "experts in a list": ("self.experts = nn.ModuleList(", "self.experts = list("),
        "top_k not looked at": (RANGE, "        if False:\n"),
        "top_k of 0 accepted": (RANGE, "        if not 0 <= top_k <= num_experts:\n"),
        "a shared expert besides": (
            ROUTER,
            ROUTER + "\n        self.shared = nn.Linear(d_model, d_model)",
        ),
    },
    "mix": {
        "softmax over all, not renormalized": (
            WEIGHT_OF,
            "weight_of = logits.softmax(dim=-1).gather(1, chosen).T.flatten()",
        ),
        "equal weights": (
            WEIGHT_OF,
            "weight_of = torch.full_like(top, 1 / k).T.flatten()",
        ),
        "weights of another slot": (WEIGHT_OF, WEIGHT_OF.replace("top.", "top.flip(-1).")),
        "logits as weights": (WEIGHT_OF, "weight_of = top.T.flatten()"),
        "no weights": (RESULT, "result = expert(tokens[rows])"),
        "small weights made larger": (
            WEIGHT_OF,
            WEIGHT_OF.replace("dim=-1)", "dim=-1).clamp(min=0.01)"),
        ),
        "router cut off": (LOGITS, "logits = self.router(tokens).detach()"),
        "the last result wins": (ADD, "out = out.index_copy(0, rows, result.to(out.dtype))"),
        "the tokens added": (RETURN, "return x + out.reshape(x.shape)"),
        "top_k 1 by default": ("        top_k: int = 2,\n", "        top_k: int = 1,\n"),
        "x of three axes only": (
            FLAT,
            "batch, length, d = x.shape\n        tokens = x.reshape(batch * length, d)",
        ),
    },
    "work": {
        "all experts on all tokens": (
            RESULT,
            "result = weight_of[kept, None] * expert(tokens)[rows]",
        ),
        "experts without tokens skipped": (
            "            rows = token_of[kept]\n",
            "            rows = token_of[kept]\n"
            "            if not len(rows):\n"
            "                counts.append(0)\n"
            "                continue\n",
        ),
        "dropped ones computed, too": (
            RESULT,
            "every = token_of[expert_of == i]\n"
            "            result = weight_of[kept, None] * expert(tokens[every])[: len(rows)]",
        ),
        "the router twice": (AUX, AUX.replace("(logits, e", "(self.router(tokens), e")),
        "one row for experts without tokens": (
            RESULT,
            "some = rows if len(rows) else token_of[:1]\n"
            "            result = weight_of[kept, None] * expert(tokens[some])[: len(rows)]",
        ),
    },
    "capacity": {
        "the last tokens kept": (
            KEPT,
            "kept = (expert_of == i).nonzero().flatten()\n"
            "            kept = kept[max(0, len(kept) - room) :]",
        ),
        "capacity ignored": (LIMITED, "n if True else"),
        "rounded down": (ROOM, ROOM.replace("ceil", "floor")),
        "all choices of a token before the next's": token_by_token(
            room=ROOM, order="range(n) for t in range(k)"
        ).replace("for s, t in [(s, t)", "for t, s in [(s, t)"),
        "the largest weights kept": (
            KEPT,
            "kept = (expert_of == i).nonzero().flatten()\n"
            "            kept = kept[weight_of[kept].argsort(descending=True)[:room]]",
        ),
        "weights of the kept made to sum to 1": (
            "        out, counts = torch.zeros_like(tokens), []\n",
            "        out, counts = torch.zeros_like(tokens), []\n"
            "        gone = torch.ones_like(expert_of, dtype=torch.bool)\n"
            "        for i in range(e):\n"
            "            gone[(expert_of == i).nonzero().flatten()[:room]] = False\n"
            "        weight_of = weight_of.masked_fill(gone, 0)\n"
            "        sums = weight_of.view(k, n).sum(0).clamp(min=1e-9)\n"
            "        weight_of = (weight_of.view(k, n) / sums).flatten()\n",
        ),
        "capacity in train mode only": (
            LIMITED,
            "n if self.capacity_factor is None or not self.training else",
        ),
        "c below 1 taken for 1": (
            ROOM,
            ROOM.replace("self.capacity_factor", "max(1, self.capacity_factor)"),
        ),
    },
    "balance": {
        "not times E": (LOSS, "return (f * p).sum()"),
        "f by the sum of P": (F_, "f = logits.softmax(dim=-1).sum(dim=0) / n"),
        "f over N, not N k": (F_, F_.replace("(n * top_k)", "n")),
        "f of the first choice": (F_, F_.replace("chosen, 1.0", "chosen[:, :1], top_k * 1.0")),
        "P over the chosen alone": (
            P,
            "p = torch.zeros_like(logits).scatter(1, chosen, logits.topk(top_k).values"
            ".softmax(-1)).sum(dim=0) / n",
        ),
        "P detached": (LOSS, LOSS.replace("* p)", "* p.detach())") + " + 0 * p.sum()"),
        "softmax over tokens": (P, P.replace("dim=-1", "dim=0")),
        "top_k 2 by default": (
            "num_experts: int, top_k: int = 1)",
            "num_experts: int, top_k: int = 2)",
        ),
    },
    "record": {
        "aux_loss without its graph": (AUX, AUX.rstrip("\n") + ".detach()\n"),
        "aux_loss of top-1": (AUX, AUX.replace("e, k)", "e)")),
        "aux_loss with gradients alone": (
            AUX,
            "        if torch.is_grad_enabled():\n    " + AUX,
        ),
        "aux_loss of what is kept": (
            RECORD,
            f"{RECORD}\n"
            "        f = self.tokens_per_expert / max(1, n * k)\n"
            "        self.aux_loss = e * (f * logits.softmax(dim=-1).sum(dim=0) / max(1, n)).sum()",
        ),
        "aux_loss summed over calls": (
            AUX,
            AUX.replace("= moe", "= getattr(self, 'aux_loss', 0) + moe"),
        ),
        "counts before dropping": (COUNT, "counts.append(int((expert_of == i).sum()))"),
        "counts as floats": (RECORD, RECORD.replace("counts,", "counts, dtype=torch.float32,")),
        "a list of counts": (RECORD, "self.tokens_per_expert = counts"),
        "counts summed over calls": (
            RECORD,
            RECORD + "\n        self.all = getattr(self, 'all', 0) + self.tokens_per_expert"
            "\n        self.tokens_per_expert = self.all",
        ),
    },
    "inputs": {
        "results in another dtype under autocast": (ADD, "out = out.index_add(0, rows, result)"),
        "out of the experts' dtype": (RETURN, "return out.reshape(x.shape).to(logits.dtype)"),
        "a view of x": (FLAT, "tokens = x.view(-1, x.shape[-1])"),
        "always float32": (ZEROS, "torch.zeros(tokens.shape)"),
        "x changed in place": (FLAT, FLAT + "\n        x.detach().mul_(1 + 1e-6)"),
        "softmax in float32": (
            WEIGHT_OF,
            WEIGHT_OF.replace("dim=-1)", "dim=-1, dtype=torch.float32)"),
        ),
    },
    "empty": {
        "a loss of 0 / 0": (N, "n = len(logits)"),
        "a mean of nothing": (P, "p = logits.softmax(dim=-1).mean(dim=0)"),
        "sizes guessed from nothing": (RETURN, "return out.view(*x.shape[:-1], -1)"),
        "no counts without tokens": (
            FLAT,
            FLAT + "\n        if not x.numel():\n"
            "            self.aux_loss = x.sum()\n"
            "            return x",
        ),
    },
}

VARIANTS = {
    "choice by choice": token_by_token(room="math.ceil(c * n * k / e)"),
    "softmax over all, renormalized": (
        WEIGHT_OF,
        "p = logits.softmax(dim=-1).gather(1, chosen)\n"
        "        weight_of = (p / p.sum(dim=-1, keepdim=True)).mT.reshape(-1)",
    ),
    "the loss by one_hot": "def moe_load_balance_loss(router_logits, num_experts, top_k=1):\n"
    "    logits = router_logits.flatten(0, -2)\n"
    "    if logits.shape[0] == 0:\n"
    "        return logits.sum()\n"
    "    hot = nn.functional.one_hot(logits.topk(top_k).indices, num_experts)\n"
    "    f = hot.to(logits.dtype).mean(dim=(0, 1))\n"
    "    return (f @ logits.softmax(-1).mean(0)) * num_experts\n",
}
