"""What challenge_ddpm_step.py requires.

The factors are read where they stand alone: x0 so large that the noise does not show, x0 of zeros,
and a table of zeros, with which x_t is the noise itself.
"""

import torch
from torch import nn

from checks.tools import LikeCuda, close, equal, is_normal, numbers, refuses, result_of, same

# A table, and its roots: of alpha_bar, and of what is missing to 1.
EXACT = torch.tensor([0.9999, 0.9216, 0.64, 0.36, 0.0784], dtype=torch.float64)
TABLE, SIGNAL, NOISE = EXACT.float(), EXACT.sqrt(), (1 - EXACT).sqrt()


def table(get_alpha_bars):
    for args, want in (
        ((4, 0.1, 0.4), [0.9, 0.72, 0.504, 0.3024]),
        ((3, 0.5, 0.5), [0.5, 0.25, 0.125]),
        ((1, 0.2, 0.9), [0.8]),
    ):
        call = f"get_alpha_bars{args}"
        close(result_of(call, get_alpha_bars, *args), torch.tensor(want), call)
    for args, size, last in (((), 100, 0.363563), ((1000,), 1000, 4.0358e-05)):
        got, call = get_alpha_bars(*args), f"get_alpha_bars({', '.join(map(str, args))})"
        equal(f"{call}, entries:", len(got), size)
        ends = torch.tensor([0.9999, last])
        close(got[[0, -1]], ends, f"{call}: first and last entry", 1e-3 * last)


def x_t(ddpm_train_step):
    for n, w, more in ((5, 6, 0), (5, 5, 1495), (1, 1, 0)):
        t = (torch.arange(n) * 3 + 2) % 5 + more
        for value, factors, tol in ((1e6, SIGNAL, 1e-4), (0.0, NOISE, 0.35)):
            x0 = torch.full((n, 3, 40, w), value)
            call = f"x0 {tuple(x0.shape)} of {value:g}, t {t.tolist()}"
            got, steps = called_once(ddpm_train_step, x0, t, call)
            same(steps, t, f"{call}: the t that the model gets")
            equal(f"{call}: x_t has shape", tuple(got.shape), tuple(x0.shape))
            pixels, want = got.double().flatten(1), factors[t % 5]
            if value:
                what, sizes = "means of x_t / 1e6", pixels.mean(1) / 1e6
            else:
                what, sizes = "standard deviations of x_t", pixels.square().mean(1).sqrt()
            told = f"{what} {numbers(sizes)}, want about {numbers(want)}"
            right = ((sizes - want).abs() < tol * want).all()
            assert right, f"{call}, alpha_bar {numbers(TABLE[t % 5])}: {told}"


def noise(ddpm_train_step):
    zeros, t = torch.zeros(50, 3, 24, 24), torch.arange(50) % 5
    runs = []
    for seeded in (True, True, False):
        if seeded:
            torch.manual_seed(1)
        runs.append(called_once(ddpm_train_step, zeros.clone(), t, "x0 of zeros")[0])
    assert torch.equal(runs[0], runs[1]), "twice after torch.manual_seed(1): two different x_t"
    assert not torch.equal(runs[1], runs[2]), "two calls on the same x0 and t: the same x_t"
    # `x_t` minds how large they are
    draws = runs[0] / runs[0].flatten(1).std(dim=1)[:, None, None, None].clamp(min=1e-9)
    what = "x0 of zeros, x_t in units of its standard deviation"
    is_normal(draws, what)
    one = called_once(ddpm_train_step, torch.zeros(1, 1, 1, 1), t[4:5], "one pixel, 0")[0].item()
    assert abs(one) > 0, f"x0 of one pixel, 0, at alpha_bar 0.0784: x_t is {one}, want noise"
    x0 = torch.randn(50, 3, 24, 24)
    seen, _ = called_once(ddpm_train_step, x0, t * 0 + 4, "t 4 for all")
    pairs = torch.stack([(seen - SIGNAL[4] * x0).flatten(), x0.flatten()]).double()
    for name, got in (
        ("neighboring channels", (draws * draws.roll(1, 1)).mean()),
        ("neighboring rows", (draws * draws.roll(1, 2)).mean()),
        ("neighboring columns", (draws * draws.roll(1, 3)).mean()),
        ("two samples", draws.flatten(1).corrcoef().fill_diagonal_(0).abs().max() / 3),
        ("the noise and x0, t 4 for all", pairs.corrcoef()[0, 1]),
    ):
        assert abs(got) < 0.06, f"{what}: correlation of {name} {got:.3f}, want 0"


def loss(ddpm_train_step):
    for shape in ((5, 3, 4, 6), (1, 2, 3, 5)):
        x0, t, model = torch.randn(shape) + 1, torch.randint(0, 5, shape[:1]), Recorder(shape)
        got = result_of("ddpm_train_step", ddpm_train_step, model, x0, t, torch.zeros(5), "cpu")
        what = f"x0 {shape}, alpha_bar of zeros (x_t is the noise)"
        equal(f"{what}: the loss has shape", tuple(got.shape), ())
        error = model.answer.detach() - model.only_call(what)[0]
        close(got, error.square().mean(), f"{what}: the loss, mean of (guess - noise)^2", 1e-4)
        assert got.requires_grad, f"{what}: no gradient can flow back from the loss"
        assert model.learns, f"{what}: the model gets an inference tensor, no layer can learn on it"
        (grad,) = torch.autograd.grad(got, model.answer)
        close(grad, 2 * error / error.numel(), f"{what}: gradient with regard to the guess")
    model, zeros = Recorder((20, 3, 24, 24)), torch.zeros(20, 3, 24, 24)
    nn.init.zeros_(model.answer)
    got = ddpm_train_step(model, zeros, torch.full((20,), 2), TABLE.clone(), "cpu").item()
    what = f"x0 of zeros, alpha_bar 0.64, a model that guesses 0: the loss is {got:.3f}"
    assert abs(got - 1) < 0.15, f"{what}, want 1 ± 0.15, the noise's mean square"


def untouched(ddpm_train_step):
    for training in (True, False):
        model = Recorder((5, 3, 4, 6)).train(training)
        model.drop.train(not training)
        model.answer.grad = torch.ones_like(model.answer)

        given = torch.randn(5, 3, 4, 6), torch.arange(5), TABLE.clone()
        before = [t.clone() for t in (*given, model.answer.detach(), model.answer.grad)]
        ddpm_train_step(model, *given, "cpu")
        names = "x0", "t", "alpha_bar", "the model's weight", "the model's gradient"
        after = *given, model.answer, model.answer.grad
        for name, old, new in zip(names, before, after, strict=True):
            kept = new is not None and torch.equal(new, old)
            assert kept, f"model.training is {training}: {name} was changed"
        modes = {*model.modes, model.training, not model.drop.training}
        after = f"in the call {model.modes}, after it {model.training}, {model.drop.training}"
        what = f"training of the model and of its part, {training}, {not training} before: {after}"
        assert modes == {training}, f"{what}, want no change"


def devices(get_alpha_bars, ddpm_train_step):
    for device in ("meta", torch.device("meta")):
        got = str(get_alpha_bars(4, device=device).device)
        equal(f"get_alpha_bars(4, device={device!r}) is on", got, "meta")
    with torch.device("meta"):
        got = str(get_alpha_bars(4).device)
    equal("where the default device is meta, get_alpha_bars(4) is on", got, "meta")
    x0, t = torch.randn(5, 3, 4, 6), torch.tensor([0, 4, 1, 3, 2])
    for device, t_at in (("meta", "cpu"), (torch.device("meta"), "cpu"), ("meta", "meta")):
        call = f"x0 and alpha_bar on cpu, t on {t_at}, device {device!r}"
        model = Recorder(x0.shape).to("meta")
        with LikeCuda():
            got = result_of(call, ddpm_train_step, model, x0, t.to(t_at), TABLE.clone(), device)
        where = [str(a.device) for a in (*model.only_call(call), got)]
        equal(f"{call}: x_t, t and loss on", where, ["meta"] * 3)


def dtypes(ddpm_train_step):
    shape, t = (6, 3, 4, 6), torch.tensor([0, 1, 2, 3, 4, 0])
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for of_table in (torch.float32, torch.float64):
            call = f"x0 {dtype}, alpha_bar {of_table}"
            exact = dtype == of_table == torch.float64
            x0 = torch.randn(shape).to(dtype).mT.contiguous().mT
            if dtype == torch.bfloat16:
                x0[t < 2] = 0  # few bits: beside x0 the noise of early steps could not be read
            model, given = Recorder(shape, dtype), EXACT.clone().to(of_table)
            got = result_of(call, ddpm_train_step, model, x0, t, given, torch.device("cpu"))
            seen = model.only_call(call)[0]
            equal(f"{call}: the model got x_t", seen.dtype, dtype)
            size = seen[t == 0].sub(x0[t == 0]).abs().mean().item()
            what = f"{call}, alpha_bar 0.9999: x_t differs from x0 by {size:.3g} on average"
            assert 3e-3 < size < 2e-2, f"{what}, want about 0.008"
            signal, noise = (f[t].view(-1, 1, 1, 1) for f in (SIGNAL, NOISE))
            want = (model.answer - (seen - signal * x0) / noise).square().mean()
            tol = 3e-2 if dtype == torch.bfloat16 else 1e-6 if exact else 1e-3
            close(got.double(), want.detach(), f"{call}: the loss, by the noise in x_t", tol)


def shapes(ddpm_train_step):
    wrong = [(5, steps, (5, 3, 4, 6)) for steps in ((1,), (6,), (5, 1), (1, 5), ())]
    wrong += [(1, (), (1, 3, 4, 6)), (1, (5,), (5, 3, 4, 6)), (1, (1,), (3, 4, 6))]
    wrong += [(5, (5,), a) for a in ((5, 1, 4, 6), (1, 3, 4, 6), (5, 3, 6, 4), (4, 6))]
    for n, steps, answer in wrong:
        call = f"x0 {(n, 3, 4, 6)}, t {steps}, a model that guesses {answer}"
        given = torch.randn(n, 3, 4, 6), torch.ones(steps, dtype=torch.int64), TABLE.clone(), "cpu"
        refuses(ddpm_train_step, Recorder(answer), *given, call=call)


CORE = (table, x_t, noise, loss, untouched)
EDGES = (devices, dtypes, shapes)


def called_once(ddpm_train_step, x0, t, what):
    """The x_t and t that the model gets. The table is repeated up to 1500 entries."""
    model, given = Recorder(x0.shape), (x0, t, TABLE.repeat(300), "cpu")
    result_of(f"ddpm_train_step, {what}", ddpm_train_step, model, *given)
    return model.only_call(what)


class Recorder(nn.Module):
    """Keeps what it is called with; its answer is a parameter."""

    def __init__(self, shape, dtype=torch.float32):
        super().__init__()
        self.answer = nn.Parameter(torch.randn(shape).to(dtype))
        self.drop = nn.Dropout()
        self.calls, self.modes, self.learns = [], [], True
        self.register_forward_pre_hook(self.record)

    def record(self, _, args):
        self.calls.append([a.detach().clone() for a in args])
        self.modes.append(self.training)
        self.learns &= not args[0].is_inference()

    def forward(self, x_t, t):
        return self.answer * 1

    def only_call(self, what):
        counts = [len(args) for args in self.calls]
        equal(f"{what}: calls of the model, by their numbers of arguments:", counts, [2])
        return self.calls[0]
