"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

VIEWS = "    return pairs[:, :window], pairs[:, window:]"
UNFOLD = "series.unfold(0, span, stride).transpose(1, 2)"
EMPTY = "    if len(series) < span:  # unfold would raise"
RANGES = "    return range(val - last), range(val, test - last), range(test, num_steps - last)"
MEAN = "torch.where(constant, low, rows.mean(dim=0))"
STD = "torch.where(constant, 1.0, rows.std(dim=0, correction=0))"
TRANSFORM = "        return ((x.double() - self.mean) / self.std).to(x.dtype)"
INVERSE = "        return (x.double() * self.std + self.mean).to(x.dtype)"

SLIPS = {
    "pairs": {
        "y begins with the last step of x": (
            VIEWS,
            "    return pairs[:, :window], pairs[:, window - 1 : -1]",
        ),
        "unfold's axes as they come": (
            UNFOLD,
            "series.unfold(0, span, stride).reshape(-1, span, features)",
        ),
        "the window is the last axis": (
            VIEWS,
            "    return pairs[:, :window].transpose(1, 2), pairs[:, window:].transpose(1, 2)",
        ),
        "y leaves a step out": (
            VIEWS,
            "    return pairs[:, :window], pairs[:, window:].roll(-1, 1)",
        ),
        "y is the last step only": (VIEWS, "    return pairs[:, :window], pairs[:, -1:]"),
        "y without its axis of steps": (VIEWS, "    return pairs[:, :window], pairs[:, -1]"),
        "y is the whole window, shifted by one": (
            VIEWS,
            "    return pairs[:, :window], pairs[:, 1 : window + 1]",
        ),
        "y of the first feature only": (
            VIEWS,
            "    return pairs[:, :window], pairs[:, window:, :1]",
        ),
        "x reaches into y": (VIEWS, "    return pairs[:, :window] + 0 * pairs, pairs[:, window:]"),
        "x in reverse": (VIEWS, "    return pairs[:, :window].flip(1), pairs[:, window:]"),
        "windows shuffled": (VIEWS, "    pairs = pairs[torch.randperm(len(pairs))]\n" + VIEWS),
        "starts from the end": (UNFOLD, UNFOLD + ".flip(0)"),
        "a horizon of 2 by default": ("horizon: int = 1", "horizon: int = 2"),
        "stride of the windows' length": (
            "span, stride).transpose",
            "span, stride * window).transpose",
        ),
        "y's place counted from the storage's begin": """
def make_windows(series, window, horizon=1, stride=1):
    T, F = series.shape
    M = max(0, (T - window - horizon) // stride + 1)
    a, b = series.stride()
    x = series.as_strided((M, window, F), (stride * a, a, b))
    return x, series.as_strided((M, horizon, F), (stride * a, a, b), window * a * (M > 0))
""",
        "x and y swapped": (VIEWS, "    return pairs[:, window:], pairs[:, :window]"),
    },
    "count": {
        "the last window lost for a stride above 1": (
            UNFOLD,
            "series[: len(series) // stride * stride].unfold(0, span, stride).transpose(1, 2)"
            " if stride > 1 and len(series) // stride * stride >= span else " + UNFOLD,
        ),
        "the last window lost": (VIEWS, "    pairs = pairs[: max(1, len(pairs) - 1)]\n" + VIEWS),
        "an error for a short series": (EMPTY, "    if False:"),
        "no pair from a series of just one span": (EMPTY, "    if len(series) <= span:"),
        "one pair, padded, from a short series": (
            EMPTY,
            "    more = series.new_zeros(max(0, span - len(series)), features)\n"
            "    series = torch.cat([series, more])\n" + EMPTY,
        ),
        "a pair less for horizons above 1": (
            UNFOLD,
            "series[: len(series) - (horizon > 2)].unfold(0, span, stride).transpose(1, 2)",
        ),
        "stride is ignored": ("span, stride).transpose", "span, 1).transpose"),
        "an error for a short series, of its own": (
            EMPTY,
            "    if len(series) < span:\n        raise ValueError('series is too short')\n" + EMPTY,
        ),
        "a remainder padded with the last step": (
            UNFOLD,
            "torch.cat([series, series[-1:].expand((span - len(series)) % stride, -1)])"
            ".unfold(0, span, stride).transpose(1, 2)",
        ),
    },
    "split": {
        "no gap: windows cut, not steps": (
            RANGES,
            "    return range(val), range(val, test), range(test, num_steps - last)",
        ),
        "a gap of window - 1 steps": ("last = window + horizon - 1", "last = window - 1"),
        "a gap of the horizon": ("last = window + horizon - 1", "last = horizon"),
        "a gap of window": ("last = window + horizon - 1", "last = window"),
        "one start less per part": ("last = window + horizon - 1", "last = window + horizon"),
        "fractions cut off, not rounded": (
            "round(num_steps * test_fraction)",
            "int(num_steps * test_fraction)",
        ),
        "fractions of the starts": (
            "    test = num_steps - round",
            "    num_steps -= window + horizon - 1\n    test = num_steps - round",
        ),
        "test before val": (
            RANGES,
            RANGES.replace(
                "range(val, test - last), range(test, num_steps - last)",
                "range(test, num_steps - last), range(val, test - last)",
            ),
        ),
        "test first, train last": (
            RANGES,
            "    n, m = num_steps - test, test - val\n"
            "    return range(n + m, num_steps - last), range(n, n + m - last), range(n - last)",
        ),
        "val_fraction of what is left": (
            "round(num_steps * val_fraction)",
            "round(test * val_fraction)",
        ),
        "val and test in each other's sizes": (
            "    test = num_steps - round(num_steps * test_fraction)",
            "    val_fraction, test_fraction = test_fraction, val_fraction\n"
            "    test = num_steps - round(num_steps * test_fraction)",
        ),
        "gap before test, none before val": (
            RANGES,
            RANGES.replace("range(val - last)", "range(val - 1)"),
        ),
        "the gap taken from the later part": (
            RANGES,
            "    return range(val), range(val + last, test), range(test + last, num_steps - last)",
        ),
        "test's windows begin in val": (
            RANGES,
            "    return range(val - last), range(val - window, test - last), "
            "range(test - window, num_steps - last)",
        ),
        "fractions rounded up": (
            "test = num_steps - round(num_steps * test_fraction)",
            "test = num_steps - int(-(-num_steps * test_fraction // 1))",
        ),
        "both fractions rounded as one": (
            "val = test - round(num_steps * val_fraction)",
            "val = num_steps - round(num_steps * (val_fraction + test_fraction))",
        ),
        "train's fraction rounded": (
            "val = test - round(num_steps * val_fraction)",
            "val = round(num_steps * (1 - val_fraction - test_fraction))",
        ),
        "a half rounded up": (
            "round(num_steps * val_fraction)",
            "int(num_steps * val_fraction + 0.5)",
        ),
        "lists": (
            RANGES,
            "    ends = (0, val), (val, test), (test, num_steps)\n"
            "    return tuple(list(range(a, b - last)) for a, b in ends)",
        ),
        "shuffled, then split": (
            RANGES,
            "    mixed = torch.randperm(num_steps - last).tolist()\n"
            "    return mixed[:val], mixed[val:test], mixed[test:]",
        ),
    },
    "scale": {
        "statistics of the first window": (
            "x.reshape(-1, x.shape[-1])",
            "x.reshape(-1, *x.shape[-2:])[0] if x.ndim > 2 else x",
        ),
        "divided by N - 1": (STD, STD.replace(", correction=0", "")),
        "the variance for the std": (STD, STD.replace("std", "var")),
        "one mean for all features": (MEAN, MEAN.replace("rows.mean(dim=0)", "rows.mean()")),
        "one std for all features": (STD, STD.replace("rows.std(dim=0, ", "rows.std(")),
        "statistics of what is transformed": (
            TRANSFORM,
            "        return Standardizer().fit(x).transform_as_fitted(x)\n\n"
            "    def transform_as_fitted(self, x):\n" + TRANSFORM,
        ),
        "statistics per window position": (
            "x.reshape(-1, x.shape[-1])",
            "x.flatten(1) if x.ndim > 2 else x",
        ),
        "the axes of windows and features mixed": (
            "x.reshape(-1, x.shape[-1])",
            "x.transpose(0, -1).reshape(-1, x.shape[-1])",
        ),
        "the first fit stays": (
            "        rows = x",
            "        if hasattr(self, 'mean'):\n            return self\n        rows = x",
        ),
        "float64": (TRANSFORM, TRANSFORM.replace(".to(x.dtype)", "")),
        "float32 for every input": (TRANSFORM, TRANSFORM.replace("x.dtype", "torch.float32")),
        "float32 for float16": (
            TRANSFORM,
            TRANSFORM.replace(
                ".to(x.dtype)", ".to(x.dtype if x.dtype != torch.float16 else torch.float32)"
            ),
        ),
        "no single row": (TRANSFORM, "        assert x.ndim > 1, 'rows'\n" + TRANSFORM),
        "statistics of the class, not of the object": (
            "        self.mean = ",
            "        Standardizer.mean = ",
        ),
        "only centered": (TRANSFORM, "        return (x.double() - self.mean).to(x.dtype)"),
        "from 0 to 1": (STD, "torch.where(constant, 1.0, rows.amax(dim=0) - low)"),
        "fit gives nothing": ("        return self\n", ""),
        "fit gives the scaled data": (
            "        return self\n",
            "        return self.transform(x)\n",
        ),
        "1e-2 added to the std": (STD, STD + " + 1e-2"),
    },
    "constant": {
        "std 1 for a feature that hardly changes": (
            "constant = low == rows.amax(dim=0)",
            "constant = rows.amax(dim=0) - low < 1e-6",
        ),
        "0 / 0 for a constant feature": ("constant, 1.0, rows", "constant & False, 1.0, rows"),
        "std of one row is NaN": (
            "constant = low == rows.amax(dim=0)",
            "constant = (low == rows.amax(dim=0)) & (len(rows) > 1)",
        ),
        "1e-8 added to the std": (STD, "rows.std(dim=0, correction=0) + 1e-8"),
        "std 0 kept, NaN made 0": (
            TRANSFORM,
            "        scaled = (x.double() - self.mean) / self.std\n"
            "        return scaled.nan_to_num(0, 0, 0).to(x.dtype)\n\n"
            "    std = property(lambda self: self.spread * (self.spread != 1), "
            "lambda self, s: setattr(self, 'spread', s))",
        ),
        "a std of 1 for all, if one is constant": (
            STD,
            "torch.where(constant.any(), 1.0, rows.std(dim=0, correction=0))",
        ),
        "the constant itself": (MEAN, "torch.where(constant, 0.0, rows.mean(dim=0))"),
        "constant where the rounded std is 0": (
            "constant = low == rows.amax(dim=0)",
            "constant = (rows - rows.mean(dim=0)).square().mean(dim=0) == 0",
        ),
    },
    "inverse": {
        "mean and std in the wrong order": (
            INVERSE,
            "        return ((x.double() + self.mean) * self.std).to(x.dtype)",
        ),
        "the mean left out": (INVERSE, "        return (x.double() * self.std).to(x.dtype)"),
        "the std left out": (INVERSE, "        return (x.double() + self.mean).to(x.dtype)"),
        "inverse gives float32": (INVERSE, INVERSE.replace("x.dtype", "torch.float32")),
        "transform again": (INVERSE, "        return self.transform(x)"),
        "the last transform's input": (
            INVERSE,
            "        return self.seen if hasattr(self, 'seen') else x",
        ),
        "in place": (INVERSE, "        return x.mul_(self.std).add_(self.mean)"),
        "transform in place": (TRANSFORM, "        return x.sub_(self.mean).div_(self.std)"),
        "fit centers its input": (
            "        rows = x",
            "        x -= x.mean()\n        rows = x",
        ),
    },
    "views": {
        "copies": (VIEWS, "    return pairs[:, :window].clone(), pairs[:, window:].clone()"),
        "x contiguous": (VIEWS, "    return pairs[:, :window].contiguous(), pairs[:, window:]"),
        "a table of indices": (
            UNFOLD,
            "series[torch.arange(0, len(series) - span + 1, stride)[:, None] + torch.arange(span)]",
        ),
        "stacked slices": (
            UNFOLD,
            "torch.stack([series[i : i + span] for i in range(0, len(series) - span + 1, stride)])",
        ),
        "the series copied once": (
            UNFOLD,
            "series.clone().unfold(0, span, stride).transpose(1, 2)",
        ),
        "float32": (UNFOLD, "series.float().unfold(0, span, stride).transpose(1, 2)"),
    },
    "far": {
        "mean of squares minus square of the mean, float32": (
            STD,
            "torch.where(constant, 1.0, (x.square().mean(dim=tuple(range(x.ndim - 1))) "
            "- x.mean(dim=tuple(range(x.ndim - 1))).square()).clamp(min=0).sqrt())",
        ),
        "the mean in float32": (
            "        return self\n",
            "        self.mean = self.mean.float()\n        return self\n",
        ),
        "all in float32": (
            "x.reshape(-1, x.shape[-1]).double()",
            "x.reshape(-1, x.shape[-1])",
        ),
    },
}

VARIANTS = {
    "plain": """
class Standardizer:
    def fit(self, x):
        x = x.reshape(-1, x.shape[-1]).double()
        self.mean, self.std = x.mean(dim=0), x.std(dim=0, unbiased=False)
        self.std[self.std < 1e-12] = 1
        return self
"""
    + "\n    def transform(self, x):\n"
    + TRANSFORM
    + "\n\n    def inverse(self, x):\n"
    + INVERSE,
    "as_strided and loops": """
def make_windows(series, window, horizon=1, stride=1):
    T, F = series.shape
    M = max(0, (T - window - horizon) // stride + 1)
    if M == 0:
        return series[:0].view(0, 1, F).expand(0, window, F), series.new_zeros((0, horizon, F))
    step, across = series.stride()
    begin = series.storage_offset()
    x = series.as_strided((M, window, F), (stride * step, step, across), begin)
    y = series.as_strided((M, horizon, F), (stride * step, step, across), begin + window * step)
    return x, y

def chronological_split(num_steps, window, horizon, val_fraction, test_fraction):
    span = window + horizon
    n_test, n_val = round(num_steps * test_fraction), round(num_steps * val_fraction)
    edges = [0, num_steps - n_test - n_val, num_steps - n_test, num_steps]
    train, val, test = (
        range(a, a + max(0, b - a - span + 1)) for a, b in zip(edges[:-1], edges[1:])
    )
    return train, val, test
""",
    "two unfolds": """
def make_windows(series, window, horizon=1, stride=1):
    T = series.size(0)
    if T < window + horizon:
        x = torch.empty((0, window, series.size(1)), dtype=series.dtype)
        return x, torch.empty((0, horizon, series.size(1)), dtype=series.dtype)
    x = series[: T - horizon].unfold(0, window, stride).permute(0, 2, 1)
    y = series[window:].unfold(0, horizon, stride).permute(0, 2, 1)
    return x, y
""",
    "a scaler with numpy": """
class Standardizer:
    def fit(self, x):
        rows = x.detach().cpu().numpy().astype("float64").reshape(-1, x.size(-1))
        self.mu, self.sigma = rows.mean(axis=0), rows.std(axis=0)
        same = (rows == rows[0]).all(axis=0)
        self.mu[same], self.sigma[same] = rows[0][same], 1
        return self

    def transform(self, x):
        return torch.as_tensor((x.numpy() - self.mu) / self.sigma).to(x.dtype)

    def inverse(self, x):
        return torch.as_tensor(x.numpy() * self.sigma + self.mu).to(x.dtype)
""",
    "shifted before the moments": """
class Standardizer:
    def fit(self, x):
        rows = x.flatten(0, -2)
        self.first = rows[0].clone()
        moved = (rows - self.first).double()
        self.shift = moved.mean(0)
        self.scale = (moved - self.shift).square().mean(0).sqrt()
        still = ~moved.bool().any(0)
        self.scale = self.scale.masked_fill(still, 1)
        return self

    def transform(self, x):
        return (((x - self.first) - self.shift) / self.scale).to(x.dtype)

    def inverse(self, x):
        return (x * self.scale + self.shift + self.first).to(x.dtype)
""",
}
