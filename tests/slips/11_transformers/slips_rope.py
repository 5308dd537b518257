"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

UNKNOWN = """\
    if kind not in ("linear", "ntk"):
        raise ValueError(f"scaling {kind!r}, want 'linear' or 'ntk'")
"""
ODD = "    if d % 2 or k.shape[-1] != d:\n"
NTK = (
    "        theta, s = theta * s ** (d / max(d - 2, 1)), 1.0  # one pair alone has rate 1 anyhow\n"
)
PAIRS = "    pairs = torch.arange(0, d, 2, dtype=torch.float64, device=q.device)\n"
RATES = "    rates = theta ** (-pairs / d) / s  # (D/2,)\n"
BOTH = "    return turned(q, positions, rates), turned(k, positions, rates)"
COUNT = "torch.arange(x.shape[-2], device=x.device)"
ANGLES = "    angles = positions[..., None] * rates  # (L, D/2) or (B, L, D/2), float64\n"
VIEW = """\
    if angles.dim() == 3:
        angles = angles.view(len(angles), *[1] * (x.dim() - 3), *angles.shape[1:])
"""
SPLIT = (
    "    a, b = x.to(torch.promote_types(x.dtype, torch.float32))"
    ".unflatten(-1, (-1, 2)).unbind(-1)\n"
)
COS = "    cos, sin = angles.cos().to(a.dtype), angles.sin().to(a.dtype)\n"
BACK = (
    "    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)"
)
ROWS = """\
    if len(weight) % (2 * num_heads):
        raise ValueError(f"{len(weight)} rows are not {num_heads} heads of an even size")
"""
HEADS = "    pairs = weight.unflatten(0, (num_heads, -1, 2))  # (H, d/2, 2, ...)\n"
NEW = "    return pairs.transpose(1, 2).flatten(0, 2)"


def back(first, second):
    return BACK, BACK.replace("a * cos - b * sin, a * sin + b * cos", f"{first}, {second}")


def rates(text):
    return RATES, f"    rates = {text}\n"


def before(line, text):
    return line, text + line


SLIPS = {
    "turn": {
        "features (i, i + D/2) as pairs": (
            SPLIT + COS + BACK,
            SPLIT.replace(".unflatten(-1, (-1, 2)).unbind(-1)", ".chunk(2, -1)")
            + COS
            + BACK.replace("torch.stack(", "torch.cat(").replace(".flatten(-2)", ""),
        ),
        "pairs read, halves written": (
            BACK,
            BACK.replace("torch.stack(", "torch.cat(").replace(".flatten(-2)", ""),
        ),
        "i / D for 2i / D": rates("theta ** (-pairs / 2 / d) / s"),
        "4i / D for 2i / D": rates("theta ** (-2 * pairs / d) / s"),
        "every feature its own angle": (
            PAIRS + RATES + BOTH,
            "    every = torch.arange(d, dtype=torch.float64, device=q.device)\n"
            "    rates = theta ** (-every / d) / s\n" + BOTH,
        ),
        "divided by D/2 - 1": rates("theta ** (-pairs / max(d - 2, 1)) / s"),
        "rates inverted": rates("theta ** (pairs / d) / s"),
        "the slowest pair first": rates("theta ** (-pairs / d).flip(0) / s"),
        "i from 1": rates("theta ** (-(pairs + 2) / d) / s"),
        "turned the other way": back("a * cos + b * sin", "b * cos - a * sin"),
        "both signs plus": back("a * cos + b * sin", "a * sin + b * cos"),
        "a and b swapped": back("a * sin + b * cos", "a * cos - b * sin"),
        "sine and cosine swapped": (COS, COS.replace("cos, sin =", "sin, cos =")),
        "only a is turned": back("a * cos - b * sin", "b"),
        "added, not turned": back("a + sin", "b + cos"),
        "positions from 1": (COUNT, f"({COUNT} + 1)"),
        "positions along the heads": (
            COUNT,
            "torch.arange(x.shape[1], device=x.device)[:, None]"
            " if x.dim() == 4 else torch.arange(x.shape[-2], device=x.device)",
        ),
        "positions along the batch": (
            COUNT,
            "torch.arange(x.shape[0], device=x.device)[:, None].expand(-1, x.shape[-2])"
            " if x.dim() > 2 else torch.arange(x.shape[-2], device=x.device)",
        ),
        "positions backward": (COUNT, f"{COUNT}.flip(0)"),
        "positions over the length": (COUNT, f"{COUNT} / x.shape[-2]"),
        "only q": (BOTH, BOTH.replace("turned(k, positions, rates)", "k")),
        "only k": (BOTH, BOTH.replace("turned(q, positions, rates)", "q")),
        "k turned back": (
            BOTH,
            BOTH.replace("turned(k, positions, rates)", "turned(k, positions, -rates)"),
        ),
        "k and q": (BOTH, "    return turned(k, positions, rates), turned(q, positions, rates)"),
        "q turned twice": (BOTH, BOTH.replace("turned(q,", "turned(turned(q, positions, rates),")),
        "half of the features": (
            BACK,
            "    n = a.shape[-1] // 2\n    cos[..., n:], sin[..., n:] = 1, 0\n" + BACK,
        ),
        "three pairs alone are turned": (
            BACK,
            "    cos[..., 3:], sin[..., 3:] = 1, 0\n" + BACK,
        ),
        "theta a whole number": rates("round(theta) ** (-pairs / d) / s"),
        "theta not used": rates("10000.0 ** (-pairs / d) / s"),
        "the length is not kept": back(
            "(a * cos - b * sin) / 2**0.5", "(a * sin + b * cos) / 2**0.5"
        ),
        "not three axes, not turned": before(ANGLES, "    if x.dim() < 3:\n        return x\n"),
        "the first sample for all": before(
            BACK, "    a, b = a[:1].expand_as(a), b[:1].expand_as(b)\n"
        ),
        "a batch axis is added": (BACK, f"{BACK}.view(-1, *x.shape[-2:])"),
    },
    "positions": {
        "given positions not used": (
            "    if positions is None:\n",
            "    if True:\n",
        ),
        "counted from the first of them": before(
            ANGLES,
            "    positions = positions[..., :1] + torch.arange(x.shape[-2], device=x.device)\n",
        ),
        "sorted": before(ANGLES, "    positions = positions.sort(-1).values\n"),
        "the first sample's row for all": before(
            ANGLES, "    positions = positions[0] if positions.dim() == 2 else positions\n"
        ),
        "the row of the last sample": before(
            ANGLES, "    positions = positions[-1] if positions.dim() == 2 else positions\n"
        ),
        "a row for each head, not each sample": (VIEW, ""),
        "a head axis at the front": (
            VIEW,
            "    if angles.dim() == 3 and x.dim() > 3:\n"
            "        angles = angles.view(*[1] * (x.dim() - 3), *angles.shape)\n",
        ),
        "always one axis for heads": (
            VIEW,
            "    if angles.dim() == 3 and x.dim() > 3:\n        angles = angles[:, None]\n",
        ),
        "always four axes": (
            VIEW,
            "    if angles.dim() == 3:\n        angles = angles[:, None]\n",
        ),
        "(B, L) as it stands in (L,)": before(
            ANGLES, "    positions = positions.flatten()[: x.shape[-2]]\n"
        ),
        "only q gets them": (BOTH, BOTH.replace("turned(k, positions", "turned(k, None")),
        "only k gets them": (BOTH, BOTH.replace("turned(q, positions", "turned(q, None")),
        "taken off the smallest": before(
            ANGLES, "    positions = positions - positions.amin(-1, keepdim=True)\n"
        ),
        "equal positions made different": before(
            ANGLES,
            "    positions = positions.unique().resize_(positions.shape)"
            " if positions.unique().numel() > 1 and positions.dim() == 1"
            " and x.shape[-2] > 1 else positions\n",
        ),
        "used as an index into a table of L rows": before(
            ANGLES, "    positions = positions.clamp(max=x.shape[-2] - 1)\n"
        ),
        "theta not used for given positions": before(
            PAIRS, "    theta = theta if positions is None else 10000.0\n"
        ),
        "angles of a call kept for the next of this size": (
            ANGLES,
            ANGLES + "    kept = turned.__dict__.setdefault('kept', {})\n"
            "    key = x.shape, positions.shape, x.device\n"
            "    angles = kept.setdefault(key, angles)\n",
        ),
        "squeezed": before(ANGLES, "    positions = positions.squeeze()\n"),
        "halves where positions are given": (
            BOTH,
            "    if positions is None:\n    " + BOTH + "\n"
            "    mixed = [t.unflatten(-1, (2, -1)).mT.flatten(-2) for t in (q, k)]\n"
            "    return tuple(turned(t, positions, rates) for t in mixed)",
        ),
        "modulo 16": before(
            "    if positions is None:\n",
            "    if positions is not None:\n        positions = positions % 16\n",
        ),
        "one new token is at position 0": before(
            ANGLES, "    positions = positions * (x.shape[-2] > 1)\n"
        ),
        "the transposed table where sizes allow": before(
            ANGLES,
            "    if positions.dim() == 2 and len(positions) == positions.shape[1]:\n"
            "        positions = positions.T\n",
        ),
    },
    "scaling": {
        "not used": (RATES, "    rates = theta ** (-pairs / d)\n"),
        "positions times s": rates("theta ** (-pairs / d) * s"),
        "theta divided by s": rates("(theta / s) ** (-pairs / d)"),
        "theta times s for ntk": (NTK, "        theta, s = theta * s, 1.0\n"),
        "ntk not used": (NTK, "        s = 1.0\n"),
        "ntk as linear": (NTK, "        pass\n"),
        "ntk and linear together": (NTK, NTK.replace(", 1.0", ", s")),
        "the root upside down": (NTK, NTK.replace("d / max(d - 2, 1)", "max(d - 2, 1) / d")),
        "s^(D / (D + 2))": (NTK, NTK.replace("max(d - 2, 1)", "(d + 2)")),
        "s^(D / (D - 1))": (NTK, NTK.replace("max(d - 2, 1)", "(d - 1)")),
        "s^((D - 2) / D)": (NTK, NTK.replace("(d / max(d - 2, 1))", "((d - 2) / d)")),
        "from 10000 whatever theta is": (NTK, NTK.replace("theta * s", "10000.0 * s")),
        "linear and ntk mixed up": (
            UNKNOWN,
            UNKNOWN + '    kind = {"linear": "ntk", "ntk": "linear"}[kind]\n',
        ),
        "only s above 1": (UNKNOWN, UNKNOWN + "    s = max(s, 1.0)\n"),
        "s a whole number": (UNKNOWN, UNKNOWN + "    s = round(s) or 1\n"),
        "only q": (
            BOTH,
            "    more = theta ** (-pairs / d) if scaling else rates\n"
            + BOTH.replace("turned(k, positions, rates)", "turned(k, positions, more)"),
        ),
        "linear not used for (B, L)": (
            RATES,
            "    s = 1.0 if positions is not None and positions.dim() == 2 else s\n" + RATES,
        ),
        "ntk not used for (B, L)": (
            NTK,
            NTK.replace(
                "theta * s **",
                "theta * (s if positions is None or positions.dim() == 1 else 1.0) **",
            ),
        ),
        "positions rounded": (
            RATES + BOTH,
            "    rates = theta ** (-pairs / d)\n"
            "    if s != 1:\n"
            "        n = torch.arange(q.shape[-2]) if positions is None else positions\n"
            "        positions = (n / s).floor()\n" + BOTH,
        ),
    },
    "layout": {
        "as it was": (NEW, "    return weight.clone()"),
        "back from halves to pairs": (
            HEADS,
            "    pairs = weight.unflatten(0, (num_heads, 2, -1))\n",
        ),
        "all heads as one": (HEADS, "    pairs = weight.unflatten(0, (1, -1, 2))\n"),
        "heads and features mixed up": (
            HEADS + NEW,
            "    pairs = weight.unflatten(0, (-1, num_heads, 2))\n"
            "    return pairs.permute(1, 2, 0, *range(3, pairs.dim())).flatten(0, 2)",
        ),
        "second halves first": (NEW, NEW.replace("transpose(1, 2)", "transpose(1, 2).flip(1)")),
        "columns, not rows": (
            HEADS + NEW,
            "    pairs = weight.mT.unflatten(0, (num_heads, -1, 2))\n"
            "    return pairs.transpose(1, 2).flatten(0, 2).mT"
            " if weight.dim() == 2 and len(weight) == weight.shape[1] else"
            " weight.unflatten(0, (num_heads, -1, 2)).transpose(1, 2).flatten(0, 2)",
        ),
        "a bias cannot be sorted": (
            NEW,
            "    pairs = pairs.view(num_heads, -1, 2, weight.shape[1])\n" + NEW,
        ),
        "in place": (
            NEW,
            "    weight.copy_(pairs.transpose(1, 2).flatten(0, 2).clone())\n    return weight",
        ),
        "one head only": (
            NEW,
            "    new = weight.clone()\n"
            "    new[: len(weight) // num_heads] = pairs[0].transpose(0, 1).flatten(0, 1)\n"
            "    return new",
        ),
        "heads stay an axis": (NEW, NEW.replace("flatten(0, 2)", "flatten(1, 2)")),
        "always float32": (NEW, f"{NEW}.float()"),
        "first and last as a pair": (
            NEW,
            "    new = pairs.transpose(1, 2).clone()\n    new[:, 1] = new[:, 1].flip(1)\n"
            "    return new.flatten(0, 2)",
        ),
    },
    "apart": {
        "k's numbers of heads must be q's": before(
            PAIRS, "    assert q.shape[:-2] == k.shape[:-2], 'other heads'\n"
        ),
        "k counted as q": before(
            BOTH, "    if positions is None:\n        positions = torch.arange(q.shape[-2])\n"
        ),
        "q counted as k": before(
            BOTH, "    if positions is None:\n        positions = torch.arange(k.shape[-2])\n"
        ),
        "q is the end of k": before(
            BOTH,
            "    if positions is None and q.shape[-2] < k.shape[-2]:\n"
            "        n = k.shape[-2]\n"
            "        at = torch.arange(n - q.shape[-2], n)\n"
            "        return turned(q, at, rates), turned(k, None, rates)\n",
        ),
        "k repeated to q's heads": (
            BOTH,
            "    if k.dim() == 4 and k.shape[1] < q.shape[1]:\n"
            "        k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)\n" + BOTH,
        ),
        "turned in one stack": (
            BOTH,
            "    return tuple(turned(torch.stack((q, k)), positions, rates)"
            " if positions is None or positions.dim() == 1 else"
            " torch.stack([turned(t, positions, rates) for t in (q, k)]))",
        ),
    },
    "precision": {
        "angles in float32": (PAIRS, PAIRS.replace("float64", "float32")),
        "angles in the dtype of q": (RATES, RATES + "    rates = rates.to(q.dtype)\n"),
        "rates rounded to float32": (RATES, RATES + "    rates = rates.float().double()\n"),
        "positions in the dtype of q": before(ANGLES, "    positions = positions.to(x.dtype)\n"),
        "angles rounded to float32": (ANGLES, ANGLES + "    angles = angles.float()\n"),
        "features rounded to float32": (
            BACK,
            "    a, b = a.float().to(a.dtype), b.float().to(b.dtype)\n" + BACK,
        ),
        "sine and cosine in float32": (COS, COS.replace("to(a.dtype)", "float().to(a.dtype)")),
        "out in float32": (
            BACK,
            BACK.replace(".to(x.dtype)", ".to(torch.promote_types(x.dtype, torch.float32))"),
        ),
        "out in float64": (
            BACK,
            BACK.replace(".to(x.dtype)", ".to(x.dtype).double()")
            + " if x.dtype != torch.float32 else "
            + BACK.replace("    return ", ""),
        ),
        "default positions in the dtype of x": (
            COUNT,
            COUNT.replace(")", ", dtype=x.dtype)"),
        ),
        "k with rates in float32": (BOTH, BOTH[:-1] + ".float())"),
        "k in the dtype of q": (
            BOTH,
            BOTH + ".to(q.dtype)",
        ),
        "float64 computed in float32": (
            SPLIT,
            SPLIT.replace("torch.promote_types(x.dtype, torch.float32)", "torch.float32"),
        ),
    },
    "inputs": {
        "no gradient": (SPLIT, SPLIT.replace("x.to(", "x.detach().to(")),
        "in place": (
            BACK,
            "    with torch.no_grad():\n        x += 0 * x + 1e-3\n        x -= 2e-3\n" + BACK,
        ),
        "positions changed": before(
            ANGLES,
            "    positions *= 1 + (positions.dim() == 2)\n"
            "    positions = positions // (1 + (positions.dim() == 2))\n",
        ),
        "float64 in place": (
            BACK,
            "    out = x.detach().double()\n"
            "    out[..., ::2] = (a * cos - b * sin).detach()\n" + BACK,
        ),
        "in place where no gradient is needed": before(
            SPLIT, "    if not torch.is_grad_enabled():\n        x.mul_(1.01)\n"
        ),
        "no gradient for k": (BOTH, BOTH.replace("turned(k,", "turned(k.detach(),")),
        "a gradient straight through, as if not turned": (
            BACK,
            f"{BACK}.sub(x).detach().add(x)",
        ),
        "a gradient turned the other way": (
            BACK,
            """\
    class Turn(torch.autograd.Function):
        @staticmethod
        def forward(_, a, b):
            return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)

        @staticmethod
        def backward(_, g):
            a, b = g.unflatten(-1, (-1, 2)).unbind(-1)
            return a * cos - b * sin, a * sin + b * cos

    return Turn.apply(a, b).to(x.dtype)""",
        ),
        "half of the gradient": back("a.detach() * cos - b * sin", "a * sin + b * cos"),
        "positions on the CPU": (COUNT, "torch.arange(x.shape[-2])"),
        "rates on the CPU": (PAIRS, PAIRS.replace(", device=q.device", "")),
        "contiguous only": before(SPLIT, "    x.view(-1)\n"),
    },
    "refused": {
        "an odd D for q": (ODD, "    if False:\n"),
        "an AssertionError": (ODD, "    assert d % 2 == 0\n" + ODD),
        "an odd D only without scaling": (
            ODD,
            ODD.replace("d % 2 or", "(d % 2 and not scaling) or"),
        ),
        "unknown scaling is none": (UNKNOWN, "    s = s if kind in ('linear', 'ntk') else 1.0\n"),
        "unknown scaling is linear": (UNKNOWN, ""),
        "a KeyError": (UNKNOWN, "    {'linear': 1, 'ntk': 2}[kind]\n"),
        "any upper and lower case": (UNKNOWN, "    kind = kind.lower()\n" + UNKNOWN),
        "any name with ntk in it": (
            UNKNOWN,
            '    kind = "ntk" if "ntk" in kind else kind\n' + UNKNOWN,
        ),
        "the beginning of a name": (
            UNKNOWN,
            UNKNOWN.replace(
                'kind not in ("linear", "ntk")',
                "not 'linear'.startswith(kind[:3]) and kind != 'ntk'",
            ),
        ),
        "rows of odd heads": (
            ROWS,
            ROWS.replace("(2 * num_heads)", "num_heads")
            + "    if len(weight) // num_heads % 2:\n        return weight.clone()\n",
        ),
        "rows that heads do not divide": (
            ROWS,
            "    num_heads = num_heads if len(weight) % (2 * num_heads) == 0 else 1\n"
            "    if len(weight) % 2:\n        raise ValueError\n",
        ),
        "a RuntimeError": (ROWS, ROWS.replace("ValueError", "RuntimeError")),
    },
}

VARIANTS = {
    "by complex numbers": """
def turned(x, positions, rates):
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    at = torch.arange(x.shape[-2], device=x.device) if positions is None else positions
    angles = at.double().unsqueeze(-1) * rates
    while angles.dim() > 2 and angles.dim() < x.dim():
        angles = angles.unsqueeze(1)
    turn = torch.complex(angles.cos(), angles.sin())
    pairs = torch.view_as_complex(x.to(wide).reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(pairs * turn.to(pairs.dtype)).flatten(-2).to(x.dtype)
""",
    "by slices, an empty result filled": (
        SPLIT + COS + BACK,
        "    out = torch.empty_like(x)\n"
        "    cos, sin = angles.cos(), angles.sin()\n"
        "    a, b = x[..., 0::2].double(), x[..., 1::2].double()\n"
        "    out[..., 0::2] = (a * cos - b * sin).to(x.dtype)\n"
        "    out[..., 1::2] = (a * sin + b * cos).to(x.dtype)\n"
        "    return out",
    ),
    "x cos + turned x sin, angles repeated": (
        SPLIT + COS + BACK,
        "    angles = angles.repeat_interleave(2, dim=-1)\n"
        "    wide = x.to(torch.promote_types(x.dtype, torch.float32))\n"
        "    other = torch.stack((-wide[..., 1::2], wide[..., ::2]), -1).flatten(-2)\n"
        "    cos, sin = (f(angles).to(wide.dtype) for f in (torch.cos, torch.sin))\n"
        "    return (wide * cos + other * sin).to(x.dtype)",
    ),
    "cosines in the dtype of x": (
        SPLIT + COS,
        "    a, b = x[..., ::2], x[..., 1::2]\n" + COS,
    ),
    "rows by an index": (
        HEADS + NEW,
        "    d = len(weight) // num_heads\n"
        "    order = [h * d + i for h in range(num_heads)\n"
        "             for i in (*range(0, d, 2), *range(1, d, 2))]\n"
        "    return weight[order]",
    ),
}
