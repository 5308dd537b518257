"""Bug hunt 6: the head was fed the raw input, for the loop never handed anything on.

Symptom  the accuracy of a linear model, whatever the encoder's width and however long it trains.
Cause    every part was given x, and the last result won: the logits were head(x), a linear model
         with an encoder beside it that gets no gradient; the features were norm(x). Of the 449
         parameters with hidden = 32 only the head's 18 had one. The encoder gives in_dim features
         back, so every shape fits; every part is called and every variable used, so neither hooks
         that print shapes nor a linter complain.
Fix      each part gets what the part before it returned.
Spot it  after one backward, list the parameters whose grad is None: a part that was left out shows
         at once. Compare with a linear baseline before tuning anything. In tests give in_dim and
         the feature size different values where the design allows it.

Asked next
    "What would have told you without a test?" DistributedDataParallel complains of parameters that
    took no part in the loss; one process does not.
    "Why not nn.Sequential for all of it?" It hands on by itself; the features need model[:-1].
Left out here, if you say so: BatchNorm cannot train on a batch of one point.
"""

from torch import Tensor, nn


class DeepClassifier(nn.Module):
    """x (N, F) -> logits (N, K), or features (N, F)."""

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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
