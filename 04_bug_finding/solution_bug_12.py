"""Bug hunt 12: softmax was applied twice.

Symptom  every answer is right, and the loss hangs: at 0.55 for 3 classes, at 1.46 for 10. Softmax
         keeps the order of the classes, so the accuracy notices nothing.
Cause    cross_entropy takes logits and applies log_softmax itself. Given probabilities, the best
         that it can get is [1, 0, 0]: loss log(1 + 2 / e) = 0.55; for K classes
         log(1 + (K - 1) / e). Gradients shrink, too: those of the inner softmax vanish first.
Fix      give it the logits.
Spot it  overfit one batch: the loss must go to 0. A floor that depends on K alone is a formula.
         In a model's last lines look for softmax, sigmoid or log_softmax, then at the loss.

Asked next
    "And nll_loss(softmax(...).log())?" Right on paper. Logits 200 apart give log(0) = -inf, and
    the gradient NaN; log_softmax subtracts the largest logit and stays finite.
    "What of log_softmax before cross_entropy?" Harmless: log_softmax of log-probabilities gives
    them back. It is nll_loss that expects it.
    "Where is softmax needed then?" Where probabilities are shown or compared, not in the loss.
Left out here, if you say so: label smoothing and class weights, arguments of cross_entropy.
"""

import torch
from torch import Tensor, nn


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> float:
    """One step on x (N, F), y (N,) -> the mean cross entropy before it."""
    model.train()
    logits = model(x)  # (N, K)
    loss = nn.functional.cross_entropy(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
