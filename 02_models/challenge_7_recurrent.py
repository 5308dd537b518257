"""Recurrent cells by hand: a state and its gates.

a = W_ih x + b_ih, b = W_hh h + b_hh, cut into gates of H rows:

    rnn     h' = tanh(a+b)
    gru     r,z = sigmoid(a+b)    n = tanh(a+rb)    h' = (1-z)n+zh
    lstm    i,f,o = sigmoid(a+b)    g = tanh(a+b)    c' = fc+ig    h' = o tanh(c')

    cells     x (B, I), h and c (B, H), weights (G*H, I) and (G*H, H), biases (G*H,); G gates
    LSTM(input_size, hidden_size)
    forward(x, state=None) -> (out, (h, c))    x (B, L, I), out (B, L, H)

Core, what an interview asks:

    by_hand   None of torch's RNN, GRU, LSTM or cells is made or called.
    rnn       The cell above.
    gru       The cell above, gates r, z, n.
    lstm      The cell above, gates i, f, g, o.
    weights   Names and shapes as in nn.LSTM, numbers drawn evenly from +-1/sqrt(H).
    layer     out[:, t] is h after step t, (h, c) the last state. It starts from state, or zeros.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    exact     float64 to 1e-8, gradients too. Any strides. Inputs stay as they are.
    empty     L = 0 gives out (B, 0, H) and the starting state. B may be 0.
    device    All is made where x is.

Medium, 40 minutes. Try one alone: python FILE gru
Paper: Cho et al. 2014, section 2.3, https://arxiv.org/abs/1406.1078
"""

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


def rnn_cell(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    raise NotImplementedError("rnn_cell")


def gru_cell(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> Tensor:
    raise NotImplementedError("gru_cell")


def lstm_cell(
    x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> State:
    raise NotImplementedError("lstm_cell")


class LSTM(nn.Module):
    def __init__(self, input_size: int, hidden_size: int) -> None:
        raise NotImplementedError("LSTM.__init__")

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        raise NotImplementedError("LSTM.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    x, old, no = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.zeros
    h = gru_cell(x, old, no(3, 1), no(3, 1), torch.tensor([0.0, 50.0, 1.0]), no(3))
    assert h.tolist() == [[2]], h  # z is 1: all of the old h stays
    gates = torch.tensor([-50.0, 50.0, 1.0, 50.0])  # i is 0, f and o are 1
    h, c = lstm_cell(x, (old, old), no(4, 1), no(4, 1), gates, no(4))
    assert c.tolist() == [[2]], c  # all of the old c, and nothing new


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
