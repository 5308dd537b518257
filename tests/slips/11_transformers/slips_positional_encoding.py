"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

RATES = "10000.0 ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)"
STACK = "torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).float()"
CAT = "torch.cat((rows, columns), dim=-1)"
SLOPES = "2.0 ** (-8 * torch.arange(1, num_heads + 1) / num_heads)"
QUERIES = "torch.arange(k_len - q_len, k_len)"
BIAS = "-slopes[:, None, None] * distances"
ODD = """\
    if d_model % 2:
        raise ValueError(f"d_model {d_model} is odd")
"""
FOUR = """\
    if d_model % 4:
        raise ValueError(f"d_model {d_model} is no multiple of 4")
"""
FEW = """\
    if q_len > k_len:
        raise ValueError(f"{q_len} queries are the last positions of {k_len} keys")
"""
EACH = """
def sinusoidal_pe(seq_len, d_model):
    if d_model % 2:
        raise ValueError
    pe = torch.zeros(seq_len, d_model)
    for f in range(d_model):
        angles = torch.arange(seq_len) * 10000.0 ** (-{} / d_model)
        pe[:, f] = angles.cos() if f % 2 else angles.sin()
    return pe
"""
GRID = """
def sinusoidal_pe_2d(height, width, d_model):
    if d_model % 4:
        raise ValueError
    pe = torch.zeros(height, width, d_model)
    {}
    return pe
"""
SLOW = """
def alibi_bias(num_heads, q_len, k_len):
    if q_len > k_len:
        raise ValueError
    slopes = [2.0 ** (-8 * (h + 1) / num_heads) for h in range(num_heads)]
    {}
    return torch.tensor(rows).view(num_heads, q_len, k_len)
"""

SLIPS = {
    "sines": {
        "rates by i / D for 2i / D": (
            RATES,
            RATES.replace(", 2, ", ", 1, ").replace("d_model, 1,", "d_model // 2, 1,"),
        ),
        "rates by 4i / D": (RATES, RATES.replace("(-torch", "(-2 * torch")),
        "every feature its own rate": EACH.format("f"),
        "i counts the features, 2i / D for each": EACH.format("2 * f"),
        "sines and cosines as two halves": (
            STACK,
            "torch.cat((angles.sin(), angles.cos()), dim=-1).float()",
        ),
        "cosine first": (
            STACK,
            STACK.replace("(angles.sin(), angles.cos())", "(angles.cos(), angles.sin())"),
        ),
        "sines only": (STACK, STACK.replace("cos", "sin")),
        "positions from 1": (
            "torch.arange(seq_len)[:, None]",
            "torch.arange(1, seq_len + 1)[:, None]",
        ),
        "base 1000": (RATES, RATES.replace("10000.0", "1000.0")),
        "rates inverted": (RATES, RATES.replace("(-torch", "(torch")),
        "the last rate is exactly 1 / 10000": (
            RATES,
            "10000.0 ** (-torch.arange(d_model // 2, dtype=torch.float64)"
            " / max(d_model // 2 - 1, 1))",
        ),
        "log of base 10": (
            RATES,
            "torch.exp(-torch.arange(0, d_model, 2, dtype=torch.float64)"
            " * torch.tensor(10000.0).log10() / d_model)",
        ),
        "a batch axis": (STACK, f"{STACK}[None]"),
        "transposed": (STACK, f"{STACK}.T"),
        "float64 out": (STACK, STACK.replace(".float()", "")),
        "with a gradient, as if it were trained": (STACK, f"{STACK}.requires_grad_()"),
        "scaled by the root of D": (STACK, f"{STACK} / d_model**0.5"),
        "a table of 5,000 positions, cut": (
            "torch.arange(seq_len)[:, None]",
            "torch.arange(5000)[:seq_len, None]",
        ),
        "positions in units of the length": (
            "torch.arange(seq_len)[:, None]",
            "(torch.arange(seq_len) / max(seq_len, 1))[:, None]",
        ),
    },
    "grid": {
        "rows and columns swapped": (CAT, "torch.cat((columns, rows), dim=-1)"),
        "axes swapped": (CAT, "torch.cat((rows, columns), dim=-1).transpose(0, 1)"),
        "the sum of both": (
            CAT,
            "sinusoidal_pe(height, d_model)[:, None] + sinusoidal_pe(width, d_model)",
        ),
        "half of an encoding of D features": (
            CAT,
            "torch.cat((sinusoidal_pe(height, d_model)[:, None, : d_model // 2].expand("
            "-1, width, -1), sinusoidal_pe(width, d_model)[:, : d_model // 2].expand("
            "height, -1, -1)), dim=-1)",
        ),
        "rows and columns interleaved": (
            CAT,
            "torch.stack((rows, columns), dim=-1).flatten(2)",
        ),
        "in 2-D with a gradient, as if it were trained": (CAT, f"{CAT}.requires_grad_()"),
        "rows twice": (CAT, "torch.cat((rows, rows), dim=-1)"),
        "one axis for all patches": (CAT, f"{CAT}.flatten(0, 1)"),
        "patches numbered one by one": (
            CAT,
            "sinusoidal_pe(height * width, d_model).view(height, width, d_model)",
        ),
        "columns counted from the right": (CAT, "torch.cat((rows, columns.flip(1)), dim=-1)"),
        "features first": (CAT, f"{CAT}.permute(2, 0, 1)"),
        "sines of both, then cosines of both": (
            CAT,
            "torch.cat([t[..., f::2] for f in range(2) for t in (rows, columns)], -1)",
        ),
        "right for square images only": (
            CAT,
            "torch.cat((rows, rows.transpose(0, 1)), dim=-1) if height == width"
            " else torch.cat((columns, rows), dim=-1)",
        ),
    },
    "slopes": {
        "h from 0": (SLOPES, SLOPES.replace("(1, num_heads + 1)", "(num_heads)")),
        "2^-h, whatever the number of heads": (SLOPES, "2.0 ** -torch.arange(1, num_heads + 1)"),
        "1 / h": (SLOPES, "1 / torch.arange(1, num_heads + 1)"),
        "one slope for all heads": (SLOPES, "(2.0 ** (-8 / num_heads)) * torch.ones(num_heads)"),
        "heads in reverse": (SLOPES, f"({SLOPES}).flip(0)"),
        "2^(-h / heads)": (SLOPES, SLOPES.replace("-8 * ", "-")),
        "slopes evenly spaced": (SLOPES, "1 - torch.arange(num_heads) / num_heads"),
        "the paper's code, where heads are no power of two": (
            SLOPES,
            "torch.tensor(("
            "lambda n, of: of(n) + of(2 * n)[::2][: num_heads - n])("
            "2 ** (num_heads.bit_length() - 1),"
            " lambda n: [2.0 ** (-8 * (h + 1) / n) for h in range(n)]))",
        ),
        "float64 out": (
            SLOPES,
            "2.0 ** (-8 * torch.arange(1, num_heads + 1).double() / num_heads)",
        ),
        "slopes of at most eight heads": (
            SLOPES,
            SLOPES.replace("/ num_heads", "/ min(num_heads, 8)"),
        ),
        "slopes of at most sixteen heads": (
            SLOPES,
            SLOPES.replace("/ num_heads", "/ min(num_heads, 16)"),
        ),
        "exponents in whole numbers": (SLOPES, SLOPES.replace("/ num_heads", "// num_heads")),
        "slopes with a gradient, as if they were trained": (SLOPES, f"({SLOPES}).requires_grad_()"),
        "heads last": (BIAS, "-slopes * distances[..., None]"),
    },
    "distances": {
        "queries from 0": (QUERIES, "torch.arange(q_len)"),
        "the future is rewarded": (".abs()  # (L_q, L_k)", ""),
        "a bonus for distance": (BIAS, BIAS[1:]),
        "the future hidden": (
            BIAS,
            f"({BIAS}).masked_fill(keys > queries[:, None], float('-inf'))",
        ),
        "no bias in the future": (".abs()  # (L_q, L_k)", ".clamp(min=0)"),
        "distances in float16": (".abs()  # (L_q, L_k)", ".half().abs().float()"),
        "queries from 0, where there are many": (
            QUERIES,
            "torch.arange(k_len - q_len, k_len) if q_len < 4 else torch.arange(q_len)",
        ),
        "squared distances": (".abs()  # (L_q, L_k)", ".square()"),
        "positions from the end of the keys": (
            QUERIES,
            "torch.arange(k_len - q_len, k_len).flip(0)",
        ),
        "queries one too early": (
            QUERIES,
            "torch.arange(k_len - q_len - (q_len < k_len), k_len - (q_len < k_len))",
        ),
        "the logarithm of distances": (".abs()  # (L_q, L_k)", ".abs().add(1.0).log2()"),
        "distances from the last query": (
            "(queries[:, None] - keys).abs()",
            "(k_len - 1 - keys).abs().expand(q_len, k_len)",
        ),
        "only the last query is right": (
            QUERIES,
            "torch.arange(q_len) if q_len > 1 else torch.arange(k_len - 1, k_len)",
        ),
    },
    "precision": {
        "angles in float32": ("dtype=torch.float64", "dtype=torch.float32"),
        "rates in float32": (
            "* rates  #",
            "* rates.float().double()  #",
        ),
        "angles rounded to float32": (
            "angles.sin(), angles.cos()",
            "angles.float().sin(), angles.float().cos()",
        ),
        "results rounded to four digits": (STACK, f"({STACK}).mul(1e4).round() / 1e4"),
        "float32 beyond 5,000": (
            "* rates  #",
            "* (rates if seq_len < 5_000 else rates.float())  #",
        ),
        "results in bfloat16 on the way": (STACK, STACK.replace(".float()", ".bfloat16().float()")),
        "in 2-D in float32": """
def sinusoidal_pe_2d(height, width, d_model):
    if d_model % 4:
        raise ValueError
    rates = 10000.0 ** (-torch.arange(0, d_model // 2, 2) / (d_model // 2))
    parts = []
    for n, to in ((height, (height, 1, -1)), (width, (1, width, -1))):
        angles = torch.arange(n)[:, None] * rates
        pairs = torch.stack((angles.sin(), angles.cos()), -1).flatten(1)
        parts.append(pairs.view(n, d_model // 2).view(*to[:2], d_model // 2).expand(
            height, width, -1))
    return torch.cat(parts, -1)
""",
    },
    "sizes": {
        "an empty bias of whole numbers": (
            "    slopes =",
            "    if not q_len:\n"
            "        return torch.empty((num_heads, 0, k_len), dtype=torch.int64)\n    slopes =",
        ),
        "an empty length refused": (
            "    if d_model % 2:\n",
            "    if d_model % 2 or seq_len < 1:\n",
        ),
        "an axis of one lost": (STACK, f"{STACK}.squeeze()"),
        "no queries refused": ("    if q_len > k_len:\n", "    if q_len > k_len or not q_len:\n"),
        "no query, no matrix": (
            BIAS,
            f"{BIAS} if q_len else torch.zeros(num_heads, k_len)",
        ),
        "one position is half a position": (
            "angles = torch.arange(seq_len)[:, None]",
            "angles = torch.linspace(0.5 * (seq_len == 1), seq_len - 1, seq_len)[:, None].double()",
        ),
    },
    "refused": {
        "an empty grid of any d_model": (
            "    if d_model % 4:",
            "    if height * width == 0:\n        return torch.empty(height, width, d_model)\n"
            "    if d_model % 4:",
        ),
        "an odd d_model cut": (ODD, ""),
        "an odd d_model padded": (
            f"{ODD}    rates",
            "    if d_model % 2:\n"
            "        return sinusoidal_pe(seq_len, d_model + 1)[:, :d_model]\n    rates",
        ),
        "a multiple of 2 in 2-D": (
            FOUR,
            f"{FOUR}    d_model += 2 * (d_model // 2 % 2)\n".replace("% 4", "% 2"),
        ),
        "in 2-D half of an odd d_model": (FOUR, FOUR.replace("% 4", "// 2 % 2")),
        "in 2-D whatever comes": (
            FOUR,
            "    d_model -= d_model % 4\n    d_model = d_model or 4\n",
        ),
        "more queries than keys": (FEW, ""),
        "an AssertionError": (ODD, "    assert d_model % 2 == 0\n"),
        "a TypeError": (FEW, FEW.replace("ValueError", "TypeError")),
        "a RuntimeError": (FOUR, FOUR.replace("ValueError", "RuntimeError")),
        "as many queries as keys at most, but one": (FEW, FEW.replace("> k_len:", "> k_len + 1:")),
        "zero keys let through": (FEW, FEW.replace("> k_len:", "> k_len > 0:")),
        "an odd d_model, where nothing is to be encoded": (
            ODD,
            ODD.replace("if d_model % 2:", "if d_model % 2 and seq_len:"),
        ),
    },
}

VARIANTS = {
    "feature by feature, halves assigned": EACH.format("(f - f % 2)").replace(
        "torch.arange(seq_len) *", "torch.arange(seq_len, dtype=torch.float64) *"
    )
    + GRID.format(
        "pe[..., : d_model // 2] = sinusoidal_pe(height, d_model // 2)[:, None]\n"
        "    pe[..., d_model // 2 :] = sinusoidal_pe(width, d_model // 2)"
    ),
    "a table filled by slices, rates by exp": """
import math

def sinusoidal_pe(seq_len, d_model):
    if d_model % 2 != 0:
        raise ValueError("d_model must be even")
    position = torch.arange(seq_len, dtype=torch.float64).unsqueeze(1)
    div_term = torch.exp(
        torch.arange(0, d_model, 2, dtype=torch.float64) * (-math.log(10000.0) / d_model)
    )
    pe = torch.zeros(seq_len, d_model)
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term)
    return pe
""",
    "a bias by lists": SLOW.format(
        "rows = [[[-m * abs(k_len - q_len + i - j) for j in range(k_len)] for i in range(q_len)]"
        " for m in slopes]"
    ).replace("torch.tensor(rows)", "torch.tensor(rows, dtype=torch.float32)"),
    "the bias as minimum of both signs": (
        BIAS,
        "torch.minimum(keys - queries[:, None], queries[:, None] - keys) * slopes.view(-1, 1, 1)",
    ),
    "by complex numbers": """
def sinusoidal_pe(seq_len, d_model):
    if d_model % 2:
        raise ValueError(d_model)
    rates = torch.logspace(0, -4 * (d_model - 2) / d_model, d_model // 2, dtype=torch.float64)
    turns = torch.polar(torch.ones(seq_len, d_model // 2).double(),
                        torch.outer(torch.arange(seq_len).double(), rates))
    return torch.view_as_real(turns).flip(-1).reshape(seq_len, d_model).to(torch.float32)
""",
}
