"""What challenge_2_conditioning.py requires.

`hidden` and `condition` compute logits by hand, the other labels compare the answer with itself.
"""

import torch

from checks import modules
from checks.tools import close, result_of

IN, C, H, K = SIZES = (3, 5, 7, 4)
SHAPES = (H, IN), (H,), (K, H + C), (K,)  # of W1, b1, W2, b2


def parameters(ConditionalMLP):
    what, model, _ = modules.case(ConditionalMLP, SIZES)
    modules.has_parameters(what, model, *SHAPES)
    modules.drawn_as_linear(ConditionalMLP, (230, 30, 200, 210), 230)


def logits(ConditionalMLP):
    b2 = [-3.0, 0.5, 2.0, 1e6]
    model = modules.put(ConditionalMLP(*SIZES), {(K, H + C): 0.0, (K,): b2})
    for mode in ("train", "eval"):
        what = f"W2 zero, b2 [-3, 0.5, 2, 1e6], {mode} mode: logits"
        model.train(mode == "train")
        out = result_of(what, model, torch.randn(2, IN), torch.randn(2, C))
        close(out.detach(), torch.tensor([b2, b2]), what)


def hidden(ConditionalMLP):
    picks = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    numbers = {(2, 1): [[1.0], [-1.0]], (2,): [0.0, 1.0], (3, 3): picks, (3,): [0.0, 0.0, 7.0]}
    model, x = modules.put(ConditionalMLP(1, 1, 2, 3), numbers), torch.tensor([[3.0], [-8000.0]])
    what = "W1 [[1], [-1]], b1 [0, 1], W2 picks hidden, b2 [0, 0, 7], x [[3], [-8000]]: logits"
    out = result_of(what, model, x, torch.tensor([[5.0], [5.0]]))
    close(out.detach(), torch.tensor([[3.0, 0.0, 7.0], [0.0, 8001.0, 7.0]]), what)


def condition(ConditionalMLP):
    picks = [[0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]
    numbers = {(3, 1): 1.0, (3,): 5.0, (2, 5): picks, (2,): 0.0}
    model, c = modules.put(ConditionalMLP(1, 2, 3, 2), numbers), [[-1.0, 2.0], [3000.0, -4000.0]]
    what = "W2 [[0, 0, 0, 1, 0], [0, 0, 0, 0, 1]], b2 zero, c [[-1, 2], [3000, -4000]]: logits"
    out = result_of(what, model, torch.rand(2, 1), torch.tensor(c))
    close(out.detach(), torch.tensor(c), what)


def leading(ConditionalMLP):
    for sizes in (SIZES, (1, 1, 1, 1)):
        what, model, _ = modules.case(ConditionalMLP, sizes)
        modules.leading_sizes(what, model, sizes[3], {"x": sizes[0], "c": sizes[1]})


def gradients(ConditionalMLP):
    modules.gradients_flow(*modules.case(ConditionalMLP, SIZES, x=IN, c=C))


def sizes(ConditionalMLP):
    wrong = ((5, 3), (4, 5), (2, 6), (3, 4), (3, 6), (3, 1), (1, 5))
    pairs = [*modules.unequal_leads(IN, C), *(((6, of_x), (6, of_c)) for of_x, of_c in wrong)]
    modules.refuses_sizes("ConditionalMLP(3, 5, 7, 4)", ConditionalMLP(*SIZES), "x c", pairs)


def dtypes(ConditionalMLP):
    modules.keeps_dtypes(*modules.case(ConditionalMLP, SIZES, x=IN, c=C))


def inputs(ConditionalMLP):
    modules.keeps_inputs(*modules.case(ConditionalMLP, SIZES, x=IN, c=C))


CORE = (parameters, logits, hidden, condition, leading, gradients)
EDGES = (sizes, dtypes, inputs)
