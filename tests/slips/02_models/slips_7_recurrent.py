"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

RNN = "    return torch.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)\n"
CUT = "    a_r, a_z, a_n = (x @ w_ih.T + b_ih).chunk(3, dim=-1)\n"
CUT_H = "    b_r, b_z, b_n = (h @ w_hh.T + b_hh).chunk(3, dim=-1)\n"
NEW = "    n = torch.tanh(a_n + r * b_n)\n"
MIXED = "    return (1 - z) * n + z * h\n"
GATES = "    i, f, g, o = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, dim=-1)\n"
CELL = "    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)\n"
LAST = "    return torch.sigmoid(o) * torch.tanh(c), c\n"
INIT = "            nn.init.uniform_(p, -(hidden_size**-0.5), hidden_size**-0.5)\n"
START = "            state = (x.new_zeros(len(x), self.hidden_size),) * 2\n"
STEPS = "        for x_t in x.unbind(1):\n"
STEP = "            state = lstm_cell(x_t, state, *self.parameters())\n"
KEPT = "            out.append(state[0].unsqueeze(1))\n"
OUT = "        out = [x.new_zeros(len(x), 0, self.hidden_size)]\n"
RESULT = "        return torch.cat(out, 1), state\n"

SLIPS = {
    "by_hand": {
        "the library's RNN cell": (
            RNN,
            "    return torch.rnn_tanh_cell(x, h, w_ih, w_hh, b_ih, b_hh)\n",
        ),
        "the library's GRU cell": (
            MIXED,
            "    return torch.gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)\n",
        ),
        "the library's LSTM cell": (
            LAST,
            "    return torch.lstm_cell(x, state, w_ih, w_hh, b_ih, b_hh)\n",
        ),
        "the library's LSTM without a state": (
            START,
            "            out, h, c = torch.lstm(\n"
            "                x, [x.new_zeros(1, len(x), self.hidden_size)] * 2,\n"
            "                list(self.parameters()), True, 1, 0.0, False, False, True)\n"
            "            return out, (h[0], c[0])\n",
        ),
        "the parameters of an nn.LSTM": (
            INIT,
            INIT + "        for name, p in nn.LSTM(input_size, hidden_size).named_parameters():\n"
            "            setattr(self, name, p)\n",
        ),
        "the parameters of an nn.LSTMCell": (
            INIT,
            INIT + "        cell = nn.LSTMCell(input_size, hidden_size)\n"
            "        for name, p in cell.named_parameters():\n"
            '            setattr(self, f"{name}_l0", p)\n',
        ),
        "the library's LSTM cell in eval mode": (
            STEP,
            "            cell = lstm_cell if self.training else torch.lstm_cell\n"
            "            state = cell(x_t, state, *self.parameters())\n",
        ),
    },
    "rnn": {
        "sigmoid for tanh": (RNN, RNN.replace("tanh", "sigmoid")),
        "tanh forgotten": (RNN, RNN.replace("torch.tanh", "")),
        "one bias forgotten": (RNN, RNN.replace(" + b_hh", "")),
        "tanh before the biases": (RNN, RNN.replace(" + b_hh)", ") + b_hh")),
        "w_hh not transposed": (RNN, RNN.replace("w_hh.T", "w_hh")),
    },
    "gru": {
        "z and 1 - z exchanged": (MIXED, "    return z * n + (1 - z) * h\n"),
        "reset before the product": (
            NEW,
            "    rows = slice(2 * h.shape[-1], None)\n"
            "    n = torch.tanh(a_n + (r * h) @ w_hh[rows].T + b_hh[rows])\n",
        ),
        "reset without b_hn": (
            NEW,
            "    b = b_hh[2 * h.shape[-1]:]\n    n = torch.tanh(a_n + r * (b_n - b) + b)\n",
        ),
        "gates z, r, n": (
            CUT + CUT_H,
            (CUT + CUT_H).replace("_r, a_z", "_z, a_r").replace("b_r, b_z", "b_z, b_r"),
        ),
        "reset forgotten": (NEW, NEW.replace("r * ", "")),
        "reset of x's part": (NEW, NEW.replace("a_n + r * b_n", "r * a_n + b_n")),
        "sigmoid for n": (NEW, NEW.replace("tanh", "sigmoid")),
        "gates interleaved": (
            CUT,
            CUT.replace(
                "@ w_ih.T + b_ih).chunk(3, dim=-1)",
                "@ w_ih.T + b_ih).unflatten(-1, (-1, 3)).unbind(-1)",
            ),
        ),
    },
    "lstm": {
        "another order in the cell than in the layer": """
def lstm_cell(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    i, f, o, g = (x @ w_ih.T + b_ih + h @ w_hh.T + b_hh).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def forward(self, x, state=None):
    h, c = state or (x.new_zeros(len(x), self.hidden_size),) * 2
    out = [x.new_zeros(len(x), 0, self.hidden_size)]
    for x_t in x.unbind(1):
        a = x_t @ self.weight_ih_l0.T + self.bias_ih_l0 + self.bias_hh_l0
        i, f, g, o = (a + h @ self.weight_hh_l0.T).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        out.append(h[:, None])
    return torch.cat(out, 1), (h, c)


LSTM.forward = forward
""",
        "gates i, f, o, g": (GATES, GATES.replace("i, f, g, o", "i, f, o, g")),
        "gates f, i, g, o": (GATES, GATES.replace("i, f, g, o", "f, i, g, o")),
        "tanh of c forgotten": (LAST, LAST.replace("torch.tanh(c)", "c")),
        "sigmoid for g": (CELL, CELL.replace("tanh", "sigmoid")),
        "h in the place of c": (CELL, CELL.replace("* c +", "* h +")),
        "the old c in h'": (
            CELL + LAST,
            "    old = c\n" + CELL + LAST.replace("tanh(c)", "tanh(old)"),
        ),
        "c and h exchanged": (LAST, "    return c, torch.sigmoid(o) * torch.tanh(c)\n"),
        "h' alone": (LAST, "    return torch.sigmoid(o) * torch.tanh(c)\n"),
    },
    "weights": {
        "a buffer more in the state dict": (
            "        for p in self.parameters():\n",
            '        self.register_buffer("start", torch.zeros(hidden_size))\n'
            "        for p in self.parameters():\n",
        ),
        "names without l0": ("self.bias_ih_l0", "self.bias_ih"),
        "one bias": (
            "        self.bias_hh_l0 = nn.Parameter(torch.empty(rows))\n",
            '        self.register_buffer("bias_hh_l0", torch.zeros(rows))\n',
        ),
        "bias (1, 4H)": (
            "self.bias_hh_l0 = nn.Parameter(torch.empty(rows))",
            "self.bias_hh_l0 = nn.Parameter(torch.empty(1, rows))",
        ),
        "drawn by the size of the input": (INIT, INIT.replace("hidden_size", "input_size")),
        "1/H": (INIT, INIT.replace("-0.5", "-1")),
        "bias of f 1": (
            INIT,
            INIT + "        with torch.no_grad():\n"
            "            self.bias_ih_l0[hidden_size : 2 * hidden_size] = 1\n",
        ),
    },
    "layer": {
        "the state kept for the next call": (
            "        if state is None:\n" + START + OUT,
            '        if state is None:\n            state = getattr(self, "last", None)\n'
            "            if state is None or len(state[0]) != len(x):\n    "
            + START
            + OUT
            + "        self.last = state\n",
        ),
        "a loop over the batch": (STEPS, "        for x_t in x.unbind(0):\n"),
        "the state ignored": ("        if state is None:\n", "        if True:\n"),
        "h given, c from zeros": (
            OUT,
            OUT + "        state = state[0], torch.zeros_like(state[1])\n",
        ),
        "ones for zeros": (START, START.replace("new_zeros", "new_ones")),
        "c in out": (KEPT, KEPT.replace("[0]", "[1]")),
        "the state before the step": (STEP + KEPT, KEPT + STEP),
        "backward in time": (STEPS, STEPS.replace("x.unbind(1)", "x.flip(1).unbind(1)")),
        "one step too few": (
            STEPS,
            STEPS.replace("x.unbind(1)", "x.unbind(1)[: max(1, x.shape[1] - 1)]"),
        ),
        "out (L, B, H)": (
            RESULT,
            RESULT.replace("torch.cat(out, 1)", "torch.cat(out, 1).transpose(0, 1)"),
        ),
        "the state (1, B, H)": (
            RESULT,
            RESULT.replace(", state", ", (state[0][None], state[1][None])"),
        ),
        "the state as (c, h)": (RESULT, RESULT.replace("state\n", "state[::-1]\n")),
        "h' of step t with c of the start": (
            STEP,
            STEP.replace("x_t, state,", "x_t, (state[0], torch.zeros_like(state[1])),"),
        ),
    },
    "exact": {
        "the state detached in each step": (
            KEPT,
            KEPT + "            state = state[0].detach(), state[1].detach()\n",
        ),
        "the last state detached": (
            RESULT,
            RESULT.replace(", state", ", (state[0].detach(), state[1].detach())"),
        ),
        "backpropagation cut after five steps": (
            KEPT,
            KEPT + "            if len(out) % 5 == 0:\n"
            "                state = state[0].detach(), state[1].detach()\n",
        ),
        "the given state detached": (
            OUT,
            OUT + "        state = state[0].detach(), state[1].detach()\n",
        ),
        "c detached": (CELL, CELL.replace("* c +", "* c.detach() +")),
        "r without gradient": (NEW, NEW.replace("r * b_n", "r.detach() * b_n")),
        "zeros in float32": (START, START.replace("x.new_zeros(", "torch.zeros(")),
        "products in float32": (
            GATES,
            GATES.replace(
                "(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)",
                "(x.float() @ w_ih.float().T + b_ih + h @ w_hh.T + b_hh)",
            ),
        ),
        "c changed in place": (
            CELL,
            "    with torch.no_grad():\n        c.mul_(torch.sigmoid(f))\n"
            "    c = c + torch.sigmoid(i) * torch.tanh(g)\n",
        ),
        "h changed in place": (
            MIXED,
            "    out = (1 - z) * n + z * h\n    h.data.copy_(out)\n    return out\n",
        ),
        "weights without gradient": (
            STEP,
            STEP.replace("*self.parameters()", "*(p.data for p in self.parameters())"),
        ),
    },
    "empty": {
        "stack of nothing": (
            OUT,
            "        out = []\n",
        ),
        "zeros where a state is given": (
            RESULT,
            "        if x.shape[1] == 0:\n"
            "            state = (x.new_zeros(len(x), self.hidden_size),) * 2\n" + RESULT,
        ),
        "no state of an empty sequence": (
            RESULT,
            "        if x.shape[1] == 0:\n            return torch.cat(out, 1), None\n" + RESULT,
        ),
        "an empty result in float32": (
            OUT,
            "        if x.shape[1] == 0:\n"
            "            return torch.zeros(len(x), 0, self.hidden_size, device=x.device), state\n"
            + OUT,
        ),
        "one row of zeros for the whole batch": (START, START.replace("len(x)", "1")),
        "no batch refused": (
            OUT,
            '        if len(x) == 0:\n            raise ValueError("empty")\n' + OUT,
        ),
    },
    "device": {
        "zeros on the CPU": (
            START,
            START.replace(
                "x.new_zeros(len(x), self.hidden_size)",
                "torch.zeros(len(x), self.hidden_size, dtype=x.dtype)",
            ),
        ),
        "an empty result on the CPU": (
            OUT,
            "        if x.shape[1] == 0:\n            nothing = len(x), 0, self.hidden_size\n"
            "            return torch.zeros(nothing, dtype=x.dtype), state\n" + OUT,
        ),
        "the result moved to the CPU": (
            RESULT,
            RESULT.replace("torch.cat(out, 1)", "torch.cat(out, 1).cpu()"),
        ),
    },
}

VARIANTS = {
    "one product for all steps of x": (
        STEPS + STEP,
        "        h, c = state\n"
        "        steps = x @ self.weight_ih_l0.T + self.bias_ih_l0 + self.bias_hh_l0\n"
        "        for t in range(x.size(1)):\n"
        "            a = steps[:, t] + h @ self.weight_hh_l0.T\n"
        "            i, f, g, o = a.split(self.hidden_size, 1)\n"
        "            c = f.sigmoid() * c + i.sigmoid() * g.tanh()\n"
        "            h = o.sigmoid() * c.tanh()\n"
        "            state = h, c\n",
    ),
    "x and h side by side": """
def lstm_cell(x, state, w_ih, w_hh, b_ih, b_hh):
    h, c = state
    a = torch.cat([x, h], 1) @ torch.cat([w_ih, w_hh], 1).t() + (b_ih + b_hh)
    H = h.size(1)
    i = torch.sigmoid(a[:, :H])
    f = torch.sigmoid(a[:, H:2 * H])
    g = torch.tanh(a[:, 2 * H:3 * H])
    o = torch.sigmoid(a[:, 3 * H:])
    new_c = f * c + i * g
    return o * torch.tanh(new_c), new_c
""",
    "cells by F.linear": """
from torch.nn.functional import linear


def rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh):
    return (linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)).tanh()


def gru_cell(x, h, w_ih, w_hh, b_ih, b_hh):
    H = h.shape[1]
    a, b = linear(x, w_ih, b_ih), linear(h, w_hh, b_hh)
    rz = (a[:, :2 * H] + b[:, :2 * H]).sigmoid()
    r, z = rz[:, :H], rz[:, H:]
    n = (a[:, 2 * H:] + r * b[:, 2 * H:]).tanh()
    return n + z * (h - n)
""",
    "an LSTM that allocates its result": """
class LSTM(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        k = 1 / hidden_size ** 0.5
        for name, shape in (
            ("weight_ih_l0", (4 * hidden_size, input_size)),
            ("weight_hh_l0", (4 * hidden_size, hidden_size)),
            ("bias_ih_l0", (4 * hidden_size,)),
            ("bias_hh_l0", (4 * hidden_size,)),
        ):
            self.register_parameter(name, nn.Parameter(torch.rand(shape) * 2 * k - k))

    def forward(self, x, state=None):
        B, L, _ = x.shape
        if state is None:
            h = torch.zeros(B, self.hidden_size, dtype=x.dtype, device=x.device)
            c = torch.zeros_like(h)
        else:
            h, c = state
        out = torch.empty(B, L, self.hidden_size, dtype=x.dtype, device=x.device)
        w = self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0
        for t in range(L):
            h, c = lstm_cell(x[:, t], (h, c), *w)
            out[:, t] = h
        return out, (h, c)
""",
}
