"""What challenge_speculative_decoding.py requires.

Most cases leave one possible result, so that one wrong draw tells; shares are judged up to 6
standard errors. Such rows give one token as much as 100 others have together: a power of the
numbers, the best one and all alike are far off. `accept` looks at accepted proposals alone.
"""

import torch

from checks.tools import attempt, draws_from, equal, refuses, share_is, strided, unchanged

ZERO = torch.tensor([0])


def accept(speculative_decode):
    p = torch.randn(20, 9).softmax(-1)
    tokens = torch.randint(9, (20,))
    gives(speculative_decode, "20 proposals, p = q", (p, p, tokens), tokens.tolist())
    for p, q in ((0.9, 0.3), (1.0, 0.1), (0.51, 0.5)):
        what = f"20 proposals with p(x) {p}, q(x) {q}"
        gives(speculative_decode, what, alike(20, (p, q)), [0] * 20)
    what, given = "240 calls, 10 proposals with p(x) 0.09, q(x) 0.1", alike(10, (0.09, 0.1))
    hits = [run(speculative_decode, what, *given)[:10] == [0] * 10 for _ in range(240)]
    share_is(torch.tensor(hits), 0.9**10, f"{what}: the share in which all are accepted")


def order(speculative_decode):
    sure(speculative_decode, "1>1:1", "1>0:1", "4231>4231:4231", "4231>0231:4", "4231>4211:423")
    sure(speculative_decode, "4231>4233:4231", "42310>43312:42", "222>220:222", "4230>123:4")
    sure(speculative_decode, "42301423>42301424:42301423", "42301423>42311423:4230")


def replace(speculative_decode):
    only(
        speculative_decode,
        ([0.5, 0.5, 0.0], [0.5, 0.0, 0.5], 2, 1),
        ([0.0, 0.3, 0.0, 0.7], [0.6, 0.3, 0.1, 0.0], 0, 3),
    )
    what = "p [0.2, 0.4, 0.4], q [0.4, 0.3, 0.3], proposal 0, 50 calls: tokens"
    given = torch.tensor([[0.2, 0.4, 0.4]]), torch.tensor([[0.4, 0.3, 0.3]]), ZERO
    outs = [run(speculative_decode, what, *given) for _ in range(50)]
    equal(what, sorted({out[-1] for out in outs}), [0, 1, 2])
    front, behind = torch.eye(102)[[1] * 4], torch.full((2, 102), 1 / 102)
    p, q = wide(0.9, 0.001, 0.0), wide(0.8, 0.0, 0.2)
    given = torch.cat([front, p, behind]), torch.cat([front, q, behind[:1]])
    what = (
        "90 calls, 6 proposals, four are sure, then 101, where p is 0.9, 100 times 0.001, 0 "
        "and q is 0.8, 100 times 0, 0.2"
    )
    halves(speculative_decode, what, *given, torch.tensor([1, 1, 1, 1, 101, 1]))


def bonus(speculative_decode):
    sure(speculative_decode, "13>1:13", "13>2:1", "4230>423:4230", "4230>420:423", "423>423:423")
    front = torch.full((4, 102), 1 / 102)
    given = torch.cat([front, wide(0.5, 0.005, 0.0)]), front, torch.tensor([5, 3, 101, 0])
    what = "90 calls, p = q in 4 proposals, then a row of 0.5, 100 times 0.005, 0"
    halves(speculative_decode, what, *given)


def zeros(speculative_decode):
    only(
        speculative_decode,
        ([0.1, 0.9, 0.0], [0.0, 0.5, 0.5], 0, 0),
        ([1e-3, 0.999, 0.0], [0.0, 0.0, 1.0], 0, 0),
        ([0.0, 1.0, 0.0], [0.0, 1.0, 0.0], 2, 1),
        ([0.0, 0.0, 1.0], [0.0, 1.0, 0.0], 0, 2),
    )
    p = torch.tensor([[0.0, 0.02] * 50])
    for told, q in (("= p", p), ("0.02 for all 100", torch.full((1, 100), 0.02))):
        what = f"p is 0 for even tokens, 0.02 for odd ones, q {told}, proposal 0, 10 calls: "
        got = [run(speculative_decode, what + "one", p, q, ZERO)[0] for _ in range(10)]
        equal(f"{what}even tokens", [token for token in got if token % 2 == 0], [])
        assert len({*got}) > 1, f"{what}always token {got[0]}, want draws from p"


def small(speculative_decode):
    only(
        speculative_decode,
        ([2e-30, 1.0], [1e-30, 1.0], 0, 0),
        ([0.0, 1.0], [1e-30, 1.0], 0, 1),
        ([1e-30, 1.0], [1e-12, 1.0], 0, 1),
        ([0.5, 0.5, 0.0], [0.5, 0.5 - 1e-12, 1e-12], 2, 1),
    )
    what = "float32, 9 proposals with p(x) 2e-30, q(x) 1e-30"
    gives(speculative_decode, what, alike(9, (2e-30, 1e-30)), [0] * 9)


def sizes(speculative_decode):
    for rows, want in ((0, []), (1, [3])):
        given = torch.eye(5)[[3] * rows], torch.zeros(0, 5), ZERO[:0]
        gives(speculative_decode, f"K = 0, target_probs ({rows}, 5)", given, want)
    one, wrong = torch.tensor([0.0, 1.0]), "212 242 233 221 020 101 353"
    for k, target, draft in (map(int, case) for case in wrong.split()):
        given = one.expand(target, 2), one.expand(draft, 2), torch.ones(k, dtype=torch.long)
        call = f"{k} proposals, target_probs ({target}, 2), draft_probs ({draft}, 2)"
        refuses(speculative_decode, *given, errors=(ValueError,), call=call)


def inputs(speculative_decode):
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        p, q = (strided(n, 5, dtype=dtype).exp() / 20 for n in (4, 3))
        for draft, kind in ((q, torch.int32), (p[:3], torch.int64), (1 - p[:3], torch.int32)):
            x, what = torch.arange(6, dtype=kind)[::2], f"{dtype}, {kind}, not contiguous"
            with unchanged(what, p, draft, x):
                attempt(what, speculative_decode, p, draft, x)
    many, none = torch.full((1, 999), 1 / 999), torch.zeros(1, 999)
    for what, given, calls in (
        ("chance decides what is accepted", alike(30, (0.9, 1.0)), 5),
        ("chance decides what replaces", (many, none.index_fill(1, ZERO, 1.0), ZERO), 2),
        ("chance decides the bonus", (torch.cat([many, many]), many, ZERO), 2),
    ):
        draws_from(
            what,
            lambda generator, given=given, calls=calls: torch.tensor(
                [ends(speculative_decode(*given, generator=generator)) for _ in range(calls)]
            ),
        )


CORE = (accept, order, replace, bonus)
EDGES = (zeros, small, sizes, inputs)


def only(speculative_decode, *cases):
    """A case: a row of p, one of q, the proposal, the one token that can come of it."""
    for p, q, x, want in cases:
        for lead in (0, 0, 0, 2, 2, 2):
            what = f"float64, p {p}, q {q}, proposal {x}, after {lead} accepted ones"
            rows = torch.eye(len(p)).double()[[1] * lead]
            given = [torch.cat([rows, torch.tensor([row], dtype=rows.dtype)]) for row in (p, q)]
            proposed = torch.tensor([1] * lead + [x])
            gives(speculative_decode, what, (*given, proposed), [1] * lead + [want])


def sure(speculative_decode, *cases):
    """A case: the one token that each row of p can give > the proposals : the result."""
    for case in cases:
        best, proposed, want = ([*map(int, part)] for part in case.replace(">", ":").split(":"))
        what = f"the target is sure of {best}, the proposals are {proposed}"
        given = torch.eye(5)[best], torch.full((len(proposed), 5), 0.2), torch.tensor(proposed)
        for _ in range(2):
            gives(speculative_decode, what, given, want)


def wide(first, many, last):
    return torch.tensor([[first] + [many] * 100 + [last]])


def halves(speculative_decode, what, *given):
    """The fifth token is 0 in half of the calls."""
    outs = [run(speculative_decode, what, *given) for _ in range(90)]
    hits = torch.tensor([out[4:5] == [0] for out in outs])
    share_is(hits, 0.5, f"{what}: the share in which token 0 comes fifth")


def ends(tokens):
    return len(tokens), tokens[-1]


def alike(k, *pairs):
    """k times these proposals: all of token 0, each with its p(x) and q(x)."""
    both = torch.tensor(pairs * k)
    p, q = torch.stack([both, 1 - both], dim=-1).unbind(1)
    return p, q, torch.zeros(len(both), dtype=torch.long)


def run(speculative_decode, what, *given):
    """What it gives, a list of ints."""
    got = attempt(what, speculative_decode, *(t.clone() for t in given))
    equal(f"{what} gave a", type(got).__name__, "list")
    kinds = {type(token).__name__ for token in got} - {"int"}
    assert not kinds, f"{what}: tokens of type {', '.join(sorted(kinds))}, want int"
    return got


def gives(speculative_decode, what, given, want):
    equal(f"{what}: tokens", run(speculative_decode, what, *given), want)
