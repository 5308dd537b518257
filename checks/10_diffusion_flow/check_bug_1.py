"""What 10_diffusion_flow/buggy_code_1.py requires.

mix alone has batches; N == W is the first of them. kept, precision and device take one picture at a
time, where no factor can meet another picture.
"""

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from checks.hunts import READS_A_VALUE, attempt, true_gradients
from checks.tools import close, numbers, refuses, result_of, same, strided

# A table, and its roots: of alpha_bar, and of what is missing to 1.
ALPHA_BAR = [0.9999, 0.9216, 0.64, 0.36, 0.0784]
SIGNAL = [0.99994999875, 0.96, 0.8, 0.6, 0.28]
NOISE = [0.01, 0.28, 0.6, 0.8, 0.96]
N_IS_W, N_IS_T, N_IS_H, N_IS_C = (8, 3, 8, 8), (5, 3, 4, 6), (4, 3, 4, 6), (3, 3, 4, 6)
SIZES = (N_IS_W, (6, 3, 4, 6), N_IS_T, N_IS_H, N_IS_C, (4, 4, 4, 4), (7, 1, 5, 1), (3, 2, 1, 1))


def mix(make_x_t):
    table = torch.tensor(ALPHA_BAR)
    for shape in SIZES:
        t = torch.randint(0, 5, shape[:1])
        t[-1], t[0] = 4, 0
        steps, size = t.tolist(), f"{shape[0]} pictures of {' x '.join(map(str, shape[1:]))}"
        ones, zeros = torch.ones(shape), torch.zeros(shape)
        for said, x0, epsilon, roots in (
            ("x0 all 1, noise all 0", ones, zeros, SIGNAL),
            ("x0 all 0, noise all 1", zeros, ones, NOISE),
        ):
            what = f"{size}, t {steps}, {said}"
            x_t = result_of(what, make_x_t, x0, t, table, epsilon, "cpu")
            assert x_t.shape == shape, f"{what}: x_t has shape {tuple(x_t.shape)}, want {shape}"
            for i, step in enumerate(steps):
                low, high = x_t[i].min().item(), x_t[i].max().item()
                assert max(abs(low - roots[step]), abs(high - roots[step])) < 2e-5, (
                    f"{what}: picture {i} has numbers from {low:.5f} to {high:.5f}, "
                    f"want {roots[step]:.5f} everywhere"
                )
        x0, epsilon = strided(*shape), strided(*shape)
        want = [SIGNAL[s] * x + NOISE[s] * e for s, x, e in zip(steps, x0, epsilon, strict=True)]
        x_t = make_x_t(x0, t, table, epsilon, "cpu")
        close(x_t, torch.stack(want), f"{size}, t {steps}, random x0 and noise: x_t")


def kept(make_x_t):
    for step in range(5):
        x0, epsilon = (strided(1, 3, 4, 6, dtype=torch.float64) for _ in range(2))
        given = [x0, torch.tensor([step]), torch.tensor(ALPHA_BAR).double(), epsilon]
        before = [g.clone() for g in given]
        what, state = f"one picture at step {step}", torch.get_rng_state()
        attempt(what, make_x_t, *given, "cpu")
        drawn = not torch.equal(state, torch.get_rng_state())
        assert not drawn, f"{what}: random numbers were drawn, want none"
        for name, now, old in zip(("x0", "t", "alpha_bar", "epsilon"), given, before, strict=True):
            same(now, old, f"{what}: {name} was changed")
        for leaf in (x0, epsilon):
            leaf.requires_grad_()
        true_gradients(
            what, lambda given=given: make_x_t(*given, "cpu"), {"x0": x0, "epsilon": epsilon}
        )


def precision(make_x_t):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for table in (torch.tensor(ALPHA_BAR), torch.tensor(ALPHA_BAR, dtype=torch.float64)):
            tol = 1e-9 if dtype == table.dtype == torch.float64 else 1e-5
            tol = 3e-2 if dtype == torch.bfloat16 else tol
            for step, share in enumerate(table.double()):
                x0, epsilon = (strided(1, 3, 4, 6).to(dtype) for _ in range(2))
                for said, x in (("x0 random", x0), ("x0 all 0", 0 * x0)):
                    what = f"x0 {dtype}, alpha_bar {table.dtype}, step {step}, {said}: x_t"
                    x_t = result_of(what, make_x_t, x, torch.tensor([step]), table, epsilon, "cpu")
                    assert x_t.dtype == dtype, f"{what} is {x_t.dtype}, want {dtype}"
                    want = share.sqrt() * x.double() + (1 - share).sqrt() * epsilon.double()
                    few_bits = dtype == torch.bfloat16  # there the error is a share of x_t
                    slack = tol * want.abs().max() if few_bits else tol
                    assert (x_t.double() - want).abs().max() < slack, (
                        f"{what} starts {numbers(x_t.flatten()[:3])}, want "
                        f"{numbers(want.flatten()[:3])} up to {slack:.1g}"
                    )


def device(make_x_t):
    x0, epsilon = torch.randn(2, 1, 3, 4, 6)
    t, table = torch.tensor([3]), torch.tensor(ALPHA_BAR)
    for place, t_at in (("meta", "cpu"), (torch.device("meta"), "cpu"), ("meta", "meta")):
        what = f"t on {t_at}, other inputs on cpu, device {place!r}"
        try:
            with LikeCuda():
                x_t = attempt(what, make_x_t, x0, t.to(t_at), table, epsilon, place)
        except AssertionError as error:
            if READS_A_VALUE.search(str(error)):
                continue  # on a real device there is one
            raise
        assert getattr(x_t, "is_meta", False), f"{what}: x_t on {x_t.device}, want it on meta"


def sizes(make_x_t):
    table, x0 = torch.tensor(ALPHA_BAR), torch.randn(N_IS_T)
    wrong = [(5, steps, x0.shape) for steps in ((1,), (6,), (4,), (5, 1), (1, 5), ())]
    wrong += [(5, (5,), shape) for shape in ((1, 3, 4, 6), (5, 1, 4, 6), (5, 3, 6, 4), (4, 6))]
    wrong += [(1, (5,), (1, 3, 4, 6)), (1, (), (1, 3, 4, 6)), (1, (1,), x0.shape)]
    for n, steps, noised in wrong:
        given = x0[:n], torch.ones(steps).long(), table, torch.randn(noised), "cpu"
        refuses(make_x_t, *given, errors=(ValueError,))


CORE = (mix, kept)
EDGES = (precision, device, sizes)


class LikeCuda(TorchDispatchMode):
    """The meta device, but a copy to the CPU gives zeros, and no index there meets a CPU table."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        places = [str(a.device) for a in tree_leaves(args) if isinstance(a, Tensor)]
        if places[:1] == ["cpu"] and "meta" in places:
            raise RuntimeError(f"{func} got tensors on {places}, want them on one device")
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and str(kwargs.get("device")) == "cpu":
            args = (torch.zeros_like(args[0], device="cpu"),)
        return func(*args, **kwargs)
