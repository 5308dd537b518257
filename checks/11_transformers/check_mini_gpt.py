"""What challenge_mini_gpt.py requires.

`block` looks at the last token, which sees all, so that a wrong mask fails `future` alone; `model`
puts the answer's own blocks together; generate is tried on models whose text is known.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from checks.attention import as_this_one, has_parts
from checks.tools import (
    attempt,
    close,
    draws_from,
    draws_nothing,
    equal,
    filled,
    gradients,
    is_normal,
    keeps_device,
    names_are,
    refuses,
    result_of,
    same,
    share_is,
)

D, H = 12, 3
PARTS = {"token": "Embedding", "position": "Embedding", "blocks": "ModuleList"}
PARTS |= {"norm": "LayerNorm", "head": "Linear"}


def block(GPT2Block):
    parts = {"ln1": nn.LayerNorm(D), "ln2": nn.LayerNorm(D)}
    parts |= {name: nn.Linear(D, D) for name in ("W_q", "W_k", "W_v", "W_o")}
    parts["mlp"] = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))
    made = GPT2Block(D, H)
    has_parts("GPT2Block(12, 3)", made, parts, nn.ModuleDict(parts))
    kinds = [type(part).__name__ for part in made.mlp]
    equal("GPT2Block(12, 3).mlp is made of", kinds, ["Linear", "GELU", "Linear"])
    ref = nn.TransformerEncoderLayer(D, H, 4 * D, 0.0, "gelu", 1e-5, True, True)
    for heads, off, sizes in (
        (3, "W_o", (2, 5, D)),
        (3, "mlp.2", (2, 5, D)),
        (3, "", (2, 40, D)),
        (1, "", (3, 3, D)),
        (12, "", (1, 1, D)),
    ):
        made = filled(GPT2Block(D, heads))
        for p in made.get_submodule(off).parameters() if off else ():
            nn.init.zeros_(p)
        what = f"{heads} heads, x {sizes}{f', {off} of zeros' if off else ''}, the last token"
        ref.self_attn.num_heads, ref.self_attn.head_dim = heads, D // heads

        def last(module, x, what=what):
            return result_of(what, module, x)[:, -1]

        x = {"x": torch.randn(sizes)}
        as_this_one(what, last, made, ref, x, lambda run, x: run(x)[:, -1], renamed, not off)


def future(GPT2Block, MiniGPT):
    for b, length in ((2, 5), (3, 3), (1, 9)):
        models = ("GPT2Block", filled(GPT2Block(D, H)), torch.randn(2, b, length, D))
        model, ids = filled(MiniGPT(9, 9, D, 2, H)), torch.randint(9, (2, b, length))
        for name, module, (old, new) in (models, ("MiniGPT", model, ids)):
            for mode in ("train", "eval"):
                what = f"{name}, {mode} mode, {(b, length)} tokens"
                want = result_of(what, module.train(mode == "train"), old)
                for t in range(1, length) if length < 9 else (1, 5, 8):
                    some = torch.cat((old[:, :t], new[:, t:][:, : length * (t % 2)]), 1)
                    got = result_of(what, module, some)[:, :t]
                    how = "changed from" if t % 2 else "cut off before"
                    how += f" token {t}" + " on" * (t % 2)
                    close(got, want[:, :t], f"{what}, {how}: results before it", 1e-4)


def model(GPT2Block, MiniGPT):
    for sizes in ((9, 5, D, 2, H), (7, 7, 8, 1, 2), (6, 4, 4, 3, 4)):
        V, context, d, layers, heads = sizes
        what, made = f"MiniGPT{sizes}", filled(MiniGPT(*sizes), 0.5)
        shapes = {"token.weight": (V, d), "position.weight": (context, d)}
        shapes |= {"norm.weight": (d,), "norm.bias": (d,)}
        own = {n: tuple(p.shape) for n, p in made.named_parameters() if n[:7] != "blocks."}
        if "token.weight" not in own and "head.weight" in own:  # a head made before token
            own["token.weight"] = own.pop("head.weight")
        names_are(own, shapes, f"{what}, parameters beside those of blocks")
        for name, shape in shapes.items():
            equal(f"{what}: {name} has shape", own[name], shape)
        for name, kind in PARTS.items():
            part = getattr(made, name, None)
            right = isinstance(part, getattr(nn, kind))
            assert right, f"{what}: {name} is {type(part).__name__}, want nn.{kind}"
        tied = made.head.weight is made.token.weight
        assert tied, f"{what}: head.weight is another parameter than token.weight, want the same"
        own = len({id(one) for one in made.blocks if isinstance(one, GPT2Block)})
        equal(f"{what}: different GPT2Blocks in blocks:", (own, len(made.blocks)), (layers, layers))
        twins = [GPT2Block(d, heads) for _ in made.blocks]
        for twin, one in zip(twins, made.blocks, strict=True):
            twin.load_state_dict(one.state_dict())
        for (b, length), mode in (((2, context), True), ((3, 3), False), ((1, 1), False)):
            made.train(mode)
            ids = torch.randint(V, (b, length))
            x = made.token.weight[ids] + made.position.weight[:length]
            for one in twins:
                x = one(x)
            want = F.layer_norm(x, (d,), made.norm.weight, made.norm.bias) @ made.token.weight.T
            got = result_of(what, made, ids)
            call, parts = f"{what}, ids {(b, length)}", "put together from its parts"
            close(got, want, f"{call}: logits, {parts}", 1e-4)
            if mode:
                leaves, up = [made.token.weight], want.sin()
                (grad,), (right,) = (gradients(call, t, leaves, up) for t in (got, want))
                close(grad, right, f"{call}: the gradient of token.weight, {parts}", 1e-3)


def start(MiniGPT):
    for V, context, d, layers, heads in ((50, 16, 32, 3, 4), (200, 8, 64, 1, 2)):
        what = f"MiniGPT{(V, context, d, layers, heads)}"
        made = MiniGPT(V, context, d, layers, heads)
        ids = torch.randint(V, (16, context + 1))
        logits = result_of(what, made, ids[:, :-1])
        first = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).item()
        told = f"{what}: the loss of random ids is {first:.2f}, want ln {V} = {math.log(V):.2f}"
        assert abs(first / math.log(V) - 1) < 0.02, told
        scaled = []
        for name, p in made.named_parameters():
            last = name.endswith(("W_o.weight", "mlp.2.weight"))
            want = 0.02 / (2 * layers) ** 0.5 if last else 0.02
            if name.endswith("bias"):
                assert not p.any(), f"{what}: {name} is not 0"
            elif p.dim() == 1:
                assert (p == 1).all(), f"{what}: {name} is not 1"
            else:
                got, slack = p.std().item(), 6 * want / (2 * p.numel()) ** 0.5
                told = f"{what}: {name} has a standard deviation of {got:.4f}"
                assert abs(got - want) < slack, f"{told}, want {want:.4f} ± {slack:.4f}"
                scaled.append(p.detach().flatten() / want)
        alike = len(scaled) - len({tuple(z[:9].tolist()) for z in scaled})
        assert not alike, f"{what}: {alike} matrices begin with the numbers of another one"
        is_normal(torch.cat(scaled), f"{what}: the matrices over their standard deviations")


def loss(lm_loss):
    logits, ids = (
        torch.tensor([[[0.0, 0.0], [math.log(7), 0.0], [5.0, 0.0]]]),
        torch.tensor([[0, 1, 0]]),
    )
    what = "lm_loss, ids [[0, 1, 0]], logits [[[0, 0], [ln 7, 0], [5, 0]]]"
    close(
        result_of(what, lm_loss, logits, ids), torch.tensor(math.log(2) + math.log(8 / 7)) / 2, what
    )
    for b, length, V in ((2, 5, 7), (3, 3, 3), (1, 2, 4), (4, 6, 6)):
        logits, ids = torch.randn(b, length, V), torch.randint(V, (b, length))
        p = logits.softmax(-1)
        terms = [-p[i, t - 1, ids[i, t]].log() for i in range(b) for t in range(1, length)]
        what = f"lm_loss, logits {(b, length, V)}"
        close(result_of(what, lm_loss, logits, ids), sum(terms) / len(terms), what)


def learns(MiniGPT):
    ids = torch.randint(11, (4, 8))
    ids[:, 0] = torch.arange(4)  # no two samples begin alike
    for layers, steps in ((3, 1), (1, 201)):
        what, made = f"MiniGPT(11, 8, 64, {layers}, 4), ids (4, 8)", MiniGPT(11, 8, 64, layers, 4)
        optimizer = torch.optim.AdamW(made.parameters(), lr=0.01, fused=True)
        for step in range(steps):
            logits = result_of(what, made, ids)[:, :-1].flatten(0, 1)
            now = F.cross_entropy(logits, ids[:, 1:].flatten())
            if now < 0.1:
                return
            optimizer.zero_grad()
            attempt(f"{what}, backward", now.backward)
            for name, p in made.named_parameters() if step == 0 else ():
                moves = p.grad is not None and (p.grad.any() or name.endswith("W_k.bias"))
                assert moves, f"{what}: no gradient reaches {name}"
            optimizer.step()
    raise AssertionError(
        f"{what}: the loss is {now:.2f} after 200 steps of AdamW, want 0.1 or less"
    )


def text(generate, MiniGPT):
    ids = torch.tensor([[1, 5], [2, 2], [0, 3]])
    for new in (0, 1, 4):
        what = f"a model that says the sum of all ids, mod 7, ids {ids.tolist()}, {new} new ones"
        equal(
            f"{what}:",
            attempt(what, generate, Known(), ids.clone(), new).tolist(),
            sums(ids, new, 99),
        )
    made, ids = filled(MiniGPT(9, 12, D, 1, H)), torch.randint(9, (3, 2))
    whole, part = (attempt("generate", generate, made, ids, n) for n in (8, 3))
    same(
        whole[:, :5],
        part,
        "MiniGPT, temperature 0: the first 3 of 8 new tokens, against 3 new ones",
    )
    ids = torch.zeros(3000, 1, dtype=torch.int64)
    for odds, temperature, p in ((3, 1.0, 0.75), (1.1, 0.05, 0.870592), (3, 2.0, 0.633975)):
        what, model = (
            f"logits [0, ln {odds}], temperature={temperature}",
            Known([0, math.log(odds)]),
        )
        ones = attempt(what, generate, model, ids, 2, temperature=temperature)[:, 1:] == 1
        for new in range(2):
            share_is(ones[:, new], p, f"{what}: the share of 1s at new token {new}")
        share_is(ones.all(1), p * p, f"{what}: the share of samples with 1 twice")
        share_is(
            ones.view(-1, 4)[:, ::2].all(1), p * p, f"{what}: the share of pairs of samples with 1"
        )
    logits = torch.linspace(0, -1, 60)
    rare = attempt("generate", generate, Known(logits.tolist()), ids, 1, temperature=1.0)[:, 1] > 54
    p = logits.softmax(0)[55:].sum().item()
    share_is(rare, p, "60 logits from 0 to -1, temperature=1: the share of the 5 unlikeliest")


def context(generate, MiniGPT):
    for length in (6, 9):
        call = f"MiniGPT(9, 5, 12, 1, 3), ids (2, {length})"
        refuses(
            MiniGPT(9, 5, D, 1, H).train(length == 9),
            torch.zeros(2, length).long(),
            errors=(ValueError,),
            call=call,
        )
    for longest, first in ((4, 2), (3, 6), (1, 1), (8, 8)):
        known, ids = Known(longest=longest), torch.arange(2 * first).view(2, first) % 7
        what = f"a model that says the sum of what it reads, mod 7, context_length {longest}"
        what = f"{what}, ids {ids.tolist()}, 6 new ones"
        got = attempt(what, generate, known, ids, 6).tolist()
        equal(f"{what}: ids at once given to it:", max(known.lengths), min(longest, first + 5))
        equal(f"{what}:", got, sums(ids, 6, longest))


def modes(generate):
    for temperature, grad in ((0.0, True), (1.0, True), (0.0, False)):
        for failing in (None, RuntimeError, KeyboardInterrupt):
            known = Known(failing=failing)
            known.part[1].eval()
            known.training = grad
            want = [m.training for m in known.modules()]
            what = f"generate, temperature {temperature}, modules in train mode {want}"
            with torch.set_grad_enabled(grad):
                try:
                    generate(known, torch.zeros(2, 1).long(), 3, temperature)
                except (RuntimeError, KeyboardInterrupt) as error:
                    assert type(error) is failing, f"{what}: {error!r}"
                equal(f"{what}: grad mode afterwards", torch.is_grad_enabled(), grad)
            what += ", where the model fails" if failing else ""
            equal(f"{what}: modes afterwards", [m.training for m in known.modules()], want)
            equal(f"{what}: some are in train mode while it runs:", any(known.trained), False)
            equal(f"{what}: a result of the model has a graph:", any(known.graphs), False)


def inputs(generate, MiniGPT):
    ids, uniform = torch.randint(7, (5, 3)), Known([0.0] * 7)
    for temperature in (0.0, 1.0):
        kept, what = ids.clone(), f"generate, temperature {temperature}"
        out = attempt(what, generate, uniform, kept, 3, temperature)
        same(kept, ids, f"{what}: ids afterwards")
        same(out[:, :3], ids, f"{what}: the first ids of the result")
    draws_from("generate, temperature 1", lambda g: generate(uniform, ids, 6, 1.0, generator=g))
    with draws_nothing("generate, temperature 0"):
        attempt("generate", generate, uniform, ids, 3)
    made, seen = MiniGPT(9, 5, D, 1, H).to("meta").requires_grad_(False), list[str]()
    for table in (made.token, made.position):  # a meta table takes numbers from any device
        table.register_forward_pre_hook(lambda _, given: seen.append(str(given[0].device)))
    keeps_device("MiniGPT", made, torch.randint(9, (2, 4)))
    keeps_device("generate", lambda i: generate(made, i, 1), torch.randint(9, (2, 4)))
    assert "cpu" not in seen, f"MiniGPT and ids on a GPU: its tables get numbers on {seen}"


CORE = (block, future, model, start, loss, learns, text)
EDGES = (context, modes, inputs)


def renamed(own):
    """Parameters by the names of nn.TransformerEncoderLayer, but W_q, W_k, W_v apart."""
    names = {"ln1": "norm1", "ln2": "norm2", "mlp.0": "linear1", "mlp.2": "linear2"}
    names |= {f"W_{x}": f"self_attn.W_{x}" for x in "qkvo"}
    split = {name: name.rpartition(".") for name in own}
    return {f"{names.get(part, part)}.{kind}": own[n] for n, (part, _, kind) in split.items()}


def sums(ids, new, longest):
    """The text of Known."""
    rows = ids.tolist()
    for row in rows:
        for _ in range(new):
            row.append(sum(row[-longest:]) % 7)
    return rows


class Known(nn.Module):
    """Gives the same logits at each place, or says the sum of all ids up to it, mod 7."""

    def __init__(self, logits=None, longest=99, failing=None):
        super().__init__()
        self.context_length, self.logits, self.failing = longest, logits, failing
        self.part = nn.Sequential(nn.Dropout(0.9), nn.Dropout(0.9), nn.Linear(1, 1))
        self.trained, self.graphs, self.lengths = [], [], []

    def forward(self, ids):
        self.trained.append(any(m.training for m in self.modules()))
        self.lengths.append(ids.shape[1])
        says = F.one_hot(ids.cumsum(1) % 7, 7) * 20.0
        if self.logits:
            says = torch.tensor(self.logits).expand(*ids.shape, -1)
        says = says + 0 * self.part[2].weight
        self.graphs.append(says.requires_grad)
        if self.failing and len(self.lengths) == 2:
            raise self.failing("the model fails")
        return says
