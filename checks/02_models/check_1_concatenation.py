"""What challenge_1_concatenation.py requires; `values` alone computes the result by hand."""

import torch

from checks import modules
from checks.tools import close, result_of


def parameters(ConcatBlock):
    what, block, _ = modules.case(ConcatBlock, (3, 5, 4))
    modules.has_parameters(what, block, (4, 3 + 5), (4,))
    modules.drawn_as_linear(ConcatBlock, (30, 70, 200), 30 + 70)


def values(ConcatBlock):
    weight = [[1.0, 10.0, 100.0, 1000.0], [0.0, 0.0, 0.0, -1.0]]
    block = modules.put(ConcatBlock(2, 2, 2), {(2, 4): weight, (2,): [4000.0, 0.0]}).eval()
    a, b = torch.tensor([[1.0, 2.0], [-4.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, -5.0]])
    what = "weight [[1, 10, 100, 1000], [0, 0, 0, -1]], bias [4000, 0], "
    what += "a [[1, 2], [-4, 0]], b [[3, 4], [0, -5]]: result"
    want = torch.tensor([[8321.0, -4.0], [-1004.0, 5.0]])
    close(result_of(what, block, a, b).detach(), want, what)


def leading(ConcatBlock):
    for in_a, in_b, out in ((3, 5, 4), (1, 1, 1)):
        what, block, _ = modules.case(ConcatBlock, (in_a, in_b, out))
        modules.leading_sizes(what, block, out, {"a": in_a, "b": in_b})


def gradients(ConcatBlock):
    modules.gradients_flow(*modules.case(ConcatBlock, (3, 5, 4), a=3, b=5))


def sizes(ConcatBlock):
    modules.refuses_sizes(
        "ConcatBlock(3, 5, 4)", ConcatBlock(3, 5, 4), "a b", modules.unequal_leads(3, 5)
    )


def features(ConcatBlock):
    wrong = ((5, 3), (4, 4), (2, 6), (3, 6), (3, 1), (1, 5), (4, 5))
    leads = ((6,), (), (2, 6))
    pairs = (((*lead, of_a), (*lead, of_b)) for lead in leads for of_a, of_b in wrong)
    modules.refuses_sizes("ConcatBlock(3, 5, 4)", ConcatBlock(3, 5, 4), "a b", pairs)


def dtypes(ConcatBlock):
    modules.keeps_dtypes(*modules.case(ConcatBlock, (3, 5, 4), a=3, b=5))


def inputs(ConcatBlock):
    modules.keeps_inputs(*modules.case(ConcatBlock, (3, 5, 4), a=3, b=5))


CORE = (parameters, values, leading, gradients)
EDGES = (sizes, features, dtypes, inputs)
