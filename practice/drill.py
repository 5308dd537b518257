"""`python -m practice drill [topic] [--count N] [--seed S]`: sums that interviewers ask for.

Each question is drawn at random: a layer or a model, and what is wanted of it. Shapes, parameters
and mult-adds come from the solutions of level 14, which the tests confirm with torch; memory and
receptive fields are worked out here, and the tests confirm them too.
"""

import argparse
import math
import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple

from practice.exercises import ROOT, load

Unit = Literal["shape", "number", "bytes"]
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
STATES = {"SGD": 0, "SGD with momentum": 1, "Adam": 2, "AdamW": 2}  # tensors like each parameter


class Question(NamedTuple):
    kind: str
    sizes: dict[str, Any]  # what was drawn
    text: str
    unit: Unit
    answer: int | tuple[int, ...]
    working: list[str]  # "what: sum = result", one a line, the last one gives the answer


@cache
def formulas() -> dict[str, Any]:
    """The functions of level 14's solutions, by name."""
    files = sorted((ROOT / "14_computation_exercises").glob("solution_0[123]_*.py"))
    return {name: value for path in files for name, value in load(path).items()}


# --- questions: each function draws one ---------------------------------------------------------


def conv_shape(draw: random.Random) -> Question:
    dims = draw.choice((1, 2, 2, 2, 3))
    kernel, stride = draw.choice((1, 2, 3, 3, 4, 5, 7)), draw.choice((1, 1, 2, 2, 3, 4))
    padding, dilation = draw.choice((0, 1, 2, 3)), draw.choice((1, 1, 1, 2))
    c_in, c_out = draw.choice((1, 3, 16, 64)), draw.choice((8, 16, 32, 64, 128))
    size = tuple(draw.choice(SIDES[dims]) for _ in range(dims))
    convolution = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if dilation > 1:
        convolution["dilation"] = dilation
    name = ("conv1d_output_length", "conv2d_output_shape", "conv3d_output_shape")[dims - 1]
    sides = formulas()[name](*size, **convolution)
    sides = (sides,) if dims == 1 else sides
    arguments = ", ".join(f"{k}={v}" for k, v in convolution.items())
    return Question(
        "conv_shape",
        {"c_in": c_in, "c_out": c_out, "size": size, **convolution},
        f"nn.Conv{dims}d({c_in}, {c_out}, {arguments}) gets one sample of shape "
        f"{(c_in, *size)}. Shape of the result?",
        "shape",
        (c_out, *sides),
        [
            f"a side of {n}: "
            f"({n} + 2 * {padding} - {dilation} * ({kernel} - 1) - 1) // {stride} + 1 = {out}"
            for n, out in zip(size, sides, strict=True)
        ]
        + [f"the channels are the layer's: {(c_out, *sides)}"],
    )


SIDES = {1: (50, 64, 100, 128, 1000), 2: (28, 32, 56, 64, 112, 224), 3: (14, 16, 24, 32)}


def conv_sizes(draw: random.Random) -> dict[str, Any]:
    kernel, groups = draw.choice((1, 3, 3, 5, 7)), draw.choice((1, 1, 1, 2, 4))
    sizes = {"c_in": draw.choice((4, 16, 32, 64, 128)), "c_out": draw.choice((16, 64, 128, 256))}
    return {**sizes, "kernel_size": kernel, "groups": groups}


def conv_text(s: dict[str, Any], *more: str) -> str:
    groups = [f"groups={s['groups']}"] * (s["groups"] > 1)
    arguments = [str(s["c_in"]), str(s["c_out"]), f"kernel_size={s['kernel_size']}"]
    return f"nn.Conv2d({', '.join([*arguments, *more, *groups])})"


def conv_params(draw: random.Random) -> Question:
    s = conv_sizes(draw) | {"bias": draw.random() < 0.5}
    c_in, c_out, k, groups, bias = s.values()
    answer = formulas()["conv2d_num_params"](c_in, c_out, k, bias=bias, groups=groups)
    per_output = f"{c_in} // {groups}" if groups > 1 else f"{c_in}"
    return Question(
        "conv_params",
        s,
        f"{conv_text(s, *['bias=False'] * (not bias))}: how many parameters?",
        "number",
        answer,
        [
            f"weights of an output channel: {per_output} * {k} * {k} = {c_in // groups * k * k}",
            f"all output channels{', and a bias each' * bias}: {c_out} * "
            f"{c_in // groups * k * k}{f' + {c_out}' * bias} = {answer}",
        ],
    )


def conv_flops(draw: random.Random) -> Question:
    s = conv_sizes(draw) | {"size": draw.choice((7, 14, 28, 56, 112))}
    c_in, c_out, k, groups, side = s.values()
    answer = formulas()["conv2d_flops"](c_in, c_out, k, side, side, groups=groups)
    each = c_in // groups * k * k
    return Question(
        "conv_flops",
        s,
        f"{conv_text(s)} gives {side}x{side} pixels for one image. Mult-adds, without the bias?",
        "number",
        answer,
        [
            f"for one number of the result: {c_in} // {groups} * {k} * {k} = {each}",
            f"all of them: {c_out} * {side} * {side} * {each} = {answer}",
        ],
    )


def mha_params(draw: random.Random) -> Question:
    s: dict[str, Any] = {"d_model": draw.choice(WIDTHS), "num_heads": draw.choice((4, 8, 16))}
    d, answer = s["d_model"], formulas()["mha_num_params"](s["d_model"], s["num_heads"])
    return Question(
        "mha_params",
        s,
        f"Multi-head attention, d_model {d}, {s['num_heads']} heads, with biases: parameters?",
        "number",
        answer,
        [
            f"one projection: {d} * {d} + {d} = {d * d + d}",
            f"query, key, value, output, for any number of heads: 4 * {d * d + d} = {answer}",
        ],
    )


WIDTHS = (128, 256, 512, 768, 1024, 2048)


def block_params(draw: random.Random) -> Question:
    s: dict[str, Any] = {
        "d_model": draw.choice(WIDTHS),
        "num_heads": 8,
        "d_ff": draw.choice((512, 1024, 2048, 4096)),
    }
    d, heads, ff = s.values()
    answer = formulas()["encoder_block_num_params"](d, heads, ff)
    attention, ffn = formulas()["mha_num_params"](d, heads), formulas()["ffn_num_params"](d, ff)
    return Question(
        "block_params",
        s,
        f"A transformer encoder block, d_model {d}, {heads} heads, d_ff {ff}, with biases and two "
        "LayerNorms: how many parameters?",
        "number",
        answer,
        [
            f"attention: 4 * ({d} * {d} + {d}) = {attention}",
            f"feed-forward: {d} * {ff} + {ff} + {ff} * {d} + {d} = {ffn}",
            f"with two norms of a scale and a shift: {attention} + {ffn} + 4 * {d} = {answer}",
        ],
    )


def attention_flops(draw: random.Random) -> Question:
    s: dict[str, Any] = {
        "B": draw.choice((1, 2, 8)),
        "L": draw.choice((128, 512, 1024, 4096)),
        "D": draw.choice(WIDTHS),
    }
    B, L, D = s.values()
    answer = formulas()["attention_flops"](B, L, D)
    return Question(
        "attention_flops",
        s,
        f"Self-attention, batch {B}, {L} tokens, d_model {D}: mult-adds of the scores and of the "
        "weighted sum, without the projections?",
        "number",
        answer,
        [
            f"scores: {B} * {L} * {L} * {D} = {B * L * L * D}",
            f"weighted sum of the values, as many: 2 * {B * L * L * D} = {answer}",
        ],
    )


def patches(draw: random.Random) -> Question:
    patch, rows, columns = draw.choice((8, 14, 16, 32)), draw.randint(2, 24), draw.randint(2, 24)
    H, W = rows * patch, columns * patch
    if draw.random() < 0.5:
        answer = formulas()["vit2d_num_patches"](H, W, patch)
        return Question(
            "patches",
            {"H": H, "W": W, "patch": patch},
            f"An image of {H}x{W} in patches of {patch}x{patch}: how many?",
            "number",
            answer,
            [f"rows of patches times columns: ({H} // {patch}) * ({W} // {patch}) = {answer}"],
        )
    answer = formulas()["vit2d_sequence_length"](H, W, patch)
    return Question(
        "sequence",
        {"H": H, "W": W, "patch": patch},
        f"A ViT with class token gets {H}x{W} pixels, patch {patch}: how long is its sequence?",
        "number",
        answer,
        [f"patches and the class token: ({H} // {patch}) * ({W} // {patch}) + 1 = {answer}"],
    )


def patch_params(draw: random.Random) -> Question:
    s: dict[str, Any] = {
        "C": draw.choice((1, 3, 4)),
        "d_model": draw.choice(WIDTHS),
        "patch": draw.choice((8, 14, 16)),
    }
    C, d, p = s.values()
    answer = formulas()["vit2d_patch_embed_num_params"](C, d, p)
    return Question(
        "patch_params",
        s,
        f"A ViT's patch embedding with bias, {C} channels, patch {p}x{p}, d_model {d}: parameters?",
        "number",
        answer,
        [
            f"numbers in a patch: {C} * {p} * {p} = {C * p * p}",
            f"a linear layer from them: {C * p * p} * {d} + {d} = {answer}",
        ],
    )


def attention_memory(draw: random.Random) -> Question:
    s: dict[str, Any] = {
        "B": draw.choice((1, 2, 4, 8)),
        "H": draw.choice((8, 12, 16, 32)),
        "L": draw.choice((256, 512, 1024, 2048, 4096, 8192)),
        "dtype": draw.choice(("float32", "bfloat16")),
    }
    B, H, L, dtype = s.values()
    numbers = math.prod(formulas()["mha_attention_scores_shape"](B, H, L))
    return Question(
        "attention_memory",
        s,
        f"Attention weights kept as one tensor: batch {B}, {H} heads, {L} tokens, {dtype}. Memory?",
        "bytes",
        numbers * BYTES[dtype],
        [
            f"numbers: {B} * {H} * {L} * {L} = {numbers}",
            f"bytes: {numbers} * {BYTES[dtype]} = {numbers * BYTES[dtype]}",
        ],
    )


def receptive_field(draw: random.Random) -> Question:
    layers = [
        (draw.choice((1, 2, 3, 3, 5, 7)), draw.choice((1, 1, 2))) for _ in range(draw.randint(2, 4))
    ]
    field, step, working = 1, 1, []
    for i, (kernel, stride) in enumerate(layers, 1):
        wider = field + (kernel - 1) * step
        working.append(f"layer {i}: {field} + ({kernel} - 1) * {step} = {wider}")
        field, step = wider, step * stride
    return Question(
        "receptive_field",
        {"layers": layers},
        "Convolutions one behind the other, (kernel, stride) from the input on: "
        f"{', '.join(map(str, layers))}. How many input pixels wide is the receptive field?",
        "number",
        field,
        working,
    )


def training_memory(draw: random.Random) -> Question:
    millions = draw.choice((10, 25, 60, 110, 125, 340, 350, 770, 1300, 7000, 13000, 70000))
    params, optimizer = millions * 10**6, draw.choice(list(STATES))
    each = 4 * (2 + STATES[optimizer])
    return Question(
        "training_memory",
        {"params": params, "optimizer": optimizer},
        f"{millions} million parameters, float32, {optimizer}: memory of parameters, gradients and "
        "optimizer state?",
        "bytes",
        params * each,
        [
            f"bytes for each parameter: 4 * (1 + 1 + {STATES[optimizer]}) = {each}",
            f"all: {params} * {each} = {params * each}",
        ],
    )


def kv_cache(draw: random.Random) -> Question:
    s: dict[str, Any] = {
        "layers": draw.choice((12, 24, 32, 40, 80)),
        "heads": draw.choice((4, 8, 12, 32)),
        "head_dim": draw.choice((64, 128)),
        "L": draw.choice((512, 1024, 2048, 4096, 8192)),
        "B": draw.choice((1, 1, 4, 8)),
        "dtype": draw.choice(("float16", "bfloat16", "float32", "int8")),
    }
    layers, heads, head_dim, L, B, dtype = s.values()
    token = 2 * layers * heads * head_dim * BYTES[dtype]
    return Question(
        "kv_cache",
        s,
        f"A KV cache: {layers} layers, {heads} key-value heads of size {head_dim}, {L} tokens, "
        f"batch {B}, {dtype}. Memory?",
        "bytes",
        token * L * B,
        [
            f"bytes of a token, key and value: 2 * {layers} * {heads} * {head_dim} * {BYTES[dtype]}"
            f" = {token}",
            f"all tokens: {token} * {L} * {B} = {token * L * B}",
        ],
    )


TOPICS: dict[str, tuple[Callable[[random.Random], Question], ...]] = {
    "shapes": (conv_shape,),
    "parameters": (conv_params, mha_params, block_params, patch_params),
    "flops": (conv_flops, attention_flops),
    "patches": (patches,),
    "attention-memory": (attention_memory,),
    "receptive-field": (receptive_field,),
    "training-memory": (training_memory,),
    "kv-cache": (kv_cache,),
}


# --- answers -----------------------------------------------------------------------------------

SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
SUFFIXES |= {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SIZES = {"": 1, "b": 1, "byte": 1, "bytes": 1}
SIZES |= {f"{c}b": 1000**i for i, c in enumerate("kmgt", 1)}
SIZES |= {f"{c}ib": 1024**i for i, c in enumerate("kmgt", 1)}
WHOLE = r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+|\d+"
NUMBER = re.compile(rf"({WHOLE})(?:\.(\d+))?(?:e\+?(\d{{1,2}}))?\s*([a-z]*)", re.ASCII)
SHAPE = re.compile(r"\(\s*(\d[\d\s,x×*]*)\)|\[\s*(\d[\d\s,x×*]*)\]|(\d[\d\s,x×*]*)", re.ASCII)


class Given(NamedTuple):
    value: int | tuple[int, ...]
    precision: int = 0  # how far the true value may lie from it, as it was rounded


def understand(text: str, unit: Unit) -> Given | None:
    """What was typed, as a number, a number of bytes or a shape; None if it is none of these."""
    text = text.strip().lower()
    if len(text) > 80:
        return None
    if unit == "shape":
        match = SHAPE.fullmatch(text)
        return match and Given(tuple(int(n) for n in re.findall(r"\d+", match[0])))
    match = NUMBER.fullmatch(text)
    factors = SIZES if unit == "bytes" else SUFFIXES
    if match is None or match[4] not in factors:
        return None
    whole, decimals, exponent, suffix = match.groups()
    digits = int(re.sub("[,_]", "", whole) + (decimals or ""))
    factor = factors[suffix] * 10 ** int(exponent or 0)
    scale = 10 ** len(decimals or "")
    return Given(digits * factor // scale, factor // (2 * scale) if factor > 1 else 0)


def is_right(given: Given, answer: int | tuple[int, ...]) -> bool:
    """Equal; a rounded number (1.2M) as far as its digits go, but not more than 5 % off."""
    if isinstance(given.value, tuple) or isinstance(answer, tuple):
        return given.value == answer
    return abs(given.value - answer) <= min(given.precision, answer // 20)


def spoken(answer: int | tuple[int, ...], unit: Unit) -> str:
    """590592 -> 590,592 (591k); 6291456 bytes -> 6,291,456 bytes (6 MiB)."""
    if isinstance(answer, tuple):
        return str(answer)
    base, names = (1024, ("", "KiB", "MiB", "GiB", "TiB")) if unit == "bytes" else (1000, " kMBT")
    power = 0
    while answer >= base ** (power + 1) and power < 4:
        power += 1
    short = f"{answer / base**power:.3g}{' ' * (unit == 'bytes')}{names[power]}"
    return f"{answer:,}{' bytes' * (unit == 'bytes')}" + (f" ({short})" if power else "")


EXAMPLES = {
    "shape": "a shape, such as (64, 112, 112) or 64x112x112",
    "number": "a number, such as 590592, 590,592 or 1.2M",
    "bytes": "a number of bytes, such as 6291456, 6 MiB or 6.3 MB",
}


# --- the drill ---------------------------------------------------------------------------------


def questions(topics: list[str], seed: int) -> Any:
    """(topic, question) without end; the same ones for the same seed."""
    draw = random.Random(seed)
    while True:
        topic = draw.choice(topics)
        yield topic, draw.choice(TOPICS[topic])(draw)


def drill(topics: list[str], count: int | None, seed: int) -> None:
    asked, right = Counter[str](), Counter[str]()
    print("Ends with quit or Ctrl-C. No idea? skip shows the working.")
    print(f"To have these questions again: --seed {seed}")
    try:
        for i, (topic, question) in enumerate(questions(topics, seed), 1):
            if count is not None and i > count:
                break
            solved = pose(i, topic, question)
            asked[topic] += 1
            right[topic] += solved
    except (EOFError, KeyboardInterrupt):
        print()
    print(f"\n{score(asked, right)}")


def pose(number: int, topic: str, question: Question) -> bool:
    """Whether it was answered rightly; the working is told if not. Raises EOFError at quit."""
    print(f"\n{number}. [{topic}] {question.text}")
    given = ask(question.unit)
    solved = given is not None and is_right(given, question.answer)
    print(f"{'Right' if solved else 'No'}: {spoken(question.answer, question.unit)}")
    if not solved:
        print(*(f"    {line}" for line in question.working), sep="\n")
    return solved


def ask(unit: Unit) -> Given | None:
    """What was answered; None for skip. Raises EOFError at quit and at the end of the input."""
    while True:
        text = input("> ")
        if text.strip().lower() in ("quit", "q", "exit"):
            raise EOFError
        if text.strip().lower() == "skip":
            return None
        given = understand(text, unit)
        if given is not None:
            return given
        print(f"Not understood: {text.strip()!r}. Want {EXAMPLES[unit]}.")


def score(asked: Counter[str], right: Counter[str]) -> str:
    if not asked:
        return "No question answered."
    result = f"{right.total()} of {asked.total()} right."
    weakest = min(asked, key=lambda topic: right[topic] / asked[topic])
    if right[weakest] == asked[weakest]:
        return result
    return f"{result} Weakest topic: {weakest}, {right[weakest]} of {asked[weakest]}."


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m practice drill", description="Sums that interviewers ask for, graded at once."
    )
    parser.add_argument("topic", nargs="?", choices=list(TOPICS), help="all of them if left out")
    parser.add_argument("--count", type=positive, help="how many questions; endless if left out")
    parser.add_argument("--seed", type=int, help="the same seed gives the same questions")
    options = parser.parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    drill([options.topic] if options.topic else list(TOPICS), options.count, seed)
    return 0


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
