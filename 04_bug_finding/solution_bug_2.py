"""Bug hunt 2: the branches were joined along the batch.

Symptom  one patient alone is scored right, patients in a batch are mixed up. No error.
Cause    cat without dim joins along dim 0: (N, H) and (N, H) give (2N, H). The view made it
         (N, 2H): the right shape, the wrong rows. With N = 2 row 0 holds the vital signs of both
         patients, row 1 the lab values of both. With N = 1 both orders agree.
Fix      cat along the feature dim; then no reshape is needed.
Spot it  a view or reshape right after a cat or stack is suspect: it makes every size fit. Score one
         row alone and in a batch: in eval mode nothing may change. Or ask autograd: the gradient of
         row i with respect to the inputs must be zero outside row i.

Asked next
    "Why did training not show it?" The loss falls anyway: with shuffled batches the model learns
    from averages of strangers. Only a test that fixes one row sees it.
    "Which reshape would have been right?" view(2, N, H), transpose the first two dims, flatten.
Left out here, if you say so: a check of the two batch sizes. cat along dim 1 makes it.
"""

import torch
from torch import Tensor, nn


class RiskModel(nn.Module):
    """vitals (N, V), labs (N, B) -> logits (N, K)."""

    def __init__(self, num_vitals: int, num_labs: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.head = nn.Linear(2 * hidden, num_classes)

    def forward(self, vitals: Tensor, labs: Tensor) -> Tensor:
        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)  # (N, 2H)
        return self.head(features)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
