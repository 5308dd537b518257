"""Complexity, said aloud: how attention and convolutions grow, and what they come to.

An interviewer asks for the growth, for the number at his sizes, and for the reason. Each function
returns one text (a str) about the sizes it is given. Sizes are whole numbers, at least 1.

    attention_time_complexity         mult-adds of one sequence's two matrix products, queries by
                                      keys and weights by values, all heads; no projections
    attention_space_complexity        numbers in the scores of B sequences and H heads
    conv2d_time_complexity_per_layer  mult-adds of nn.Conv2d for one sample, K x K taps, no bias
    conv_vs_attention_compute         mult-adds of nn.Conv1d from C to C channels, K taps, at L_conv
                                      positions, no bias; and the first function's, for L_seq and d
    why_attention_is_expensive        numbers in the scores of one sequence and head of L tokens

1. The first three have exactly one O(...), the fourth two, one for each. In it: the function's
   parameter names (in any case), numbers, + * ^ ( ); ** means ^, a space *. It must grow as the
   cost does when any one size doubles, or all do, from large sizes. Constant factors are free.
2. Each text has the cost outside O(...), exact or rounded to two digits at least: 12345, 12,345,
   12_345 or 1.2e4. A multiply with its add is 1; "12345 FLOPs" or "12345 bytes" is not read. The
   fourth has both costs and, unless they are the same, the larger over the smaller.
3. The fourth says "conv costs more than attention", the reverse, or "they cost the same". Words
   like larger or cheaper than will do. Its last comparison without "not" or "no" counts.
4. The fifth needs no O(...), but three ideas: how the number of scores grows with L, which tokens
   meet which, and what doubling L does. The check looks for usual words and cannot judge more; in
   this text it refuses linear, cubic, exponential and logarithmic, even after "not".
Ask yourself: which sizes change nothing? Paper: table 1 of https://arxiv.org/abs/1706.03762
"""

import ast
import re
from decimal import Decimal
from fractions import Fraction
from inspect import signature

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def attention_time_complexity(L: int, d_model: int) -> str:
    raise NotImplementedError("attention_time_complexity")


def attention_space_complexity(B: int, H: int, L: int) -> str:
    raise NotImplementedError("attention_space_complexity")


def conv2d_time_complexity_per_layer(C_in: int, C_out: int, K: int, H_out: int, W_out: int) -> str:
    raise NotImplementedError("conv2d_time_complexity_per_layer")


def why_attention_is_expensive(L: int) -> str:
    raise NotImplementedError("why_attention_is_expensive")


def conv_vs_attention_compute(L_conv: int, C: int, K: int, L_seq: int, d: int) -> str:
    raise NotImplementedError("conv_vs_attention_compute")


def check(
    attention_time_complexity,
    attention_space_complexity,
    conv2d_time_complexity_per_layer,
    why_attention_is_expensive,
    conv_vs_attention_compute,
):
    check_formula(
        "attention_time_complexity",
        attention_time_complexity,
        attention,
        ((4096, 512), (300, 7), (50, 1000)),
    )
    check_formula(
        "attention_space_complexity",
        attention_space_complexity,
        scores,
        ((3, 8, 1000), (16, 5, 70), (1, 12, 4096)),
    )
    check_formula(
        "conv2d_time_complexity_per_layer",
        conv2d_time_complexity_per_layer,
        conv2d,
        ((3, 64, 7, 112, 56), (96, 20, 1, 13, 40), (10, 24, 5, 9, 31)),
    )
    check_comparison(conv_vs_attention_compute)
    check_reasons(why_attention_is_expensive)


def check_formula(name, function, cost, cases):
    for sizes in cases:
        call, text = ask(name, function, sizes)
        (formula,) = formulas_in(call, text, 1)
        grows_as(call, formula, cost, tuple(signature(cost).parameters))
        has_numbers(call, text, cost(*sizes))


def check_comparison(function):
    names = ("L_conv", "C", "K", "L_seq", "d")
    for sizes in (
        (1000, 64, 3, 300, 512),
        (5000, 256, 7, 100, 32),
        (300, 100, 5, 150, 480),
        (64, 30, 9, 36, 200),  # as much as each other
    ):
        call, text = ask("conv_vs_attention_compute", function, sizes)
        formulas = formulas_in(call, text, 2)
        for own, cost in ((names[:3], conv1d_of_five), (names[3:], attention_of_five)):
            those = [f for f in formulas if {n.lower() for n in own} & set(tokens(call, f, names))]
            assert len(those) == 1, f"{call}: {len(those)} O(...) with any of {own}, want one"
            grows_as(call, those[0], cost, names)
        conv, att = conv1d_of_five(*sizes), attention_of_five(*sizes)
        ratio = [] if conv == att else [max(conv, att) / min(conv, att)]
        has_numbers(call, text, conv, att, *ratio)
        claim, dearer = last_claim_in(text)
        want = "attention" if att > conv else "conv" if conv > att else "neither"
        assert claim, f"{call} has no comparison that can be read, with 'than' or 'same' (rule 3)"
        assert dearer == want, (
            f"{call}: its last comparison, {claim!r}, says that {dearer} costs more; "
            f"the convolution takes {conv} mult-adds and attention {att}"
        )


def check_reasons(function):
    for L in (1000, 512, 4096):
        call, text = ask("why_attention_is_expensive", function, (L,))
        read = text + " twice" * has_number(text, 2 * L) + " fourfold" * has_number(text, 4 * L * L)
        for idea, wordings in IDEAS.items():
            said = all(re.search(words, read, re.I | re.S) for words in wordings)
            assert said, f"{call} does not say {idea}, in words that the check knows"
        other = re.search(r"\b(linear|cubic|exponential|logarithmic)(ly)?\b", text, re.I)
        assert not other, f"{call} contains {other[0]!r}; rule 4: not even after 'not'"
        has_numbers(call, text, scores(1, 1, L))


# Costs, as torch counts them.


def mult_adds(run):
    """Of what runs on the meta device, which knows shapes and holds no numbers."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


def attention(L, d_model):
    q, k, v = (torch.empty(L, d_model, device="meta") for _ in range(3))
    return mult_adds(lambda: (q @ k.T) @ v)


def scores(B, H, L):
    q, k = (torch.empty(B, H, L, 5, device="meta") for _ in range(2))
    return (q @ k.transpose(-2, -1)).numel()


def conv2d(C_in, C_out, K, H_out, W_out):
    x = torch.empty(1, C_in, H_out + K - 1, W_out + K - 1, device="meta")
    return mult_adds(lambda: nn.Conv2d(C_in, C_out, K, bias=False, device="meta")(x))


def conv1d_of_five(L_conv, C, K, L_seq, d):
    x = torch.empty(1, C, L_conv + K - 1, device="meta")
    return mult_adds(lambda: nn.Conv1d(C, C, K, bias=False, device="meta")(x))


def attention_of_five(L_conv, C, K, L_seq, d):
    return attention(L_seq, d)


# Reading a text.


def ask(name, function, sizes):
    """(what was called and said, what was said)"""
    text, call = function(*sizes), f"{name}({', '.join(map(str, sizes))})"
    assert type(text) is str, f"{call} is {text!r}, type {type(text).__name__}; want a str"
    return f"{call}: {text!r}", text


def spans(text):
    """Where each O(...) and what is inside it begins and ends; at the text's end if not closed."""
    for start in re.finditer(r"(?<![\w/])O\s*\(", text):
        depth, end = 1, start.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield start.start(), start.end(), end if depth else end - 1


def formulas_in(call, text, count):
    found = [text[inside:end] for _, inside, end in spans(text)]
    closed = all(end < len(text) for *_, end in spans(text))
    assert closed, f"{call}: O({found[-1]} is not closed, want as many ) as ("
    assert len(found) == count, f"{call} has {len(found)} O(...), want {count}"
    return found


def outside(text):
    """The text without its O(...)."""
    for start, _, end in reversed(list(spans(text))):
        text = text[:start] + " " + text[end + 1 :]
    return text


def numbers_in(text):
    """Those outside O(...), as they are written, but not what is called FLOPs or bytes."""
    number = r"(?<![\w.^])\d+(?:[,_]\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?"
    found = re.findall(rf"({number})([ -]*(?:flops?|bytes?)\b)?", outside(text), re.I)
    return [written for written, other_unit in found if not other_unit]


def has_number(text, n):
    """One is off by less than its last digit that is not 0, and by 5 % at most."""
    for written in numbers_in(text):
        value = Decimal(re.sub("[,_]", "", written)).normalize()
        last_digit = Decimal(1).scaleb(value.as_tuple().exponent)
        off = abs(value - Decimal(n))
        if off < min(last_digit, 0.05 * n) or off < 1e-12 * n:  # or: a float's rounding
            return True
    return False


def has_numbers(call, text, *wanted):
    missing = [f"{n:,}" for n in wanted if not has_number(text, n)]
    assert not missing, (
        f"{call}: outside O(...), FLOPs and bytes left out, the numbers are {numbers_in(text)}, "
        f"want {missing} as well, all their digits right (rule 2)"
    )


def last_claim_in(text):
    """The words of the last comparison, and who costs more: attention, conv or neither."""
    cheap = r"\b(?! (?:efficient|lightweight|affordable|economical))"
    more = rf"\b(?:more|larger|bigger|higher|greater|costlier|dearer|heavier|pricier){cheap}"
    less = rf"\b(?:less|fewer|smaller|lower|cheaper|lighter){cheap}"
    part = rf"(?:(?!{more}|{less}|\bthan\b)(?:[^.;:]|\.\d))*?"  # of a sentence, with one comparison
    nay = r"(?:\b(?:not|never|neither|nor)\b|n['’]t\b)[^,.;:]{0,20}?|\bno "
    claim = (
        rf"(?P<nay>{nay})?(?:(?:(?P<more>{more})|{less}){part}\bthan\b{part}\b(?P<who>conv|attention)"
        r"|(?P<same>\bcosts?\b[^.;:]{0,12}\bthe same\b|\bequally\b|\bthe same costs?\b))"
    )
    text = re.sub(r"\s+", " ", outside(text)).lower()
    last = next((m for m in reversed([*re.finditer(claim, text)]) if not m["nay"]), None)
    if last is None:
        return None, None
    other = {"conv": "attention", "attention": "conv", None: "neither"}[last["who"]]
    return last[0], other if last["more"] or last["same"] else last["who"]


THING = (
    r"\b(?:tokens?|positions?|words?|elements?|query|queries|keys?|patch(?:es)?|inputs?|items?|"
    r"vectors?|embeddings?|(?:time)?steps?|others?|ones?)\b"
)
EACH = (
    rf"\b(?:(?:each|every|all|any|per)\b[^.;]{{0,30}}?{THING}|every(?:one|thing|body)\b|"
    r"(?:each|all) of them\b|all (?:L|n|\d[\d,_]*)\b)"
)
REST = (
    r"\b(?:(?:each |one an|every ?|all (?:the )?)other|the (?:others|rest)\b|"
    r"(?:whole|entire|full|complete) (?:sequence|input|context))"
)
IDEAS = {  # of each all patterns have to be found
    "how the number of scores grows with L": (
        r"\bquadratic|\bsquar(e|es|ed|ing)\b(?! root)|\b\d*(L|N|T|S|length)\)?\s*(\^|\*\*)\s*2|"
        r"\b\d*[LNTS]²|second power|power of (2|two)|\bL\s*(\*|x|×|·|by|times)\s*L\b",
    ),
    "which tokens meet which": (
        rf"\bpair|\b(any|every) two\b|\ball[- ]to[- ]all\b|{THING}.{{1,80}}?{REST}|"
        rf"{EACH}.{{1,80}}?({EACH}|{REST})|\b(?P<n>L|\d[\d,_]*) {THING}.{{1,30}}?\b(?P=n) {THING}",
    ),
    "what doubling L does to the number of scores": (
        r"doubl|twice|\b(two|2)([- ]?fold| times)|\b2 ?[x×]|\b2\s*[*·]?\s*L\b|"
        r"(factor of|by) (2|two)\b",
        r"(four|(?<![\d.,_^a-wyz])4)(?![.,_]?\d|[ -](bytes?|heads?|layers?)\b)|quadrupl",
    ),
}


# Reading a formula.


def tokens(call, formula, names):
    """Its numbers, signs and names, these in lower case. Names may stand side by side."""
    text = formula.lower()
    for sign, plain in (("**", "^"), ("²", "^2"), ("³", "^3"), ("·", "*"), ("×", "*")):
        text = text.replace(sign, plain)
    name = "|".join(sorted((n.lower() for n in names), key=len, reverse=True))
    found = []
    for token in re.findall(r"[^\W\d]\w*|\d+(?:\.\d+)?|\S", text):
        split = re.findall(name, token)
        known = "".join(split) == token or token in "+*^()" or token[0].isdigit()
        assert known, f"{call}: O({formula}) has {token!r}, want {names}, numbers, + * ^ ( )"
        found += split or [token]
    return found


def worth(call, formula, values):
    """The formula's value, exactly. It is parsed and walked, never evaluated as Python."""
    lower = {name.lower(): value for name, value in values.items()}
    text = ""
    for token in tokens(call, formula, tuple(values)):
        times = text and text[-1] not in "+*^(" and token not in "+*^)"
        text += f"*{token}" if times else token

    def value(node):
        match node:
            case ast.Constant(number):
                return Fraction(number)
            case ast.Name(name):
                return lower[name]
            case ast.BinOp(a, ast.Add(), b):
                return value(a) + value(b)
            case ast.BinOp(a, ast.Mult(), b):
                return value(a) * value(b)
            case ast.BinOp(a, ast.Pow(), ast.Constant(int(power))) if power < 10:
                return value(a) ** power
        raise AssertionError(
            f"{call}: O({formula}) cannot be read: want sums of products, and after each ^ a whole "
            "number below 10"
        )

    try:
        result = value(ast.parse(text.replace("^", "**"), mode="eval").body)
    except SyntaxError as error:
        raise AssertionError(f"{call}: O({formula}) cannot be read: {error.msg}") from None
    assert result > 0, f"{call}: O({formula}) is {result}"
    return result


def grows_as(call, formula, cost, names):
    """Doubling one large size, or all, makes the formula as many times larger as the cost."""
    small = {name: 3 + i for i, name in enumerate(names)}
    for doubled in (*((name,) for name in names), names):
        twice = {name: n * 2 if name in doubled else n for name, n in small.items()}
        want = cost(**twice) / cost(**small)
        large = {name: 10**60 if name in doubled else 10**3 for name in names}
        twice = {name: n * 2 if name in doubled else n for name, n in large.items()}
        got = worth(call, formula, twice) / worth(call, formula, large)
        what = f"{doubled[0]} doubles" if len(doubled) == 1 else "all sizes double"
        assert abs(got / want - 1) < 0.01, (
            f"{call}: when {what}, O({formula}) grows {float(got):.4g} times; "
            f"the cost grows {want:.4g} times"
        )


if __name__ == "__main__":
    try:
        check(
            attention_time_complexity,
            attention_space_complexity,
            conv2d_time_complexity_per_layer,
            why_attention_is_expensive,
            conv_vs_attention_compute,
        )
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_04_complexity_and_interview_questions.py")
