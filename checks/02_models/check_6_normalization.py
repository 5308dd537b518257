"""What challenge_6_normalization.py requires: numbers by hand, then the library's functions."""

from functools import partial

import torch
from torch.nn import functional as F

from checks.functions import as_exact, calls_none, gives
from checks.tools import attempt, close, equal, numbers, refuses, result_of, same, strided

BANNED = "layer_norm", "rms_norm", "batch_norm", "group_norm", "instance_norm"
SHAPES = (6, 3), (3, 3), (2, 3, 4, 5), (4, 4, 4, 4), (1, 3, 2, 2)


def by_hand(my_layer_norm, rms_norm, my_batch_norm, group_norm):
    in_eval = partial(my_batch_norm, training=False)
    for x in (torch.randn(6, 4), torch.randn(2, 4, 3, 4)):
        for name, function, inputs in (
            ("my_layer_norm", my_layer_norm, weights(4)),
            ("rms_norm", rms_norm, weights(4)[:1]),
            ("my_batch_norm", my_batch_norm, (*weights(4), torch.zeros(4), torch.ones(4))),
            ("my_batch_norm, training=False,", in_eval, (*weights(4), *statistics(4))),
            ("group_norm", group_norm, (2, *weights(4))),
        ):
            calls_none(f"{name} of x {tuple(x.shape)}", function, (x, *inputs), BANNED)


def layer(my_layer_norm):
    what = f"my_layer_norm({numbers(rows())}, gamma [1, 1], beta [0, 0]"
    gamma, beta = torch.ones(2), torch.zeros(2)
    gives(f"{what}, eps=3)", my_layer_norm, [rows(), gamma, beta, 3.0], by_rows())
    small = "my_layer_norm([[0.001, 0.003]], gamma [1, 1], beta [0, 0])"
    gives(small, my_layer_norm, [rows(1000)[:1], gamma, beta], [[-0.3015, 0.3015]], 1e-3)
    for shape in ((5,), (4, 5), (3, 3), (3, 3, 3), (2, 3, 4, 5)):
        x, (gamma, beta) = data(*shape), weights(shape[-1])
        want = F.layer_norm(x, shape[-1:], gamma, beta)
        gives(f"my_layer_norm, x {shape}", my_layer_norm, [x, gamma, beta], want)


def rms(rms_norm):
    x, one = torch.tensor([[1.0, -1.0], [4.0, 4.0]]), torch.ones(2)
    what = f"rms_norm({numbers(x)}, weight [1, 1], eps="
    gives(f"{what}3)", rms_norm, [x, one, 3.0], [[0.5, -0.5], [4 / 19**0.5] * 2])
    small = "rms_norm([[0.001, 0.001]], weight [1, 1])"
    gives(small, rms_norm, [one[None] / 1000, one], [[0.7071, 0.7071]], 1e-3)
    for shape in ((5,), (4, 5), (3, 3), (3, 3, 3), (2, 3, 4, 5)):
        x, weight = data(*shape), weights(shape[-1])[0]
        want = F.rms_norm(x, shape[-1:], weight, 1e-6)
        gives(f"rms_norm, x {shape}", rms_norm, [x, weight], want)


def batch(my_batch_norm):
    what = f"my_batch_norm({numbers(rows())}, gamma [1, 1], beta [0, 0], ..."
    start = torch.zeros(2), torch.ones(2)
    given = [rows(), torch.ones(2), torch.zeros(2), *map(torch.clone, start)]
    gives(
        f"{what}, eps=5)",
        my_batch_norm,
        [*given, 5.0],
        [[-2 / 3, -3 / 14**0.5], [2 / 3, 3 / 14**0.5]],
    )
    for shape in SHAPES:
        x, (gamma, beta) = data(*shape), weights(shape[1])
        given = [x, gamma, beta, torch.full_like(beta, 9.0), torch.full_like(beta, 9.0)]
        want = F.batch_norm(x, None, None, gamma, beta, training=True)
        gives(f"my_batch_norm, x {shape}, training", my_batch_norm, given, want)


def running(my_batch_norm):
    gamma, beta = torch.ones(2), torch.zeros(2)
    for told, more, mean, var in (
        ("momentum=0.5", {"momentum": 0.5}, [1.5, 3.0], [4.5, 9.5]),
        ("momentum=0", {"momentum": 0.0}, [0.0, 0.0], [1.0, 1.0]),
        ("", {}, [0.3, 0.6], [1.7, 2.7]),
    ):
        what = f"my_batch_norm({numbers(rows())}, ...{', ' if told else ''}{told})"
        state = torch.zeros(2), torch.ones(2)
        alias = [t.detach() for t in state]  # the same memory
        attempt(what, my_batch_norm, rows(), gamma, beta, *alias, **more)
        for name, now, want in zip(("mean", "var"), state, (mean, var), strict=True):
            before = f"{what}: running_{name}, {'0' if name == 'mean' else '1'} before"
            close(now, torch.tensor(want), before)
    for shape in SHAPES:
        x, (gamma, beta), state = data(*shape), weights(shape[1]), statistics(shape[1])
        wanted = [t.clone() for t in state]
        what = f"my_batch_norm, x {shape}"
        for _ in range(2):
            attempt(what, my_batch_norm, x, gamma, beta, *state, momentum=0.3)
            F.batch_norm(x, *wanted, training=True, momentum=0.3)
        for name, now, want in zip(("mean", "var"), state, wanted, strict=True):
            close(now, want, f"{what}, twice, momentum=0.3: running_{name}")
        what, kept = f"{what}, training=False", [t.clone() for t in state]
        run = partial(my_batch_norm, training=False)
        gives(what, run, [x, gamma, beta, *state], F.batch_norm(x, *state, gamma, beta))
        for name, now, want in zip(("mean", "var"), state, kept, strict=True):
            same(now, want, f"{what}: running_{name} afterwards")
    what, x = "my_batch_norm, x (1, 2), eps=3, training=False", rows()[:1]
    given = [x, torch.ones(2), torch.zeros(2), *statistics(2), 3.0]
    gives(what, run, given, F.batch_norm(x, *statistics(2), eps=3.0))


def groups(group_norm):
    x, one, zero = torch.tensor([[1.0, 3.0, 5.0, 9.0]]), torch.ones(4), torch.zeros(4)
    what = f"group_norm({numbers(x)}, 2, gamma 1, beta 0, eps=3)"
    gives(what, group_norm, [x, 2, one, zero, 3.0], by_rows().view(1, 4))
    for *shape, n in (
        (3, 6, 3),
        (2, 6, 4, 5, 2),
        (4, 4, 4, 4, 2),
        (2, 4, 3, 3, 1),
        (2, 4, 3, 3, 4),
    ):
        x, (gamma, beta) = data(*shape), weights(shape[1])
        what = f"group_norm, x {tuple(shape)}, num_groups {n}"
        gives(what, group_norm, [x, n, gamma, beta], F.group_norm(x, n, gamma, beta))


def precision(my_layer_norm, rms_norm, my_batch_norm, group_norm):
    steps = torch.randint(4, (6, 8)).float()
    for dtype, x in ((torch.bfloat16, 100 + steps / 2), (torch.float16, 300 + steps / 4)):
        state, other = ((torch.full((8,), 99.0), torch.full((8,), 2.0)) for _ in range(2))
        for name, call in (
            ("my_layer_norm", lambda x, g, b, _: my_layer_norm(x, g, b)),
            ("rms_norm", lambda x, g, b, _: rms_norm(x, g)),
            ("my_batch_norm", lambda x, g, b, state: my_batch_norm(x, g, b, *state)),
            (
                "my_batch_norm, training=False",
                lambda x, g, b, state: my_batch_norm(x, g, b, *state, training=False),
            ),
            ("group_norm", lambda x, g, b, _: group_norm(x, 2, g, b)),
        ):
            what = f"{name}, {dtype}, numbers from {x.min():g} to {x.max():g}: result"
            low = [t.to(dtype) for t in (x, *weights(8))]
            out = result_of(what, call, *low, state)
            want = result_of(what, call, *(t.float() for t in low), other)
            equal(what, out.dtype, dtype)
            close(out.float(), want.to(dtype).float(), f"{what}, against float32", 3e-2)
        for name, now, want in zip(("mean", "var"), state, other, strict=True):
            what = f"my_batch_norm, {dtype}, float32 running_{name}, against x in float32"
            close(now, want, what, 1e-4)


def refused(my_batch_norm, group_norm):
    for shape in ((1, 3), (1, 3, 1, 1)):
        state = statistics(3)
        kept = [t.clone() for t in state]
        call = f"my_batch_norm, x {shape}, training,"
        given = torch.randn(shape), *weights(3), *state
        refuses(my_batch_norm, *given, errors=(ValueError,), call=call)
        for name, now, want in zip(("mean", "var"), state, kept, strict=True):
            same(now, want, f"{call} after the error: running_{name}")
    for shape, n in (((2, 3, 2, 2), 2), ((2, 4), 3), ((3, 6, 4, 1), 4), ((2, 2, 4, 4), 4)):
        call = f"group_norm, x {shape}, num_groups {n},"
        given = torch.randn(shape), n, *weights(shape[1])
        refuses(group_norm, *given, errors=(ValueError,), call=call)


def inputs(my_layer_norm, rms_norm, my_batch_norm, group_norm):
    state, momenta = statistics(4, torch.float64), {"momentum": 0.0}
    for name, call, library, shape, takes in (
        ("my_layer_norm", my_layer_norm, lambda x, g, b: F.layer_norm(x, (4,), g, b), (2, 3, 4), 2),
        ("rms_norm", rms_norm, lambda x, g: F.rms_norm(x, (4,), g, 1e-6), (2, 3, 4), 1),
        (
            "my_batch_norm, training",
            lambda x, g, b: my_batch_norm(x, g, b, *(t.clone() for t in state)),
            lambda x, g, b: F.batch_norm(x, None, None, g, b, True),
            (3, 4, 2, 5),
            2,
        ),
        (
            "my_batch_norm, training=False",
            lambda x, g, b: my_batch_norm(x, g, b, *state, training=False),
            lambda x, g, b: F.batch_norm(x, *state, g, b),
            (3, 4, 2, 5),
            2,
        ),
        (
            "group_norm",
            lambda x, g, b: group_norm(x, 2, g, b),
            lambda x, g, b: F.group_norm(x, 2, g, b),
            (3, 4, 2, 5),
            2,
        ),
    ):
        x = strided(*shape, dtype=torch.float64)
        given = dict(zip(("gamma", "beta"), weights(4, torch.float64)[:takes], strict=False))
        as_exact(f"{name}, float64, x {shape} not contiguous", call, library, {"x": x, **given})
    state = statistics(4)
    x = torch.randn(6, 4, requires_grad=True)
    attempt("my_batch_norm, x with gradients", my_batch_norm, x, *weights(4), *state, **momenta)
    for name, t in zip(("mean", "var"), state, strict=True):
        assert not t.requires_grad, f"my_batch_norm, x with gradients: running_{name} keeps a graph"
    with torch.no_grad():
        attempt("my_batch_norm under no_grad", my_batch_norm, x, *weights(4), *state)
        is_on = torch.is_grad_enabled()
    assert not is_on, "my_batch_norm under no_grad: gradients are switched on afterwards"


CORE = (by_hand, layer, rms, batch, running, groups)
EDGES = (precision, refused, inputs)


def rows(by=1.0):
    """Rows of means 2 and 7, of variances 1 and 4."""
    return torch.tensor([[1.0, 3.0], [5.0, 9.0]]) / by


def by_rows():
    """They, normalized row by row with eps 3."""
    return torch.tensor([[-0.5, 0.5], [-2 / 7**0.5, 2 / 7**0.5]])


def data(*shape):
    """Random numbers with another mean and size in each channel and each row."""
    x = torch.randn(shape)
    for axis, n in enumerate(shape):
        x = x + torch.arange(n).view([-1 if i == axis else 1 for i in range(len(shape))])
    return x


def weights(n, dtype=torch.float32):
    """gamma and beta, no two numbers alike."""
    return torch.linspace(0.5, 2, n, dtype=dtype), torch.linspace(-1, 2, n, dtype=dtype)


def statistics(n, dtype=torch.float32):
    """A running mean and variance."""
    return torch.linspace(-1, 1, n, dtype=dtype), torch.linspace(0.5, 3, n, dtype=dtype)
