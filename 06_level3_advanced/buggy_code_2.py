"""Bug hunt 2: in bfloat16 the model fits into the memory, and stops learning early.

A colleague: "Weights and gradients in bfloat16, no copy in float32: half the memory. The loss falls
at first. Then it lags behind, while the gradients are still far from 0."

    step(params, grads, lr) -> None
        params  a list of bfloat16 tensors of any shapes
        grads   bfloat16 tensors of the same shapes
        lr      a float

Core, what an interview asks:

    mean     Of many numbers, equal ones too, the mean after a step is that of the exact
              p - lr * grad.
    near     Each number is within 1 % of its p - lr * grad.
    many     After hundreds of small steps each number has gone about as far as it should.
    memory   params stay the same bfloat16 tensors, changed in place. grads stay as they are.
             Between two calls nothing else of their size is kept.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    special  Where grad is 0 nothing changes. Where p - lr * grad is inf or NaN, so is p.

Run the file, fix step, run it again.

Hard, 20 minutes. Try one alone: python FILE many
"""

import torch
from torch import Tensor, nn


def step(params: list[Tensor], grads: list[Tensor], lr: float) -> None:
    with torch.no_grad():
        for p, grad in zip(params, grads, strict=True):
            p -= lr * grad


def evidence() -> None:
    """What the colleague saw: 300 steps on 256 samples of four classes."""
    torch.manual_seed(0)
    x = torch.randn(256, 16).bfloat16()
    y = x[:, :4].float().argmax(dim=1)
    model = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4)).bfloat16()
    params, losses = list(model.parameters()), []
    start = torch.cat([p.detach().flatten() for p in params])
    for _ in range(301):
        loss = nn.functional.cross_entropy(model(x).float(), y)
        losses.append(loss.item())
        grads = list(torch.autograd.grad(loss, params))
        step(params, grads, 0.01)
    shown = ", ".join(f"{losses[i]:.2f}" for i in (0, 50, 100, 200, 300))
    print(f"loss at steps 0, 50, 100, 200 and 300: {shown}")
    print("a right step gives about:              1.41, 1.30, 1.21, 1.06, 0.92")
    moved = torch.cat([p.detach().flatten() for p in params]) != start
    large, length = start.abs() > 0.1, torch.cat([g.flatten() for g in grads]).float().norm()
    print(
        f"of {len(moved)} weights {moved.sum()} have changed (want about 660), of the "
        f"{large.sum()} above 0.1 {moved[large].sum()} (want about 365)"
    )
    print(f"norm of the last gradient: {length:.2f}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
