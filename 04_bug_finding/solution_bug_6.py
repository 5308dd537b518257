"""Bug hunt 6: the head was fed the raw input, for the loop never handed anything on.

Symptom  the accuracy of a linear model, whatever the encoder's width and however long it trains.
Cause    every part was given x, and the last result won: the logits were head(x), a linear model
         with an encoder beside it that gets no gradient; the features were norm(x). The encoder
         gives in_dim features back, so every shape fits; every part is called and every variable
         used, so neither hooks that print shapes nor a linter complain.
Fix      each part gets what the part before it returned.
Spot it  after one backward, list the parameters whose grad is None: a part that was left out shows
         at once. Compare with a linear baseline before tuning anything. In tests give in_dim and
         the feature size different values where the design allows it. DistributedDataParallel
         complains of parameters that took no part in the loss; one process does not.
"""

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
            x = part(x)
        return x


if __name__ == "__main__":
    from buggy_code_6 import check

    check(DeepClassifier)
    print("PASS")
