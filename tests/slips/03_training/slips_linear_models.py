"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

PINV = "        solution = torch.linalg.pinv(with_ones) @ y  # (D + 1,)\n"
ONES = "torch.cat([X, X.new_ones(len(X), 1)], dim=1)"
ERROR = "            error = X @ w + b - y  # (N,)\n"
MOVE_W = "            w -= lr * 2 * (X.T @ error) / len(X)\n"
MOVE_B = "            b -= lr * 2 * error.mean()\n"
LAYER = "nn.Linear(X.shape[1], 1, device=X.device, dtype=X.dtype)"
LOSS = "            loss = nn.functional.mse_loss(layer(X).squeeze(1), y)\n"
CLEAR = "            optimizer.zero_grad()\n"
BACK = "layer.weight.detach().squeeze(0), layer.bias.detach().squeeze(0)"
START = "        self.w, self.b = X.new_zeros(X.shape[1]), X.new_zeros(())\n"
SLOPE = "            error = self.predict_proba(X) - y  # (N,)\n"
FIT_W = "            self.w -= self.lr * (X.T @ error / len(X) + self.l2 * self.w)\n"
FIT_B = "            self.b -= self.lr * error.mean()\n"
PROBA = "torch.sigmoid(X @ self.w + self.b)"
KINDS = "        if not ((y == 0) | (y == 1)).all():\n"
SHAPES = "    if y.shape != X.shape[:1]:\n"

SLIPS = {
    "closed": {
        "every axis squeezed: one feature": ("solution[:-1], ", "solution[:-1].squeeze(), "),
        "no column of ones: through the origin": (
            "        return solution[:-1], solution[-1]\n",
            "        return torch.linalg.pinv(X) @ y, X.new_zeros(())\n",
        ),
        "b is the mean of y": ("solution[:-1], solution[-1]", "solution[:-1], y.mean()"),
        "the ones come first, b is read last": (
            ONES,
            "torch.cat([X.new_ones(len(X), 1), X], dim=1)",
        ),
        "b of shape (1,)": ("solution[:-1], solution[-1]", "solution[:-1], solution[-1:]"),
        "b a Python number": ("solution[:-1], solution[-1]", "solution[:-1], solution[-1].item()"),
        "w of shape (D, 1)": ("solution[:-1], solution[-1]", "solution[:-1, None], solution[-1]"),
        "w and b swapped": ("solution[:-1], solution[-1]", "solution[-1], solution[:-1]"),
        "one vector with b in it": ("return solution[:-1], solution[-1]", "return solution"),
        "ridge: 1 added to the diagonal": (
            PINV,
            "        A = with_ones.T @ with_ones + torch.eye(with_ones.shape[1]).to(X)\n"
            "        solution = torch.linalg.solve(A, with_ones.T @ y)\n",
        ),
        "few steps downhill": (
            "        return solution[:-1], solution[-1]\n",
            "        return self.gradient_descent(X, y, 0.1, 100)\n",
        ),
        "y centered, and not put back": (PINV, PINV.replace("@ y", "@ (y - y.mean())")),
    },
    "descent": {
        "one step always": ("range(steps):\n" + ERROR, "range(max(1, steps)):\n" + ERROR),
        "no division by N": (MOVE_W, MOVE_W.replace(" / len(X)", "")),
        "divided by D, too": (MOVE_W, MOVE_W.replace("len(X)", "X.numel()")),
        "factor 2 forgotten": (MOVE_W + MOVE_B, (MOVE_W + MOVE_B).replace("2 * ", "")),
        "factor 2 forgotten for b": (MOVE_B, MOVE_B.replace("2 * ", "")),
        "b moved by the sum": (MOVE_B, MOVE_B.replace("mean", "sum")),
        "b never moved": (MOVE_B, ""),
        "uphill": (MOVE_W + MOVE_B, (MOVE_W + MOVE_B).replace("-=", "+=")),
        "b moved by errors after w has moved": (MOVE_W, MOVE_W + ERROR),
        "(N, 1) - (N,): a table of errors": (
            ERROR,
            "            error = ((X @ w[:, None] + b) - y).mean(dim=1)\n",
        ),
        "a random start": (
            "        w, b = X.new_zeros(X.shape[1]), X.new_zeros(())\n",
            "        w, b = torch.randn(X.shape[1]).to(X), X.new_zeros(())\n",
        ),
        "one step too many": ("range(steps):\n" + ERROR, "range(steps + 1):\n" + ERROR),
        "the rate falls": (MOVE_W, "            lr = lr * 0.99\n" + MOVE_W),
        "500 steps at most": ("range(steps):\n" + ERROR, "range(min(steps, 500)):\n" + ERROR),
        "stops when it is good": (
            ERROR,
            ERROR + "            if error.square().mean() < 3:\n                break\n",
        ),
        "one row per step": (
            ERROR,
            ERROR + "            error = error * (torch.arange(len(X)) == _ % len(X)) * len(X)\n",
        ),
        "gradient cut at length 1": (
            MOVE_W,
            "            error = error / error.norm().clamp(min=1)\n" + MOVE_W,
        ),
        "standardized columns": (
            ERROR,
            "            if len(X) > 9:\n                X = X - X.mean(0)\n" + ERROR,
        ),
        "another default rate": (
            "    def gradient_descent(\n        self, X: Tensor, y: Tensor, lr: float = 0.01",
            "    def gradient_descent(\n        self, X: Tensor, y: Tensor, lr: float = 0.1",
        ),
    },
    "layer": {
        "every axis squeezed": (
            BACK,
            "layer.weight.detach().squeeze(), layer.bias.detach().squeeze()",
        ),
        "zero_grad forgotten": (CLEAR, ""),
        "(N, 1) against (N,): every row with every y": (LOSS, LOSS.replace(".squeeze(1)", "")),
        "the sum of the squares": (LOSS, LOSS.replace(", y)", ", y, reduction='sum')")),
        "half of the squares": (LOSS, LOSS.replace("loss = ", "loss = 0.5 * ")),
        "absolute errors": (LOSS, LOSS.replace("mse_loss", "l1_loss")),
        "no bias": (
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
            "        nn.init.zeros_(layer.bias).requires_grad_(False)\n"
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
        ),
        "Adam": (
            "torch.optim.SGD(layer.parameters(), lr=lr)",
            "torch.optim.Adam(layer.parameters(), lr=lr)",
        ),
        "momentum": ("layer.parameters(), lr=lr)", "layer.parameters(), lr=lr, momentum=0.9)"),
        "the weights alone move": (
            "torch.optim.SGD(layer.parameters(),",
            "torch.optim.SGD([layer.weight],",
        ),
        "the rate of the default always": (
            "layer.parameters(), lr=lr)",
            "layer.parameters(), lr=0.01)",
        ),
        "parameters, not detached": (BACK, BACK.replace(".detach()", "")),
        "w of shape (1, D)": (BACK, BACK.replace("weight.detach().squeeze(0)", "weight.detach()")),
        "b of shape (1,)": (BACK, BACK.replace("bias.detach().squeeze(0)", "bias.detach()")),
        "no layer: the steps by hand": (
            "        layer = nn.Linear",
            "        return self.gradient_descent(X, y, lr, steps)\n        layer = nn.Linear",
        ),
        "500 steps at most": ("range(steps):\n" + LOSS, "range(min(steps, 500)):\n" + LOSS),
        "stops when the loss is small": (
            LOSS,
            LOSS + "            if loss < 1e-6:\n                break\n",
        ),
        "small normal weights": (
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
            "        nn.init.normal_(layer.weight, std=0.01)\n"
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
        ),
        "a bias of zero": (
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
            "        nn.init.zeros_(layer.bias)\n"
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
        ),
        "weights of zero": (
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
            "        nn.init.zeros_(layer.weight)\n"
            "        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)\n",
        ),
        "100 steps by default": (
            "    def nn_linear(\n"
            "        self, X: Tensor, y: Tensor, lr: float = 0.01, steps: int = 1000",
            "    def nn_linear(\n"
            "        self, X: Tensor, y: Tensor, lr: float = 0.01, steps: int = 100",
        ),
        "one step too few": ("range(steps):\n" + LOSS, "range(steps - 1):\n" + LOSS),
        "a seed set inside": (
            "        layer = nn.Linear",
            "        torch.manual_seed(0)\n        layer = nn.Linear",
        ),
    },
    "logistic": {
        "500 steps at most": ("range(self.steps)", "range(min(self.steps, 500))"),
        "l2 on the bias, too": (
            FIT_B,
            FIT_B.replace("error.mean()", "(error.mean() + self.l2 * self.b)"),
        ),
        "l2 ignored": (FIT_W, FIT_W.replace(" + self.l2 * self.w", "")),
        "l2 divided by N": (
            FIT_W,
            FIT_W.replace(
                "error / len(X) + self.l2 * self.w)", "error + self.l2 * self.w) / len(X)"
            ),
        ),
        "l2 twice": (FIT_W, FIT_W.replace("self.l2", "2 * self.l2")),
        "l2 pulls by the sign": (
            FIT_W,
            FIT_W.replace("self.l2 * self.w", "self.l2 * self.w.sign()"),
        ),
        "no division by N": (FIT_W, FIT_W.replace(" / len(X)", "")),
        "b moved by the sum": (FIT_B, FIT_B.replace("mean", "sum")),
        "w of the first fit, set to zero": (
            START,
            "        if hasattr(self, 'w'):\n"
            "            self.w.zero_(), self.b.zero_()\n"
            "        else:\n    " + START,
        ),
        "a second fit goes on": (START, "        if not hasattr(self, 'w'):\n    " + START),
        "b moved by errors after w has moved": (FIT_W, FIT_W + SLOPE),
        "squared error of the probabilities": (
            FIT_W,
            "            p = error + y\n            error = 2 * error * p * (1 - p)\n" + FIT_W,
        ),
        "errors of the classes, not of the probabilities": (
            SLOPE,
            SLOPE.replace("self.predict_proba(X)", "(self.predict_proba(X) > 0.5).to(y)"),
        ),
        "logits instead of probabilities": (PROBA, "X @ self.w + self.b"),
        "the probability of class 0": ("        return " + PROBA, "        return 1 - " + PROBA),
        "classes of 0 and 1": (
            "        return " + PROBA,
            "        return (" + PROBA + " > 0.5).to(X.dtype)",
        ),
        "two columns, one per class": (
            "        return " + PROBA,
            "        p = " + PROBA + "\n        return torch.stack([1 - p, p], dim=1)",
        ),
        "inf / inf at large logits": (
            PROBA,
            "(X @ self.w + self.b).exp() / (1 + (X @ self.w + self.b).exp())",
        ),
        "rows of one class alone refused": (
            START,
            "        if y.unique().numel() < 2:\n            raise ValueError('one class')\n"
            + START,
        ),
        "logits cut at 5": (PROBA, "torch.sigmoid((X @ self.w + self.b).clamp(-5, 5))"),
        "probabilities kept away from 0 and 1": (PROBA, PROBA + ".clamp(1e-7, 1 - 1e-7)"),
        "fit gives nothing": ("        return self\n", ""),
        "the rate of the default always": (FIT_B, FIT_B.replace("self.lr", "0.1")),
        "1000 steps always": ("range(self.steps)", "range(1000)"),
        "a penalty by default": ("l2: float = 0.0", "l2: float = 1.0"),
        "a tenth of the default steps": (
            "lr: float = 0.1, steps: int = 1000",
            "lr: float = 0.1, steps: int = 100",
        ),
    },
    "by_hand": {
        "descent by autograd": (
            "        w, b = X.new_zeros(X.shape[1]), X.new_zeros(())\n"
            "        for _ in range(steps):\n" + ERROR + MOVE_W + MOVE_B + "        return w, b\n",
            """\
        w = torch.zeros(X.shape[1], dtype=X.dtype, device=X.device, requires_grad=True)
        b = torch.zeros((), dtype=X.dtype, device=X.device, requires_grad=True)
        for _ in range(steps):
            loss = (X @ w + b - y).square().mean()
            gw, gb = torch.autograd.grad(loss, [w, b])
            with torch.no_grad():
                w -= lr * gw
                b -= lr * gb
        return w.detach(), b.detach()
""",
        ),
        "descent by torch.func.grad": (
            ERROR + MOVE_W + MOVE_B,
            """\
            both = torch.func.grad(lambda w, b: (X @ w + b - y).square().mean(), argnums=(0, 1))
            gw, gb = both(w, b)
            w, b = w - lr * gw, b - lr * gb
""",
        ),
        "fit leaves inference_mode for autograd": (
            SLOPE + FIT_W + FIT_B,
            """\
            with torch.inference_mode(False), torch.enable_grad():
                w, b = self.w.clone().requires_grad_(), self.b.clone().requires_grad_()
                loss = nn.functional.binary_cross_entropy_with_logits(X.clone() @ w + b, y.clone())
                gw, gb = torch.autograd.grad(loss + self.l2 / 2 * w.square().sum(), [w, b])
            self.w, self.b = (w - self.lr * gw).detach(), (b - self.lr * gb).detach()
""",
        ),
        "fit by autograd": (
            SLOPE + FIT_W + FIT_B,
            """\
            with torch.enable_grad():
                w, b = self.w.detach().requires_grad_(), self.b.detach().requires_grad_()
                loss = nn.functional.binary_cross_entropy_with_logits(X @ w + b, y)
                loss = loss + self.l2 / 2 * w.square().sum()
                gw, gb = torch.autograd.grad(loss, [w, b])
            self.w, self.b = (w - self.lr * gw).detach(), (b - self.lr * gb).detach()
""",
        ),
    },
    "rank": {
        "normal equations: singular": (
            PINV,
            "        solution = torch.linalg.solve(with_ones.T @ with_ones, with_ones.T @ y)\n",
        ),
        "the inverse of X^T X": (
            PINV,
            "        solution = torch.linalg.inv(with_ones.T @ with_ones) @ with_ones.T @ y\n",
        ),
        "a QR that wants full rank": (
            PINV,
            "        Q, R = torch.linalg.qr(with_ones)\n"
            "        solution = torch.linalg.inv(R) @ Q.T @ y\n",
        ),
        "ridge of 0.01 where it is singular": (
            PINV,
            "        A = with_ones.T @ with_ones\n"
            "        if torch.linalg.matrix_rank(A) < len(A):\n"
            "            A = A + 0.01 * torch.eye(len(A)).to(A)\n"
            "        solution = torch.linalg.solve(A, with_ones.T @ y)\n",
        ),
        "zeros where it is singular": (
            PINV,
            "        A = with_ones.T @ with_ones\n"
            "        if torch.linalg.matrix_rank(A) < len(A):\n"
            "            return X.new_zeros(X.shape[1]), y.mean()\n"
            "        solution = torch.linalg.solve(A, with_ones.T @ y)\n",
        ),
        "refused when N < D + 1": (
            PINV,
            "        if len(X) <= X.shape[1]:\n"
            "            raise ValueError('too few rows')\n" + PINV,
        ),
    },
    "types": {
        "computed in float32": (
            PINV,
            "        solution = (torch.linalg.pinv(with_ones.float()) @ y.float()).to(X.dtype)\n",
        ),
        "descent stops when a step is small": (
            MOVE_W,
            "            if (lr * 2 * X.T @ error / len(X)).abs().max() < 1e-6:\n"
            "                break\n" + MOVE_W,
        ),
        "fit stops when the gradient is small": (
            FIT_W,
            "            if (X.T @ error / len(X) + self.l2 * self.w).norm() < 1e-6:\n"
            "                break\n" + FIT_W,
        ),
        "descent from zeros of float32": (
            "        w, b = X.new_zeros(X.shape[1]), X.new_zeros(())\n"
            "        for _ in range(steps):\n",
            "        X, y = X.float(), y.float()\n"
            "        w, b = X.new_zeros(X.shape[1]), X.new_zeros(())\n"
            "        for _ in range(steps):\n",
        ),
        "a layer of float32": (LAYER, "nn.Linear(X.shape[1], 1, device=X.device)"),
        "a layer on the CPU": (LAYER, "nn.Linear(X.shape[1], 1, dtype=X.dtype)"),
        "integer y refused": (
            "    return y.to(X.dtype)\n",
            "    if not y.is_floating_point():\n"
            "        raise ValueError(f'{y.dtype}')\n"
            "    return y.to(X.dtype)\n",
        ),
        "bool y refused": (
            "    return y.to(X.dtype)\n",
            "    if y.dtype == torch.bool:\n"
            "        raise ValueError('bool')\n"
            "    return y.to(X.dtype)\n",
        ),
        "y centered in place": (
            PINV,
            "        mean = y.mean()\n        y -= mean\n"
            + PINV
            + "        solution[-1] += mean\n",
        ),
        "X centered in place": (
            "        with_ones =",
            "        X -= X.mean(dim=0)\n        with_ones =",
        ),
        "the rows scaled in place by the descent": (
            ERROR,
            ERROR + "            X.mul_(1)\n            X += 1e-9 * (len(X) == 8)\n",
        ),
        "probabilities of float32": (
            "        return " + PROBA,
            "        return " + PROBA + ".float()",
        ),
        "result always on the CPU": ("        return w, b\n", "        return w.cpu(), b.cpu()\n"),
    },
    "errors": {
        "no look at the shape": (SHAPES, "    if False:\n"),
        "y (N, 1) accepted": (SHAPES, "    y = y.squeeze(-1) if y.ndim == 2 else y\n" + SHAPES),
        "lengths compared alone": (SHAPES, "    if y.numel() != len(X):\n"),
        "one number for all rows accepted": (
            SHAPES,
            "    y = y.expand(len(X)) if y.numel() == 1 and y.ndim < 2 else y\n" + SHAPES,
        ),
        "an assert: no ValueError": (SHAPES, "    assert y.shape == X.shape[:1]\n" + SHAPES),
        "any labels accepted": (KINDS, "        if False:\n"),
        "labels above 1 refused alone": (KINDS, "        if (y > 1).any():\n"),
        "labels between 0 and 1 accepted": (KINDS, "        if not ((y >= 0) & (y <= 1)).all():\n"),
        "NaN accepted": (KINDS, "        if ((y != 0) & (y != 1) & ~y.isnan()).any():\n"),
        "the layer looks at no shape": (
            "        y = targets_of(X, y)\n        layer",
            "        y = y.to(X.dtype).reshape(-1)\n        layer",
        ),
    },
}

VARIANTS = {
    "lstsq of the centered columns": (
        "        with_ones = torch.cat([X, X.new_ones(len(X), 1)], dim=1)  # (N, D + 1)\n"
        + PINV
        + "        return solution[:-1], solution[-1]\n",
        """\
        x_mean, y_mean = X.mean(dim=0), y.mean()
        U, S, Vh = torch.linalg.svd(X - x_mean, full_matrices=False)
        keep = S > 1e-5 * S.max().clamp(min=1e-30)
        scaled = torch.where(keep, U.T @ (y - y_mean) / torch.where(keep, S, 1), 0)
        w = Vh.T @ scaled
        return w, y_mean - x_mean @ w
""",
    ),
    "columns (N, 1) throughout, flattened at the end": """
class LinearRegression(LinearRegression):
    def gradient_descent(self, X, y, lr=0.01, steps=1000):
        t = targets_of(X, y).reshape(-1, 1)
        N, D = X.shape
        A = torch.cat((X, torch.ones_like(X[:, :1])), dim=-1)
        theta = torch.zeros_like(A[:1]).T
        for _ in range(steps):
            theta = theta - 2 * lr / N * A.mT @ (A @ theta - t)
        return theta[:D, 0], theta[D, 0]
""",
    "a functional layer loop": """
class LinearRegression(LinearRegression):
    def nn_linear(self, X, y, lr=0.01, steps=1000):
        t = targets_of(X, y)
        model = nn.Sequential(nn.Linear(X.shape[-1], 1), nn.Flatten(0)).to(X)
        opt = torch.optim.SGD(model.parameters(), lr)
        criterion = nn.MSELoss()
        for step in range(steps):
            criterion(model(X), t).backward()
            opt.step()
            opt.zero_grad(set_to_none=False)
        weight, bias = (p.data for p in model.parameters())
        return weight[0], bias[0]
""",
    "lstsq for full rank, the pseudoinverse otherwise": (
        PINV,
        """\
        full = len(X) > X.shape[1] and torch.linalg.matrix_rank(with_ones) == with_ones.shape[1]
        if full:
            solution = torch.linalg.lstsq(with_ones, y[:, None]).solution[:, 0]
        else:
            solution = torch.linalg.lstsq(with_ones, y[:, None], driver="gelsd").solution[:, 0]
""",
    ),
    "logistic regression with einsum and a sigmoid by tanh": """
class LogisticRegression:
    def __init__(self, lr=0.1, steps=1000, l2=0.0):
        self.rate, self.count, self.decay = lr, steps, l2

    def fit(self, X, y):
        if y.shape != (len(X),) or not set(y.tolist()) <= {0, 1}:
            raise ValueError(y)
        y = y.to(X)
        w, b = torch.zeros_like(X[0]), torch.zeros_like(X[0, 0])
        for _ in range(self.count):
            self.w, self.b = w, b
            d = (self.predict_proba(X) - y) / len(y)
            w = w * (1 - self.rate * self.decay) - self.rate * torch.einsum("n,nd->d", d, X)
            b = b - self.rate * d.sum()
        self.w, self.b = w, b
        return self

    def predict_proba(self, X):
        return 0.5 * (1 + torch.tanh((self.b + X.matmul(self.w)) / 2))
""",
}
