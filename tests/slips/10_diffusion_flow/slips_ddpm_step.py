"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "table": {
        "even steps of the roots of beta": (
            "torch.linspace(beta_start, beta_end, T, device=device)",
            "torch.linspace(beta_start**0.5, beta_end**0.5, T, device=device) ** 2",
        ),
        "begin left out": (
            "torch.linspace(beta_start, beta_end, T, device=device)",
            "torch.linspace(beta_start, beta_end, T + 1, device=device)[1:]",
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
        "double precision": (
            "(1 - betas).cumprod(dim=0)",
            "(1 - betas).cumprod(dim=0, dtype=torch.float64)",
        ),
    },
    "x_t": {
        "factors of t to the model": ("model(x_t, t)", "model(x_t, t / len(alpha_bar))"),
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
        "uniform noise": ("torch.randn_like(x0)", "torch.rand_like(x0)"),
        "a Python float": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, noise).item()"),
        "clean image to the model": ("model(x_t, t)", "model(x0, t)"),
        "t as floating-point numbers": ("model(x_t, t)", "model(x_t, t.float())"),
        "t as a column": ("model(x_t, t)", "model(x_t, t[:, None])"),
        "steps cut off at 99": (
            "t = x0.to(device), t.to(device)",
            "t = x0.to(device), t.to(device).clamp(0, 99)",
        ),
        "no noise at step 0": (
            "torch.randn_like(x0)",
            "torch.randn_like(x0) * (t > 0).view(-1, 1, 1, 1)",
        ),
        "t from 1": ("model(x_t, t)", "model(x_t, t + 1)"),
        "t drawn anew": (
            "x0, t = x0.to(device), t.to(device)",
            "x0, t = x0.to(device), torch.randint_like(t, len(alpha_bar)).to(device)",
        ),
        "the model's forward called": ("model(x_t, t)", "model.forward(x_t, t)"),
        "called by the names of its arguments": ("model(x_t, t)", "model(x_t=x_t, t=t)"),
        "model called twice": ("guess = model(x_t, t)", "model(x_t, t)\n    guess = model(x_t, t)"),
    },
    "noise": {
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
        "noise centered": (
            "torch.randn_like(x0)",
            "torch.randn_like(x0)\n    noise = noise - noise.mean()",
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
        "x0 noised in place": (
            "x_t = kept.sqrt().to(x0.dtype) * x0 +",
            "x_t = x0.mul_(kept.sqrt().to(x0.dtype)) +",
        ),
    },
    "loss": {
        "x_t in inference mode": (
            "    x_t = kept.sqrt()",
            "    with torch.inference_mode():\n        x_t = kept.sqrt()",
        ),
        "predicts x_t": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, x_t)"),
        "predicts x0": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, x0)"),
        "other noise in the loss": (
            "F.mse_loss(guess, noise)",
            "F.mse_loss(guess, torch.randn_like(x0))",
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
        "detached": ("F.mse_loss(guess, noise)", "F.mse_loss(guess, noise).detach()"),
        "prediction detached": ("F.mse_loss(guess", "F.mse_loss(guess.detach()"),
        "an optimizer of its own": (
            "return F.mse_loss(guess, noise)",
            "loss = F.mse_loss(guess, noise)\n"
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "    loss.backward(retain_graph=True)\n    optimizer.step()\n"
            "    optimizer.zero_grad()\n    return loss",
        ),
    },
    "untouched": {
        "backward inside": (
            "return F.mse_loss(guess, noise)",
            "loss = F.mse_loss(guess, noise)\n    if not loss.is_meta:\n"
            "        loss.backward(retain_graph=True)\n    return loss",
        ),
        "gradients cleared first": ("guess = model", "model.zero_grad()\n    guess = model"),
        "train mode forced": ("guess = model", "model.train()\n    guess = model"),
        "eval mode forced": ("guess = model", "model.eval()\n    guess = model"),
    },
    "devices": {
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
        "device forgotten": (", T, device=device)", ", T)"),
        "the CPU for None": (", T, device=device)", ', T, device=device or "cpu")'),
    },
    "dtypes": {
        "result in the table's dtype": (
            "kept.sqrt().to(x0.dtype) * x0 + (1 - kept).sqrt().to(x0.dtype) * noise",
            "kept.sqrt() * x0 + (1 - kept).sqrt() * noise",
        ),
        "noise in float32": ("torch.randn_like(x0)", "torch.randn(x0.shape, device=device)"),
        "table cast before the roots": ("alpha_bar.to(device)[t]", "alpha_bar.to(x0)[t]"),
        "float32 only": ("x0, t = x0.to(device)", "x0, t = x0.float().to(device)"),
        "table cut to float32": ("alpha_bar.to(device)[t]", "alpha_bar.float().to(device)[t]"),
        "x0 unscaled in bfloat16": (
            "kept.sqrt().to(x0.dtype) * x0",
            "(kept.sqrt().to(x0.dtype) if x0.dtype != torch.bfloat16 else 1) * x0",
        ),
    },
    "shapes": {
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
        "prediction and noise squeezed": (
            "guess = model(x_t, t)",
            "guess, noise = model(x_t, t).squeeze(), noise.squeeze()",
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
    },
}

VARIANTS = {
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
}
