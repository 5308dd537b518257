"""What 10_diffusion_flow/buggy_code_1.py requires.

mix alone has batches, N == H == W first; elsewhere no factor can meet another picture.
"""

import torch

from checks.hunts import true_gradients, values_may_be_read
from checks.tools import (
    LikeCuda,
    attempt,
    close,
    equal,
    numbers,
    refuses,
    result_of,
    strided,
    unchanged,
)

# A table, and its roots: of alpha_bar, and of what is missing to 1.
ALPHA_BAR = torch.tensor([0.9999, 0.9216, 0.64, 0.36, 0.0784], dtype=torch.float64)
SIGNAL, NOISE = [0.99994999875, 0.96, 0.8, 0.6, 0.28], [0.01, 0.28, 0.6, 0.8, 0.96]
SIZES = ((8, 3, 8, 8), (5, 3, 4, 6), (3, 3, 4, 6), (7, 1, 5, 1))  # N is H and W, T, C, none


def mix(make_x_t):
    for shape in SIZES:
        t = torch.randint(0, 5, shape[:1])
        t[-1], t[0] = 4, 0
        what = f"{shape[0]} pictures of {' x '.join(map(str, shape[1:]))}, t {t.tolist()}"
        ones, zeros, random = torch.ones(shape), torch.zeros(shape), strided(*shape)
        for said, x0, epsilon, roots in (
            ("x0 all 1, noise all 0", ones, zeros, SIGNAL),
            ("x0 all 0, noise all 1", zeros, ones, NOISE),
            ("random x0 and noise", random, strided(*shape), None),
        ):
            said = f"{what}, {said}"
            x_t = result_of(said, make_x_t, x0, t, ALPHA_BAR.float(), epsilon, "cpu")
            equal(f"{said}: x_t has shape", tuple(x_t.shape), shape)
            for i, step in enumerate(t.tolist()):
                if roots:
                    low, high, root = x_t[i].min().item(), x_t[i].max().item(), roots[step]
                    told = f"{said}: picture {i} has numbers from {low:.5f} to {high:.5f}"
                    right = max(high - root, root - low) < 2e-5
                    assert right, f"{told}, want {root:.5f} everywhere"
                want = SIGNAL[step] * x0[i] + NOISE[step] * epsilon[i]
                close(x_t[i], want, f"{said}: picture {i} of x_t")


def kept(make_x_t):
    for step in range(5):
        x0, epsilon = (strided(1, 3, 4, 6, dtype=torch.float64) for _ in range(2))
        given = [x0, torch.tensor([step]), ALPHA_BAR, epsilon]
        what, state = f"one picture at step {step}", torch.get_rng_state()
        with unchanged(what, *given):
            attempt(what, make_x_t, *given, "cpu")
        assert state.equal(torch.get_rng_state()), f"{what}: random numbers were drawn, want none"
        leaves = {"x0": x0.requires_grad_(), "epsilon": epsilon.requires_grad_()}
        true_gradients(what, lambda given=given: make_x_t(*given, "cpu"), leaves)


def precision(make_x_t):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for table in (ALPHA_BAR.float(), ALPHA_BAR):
            exact = dtype == table.dtype == torch.float64
            tol = 3e-2 if dtype == torch.bfloat16 else 1e-9 if exact else 1e-5
            for step, share in enumerate(table.double()):
                x0, epsilon = (strided(1, 3, 4, 6).to(dtype) for _ in range(2))
                for said, x in (("x0 random", x0), ("x0 all 0", 0 * x0)):
                    what = f"x0 {dtype}, alpha_bar {table.dtype}, step {step}, {said}: x_t"
                    x_t = result_of(what, make_x_t, x, torch.tensor([step]), table, epsilon, "cpu")
                    equal(f"{what} is", x_t.dtype, dtype)
                    want = share.sqrt() * x.double() + (1 - share).sqrt() * epsilon.double()
                    few_bits = dtype == torch.bfloat16  # there the error is a share of x_t
                    slack = tol * want.abs().max() if few_bits else tol
                    starts = [numbers(each.flatten()[:3]) for each in (x_t, want)]
                    told = "{} starts {}, want {} up to {:.1g}".format(what, *starts, slack)
                    assert (x_t.double() - want).abs().max() < slack, told


def device(make_x_t):
    x0, epsilon = torch.randn(2, 1, 3, 4, 6)
    t, table = torch.tensor([3]), ALPHA_BAR.float()
    for place, t_at in (("meta", "cpu"), (torch.device("meta"), "cpu"), ("meta", "meta")):
        what = f"t on {t_at}, other inputs on cpu, device {place!r}"
        with values_may_be_read():
            with LikeCuda():
                x_t = attempt(what, make_x_t, x0, t.to(t_at), table, epsilon, place)
            assert getattr(x_t, "is_meta", False), f"{what}: x_t on {x_t.device}, want it on meta"


def sizes(make_x_t):
    x0 = torch.randn(5, 3, 4, 6)
    wrong = [(5, steps, x0.shape) for steps in ((1,), (6,), (4,), (5, 1), (1, 5), ())]
    wrong += [(5, (5,), shape) for shape in ((1, 3, 4, 6), (5, 1, 4, 6), (5, 3, 6, 4), (4, 6))]
    wrong += [(1, (5,), (1, 3, 4, 6)), (1, (), (1, 3, 4, 6)), (1, (1,), x0.shape)]
    for n, steps, noised in wrong:
        given = x0[:n], torch.ones(steps).long(), ALPHA_BAR.float(), torch.randn(noised), "cpu"
        refuses(make_x_t, *given, errors=(ValueError,))


CORE = (mix, kept)
EDGES = (precision, device, sizes)
