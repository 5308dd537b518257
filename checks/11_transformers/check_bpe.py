"""What challenge_bpe.py requires.

A slow twin counts everything anew after each merge. `train` looks at merges alone; `words` goes by
the answer's own merges, `stream` by its own encode. Overlapping pairs matter in `repeats` alone.
"""

import functools
import io

from checks.text import drawn, ids_of, merges_of, spell, table
from checks.tools import attempt, equal

SPECIAL = ["<|end|>", "[a.b]", "<|end|><|end|>", "+é x", "<|"]
EVERY = "".join(map(chr, [*range(0x2FF), 0xD7FF, *range(0xE000, 0x110000, 9973)]))
TEXTS = "|at| |\n|a\r\nb\rc|  two  \n\n|tab\tand\u00a0a|e\u0301 \ufb01 \u212b|\ufeffat|_a1 2b_"
TEXTS += "|\ufffd|\U0001f469\u200d\U0001f469|東京 t東|\u0130ßſ|aéb|it's 3.14!?|a\0"


def train(SimpleBPE):
    for corpus in (
        *("1 low low low lower newest widest", "5 low low low lower newest widest", "0 to", "4"),
        *("3 ab cd", "9 a$ a$ a$x. ab ab a a a", "3 ba ba ab cd dc", "2 b ab Ba Ba", "3 to to a"),
        *("2 ax ay az aw", "2 x x x x x x x x x ab abc abd abe"),  # </w> a: not of one word
        *("9 é東 é東 b", f"25 {drawn(9)}", f"25 {drawn(20)}"),
    ):
        trained(SimpleBPE(), corpus)
    again = trained(SimpleBPE(), "2 to to")
    for corpus in ("0 low", "1 to", "4", "3 low low lower"):
        trained(again, corpus, "trained again: ")
    equal("merges of a new SimpleBPE() after another was trained:", SimpleBPE().merges, [])


def words(SimpleBPE):
    again, low = SimpleBPE(), "low low low lower newest"
    for num_merges, corpus, texts in (
        (0, "", "to be|low"),
        (5, low, "low|lower low|slowlowlowlow|  low\tnew \n\n low\u00a0wow|| \n|Löw"),
        (2, "aac aad aae a. a.", "aaa|aaaa|aaaaa b|ab a."),
        (4, "ab xabb yabb", "abb ab|b abab"),
        (4, "zbcz zbcy xbcw qabx rabw", "abcd dabc"),  # (b, c), then (a, b)
        (40, low, "newest lower low|west.|west"),
        (25, drawn(9), drawn(4, once=True)[:150]),
    ):
        for bpe in (SimpleBPE(), again)[: 2 if num_merges < 9 else 1]:
            what = f"train({short(corpus.split())}, {num_merges})" if corpus else "SimpleBPE()"
            if corpus:
                attempt(what, bpe.train, corpus.split(), num_merges)
            for text in texts.split("|"):
                each = [spell((*word, "</w>"), list(bpe.merges)) for word in text.split()]
                gives(f"{what}: encode({short(text)})", sum(each, []), bpe.encode, text)


def ids(Tokenizer):
    for pairs, texts in (
        *(("", "at|a t|"), ("at", "at|tat at|cat, atté|aatt"), ("bc;ab", "abc|abcabcabcabcab")),
        *(("ab;bc;cc;cc/c", "abc|ccccc"), ("ab;ab/c;cd;cd/ab", "abcd|abc d|cdabab")),
        ("t ;,a;\nb;at", "at at|it,a|a\nb"),  # neighbors in two words
        *((" a;  ;!!", "a a  a|   | !! a!! !!"), ("\xe6\x9d;\xc3\xa9;a\xc3;\xa9b", "é|aéb|aä東")),
        ("ba;ab;ba/ab;ab/c;c/ab;ba/b", drawn(7)[:90]),
    ):
        for order in (1, -1):
            merges, vocab = table(pairs, order, b"abc", b"at at", b"tat", b"<|end|>")
            tokenizer = attempt("Tokenizer(vocab, merges)", Tokenizer, dict(vocab), list(merges))
            what = f"merges {short(merges)}, byte 0 has id {0 if order > 0 else 255}: encode"
            for text in texts.split("|"):
                want = ids_of(text, vocab, merges)
                gives(f"{what}({short(text)})", want, tokenizer.encode, text)


def decode(Tokenizer):
    for order in (1, -1):
        merges, vocab = table("a\xc3;\xa9b; t;\xe6\x9d;\xf0\x9f", order)
        tokenizer = attempt("Tokenizer(vocab, merges)", Tokenizer, dict(vocab), list(merges))
        number = {token: i for i, token in vocab.items()}
        some = "|a|\xc3 \xa9|a\xc3 \xa9b|\xf0\x9f \x98 \x80|\xa9|\xc3 a|\xed \xa0|\xe6\x9d \xff"
        for tokens in [t.encode("latin-1").split() for t in some.split("|")] + [[b"\r", b"\n"]]:
            want = b"".join(tokens).decode("utf-8", "replace")
            what, given = f"decode the ids of {tokens}", [number[token] for token in tokens]
            gives(what, want, tokenizer.decode, given)
        for text in (*TEXTS.split("|"), EVERY, "é" * 50):
            what = f"encode({short(text)})"
            given = attempt(what, tokenizer.encode, text)
            gives(f"decode({what})", text, tokenizer.decode, given)


def special(Tokenizer):
    merges, new = table("at;<|;<|/e;en;>a;  ", 1)
    known = {777: b"<|pad|>"} | new | {500: b"<|end|>"}
    for vocab, names in ((known, None), (new, []), (new, SPECIAL), (known, SPECIAL[::-1])):
        given, number = (dict(vocab), list(merges), names and [*names]), dict(vocab)
        for name in names or ():
            if name.encode() not in number.values():
                number[max(number) + 1] = name.encode()
        what = f"largest id {max(vocab)}, special_tokens {ascii(names)}: "
        tokenizer = attempt(f"{what}Tokenizer", Tokenizer, *given)
        texts = "at<|end|>at", "<|end|>a  <|end|>  a", "[axb]<", "<|END|>", "", "<|pad|>+é x"
        for text in (*SPECIAL, *texts, "[a.b][a.b]e<|n", "<|end|>" * 3 + "end|>", " +é x at"):
            want = ids_of(text, number, merges, names or ())
            gives(f"{what}encode({short(text)})", want, tokenizer.encode, text)
            gives(f"{what}decode({want})", text, tokenizer.decode, list(want))
        told = f"{what}Tokenizer changed what it was given, want it unchanged"
        assert given == (vocab, merges, names), told


def repeats(SimpleBPE):
    for start in ("aaa", "aaaa", "ababab", "baaac"):
        trained(SimpleBPE(), f"5 {start} {start} de de de")
    for letters in ("ab", "aaab"):
        trained(SimpleBPE(), f"25 {drawn(10, letters)}")


def stream(Tokenizer):
    merges, vocab = table("at; /at;  ; <;\xc3\xa9;<|;<|/e;!!;,,;.'", 1)
    text = "at  até<|end|>a<|end|><|end|> <|en<|[a.b]\n\n at,, +é x+é!! .' <"
    for names in (None, SPECIAL, SPECIAL[:3]):
        tokenizer = attempt("Tokenizer", Tokenizer, dict(vocab), list(merges), names and [*names])
        cuts = [[i] for i in range(len(text))] + [[*range(len(text))], [3, 3, 3]]
        cuts += [[*range(0, len(text), n)] for n in (2, 3, 5, 7)]
        splits = [[text[i:j] for i, j in zip([0, *c], [*c, None], strict=True)] for c in cuts]
        some = "at;a_t;!_!;,_,;._';at_ at; _ at; _<;at\n_\n;"
        some += "<|end|_>at;at<|e_x;at _<|e_;<|end|>_<|end|>_at;__;at__ at"
        whole = functools.cache(tokenizer.encode)
        splits = [[], *(t.split("_") for t in some.split(";")), *splits]
        for pieces in splits if names == SPECIAL else splits[:13] + splits[-5:]:
            what = f"special_tokens {ascii(names)}, encode_iterable({ascii(pieces)})"
            want, read = whole("".join(pieces)), tokenizer.encode_iterable
            gives(what, want, lambda p, r=read: [*r(p)], iter(pieces))
        two = [tokenizer.encode_iterable(io.StringIO("at at\n\n at\na")) for _ in range(2)]
        want = [(i, i) for i in tokenizer.encode("at at\n\n at\na")]
        gives("two streams at once", want, lambda t: [*zip(*t, strict=True)], two)
        for piece in (" at", "at ", "at<|end|>", "<|end|>"):
            asked = []
            found = tokenizer.encode_iterable(asked.append(i) or piece for i in range(40))
            for n in range(1, 8):
                attempt(f"next id of pieces {piece!r}", next, found)
                told = f"pieces of {piece!r} read before id {n} came: {len(asked)}, want fewer"
                assert len(asked) <= n + 2 or piece[0] == "<" and len(asked) <= 2 * n + 1, told


CORE = (train, words, ids, decode, special)
EDGES = (repeats, stream)


def short(items):
    """A list or text as a message shows it."""
    return ascii(items) if len(items) <= 20 else f"{ascii(items[:8])[:-1]}...{ascii(items)[-1]}"


def gives(what, want, function, *inputs):
    got = attempt(what, function, *inputs)
    if isinstance(got, list) and len(want) > 25:  # from where they differ
        alike = [a == b for a, b in zip(got, want, strict=False)] + [False]
        start = alike.index(False)
        what, got, want = f"{what}[{start}:]", got[start:][:9], want[start:][:9]
    assert got == want, f"{what} gave {ascii(got)}, want {ascii(want)}"


def trained(bpe, corpus, what=""):
    """Its merges, if they are the twin's; the first word of corpus is num_merges."""
    num_merges, given = int(corpus.split()[0]), corpus.split()[1:]
    what += f"train({short(given)}, {num_merges})"
    want = merges_of(tuple(given), num_merges)
    attempt(what, bpe.train, given, num_merges)
    for i, (got, pair) in enumerate(zip(bpe.merges, want, strict=False)):
        assert got == pair, f"{what}: merge {i + 1} is {ascii(got)}, want {ascii(pair)}"
    equal(f"{what}: number of merges", len(bpe.merges), len(want))
    assert given == corpus.split()[1:], f"{what}: it changed the corpus, want it unchanged"
    return bpe
