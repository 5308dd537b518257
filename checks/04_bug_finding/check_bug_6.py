"""What buggy_code_6.py requires. learning says the colleague's symptom in numbers."""

from collections import OrderedDict

import torch
from torch import nn

from checks.hunts import gives_there, gradients_of_modes, modes_are, state_is, trained
from checks.tools import attempt, close, equal, filled, result_of, strided
from checks.training import modes_of

F, H, K = 4, 6, 3
CALL = f"DeepClassifier{F, H, K}"
MODES = ("eval", "train", "train, BatchNorm in eval")


def learning(DeepClassifier):
    x, model = torch.randn(250, 5), DeepClassifier(5, 32, 3)
    y = torch.bucketize(x.norm(dim=1), torch.tensor([1.9, 2.4]))
    trained(model, 60, 0.01, y, x)
    right = (model.eval()(x).argmax(dim=1) == y).float().mean().item()
    what = f"after training as in evidence(): {right:.1%} of the points right"
    assert right > 0.7, f"{what}, want more than 70%"


def outputs(DeepClassifier):
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-10), (torch.bfloat16, 5e-2)):
        mine, twin = filled(DeepClassifier(F, H, K)).to(dtype), in_a_row().to(dtype)
        state_is(f"state_dict of {CALL}", mine.state_dict(), twin.state_dict())
        twin.load_state_dict(mine.state_dict())
        for mode, n in (("eval", 1), *((mode, 5) for mode in MODES)):
            for features in (False, True):
                x = strided(n, F, dtype=dtype)
                got = called(mine, mode, x, features)
                what = f"x {(n, F)}, {dtype}, {mode} mode: {'features' if features else 'logits'}"
                close(got, called(twin[:-1] if features else twin, mode, x), what, tol)
        for name, value in twin.encoder[1].named_buffers():
            what = f"{dtype}: BatchNorm's {name} after all these calls"
            close(mine.encoder[1].get_buffer(name), value, what, tol)
    gives_there(CALL, mine.eval(), x)


def gradients(DeepClassifier):
    model, x = filled(DeepClassifier(F, H, K)).double(), strided(5, F, dtype=torch.float64)
    gradients_of_modes(f"{CALL}, 5 points, logits", model, {"x": x})
    gradients_of_modes(f"{CALL}, 5 points, features", model, {"x": x}, "head", return_features=True)


def one_pass(DeepClassifier):
    model, calls = DeepClassifier(F, H, K), []
    model.encoder[0].register_forward_hook(lambda *_: calls.append(1))
    for features in (False, True):
        for mode in MODES:
            before, seen = put(model, mode), int(model.encoder[1].num_batches_tracked)
            what = f"{mode} mode, return_features={features}"
            calls.clear()
            attempt(what, model, torch.randn(5, F), return_features=features)
            assert len(calls) <= 1, f"{what}: {len(calls)} passes through the encoder, want 1"
            more = int(model.encoder[1].num_batches_tracked) - seen
            equal(f"{what}: batches that BatchNorm counted in a call:", more, int(mode == "train"))
            modes_are(what, model, before)


CORE = (learning, outputs, gradients, one_pass)
EDGES = ()


def in_a_row():
    encoder = [nn.Linear(F, H), nn.BatchNorm1d(H), nn.ReLU(), nn.Dropout(0.1), nn.Linear(H, F)]
    norm, head = nn.LayerNorm(F), nn.Linear(F, K)
    return nn.Sequential(OrderedDict(encoder=nn.Sequential(*encoder), norm=norm, head=head))


def put(model, mode):
    model.train(mode != "eval")
    model.encoder[1].train(mode == "train")
    return modes_of(model)


def called(model, mode, x, features=False):
    """What the model gives in that mode, with the same random numbers for Dropout each time."""
    put(model, mode)
    torch.manual_seed(1)
    what = f"{CALL}, {mode} mode, return_features={features}"
    more = {"return_features": True} if features and len(model._modules) > 2 else {}
    return result_of(what, model, x.clone(), **more)
