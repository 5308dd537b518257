"""What challenge_text_classifier.py requires.

Pooling is compared with each text alone, without padding. A run is judged on texts of lengths that
are all different, so that each row of ids tells which text it is.
"""

from functools import lru_cache, partial

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from checks.pipelines import in_a_folder, is_measured, is_trained, lines_are, watched_run
from checks.tools import attempt, close, equal, filled, gradients, names_are, result_of

LENGTHS = (3, 5, 1)
POOLS = ("attention", "mean", "last")
BOUNDS = [8, 12, 24]
LABELS = [0, 0, 1, 2] * 5 + [1, 2, 1, 0, 2] * 8  # of 20 train and 39 test texts
RIGHT = [row for row in range(20, 59) if row % 3 == 0 or row > 50]  # in the test, by the check


def vocab(build_vocab):
    texts = [["b", "a", "b"], [], ["c", "d", "a", "d", "d", "C"]]
    for more, want in (((), "abd"), ((1,), "abcdC"), ((3,), "d"), ((4,), "")):
        what = f"build_vocab({', '.join(map(str, (texts, *more)))})"
        got = attempt(what, build_vocab, texts, *more)
        names_are(got, want, what)
        equal(f"{what}: the ids, sorted:", sorted(got.values()), list(range(2, 2 + len(want))))


def encode(encode):
    texts, known = [["a"], ["b", "A", "a"], ["y", "b"]], {"a": 3, "b": 2}
    what = f"encode({texts}, {known})"
    given = dict(known)
    ids, mask = attempt(what, encode, texts, given)
    equal(f"{what}: vocab after it", given, known)
    equal(f"{what}: ids", ids.tolist(), [[3, 0, 0], [2, 1, 3], [1, 2, 0]])
    equal(f"{what}: mask", mask.tolist(), (ids > 0).tolist())
    equal(f"{what}: dtypes", (ids.dtype, mask.dtype), (torch.int64, torch.bool))
    ids, mask = attempt("encode", encode, [["a"] * 200], {"a": 2})
    got = int((ids == 2).sum()), int(mask.sum())
    equal("encode, a text of 200 times a word: such ids, words by mask", got, (200, 200))


def attention(AttentionPooling):
    pooling, x, mask = AttentionPooling(4), torch.randn(3, 5, 4), mask_of(LENGTHS)
    sizes = {"score.weight": (1, 4), "score.bias": (1,)}
    equal("AttentionPooling(4): parameters", sizes_of(pooling), sizes)
    filled(pooling, 2.0)
    for shift in (0.0, -500.0, 500.0):
        nn.init.constant_(pooling.score.bias, shift)
        what = f"AttentionPooling(4), x (3, 5, 4), texts of {LENGTHS} words, score.bias {shift:.0f}"
        out = result_of(what, pooling, x, mask)
        weight, rows = pooling.score.weight[0], zip(x, LENGTHS, strict=True)
        want = [torch.softmax(row[:n] @ weight, 0) @ row[:n] for row, n in rows]
        close(out.detach(), torch.stack(want).detach(), what, 1e-3)


def pools(AttentionPooling, TextClassifier):
    for pool in POOLS:
        net = model_of(TextClassifier, pool)
        want = {"embedding": nn.Embedding(9, 4), "gru": nn.GRU(4, 4), "head": nn.Linear(4, 3)}
        want |= {"attention": AttentionPooling(4)} if pool == "attention" else {}
        sizes, right = map(sizes_of, (net, nn.ModuleDict(want)))
        names_are(sizes, right, f"parameters of TextClassifier(9, 4, 3, {pool!r})")
        equal(f"parameters of TextClassifier(9, 4, 3, {pool!r}):", sizes, right)
        for n in (1, 6):  # without padding
            ids = torch.randint(0, 9, (2, n))
            what = f"TextClassifier, pool={pool!r}, ids {ids.tolist()}, no padding"
            out, mask = result_of(what, net, ids, ids >= 0), mask_of((n, n))
            states = net.gru(net.embedding(ids))[0]
            pooled = {"mean": states.mean(1), "last": states[:, n - 1]}
            right = pooled[pool] if pool in pooled else net.attention(states, mask)
            close(out, net.head(right), what)
    given, default = (sizes_of(TextClassifier(9, 4, 3, *more)) for more in (POOLS[:1], ()))
    names_are(default, given, "TextClassifier(9, 4, 3), without pool: parameters")


def padding(TextClassifier):
    mask = mask_of(LENGTHS)
    ids = torch.randint(2, 7, (3, 5)).masked_fill(~mask, 0)
    for pool in POOLS:
        what = f"TextClassifier, pool={pool!r}, texts of {LENGTHS} words"
        net = model_of(TextClassifier, pool)
        out, moved = (result_of(what, net, i, mask) for i in (ids, ids.masked_fill(~mask, 8)))
        close(moved, out, f"{what}, train mode, 8 instead of 0 at padding: logits")
        (grad,) = gradients(what, moved, [net.embedding.weight], torch.randn(3, 3), ["embedding"])
        equal(f"{what}, 8 at padding: gradient of embedding 8 is", grad[8].tolist(), [0.0] * 4)
        net.eval()
        what += ", eval mode"
        close(result_of(what, net, ids, mask), out, f"{what}: logits, want those of train mode")
        for i, n in enumerate(LENGTHS):
            alone = result_of(what, net, ids[i : i + 1, :n], mask[i : i + 1, :n])
            close(out[i], alone[0], f"{what}: logits of the text of {n} words, alone and padded")


def lengths(accuracy_by_length):
    y = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    right = [True, False, True, True, False, False, True]
    logits = nn.functional.one_hot(torch.where(torch.tensor(right), y, (y + 1) % 3), 3) / 64 - 9
    for sizes, bounds in (
        ([1, 3, 4, 4, 5, 9, 7], [3, 7]),
        ([0, 2, 2, 2, 2, 2, 2], [1, 2]),
        ([40, 50, 60, 10, 10, 20, 11], [9, 30, 40]),
        ([5, 5, 5, 5, 6, 6, 6], [5]),
    ):
        what = f"accuracy_by_length, lengths {sizes}, right {right}, bounds {bounds}"
        got = attempt(what, accuracy_by_length, logits, y, torch.tensor(sizes), list(bounds))
        kinds = {type(share).__name__ for share in got} - {"float", "NoneType"}
        assert not kinds, f"{what}: {kinds.pop()} in the list, want float or None"
        equal(f"{what}:", rounded(got), rounded(shares(sizes, right, bounds)))


def training(run):
    log = watched(run)
    for pool, one in (("attention", log), ("mean", watched(run, 1, (8, 1), 0, 0, "mean"))):
        got = any(n.startswith("attention") for n in one.passes[0].state)
        equal(f"{one.what}: the model has .attention:", got, pool == "attention")
    rows = orders_of(log)
    equal(f"{log.what}: number of train texts that the model got:", len(rows), 40)
    for epoch, order in enumerate((rows[:20], rows[20:]), 1):
        equal(f"{log.what}, epoch {epoch}: texts", sorted(order), list(range(20)))
    assert rows[:20] != rows[20:], f"{log.what}: two epochs in the same order, want a new one"
    assert sorted(rows[:20]) != rows[:20], f"{log.what}: epoch 1 in the order of train"
    is_trained(log.what, log)


def report(run):
    log = watched(run)
    tests = [one for one in log.passes if max(one.rows) >= 20]
    sizes = [row + 1 for one in tests for row in one.rows]
    lost = sorted({*range(21, 60)} - {*sizes})
    equal(f"{log.what}: numbers of words of test texts that the model did not get:", lost, [])
    equal(f"{log.what}: number of test texts that the model got:", len(sizes), 39)
    for one in tests:
        late = log.index(one) > log.index(log.trained()[-1])
        assert late, f"{log.what}: the model got test texts before its training ended"
        is_measured(f"{log.what}, test texts", one)
    ids = {row: x for one in tests for row, x in zip(one.rows, one.x.tolist(), strict=True)}
    got = [i == 1 for i in ids[24][:4]]  # "only w1 only w1": one word is in no train text
    equal(f"{log.what}, test text 'only w1 only w1': is the id 1?", got, [True, False] * 2)
    what = f"{log.what}, {len(RIGHT)} of 39 right, 8 of class 0"
    for key, want in (("accuracy", len(RIGHT) / 39), ("baseline", 8 / 39)):
        close(log.got[key], want, f"{what}: {key}")
    want = rounded(shares(range(21, 60), [row in RIGHT for row in range(20, 59)], BOUNDS))
    equal(f"{what}: by_length", rounded(log.got["by_length"]), want)
    lines_are(log.what, log.printed, "test", [[len(RIGHT) / 39, 8 / 39]])


def learns(make_texts, run):
    short = [one for one in make_texts(1, 480) if len(one[0]) <= 5]
    what = "run(96 texts of make_texts(1, 480) with 5 words or less, 48 others, epochs=4, seed=1)"
    with in_a_folder():
        accuracy = attempt(what, run, short[:96], short[96:144], epochs=4, seed=1)["accuracy"]
    least = sum(y == 0 for _, y in short[96:144]) / 48 + 0.2
    assert accuracy >= least, f"{what}: accuracy {accuracy:.3f}, want {least:.3f} or more"


def empty(encode, TextClassifier):
    ids, mask = attempt("encode([[], []], {})", encode, [[], []], {})
    got = ids.tolist(), mask.tolist()
    equal("encode([[], []], {}): ids, mask", got, ([[0]] * 2, [[False]] * 2))
    ids, mask = encode([["a", "b"], []], {"a": 2})
    for pool in POOLS:
        net = model_of(TextClassifier, pool)
        what = f"TextClassifier, pool={pool!r}, a text of 0 words"
        out = result_of(what, net, ids, mask)
        close(out[1], net.head.bias, f"{what}: logits, those of zeros")
        names, leaves = zip(*net.named_parameters(), strict=True)
        gradients(what, out, leaves, torch.ones(2, 3), names)


def garbage(AttentionPooling):
    mask, pooling, clean = mask_of(LENGTHS), filled(AttentionPooling(4)), torch.randn(3, 5, 4)
    for fill in (float("nan"), float("inf")):
        x = clean.masked_fill(~mask[..., None], fill).requires_grad_()
        what = f"AttentionPooling, {fill} at padding"
        out = result_of(what, pooling, x, mask)
        close(out, pooling(clean, mask), f"{what}: result")
        gradients(what, out, [x, *pooling.parameters()], torch.randn(3, 4), ["x", "weight", "bias"])


def seeded(run):
    one, again, other = (watched(run, 1, (8, 1), *two) for two in ((0, 0), (0, 1), (3, 0)))
    what = "run(seed=0) twice, the generator in other states before"
    equal(f"{what}: train texts come in the order", orders_of(again)[:5], orders_of(one)[:5])
    for name, value in one.passes[-1].state.items():
        alike = torch.equal(value, again.passes[-1].state[name])
        assert alike, f"{what}: {name} differs at the end"
    assert orders_of(one) != orders_of(other), "run(seed=3), run(seed=0): the same order of texts"


CORE = (vocab, encode, attention, pools, padding, lengths, training, report, learns)
EDGES = (empty, garbage, seeded)


def mask_of(sizes):
    return torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]


def model_of(TextClassifier, pool):
    net = attempt(f"TextClassifier(9, 4, 3, {pool!r})", TextClassifier, 9, 4, 3, pool)
    return filled(net)


def shares(sizes, right, bounds):
    """By a plain loop."""
    groups = [[] for _ in range(len(bounds) + 1)]
    for size, hit in zip(sizes, right, strict=True):
        groups[sum(size > bound for bound in bounds)].append(hit)
    return [sum(group) / len(group) if group else None for group in groups]


def rounded(values):
    return [value if value is None else round(float(value), 4) for value in values]


def sizes_of(module):
    return {name: tuple(p.shape) for name, p in module.named_parameters()}


def orders_of(log):
    return [row for one in log.trained() for row in one.rows]


@lru_cache(5)  # labels share it
def watched(run, epochs=2, sizes=(20, 39), seed=0, state=0, *pool):
    """Row i has i + 1 words; the last of sizes are test texts."""
    n, (first, tests) = sum(sizes), sizes
    texts = [[f"w{row * j % 29}" for j in range(row + 1)] for row in range(n)]
    texts[24:25] = [["only", "w1"] * 12 + ["only"]] * (n > 24)
    data = list(zip(texts, LABELS, strict=False))

    def in_place(log, rows, out, in_train):
        if min(rows) < first:
            return None
        answers = [(LABELS[row] + (row not in RIGHT)) % 3 for row in rows]
        return nn.functional.one_hot(torch.tensor(answers), 3) + 0 * out

    return watched_run(
        f"run({first} texts, {tests} texts, {', '.join((*pool, ''))}epochs={epochs}, seed={seed})",
        partial(run, data[:first], data[first:], *pool, epochs=epochs, seed=seed),
        "TextClassifier",
        lambda rows, out: cross_entropy(out, torch.tensor([LABELS[row] for row in rows])),
        in_place,
        lambda ids: [n - 1 for n in (ids != 0).sum(1).tolist()],
        state,
    )
