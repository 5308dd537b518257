"""What challenge_04_complexity_and_interview_questions.py requires of formulas and numbers.

Words are not read. The costs below are literals; the suite holds them against what torch counts.
"""

import ast
import math
import re
from decimal import Decimal

ATTENTION = {"L": 2, "d_model": 1}  # the power of each size in the cost
ATTENTION_COSTS = {(4096, 512): 17_179_869_184, (300, 7): 1_260_000, (50, 1000): 5_000_000}
SCORES = {"B": 1, "H": 1, "L": 2}
SCORES_COSTS = {(3, 8, 1000): 24_000_000, (16, 5, 70): 392_000, (1, 12, 4096): 201_326_592}
CONV2D = {"C_in": 1, "C_out": 1, "K": 2, "H_out": 1, "W_out": 1}
CONV2D_COSTS = {(3, 64, 7, 112, 56): 59_006_976, (10, 24, 5, 9, 31): 1_674_000}
CONV1D, SEQUENCE = {"L_conv": 1, "C": 2, "K": 1}, {"L_seq": 2, "d": 1}
BOTH_COSTS = {
    (1000, 64, 3, 300, 512): (12_288_000, 92_160_000),
    (5000, 256, 7, 100, 32): (2_293_760_000, 640_000),
    (64, 30, 9, 36, 200): (518_400, 518_400),
}


def attention(attention_time_complexity):
    for sizes, cost in ATTENTION_COSTS.items():
        says(attention_time_complexity, sizes, [ATTENTION], [cost])


def scores(attention_space_complexity):
    for sizes, cost in SCORES_COSTS.items():
        says(attention_space_complexity, sizes, [SCORES], [cost])


def conv2d(conv2d_time_complexity_per_layer):
    for sizes, cost in CONV2D_COSTS.items():
        says(conv2d_time_complexity_per_layer, sizes, [CONV2D], [cost])


def doubling(why_attention_is_expensive):
    for L in (1000, 512, 4096):
        says(why_attention_is_expensive, (L,), [{"L": 2}], [L * L, 4 * L * L])


def comparison(conv_vs_attention_compute):
    for sizes, costs in BOTH_COSTS.items():
        ratio = [max(costs) / min(costs)] if costs[0] != costs[1] else []
        says(conv_vs_attention_compute, sizes, [CONV1D, SEQUENCE], [*costs, *ratio])


CORE = (attention, scores, conv2d, doubling, comparison)
EDGES = ()


def says(function, sizes, growths, wanted):
    """Its text has an O(...) for each of the growths, and outside of them the wanted numbers."""
    text = function(*sizes)
    call = f"{function.__name__}({', '.join(map(str, sizes))})"
    assert isinstance(text, str), f"{call} is {text!r}, want a str"
    formulas, rest = parts(text)
    closed, count = len(formulas), len(growths)
    assert closed == count, f"{call}: {closed} O(...) that are closed, want {count}, in {text!r}"
    names = [name for growth in growths for name in growth]
    for growth in growths:
        own = [f for f in formulas if {n.lower() for n in growth} & set(tokens(call, f, names))]
        told = f"{call}: {len(own)} O(...) with any of {', '.join(growth)}, want one"
        assert len(own) == 1 or count == 1, f"{told}, in {text!r}"
        grows(call, (own or formulas)[0], growth, names)
    found = re.findall(r"(?<![\w.^])\d+(?:[,_]\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?", rest, re.I)
    missing = [n for n in wanted if not any(rounds(n, number) for number in found)]
    shown = " and no ".join(f"{n:,}" if isinstance(n, int) else f"{n:.4g}" for n in missing)
    there = "; ".join(found) or "none"
    assert not missing, f"{call}: no {shown} outside O(...), there are {there}, in {text!r}"


def parts(text):
    """What is inside its O(...), and the text without them."""
    inner = r"[^()]*"
    for _ in range(4):
        inner = rf"(?:[^()]|\({inner}\))*"
    formula = rf"(?<![\w/])O\s*\(({inner})\)"
    return re.findall(formula, text), re.sub(formula, " ", text)


def rounds(n, written):
    """It is n, off by less than its own last digit that is not 0 and by 5 % at most."""
    value = Decimal(re.sub("[,_]", "", written)).normalize()
    off = abs(value - Decimal(n))
    digit = Decimal(1).scaleb(value.as_tuple().exponent)
    return off < min(digit, Decimal(0.05 * n)) or off < Decimal(1e-12 * n)


def tokens(call, formula, names):
    """Its numbers, signs and names, these in lower case. Names may stand side by side."""
    text = formula.lower()
    for sign, plain in (("**", "^"), ("²", "^2"), ("³", "^3"), *((dot, "*") for dot in "·⋅×")):
        text = text.replace(sign, plain)
    name, found = "|".join(sorted((n.lower() for n in names), key=len, reverse=True)), []
    for word in re.findall(r"[^\W\d]\w*|\d+(?:\.\d+)?|\S", text):
        split = re.findall(name, word)
        known = "".join(split) == word or word in "+*^()" or word[0].isdigit()
        allowed = f"{', '.join(names)}, numbers, + * ^ ( )"
        assert known, f"{call}: O({formula}) has {word!r}, want {allowed}"
        found += split or [word]
    return found


def grows(call, formula, growth, names):
    """Doubling a size, or all, makes formula and cost grow by the same power of 2."""
    text = ""
    for token in tokens(call, formula, names):
        times = text and text[-1] not in "+*^(" and token not in "+*^)"
        text += f"*{token}" if times else token

    def power(node, sizes):
        """Of 2, by which it grows when these sizes, which are large, double."""
        match node:
            case ast.Constant(number):
                return 0 if number > 0 else -math.inf
            case ast.Name(name):
                return int(name in sizes)
            case ast.BinOp(a, ast.Add(), b):
                return max(power(a, sizes), power(b, sizes))
            case ast.BinOp(a, ast.Mult(), b):
                return power(a, sizes) + power(b, sizes)
            case ast.BinOp(a, ast.Pow(), ast.Constant(int(times))):
                return power(a, sizes) * times
        want = "want sums, products and ^ with a whole number"
        raise AssertionError(f"{call}: O({formula}) cannot be read: {want}")

    try:
        tree = ast.parse(text.replace("^", "**"), mode="eval").body
    except SyntaxError as error:
        raise AssertionError(f"{call}: O({formula}) cannot be read: {error.msg}") from None
    for doubled in (*([name] for name in names), names):
        got = power(tree, [name.lower() for name in doubled])
        want = sum(growth.get(name, 0) for name in doubled)
        what = f"{doubled[0]} doubles" if len(doubled) == 1 else "all sizes double"
        grown = f"O({formula}) becomes {2.0 ** min(got, 99):g} times as large"
        assert got == want, f"{call}: when {what}, {grown}, the cost {2**want} times"
