"""`python -m practice drill`: every answer confirmed by torch, every way to type one understood."""

import random
import subprocess
import sys
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from practice import drill
from practice.drill import TOPICS, is_right, spoken, understand
from practice.exercises import ROOT

QUESTIONS = 10_000  # of each topic


# --- the same answers by torch, on the meta device where no numbers are needed -------------------


def conv_shape(c_in, c_out, size, **arguments):
    layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(size) - 1]
    with torch.device("meta"):
        return tuple(layer(c_in, c_out, bias=False, **arguments)(torch.empty(c_in, *size)).shape)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def conv_params(c_in, c_out, **arguments):
    return parameters(nn.Conv2d(c_in, c_out, device="meta", **arguments))


def mult_adds(function):
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() // 2  # it counts a multiplication and an addition


def conv_flops(c_in, c_out, kernel_size, groups, size):
    side = size + kernel_size - 1
    return mult_adds(
        lambda: nn.functional.conv2d(
            torch.empty(1, c_in, side, side),
            torch.empty(c_out, c_in // groups, kernel_size, kernel_size),
            groups=groups,
        )
    )


def attention_flops(B, L, D):
    def attend():
        q = k = v = torch.empty(B, 4, L, D // 4)
        return q @ k.mT @ v

    return mult_adds(attend)


def mha_params(d_model, num_heads):
    return parameters(nn.MultiheadAttention(d_model, num_heads, device="meta"))


def block_params(d_model, num_heads, d_ff):
    return parameters(nn.TransformerEncoderLayer(d_model, num_heads, d_ff, device="meta"))


def patches(H, W, patch):
    return nn.functional.unfold(
        torch.empty(1, 1, H, W, device="meta"), kernel_size=patch, stride=patch
    ).shape[2]


def sequence(H, W, patch):
    tokens = torch.empty(patches(H, W, patch), 8, device="meta")
    return len(torch.cat([torch.empty(1, 8, device="meta"), tokens]))


def patch_params(C, d_model, patch):
    return parameters(nn.Conv2d(C, d_model, patch, stride=patch, device="meta"))


def attention_memory(B, H, L, dtype):
    q = k = torch.empty(B, H, L, 8, device="meta", dtype=getattr(torch, dtype))
    return (q @ k.mT).nbytes


def receptive_field(layers):
    """How far apart the input pixels lie that have a gradient from one output pixel."""
    x = torch.zeros(1, 1, 400, dtype=torch.float64, requires_grad=True)
    out = x
    for kernel, stride in layers:
        out = nn.functional.conv1d(out, torch.ones(1, 1, kernel, dtype=out.dtype), stride=stride)
    out[0, 0, out.shape[2] // 2].backward()
    seen = x.grad[0, 0].nonzero()
    return (seen.max() - seen.min() + 1).item()


def training_memory(params, optimizer):
    weights = nn.Parameter(torch.empty(params, device="meta"))
    weights.grad = torch.empty_like(weights)
    momentum = {"momentum": 0.9} if optimizer == "SGD with momentum" else {}
    used = getattr(torch.optim, optimizer.split()[0])([weights], **momentum)
    used.step()
    state = [t for t in used.state[weights].values() if t is not None and t.numel() == params]
    return sum(t.nbytes for t in [weights, weights.grad, *state])


def kv_cache(layers, heads, head_dim, L, B, dtype):
    kind = getattr(torch, dtype)
    keys_and_values = torch.empty(2, B, heads, L, head_dim, device="meta", dtype=kind)
    return layers * keys_and_values.nbytes


@cache
def confirmed(kind, sizes):
    return globals()[kind](**dict(sizes))


def hashable(sizes):
    return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in sizes.items())


@pytest.mark.slow
@pytest.mark.parametrize("topic", TOPICS)
def test_answers_are_those_of_torch(topic):
    draw, kinds = random.Random(0), set()
    for _ in range(QUESTIONS):
        q = draw.choice(TOPICS[topic])(draw)
        kinds.add(q.kind)
        numbers = q.answer if q.unit == "shape" else (q.answer,)
        assert numbers and all(type(n) is int and n > 0 for n in numbers), q
        assert confirmed(q.kind, hashable(q.sizes)) == q.answer, q
        assert is_right(understand(str(q.answer), q.unit), q.answer), q
    assert len(kinds) >= len(TOPICS[topic])


@pytest.mark.parametrize("topic", TOPICS)
def test_the_question_names_all_that_was_drawn_and_the_working_leads_to_the_answer(topic):
    draw = random.Random(1)
    for _ in range(300):
        q = draw.choice(TOPICS[topic])(draw)
        for name, value in q.sizes.items():
            told = str(value).strip("[()],") if name != "params" else f"{value // 10**6} million"
            unsaid = type(value) is bool or (name, value) == ("groups", 1)
            assert unsaid or told in q.text, (name, q)
        for line in q.working:
            what, _, sum_ = line.partition(": ")
            assert what and sum_, line
            if " = " in sum_:
                left, right = sum_.split(" = ")
                assert eval(left) == int(right), line
        assert q.working[-1].endswith(str(q.answer)), q


# --- what is typed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("590592", "number", 590592),
        (" 590,592 ", "number", 590592),
        ("590_592", "number", 590592),
        ("1.2M", "number", 1_200_000),
        ("1.2 m", "number", 1_200_000),
        ("1.2 million", "number", 1_200_000),
        ("7b", "number", 7 * 10**9),
        ("7G", "number", 7 * 10**9),
        ("64k", "number", 64_000),
        ("1.5e6", "number", 1_500_000),
        ("2.5T", "number", 2_500_000_000_000),
        ("0", "number", 0),
        ("(64, 112, 112)", "shape", (64, 112, 112)),
        ("64x112x112", "shape", (64, 112, 112)),
        ("64 × 112 × 112", "shape", (64, 112, 112)),
        ("64, 112, 112", "shape", (64, 112, 112)),
        ("64 112 112", "shape", (64, 112, 112)),
        ("[64,112,112]", "shape", (64, 112, 112)),
        ("(64, 50)", "shape", (64, 50)),
        ("6291456", "bytes", 6291456),
        ("6,291,456 bytes", "bytes", 6291456),
        ("6 MiB", "bytes", 6291456),
        ("6mib", "bytes", 6291456),
        ("0.5 GiB", "bytes", 2**29),
        ("6.3 MB", "bytes", 6_300_000),
        ("1 TB", "bytes", 10**12),
    ],
)
def test_understood(text, unit, value):
    assert understand(text, unit).value == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *((text, unit) for text in ("", "?", "a lot", "-5", "x") for unit in drill.EXAMPLES),
        ("1,2", "number"),
        ("9" * 5000, "number"),
        ("12,34,567", "number"),
        ("1.2.3", "number"),
        ("64x112", "number"),
        ("6 MiB", "number"),
        ("about 5", "number"),
        ("٣", "number"),
        ("5M", "bytes"),
        ("5 GHz", "bytes"),
        ("(64, 112", "shape"),
        ("64x112.5", "shape"),
        ("1.2M", "shape"),
    ],
)
def test_not_understood(text, unit):
    assert understand(text, unit) is None


@pytest.mark.parametrize(
    ("text", "unit", "answer", "right"),
    [
        ("1179648", "number", 1_179_648, True),
        ("1179649", "number", 1_179_648, False),
        ("1.2M", "number", 1_179_648, True),
        ("1.18M", "number", 1_179_648, True),
        ("1.17M", "number", 1_179_648, False),
        ("1.1M", "number", 1_179_648, False),
        ("1M", "number", 1_179_648, False),
        ("1M", "number", 1_040_000, True),
        ("0M", "number", 400_000, False),
        ("1.2e6", "number", 1_179_648, True),
        ("1200000", "number", 1_179_648, False),
        ("197", "number", 196, False),
        ("6 MiB", "bytes", 6 * 2**20, True),
        ("6 MB", "bytes", 6 * 2**20, True),
        ("6.0 MB", "bytes", 6 * 2**20, False),
        ("(64, 112, 112)", "shape", (64, 112, 112), True),
        ("(112, 112, 64)", "shape", (64, 112, 112), False),
        ("(64, 112)", "shape", (64, 112, 112), False),
    ],
)
def test_graded(text, unit, answer, right):
    assert is_right(understand(text, unit), answer) is right


def test_spoken():
    assert spoken(590592, "number") == "590,592 (591k)"
    assert spoken(196, "number") == "196"
    assert spoken(6 * 2**20, "bytes") == "6,291,456 bytes (6 MiB)"
    assert spoken((64, 50), "shape") == "(64, 50)"


# --- a session -----------------------------------------------------------------------------------


@pytest.fixture
def session(monkeypatch, capsys):
    """session(arguments, answers) -> what is printed; an answer may be a function of the question,
    or an exception."""

    def run(arguments, answers):
        answers = iter(answers)
        asked = []
        draw = drill.questions

        def recorded(topics, seed):
            for topic, question in draw(topics, seed):
                asked.append(question)
                yield topic, question

        def typed(prompt):
            answer = next(answers, EOFError())
            if isinstance(answer, BaseException):
                raise answer
            return answer(asked[-1]) if callable(answer) else answer

        monkeypatch.setattr(drill, "questions", recorded)
        monkeypatch.setattr("builtins.input", typed)
        assert drill.main(arguments) == 0
        monkeypatch.setattr(drill, "questions", draw)
        return capsys.readouterr().out

    return run


def right(question):
    return str(question.answer)


def wrong(question):
    return "(7, 7, 7, 7)" if question.unit == "shape" else str(question.answer + 1)


def test_all_right(session):
    out = session(["--count", "4", "--seed", "1"], [right] * 9)
    assert out.count("\nRight: ") == 4
    assert out.rstrip().endswith("4 of 4 right.")


def test_a_miss_shows_the_working_and_the_topic_is_named_weakest(session):
    out = session(["kv-cache", "--count", "2", "--seed", "1"], [wrong, right])
    assert "\nNo: " in out and "    bytes of a token, key and value: 2 * " in out
    assert out.rstrip().endswith("1 of 2 right. Weakest topic: kv-cache, 1 of 2.")


def test_what_is_not_understood_is_asked_again_and_not_counted(session):
    out = session(["patches", "--count", "1", "--seed", "1"], ["many", "", "64x64", right])
    assert out.count("Not understood") == 3
    assert out.rstrip().endswith("1 of 1 right.")


def test_skip_counts_as_a_miss(session):
    assert "0 of 1 right." in session(["--count", "1"], ["skip"])


@pytest.mark.parametrize("end", ["quit", "Q", EOFError(), KeyboardInterrupt()])
def test_it_ends_politely(session, end):
    assert session([], [right, right, end]).rstrip().endswith("2 of 2 right.")
    assert session([], [end]).rstrip().endswith("No question answered.")


def test_one_seed_one_drill(session):
    first, again, other = (
        session(["--count", "20", "--seed", seed], [right] * 20) for seed in ("5", "5", "6")
    )
    assert first == again != other
    unseeded = session(["--count", "2"], [right] * 2)
    seed = unseeded.partition("--seed ")[2].split()[0]
    assert session(["--count", "2", "--seed", seed], [right] * 2) == unseeded


@pytest.mark.parametrize(
    "arguments",
    [["shape"], ["--count", "0"], ["--count", "x"], ["--seed", "x"], ["shapes", "flops"]],
)
def test_bad_arguments_say_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        drill.main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m practice drill" in capsys.readouterr().err


def test_in_a_pipe_and_without_torch():
    """As `python -m practice drill --count 5 --seed 1` does it."""
    command = "import sys; from practice import drill; drill.main(sys.argv[1:]); "
    command += "assert 'torch' not in sys.modules, 'torch was imported'"
    done = subprocess.run(
        [sys.executable, "-c", command, "--count", "5", "--seed", "1"],
        input="nonsense\n" + "skip\n" * 5,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "\n5. [" in done.stdout
    assert "0 of 5 right. Weakest topic: " in done.stdout
