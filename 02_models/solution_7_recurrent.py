"""Recurrent cells by hand: two products, cut into gates; the layer is a loop over the steps.

Why it works: a gate is a number from 0 to 1 that says how much passes. In the LSTM c' = f c + i g
is a sum, so with f near 1 a gradient goes back many steps almost whole: with f = 0.9 the state of
20 steps ago still counts 0.12, while a tanh RNN with a weight of 0.5 keeps less than 0.000001.
Say in the interview:
- All gates of one input are one product: weight (4H, I), then chunk along the last axis.
- The GRU of torch multiplies r with W_hn h + b_hn, after the product; the paper has it before.
  The two give other results, and weights do not carry over.
- z is the share of the old state: h' = (1 - z) n + z h.
- The loop runs over L, not over B. The products with x may be taken for all steps at once,
  before it; those with h may not.
Asked next: "Vanishing gradients?" A product of L factors: gates keep them near 1, clipping helps
against exploding ones only. "Why a transformer?" No loop over L in training. "Trick for f?" Its
bias starts at 1, so that the cell remembers before it has learned to. "Truncated backpropagation?"
Pass the state on, detached, between pieces of the sequence.
Common slips: the gates in another order; sigmoid for g; h' = o c' without tanh; z and 1 - z
exchanged; x[t] for x[:, t]; zeros on the CPU; the last c for the last h; state detached.
May be left out if you say so: empty sequences.
"""

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


def rnn_cell(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    """(B, I), (B, H), (H, I), (H, H), (H,), (H,) -> (B, H)."""
    return torch.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)


def gru_cell(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    """(B, I), (B, H), (3H, I), (3H, H), (3H,), (3H,) -> (B, H)."""
    a_r, a_z, a_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)
    b_r, b_z, b_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)
    r, z = torch.sigmoid(a_r + b_r), torch.sigmoid(a_z + b_z)
    n = torch.tanh(a_n + r * b_n)
    return (1 - z) * n + z * h


def lstm_cell(
    x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> State:
    """(B, I), two of (B, H), (4H, I), (4H, H), (4H,), (4H,) -> two of (B, H)."""
    h, c = state
    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class LSTM(nn.Module):
    """(B, L, I) -> (B, L, H) and the last state, two of (B, H)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size, rows = hidden_size, 4 * hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(rows))
        self.bias_hh_l0 = nn.Parameter(torch.empty(rows))
        for p in self.parameters():
            nn.init.uniform_(p, -(hidden_size**-0.5), hidden_size**-0.5)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        if state is None:
            state = (x.new_zeros(len(x), self.hidden_size),) * 2
        out = [x.new_zeros(len(x), 0, self.hidden_size)]
        for x_t in x.unbind(1):
            state = lstm_cell(x_t, state, *self.parameters())
            out.append(state[0].unsqueeze(1))
        return torch.cat(out, 1), state


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
