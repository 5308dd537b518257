"""One DDPM training step: noise a batch, ask the model for the noise, measure its error.

A diffusion process adds noise in T small steps. Training needs no walk: one draw takes x0 to any
step t at once, and the loss compares the drawn noise with the model's guess.

    get_alpha_bars   T, beta_start, beta_end, device  -> (T,) float32 on that device; None means
                                                         torch's default device
    ddpm_train_step  model, x0, t, alpha_bar, device  -> loss, a scalar tensor on that device

The variances beta of the steps 0 to T - 1 rise evenly from beta_start to beta_end, both included
(T = 1: beta_start alone). alpha_bar[t] is the share of x0's variance left after the steps 0 to t.

    x0         (N, C, H, W)  float32, float64 or bfloat16        t  (N,)  int64, 0 to T - 1
    alpha_bar  (T,)          float32 or float64: any such table, not only that of get_alpha_bars

The model is on `device`; x0, t and alpha_bar may each be elsewhere. x_t, in x0's dtype, has sample
i at step t[i], as equations 2 and 4 of the paper say; unit variance stays unit variance. Noise:
torch's global generator, standard normal, all numbers independent, new in each call. The model is
called once, as model(x_t, t), in the mode it is in. The loss is the mean over all numbers of the
squared error of its prediction of that noise, ready for the caller's backward: the step itself
writes and clears no gradients, changes no weights and no inputs. Lose no digits: take roots before
any cast of alpha_bar to a shorter dtype. RuntimeError or ValueError where t is not (N,) or the
prediction not (N, C, H, W), also where it would broadcast or could be reshaped.
Paper: DDPM, https://arxiv.org/abs/2006.11239. Ask yourself: which dims does each factor have?
"""

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def get_alpha_bars(
    T: int = 100,
    beta_start: float = 1e-4,
    beta_end: float = 0.02,
    device: torch.device | str | None = None,
) -> Tensor:
    raise NotImplementedError("get_alpha_bars")


def ddpm_train_step(
    model: nn.Module, x0: Tensor, t: Tensor, alpha_bar: Tensor, device: torch.device | str
) -> Tensor:
    raise NotImplementedError("ddpm_train_step")


# A table, and its roots: of alpha_bar, and of what is missing to 1.
ALPHA_BAR = [0.9999, 0.9216, 0.64, 0.36, 0.0784]
SIGNAL = [0.99994999875, 0.96, 0.8, 0.6, 0.28]
NOISE = [0.01, 0.28, 0.6, 0.8, 0.96]


def check(get_alpha_bars, ddpm_train_step):
    torch.manual_seed(0)
    check_table(get_alpha_bars)
    check_noise(ddpm_train_step)
    shapes = ((5, 3, 4, 6), (6, 3, 4, 6), (4, 4, 4, 4), (1, 2, 3, 5), (7, 1, 5, 1), (3, 2, 1, 1))
    for shape in shapes:
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            check_step(ddpm_train_step, shape, dtype, torch.float32, training=True)
            check_step(ddpm_train_step, shape, dtype, torch.float64, training=False)

    x0, t, table = torch.randn(5, 3, 4, 6), torch.tensor([0, 4, 1, 3, 2]), torch.tensor(ALPHA_BAR)
    for device, t_at in (("meta", "cpu"), (torch.device("meta"), "cpu"), ("meta", "meta")):
        call = f"x0 and alpha_bar on cpu, t on {t_at}, device {device!r}"
        model = Recorder(x0.shape).to("meta")
        try:
            with LikeCuda():
                loss = ddpm_train_step(model, x0, t.to(t_at), table, device)
        except RuntimeError as error:
            raise AssertionError(f"{call}: {error}") from error
        places = [str(a.device) for a in (*only_call(model, call), loss)]
        assert places == ["meta"] * 3, f"{call}: x_t, t and loss on {places}, want all on meta"

    wrong = [(5, steps, (5, 3, 4, 6)) for steps in ((1,), (6,), (5, 1), (1, 5), ())]
    wrong += [(1, (), (1, 3, 4, 6)), (1, (5,), (5, 3, 4, 6))]
    wrong += [(5, (5,), a) for a in ((5, 1, 4, 6), (1, 3, 4, 6), (5, 3, 6, 4), (4, 6))]
    for n, steps, answer in wrong:
        call = f"x0 {(n, 3, 4, 6)}, t {steps}, a model that returns {answer}"
        try:
            step = torch.ones(steps, dtype=torch.int64)
            loss = ddpm_train_step(Recorder(answer), x0[:n], step, table, "cpu")
        except (RuntimeError, ValueError):
            continue
        except Exception as error:
            raise AssertionError(f"{call}: {error!r}, want RuntimeError or ValueError") from error
        raise AssertionError(f"{call}: loss {loss}, want RuntimeError or ValueError")


def check_table(get_alpha_bars):
    for args, want in (
        ((4, 0.1, 0.4), [0.9, 0.72, 0.504, 0.3024]),
        ((3, 0.5, 0.5), [0.5, 0.25, 0.125]),
        ((2, 0.0625, 0.25), [0.9375, 0.703125]),
        ((1, 0.2, 0.9), [0.8]),
    ):
        got, call = get_alpha_bars(*args), f"get_alpha_bars{args}"
        assert got.shape == (len(want),), f"{call}: {tuple(got.shape)}, want {(len(want),)}"
        assert got.dtype == torch.float32, f"{call}: {got.dtype}, want torch.float32"
        same(got, torch.tensor(want), 1e-5, f"{call}: {got.tolist()}, want {want}")
    for args, first, last in (((), 0.9999, 0.363563), ((1000,), 0.9999, 4.0358e-05)):
        got, call = get_alpha_bars(*args), f"get_alpha_bars{args}"
        assert (got[1:] < got[:-1]).all(), f"{call} does not fall at each step"
        ends = got[[0, -1]]
        same(ends, torch.tensor([first, last]), 1e-3 * last, f"{call}: first and last number")
    for device in ("meta", torch.device("meta")):
        got = get_alpha_bars(4, device=device).device
        assert got.type == "meta", f"get_alpha_bars(4, device={device!r}) is on {got}"
    with torch.device("meta"):
        got = get_alpha_bars(4).device
    assert got.type == "meta", f"get_alpha_bars(4) is on {got} where the default device is meta"


def check_noise(ddpm_train_step):
    """x_t minus the signal is standard normal noise at each step, in units of NOISE[t]."""
    x0, t = torch.randn(50, 3, 24, 24) + 2, torch.arange(50) % 5
    table = torch.tensor(ALPHA_BAR)
    runs = []
    for seed in (1, 1, None):
        if seed:
            torch.manual_seed(seed)
        model = Recorder(x0.shape)
        ddpm_train_step(model, x0.clone(), t.clone(), table.clone(), "cpu")
        got, _ = only_call(model, f"x0 {tuple(x0.shape)}")
        assert got.shape == x0.shape, f"x_t is {tuple(got.shape)} for x0 {tuple(x0.shape)}"
        runs.append(got)

    noise = noise_in(runs[0], x0, t)
    for step in range(5):
        e, x = noise[t == step], x0[t == step] - 2
        for what, got, want in (
            ("a mean of", e.mean(), 0),
            ("a variance of", e.var(), 1),
            ("a correlation with x0 of", (e * x).mean(), 0),
            ("a share within 1 of 0 of", ((e.abs() < 1) * 1.0).mean(), 0.6827),
        ):
            assert abs(got - want) < 0.06, (
                f"alpha_bar[{step}] = {ALPHA_BAR[step]}: x_t without x0's part, divided by the "
                f"noise's factor, has {what} {got:.3f}, want {want}"
            )
    for dim, name in enumerate(("channels", "rows", "columns"), start=1):
        got = (noise * noise.roll(1, dim)).mean()
        assert abs(got) < 0.06, f"noise of neighboring {name}: correlation {got:.3f}, want 0"
    got = noise.flatten(1).corrcoef().fill_diagonal_(0).abs().max()
    assert got < 0.2, f"noise of two samples: correlation up to {got:.3f} in size, want 0"
    largest = noise.abs().max()
    assert largest > 3.5, f"among {noise.numel()} numbers of noise none is beyond {largest:.3f}"
    assert torch.equal(runs[0], runs[1]), "twice after torch.manual_seed(1): two different x_t"
    assert not torch.equal(runs[1], runs[2]), "two calls on the same x0 and t: the same x_t"


def check_step(ddpm_train_step, shape, dtype, table_dtype, training):
    call = f"x0 {shape}, {dtype}, alpha_bar {table_dtype}, training={training}"
    exact = dtype == table_dtype == torch.float64
    tol = 3e-2 if dtype == torch.bfloat16 else 1e-6 if exact else 1e-3
    t = torch.randint(0, 5, shape[:1])
    t[-1], t[0] = 4, 0
    x0 = torch.randn(shape).to(dtype).mT.contiguous().mT
    if dtype == torch.bfloat16:
        x0[t < 2] = 0  # few bits: beside x0 the noise of early steps could not be read
    table = torch.tensor(ALPHA_BAR, dtype=table_dtype)
    given, model = [x0.clone(), t.clone(), table.clone()], Recorder(shape, dtype).train(training)
    answer, ones = model.answer.detach().clone(), torch.ones_like(model.answer)
    model.answer.grad = ones.clone()
    loss = ddpm_train_step(model, *given, torch.device("cpu"))
    got = loss.shape if isinstance(loss, Tensor) else type(loss)
    assert got == (), f"{call}: the loss is {got}, want a scalar tensor"
    x_t, steps = only_call(model, call)
    modes = [*model.modes, model.training]
    assert modes == [training] * 2, f"{call}: training mode in the call and after it: {modes}"
    for name, mine, like in (("x_t", x_t, x0), ("t", steps, t)):
        got, want = ((tuple(a.shape), a.dtype) for a in (mine, like))
        assert got == want, f"{call}: the model got {name} {got}, want {want}"
    assert torch.equal(steps, t), f"{call}: the model got t {steps}, want {t}"
    names = ("x0", "t", "alpha_bar", "the model's weight", "the model's gradient (all ones)")
    after = (*given, model.answer, model.answer.grad)
    for name, mine, old in zip(names, after, (x0, t, table, answer, ones), strict=True):
        assert mine is not None and torch.equal(mine, old), f"{call}: the step changed {name}"

    error = answer.double() - noise_in(x_t, x0, t)
    want = sum(e * e for e in error.flatten().tolist()) / error.numel()
    what = f"{call}: loss for a model that answers {shape} random numbers, by the noise in its x_t"
    same(loss.double(), torch.tensor(want, dtype=torch.float64), tol, what)
    assert loss.requires_grad, f"{call}: no gradient can flow back from the loss"
    (grad,) = torch.autograd.grad(loss, model.answer)
    what = f"{call}: gradient with respect to the prediction, times the number of its elements"
    same(grad.double() * error.numel(), 2 * error, 4 * tol, what)


def noise_in(x_t, x0, t):
    """What was added to x0's part, sample by sample."""
    parts = zip(x_t.detach().double(), x0.double(), t.tolist(), strict=True)
    return torch.stack([(mixed - SIGNAL[s] * clean) / NOISE[s] for mixed, clean, s in parts])


class Recorder(nn.Module):
    """Keeps what it is called with; its answer is a parameter."""

    def __init__(self, shape, dtype=torch.float32):
        super().__init__()
        self.answer = nn.Parameter(torch.randn(shape).to(dtype))
        self.calls, self.modes = [], []
        self.register_forward_pre_hook(self.record)

    def record(self, _, args):
        self.calls.append([a.detach().clone() for a in args])
        self.modes.append(self.training)

    def forward(self, x_t, t):
        return self.answer * 1


def only_call(model, what):
    counts = [len(args) for args in model.calls]
    assert counts == [2], (
        f"{what}: model(...) was called with {counts} positional arguments, want one call with 2"
    )
    return model.calls[0]


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


def same(got, want, tol, what):
    torch.testing.assert_close(got, want, atol=tol, rtol=tol, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(get_alpha_bars, ddpm_train_step)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_ddpm_step.py")
