"""What challenge_forecasting.py requires.

fit is judged on prices t * t / 10000: whatever mean and std were, the differences in a window tell
where it starts. After training the check puts forecasts of its own in place of Net's.
"""

from functools import lru_cache

import torch

from checks.pipelines import in_a_folder, is_measured, is_trained, lines_are, seed_all, watched_run
from checks.tools import attempt, close, equal, names_are, result_of, unchanged

W, VAL, STEPS = 16, 48, 100
CUT = STEPS - VAL
TABLE = torch.arange(STEPS + W).square() / 10000
PRICES = TABLE[:STEPS]
OFF = (0.3, 0.6, -0.2, -0.27)  # by epoch: how far the val forecasts are off, in scaled units
LATER = (0.2, 0.1, 0.2, 0.05)  # the same for the later half of the val windows
HISTORIES = (100, 16, 60)  # their lengths
PUT = 1.5  # Net's forecast for them, in scaled units


def windows(make_windows):
    for series, window in (
        ([1.0, 2.0, 4.0, 7.0, 3.0], 2),
        ([5.0, 6.0], 1),
        ([*map(float, range(9))], 5),
    ):
        what, n = f"make_windows({series}, {window})", len(series) - window
        given = torch.tensor(series)
        with unchanged(what, given):
            x, y = attempt(what, make_windows, given, window)
        want = [series[i : i + window] for i in range(n)], series[window:]
        equal(f"{what}:", (x.tolist(), y.tolist()), want)


def split(split_starts):
    for steps, window, val_steps in ((10, 2, 4), (30, 5, 6), (40, 1, 20), (20, 7, 9)):
        what = f"split_starts({steps}, {window}, {val_steps})"
        got = [list(one) for one in attempt(what, split_starts, steps, window, val_steps)]
        spans = [(i, i + window) for i in range(steps - window)]  # the target included
        train = [a for a, b in spans if b < steps - val_steps]
        equal(f"{what}:", got, [train, [a for a, _ in spans if a >= steps - val_steps]])


def loss(directional_loss):
    last, target = torch.full((6,), 10.0), torch.tensor([12.0, 12.0, 7.0, 7.0, 10.0, 12.0])
    pred = torch.tensor([11.0, 8.5, 12.0, 6.0, 13.0, 10.0], requires_grad=True)
    shown = f"pred {pred.tolist()}, target {target.tolist()}, last 10"
    for weight, more in ((0.5, {}), (0.0, {"weight": 0.0}), (3.0, {"weight": 3.0})):
        what = f"directional_loss, {shown}, weight {weight}{'' if more else ' by default'}"
        with unchanged(what, pred, target, last):
            got = result_of(what, directional_loss, pred, target, last, **more)
        square = (1 + 3.5**2 + 25 + 1 + 9 + 4) / 6
        close(got.detach(), square + weight * (1.5 + 2) / 6, what)
    (slope,) = torch.autograd.grad(got, pred)
    want = (2 * (pred - target).detach() + 3 * torch.tensor([0, -1.0, 1, 0, 0, 0])) / 6
    close(slope[:5], want[:5], f"{what}: gradient of pred")  # the last is at an edge


def scores(score):
    last, target = [10.0] * 7, [12.0, 12.0, 7.0, 7.0, 10.0, 12.0, 10.0]
    for pred, mae, share in (
        ([11.0, 8.5, 12.0, 6.0, 13.0, 10.0, 10.0], 1 + 3.5 + 5 + 1 + 3 + 2, 2 / 5),
        (last, 12.0, 0.0),
        (target, 0.0, 1.0),
        ([13.0, 11.0, 9.0, 2.0, 4.0, 10.5, 10.0], 1 + 1 + 2 + 5 + 6 + 1.5, 1.0),
    ):
        what = f"score(pred {pred}, target {target}, last 7 times 10)"
        got = attempt(what, score, *map(torch.tensor, (pred, target, last)))
        kinds = {name: type(value).__name__ for name, value in got.items()}
        equal(f"{what}: types", kinds, {"mae": "float", "direction": "float"})
        close(got["mae"], mae / 7, f"{what}: mae")
        close(got["direction"], share, f"{what}: direction")


def training(fit):
    log, n = fitted(fit), CUT - W
    train = [row for one in log.trained() for row in one.rows]
    equal(f"{log.what}: number of windows trained on:", len(train), len(OFF) * n)
    orders = [train[i : i + n] for i in range(0, len(train), n)]
    for epoch, order in enumerate(orders, 1):
        starts_are(f"{log.what}, epoch {epoch}: train windows", order, range(n))
        old = order in [*orders[: epoch - 1], [*range(n)]]
        equal(f"{log.what}, epoch {epoch}: the windows come in a new order:", not old, True)
    is_trained(log.what, log)


def scaled(fit):
    log = fitted(fit)
    for one in log.passes:
        rows, part = one.rows[0], PRICES[:CUT]
        mean, std = scale_of(one.x)
        what = f"{log.what}, windows that start at {rows} and so on: Net gets them with"
        for name, got, want in (("mean", mean, part.mean()), ("std", std, part.std())):
            far = abs(float(got) / float(want) - 1)
            assert far < 0.02, f"{what} {name} {float(got):.4g}, want {float(want):.4g}"


def best(fit):
    log = fitted(fit)
    asked = log.passes[log.before :]
    turns = [[one for one in others if one not in asked] for _, others in log.turns()]
    turns = [[one for one in others if max(one.rows) >= CUT - W] for others in turns]
    for epoch, passes in enumerate(turns, 1):
        what = f"{log.what}, after epoch {epoch}: val windows"
        starts_are(what, [row for one in passes for row in one.rows], range(CUT, STEPS - W))
        for one in passes:
            is_measured(what, one)
    used, states = asked[-1].state, [passes[-1].state for passes in turns]
    alike = [i for i, s in enumerate(states, 1) if all(torch.equal(used[k], s[k]) for k in used)]
    told = f"early val forecasts off by {OFF}, later ones by {LATER}"
    equal(f"{log.what}, {told}: forecasts have the weights of epoch", alike, [3])


def forecast(fit):
    log = fitted(fit)
    asked = log.passes[log.before :]
    rows = [one.rows for one in asked]
    equal(f"{log.what}: windows of forecasts start at", rows, [[n - W] for n in HISTORIES])
    for n, got, one in zip(HISTORIES, log.got, asked, strict=True):
        what = f"{log.what}, predict(history of {n} steps)"
        is_measured(what, one)
        equal(f"{what}: type", type(got).__name__, "float")
        mean, std = scale_of(one.x)
        close(got, float(PUT * std + mean), f"{what}, {PUT} in scaled units", 1e-4)


def walk(walk_forward):
    series, seen = torch.randn(20), []

    def fit(past):
        number = len(seen)
        seen.append(("fit", len(past), torch.equal(past, series[: len(past)])))

        def predict(history):
            seen.append(("predict", len(history), torch.equal(history, series[: len(history)])))
            return float(1000 * number + len(history))

        return predict

    for folds, size in ((3, 4), (1, 5), (5, 1)):
        seen.clear()
        what = f"walk_forward(series (20,), fit, folds={folds}, size={size})"
        got = result_of(what, walk_forward, series, fit, folds, size)
        starts = range(20 - folds * size, 20, size)
        fits = {i: n for i, (name, n, _) in enumerate(seen) if name == "fit"}
        equal(f"{what}: fit got series of lengths", [*fits.values()], [*starts])
        asked = sorted(n for name, n, _ in seen if name == "predict")
        equal(f"{what}: predict got histories of lengths", asked, [*range(starts[0], 20)])
        right = all(right for *_, right in seen)
        assert right, f"{what}: fit or predict got other steps than series"
        want = [float(1000 * i + n + j) for i, n in fits.items() for j in range(size)]
        equal(f"{what}, 1000 * calls before its fit + length of history:", got.tolist(), want)


def seeded(fit):
    past, made = torch.arange(70.0).sin(), []
    for state, seed in ((1, 0), (2, 0), (2, 4)):
        seed_all(state)
        made.append(attempt("fit(past, epochs=1)", fit, past, epochs=1, seed=seed))
    found = [[predict(past[:n]) for n in (50, 70)] for predict in made]
    what = "fit(past, seed=0) twice, generators in other states before"
    equal(f"{what}: forecasts", found[1], found[0])
    assert found[2] != found[0], f"fit(past), seeds 0 and 4: both forecast {found[0]}, want others"


def report(run, fit, walk_forward):
    series = 50 + 5 * (torch.arange(80) / 2).sin() + 0.3 * torch.randn(80)
    what = "run(series (80,), folds=2, size=7, epochs=1, seed=2)"
    with in_a_folder() as printed:
        got = attempt(what, run, series, folds=2, size=7, epochs=1, seed=2)
    mine = walk_forward(series, lambda past: fit(past, epochs=1, seed=2), 2, 7)
    target, last, season = series[66:], series[65:79], series[54:68]
    names_are(got, ("model", "last", "seasonal"), f"{what}: keys")
    for name, pred in (("model", mine), ("last", last), ("seasonal", season)):
        hits = ((pred - last) * (target - last) > 0).double().mean().item()
        want = {"mae": (pred - target).abs().mean().item(), "direction": hits}
        for key, value in want.items():
            close(got[name][key], value, f"{what}: {key} of {name}", 1e-4)
        lines_are(what, printed.getvalue(), name, [list(want.values())])


def learns(make_prices, run):
    what = "run(make_prices(1, 200), folds=1, size=40, epochs=6)"
    with in_a_folder():
        got = attempt(what, run, make_prices(1, 200), folds=1, size=40, epochs=6)
    mae, most = got["model"]["mae"], 0.8 * min(got["last"]["mae"], got["seasonal"]["mae"])
    assert mae <= most, f"{what}: mae of the model is {mae:.3f}, want {most:.3f} or less"


def flat(fit):
    past = torch.full((70,), 7.0)
    got = attempt("fit(70 times 7)", fit, past, epochs=1)(past)
    assert abs(got) < 1e6, f"fit(70 times 7), its forecast: {got}, want a finite number"


CORE = (
    windows, split, loss, scores, training, scaled,
    best, forecast, walk, seeded, report, learns,
)  # fmt: skip
EDGES = (flat,)


def rows_of(x):
    """Where the windows start: of t * t / 1000 it is told by two differences."""
    if x.ndim != 2 or x.shape[1] != W:
        return [-1] * len(x)
    found = 7 * (x[:, 7] - x[:, 0]) / (x[:, 14] - 2 * x[:, 7] + x[:, 0]) - 3.5
    found = found.nan_to_num(-1)
    is_one = (found - found.round()).abs() < 0.1
    return torch.where(is_one, found.round(), -1).long().clamp(-1, STEPS - W).tolist()


def scale_of(x):
    """The mean and std with which the first of these windows was scaled."""
    start = rows_of(x)[0]
    std = (PRICES[start + 15] - PRICES[start]) / (x[0, 15] - x[0, 0])
    return PRICES[start] - x[0, 0] * std, std


def starts_are(what, rows, want):
    for name, number in (("number", len), ("first start", min), ("last start", max)):
        equal(f"{what}: {name}", number(rows) if rows else 0, number(want))
    equal(f"{what}: starts", sorted(rows), [*want])


def moved(rows, out, x):
    """Net's out, put above the last value or between the last two, in turn."""
    between = (x[:, 14] - x[:, 15]) / 2
    return out - out.detach() + x[:, 15] + torch.where(torch.tensor(rows) % 2 == 0, 0.3, between)


@lru_cache(2)  # labels share it
def fitted(fit):
    """fit on PRICES, then a forecast after each of HISTORIES."""
    xs, asked = [], []

    def targets(rows):
        mean, std = scale_of(xs[-1])
        return (TABLE[[row + W for row in rows]] - mean) / std

    def look(x):
        xs.append(x)
        return rows_of(x)

    def loss_of(rows, out):
        out, target, last = moved(rows, out, xs[-1]), targets(rows), xs[-1][:, 15]
        wrong = torch.relu((last - out) * (target - last).sign())
        return ((out - target).square() + 0.5 * wrong).mean()

    def in_place(log, rows, out, in_train):
        if asked:
            return PUT + 0 * out
        if max(rows) < CUT or in_train:
            return moved(rows, out, xs[-1])
        epoch = min(len(log.turns()), len(OFF)) - 1
        off = [OFF[epoch] if row < CUT + 16 else LATER[epoch] for row in rows]
        return targets(rows) + torch.tensor(off) + 0 * out

    def run():
        predict = fit(PRICES.clone(), epochs=len(OFF))
        asked.append(len(xs))
        return [predict(PRICES[:n].clone()) for n in HISTORIES]

    what = f"fit(t * t / 10000, {STEPS} steps, epochs={len(OFF)})"
    log = watched_run(what, run, "Net", loss_of, in_place, look, 0)
    log.before = asked[0]
    return log
