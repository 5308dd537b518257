"""What buggy_code_6.py requires.

learning says the colleague's symptom in numbers. outputs compares with the same layers in a row,
gradients with the slope of the answer's own outputs; one_pass counts and looks at modes.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from checks.hunts import attempt, gives_there, gradients_of_modes
from checks.tools import close, filled, names_are, strided, tensor
from checks.training import modes_of

F, H, K = 4, 6, 3
CALL = f"DeepClassifier{F, H, K}"


def learning(DeepClassifier):
    x = torch.randn(250, 5)
    y = torch.bucketize(x.norm(dim=1), torch.tensor([1.9, 2.4]))
    what, model = "training as in evidence()", DeepClassifier(5, 32, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        logits = tensor(attempt(what, model, x), what)
        assert logits.requires_grad, f"{what}: no gradient flows back from the logits"
        optimizer.zero_grad()
        cross_entropy(logits, y).backward()
        optimizer.step()
    right = (model.eval()(x).argmax(dim=1) == y).float().mean().item()
    assert right > 0.7, f"after {what}: {right:.1%} of the points right, want more than 70%"


def outputs(DeepClassifier):
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-10), (torch.bfloat16, 5e-2)):
        mine, twin = filled(DeepClassifier(F, H, K)).to(dtype), in_a_row().to(dtype)
        state, want = mine.state_dict(), twin.state_dict()
        names_are(state, want, f"state_dict of {CALL}")
        for name, value in want.items():
            shapes = tuple(state[name].shape), tuple(value.shape)
            assert shapes[0] == shapes[1], f"{CALL}: {name} has shape {shapes[0]}, want {shapes[1]}"
        twin.load_state_dict(state)
        for mode, n in (("eval", 1), ("eval", 5), ("train", 5), ("train, BatchNorm in eval", 5)):
            for features in (False, True):
                x = strided(n, F, dtype=dtype)
                got = called(mine, mode, x, features)
                kind = "features" if features else "logits"
                what = f"x {(n, F)}, {dtype}, {mode} mode: {kind}"
                close(got, called(twin[:-1] if features else twin, mode, x), what, tol)
        state, want = mine.state_dict(), twin.state_dict()
        for name in ("encoder.1.running_mean", "encoder.1.running_var"):
            close(state[name], want[name], f"{dtype}: {name} after all these calls", tol)
    gives_there(CALL, mine.eval(), x)


def gradients(DeepClassifier):
    model, x = filled(DeepClassifier(F, H, K)).double(), strided(5, F, dtype=torch.float64)
    gradients_of_modes(f"{CALL}, 5 points, logits", model, {"x": x})
    gradients_of_modes(f"{CALL}, 5 points, features", model, {"x": x}, "head", return_features=True)


def one_pass(DeepClassifier):
    calls = []
    for features in (False, True):
        model, x = DeepClassifier(F, H, K), torch.randn(5, F)
        model.get_submodule("encoder.0").register_forward_hook(lambda *_: calls.append(1))
        for mode in ("train", "eval", "train, BatchNorm in eval"):
            norm, what = (
                model.get_submodule("encoder.1"),
                f"{mode} mode, return_features={features}",
            )
            model.train(mode != "eval")
            norm.train(mode == "train")
            before, seen = modes_of(model), int(norm.num_batches_tracked)
            calls.clear()
            attempt(what, model, x, return_features=features)
            assert len(calls) <= 1, f"{what}: {len(calls)} passes through the encoder, want 1"
            more = int(norm.num_batches_tracked) - seen
            want = int(mode == "train")
            assert more == want, (
                f"{what}: BatchNorm counted {more} batches in one call, want {want}"
            )
            after = modes_of(model)
            other = [
                f"{name} training={after[name]}" for name in before if after[name] != before[name]
            ]
            assert not other, f"{what}: afterwards {', '.join(other)}, want it as before"


CORE = (learning, outputs, gradients, one_pass)
EDGES = ()


def in_a_row():
    encoder = [nn.Linear(F, H), nn.BatchNorm1d(H), nn.ReLU(), nn.Dropout(0.1), nn.Linear(H, F)]
    norm, head = nn.LayerNorm(F), nn.Linear(F, K)
    return nn.Sequential(OrderedDict(encoder=nn.Sequential(*encoder), norm=norm, head=head))


def called(model, mode, x, features=False):
    """What the model gives in that mode, with the same random numbers for Dropout each time."""
    model.train(mode != "eval")
    model.get_submodule("encoder.1").train(mode == "train")
    torch.manual_seed(1)
    what = f"{CALL}, {mode} mode, return_features={features}"
    more = {"return_features": True} if features else {}
    return tensor(attempt(what, model, x.clone(), **more), what)
