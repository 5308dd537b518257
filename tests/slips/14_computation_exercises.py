"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_01_convolution_computation": {
        "padding on one side": ("last = size + 2 * p", "last = size + p"),
        "the + 1 forgotten": ("last // s + 1", "last // s"),
        "rounded up": ("last // s + 1", "-(-last // s) + 1"),
        "digits lost in a float": ("last // s + 1", "int(last / s) + 1"),
        "a float": ("last // s + 1", "last / s + 1"),
        "dilation ignored": ("last = size + 2 * p - d * (k - 1) - 1", "last = size + 2 * p - k"),
        "dilation times the kernel": ("p - d * (k - 1) - 1", "p - d * k"),
        "dilation off by one": ("p - d * (k - 1) - 1", "p - (d + 1) * (k - 1) - 1"),
        "the stride divides the size alone": (
            "out.append(last // s + 1)",
            "out.append(size // s + (last + 1 - size))",
        ),
        "stride and padding swapped": (
            "return _output((L_in,), kernel_size, stride, padding, dilation)[0]",
            "return _output((L_in,), kernel_size, padding, stride, dilation)[0]",
        ),
        "height and width swapped": (
            "H_out, W_out = _output((H_in, W_in)",
            "W_out, H_out = _output((H_in, W_in)",
        ),
        "frames last": ("    return T_out, H_out, W_out", "    return H_out, W_out, T_out"),
        "a list": ("    return T_out, H_out, W_out", "    return [T_out, H_out, W_out]"),
        "a tuple in 1d": (
            "return _output((L_in,), kernel_size, stride, padding, dilation)[0]",
            "return tuple(_output((L_in,), kernel_size, stride, padding, dilation))",
        ),
        "the first int for all dims": ("    return values\n", "    return values[:1] * n\n"),
        "dims reversed": ("    return values\n", "    return values[::-1]\n"),
        "no output is no error": ("        if last < 0:", "        if False:"),
        "a kernel that just fits refused": ("if last < 0:", "if last < 1:"),
        "a kernel too long by one accepted": ("if last < 0:", "if last < -1:"),
        "padding forgotten in the test": ("if last < 0:", "if last - 2 * p < 0:"),
        "no numbers in the message": (
            'f"kernel {k}, dilation {d}: too long for {size}, padding {p}"',
            '"the kernel is larger than the input"',
        ),
        "only the last sizes in the message": (
            'f"kernel {k}, dilation {d}: too long for {size}, padding {p}"',
            'f"kernel {d * (k - 1) + 1} is too long for {size + 2 * p}"',
        ),
        "an assert": (
            'raise ValueError(f"kernel {k}, dilation {d}: too long for {size}, padding {p}")',
            "raise AssertionError(k, size)",
        ),
        "any number is valid": ("len(values) != n or min(values) < least", "len(values) != n"),
        "any length is valid": ("len(values) != n or min(values) < least", "min(values) < least"),
        "padding of at least 1": ("padding, n, least=0)", "padding, n)"),
        "negative padding": ("padding, n, least=0)", "padding, n, least=-9)"),
        "stride 0": ('_per_dim("stride", stride, n)', '_per_dim("stride", stride, n, least=0)'),
        "one dim alone validated": ("min(values) < least", "values[0] < least"),
        "groups ignored": ("C_out * (C_in // groups)", "C_out * C_in"),
        "groups divide both": ("C_out * (C_in // groups)", "C_out // groups * (C_in // groups)"),
        "groups in a float": (
            "C_out * (C_in // groups) * prod",
            "int(C_out * C_in / groups) * prod",
        ),
        "C_out need not divide": (" or C_out % groups", ""),
        "C_in need not divide": (" or C_in % groups", ""),
        "groups of 0": ("if groups < 1 or C_in", "if C_in"),
        "square kernel only": (
            'prod(_per_dim("kernel_size", kernel_size, n))',
            '_per_dim("kernel_size", kernel_size, n)[0] ** n',
        ),
        "kernel as long as its sides together": (
            'prod(_per_dim("kernel_size", kernel_size, n))',
            'sum(_per_dim("kernel_size", kernel_size, n))',
        ),
        "bias always": (
            "_weights(2, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)",
            "_weights(2, C_in, C_out, kernel_size, groups) + C_out",
        ),
        "one bias for each input channel": (
            "_weights(1, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)",
            "_weights(1, C_in, C_out, kernel_size, groups) + (C_in if bias else 0)",
        ),
        "one bias": (
            "_weights(3, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)",
            "_weights(3, C_in, C_out, kernel_size, groups) + (1 if bias else 0)",
        ),
        "k * k in 3d": (
            "_weights(3, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)",
            "_weights(2, C_in, C_out, kernel_size, groups) + (C_out if bias else 0)",
        ),
        "a mult-add counts two": (
            "groups) * H_out * W_out",
            "groups) * H_out * W_out * 2",
        ),
        "FLOPs with the bias": (
            "return _weights(1, C_in, C_out, kernel_size, groups) * L_out",
            "return (_weights(1, C_in, C_out, kernel_size, groups) + C_out) * L_out",
        ),
        "FLOPs without groups": (
            "return _weights(1, C_in, C_out, kernel_size, groups) * L_out",
            "return _weights(1, C_in, C_out, kernel_size, 1) * L_out",
        ),
        "FLOPs of one output channel": (
            "return _weights(1, C_in, C_out, kernel_size, groups) * L_out",
            "return _weights(1, C_in, C_out, kernel_size, groups) // C_out * L_out",
        ),
        "frames forgotten": ("* T_out * H_out * W_out", "* H_out * W_out"),
        "counted by torch": """
import torch

def conv1d_num_params(C_in, C_out, kernel_size, bias=True, groups=1):
    layer = torch.nn.Conv1d(C_in, C_out, kernel_size, bias=bias, groups=groups, device="meta")
    _weights(1, C_in, C_out, kernel_size, groups)
    return sum(p.numel() for p in layer.parameters())
""",
        "np.prod": """
import numpy as np

def prod(numbers):
    return np.prod(numbers)
""",
        "np.prod in 64 bits": """
import numpy as np

def prod(numbers):
    return int(np.prod(numbers))
""",
        "the stride's digits lost in a float": ("last // s + 1", "last // int(float(s)) + 1"),
        "the kernel's digits lost in a float": (
            'prod(_per_dim("kernel_size", kernel_size, n))',
            'int(prod(map(float, _per_dim("kernel_size", kernel_size, n))))',
        ),
    },
    "challenge_02_transformer_computation": {
        "features before tokens": (
            '    """One vector a token."""\n    return B, L, d_model',
            '    """One vector a token."""\n    return B, d_model, L',
        ),
        "one shape for three": ("return shape, shape, shape", "return shape"),
        "a dict of shapes": (
            "return shape, shape, shape",
            'return {"Q": shape, "K": shape, "V": shape}',
        ),
        "lists": ("shape = B, L, d_model", "shape = [B, L, d_model]"),
        "all three side by side": ("return shape, shape, shape", "return B, L, 3 * d_model"),
        "scores without heads": ("return B, H, L, L", "return B, L, L"),
        "heads after tokens": ("return B, H, L, L", "return B, L, H, L"),
        "one score a token": ("return B, H, L, L", "return B, H, L"),
        "tokens first": (
            'needs it."""\n    return B, L, d_model',
            'needs it."""\n    return L, B, d_model',
        ),
        "no output projection": ("return 4 * _linear(d_m", "return 3 * _linear(d_m"),
        "heads multiply": ("return 4 * _linear(", "return 4 * num_heads * _linear("),
        "heads divide": (
            "return 4 * _linear(d_model, d_model, bias)",
            "return 4 * _linear(d_model, d_model // num_heads, bias)",
        ),
        "biases never": ("n_in * n_out + (n_out if bias else 0)", "n_in * n_out"),
        "biases always": ("n_in * n_out + (n_out if bias else 0)", "n_in * n_out + n_out"),
        "one bias a layer": ("(n_out if bias else 0)", "(1 if bias else 0)"),
        "output projection without bias": (
            "return 4 * _linear(d_model, d_model, bias)",
            "return 3 * _linear(d_model, d_model, bias) + d_model * d_model",
        ),
        "way back forgotten": (" + _linear(d_ff, d_model, bias)\n", "\n"),
        "biases of the wrong sizes": (
            "return _linear(d_model, d_ff, bias) + _linear(d_ff, d_model, bias)",
            "return 2 * _linear(d_model, d_ff, bias)",
        ),
        "one norm": ("+ 2 * norm", "+ norm"),
        "norms forgotten": (" + 2 * norm", ""),
        "norms keep their bias": ("(d_model if bias else 0)  # scale", "d_model  # scale"),
        "norms never have a bias": ("d_model + (d_model if bias else 0)  # scale", "d_model  #"),
        "attention always with bias": (
            "mha_num_params(d_model, num_heads, bias) +",
            "mha_num_params(d_model, num_heads) +",
        ),
        "heads that do not divide": ("if num_heads < 1 or d_model % num_heads", "if num_heads < 1"),
        "no heads": ("if num_heads < 1 or d_model % num_heads", "if d_model % num_heads"),
        "only heads in the message": (
            'f"d_model {d_model} is not divisible by num_heads {num_heads}"',
            'f"num_heads is {num_heads}"',
        ),
        "an assert": (
            'raise ValueError(f"d_model {d_model} is not divisible by num_heads {num_heads}")',
            "assert d_model % num_heads == 0, (d_model, num_heads)",
        ),
        "scores alone": ("return scores + scores", "return scores"),
        "a mult-add counts two": ("return scores + scores", "return 4 * scores"),
        "linear in L": ("scores = B * L * L * d_model", "scores = B * L * d_model"),
        "d_model squared": ("scores = B * L * L * d_model", "scores = B * L * d_model * d_model"),
        "one sequence": ("scores = B * L * L * d_model", "scores = L * L * d_model"),
        "with the projections": (
            "return scores + scores",
            "return scores + scores + 4 * B * L * d_model**2",
        ),
        "with the softmax": ("return scores + scores", "return scores + scores + B * L * L"),
        "digits lost in a float": (
            "return scores + scores",
            "return int(2.0 * B * L * L * d_model)",
        ),
        "a batch in a float": (
            "scores = B * L * L * d_model",
            "scores = int(float(B)) * L * L * d_model",
        ),
        "heads divided in a float": (
            "return 4 * _linear(d_model, d_model, bias)",
            "return 4 * _linear(d_model, num_heads * int(d_model / num_heads), bias)",
        ),
        "weights in a float": ("n_in * n_out + (n", "int(1.0 * n_in * n_out) + (n"),
        "a shape by torch": """
import torch

def mha_attention_scores_shape(B, H, L):
    return tuple(torch.empty(B, H, L, L, device="meta").shape)
""",
        "a shape of floats": ("return B, H, L, L", "return int(float(B)), H, L, L"),
    },
    "challenge_03_vision_transformer_computation": {
        "rest of the image dropped": ("if any(size % p for", "if False and any(size % p for"),
        "only the area has to divide": (
            "if any(size % p for size, p in zip(sizes, patch, strict=True)):",
            "if prod(sizes) % prod(patch):",
        ),
        "only the first size has to divide": (
            "if any(size % p for size, p in zip(sizes, patch, strict=True)):",
            "if sizes[0] % patch[0]:",
        ),
        "only one dim cut": ("prod(sizes) // prod(patch)", "prod(sizes) // patch[0]"),
        "square patches only": (
            "prod(sizes) // prod(patch)",
            "prod(sizes) // patch[0] ** len(patch)",
        ),
        "patches of one row": ("prod(sizes) // prod(patch)", "sizes[-1] // patch[-1]"),
        "patches overlap": (
            "prod(sizes) // prod(patch)",
            "prod(s - p + 1 for s, p in zip(sizes, patch))",
        ),
        "a float": ("prod(sizes) // prod(patch)", "prod(sizes) / prod(patch)"),
        "digits lost in a float": ("prod(sizes) // prod(patch)", "int(prod(sizes) / prod(patch))"),
        "np.prod in 64 bits": """
import numpy as np

def prod(numbers):
    return int(np.prod(list(numbers)))
""",
        "features in a float": (
            "(1 if bias else 0)) * d_model",
            "(1 if bias else 0)) * int(1.0 * d_model)",
        ),
        "the feed-forward net in a float": (
            "(d_model + 1) * d_ff +",
            "(d_model + 1) * int(float(d_ff)) +",
        ),
        "patch reversed": (
            "patch = patch_size if isinstance(patch_size, tuple) else",
            "patch = patch_size[::-1] if isinstance(patch_size, tuple) else",
        ),
        "no sizes in the message": (
            'f"patch {patch} does not divide {sizes}"',
            '"the image is not divisible by the patch"',
        ),
        "an assert": (
            'raise ValueError(f"patch {patch} does not divide {sizes}")',
            "raise AssertionError(patch, sizes)",
        ),
        "no class token": (
            "return vit2d_num_patches(H, W, patch_size) + 1",
            "return vit2d_num_patches(H, W, patch_size)",
        ),
        "no class token in 3d": (
            "return vit3d_num_patches(T, H, W, patch_size) + 1",
            "return vit3d_num_patches(T, H, W, patch_size)",
        ),
        "a class token a frame": (
            "return vit3d_num_patches(T, H, W, patch_size) + 1",
            "return vit3d_num_patches(T, H, W, patch_size) + T",
        ),
        "class token in the embedding": (
            "return B, vit2d_num_patches(H, W, patch_size), d_model",
            "return B, vit2d_sequence_length(H, W, patch_size), d_model",
        ),
        "features before patches": (
            "return B, vit2d_num_patches(H, W, patch_size), d_model",
            "return B, d_model, vit2d_num_patches(H, W, patch_size)",
        ),
        "channels for features": (
            "return B, vit2d_num_patches(H, W, patch_size), d_model",
            "return B, vit2d_num_patches(H, W, patch_size), C",
        ),
        "the convolution's own output": """
def vit2d_patch_embed_output_shape(B, C, H, W, patch_size, d_model):
    h, w = _per_dim(patch_size, 2)
    vit2d_num_patches(H, W, patch_size)
    return B, d_model, H // h, W // w
""",
        "a list": (
            "return B, vit3d_num_patches(T, H, W, patch_size), d_model",
            "return [B, vit3d_num_patches(T, H, W, patch_size), d_model]",
        ),
        "frames keep their axis": (
            "return B, vit3d_num_patches(T, H, W, patch_size), d_model",
            "return B, T, vit3d_num_patches(T, H, W, patch_size) // T, d_model",
        ),
        "channels forgotten": ("return (C * prod(", "return (prod("),
        "one bias": (
            "+ (1 if bias else 0)) * d_model",
            ") * d_model + (1 if bias else 0)",
        ),
        "biases always": ("+ (1 if bias else 0)) * d_model", "+ 1) * d_model"),
        "biases never": ("+ (1 if bias else 0)) * d_model", ") * d_model"),
        "p * p in 3d": (
            "return _embed_params(3, C, d_model, patch_size, bias)",
            "return _embed_params(2, C, d_model, patch_size, bias)",
        ),
        "only a tuple in 3d": (
            "return _num_patches((T, H, W), patch_size)",
            "t, h, w = patch_size\n    return _num_patches((T, H, W), (t, h, w))",
        ),
        "any length is valid": ("if len(patch) != n or min(patch) < 1", "if min(patch) < 1"),
        "any number is valid": ("if len(patch) != n or min(patch) < 1", "if len(patch) != n"),
        "zero is valid": ("min(patch) < 1", "min(patch) < 0"),
        "a dim alone validated": ("min(patch) < 1", "patch[0] < 1"),
        "embedding in each layer": (
            "return patch_embed_params + num_layers * (attention + feed_forward + norms)",
            "return num_layers * (patch_embed_params + attention + feed_forward + norms)",
        ),
        "embedding forgotten": ("return patch_embed_params + num_l", "return num_l"),
        "one layer": ("+ num_layers * (attention", "+ (attention"),
        "norms forgotten": ("(attention + feed_forward + norms)", "(attention + feed_forward)"),
        "one norm": ("norms = 4 * d_model", "norms = 2 * d_model"),
        "last norm counted": ("return patch_embed", "return 2 * d_model + patch_embed"),
        "class token counted": ("return patch_embed", "return d_model + patch_embed"),
        "no biases": ("4 * (d_model + 1) * d_model", "4 * d_model * d_model"),
        "12 d^2": (
            "(attention + feed_forward + norms)",
            "(12 * d_model**2)",
        ),
        "heads multiply": ("attention = 4 *", "attention = num_heads * 4 *"),
        "heads that do not divide": ("if num_heads < 1 or d_model % num_heads", "if num_heads < 1"),
        "no heads": ("if num_heads < 1 or d_model % num_heads", "if d_model % num_heads"),
        "only heads in the message": (
            'f"d_model {d_model} is not divisible by num_heads {num_heads}"',
            'f"num_heads is {num_heads}"',
        ),
    },
    "challenge_04_complexity_and_interview_questions": {
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
        "H L": ("O(B * H * L^2)", "O(B * H * L)"),
        "H L in the number": ("{B * H * L**2:,}", "{B * H * L:,}"),
        "heads forgotten": ("O(B * H * L^2)", "O(B * L^2)"),
        "heads forgotten in the number": ("{B * H * L**2:,}", "{B * L**2:,}"),
        "batch forgotten": ("O(B * H * L^2)", "O(H * L^2)"),
        "batch forgotten in the number": ("{B * H * L**2:,}", "{H * L**2:,}"),
        "bytes": ("{B * H * L**2:,}", "{4 * B * H * L**2:,}"),
        "heads squared": ("O(B * H * L^2)", "O(B * (H * L)^2)"),
        "K": ("C_out * K^2 *", "C_out * K *"),
        "K in the number": ("C_out * K**2 *", "C_out * K *"),
        "no H_out W_out": (" * K^2 * H_out * W_out)", " * K^2)"),
        "no H_out W_out in the number": ("K**2 * H_out * W_out", "K**2"),
        "H_out for both": ("K^2 * H_out * W_out", "K^2 * H_out^2"),
        "a sum of channels": ("O(C_in * C_out * K^2", "O((C_in + C_out) * K^2"),
        "depthwise": ("O(C_in * C_out *", "O(C_in *"),
        "linear": ("quadratic", "linear"),
        "cubic": ("quadratic", "cubic"),
        "exponential": ("That is quadratic in L", "That is L^2, exponential"),
        "no growth": ("That is quadratic in L, so doubling", "Doubling"),
        "nothing of pairs": (
            "Every token is compared with every token: {L**2:,} scores for {L:,} tokens. ",
            "The score matrix has {L**2:,} entries. ",
        ),
        "tokens with themselves": (
            "Every token is compared with every token",
            "Every token is compared with itself",
        ),
        "neighbors": (
            "Every token is compared with every token",
            "Every token is compared with its neighbors",
        ),
        "twice the time": ("four times", "twice"),
        "eight times": ("four times", "eight times"),
        "nothing of doubling": (", so doubling L takes four times the time and memory", ""),
        "L scores": ("{L**2:,} scores", "{2 * L:,} scores"),
        "half of the scores": ("{L**2:,} scores", "{L * (L - 1) // 2:,} scores"),
        "reasons without a number": (": {L**2:,} scores for {L:,} tokens", ""),
        "ratio upside down": ("{more / less:.3g}", "{less / more:.3g}"),
        "no ratio": (", {more / less:.3g} times as much", ""),
        "a difference for the ratio": ("{more / less:.3g}", "{more - less:.3g}"),
        "the cheaper one": ("{dear} costs more than {cheap}", "{cheap} costs more than {dear}"),
        "less for more": ("costs more than", "costs less than"),
        "larger without than": ("{dear} costs more than {cheap}", "{dear} is larger"),
        "always attention": ("{dear} costs more than {cheap}", "attention costs more than conv"),
        "never the same": ("if less == more", "if False"),
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
        "no token with itself": ("{2 * L**2 * d_model:,}", "{2 * L * (L - 1) * d_model:,}"),
        "no score with itself": ("{B * H * L**2:,}", "{B * H * L * (L - 1):,}"),
        "scores with others alone": ("{L**2:,} scores", "{L * (L - 1):,} scores"),
        "a token more": ("{B * H * L**2:,}", "{B * H * (L + 1) ** 2:,}"),
        "the bias counted": ("cost = C_in * C_out * K**2", "cost = (C_in * K**2 + 1) * C_out"),
        "the bias counted in 1d": ("L_conv * C**2 * K,", "L_conv * (C * K + 1) * C,"),
        "one product, doubled as FLOPs": (
            "two products, {2 * L**2 * d_model:,} mult-adds",
            "{L**2 * d_model:,} mult-adds, {2 * L**2 * d_model:,} FLOPs",
        ),
        "one product compared, doubled as FLOPs": (
            "here {attention:,}:",
            "here {attention // 2:,}, {attention:,} FLOPs:",
        ),
        "a quarter, four times as bytes": (
            "{B * H * L**2:,} numbers",
            "{B * H * L**2 // 4:,} numbers, {B * H * L**2:,} bytes",
        ),
        "twice and 4 of other things": (
            ", so doubling L takes four times the time and memory",
            ", at 4 bytes each, and they are used twice",
        ),
        "twice at 4 bytes": ("four times the time and memory", "2x the memory, at 4 bytes a score"),
        "twice with four heads": ("four times the time and memory", "2x the time, with four heads"),
        "the square of the features": ("That is quadratic in L, so", "With d^2 weights each,"),
        "subquadratic": ("quadratic", "subquadratic"),
        "not more": ("costs more than", "does not cost more than"),
        "not the same": ("they cost the same", "they do not cost the same"),
        "the last comparison wrong": (
            "{dear} costs more than {cheap}",
            "{dear} costs more than {cheap}, {cheap} costs more than {dear}",
        ),
    },
}

VARIANTS = {
    "challenge_01_convolution_computation": {
        "places counted with range": """
def _output(sizes, kernel_size, stride, padding, dilation):
    n, out = len(sizes), []
    names = ("kernel_size", "stride", "padding", "dilation")
    given = (kernel_size, stride, padding, dilation)
    per_dim = [_per_dim(a, v, n, a != "padding") for a, v in zip(names, given)]
    for i in range(n):
        k, s, p, d = (values[i] for values in per_dim)
        places = range(0, sizes[i] + 2 * p - range(1, 1 + k * d, d)[-1] + 1, s)
        if not places:
            raise ValueError(f"input {sizes}, kernel_size {kernel_size}, padding {padding}")
        out.append((places[-1] - places[0]) // s + 1)
    return out
""",
        "one group after the other": """
import itertools

def _weights(n, C_in, C_out, kernel_size, groups):
    kernel = (kernel_size,) * n if type(kernel_size) is int else kernel_size
    if len(kernel) != n:
        raise ValueError("kernel_size")
    for k in kernel:
        if k <= 0:
            raise ValueError(f"a kernel of {k}")
    if groups <= 0:
        raise ValueError(groups)
    for name, C in (("C_in", C_in), ("C_out", C_out)):
        if divmod(C, groups)[1] != 0:
            raise ValueError(f"{C} = {name}, not a multiple of {groups}")
    per_group = (C_in // groups) * (C_out // groups)
    for k in kernel:
        per_group *= k
    return groups * per_group
""",
    },
    "challenge_02_transformer_computation": {
        "all at once": """
def mha_num_params(d_model, num_heads, bias=True):
    if num_heads <= 0 or d_model // num_heads * num_heads != d_model:
        raise ValueError(f"{num_heads=}, {d_model=}")
    in_proj = 3 * d_model * d_model + 3 * d_model * bool(bias)
    return in_proj + d_model**2 + d_model * bool(bias)

def encoder_block_num_params(d_model, num_heads, d_ff, bias=True):
    mha_num_params(d_model, num_heads)
    weights = 4 * d_model**2 + 2 * d_model * d_ff + 2 * d_model
    return weights + 7 * d_model + d_ff if bias else weights
""",
        "head by head": """
def mha_qkv_shapes_after_projection(B, L, d_model):
    return ((B, L, d_model),) * 3

def mha_attention_scores_shape(B, H, L):
    return (B, H) + (L,) * 2

def attention_flops(B, L, d_model):
    return sum(B * L**2 * d_model for product in ("Q K^T", "weights V"))
""",
    },
    "challenge_03_vision_transformer_computation": {
        "dim by dim": """
def _num_patches(sizes, patch_size):
    patch, out = _per_dim(patch_size, len(sizes)), 1
    for size, p in zip(sizes, patch):
        times, rest = divmod(size, p)
        if rest:
            raise ValueError(f"{size} pixels or frames, patches of {p}")
        out *= times
    return out
""",
        "from its parts": """
def vit2d_encoder_params(num_layers, d_model, num_heads, d_ff, patch_embed_params):
    if num_heads <= 0 or d_model % num_heads != 0:
        raise ValueError(f"{d_model=} {num_heads=}")
    weights = 4 * d_model**2 + 2 * d_model * d_ff
    return patch_embed_params + num_layers * (weights + 9 * d_model + d_ff)

def vit3d_sequence_length(T, H, W, patch_size):
    return 1 + vit3d_patch_embed_output_shape(1, 3, T, H, W, patch_size, 8)[1]
""",
    },
    "challenge_04_complexity_and_interview_questions": {
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
        f"Each query meets all the keys. The scores form an L x L matrix with {L * L:.3g} entries; "
        "twice the length costs 4x."
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
        f"All pairs of tokens are scored, {L * L:,} of them. The square of the length: if L "
        "doubles, time and memory quadruple."
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
        f"Each of {L} queries is compared with {L} keys, {L * L:,} scores, so it grows as L**2. "
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
        "L\N{MULTIPLICATION SIGN}L. 2\N{MULTIPLICATION SIGN} the tokens: "
        "4\N{MULTIPLICATION SIGN} the scores."
    )

def conv_vs_attention_compute(L_conv, C, K, L_seq, d):
    a, c = 2 * L_seq**2 * d, L_conv * C * C * K
    big, small = ("attention", "conv") if a > c else ("conv", "attention")
    says = f"{big} > {small}: it costs more than {small}, {max(a, c) / min(a, c):.2f} times."
    says = "The ratio is 1.00, so they cost the same." if a == c else says
    return f"O(C^2 * K * L_conv) = {c}, O(d * L_seq^2) = {a}. {says}"
""",
    },
}
