"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "mix": {
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
        "roots removed": (
            "kept.sqrt().to(x0.dtype), (1 - kept).sqrt()",
            "kept.to(x0.dtype), (1 - kept)",
        ),
        "factors swapped": (
            "return signal * x0 + noise * epsilon",
            "return noise * x0 + signal * epsilon",
        ),
        "noise of its own": ("+ noise * epsilon", "+ noise * torch.randn_like(epsilon)"),
        "each column at another picture's step": (".view(-1, 1, 1, 1)", ""),
        "each picture at the step of the one before": (
            ".view(-1, 1, 1, 1)",
            ".roll(1).view(-1, 1, 1, 1)",
        ),
        "the table counted from the end": ("[t.to(device)]", "[-1 - t.to(device)]"),
        "the noise's factor 1 - signal": ("(1 - kept).sqrt()", "(1 - kept.sqrt())"),
        "the steps sorted": ("[t.to(device)]", "[t.sort().values.to(device)]"),
        "alpha_bar multiplied up again": (
            "alpha_bar.to(device)",
            "alpha_bar.cumprod(0).to(device)",
        ),
    },
    "kept": {
        "random numbers drawn and thrown away": (
            "    x0, epsilon =",
            "    torch.rand(1)\n    x0, epsilon =",
        ),
        "x0 detached": ("return signal * x0", "return signal * x0.detach()"),
        "x0 noised in place": (
            "x0, epsilon = x0.to(device), epsilon.to(device)",
            "x0, epsilon = x0.to(device), epsilon.to(device)\n    x0.data.mul_(0.5).mul_(2.01)",
        ),
        "the noise detached": ("noise * epsilon", "noise * epsilon.detach()"),
        "made under no_grad": (
            "    return signal",
            "    with torch.no_grad():\n        return signal",
        ),
        "x0 overwritten": (
            "    return signal * x0 + noise * epsilon",
            "    with torch.no_grad():\n        x0.mul_(signal)\n    return x0 + noise * epsilon",
        ),
    },
    "precision": {
        "cast before the roots": (".view(-1, 1, 1, 1)", ".view(-1, 1, 1, 1).to(x0.dtype)"),
        "result in the table's dtype": (
            "kept.sqrt().to(x0.dtype), (1 - kept).sqrt().to(x0.dtype)",
            "kept.sqrt(), (1 - kept).sqrt()",
        ),
        "all in float32": (
            "    return signal * x0 + noise * epsilon",
            "    return (signal.float() * x0 + noise.float() * epsilon).float()",
        ),
        "the table in half precision": (
            "alpha_bar.to(device)",
            "alpha_bar.to(device).half().to(alpha_bar.dtype)",
        ),
    },
    "device": {
        "table looked up where t is": (
            "alpha_bar.to(device)[t.to(device)]",
            "alpha_bar[t].to(device)",
        ),
        "table left where it was": (
            "alpha_bar.to(device)[t.to(device)]",
            "alpha_bar[t.to(device)].to(device)",
        ),
        "device forgotten": ("x0.to(device), epsilon.to(device)", "x0, epsilon"),
        "the result on x0's device": (
            "    x0, epsilon =",
            "    device = x0.device\n    x0, epsilon =",
        ),
        "moved at the end": (
            "    x0, epsilon = x0.to(device), epsilon.to(device)\n",
            "    where, device = device, x0.device\n",
        ),
    },
    "sizes": {
        "guards removed": (
            "if t.shape != x0.shape[:1] or epsilon.shape != x0.shape:",
            "if False:",
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
        "guards by assert": (
            "        raise ValueError(f",
            "        assert False, str(",
        ),
        "one step for all accepted": (
            "if t.shape != x0.shape[:1] or",
            "if len(t.shape) != 1 or len(t) not in (1, len(x0)) or",
        ),
    },
}

VARIANTS = {
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
    "roots of the table first": """
def make_x_t(x0, t, alpha_bar, epsilon, device):
    if t.shape != (x0.size(0),):
        raise ValueError("t")
    if epsilon.shape != x0.shape:
        raise ValueError("epsilon")
    x0, t, epsilon, table = (a.to(device) for a in (x0, t, epsilon, alpha_bar))
    a, b = table.sqrt()[t], (1 - table).sqrt()[t]
    a, b = a[:, None, None, None].to(x0), b[:, None, None, None].to(x0)
    return a * x0 + b * epsilon
""",
}
