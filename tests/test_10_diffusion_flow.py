"""What the solutions of level 10 keep beyond their checks."""

import math

import numpy
import pytest
import torch
from sources import run_as_script
from torch import nn

from checks.samplers import TWO, near
from practice.exercises import ROOT, load

LEVEL = ROOT / "10_diffusion_flow"


@pytest.fixture(scope="module")
def net():
    return load(LEVEL / "solution_noise_prediction.py")["NoisePredictionNet"]


@pytest.fixture(scope="module")
def ddpm():
    return load(LEVEL / "solution_ddpm_step.py")


@pytest.fixture(scope="module")
def make_x_t():
    return load(LEVEL / "solution_bug_1.py")["make_x_t"]


class Sees(nn.Module):
    """A model that keeps its input and answers by a function of it."""

    def __init__(self, answer=lambda x, t: 0 * x):
        super().__init__()
        self.answer = answer

    def forward(self, x_t, t):
        self.x_t = x_t
        return self.answer(x_t, t)


def by_hand(T, beta_start, beta_end):
    """alpha_bar by a loop over Python floats."""
    kept, table = 1.0, []
    for s in range(T):
        kept *= 1.0 - (beta_start + (beta_end - beta_start) * (s / (T - 1) if T > 1 else 0.0))
        table.append(kept)
    return table


# challenge_noise_prediction


@pytest.mark.parametrize("N", [0, 1, 5])
@pytest.mark.parametrize("sizes", [(1, 4, 8), (3, 32, 64), (4, 10, 12)])
@pytest.mark.parametrize(("H", "W"), [(1, 1), (7, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_predictions_and_gradients_are_finite(net, device, N, sizes, H, W, dtype):
    model = net(*sizes).to(device, dtype)
    x = torch.randn(N, sizes[0], H, W, device=device, dtype=dtype)
    out = model(x, torch.arange(N, device=device) * 249)
    assert (out.shape, out.dtype, out.device) == (x.shape, dtype, x.device)
    out.square().sum().backward()
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert N == 0 or all(p.grad.any() for p in model.parameters())


def test_net_under_autocast(net, device):
    model = net(3, hidden=16).to(device)
    x, t = torch.randn(5, 3, 6, 4, device=device), torch.arange(995, 1000, device=device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = model(x, t)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), model(x, t), rtol=5e-2, atol=5e-2)


def test_bfloat16_sees_the_same_step_as_float32(net):
    """A cast of t or of its angles would be off by whole radians at late steps."""
    model = net(2, hidden=16)
    nn.init.normal_(model.embed.weight)
    low = net(2, hidden=16)
    low.load_state_dict(model.state_dict())
    x, t = torch.randn(16, 2, 5, 4), torch.arange(984, 1000)
    got, want = low.bfloat16()(x.bfloat16(), t).float(), model(x, t)
    assert (got - want).norm() < 0.03 * want.norm()


def test_net_s_state_goes_round(net):
    model, fresh = net(3, 8, 16), net(3, 8, 16)
    fresh.load_state_dict(model.state_dict(), strict=True)
    x, t = torch.randn(4, 3, 5, 6), torch.tensor([0, 3, 50, 999])
    assert torch.equal(fresh(x, t), model(x, t))


def test_net_equals_layers_called_one_by_one(net):
    """Against a loop over the samples with Python's own sines."""
    model = net(2, 6, 16).double()
    x, t = torch.randn(3, 2, 4, 5, dtype=torch.float64), [0, 17, 999]
    rows = []
    for image, step in zip(x, t, strict=True):
        angles = [step / 10 ** (4 * i / 2) for i in range(3)]
        waves = torch.tensor([f(a) for f in (math.sin, math.cos) for a in angles]).double()
        shift = model.embed.weight @ waves + model.embed.bias
        h = model.first(image)
        h = torch.stack([plane + s for plane, s in zip(h, shift, strict=True)])
        h = model.middle(h * h.sigmoid())
        rows.append(model.last(h * h.sigmoid()))
    torch.testing.assert_close(model(x, torch.tensor(t)), torch.stack(rows), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("t_dim", [4, 6, 32])
def test_a_change_of_any_step_is_seen(net, t_dim):
    """At torch's own initial weights too, in double precision."""
    model = net(1, t_dim, 16).double()
    image = torch.randn(1, 1, 3, 4, dtype=torch.float64)
    out = model(image.expand(1000, -1, -1, -1), torch.arange(1000)).detach().flatten(1)
    assert torch.pdist(out).min() > 1e-5 * out.std()


@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 4, 5, 4)])
def test_net_refuses_single_images_and_other_channels(net, shape):
    with pytest.raises((RuntimeError, ValueError)):
        net(3, 8, 16)(torch.randn(shape), torch.zeros(shape[0], dtype=torch.int64))


# challenge_ddpm_step


@pytest.mark.parametrize("T", [1, 2, 50, 1000])
@pytest.mark.parametrize(("beta_start", "beta_end"), [(1e-4, 0.02), (1e-5, 1e-5), (0.01, 0.05)])
def test_table_equals_a_python_loop(ddpm, device, T, beta_start, beta_end):
    got = ddpm["get_alpha_bars"](T, beta_start, beta_end, device)
    want = torch.tensor(by_hand(T, beta_start, beta_end), device=device)
    torch.testing.assert_close(got, want, rtol=2e-4, atol=0)
    assert (got > 0).all() and (got < 1).all() and (got.diff() < 0).all()


def test_equal_betas_give_a_power(ddpm):
    got = ddpm["get_alpha_bars"](20, 0.1, 0.1)
    torch.testing.assert_close(got, 0.9 ** torch.arange(1.0, 21))


@pytest.mark.parametrize("N", [1, 2, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_loss_with_a_real_model(net, ddpm, device, N, dtype):
    model = net(3, 8, 16).to(device, dtype)
    x0, t = torch.randn(N, 3, 5, 6, dtype=dtype), torch.arange(N, device=device)
    table = ddpm["get_alpha_bars"](device="cpu")  # left there, as x0 is: the step moves them
    loss = ddpm["ddpm_train_step"](model, x0, t, table, device)
    assert loss.shape == () and loss.device.type == device.type
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in model.parameters())


def test_step_under_autocast(net, ddpm, device):
    model, table = net(3, 8, 16).to(device), ddpm["get_alpha_bars"](device=device)
    x0, t = torch.randn(4, 3, 5, 6), torch.tensor([0, 99, 3, 50])
    losses = []
    for enabled in (True, False):
        torch.manual_seed(1)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled):
            losses.append(ddpm["ddpm_train_step"](model, x0, t, table, device))
    torch.testing.assert_close(losses[0].float(), losses[1], rtol=3e-2, atol=0)
    losses[0].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("t", [0, 20, 60, 99])
def test_unit_variance_stays_unit_variance(ddpm, t):
    model, x0 = Sees(), torch.randn(32, 3, 16, 16)  # N is 2 W
    steps, table = torch.full((32,), t), ddpm["get_alpha_bars"](100, 1e-3, 0.1)
    ddpm["ddpm_train_step"](model, x0, steps, table, "cpu")
    assert abs(model.x_t.var().item() - 1) < 0.05
    share = torch.stack([model.x_t.flatten(), x0.flatten()]).corrcoef()[0, 1].square().item()
    assert abs(share - by_hand(100, 1e-3, 0.1)[t]) < 0.05


def test_both_ends_are_nearly_clean_and_nearly_noise(ddpm):
    model, x0 = Sees(), torch.randn(2, 1, 64, 64)
    table = ddpm["get_alpha_bars"](T=1000)
    ddpm["ddpm_train_step"](model, x0, torch.tensor([0, 999]), table, "cpu")
    assert (model.x_t[0] - x0[0]).std() == pytest.approx(0.01, rel=0.1)
    assert torch.stack([model.x_t[1].flatten(), x0[1].flatten()]).corrcoef()[0, 1].abs() < 0.08


@pytest.mark.parametrize("t", [0, 40, 99])
def test_losses_with_a_closed_form(ddpm, t):
    """On N(0, 1) data, 0 scores 1, the best guess alpha_bar, x_t itself 2 - 2b."""
    kept = by_hand(100, 1e-3, 0.1)[t]
    b = math.sqrt(1 - kept)
    x0, steps = torch.randn(64, 3, 16, 16), torch.full((64,), t)
    table = ddpm["get_alpha_bars"](100, 1e-3, 0.1)
    for answer, want in (
        (lambda x, t: 0 * x, 1.0),
        (lambda x, t: b * x, kept),
        (lambda x, t: x, 2 - 2 * b),
    ):
        got = ddpm["ddpm_train_step"](Sees(answer), x0, steps, table, "cpu").item()
        assert got == pytest.approx(want, rel=0.05)


@pytest.mark.parametrize("N", [8, 5])
def test_a_sample_in_a_batch_as_wide_as_the_image_keeps_its_own_step(ddpm, N):
    """x0 is 0, so what is seen is noise, of the size that t says."""
    model, t, table = Sees(), torch.arange(N), torch.linspace(0.99, 0.01, 8)
    ddpm["ddpm_train_step"](model, torch.zeros(N, 64, 8, 8), t, table, "cpu")
    got = model.x_t.flatten(1).var(dim=1)
    torch.testing.assert_close(got, 1 - table[:N], rtol=0.15, atol=0)


def test_training_beats_the_trivial_predictor(net, ddpm, device):
    """Two images, a pattern and its negative: their noise can be told, predicting 0 scores 1."""
    torch.manual_seed(0)
    model = net(1, 16, 16).to(device)
    table = ddpm["get_alpha_bars"](100, 1e-3, 0.1, device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    pattern, losses = torch.randn(1, 1, 4, 4).sign(), []
    for _ in range(100):
        x0 = pattern * torch.randn(32, 1, 1, 1).sign()
        loss = ddpm["ddpm_train_step"](model, x0, torch.randint(0, 100, (32,)), table, device)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.8
    assert sum(losses[-20:]) / 20 < 0.5


# solution_bug_1


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (4, 3, 2, 4), (4, 4, 4, 4), (6, 3, 5, 7), (0, 1, 2, 2)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_x_t_equals_a_python_loop(make_x_t, device, shape, dtype):
    table = [0.97, 0.5, 0.31, 0.02]
    x0, epsilon = torch.randn(2, *shape, dtype=dtype)
    t = torch.arange(shape[0]) % 4
    got = make_x_t(x0, t.to(device), torch.tensor(table, dtype=dtype), epsilon, device)
    assert (got.shape, got.dtype, got.device.type) == (shape, dtype, device.type)
    for i, s in enumerate(t.tolist()):
        pairs = zip(x0[i].flatten().tolist(), epsilon[i].flatten().tolist(), strict=True)
        want = [math.sqrt(table[s]) * x + math.sqrt(1 - table[s]) * e for x, e in pairs]
        assert got[i].flatten().tolist() == pytest.approx(want, rel=1e-5, abs=1e-5)


def test_x_t_is_what_the_training_step_shows_its_model(make_x_t, ddpm, device):
    x0, t = torch.randn(6, 3, 4, 6), torch.tensor([0, 99, 7, 50, 98, 1])
    table, model = ddpm["get_alpha_bars"](), Sees()
    torch.manual_seed(3)
    ddpm["ddpm_train_step"](model, x0, t, table, device)
    torch.manual_seed(3)
    epsilon = torch.randn(6, 3, 4, 6, device=device)
    torch.testing.assert_close(make_x_t(x0, t, table, epsilon, device), model.x_t)


# challenge_time_embedding


@pytest.fixture(scope="module")
def dit():
    return load(LEVEL / "solution_time_embedding.py")


@pytest.mark.parametrize(("D", "heads", "ratio"), [(8, 1, 4.0), (12, 3, 2.0), (64, 8, 4.0)])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (4, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_block_starts_as_the_identity_and_only_its_gates_learn(
    dit, device, D, heads, ratio, shape, dtype
):
    block = dit["DiTBlock"](D, heads, ratio).to(device, dtype)
    x, c = (torch.randn(*s, D, device=device, dtype=dtype) for s in (shape, shape[:1]))
    out = block(x, c)
    assert torch.equal(out, x)
    out.square().sum().backward()
    parts = block.modulation.bias.grad.chunk(6)
    learning = [bool(part.any()) for part in parts]
    assert learning == [False, False, True] * 2
    assert not any(p.grad.any() for n, p in block.named_parameters() if "modulation" not in n)


def test_a_block_that_is_told_the_time_learns_to_use_it(dit):
    """The target is x at t = 0 and -x at t = 999."""
    torch.manual_seed(0)
    block = dit["DiTBlock"](16, 2)
    optimizer = torch.optim.Adam(block.parameters(), lr=1e-2)
    t = torch.tensor([0, 999]).repeat(8)
    c = dit["timestep_embedding"](t, 16)
    losses = []
    for _ in range(60):
        x = torch.randn(16, 3, 16)
        loss = (block(x, c) - x * (1 - 2 * (t > 0))[:, None, None]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("dim", [1, 2, 5, 256])
def test_no_two_steps_have_the_same_waves(dit, device, dim):
    waves = dit["timestep_embedding"](torch.arange(1000, device=device), dim)
    assert (waves.shape, waves.dtype, waves.device.type) == (
        (1000, dim),
        torch.float32,
        device.type,
    )
    assert dim < 2 or torch.pdist(waves.cpu().double()).min() > 0


# challenge_ddpm_sampling


@pytest.fixture(scope="module")
def sampling():
    return load(LEVEL / "solution_ddpm_sampling.py")


def test_ddpm_in_all_steps_gives_the_mixture(sampling):
    torch.manual_seed(0)
    bars = torch.linspace(0.01, 1.56, 302)[1:-1].cos().square()
    x = torch.randn(1500, 2)
    for t in range(299, -1, -1):
        x = sampling["ddpm_step"](x, TWO.noise(x, bars[t]), t, bars, torch.randn_like(x))
    TWO.judges("DDPM in 300 steps", x)


@pytest.mark.parametrize("seed", range(3))
def test_samples_of_any_seed_are_the_mixture_s(sampling, device, seed):
    bars = torch.linspace(0.04, 1.56, 83, device=device)[1:-1].cos().square()

    def model(x, t):
        return TWO.noise(x.cpu(), bars[t[0]].cpu()).to(x.device)

    generator = torch.Generator(device).manual_seed(seed)
    TWO.judges("DDIM", sampling["sample"](model, (2000, 2), bars, 41, generator).cpu())


@pytest.mark.parametrize(
    "wrong", ["level before t", "stops at alpha_bars[0]", "alpha for alpha_bar"]
)
def test_wrong_samplers_miss_the_bounds(sampling, wrong):
    torch.manual_seed(0)
    bars = torch.linspace(0.04, 1.56, 83)[1:-1].cos().square()
    alphas, x = bars / torch.cat([torch.ones(1), bars[:-1]]), torch.randn(1000, 2)
    for t in range(80, -1, -2):
        now, then = bars[t], bars[t - 2] if t else torch.tensor(1.0)
        if wrong == "level before t":
            then = bars[t - 1] if t else then
        elif wrong == "stops at alpha_bars[0]":
            then = then.clamp(max=bars[8])
        else:
            now, then = alphas[t], alphas[t - 2] if t else then
        x = sampling["ddim_step"](x, TWO.noise(x, bars[t]), now, then)
    with pytest.raises(AssertionError, match=" ± "):
        TWO.judges(wrong, x)


def test_beta_as_the_variance_misses_the_bounds():
    """On data of one point, three steps, with the check's own table."""
    torch.manual_seed(0)
    bars = torch.tensor([0.96, 0.64, 0.36, 0.0784, 0.04], dtype=torch.float64)
    x = 2 * bars[4].sqrt() + (1 - bars[4]).sqrt() * torch.randn(4000).double()
    for t in (4, 3, 2):
        alpha, guess = bars[t] / bars[t - 1], (x - 2 * bars[t].sqrt()) / (1 - bars[t]).sqrt()
        mean = (x - (1 - alpha) / (1 - bars[t]).sqrt() * guess) / alpha.sqrt()
        x = mean + (1 - alpha).sqrt() * torch.randn(4000).double()
    std = (1 - bars[1]).sqrt()
    with pytest.raises(AssertionError, match=" ± "):
        near("standard deviation", x.std(), std, std / 8000**0.5)


def test_a_step_is_the_usual_one_with_the_noise_in_its_mean(sampling):
    betas = torch.linspace(1e-4, 0.02, 1000).double()
    bars = (1 - betas).cumprod(0)
    x, guess, noise = torch.randn(3, 50).double()
    for t in (1, 500, 999):
        mean = (x - betas[t] / (1 - bars[t]).sqrt() * guess) / (1 - betas[t]).sqrt()
        std = (betas[t] * (1 - bars[t - 1]) / (1 - bars[t])).sqrt()
        got = sampling["ddpm_step"](x, guess, t, bars, noise)
        torch.testing.assert_close(got, mean + std * noise)


def test_ddim_goes_back_and_forth(sampling):
    """With one guess for both, a step to another level can be undone."""
    x, guess = torch.randn(2, 4, 3).double()
    there = sampling["ddim_step"](x, guess, 0.3, 0.8)
    torch.testing.assert_close(sampling["ddim_step"](there, guess, 0.8, 0.3), x)


# challenge_flow_matching


@pytest.fixture(scope="module")
def flow():
    return load(LEVEL / "solution_flow_matching.py")


def test_the_loss_is_least_at_the_field_of_known_data(flow):
    """Beside it every other field scores more."""
    torch.manual_seed(0)
    x0, t = torch.randn(4000, 2), torch.randint(0, 8, (4000,)) / 8
    k = torch.multinomial(TWO.weights, 4000, replacement=True)
    x1 = TWO.means[k] + TWO.sizes[k, None] * torch.randn(4000, 2)
    x_t, field = flow["interpolate"](x0, x1, t), torch.zeros(4000, 2)
    for time in t.unique():
        field[t == time] = TWO.velocity(x_t[t == time], time)
    least = flow["flow_matching_loss"](field, x0, x1, t)
    for other in (field + 0.2, 0.9 * field, field.flip(0), torch.zeros_like(field)):
        assert flow["flow_matching_loss"](other, x0, x1, t) > least


@pytest.mark.parametrize(
    ("name", "steps", "far"), [("euler_sample", 100, 0.04), ("midpoint_sample", 10, 0.01)]
)
def test_both_samplers_end_at_the_same_places(flow, name, steps, far):
    torch.manual_seed(0)
    start = torch.randn(200, 2).double()
    fine = flow["midpoint_sample"](lambda x, t: TWO.velocity(x, t[0]), start, 200)
    got = flow[name](lambda x, t: TWO.velocity(x, t[0]), start, steps)
    assert (got - fine).abs().mean() < far


# challenge_guidance


@pytest.fixture(scope="module")
def guidance():
    return load(LEVEL / "solution_guidance.py")


def test_a_learned_empty_condition_learns(guidance, device):
    table = nn.Embedding(4, 3, device=device)  # row 3 is the empty one
    labels = torch.arange(200, device=device) % 3
    cond = guidance["drop_condition"](table(labels), 0.5, table.weight[3])
    (cond * 2).sum().backward()
    kept = table.weight.grad[:, 0]
    assert kept.sum() == 400 and (kept > 0).all()


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_guidance_under_autocast_and_with_no_samples(guidance, device, scale):
    layer = nn.Linear(4, 4, device=device)

    def model(x, t, cond):
        return layer(x) + cond + t[:, None]

    for n in (0, 3):
        x, cond = torch.randn(2, n, 4, device=device)
        t, none = torch.arange(n, device=device), torch.ones(4, device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            got = guidance["guided_prediction"](model, x, t, cond, none, scale)
            want = model(x, t, none) + scale * (cond - none)
        torch.testing.assert_close(got, want, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("name", ["ddpm_sampling", "flow_matching", "guidance"])
def test_a_solution_run_as_a_file_leaves_a_picture(name):
    image = pytest.importorskip("PIL.Image")
    status, out, _ = run_as_script(LEVEL / f"solution_{name}.py")
    assert status == 0
    assert f"runs/{name}.png\n" in out
    picture = torch.tensor(numpy.asarray(image.open(ROOT / "runs" / f"{name}.png")))
    first, *_, last = picture.tensor_split(12, dim=1)  # noise, then few gray levels
    assert len(last.unique()) < len(first.unique()) / 2
