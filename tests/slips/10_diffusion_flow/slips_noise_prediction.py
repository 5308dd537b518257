"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

FIRST = "h = F.silu(self.first(x_t) + shift)  # (N, hidden, H, W)"
MIDDLE = "h = F.silu(self.middle(h))"
SHIFT = "shift = self.embed(waves.to(x_t.dtype))[:, :, None, None]"
T_GUARD = "if t.shape != (N,):"

SLIPS = {
    "shapes": {
        "a padding that a single pixel has no neighbors for": (
            "self.first = nn.Conv2d(in_channels, hidden, kernel_size=3, padding=1)",
            "self.first = nn.Conv2d(\n"
            "            in_channels, hidden, kernel_size=3, padding=1, padding_mode='reflect'\n"
            "        )",
        ),
        "hidden channels returned": ("return self.last(h)", "return h"),
        "height and width swapped": ("return self.last(h)", "return self.last(h).transpose(2, 3)"),
        "BatchNorm": (
            "self.middle = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1)",
            "self.middle = nn.Sequential(\n"
            "            nn.Conv2d(hidden, hidden, kernel_size=3, padding=1),\n"
            "            nn.BatchNorm2d(hidden),\n"
            "        )",
        ),
        "unpadded": ("(hidden, in_channels, kernel_size=3, padding=1)", "(hidden, in_channels, 3)"),
        "stride 2 and back": (
            "return self.last(h)",
            "return F.interpolate(self.last(F.avg_pool2d(h, 2)), scale_factor=2)",
        ),
    },
    "parameters": {
        "weights cut off": ("self.embed(waves", "self.embed.requires_grad_(False)(waves"),
        "t ignored": (SHIFT, "shift = 0 * self.embed(waves.to(x_t.dtype))[:, :, None, None]"),
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
        "bias taken out again": (
            MIDDLE,
            "h = self.middle(h)\n        h = F.silu(h - h.mean(dim=(2, 3), keepdim=True))",
        ),
        "channels centered, which takes t out again": (
            FIRST,
            "h = self.first(x_t) + shift\n        h = F.silu(h - h.mean(dim=(2, 3), keepdim=True))",
        ),
        "infinite at t = 0": ("angles = t[:, None]", "angles = t.log()[:, None]"),
    },
    "samples": {
        "shift for the whole batch where N == W": (
            "h = F.silu(self.first(x_t) + shift)",
            "if len(t) == x_t.shape[-1] == shift.shape[1]:\n"
            "            shift = shift.transpose(0, 1)\n"
            "        h = F.silu(self.first(x_t) + shift)",
        ),
        "t of the first sample for all": (SHIFT, SHIFT.replace("[:, :,", "[:1, :,")),
        "mean of the batch's steps": (SHIFT, f"{SHIFT}.mean(dim=0, keepdim=True)"),
        "steps of the reversed batch": (SHIFT, f"{SHIFT}.flip(0)"),
        "steps sorted": ("angles = t[:, None]", "angles = t.sort().values[:, None]"),
        "SiLU in place on the input": ("self.first(x_t)", "self.first(F.silu(x_t, inplace=True))"),
        "dropout": (MIDDLE, f"{MIDDLE}\n        h = F.dropout(h, 0.1, self.training)"),
        "dropout at all times": (MIDDLE, f"{MIDDLE}\n        h = F.dropout(h, 0.1)"),
        "normalized over the batch": (MIDDLE, f"{MIDDLE}\n        h = h - h.mean(0, keepdim=True)"),
        "x_t scaled in place": ("if t.shape", "x_t.mul_(0.5)\n        if t.shape"),
        "t shifted in place": ("if t.shape", "t += 1\n        if t.shape"),
    },
    "time": {
        "waves of half turns": (
            "torch.logspace(0, -4, self.t_dim // 2, device=t.device)",
            "torch.pi * torch.arange(1, self.t_dim // 2 + 1, device=t.device)",
        ),
        "waves of whole turns": (
            "torch.logspace(0, -4, self.t_dim // 2, device=t.device)",
            "6.283185307179586 * torch.arange(1, self.t_dim // 2 + 1, device=t.device)",
        ),
        "only a hundred steps": ("angles = t[:, None]", "angles = t.clamp(max=99)[:, None]"),
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
        "ReLU on the result": ("return self.last(h)", "return self.last(h).relu()"),
        "t divided down to whole numbers": ("angles = t[:, None]", "angles = (t // 2)[:, None]"),
    },
    "mixing": {
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
        "x_t not used": ("self.first(x_t) + shift", "self.first(torch.ones_like(x_t)) + shift"),
    },
    "space": {
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
        "half the size and back": """
class NoisePredictionNet(NoisePredictionNet):
    def forward(self, x_t, t):
        out = super().forward(F.avg_pool2d(x_t, 2, ceil_mode=True), t)
        return F.interpolate(out, size=x_t.shape[2:])
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
    },
    "size": {
        "sigmoid on the result": ("return self.last(h)", "return self.last(h).sigmoid()"),
        "tanh on the result": ("return self.last(h)", "return self.last(h).tanh()"),
        "soft bound on the result": (
            "return self.last(h)",
            "return 10 * (self.last(h) / 10).tanh()",
        ),
        "result clamped": ("return self.last(h)", "return self.last(h).clamp(-5, 5)"),
        "result clamped far out": ("return self.last(h)", "return self.last(h).clamp(-30, 30)"),
    },
    "dtypes": {
        "t as a raw fraction": (
            "angles.sin(), angles.cos()], dim=1)",
            "angles, angles], dim=1) / 1000",
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
        "float32 whatever came": ("return self.last(h)", "return self.last(h).float()"),
    },
    "inputs": {
        "frequencies made on the CPU": (", device=t.device)", ', device="cpu")'),
    },
    "errors": {
        "t not looked at": (T_GUARD, "if False:"),
        "a single t for all": (T_GUARD, "if t.shape not in ((N,), (1,)):"),
        "0-dim t expanded": (T_GUARD, f"t = t.expand(N) if t.ndim == 0 else t\n        {T_GUARD}"),
        "0-dim t dies of IndexError": (T_GUARD, "if t.ndim > 1 or t.shape[0] != N:"),
        "0-dim t as a batch of one": (
            T_GUARD,
            "t = t.view(-1) if t.numel() == N == 1 else t\n        " + T_GUARD,
        ),
        "a batch of one repeated": (T_GUARD, "if t.shape != (N,) and N > 1:"),
    },
}

VARIANTS = {
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
}
