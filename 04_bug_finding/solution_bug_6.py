"""Bug hunt 6: the head was fed the raw input.

Symptom  the accuracy of a linear model, whatever the encoder's width and however long it trains.
Cause    the encoder gives in_dim features back, so head(x) has the right shape as well: a linear
         model with an encoder beside it that gets no gradient. The features are computed and used
         (return_features gives them out), so no linter complains of an unused variable.
Fix      the head judges the features.
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
        features = self.norm(self.encoder(x))
        if return_features:
            return features
        return self.head(features)


if __name__ == "__main__":
    from buggy_code_6 import check

    check(DeepClassifier)
    print("PASS")
