"""Bug hunt 6: the deep model is no better than a linear one.

A colleague: "Which of three shells a point lies in is no linear question, so I gave it a hidden
layer. I made it wider, I trained longer: the accuracy stays where logistic regression was."

DeepClassifier(in_dim, hidden, num_classes) has three parts:

    encoder  Linear to hidden, BatchNorm, ReLU, Dropout of 0.1, Linear back to in_dim
    norm     LayerNorm of what the encoder gives: these are the features
    head     Linear, from the features to the logits

    model(x (N, in_dim)) -> logits (N, num_classes)
    model(x, return_features=True) -> features (N, in_dim)

Core, what an interview asks:

    learning   Trained as in evidence(), it gets more than 70% of the points right.
    outputs    Logits and features are as said above, in the model's dtype and on its device, each
               module in its own mode. Checkpoints exist: names and shapes in state_dict stay.
    gradients  Exact ones reach x and the parameters from the logits, and all of these but the
               head's from the features. x stays as it is.
    one_pass   A call is one pass through the encoder, and changes no module's mode.

Run the file, fix the class, run it again.

Medium, 15 minutes. Try one alone: python FILE outputs
Guide: https://docs.pytorch.org/tutorials/beginner/introyt/modelsyt_tutorial.html
"""

import torch
from torch import Tensor, nn


class DeepClassifier(nn.Module):
    def __init__(self, in_dim: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(in_dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden, in_dim),
        )
        self.norm = nn.LayerNorm(in_dim)
        self.head = nn.Linear(in_dim, num_classes)

    def forward(self, x: Tensor, return_features: bool = False) -> Tensor:
        parts: list[nn.Module] = [self.encoder, self.norm]
        if not return_features:
            parts.append(self.head)
        for part in parts:
            out = part(x)
        return out


def evidence() -> None:
    """What the colleague saw: 250 points in three shells around 0, 60 steps for each model."""
    torch.manual_seed(0)
    x = torch.randn(250, 5)
    y = torch.bucketize(x.norm(dim=1), torch.tensor([1.9, 2.4]))
    for model in (nn.Linear(5, 3), DeepClassifier(5, 32, 3), DeepClassifier(5, 128, 3)):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(60):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        right = (model.eval()(x).argmax(dim=1) == y).float().mean()
        numbers = sum(p.numel() for p in model.parameters())
        print(
            f"{type(model).__name__:14} of {numbers:4} parameters: {right:.1%} of the points right"
        )
    print("A right DeepClassifier gets more than 70% right.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
