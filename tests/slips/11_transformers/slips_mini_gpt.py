"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

FIRST = "x = x + self.attend(self.ln1(x))"
SECOND = "return x + self.mlp(self.ln2(x))"
SDPA = "mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)"
OUT = "return self.W_o(mixed.transpose(-3, -2).flatten(-2))"
HEADS = "return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)"
GELU = "nn.GELU()"
TIE = "self.head.weight = self.token.weight"
NORMAL = "nn.init.normal_(p, std=0.02 / math.sqrt(2 * num_layers) if ends_branch else 0.02)"
EMBED = "x = self.token(ids) + self.position(torch.arange(length, device=ids.device))"
HEAD = "return self.head(self.norm(x))"
LOOP = "        for block in self.blocks:\n            x = block(x)\n"
LONG = """\
        if length > self.context_length:
            raise ValueError(f"{length} ids, the context is {self.context_length}")
"""
LOSS = "return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())"
LOGITS = "logits = model(ids[:, -longest:])[:, -1]"
GREEDY = "new = logits.argmax(dim=-1, keepdim=True)"
P = "p = (logits / temperature).softmax(dim=-1)"
DRAW = "new = torch.multinomial(p, 1, generator=generator)"
CAT = "ids = torch.cat((ids, new), dim=1)"
MODES = "modes = {module: module.training for module in model.modules()}"
BACK = """\
    finally:
        for module, mode in modes.items():
            module.training = mode
"""
TRY = "    try:\n        for _"


def seen(which, then="pass"):
    """The triangle by another rule."""
    ones = "torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device)"
    return SDPA, (
        f"may = {ones}.{which}\n        {then}\n        {SDPA}".replace(
            "is_causal=True", "attn_mask=may"
        )
    )


SLIPS = {
    "block": {
        "post-LN": (
            f"{FIRST}\n        {SECOND}",
            "x = self.ln1(x + self.attend(x))\n        return self.ln2(x + self.mlp(x))",
        ),
        "no residual around attention": (FIRST, FIRST.replace("x + ", "")),
        "no residual around the mlp": (SECOND, SECOND.replace("x + ", "")),
        "a residual from the norm": (FIRST, "x = self.ln1(x)\n        x = x + self.attend(x)"),
        "branches side by side": (
            f"{FIRST}\n        {SECOND}",
            "return x + self.attend(self.ln1(x)) + self.mlp(self.ln2(x))",
        ),
        "norms swapped": (
            f"{FIRST}\n        {SECOND}",
            f"{FIRST}\n        {SECOND}".replace("ln1", "lnx")
            .replace("ln2", "ln1")
            .replace("lnx", "ln2"),
        ),
        "attention without norm": ("self.attend(self.ln1(x))", "self.attend(x)"),
        "one norm for both": ("self.ln2 = nn.LayerNorm(d_model)", "self.ln2 = self.ln1"),
        "mlp of 2 D": (
            "nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model)",
            "nn.Linear(d_model, 2 * d_model), nn.GELU(), nn.Linear(2 * d_model, d_model)",
        ),
        "ReLU": (GELU, "nn.ReLU()"),
        "SiLU": (GELU, "nn.SiLU()"),
        "the mlp ends with dropout": (
            "nn.Linear(4 * d_model, d_model)\n",
            "nn.Linear(4 * d_model, d_model), nn.Dropout(0.1)\n",
        ),
        "no bias": (
            "self.W_q = nn.Linear(d_model, d_model)",
            "self.W_q = nn.Linear(d_model, d_model, bias=False)",
        ),
        "RMSNorm": ("self.ln1 = nn.LayerNorm(d_model)", "self.ln1 = nn.RMSNorm(d_model)"),
        "heads by a view, tokens mixed": (
            HEADS,
            "return x.reshape(x.shape[0], self.num_heads, x.shape[1], -1)",
        ),
        "heads every H-th feature": (
            HEADS,
            "return x.unflatten(-1, (-1, self.num_heads)).transpose(-1, -2).transpose(-3, -2)",
        ),
        "put together without a transpose": (OUT, "return self.W_o(mixed.reshape(x.shape))"),
        "no W_o": (OUT, OUT.replace("self.W_o", "")),
        "keys are queries": (
            "(self.W_q, self.W_k, self.W_v))  #",
            "(self.W_q, self.W_q, self.W_v))  #",
        ),
        "scaled by sqrt(D)": (
            SDPA,
            SDPA.replace("is_causal=True", "is_causal=True, scale=x.shape[-1] ** -0.5"),
        ),
        "a window of eight tokens back": seen("tril().triu(-8)"),
        "dropout in train mode": (
            OUT,
            OUT.replace("self.W_o(", "self.W_o(F.dropout(").replace(
                "flatten(-2))", "flatten(-2), 0.1, self.training))"
            ),
        ),
    },
    "future": {
        "no mask": (SDPA, SDPA.replace(", is_causal=True", "")),
        "no mask beyond seven tokens": (SDPA, SDPA.replace("=True", "=x.shape[1] < 8")),
        "no mask in train mode": (SDPA, SDPA.replace("=True", "=not self.training")),
        "no mask in eval mode": (SDPA, SDPA.replace("=True", "=self.training")),
        "own token hidden from all but the first and the last": seen(
            "tril(-1)", "may[0, 0] = may[-1] = True"
        ),
        "token 0 and themselves alone seen by all but the last": seen(
            "tril() & torch.eye(x.shape[1], dtype=torch.bool, device=x.device)",
            "may[:, 0] = may[-1] = True",
        ),
        "weights zeroed after the softmax": (
            SDPA,
            "weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1).tril()\n"
            "        mixed = weights @ v",
        ),
        "one token of the future seen": (
            SDPA,
            "may = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril(1)\n"
            "        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=may)",
        ),
        "the mask added, as a bool": (
            SDPA,
            "may = torch.ones(x.shape[1], x.shape[1], device=x.device).tril()\n"
            "        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=may - 1)",
        ),
        "scores set to 0 where hidden": (
            SDPA,
            "may = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()\n"
            "        scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~may, 0)\n"
            "        mixed = scores.softmax(-1) @ v",
        ),
        "softmax over the queries": (
            SDPA,
            "may = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()\n"
            "        scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~may, -1e30)\n"
            "        mixed = (scores.softmax(-1) + 0 * scores.softmax(-2)) @ v\n"
            "        mixed = mixed + (x.shape[1] > 1) * (mixed.mean(-2, keepdim=True) * 1e-2)"
            " * (torch.arange(x.shape[1], device=x.device) < x.shape[1] - 1)[:, None]",
        ),
    },
    "model": {
        "tied by a copy": (
            TIE,
            "self.head.weight = nn.Parameter(self.token.weight.detach().clone())",
        ),
        "not tied": (f"        {TIE}\n", ""),
        "untied by a new parameter": (
            NORMAL,
            f"{NORMAL}\n"
            "        self.token.weight = nn.Parameter(self.token.weight.detach().clone())",
        ),
        "no last norm": (HEAD, "return self.head(x)"),
        "the last norm left out in eval mode": (
            HEAD,
            "return self.head(self.norm(x) if self.training else x)",
        ),
        "a norm in front of the blocks": (LOOP, f"        x = self.norm(x)\n{LOOP}"),
        "no positions": (EMBED, "x = self.token(ids)"),
        "positions from 1": (
            EMBED,
            EMBED.replace(
                "torch.arange(length, device=ids.device)",
                "(torch.arange(length, device=ids.device) + 1) % self.context_length",
            ),
        ),
        "positions from the end": (
            EMBED,
            EMBED.replace(
                "torch.arange(length, device=ids.device)",
                "torch.arange(length, device=ids.device).flip(0)",
            ),
        ),
        "positions of the ids": (
            EMBED,
            EMBED.replace("torch.arange(length, device=ids.device)", "ids % self.context_length"),
        ),
        "token vectors times sqrt(D)": (
            EMBED,
            EMBED.replace("self.token(ids)", "self.token(ids) * self.token.embedding_dim**0.5"),
        ),
        "the last block left out": ("in self.blocks:\n", "in self.blocks[:-1]:\n"),
        "blocks in reverse": ("in self.blocks:\n", "in reversed(self.blocks):\n"),
        "the first block again and again": (
            "            x = block(x)\n",
            "            x = self.blocks[0](x)\n",
        ),
        "one block many times": (
            "nn.ModuleList(GPT2Block(d_model, num_heads) for _ in range(num_layers))",
            "nn.ModuleList([GPT2Block(d_model, num_heads)] * num_layers)",
        ),
        "a plain list of blocks": (
            "nn.ModuleList(GPT2Block(d_model, num_heads) for _ in range(num_layers))",
            "[GPT2Block(d_model, num_heads) for _ in range(num_layers)]",
        ),
        "a head with bias": ("vocab_size, bias=False)", "vocab_size)"),
        "a softmax at the end": (HEAD, f"{HEAD}.softmax(-1)"),
        "log-probabilities": (HEAD, f"{HEAD}.log_softmax(-1)"),
        "logits of the last token only": (HEAD, "return self.head(self.norm(x[:, -1:]))"),
        "residuals around the blocks, too": (
            "            x = block(x)\n",
            "            x = x + block(x)\n",
        ),
        "one position too many": (
            "self.position = nn.Embedding(context_length, d_model)",
            "self.position = nn.Embedding(context_length + 1, d_model)",
        ),
        "the size of a head for the number of heads": (
            "GPT2Block(d_model, num_heads) for",
            "GPT2Block(d_model, d_model // num_heads) for",
        ),
        "token vectors detached, the head alone trains them": (
            EMBED,
            EMBED.replace("self.token(ids)", "self.token(ids).detach()"),
        ),
        "the head's weight detached": (HEAD, "return self.norm(x) @ self.token.weight.detach().T"),
        "token 0 taken for padding": (
            "nn.Embedding(vocab_size, d_model)",
            "nn.Embedding(vocab_size, d_model, padding_idx=0)",
        ),
        "an own name": (
            "self.norm = nn.LayerNorm(d_model)",
            "self.ln_f = self.norm = nn.LayerNorm(d_model)",
        ),
    },
    "start": {
        "residual projections not scaled": (
            'ends_branch = name.endswith(("W_o.weight", "mlp.2.weight"))',
            "ends_branch = False",
        ),
        "torch's own first numbers": (
            "        for name, p in self.named_parameters():",
            "        for name, p in []:",
        ),
        "scaled by the root of num_layers": (
            NORMAL,
            NORMAL.replace("2 * num_layers", "num_layers"),
        ),
        "scaled by 2 num_layers, no root": (
            NORMAL,
            NORMAL.replace("math.sqrt(2 * num_layers)", "(2 * num_layers)"),
        ),
        "only W_o scaled": ('("W_o.weight", "mlp.2.weight")', '("W_o.weight",)'),
        "the mlp's first scaled": ('"mlp.2.weight")', '"mlp.0.weight")'),
        "biases left as they come": ("nn.init.zeros_(p)", "pass"),
        "embeddings left as they come": (
            "elif p.dim() == 2:",
            'elif p.dim() == 2 and name.startswith("blocks"):',
        ),
        "positions left as they come": (
            "elif p.dim() == 2:",
            'elif p.dim() == 2 and name != "position.weight":',
        ),
        "variance 0.02": (NORMAL, NORMAL.replace("else 0.02", "else 0.02**0.5")),
        "uniform numbers": (
            NORMAL,
            "limit = 0.02 * 3**0.5 / (math.sqrt(2 * num_layers) if ends_branch else 1)\n"
            "                nn.init.uniform_(p, -limit, limit)",
        ),
        "norms start at 0.02": (
            "elif p.dim() == 2:",
            "elif p.dim() == 1:\n                nn.init.normal_(p, 1, 0.02)\n            else:",
        ),
        "the same numbers in each block": (
            "    def forward(self, ids: Tensor)",
            "        for block in self.blocks:\n"
            "            block.load_state_dict(self.blocks[0].state_dict())\n\n"
            "    def forward(self, ids: Tensor)",
        ),
        "Xavier": (NORMAL, "nn.init.xavier_normal_(p)"),
        "cut at two standard deviations": (
            NORMAL,
            "std = 0.02 / math.sqrt(2 * num_layers) if ends_branch else 0.02\n"
            "                nn.init.trunc_normal_(p, std=std, a=-1.5 * std, b=1.5 * std)",
        ),
    },
    "loss": {
        "not shifted": (LOSS, "return F.cross_entropy(logits.flatten(0, 1), ids.flatten())"),
        "shifted twice": (
            LOSS,
            "return F.cross_entropy(logits[:, :-2].flatten(0, 1), ids[:, 2:].flatten())"
            " if ids.shape[1] > 2 else F.cross_entropy(logits[:, 0], ids[:, 1])",
        ),
        "shifted the other way": (
            LOSS,
            "return F.cross_entropy(logits[:, 1:].flatten(0, 1), ids[:, :-1].flatten())",
        ),
        "the sum": (LOSS, LOSS[:-1] + ", reduction='sum')"),
        "the sum over tokens, the mean over samples": (
            LOSS,
            LOSS[:-1] + ", reduction='sum') / len(ids)",
        ),
        "the classes along the wrong axis": (
            LOSS,
            "return F.cross_entropy(logits[:, :-1].transpose(0, 1).reshape(-1, logits.shape[-1]),"
            " ids[:, 1:].flatten())",
        ),
        "the last token only": (LOSS, "return F.cross_entropy(logits[:, -2], ids[:, -1])"),
        "log base 2": (LOSS, LOSS + " / math.log(2)"),
        "the perplexity": (LOSS, LOSS + ".exp()"),
        "a softmax before": (LOSS, LOSS.replace("logits[:, :-1]", "logits[:, :-1].softmax(-1)")),
        "divided by L": (LOSS, LOSS + " * (ids.shape[1] - 1) / ids.shape[1]"),
        "token 0 ignored": (LOSS, LOSS[:-1] + ", ignore_index=0)"),
        "rolled, so that the last predicts the first": (
            LOSS,
            "return F.cross_entropy(logits.flatten(0, 1), ids.roll(-1, 1).flatten())",
        ),
        "label smoothing": (LOSS, LOSS[:-1] + ", label_smoothing=0.1)"),
    },
    "learns": {
        "position detached": (
            EMBED,
            EMBED.replace(
                "self.position(torch.arange(length, device=ids.device))",
                "self.position(torch.arange(length, device=ids.device)).detach()",
            ),
        ),
        "the residual path detached": (
            "            x = block(x)\n",
            "            x = block(x.detach())\n",
        ),
        "the blocks without a graph": (
            "            x = block(x)\n",
            "            with torch.no_grad():\n                x = block(x)\n",
        ),
        "positions frozen": (TIE, f"{TIE}\n        self.position.requires_grad_(False)"),
        "keys detached": (SDPA, SDPA.replace("k, v,", "k.detach(), v,")),
        "norms frozen": (
            TIE,
            f"{TIE}\n        for one in self.blocks:\n            one.ln1.requires_grad_(False)",
        ),
        "the first block frozen": (TIE, f"{TIE}\n        self.blocks[0].requires_grad_(False)"),
    },
    "text": {
        "temperatures below 0.1 taken for 0": ("if temperature == 0:", "if temperature < 0.1:"),
        "temperature at least 0.5": (P, P.replace("/ temperature", "/ max(temperature, 0.5)")),
        "always greedy": ("if temperature == 0:", "if True:"),
        "always sampled": (
            GREEDY,
            "new = torch.multinomial((logits / 20).softmax(-1), 1, generator=generator)",
        ),
        "argmin": (GREEDY, GREEDY.replace("argmax", "argmin")),
        "logits of the first place": (
            LOGITS,
            LOGITS.replace("[:, -1]\n", "").replace(")[:, -1]", ")[:, 0]"),
        ),
        "the most likely token of the batch for all": (
            GREEDY,
            "new = logits.mean(0, keepdim=True).argmax(-1, keepdim=True).expand(len(ids), 1)",
        ),
        "only the new tokens": (
            "    return ids\n",
            "    return ids[:, -max_new_tokens:] if max_new_tokens else ids[:, :0]\n",
        ),
        "one token too many": ("range(max_new_tokens)", "range(max_new_tokens + 1)"),
        "one token at least": ("range(max_new_tokens)", "range(max(1, max_new_tokens))"),
        "one token too few": ("range(max_new_tokens)", "range(max_new_tokens - 1)"),
        "temperature multiplied": (P, P.replace("/ temp", "* temp")),
        "temperature on the probabilities": (P, "p = logits.softmax(dim=-1) / temperature"),
        "temperature ignored": (P, "p = logits.softmax(dim=-1)"),
        "one draw for the batch": (
            DRAW,
            "new = torch.multinomial(p[:1], 1, generator=generator).expand(len(ids), 1)",
        ),
        "one draw for all new tokens": (
            DRAW,
            "state = torch.get_rng_state() if generator is None else None\n"
            "                new = torch.multinomial(p, 1, generator=generator)\n"
            "                if state is not None and ids.shape[1] == 1:\n"
            "                    torch.set_rng_state(state)",
        ),
        "new tokens in front": (CAT, CAT.replace("(ids, new)", "(new, ids)")),
        "the last token alone is read": (LOGITS, LOGITS.replace("-longest:", "-1:")),
        "only the first ids are read": (
            LOGITS,
            "logits = model(ids[:, : min(2, ids.shape[1])])[:, -1]",
        ),
        "the ten unlikeliest left out": (
            P,
            "logits[logits < logits.topk(min(50, logits.shape[-1])).values[:, -1:]] = -torch.inf\n"
            f"                {P}",
        ),
        "the least likely twentieth left out": (
            P,
            f"{P}\n"
            "                down, at = p.sort(dim=-1, descending=True)\n"
            "                late = down.cumsum(dim=-1) - down > 0.95\n"
            "                p = p.masked_fill(late.gather(-1, at.argsort(-1)), 0)",
        ),
        "not softmaxed": (P, "p = (logits / temperature).clamp(min=0) + 1e-9"),
        "log base 2 of the odds": (P, "p = 2 ** (logits / temperature)"),
        "no more than what is left of the context": (
            "range(max_new_tokens)",
            "range(min(max_new_tokens, 3))",
        ),
    },
    "context": {
        "no ValueError": (LONG, ""),
        "an IndexError": (LONG, LONG.replace("ValueError", "IndexError")),
        "a ValueError in train mode only": (
            LONG,
            LONG.replace("> self.context_length:", "> self.context_length and self.training:"),
        ),
        "an assert": (LONG, "        assert length <= self.context_length\n"),
        "the ids cut in forward": (
            LONG,
            "        ids = ids[:, -self.context_length :]\n        length = ids.shape[1]\n",
        ),
        "one more let through": (
            LONG,
            LONG.replace("> self.context_length:", "> self.context_length + 1:"),
        ),
        "not cut": (LOGITS, "logits = model(ids)[:, -1]"),
        "cut to the first": (
            LOGITS,
            LOGITS.replace("-longest:", ": model.context_length"),
        ),
        "cut to one fewer": (
            LOGITS,
            LOGITS.replace("-longest:", "-max(1, model.context_length - 1) :"),
        ),
        "cut once, before the loop": (
            f"            {LOGITS}",
            "            start = ids[:, -model.context_length :] if _ == 0 else"
            " torch.cat((start, new), dim=1)\n"
            "            logits = model(start)[:, -1]",
        ),
        "stops where the context is full": (
            f"            {LOGITS}",
            "            if ids.shape[1] >= model.context_length:\n                break\n"
            f"            {LOGITS}",
        ),
        "the length of MiniGPT's table": (
            LOGITS,
            "length = getattr(getattr(model, 'position', None), 'num_embeddings', 99)\n"
            "            logits = model(ids[:, -length:])[:, -1]",
        ),
        "the context starts anew when it is full": (
            LOGITS,
            "part = ids[:, (ids.shape[1] - 1) // model.context_length * model.context_length :]\n"
            "            logits = model(part)[:, -1]",
        ),
    },
    "modes": {
        "train mode": ("    model.eval()\n", ""),
        "eval mode only if the model itself is in train mode": (
            "    model.eval()\n",
            "    if model.training:\n        model.eval()\n",
        ),
        "eval mode afterwards": (BACK, "    finally:\n        pass\n"),
        "train mode afterwards": (BACK, "    finally:\n        model.train()\n"),
        "the model's mode given to all": (
            BACK,
            "    finally:\n        model.train(modes[model])\n",
        ),
        "modes of the children only": (
            MODES,
            "modes = {module: module.training for module in (model, *model.children())}",
        ),
        "not after an error": (
            BACK,
            "    except ZeroDivisionError:\n        pass\n"
            "    for module, mode in modes.items():\n        module.training = mode\n",
        ),
        "not after Ctrl-C": (
            BACK,
            "    except Exception:\n        for module, mode in modes.items():\n"
            "            module.training = mode\n        raise\n"
            "    for module, mode in modes.items():\n        module.training = mode\n",
        ),
        "a graph": ("@torch.no_grad()\n", ""),
        "a graph when it samples": (
            LOGITS,
            LOGITS.replace(
                "logits = model",
                "torch.set_grad_enabled(temperature > 0)\n            logits = model",
            ),
        ),
        "gradients switched off for good": """
inner = generate


def generate(model, ids, max_new_tokens, temperature=0.0, generator=None):
    torch.set_grad_enabled(False)
    return inner(model, ids, max_new_tokens, temperature, generator)
""",
        "gradients switched on for good": """
inner = generate


def generate(model, ids, max_new_tokens, temperature=0.0, generator=None):
    out = inner(model, ids, max_new_tokens, temperature, generator)
    torch.set_grad_enabled(True)
    return out
""",
    },
    "inputs": {
        "the text put together on the CPU": (
            CAT,
            "grown = torch.zeros(len(ids), ids.shape[1] + 1, dtype=torch.int64)\n"
            "            grown[:, :-1], grown[:, -1:] = ids, new\n            ids = grown",
        ),
        "ids extended in place": (
            CAT,
            "ids.set_(torch.cat((ids, new), dim=1))",
        ),
        "the generator forgotten": (DRAW, DRAW.replace(", generator=generator", "")),
        "seeded in each call": (
            "    model.eval()\n",
            "    model.eval()\n    generator = generator or torch.Generator().manual_seed(0)\n",
        ),
        "drawn at temperature 0, too": (
            GREEDY,
            "torch.rand(1)\n                new = logits.argmax(dim=-1, keepdim=True)",
        ),
        "positions on the CPU": (EMBED, EMBED.replace(", device=ids.device", "")),
        "the first ids rewritten": (
            "    return ids\n",
            "    ids[:, 0] = 0\n    return ids\n",
        ),
    },
}

VARIANTS = {
    "the head made first, token gets its weight": (
        "        self.token = nn.Embedding(vocab_size, d_model)\n",
        "        self.head = nn.Linear(d_model, vocab_size, bias=False)\n"
        "        self.token = nn.Embedding(vocab_size, d_model)\n"
        "        self.token.weight = self.head.weight\n",
    ),
    "the loss by a transpose": (
        LOSS,
        "return F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:])",
    ),
    "attention by hand, one loop over heads; the loss by gather": """
class GPT2Block(GPT2Block):
    def attend(self, x):
        B, L, D = x.shape
        d = D // self.num_heads
        q, k, v = self.W_q(x), self.W_k(x), self.W_v(x)
        later = torch.ones(L, L, dtype=torch.bool, device=x.device).triu(1)
        outs = []
        for h in range(self.num_heads):
            part = slice(h * d, (h + 1) * d)
            scores = q[..., part] @ k[..., part].transpose(1, 2) / d**0.5
            outs.append(scores.masked_fill(later, float("-inf")).softmax(-1) @ v[..., part])
        return self.W_o(torch.cat(outs, dim=-1))


def lm_loss(logits, ids):
    logp = logits[:, :-1].log_softmax(-1)
    return -logp.gather(-1, ids[:, 1:, None]).mean()
""",
    "init by apply, then the last projections; generation with a list of modes": """
class MiniGPT(MiniGPT):
    def __init__(self, vocab_size, context_length, d_model, num_layers, num_heads):
        super().__init__(vocab_size, context_length, d_model, num_layers, num_heads)
        self.apply(self._init)
        for block in self.blocks:
            for last in (block.W_o, block.mlp[2]):
                nn.init.normal_(last.weight, 0.0, 0.02 * (2 * num_layers) ** -0.5)

    def _init(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(0.0, 0.02)
            if getattr(module, "bias", None) is not None:
                module.bias.data.zero_()


def generate(model, ids, max_new_tokens, temperature=0.0, generator=None):
    was = [(m, m.training) for m in model.modules()]
    try:
        model.eval()
        out = ids.clone()
        with torch.no_grad():
            while out.size(1) < ids.size(1) + max_new_tokens:
                start = max(0, out.size(1) - model.context_length)
                last = model(out[:, start:])[:, -1, :]
                if temperature > 0:
                    probs = F.softmax(last / temperature, dim=-1)
                    nxt = torch.multinomial(probs, num_samples=1, generator=generator)
                else:
                    nxt = last.argmax(-1)[:, None]
                out = torch.cat([out, nxt], dim=-1)
        return out
    finally:
        for m, mode in was:
            m.training = mode
""",
}
