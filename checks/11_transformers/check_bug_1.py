"""What 11_transformers/buggy_code_1.py requires.

`logits` looks at the last position of each prefix alone, `loss` at a model whose logits are a
table; so what is wrong in the page fails `past` alone.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from checks import hunts
from checks.tools import attempt, close, equal, filled, keeps_device, result_of, tensor, unchanged

V, D = 7, 6
SHAPES = {
    "token.weight": (V, D),
    "position.weight": (8, D),
    "qkv.weight": (18, D),
    "qkv.bias": (18,),
}
SHAPES |= {"mlp.0.weight": (D,), "mlp.0.bias": (D,), "mlp.1.weight": (24, D), "mlp.1.bias": (24,)}
SHAPES |= {"mlp.3.weight": (D, 24), "mlp.3.bias": (D,), "head.weight": (V, D), "head.bias": (V,)}


def past(causal_mask, TinyGPT):
    for mode in ("train", "eval"):
        model = filled(TinyGPT(V, 8, D), 1.0).double().train(mode == "train")
        for b, length in ((1, 2), (2, 5), (3, 3), (4, 8)):
            ids = torch.randint(V, (b, length))
            what = f"TinyGPT, {mode} mode, ids {(b, length)}"
            with torch.set_grad_enabled(mode == "train"):
                want = result_of(what, model, ids)
            equal(f"{what}: logits have shape", tuple(want.shape), (b, length, V))
            for j in range(length):
                other = ids.clone()
                other[:, j] = (ids[:, j] + 1) % V
                with torch.set_grad_enabled(mode == "train"):
                    got = result_of(what, model, other)
                moves(what, f"id {j} changes, logits", got, want, j)
            for t in range(length):
                last = result_of(what, model, ids[:, : t + 1])[:, -1]
                told = f"{what}: logits at position {t}, against a text that ends there"
                close(want[:, t].detach(), last.detach(), told, 1e-9)
    for length in (1, 2, 5, 20):
        what = f"causal_mask({length})"
        mask = tensor(attempt(what, causal_mask, length), what)
        kind = tuple(mask.shape), mask.dtype
        equal(f"{what}: shape and dtype", kind, ((length, length), torch.bool))
        q, k = torch.randn(2, 1, length, 4)
        want = attended(q, k, v := torch.randn(1, length, 4), mask)
        for j in range(0, length, 1 + length // 10):
            other = v.clone()
            other[:, j] += 1
            out = attended(q, k, other, mask)
            moves(f"attention by {what}", f"value {j} changes, results", out, want, j)


def logits(TinyGPT):
    made = TinyGPT(V, 8, D)
    hunts.state_is("TinyGPT(7, 8, 6)", made.state_dict(), SHAPES)
    for b, mode in ((2, "train"), (3, "eval")):
        model, ids = (
            filled(TinyGPT(V, 8, D), 0.9).double().train(mode == "train"),
            torch.randint(V, (b, 8)),
        )
        for length in range(1, 9):
            what = f"TinyGPT, {mode} mode, ids {(b, length)}: logits at the last position"
            given = ids[:, :length].clone()
            with unchanged(what, given):
                got = result_of(what, model, given)[:, -1]
            want = by_hand(model, given)
            close(got.detach(), want.detach(), what, 1e-9)
            if length in (1, 8):
                leaves, upstream = dict(model.named_parameters()), torch.randn_like(want)
                found = hunts.gradients_of(what, got, leaves, upstream)
                right = torch.autograd.grad(want, list(leaves.values()), upstream)
                for (name, grad), one in zip(found.items(), right, strict=True):
                    close(grad, one, f"{what}: the gradient of {name}", 1e-9)


def loss(lm_loss):
    for b, length, sure in ((1, 2, 0), (2, 5, 0), (4, 4, 0), (3, 6, 4)):
        model, ids = Table(sure).double(), torch.randint(V, (b, length))
        if sure:
            ids = (ids[:, :1] + torch.arange(length)) % V
        known = "that the next id is one more" if sure else "no id but the one before"
        what = f"a model that knows {known}, ids {(b, length)}: lm_loss"
        twin = copy.deepcopy(model)
        with unchanged(what, ids):
            got = result_of(what, lm_loss, model, ids)
        rows = twin.table[ids[:, :-1]].log_softmax(-1)
        want = -rows.gather(-1, ids[:, 1:, None]).mean()
        close(got.detach(), want.detach(), what, 1e-9)
        hunts.gradients_of(what, got, {"its table": model.table}, torch.ones_like(got))
        want.backward()
        close(model.table.grad, twin.table.grad, f"{what}: the gradient of its table", 1e-9)


def device(TinyGPT, lm_loss):
    there = TinyGPT(V, 8, D).to("meta")
    keeps_device("TinyGPT", there, torch.randint(V, (2, 5)))
    keeps_device("lm_loss", lambda ids: lm_loss(there, ids), torch.randint(V, (2, 5)))
    for dtype in (torch.bfloat16, torch.float64):
        out = result_of(f"TinyGPT in {dtype}", TinyGPT(V, 8, D).to(dtype), torch.randint(V, (2, 5)))
        equal(f"TinyGPT in {dtype} gave", out.dtype, dtype)


CORE = (past, logits, loss)
EDGES = (device,)


class Table(nn.Module):
    """For each id a row of logits."""

    def __init__(self, sure):
        super().__init__()
        self.table = nn.Parameter(torch.randn(V, V) + sure * torch.eye(V).roll(1, 1))

    def forward(self, ids):
        return self.table[ids]


def attended(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def moves(what, told, got, want, j):
    """From position j on, and only there, got differs from want."""
    finite = got.isfinite().all(-1).all(0) & want.isfinite().all(-1).all(0)
    assert finite.all(), f"{what}: NaN or inf at position {finite.int().argmin().item()}"
    changes = ((got - want).abs() > 1e-12).any(-1).all(0).tolist()
    any_sample = ((got - want).abs() > 1e-12).any(-1).any(0).tolist()
    found = [t for t, one in enumerate(any_sample) if one and (t < j or changes[t])]
    equal(f"{what}: as {told} change at positions", found, list(range(j, want.shape[1])))


def by_hand(model, ids):
    """The logits at the last position, which may attend to all of them."""
    x = model.token.weight[ids] + model.position.weight[: ids.shape[1]]
    q, k, v = (
        x @ w.T + b for w, b in zip(model.qkv.weight.chunk(3), model.qkv.bias.chunk(3), strict=True)
    )
    weights = ((k @ q[:, -1, :, None]) / D**0.5).softmax(1)
    x = x[:, -1] + (weights * v).sum(1)
    return model.head(x + model.mlp(x))
