"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

FIRST = "h = F.silu(self.first(x_t) + shift)  # (N, hidden, H, W)"
MIDDLE = "h = F.silu(self.middle(h))"
SHIFT = "shift = self.embed(waves.to(x_t.dtype))[:, :, None, None]"
T_GUARD = "if t.shape != (N,):"

SLIPS = {
    "challenge_noise_prediction": {
        "t ignored": (SHIFT, "shift = 0 * self.embed(waves.to(x_t.dtype))[:, :, None, None]"),
        "t of the first sample for all": (SHIFT, SHIFT.replace("[:, :,", "[:1, :,")),
        "mean of the batch's steps": (SHIFT, f"{SHIFT}.mean(dim=0, keepdim=True)"),
        "steps of the reversed batch": (SHIFT, f"{SHIFT}.flip(0)"),
        "steps sorted": ("angles = t[:, None]", "angles = t.sort().values[:, None]"),
        "t as a raw fraction": (
            "angles.sin(), angles.cos()], dim=1)",
            "angles, angles], dim=1) / 1000",
        ),
        "waves of whole turns": (
            "torch.logspace(0, -4, self.t_dim // 2, device=t.device)",
            "6.283185307179586 * torch.arange(1, self.t_dim // 2 + 1, device=t.device)",
        ),
        "waves of half turns": (
            "torch.logspace(0, -4, self.t_dim // 2, device=t.device)",
            "torch.pi * torch.arange(1, self.t_dim // 2 + 1, device=t.device)",
        ),
        "a share of 1000 into an MLP": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.embed = nn.Sequential(
            nn.Linear(1, t_dim), nn.SiLU(), nn.Linear(t_dim, hidden)
        )

    def forward(self, x_t, t):
        if t.shape != x_t.shape[:1]:
            raise ValueError("t")
        shift = self.embed((t[:, None] / 1000).to(x_t.dtype))[:, :, None, None]
        h = F.silu(self.first(x_t) + shift)
        return self.last(F.silu(self.middle(h)))
""",
        "t cast to the image's dtype": ("angles = t[:, None]", "angles = t.to(x_t.dtype)[:, None]"),
        "rates in a buffer, cast with the model": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.register_buffer("rates", torch.logspace(0, -4, t_dim // 2))

    def forward(self, x_t, t):
        if t.shape != x_t.shape[:1]:
            raise ValueError("t")
        angles = t[:, None] * self.rates
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        h = F.silu(self.first(x_t) + self.embed(waves)[:, :, None, None])
        return self.last(F.silu(self.middle(h)))
""",
        "SiLU in place on the input": ("self.first(x_t)", "self.first(F.silu(x_t, inplace=True))"),
        "only a hundred steps": ("angles = t[:, None]", "angles = t.clamp(max=99)[:, None]"),
        "t only shifts the result": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.table = nn.Embedding(1000, t_dim)
        self.embed = nn.Linear(t_dim, in_channels)

    def forward(self, x_t, t):
        if t.shape != x_t.shape[:1]:
            raise ValueError("t")
        h = F.silu(self.middle(F.silu(self.first(x_t))))
        return self.last(h) + self.embed(self.table(t))[:, :, None, None]
""",
        "no nonlinearity": """
class NoisePredictionNet(NoisePredictionNet):
    def forward(self, x_t, t):
        silu, F.silu = F.silu, lambda x: x
        try:
            return super().forward(x_t, t)
        finally:
            F.silu = silu
""",
        "t in a column beside the image": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.embed = nn.Linear(t_dim, in_channels)
        self.table = nn.Embedding(1000, t_dim)

    def forward(self, x_t, t):
        if t.shape != x_t.shape[:1]:
            raise ValueError("t")
        column = self.embed(self.table(t))[:, :, None, None].expand(-1, -1, x_t.shape[2], 1)
        h = F.silu(self.middle(F.silu(self.first(torch.cat([x_t, column], dim=3)))))
        return self.last(h)[..., :-1]
""",
        "x_t not used": ("self.first(x_t) + shift", "self.first(torch.ones_like(x_t)) + shift"),
        "pixels alone": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.first = nn.Conv2d(in_channels, hidden, 1)
        self.middle = nn.Conv2d(hidden, hidden, 1)
        self.last = nn.Conv2d(hidden, in_channels, 1)
""",
        "pixels alone, but for group norm": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.first = nn.Sequential(nn.Conv2d(in_channels, hidden, 1), nn.GroupNorm(8, hidden))
        self.middle = nn.Sequential(nn.Conv2d(hidden, hidden, 1), nn.GroupNorm(8, hidden))
        self.last = nn.Conv2d(hidden, in_channels, 1)
""",
        "channels apart": """
class NoisePredictionNet(NoisePredictionNet):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__(in_channels, t_dim, hidden)
        self.one = NoisePredictionNet.__mro__[1](1, t_dim, hidden)
        del self.first, self.middle, self.last, self.embed

    def forward(self, x_t, t):
        return torch.cat([self.one(x, t) for x in x_t.split(1, dim=1)], dim=1)
""",
        "ReLU on the result": ("return self.last(h)", "return self.last(h).relu()"),
        "tanh on the result": ("return self.last(h)", "return self.last(h).tanh()"),
        "soft bound on the result": (
            "return self.last(h)",
            "return 10 * (self.last(h) / 10).tanh()",
        ),
        "result clamped": ("return self.last(h)", "return self.last(h).clamp(-5, 5)"),
        "result clamped far out": ("return self.last(h)", "return self.last(h).clamp(-30, 30)"),
        "hidden channels returned": ("return self.last(h)", "return h"),
        "float32 whatever came": ("return self.last(h)", "return self.last(h).float()"),
        "height and width swapped": ("return self.last(h)", "return self.last(h).transpose(2, 3)"),
        "dropout": (MIDDLE, f"{MIDDLE}\n        h = F.dropout(h, 0.1, self.training)"),
        "dropout at all times": (MIDDLE, f"{MIDDLE}\n        h = F.dropout(h, 0.1)"),
        "BatchNorm": (
            "self.middle = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1)",
            "self.middle = nn.Sequential(\n"
            "            nn.Conv2d(hidden, hidden, kernel_size=3, padding=1),\n"
            "            nn.BatchNorm2d(hidden),\n"
            "        )",
        ),
        "normalized over the batch": (MIDDLE, f"{MIDDLE}\n        h = h - h.mean(0, keepdim=True)"),
        "unpadded": ("(hidden, in_channels, kernel_size=3, padding=1)", "(hidden, in_channels, 3)"),
        "stride 2 and back": (
            "return self.last(h)",
            "return F.interpolate(self.last(F.avg_pool2d(h, 2)), scale_factor=2)",
        ),
        "weights cut off": ("self.embed(waves", "self.embed.requires_grad_(False)(waves"),
        "shift detached": (SHIFT, f"{SHIFT}.detach()"),
        "one layer never used": (MIDDLE, "h = F.silu(h)"),
        "hidden ignored": ("self.t_dim = t_dim", "self.t_dim, hidden = t_dim, 64"),
        "t_dim ignored": ("self.t_dim = t_dim", "self.t_dim = t_dim = 32"),
        "other defaults": ("t_dim: int = 32", "t_dim: int = 64"),
        "layers in a plain list": (
            "self.middle = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1)",
            "self.middles = [nn.Conv2d(hidden, hidden, kernel_size=3, padding=1)]\n"
            "        self.middle = lambda h: self.middles[0](h)",
        ),
        "frequencies made on the CPU": (", device=t.device)", ', device="cpu")'),
        "x_t scaled in place": ("if t.shape", "x_t.mul_(0.5)\n        if t.shape"),
        "t shifted in place": ("if t.shape", "t += 1\n        if t.shape"),
        "t not looked at": (T_GUARD, "if False:"),
        "a single t for all": (T_GUARD, "if t.shape not in ((N,), (1,)):"),
        "0-dim t expanded": (T_GUARD, f"t = t.expand(N) if t.ndim == 0 else t\n        {T_GUARD}"),
        "0-dim t dies of IndexError": (T_GUARD, "if t.ndim > 1 or t.shape[0] != N:"),
        "0-dim t as a batch of one": (
            T_GUARD,
            "t = t.view(-1) if t.numel() == N == 1 else t\n        " + T_GUARD,
        ),
        "bias taken out again": (
            MIDDLE,
            "h = self.middle(h)\n        h = F.silu(h - h.mean(dim=(2, 3), keepdim=True))",
        ),
        "a batch of one repeated": (T_GUARD, "if t.shape != (N,) and N > 1:"),
        "shift for the whole batch where N == W": (
            "h = F.silu(self.first(x_t) + shift)",
            "if len(t) == x_t.shape[-1] == shift.shape[1]:\n"
            "            shift = shift.transpose(0, 1)\n"
            "        h = F.silu(self.first(x_t) + shift)",
        ),
        "channels centered, which takes t out again": (
            FIRST,
            "h = self.first(x_t) + shift\n        h = F.silu(h - h.mean(dim=(2, 3), keepdim=True))",
        ),
        "t divided down to whole numbers": ("angles = t[:, None]", "angles = (t // 2)[:, None]"),
        "infinite at t = 0": ("angles = t[:, None]", "angles = t.log()[:, None]"),
    },
    "challenge_ddpm_step": {
        "alpha_bar broadcast over width": (".view(-1, 1, 1, 1)  # (N, 1, 1, 1)", ""),
        "alpha_bar on the channels": (".view(-1, 1, 1, 1)  #", ".view(1, -1, 1, 1)  #"),
        "broadcast where N == W": (
            "kept = alpha_bar.to(device)[t].view(-1, 1, 1, 1)",
            "kept = alpha_bar.to(device)[t]\n"
            "    kept = kept if len(kept) == x0.shape[-1] else kept.view(-1, 1, 1, 1)",
        ),
        "one step for the whole batch": ("[t].view(", "[t[:1]].view("),
        "index of the step before": ("[t].view(", "[t - 1].view("),
        "index from the end": ("[t].view(", "[-1 - t].view("),
        "a schedule of its own": ("alpha_bar.to(device)[t]", "get_alpha_bars(5).to(device)[t]"),
        "roots forgotten": (
            "kept.sqrt().to(x0.dtype) * x0 + (1 - kept).sqrt()",
            "kept.to(x0.dtype) * x0 + (1 - kept)",
        ),
        "root of the signal forgotten": ("kept.sqrt().to", "kept.to"),
        "root of the noise forgotten": ("(1 - kept).sqrt()", "(1 - kept)"),
        "factors swapped": (
            "x_t = kept.sqrt().to(x0.dtype) * x0 + (1 - kept).sqrt().to(x0.dtype) * noise",
            "x_t = (1 - kept).sqrt().to(x0.dtype) * x0 + kept.sqrt().to(x0.dtype) * noise",
        ),
        "1 - sqrt": ("(1 - kept).sqrt()", "(1 - kept.sqrt())"),
        "predicts x0": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, x0)"),
        "predicts x_t": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, x_t)"),
        "other noise in the loss": (
            "F.mse_loss(guess, noise)",
            "F.mse_loss(guess, torch.randn_like(x0))",
        ),
        "uniform noise": ("torch.randn_like(x0)", "torch.rand_like(x0)"),
        "uniform noise of variance 1": (
            "torch.randn_like(x0)",
            "(torch.rand_like(x0) * 2 - 1) * 3**0.5",
        ),
        "one noise for all samples": (
            "torch.randn_like(x0)",
            "torch.randn_like(x0[:1]).expand_as(x0)",
        ),
        "one noise for all channels": (
            "torch.randn_like(x0)",
            "torch.randn_like(x0[:, :1]).expand_as(x0)",
        ),
        "noise and its negative": (
            "noise = torch.randn_like(x0)",
            "half = torch.randn_like(x0[: (len(x0) + 1) // 2])\n"
            "    noise = torch.cat([half, -half])[: len(x0)]",
        ),
        "noise cut at 3": ("torch.randn_like(x0)", "torch.randn_like(x0).clamp(-3, 3)"),
        "a seed of its own": (
            "noise = torch.randn_like(x0)",
            "torch.manual_seed(0)\n    noise = torch.randn_like(x0)",
        ),
        "a generator of its own": (
            "noise = torch.randn_like(x0)",
            "g = torch.Generator()\n    g.seed()\n"
            "    noise = torch.randn(x0.shape, generator=g).to(x0)",
        ),
        "sum": ("F.mse_loss(guess, noise)", 'F.mse_loss(guess, noise, reduction="sum")'),
        "one loss a sample": (
            "F.mse_loss(guess, noise)",
            '(F.mse_loss(guess, noise, reduction="none").mean(dim=(1, 2, 3)))',
        ),
        "sum over a sample, mean over the batch": (
            "F.mse_loss(guess, noise)",
            'F.mse_loss(guess, noise, reduction="sum") / len(x0)',
        ),
        "absolute error": ("F.mse_loss(guess", "F.l1_loss(guess"),
        "weighted by the signal": (
            "F.mse_loss(guess, noise)",
            "(kept * (guess - noise) ** 2).mean()",
        ),
        "a Python float": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, noise).item()"),
        "detached": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, noise).detach()"),
        "prediction detached": ("F.mse_loss(guess", "F.mse_loss(guess.detach()"),
        "backward inside": (
            "return F.mse_loss(guess, noise)",
            "loss = F.mse_loss(guess, noise)\n    if not loss.is_meta:\n"
            "        loss.backward(retain_graph=True)\n    return loss",
        ),
        "an optimizer of its own": (
            "return F.mse_loss(guess, noise)",
            "loss = F.mse_loss(guess, noise)\n"
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "    loss.backward(retain_graph=True)\n    optimizer.step()\n"
            "    optimizer.zero_grad()\n    return loss",
        ),
        "clean image to the model": ("model(x_t, t)", "model(x0, t)"),
        "factors of t to the model": ("model(x_t, t)", "model(x_t, t / len(alpha_bar))"),
        "t from 1": ("model(x_t, t)", "model(x_t, t + 1)"),
        "t drawn anew": (
            "x0, t = x0.to(device), t.to(device)",
            "x0, t = x0.to(device), torch.randint_like(t, len(alpha_bar)).to(device)",
        ),
        "the model's forward called": ("model(x_t, t)", "model.forward(x_t, t)"),
        "called by the names of its arguments": ("model(x_t, t)", "model(x_t=x_t, t=t)"),
        "gradients cleared first": ("guess = model", "model.zero_grad()\n    guess = model"),
        "model called twice": ("guess = model(x_t, t)", "model(x_t, t)\n    guess = model(x_t, t)"),
        "train mode forced": ("guess = model", "model.train()\n    guess = model"),
        "eval mode forced": ("guess = model", "model.eval()\n    guess = model"),
        "t left where it was": ("t = x0.to(device), t.to(device)", "t = x0.to(device), t"),
        "x0 left where it was": ("t = x0.to(device), t.to(device)", "t = x0, t.to(device)"),
        "table left where it was": ("alpha_bar.to(device)[t]", "alpha_bar[t]"),
        "table left where it was, its entries moved": (
            "alpha_bar.to(device)[t]",
            "alpha_bar[t].to(device)",
        ),
        "table looked up where t is": (
            "x0, t = x0.to(device), t.to(device)\n    kept = alpha_bar.to(device)[t]",
            "kept = alpha_bar[t].to(device)\n    x0, t = x0.to(device), t.to(device)\n"
            "    kept = kept",
        ),
        "x0 noised in place": (
            "x_t = kept.sqrt().to(x0.dtype) * x0 +",
            "x_t = x0.mul_(kept.sqrt().to(x0.dtype)) +",
        ),
        "result in the table's dtype": (
            "kept.sqrt().to(x0.dtype) * x0 + (1 - kept).sqrt().to(x0.dtype) * noise",
            "kept.sqrt() * x0 + (1 - kept).sqrt() * noise",
        ),
        "table cast before the roots": ("alpha_bar.to(device)[t]", "alpha_bar.to(x0)[t]"),
        "float32 only": ("x0, t = x0.to(device)", "x0, t = x0.float().to(device)"),
        "table cut to float32": ("alpha_bar.to(device)[t]", "alpha_bar.float().to(device)[t]"),
        "t not looked at": ("if t.shape != x0.shape[:1]:", "if False:"),
        "only the length of t": ("if t.shape != x0.shape[:1]:", "if len(t) != len(x0):"),
        "a single t for all": ("if t.shape != x0.shape[:1]:", "if len(t) not in (1, len(x0)):"),
        "0-dim t expanded": (
            "if t.shape != x0.shape[:1]:",
            "t = t.expand(len(x0)) if t.ndim == 0 else t\n    if t.shape != x0.shape[:1]:",
        ),
        "0-dim t dies of IndexError": (
            "if t.shape != x0.shape[:1]:",
            "if t.ndim > 1 or t.shape[0] != len(x0):",
        ),
        "t squeezed": (
            "if t.shape != x0.shape[:1]:",
            "t = t[0] if t.ndim == 2 and len(t) == 1 else t\n    if t.shape != x0.shape[:1]:",
        ),
        "prediction reshaped": (
            "if guess.shape != noise.shape:",
            "guess = guess.reshape(noise.shape)\n    if guess.shape != noise.shape:",
        ),
        "prediction's size alone": (
            "if guess.shape != noise.shape:",
            "guess, noise = guess.flatten(), noise.flatten()\n    if guess.shape != noise.shape:",
        ),
        "prediction not looked at": ("if guess.shape != noise.shape:", "if False:"),
        "prediction's batch alone": (
            "if guess.shape != noise.shape:",
            "if len(guess) != len(noise):",
        ),
        "even steps of the roots of beta": (
            "torch.linspace(beta_start, beta_end, T, device=device)",
            "torch.linspace(beta_start**0.5, beta_end**0.5, T, device=device) ** 2",
        ),
        "end left out": (
            "torch.linspace(beta_start, beta_end, T, device=device)",
            "beta_start + (beta_end - beta_start) / T * torch.arange(T, device=device)",
        ),
        "no product": ("(1 - betas).cumprod(dim=0)", "1 - betas"),
        "sum for product": ("(1 - betas).cumprod(dim=0)", "1 - betas.cumsum(dim=0)"),
        "exponential of the sum": ("(1 - betas).cumprod(dim=0)", "torch.exp(-betas.cumsum(dim=0))"),
        "root of the table": (".cumprod(dim=0)", ".cumprod(dim=0).sqrt()"),
        "betas multiplied": ("(1 - betas).cumprod(dim=0)", "1 - betas.cumprod(dim=0)"),
        "one entry more": (
            "(1 - betas).cumprod(dim=0)",
            "torch.cat([betas.new_ones(1), (1 - betas).cumprod(dim=0)])",
        ),
        "shifted by one step": (
            "(1 - betas).cumprod(dim=0)",
            "torch.cat([betas.new_ones(1), (1 - betas).cumprod(dim=0)])[:-1]",
        ),
        "device forgotten": (", T, device=device)", ", T)"),
        "the CPU for None": (", T, device=device)", ', T, device=device or "cpu")'),
        "x0 unscaled in bfloat16": (
            "kept.sqrt().to(x0.dtype) * x0",
            "(kept.sqrt().to(x0.dtype) if x0.dtype != torch.bfloat16 else 1) * x0",
        ),
        "double precision": (
            "(1 - betas).cumprod(dim=0)",
            "(1 - betas).cumprod(dim=0, dtype=torch.float64)",
        ),
    },
    "buggy_code_1": {
        "factors on the channels": (".view(-1, 1, 1, 1)", ".view(1, -1, 1, 1)"),
        "factors on the height": (".view(-1, 1, 1, 1)", ".view(1, 1, -1, 1)"),
        "two trailing dims": (".view(-1, 1, 1, 1)", ".view(-1, 1, 1)"),
        "only where N == W": (
            "[t.to(device)].view(-1, 1, 1, 1)",
            "[t.to(device)]\n    kept = kept.view(-1, 1, 1, 1) if len(t) == x0.shape[-1] else kept",
        ),
        "transposed there and back": """
def make_x_t(x0, t, alpha_bar, epsilon, device):
    if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:
        raise ValueError("shapes")
    x0, epsilon = x0.to(device).transpose(0, 2), epsilon.to(device).transpose(0, 2)
    kept = alpha_bar.to(device)[t.to(device)]
    signal, noise = kept.sqrt().to(x0.dtype), (1 - kept).sqrt().to(x0.dtype)
    return (signal * x0 + noise * epsilon).transpose(0, 2)
""",
        "N == W refused": (
            "if t.shape != x0.shape[:1] or",
            "if len(t) == x0.shape[-1] or t.shape != x0.shape[:1] or",
        ),
        "one step for the whole batch": ("[t.to(device)].view(", "[t[:1].to(device)].view("),
        "mean of the steps": (".view(-1, 1, 1, 1)", ".mean()"),
        "guards removed": (
            "if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:",
            "if False:",
        ),
        "table looked up where t is": (
            "alpha_bar.to(device)[t.to(device)]",
            "alpha_bar[t].to(device)",
        ),
        "table left where it was": (
            "alpha_bar.to(device)[t.to(device)]",
            "alpha_bar[t.to(device)].to(device)",
        ),
        "only the length of t": ("if t.shape != x0.shape[:1] or", "if len(t) != len(x0) or"),
        "only the size of t": ("if t.shape != x0.shape[:1] or", "if t.numel() != len(x0) or"),
        "only epsilon's batch": ("epsilon.shape != x0.shape:", "len(epsilon) != len(x0):"),
        "epsilon reshaped": (
            "if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:",
            "if epsilon.numel() == x0.numel():\n        epsilon = epsilon.reshape(x0.shape)\n"
            "    if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:",
        ),
        "epsilon not looked at": (" or epsilon.shape != x0.shape:", ":"),
        "t not looked at": ("if t.shape != x0.shape[:1] or epsilon", "if epsilon"),
        "roots removed": (
            "kept.sqrt().to(x0.dtype), (1 - kept).sqrt()",
            "kept.to(x0.dtype), (1 - kept)",
        ),
        "factors swapped": (
            "return signal * x0 + noise * epsilon",
            "return noise * x0 + signal * epsilon",
        ),
        "noise of its own": ("+ noise * epsilon", "+ noise * torch.randn_like(epsilon)"),
        "random numbers drawn and thrown away": (
            "    x0, epsilon =",
            "    torch.rand(1)\n    x0, epsilon =",
        ),
        "cast before the roots": (".view(-1, 1, 1, 1)", ".view(-1, 1, 1, 1).to(x0.dtype)"),
        "result in the table's dtype": (
            "kept.sqrt().to(x0.dtype), (1 - kept).sqrt().to(x0.dtype)",
            "kept.sqrt(), (1 - kept).sqrt()",
        ),
        "device forgotten": ("x0.to(device), epsilon.to(device)", "x0, epsilon"),
        "detached": ("return signal * x0", "return signal * x0.detach()"),
        "x0 noised in place": (
            "x0, epsilon = x0.to(device), epsilon.to(device)",
            "x0, epsilon = x0.to(device), epsilon.to(device)\n    x0.data.mul_(0.5).mul_(2.01)",
        ),
    },
}

VARIANTS = {
    "challenge_noise_prediction": {
        "a table, group norm, scale and shift, residual, start at zero": """
class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__()
        self.table = nn.Embedding(1000, t_dim)
        self.time = nn.Sequential(nn.Linear(t_dim, 64), nn.ReLU(), nn.Linear(64, 2 * hidden))
        self.inlet = nn.Conv2d(in_channels, hidden, 3, padding=1)
        self.norm = nn.GroupNorm(4, hidden)
        self.block = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.outlet = nn.Conv2d(hidden, in_channels, 1)
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def forward(self, x_t, t):
        if t.ndim != 1 or t.size(0) != x_t.size(0):
            raise ValueError("one step a sample")
        scale, shift = self.time(self.table(t)).unflatten(1, (2, -1, 1, 1)).unbind(1)
        h = self.inlet(x_t)
        h = h + self.block(torch.relu(self.norm(h) * (1 + scale) + shift))
        return self.outlet(torch.relu(h))
""",
        "steps as more channels": """
class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__()
        half = t_dim // 2
        self.register_buffer("rates", torch.tensor([10000 ** (-i / half) for i in range(half)]))
        self.net = nn.Sequential(
            nn.Conv2d(in_channels + t_dim, hidden, 3, padding=1), nn.GELU(),
            nn.Conv2d(hidden, hidden, 3, padding=1), nn.GELU(),
            nn.Conv2d(hidden, in_channels, 3, padding=1),
        )

    def forward(self, x_t, t):
        N, C, H, W = x_t.shape
        if t.shape != (N,):
            raise RuntimeError("t")
        angles = torch.outer(t.float(), self.rates.float())
        waves = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).to(x_t.dtype)
        return self.net(torch.cat([x_t, waves.view(N, -1, 1, 1).expand(N, -1, H, W)], dim=1))
""",
        "group norm of eight groups, ReLU, a residual to the input": """
class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__()
        self.half = t_dim // 2
        self.mlp = nn.Sequential(nn.Linear(t_dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.convs = nn.ModuleList(
            nn.Conv2d(a, hidden, 3, padding=1) for a in (in_channels, hidden, hidden)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(8, hidden) for _ in range(3))
        self.out = nn.Conv2d(hidden, in_channels, 3, padding=1)

    def forward(self, x_t, t):
        if t.dim() != 1 or len(t) != len(x_t):
            raise ValueError("t")
        rates = torch.exp(
            torch.arange(self.half, device=t.device) * (-9.21 / max(self.half - 1, 1))
        )
        angles = t.float().unsqueeze(1) * rates
        e = self.mlp(torch.cat((angles.cos(), angles.sin()), 1).to(self.out.weight.dtype))
        h = x_t
        for conv, norm in zip(self.convs, self.norms, strict=True):
            h = torch.relu(norm(conv(h))) + e[:, :, None, None]
        return x_t + self.out(h)
""",
        "a small U-Net": """
class NoisePredictionNet(nn.Module):
    def __init__(self, in_channels, t_dim=32, hidden=64):
        super().__init__()
        self.table = nn.Embedding(1000, t_dim)
        self.time = nn.Linear(t_dim, hidden)
        self.top = nn.Conv2d(in_channels, hidden, 3, padding=1)
        self.down = nn.Conv2d(hidden, 2 * hidden, 3, stride=2, padding=1)
        self.up = nn.Conv2d(2 * hidden, hidden, 3, padding=1)
        self.out = nn.Conv2d(2 * hidden, in_channels, 3, padding=1)

    def forward(self, x_t, t):
        if t.shape != x_t.shape[:1]:
            raise ValueError("t")
        a = F.gelu(self.top(x_t) + self.time(self.table(t))[..., None, None])
        b = F.gelu(self.down(a))
        b = F.gelu(self.up(F.interpolate(b, size=x_t.shape[-2:])))
        return self.out(torch.cat([a, b], dim=1))
""",
    },
    "challenge_ddpm_step": {
        "table looked up where it is": (
            "alpha_bar.to(device)[t].view(-1, 1, 1, 1)",
            "alpha_bar[t.to(alpha_bar.device)].to(device)[:, None, None, None]",
        ),
        "table made a list": (
            "alpha_bar.to(device)[t].view(-1, 1, 1, 1)",
            "torch.tensor([[[[alpha_bar.tolist()[s]]]] for s in t.tolist()], dtype=alpha_bar.dtype)"
            ".to(device)",
        ),
        "sample by sample, in float64": """
def get_alpha_bars(T=100, beta_start=1e-4, beta_end=0.02, device=None):
    kept, table = 1.0, []
    for s in range(T):
        kept *= 1 - (beta_start + (beta_end - beta_start) * s / max(T - 1, 1))
        table.append(kept)
    return torch.tensor(table, dtype=torch.float32, device=device)

def ddpm_train_step(model, x0, t, alpha_bar, device):
    if t.shape != (len(x0),):
        raise RuntimeError("t")
    x0, t, alpha_bar = x0.to(device), t.to(device), alpha_bar.to(device).double()
    noise = torch.empty_like(x0, memory_format=torch.contiguous_format).normal_()
    rows = []
    for i in range(len(x0)):
        a = alpha_bar[t[i : i + 1]]
        rows.append((a**0.5).to(x0.dtype) * x0[i] + ((1 - a) ** 0.5).to(x0.dtype) * noise[i])
    guess = model(torch.stack(rows), t)
    if guess.shape != x0.shape:
        raise RuntimeError("guess")
    return (guess - noise).square().mean()
""",
        "whole mix in float64, loss in float32": """
def get_alpha_bars(T=100, beta_start=1e-4, beta_end=0.02, device=None):
    betas = torch.linspace(beta_start, beta_end, T, dtype=torch.float64, device=device)
    return torch.exp(torch.log1p(-betas).cumsum(0)).float()

def ddpm_train_step(model, x0, t, alpha_bar, device):
    if t.shape != x0.shape[:1]:
        raise ValueError("t")
    x0, t, a = x0.to(device), t.to(device), alpha_bar.to(device).index_select(0, t.to(device))
    noise = torch.randn(x0.shape, device=device, dtype=x0.dtype)
    mix = lambda f, x: torch.einsum("n,nchw->nchw", f.sqrt().double(), x.double())
    guess = model((mix(a, x0) + mix(1 - a, noise)).to(x0.dtype), t)
    if guess.size() != noise.size():
        raise ValueError("guess")
    error = guess - noise
    error = error if error.dtype == torch.float64 else error.float()
    return (error * error).sum() / error.numel()
""",
    },
    "buggy_code_1": {
        "indexed with None": (".view(-1, 1, 1, 1)", "[:, None, None, None]"),
        "dims of both factors": (
            "return signal * x0 + noise * epsilon",
            "signal, noise = (f.reshape(-1, 1, 1, 1) for f in (signal, noise))\n"
            "    return signal * x0 + noise * epsilon",
        ),
        "named dims": (
            "return signal * x0 + noise * epsilon",
            'signal, noise = signal.flatten(), noise.flatten()\n    f = "n,nchw->nchw"\n'
            "    return torch.einsum(f, signal, x0) + torch.einsum(f, noise, epsilon)",
        ),
        "sample by sample": """
def make_x_t(x0, t, alpha_bar, epsilon, device):
    if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:
        raise ValueError("shapes")
    kept = alpha_bar[t.to(alpha_bar.device)].tolist()
    rows = [k**0.5 * x + (1 - k) ** 0.5 * e for k, x, e in zip(kept, x0, epsilon, strict=True)]
    return torch.stack(rows).to(device)
""",
    },
}
