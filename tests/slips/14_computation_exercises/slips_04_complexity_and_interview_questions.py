"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "attention": {
        "the projections' formula": ("O(L^2 * d_model)", "O(L * d_model^2)"),
        "the projections counted": ("O(L^2 * d_model)", "O(L^2 * d_model + L * d_model^2)"),
        "features forgotten": ("O(L^2 * d_model)", "O(L^2)"),
        "features forgotten in the number": ("{2 * L**2 * d_model:,}", "{2 * L**2:,}"),
        "a sum for a product": ("O(L^2 * d_model)", "O(L^2 + d_model)"),
        "linear in L": ("O(L^2 * d_model)", "O(L * d_model)"),
        "L log L": ("O(L^2 * d_model)", "O(L log L * d_model)"),
        "a factor that is a number": ("O(L^2 * d_model)", "O({L}^2 * {d_model})"),
        "the cubic L * L^2": ("O(L^2 * d_model)", "O(L * L^2 * d_model)"),
        "a name that is no parameter": ("O(L^2 * d_model)", "O(L^2 * n * d_model)"),
        "no O": ("O(L^2 * d_model): two", "L^2 * d_model: two"),
        "two O for one cost": ("O(L^2 * d_model)", "O(L^2 * d_model) = O(L^2)"),
        "formula that does not close": ("O(L^2 * d_model): two products,", "O(L^2 * (d_model:"),
        "one product for two": ("{2 * L**2 * d_model:,}", "{L**2 * d_model:,}"),
        "two FLOPs a mult-add": ("{2 * L**2 * d_model:,}", "{4 * L**2 * d_model:,}"),
        "the projections in the number": (
            "{2 * L**2 * d_model:,}",
            "{2 * L**2 * d_model + 4 * L * d_model**2:,}",
        ),
        "always the same sizes": ("{2 * L**2 * d_model:,}", "{2 * 4096**2 * 512:,}"),
        "a constant text": (
            'f"O(L^2 * d_model): two products, {2 * L**2 * d_model:,} mult-adds"',
            '"O(L^2 * d_model): 17,179,869,184 mult-adds"',
        ),
        "no number": (": two products, {2 * L**2 * d_model:,} mult-adds", ""),
        "one digit": ("{2 * L**2 * d_model:,}", "{2 * L**2 * d_model:.0e}"),
        "a number instead of a text": (
            'f"O(L^2 * d_model): two products, {2 * L**2 * d_model:,} mult-adds"',
            "2 * L**2 * d_model",
        ),
        "no token with itself": ("{2 * L**2 * d_model:,}", "{2 * L * (L - 1) * d_model:,}"),
        "the number in words": (
            "{2 * L**2 * d_model:,} mult-adds",
            "{2 * L**2 * d_model // 10**6:,} million",
        ),
        "the sizes of the call in O(...)": ("O(L^2 * d_model)", "O({L}^2 * d_model)"),
        "a smaller size squared, too": ("O(L^2 * d_model)", "O(L^2 * d_model + d_model^2)"),
        "an exponential": ("O(L^2 * d_model)", "O(2^L * d_model)"),
        "rounded wrongly": ("{2 * L**2 * d_model:,}", "{2.1 * L**2 * d_model:.1e}"),
    },
    "scores": {
        "H L for H L^2": ("O(B * H * L^2)", "O(B * H * L)"),
        "H L in the number": ("{B * H * L**2:,}", "{B * H * L:,}"),
        "heads forgotten": ("O(B * H * L^2)", "O(B * L^2)"),
        "heads forgotten in the number": ("{B * H * L**2:,}", "{B * L**2:,}"),
        "batch forgotten": ("O(B * H * L^2)", "O(H * L^2)"),
        "batch forgotten in the number": ("{B * H * L**2:,}", "{H * L**2:,}"),
        "bytes": ("{B * H * L**2:,}", "{4 * B * H * L**2:,}"),
        "heads squared": ("O(B * H * L^2)", "O(B * (H * L)^2)"),
        "no score with itself": ("{B * H * L**2:,}", "{B * H * L * (L - 1):,}"),
        "a token more": ("{B * H * L**2:,}", "{B * H * (L + 1) ** 2:,}"),
        "one score matrix per token": ("{B * H * L**2:,}", "{B * H * L**3:,}"),
        "features for heads": ("O(B * H * L^2)", "O(B * L^2 * d)"),
        "L cubed": ("O(B * H * L^2)", "O(B * H * L^2 * L)"),
        "a sum over heads": ("O(B * H * L^2)", "O((B + H) * L^2)"),
    },
    "conv2d": {
        "K for K^2": ("C_out * K^2 *", "C_out * K *"),
        "K in the number": ("C_out * K**2 *", "C_out * K *"),
        "no H_out W_out": (" * K^2 * H_out * W_out)", " * K^2)"),
        "no H_out W_out in the number": ("K**2 * H_out * W_out", "K**2"),
        "H_out for both": ("K^2 * H_out * W_out", "K^2 * H_out^2"),
        "a sum of channels": ("O(C_in * C_out * K^2", "O((C_in + C_out) * K^2"),
        "depthwise": ("O(C_in * C_out *", "O(C_in *"),
        "the bias counted": ("cost = C_in * C_out * K**2", "cost = (C_in * K**2 + 1) * C_out"),
        "one channel per filter in the number": ("cost = C_in * C_out *", "cost = C_out *"),
        "two FLOPs per mult-add in a convolution": ("{cost:,} mult-adds", "{2 * cost:,} mult-adds"),
        "a sum over height and width": ("K^2 * H_out * W_out)", "K^2 * (H_out + W_out))"),
        "input's size without K": (
            "K**2 * H_out * W_out",
            "K**2 * (H_out + K - 1) * (W_out + K - 1)",
        ),
    },
    "doubling": {
        "L scores": ("{L**2:,} scores", "{2 * L:,} scores"),
        "half of the scores": ("{L**2:,} scores", "{L * (L - 1) // 2:,} scores"),
        "scores with others alone": ("{L**2:,} scores", "{L * (L - 1):,} scores"),
        "n for L": ("O(L^2): every", "O(n^2): every"),
        "linear": ("O(L^2): every", "O(L): every"),
        "cubic": ("O(L^2): every", "O(L^3): every"),
        "exponential": ("O(L^2): every", "O(2^L): every"),
        "no growth": ("O(L^2): every", "Every"),
        "subquadratic": ("O(L^2): every", "O(L log L): every"),
        "the square of the features": ("O(L^2): every", "O(d^2): every"),
        "twice the scores": ("{(2 * L) ** 2:,}", "{2 * L**2:,}"),
        "eight times the scores": ("{(2 * L) ** 2:,}", "{8 * L**2:,}"),
        "nothing of doubling": (", {(2 * L) ** 2:,}.", "."),
        "no number of scores": (", {L**2:,} scores for {L:,} tokens", ""),
        "twice and 4 of other things": (
            ", {(2 * L) ** 2:,}.",
            ", at 4 bytes each, and they are used twice.",
        ),
        "twice at 4 bytes": ("{(2 * L) ** 2:,}", "2x the memory: {2 * L**2:,} at 4 bytes"),
        "twice with four heads": ("{(2 * L) ** 2:,}", "{2 * L**2:,} in each of 4 heads"),
        "the factor 4 alone": (", {(2 * L) ** 2:,}.", ", 4x."),
        "the tokens for the scores": ("{(2 * L) ** 2:,}", "{2 * L:,}"),
    },
    "comparison": {
        "ratio upside down": ("{more / less:.3g}", "{less / more:.3g}"),
        "no ratio": (", {more / less:.3g} times as much", ""),
        "a difference for the ratio": ("{more / less:.3g}", "{more - less:.3g}"),
        "always the same": ("if less == more", "if True"),
        "one product compared": ("2 * L_seq**2 * d", "L_seq**2 * d"),
        "lengths compared": (
            '[(conv, "conv"), (attention, "attention")]',
            '[(L_conv, "conv"), (L_seq, "attention")]',
        ),
        "K^2 in one dim": ("L_conv * C**2 * K,", "L_conv * C**2 * K**2,"),
        "K^2 in one dim's formula": ("O(L_conv * C^2 * K)", "O(L_conv * C^2 * K^2)"),
        "channels once": ("L_conv * C**2 * K,", "L_conv * C * K,"),
        "channels once in the formula": ("O(L_conv * C^2 * K)", "O(L_conv * C * K)"),
        "a quadratic convolution": ("O(L_conv * C^2 * K)", "O(L_conv^2 * C^2 * K)"),
        "the length of the other": ("O(L_seq^2 * d)", "O(L_conv^2 * d)"),
        "attention's features squared": ("O(L_seq^2 * d)", "O(L_seq^2 * d^2)"),
        "one O for both": (
            "A convolution is O(L_conv * C^2 * K), here",
            "A convolution takes",
        ),
        "nobody costs more": ("here {attention:,}: {verdict}.", "here {attention:,}."),
        "only one of the costs": (", here {attention:,}", ""),
        "the bias counted in 1d": ("L_conv * C**2 * K,", "L_conv * (C * K + 1) * C,"),
        "both costs in one O(...)": (
            'attention is "\n        f"O(L_seq^2 * d), here',
            'attention takes "\n        f"',
        ),
        "formulas swapped": """
def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    conv, attention = L_conv * C**2 * K, 2 * L_seq**2 * d
    ratio = max(conv, attention) / min(conv, attention)
    return f"conv O(L_seq^2 * C * K) {conv}, attention O(L_conv^2 * d) {attention}: {ratio:.3g}"
""",
        "two FLOPs per mult-add of attention": ("2 * L_seq**2 * d", "4 * L_seq**2 * d"),
        "a whole number for the ratio": ("{more / less:.3g}", "{more // less}"),
    },
}

VARIANTS = {
    "other words and signs": """
def attention_time_complexity(L, d_model):
    return f"With L = {L} it is {2.0 * L * L * d_model:.1e} MACs, so O(l²·D_MODEL)."

def attention_space_complexity(B, H, L):
    return f"O(BHL^2), that is {B * H * L * L} floats; in fp16 {2 * B * H * L * L} bytes."

def conv2d_time_complexity_per_layer(C_in, C_out, K, H_out, W_out):
    n = C_in * C_out * K * K * H_out * W_out
    return f"{n:_} multiply-accumulates, O(C_in C_out K**2 H_out W_out)"

def why_attention_is_expensive(L):
    return (
        f"Each query meets all the keys: O(L**2). The L x L matrix has {L * L:.3g} entries; "
        f"twice the length costs 4x, {4 * L * L:.3g}."
    )

def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    a, c = 2 * L_seq**2 * d, L_conv * C * C * K
    says = "is cheaper than" if a < c else "is more expensive than"
    tail = f"Self-attention {says} the convolution, by a factor of {max(a / c, c / a):.1f}."
    tail = "Both cost the same." if a == c else tail
    return f"Attention: O(2 * L_seq^2 * d) = {a}. Conv1d: O(K (C^2) L_conv) = {c:.2e}. {tail}"
""",
    "smaller terms and the ratio alone": """
def attention_time_complexity(L, d_model):
    return f"O(2 * L * (L * d_model) + 3 L^2 + 0.5 d_model L): {2 * L * L * d_model}"

def attention_space_complexity(B, H, L):
    return f"O( B*H*(L^2 + L) ), {B * H * L * L:.2g} numbers"

def conv2d_time_complexity_per_layer(C_in, C_out, K, H_out, W_out):
    weights = C_in * C_out * K * K
    return (
        f"{weights} weights at {H_out * W_out} positions: O((C_in + 1) * C_out * K^2 * (H_out * "
        f"W_out)) = {weights * H_out * W_out:,}"
    )

def why_attention_is_expensive(L):
    return (
        f"All pairs of tokens are scored, {L * L:,} of them. The square of the length, O(L*L + L): "
        f"if L doubles, time and memory quadruple to {4.0 * L * L:.1e}."
    )

def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    a, c = 2 * L_seq**2 * d, L_conv * C * C * K
    start = f"conv is O(C^2 K L_conv), {c:.3e}, attention O(d L_seq^2), {a:.3e}. "
    if a == c:
        return start + "They cost exactly the same."
    big, small = ("attention", "conv") if a > c else ("conv", "attention")
    ratio = max(a, c) / min(a, c)
    return start + f"The {small} needs {ratio:.2f} times fewer mult-adds than the {big}."
""",
    "remarks before the verdict and the new count": """
def attention_time_complexity(L, d_model):
    n = 2 * L * L * d_model
    return f"I/O (reads) aside, O(L^2 * d_model): {n:,} mult-adds, in FLOPs {2 * n:,}."

def attention_space_complexity(B, H, L):
    n = B * H * L * L
    return f"O(B*H*L*L): shape ({B}, {H}, {L}, {L}), {n:.2e} numbers, {4 * n} bytes in float32"

def why_attention_is_expensive(L):
    return (
        f"Each of {L} queries is compared with {L} keys, {L * L:,} scores: it grows as O(L^2). "
        f"Going from {L:,} to {2 * L:,} gives {4 * L * L:,} scores."
    )

def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    a, c = 2 * L_seq**2 * d, L_conv * C * C * K
    start = "Attention, being quadratic, has a higher growth than conv. "
    start += f"O(C^2 * K * L_conv) = {c}, O(d * L_seq^2) = {a}. "
    if a == c:
        return start + "Conv costs no more than attention: they cost the same."
    big, small = ("attention", "conv") if a > c else ("conv", "attention")
    start += f"They do not cost the same: {small} is more lightweight than {big}, and {big}, "
    return start + f"at {max(a, c) / min(a, c)} times the cost, is pricier than {small}."
""",
    "other words for tokens and doubling": """
def attention_space_complexity(B, H, L):
    return f"{B * H * L * L} scores, so O(B * H * L^2)"

def why_attention_is_expensive(L):
    return (
        f"Every timestep looks at itself and the rest of the sequence, {L * L} scores, "
        "O(L\N{MULTIPLICATION SIGN}L). 2\N{MULTIPLICATION SIGN} the tokens: "
        f"4\N{MULTIPLICATION SIGN} the scores, {4 * L * L}."
    )

def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    a, c = 2 * L_seq**2 * d, L_conv * C * C * K
    big, small = ("attention", "conv") if a > c else ("conv", "attention")
    says = f"{big} > {small}: it costs more than {small}, {max(a, c) / min(a, c):.2f} times."
    says = "The ratio is 1.00, so they cost the same." if a == c else says
    return f"O(C^2 * K * L_conv) = {c}, O(d * L_seq^2) = {a}. {says}"
""",
    "slower than, no verdict in words, a remark after it, patches for tokens": """
def why_attention_is_expensive(L):
    return (
        f"A patch looks at all patches, O(L^2), so {L**2} numbers. A window is linear in L, not "
        f"quadratic or cubic. With {2 * L} patches it is {4 * L**2}. RNNs are slower."
    )

def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    conv, attention = L_conv * C * C * K, 2 * L_seq * L_seq * d
    slow, fast = ("attention", "conv") if attention > conv else ("conv", "attention")
    ratio = max(conv, attention) / min(conv, attention)
    return (
        f"Attention O(d L_seq^2): {attention:,} FLOPs if a mult-add is one. Conv O(C^2 K L_conv): "
        f"{conv:,} FLOPs. Here {slow} is slower than {fast}, {ratio:.2f} times. In general conv "
        "grows less than attention; a GPU may see it in another way, as conv is not always cheap."
    )
""",
}
