"""What challenge_sliding_window.py requires.

`window`, `causal` and `sinks` look at which weights are above 0 (the values are one-hot); `causal`,
`sinks` and `weights` take the answer's own window. `update` compares with slices of the whole text.
"""

import math

import torch
from torch.nn import functional as F
from torch.utils._pytree import tree_leaves

from checks.attention import as_the_library
from checks.tools import attempt, close, equal, keeps_device, result_of, strided, tensor, unchanged

SPLITS = (1, 1, 1, 1, 1, 3, 1, 4, 2), (30, 1, 1)
RULES = (0, 0), (1, 0), (3, 0), (2, 1), (0, 2), (1, 3), (40, 1), (2, 30)  # window, sinks


def window(sliding_window_attention):
    for length in (1, 2, 5, 6):
        for size in (0, 1, 2, length - 1, length, 3 * length):
            i = torch.arange(length)
            near = (i[:, None] - i).abs() <= size
            sees(sliding_window_attention, near, length, size)


def causal(sliding_window_attention):
    for length, size in ((1, 0), (4, 1), (6, 2), (5, 0), (5, 4), (6, 9)):
        near = seen(sliding_window_attention, length, size)[0]
        sees(sliding_window_attention, near, length, size, causal=False)
        sees(sliding_window_attention, near.tril(), length, size, causal=True)


def sinks(sliding_window_attention):
    for length, size, count in ((6, 1, 1), (6, 0, 2), (7, 2, 3), (4, 1, 4), (4, 0, 9), (1, 0, 1)):
        for options in ({}, {"causal": True}):
            near = seen(sliding_window_attention, length, size, **options)[0]
            every = torch.ones(length, length).tril() if options else torch.ones(length, length)
            near[:, :count] |= every[:, :count] > 0
            sees(sliding_window_attention, near, length, size, **options, num_sinks=count)


def weights(sliding_window_attention):
    for b, length, d, size, options in (
        (2, 6, 3, 1, {}),
        (4, 4, 4, 2, {}),
        (1, 7, 5, 9, {}),
        (3, 5, 2, 2, {"causal": True}),
        (2, 6, 4, 1, {"causal": True, "num_sinks": 2}),
        (1, 6, 1, 1, {"num_sinks": 1}),
    ):
        for scale in (1, 300):
            leaves = [scale * torch.randn(b, length, d).double() for _ in "QKV"]
            what = told(length, size, options) + f", numbers around {scale}"
            pairs = []
            for library in (False, True):
                own = dict(zip("QKV", (t.clone().requires_grad_() for t in leaves), strict=True))
                if library:
                    may = seen(sliding_window_attention, length, size, **options)[0]
                    out = F.scaled_dot_product_attention(*own.values(), attn_mask=may)
                else:
                    out = result_of(what, sliding_window_attention, *own.values(), size, **options)
                pairs.append((out, own))
            close(pairs[0][0].detach(), pairs[1][0].detach(), f"{what}: out", 1e-12)
            if scale == 1:
                as_the_library(what, "the library", *pairs, 1e-9)


def update(RollingKVCache):
    for size, count in RULES:
        for split in SPLITS:
            text = torch.randn(2, 2, 3, sum(split), 4)
            given = (size, count) if count else (size,)
            mine, other, start = RollingKVCache(*given), RollingKVCache(*given), 0
            for new in split:
                end = start + new
                what = f"window_size {size}, {count} sinks, update of {new} after {start} tokens"
                want = [p for p in range(end) if p < count or p >= start - size]
                k, v = text[:, :, :, start:end].clone()
                K, V, positions = attempt(what, mine.update, k, v)
                equal(f"{what}: positions", tensor(positions, "positions").tolist(), want)
                equal(f"{what}: positions are", positions.dtype, torch.int64)
                for name, got, every in zip("KV", (K, V), text[:, :, :, want], strict=True):
                    if not torch.equal(tensor(got, name), every):
                        close(got, every, f"{what}: {name}", 0)
                if start == 0:  # another cache is on its own
                    attempt(what, other.update, -k, -v)
                start = end


def bounded(RollingKVCache):
    for size, count in ((3, 0), (3, 2), (0, 1), (5, 1)):
        for split in ((1,) * 12, (99, 1), (2, 30)):
            mine, passed = RollingKVCache(size, count), 0
            for new in split:
                k, v = torch.randn(2, 2, 3, new + 99, 4)[:, :, :, :new]  # parts of more
                attempt("update", mine.update, k, v)
                passed += new
                held = {
                    t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
                    for t in tree_leaves(getattr(mine, "__dict__", None))
                    if isinstance(t, torch.Tensor)
                }
                tokens = sum(held.values()) // (2 * 2 * 3 * 4 * 4)
                what = f"window_size {size}, {count} sinks, the last update of {new}"
                told = f"{what}, views of {new + 99}, {passed} passed: memory for {tokens} tokens"
                assert tokens <= size + count + 1, f"{told}, want {size + count + 1} at most"


def axes(sliding_window_attention):
    for lead in ((), (2,), (2, 3), (2, 1, 3)):
        for options in ({}, {"causal": True, "num_sinks": 1}):
            n = math.prod(lead)
            Q, K, V = torch.randn(n, 5, 5), torch.randn(n, 5, 5), torch.randn(n, 5, 4)
            one_hot = torch.eye(5).repeat(n, 1, 1)
            want = sliding_window_attention(Q, K, one_hot, 1, **options) @ V
            Q, K, V = (t.view(*lead, *t.shape[1:]) for t in (Q, K, V))
            what = f"Q {tuple(Q.shape)}, V {tuple(V.shape)}, window_size 1, {options}"
            out = result_of(what, sliding_window_attention, Q, K, V, 1, **options)
            close(out, want.view(*lead, 5, 4), what, 1e-5)


def dtypes(sliding_window_attention, RollingKVCache):
    for dtype, tol in ((torch.float16, 5e-3), (torch.bfloat16, 5e-2), (torch.float32, 1e-5)):
        Q, K, V = torch.randn(3, 2, 6, 8).to(dtype)
        for options in ({}, {"causal": True, "num_sinks": 1}):
            what = f"{dtype}, window_size 1, {options}"
            out = result_of(what, sliding_window_attention, Q, K, V, 1, **options)
            equal(f"{what}: dtype", out.dtype, dtype)
            want = [t.double() for t in (Q, K, V)]
            want = sliding_window_attention(*want, 1, **options)
            close(out.double(), want, f"{what}: out, against float64", tol)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        mine = RollingKVCache(2, 1)
        for n in range(1, 5):
            k = torch.randn(1, 1, n, 2, dtype=dtype)
            K, V, _ = attempt(f"update, {dtype}", mine.update, k, k)
            equal(f"update {n}, {dtype}: K and V", (K.dtype, V.dtype), (dtype, dtype))
            close(V[:, :, -n:], k, f"update {n}, {dtype}: the new of V", 0)


def inputs(sliding_window_attention, RollingKVCache):
    for options in ({}, {"causal": True, "num_sinks": 2}):
        given = [strided(2, 5, 3) for _ in range(3)]
        what = f"not contiguous, window_size 1, {options}"
        with unchanged(what, *given):
            out = result_of(what, sliding_window_attention, *given, 1, **options)
        want = sliding_window_attention(*(t.contiguous() for t in given), 1, **options)
        close(out, want, f"{what}, against contiguous inputs")
        keeps_device(
            f"sliding_window_attention, {options}",
            lambda *x, o=options: sliding_window_attention(*x, 1, **o),
            *given,
        )
    for size, count in ((2, 1), (2, 0)):
        mine, before = RollingKVCache(size, count), []
        for n in (1, 1, 2, 1, 1):
            k, v = (strided(2, 3, n, 4) for _ in "kv")
            what = f"window_size {size}, {count} sinks, update of {n}, not contiguous"
            with unchanged(f"{what}, k and v", k, v), unchanged(f"{what}, K given before", *before):
                K, V, positions = attempt(what, mine.update, k, v)
            before += [K, V, positions]
            close(K[:, :, -n:], k, f"{what}: the new of K", 0)
    keeps_device(
        "update", lambda k, v: RollingKVCache(1).update(k, v)[2], *torch.randn(2, 1, 1, 3, 2)
    )


CORE = (window, causal, sinks, weights, update, bounded)
EDGES = (axes, dtypes, inputs)


def told(length, size, options):
    more = "".join(f", {name}={value}" for name, value in options.items())
    return f"L {length}, window_size {size}{more}"


def seen(sliding_window_attention, length, size, **options):
    """(2, L, L), query by key: the values are one-hot, so the result shows who sees whom."""
    Q, K = torch.randn(2, 2, length, length).double()
    V, what = torch.eye(length).double().repeat(2, 1, 1), told(length, size, options)
    out = result_of(what, sliding_window_attention, Q, K, V, size, **options)
    equal(f"{what}: result", tuple(out.shape), (2, length, length))
    return out > 0


def sees(sliding_window_attention, want, length, size, **options):
    what = told(length, size, options)
    for sample in seen(sliding_window_attention, length, size, **options):
        for i, rows in enumerate(zip(sample, want, strict=True)):
            keys = [row.nonzero().flatten().tolist() for row in rows]
            equal(f"{what}: query {i} sees keys", *keys)
