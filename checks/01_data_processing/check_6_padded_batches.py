"""What challenge_6_padded_batches.py requires; the states are those of each sequence alone."""

import torch
from torch import nn

from checks.tools import (
    attempt,
    close,
    equal,
    gradients,
    keeps_device,
    result_of,
    same,
    tensor,
)

D, H = 2, 3
INF, NAN = float("inf"), float("nan")


def padding(pad_collate):
    hand = [torch.tensor(s) for s in ([5, 6], [7, 0, 8], [9])]
    for given, want in (
        ((), [[5, 6, 0], [7, 0, 8], [9, 0, 0]]),
        ((-1,), [[5, 6, -1], [7, 0, 8], [9, -1, -1]]),
    ):
        call = f"pad_collate of [5, 6], [7, 0, 8], [9]{f', pad_value={given[0]}' if given else ''}"
        same(collated(call, pad_collate, hand, given)[0], torch.tensor(want), f"{call}: x")
    for dtype, least, lengths, rest, pad in (
        (torch.float32, 1, (2, 4, 0), (5,), 7),
        (torch.float64, 1, (3, 3, 1), (2, 3), -INF),
        (torch.uint8, 1, (1, 6), (), 7),
        (torch.int64, 1, (4,), (), 7),
        (torch.int64, 2**24 + 1, (2, 1), (), 7),
    ):
        sequences = [(9 * torch.rand(n, *rest)).to(dtype) + least for n in lengths]
        shapes = [tuple(s.shape) for s in sequences]
        call = f"pad_collate, {dtype} from {least} on, shapes {shapes}, pad_value={pad}"
        x, *_ = collated(call, pad_collate, sequences, (pad,))
        want = torch.full((len(lengths), max(lengths), *rest), pad, dtype=dtype)
        for row, sequence in zip(want, sequences, strict=True):
            row[: len(sequence)] = sequence
        same(x, want, f"{call}: x")


def lengths(pad_collate):
    for rows, pad, *features in (
        ([[5, 6], [7, 0, 8]], 0),
        ([[0, 0, 0, 0], [3, 0], [0]], 0),
        ([[1, 2, 7, 7], [7], [7, 7, 1]], 7),
        ([[1], [2, 3, 4], [], [7, 8, 9]], 0, 2),
    ):
        call = f"pad_collate of {rows}, floats{', 2 of each' * len(features)}, pad_value={pad}"
        given = [torch.tensor(r).float().view(-1, *[1] * len(features)) for r in rows]
        given = [s.expand(-1, *features) for s in given]
        _, lengths, y = collated(call, pad_collate, given, (pad,))
        same(lengths, torch.tensor([len(row) for row in rows]), f"{call}: lengths")
        same(y, torch.tensor([3, 1, 4, 1][: len(rows)]), f"{call}, labels 3, 1, ...: y")


def mask(lengths_to_mask):
    for lengths, given, want in (
        ([2, 3], (), [[1, 1, 0], [1, 1, 1]]),
        ([1, 3, 2], (), [[1, 0, 0], [1, 1, 1], [1, 1, 0]]),
        ([2, 1], (4,), [[1, 1, 0, 0], [1, 0, 0, 0]]),
        ([3, 1], (2,), [[1, 1], [1, 0]]),
        ([2, 1], (0,), [[], []]),
        ([0, 2], (), [[0, 0], [1, 1]]),
        ([1], (), [[1]]),
        ([3, 3], (3,), [[1, 1, 1], [1, 1, 1]]),
    ):
        call = f"lengths_to_mask({', '.join(map(str, (lengths, *given)))})"
        got = result_of(call, lengths_to_mask, torch.tensor(lengths), *given)
        equal(f"{call} is", got.dtype, torch.bool)
        equal(f"{call}, as numbers:", got.int().tolist(), want)
    got = result_of(call := "lengths_to_mask([300, 1])", lengths_to_mask, torch.tensor([300, 1]))
    equal(f"{call}: real steps per row:", got.sum(dim=1).tolist(), [300, 1])


def forward(last_states):
    for lengths in ([5, 3, 1], [4, 4], [1], [5, 5, 2, 2]):
        for call, row, got, want in halves(last_states, lengths):
            close(got[:H], want[:H], f"{call}, forward half of row {row}")


def backward(last_states):
    for lengths in ([5, 3, 1], [4, 4], [1], [5, 5, 2, 2]):
        for call, row, got, want in halves(last_states, lengths):
            close(got[H:], want[H:], f"{call}, backward half of row {row}")


def order(last_states):
    for lengths in ([2, 5, 1, 4], [1, 2, 3], [4, 3, 5]):
        gru, x, given = gru_of(), torch.randn(len(lengths), 5, D), torch.tensor(lengths)
        down = given.argsort(descending=True)
        want = torch.empty(len(lengths), 2 * H)
        want[down] = last_states(gru, x[down], given[down]).detach()
        call = f"last_states, lengths {lengths}"
        got = result_of(call, last_states, gru, x, given).detach()
        equal(f"{call}: shape", got.shape, want.shape)
        found = [[i for i, w in enumerate(want) if torch.allclose(g, w, atol=1e-5)] for g in got]
        which = [at[0] if at else None for at in found]
        equal(f"{call}: its rows are the states of the sequences", which, [*range(len(lengths))])


def layers(last_states):
    for count in (2, 3):
        gru, call = gru_of(num_layers=count), f"last_states, {count} layers, lengths [4, 2, 1]"
        for tail, value in (("", 0.5), ("_reverse", -1.0)):  # states are tanh(value) at each step
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                nn.init.zeros_(getattr(gru, f"{name}_l{count - 1}{tail}"))
            getattr(gru, f"bias_ih_l{count - 1}{tail}").data[H:] = (
                torch.tensor([[-60.0], [value]]).repeat(1, H).flatten()
            )
        got = result_of(call, last_states, gru, torch.randn(3, 4, D), torch.tensor([4, 2, 1]))
        want = torch.tensor([0.5] * H + [-1.0] * H).tanh().repeat(3, 1)
        equal(f"{call}: shape", tuple(got.shape), tuple(want.shape))
        close(
            got.detach()[0], want[0], f"{call}, the last layer always at 0.4621 and -0.7616: row 0"
        )
        close(got.detach(), want, f"{call}, the last layer always at 0.4621 and -0.7616")
    gru, given, x = gru_of(num_layers=2), torch.tensor([4, 2, 1]), torch.randn(3, 6, D)
    short, long = (last_states(gru, x[:, :n], given).detach() for n in (4, 6))
    close(long, short, "last_states, 2 layers, lengths [4, 2, 1], L 6, against x[:, :4]")


def garbage(last_states):
    gru, x, lengths = gru_of(), torch.randn(3, 5, D), torch.tensor([5, 3, 1])
    real = torch.tensor([[t < n for t in range(5)] for n in lengths.tolist()])[..., None]
    call, want = "last_states, NaN in the padding", last_states(gru, x, lengths).detach()
    leaf = torch.where(real, x, NAN).requires_grad_()
    got = result_of(call, last_states, gru, leaf, lengths)
    close(got.detach(), want, f"{call}, against other numbers there")
    names = ["x", *(name for name, _ in gru.named_parameters())]
    gradients(call, got, [leaf, *gru.parameters()], torch.randn(got.shape), names)


def device(lengths_to_mask, last_states):
    given = torch.tensor([2, 3])
    keeps_device("lengths_to_mask(lengths, 4)", lengths_to_mask, given, 4)
    gru, x = gru_of().to("meta"), torch.randn(2, 3, D)

    def first_state(_, inputs, more):
        first = inputs[1] if len(inputs) > 1 else more.get("hx")
        assert first is None or first.is_meta, "a first state on the CPU"

    gru.register_forward_pre_hook(first_state, with_kwargs=True)
    keeps_device("last_states", lambda *inputs: last_states(gru, *inputs), x, given)


CORE = (padding, lengths, mask, forward, backward, order, layers)
EDGES = (garbage, device)


def collated(call, pad_collate, sequences, given):
    batch = list(zip(sequences, [3, 1, 4, 1], strict=False))
    got = attempt(call, pad_collate, batch, *given)
    equal(f"{call} gives this many things:", len(got) if isinstance(got, tuple) else type(got), 3)
    return [
        tensor(part, f"{call}: {name}")
        for part, name in zip(got, ("x", "lengths", "y"), strict=True)
    ]


def gru_of(**options):
    return nn.GRU(D, H, batch_first=True, bidirectional=True, **options)


def halves(last_states, lengths):
    """(call, row, what came, the states of this sequence alone) for each row, 2 pads at least."""
    gru, x = gru_of(), torch.randn(len(lengths), 2 + max(lengths), D)
    call = f"last_states, L {x.shape[1]}, lengths {lengths}"
    got = result_of(call, last_states, gru, x.clone(), torch.tensor(lengths)).detach()
    equal(f"{call}: shape", tuple(got.shape), (len(lengths), 2 * H))
    for row, n in enumerate(lengths):
        out = gru(x[row : row + 1, :n])[0][0].detach()  # (n, 2H)
        yield call, row, got[row], torch.cat([out[-1, :H], out[0, H:]])
