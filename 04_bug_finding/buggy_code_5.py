"""Bug hunt 5: the same model scores differently on the same data.

A colleague: "I validate twice in a row, nothing changed in between, and the accuracy moves by
points. How am I to tell which of two checkpoints is better?"

    model    maps x (N, F) to logits (N, K); its modules are all in train mode or all in eval mode
    batches  an iterable of x (N, F) float and y (N,) int64 class indices, at least one sample;
             batches may differ in size and can be read once only
    returns  float: the share of all samples whose class the model, as users will meet it in
             production, ranks first

validate may be called in the middle of training, records no gradients and leaves no trace: the
model's parameters (their grad and requires_grad too), buffers, modes and its modules' attributes
are afterwards what they were, and so are torch's grad mode and random number generator.

Run this file to see the numbers, fix validate, run it again.
Guide: https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def validate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    correct = total = 0
    for x, y in batches:
        predicted = model(x).argmax(dim=1)
        correct += (predicted == y).sum().item()
        total += len(y)
    return correct / total


GRAD_MODES = [True, True, True, False, False]  # in which validate is called


def check(validate):
    torch.manual_seed(0)
    x = torch.randn(193, 10)
    y = (x[:, :3] + 0.5 * torch.randn(193, 3)).argmax(dim=1)  # noisy: nobody gets them all
    batches = list(zip(x.split(64), y.split(64), strict=True))  # the last one holds one sample
    for norm, training in ((nn.LayerNorm, True), (nn.LayerNorm, False), (nn.BatchNorm1d, True)):
        model = trained(Classifier(norm), x, y).train(training)
        served = copy.deepcopy(model).eval()
        model.head.bias.requires_grad_(False)
        want = sum(int(served(a[None]).argmax() == b) for a, b in zip(x, y, strict=True)) / len(y)
        before, runs, after = traces(model), [], []
        seen: list[bool] = []
        hook = model.head.register_forward_hook(
            lambda *io, seen=seen: seen.append(io[2].requires_grad)
        )
        for mode in GRAD_MODES:
            with torch.set_grad_enabled(mode):
                runs.append(validate(model, iter(batches)))
                after.append(torch.is_grad_enabled())
        hook.remove()
        name = f"model with {norm.__name__}, arriving in {'train' if training else 'eval'} mode"
        assert all(isinstance(run, float) for run in runs), f"{name}: {runs}, want floats"
        shown = " ".join(f"{run:.4f}" for run in runs)
        print(f"{name}: five identical runs: {shown}, in production: {want:.4f}")

        assert max(runs) - min(runs) < 1e-6, f"{name}: five identical runs gave {shown}"
        assert abs(runs[0] - want) < 1e-6, (
            f"{name}: validate(model, iterator of {len(batches)} batches) gave {runs[0]:.6f}, want "
            f"{want:.6f}: the share of all samples, one at a time, in production"
        )
        for what, now in traces(model).items():
            then = before.get(what)
            tensors = isinstance(now, Tensor) and isinstance(then, Tensor)
            same = torch.equal(now, then) if tensors else now == then
            assert same, f"{name}: after validate {what} is\n{now}\nit was\n{then}"
        assert after == GRAD_MODES, (
            f"torch.is_grad_enabled() after five calls: {after}, before them: {GRAD_MODES}"
        )
        assert seen, f"{name}: validate never ran the model's head"
        assert not any(seen), f"{name}: validate records gradients in {sum(seen)} forward passes"


class Classifier(nn.Module):
    def __init__(self, norm: type[nn.Module]) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 32), norm(32), nn.ReLU(), nn.Dropout(0.3))
        self.head = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.trunk(x)
        return self.head(nn.functional.dropout(h, 0.3, self.training))


def trained(model, x, y):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(15):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def traces(model):
    """Everything that a call may leave behind, by name."""
    found: dict = {name: value.clone() for name, value in model.state_dict().items()}
    for name, m in model.named_modules():
        public = {key: value for key, value in vars(m).items() if not key.startswith("_")}
        found[f"attributes of {name or 'the model'}"] = public
    for name, p in model.named_parameters():
        found[f"{name}.requires_grad"] = p.requires_grad
        found[f"{name}.grad"] = None if p.grad is None else p.grad.clone()
    return found | {"torch.get_rng_state()": torch.get_rng_state()}


if __name__ == "__main__":
    try:
        check(validate)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_5.py")
