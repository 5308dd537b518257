"""Bug hunt 2: the branches were joined along the batch.

Symptom  one patient alone is scored right, patients in a batch are mixed up. No error.
Cause    cat without dim joins along dim 0: (N, H) and (N, H) give (2N, H). The view made it
         (N, 2H): the right shape, the wrong rows. Row 0 holds the vital signs of patients 0 and 1,
         the last row the lab values of the last two. With N = 1 both orders agree.
Fix      cat along the feature dim; then no reshape is needed.
Spot it  a view or reshape right after a cat or stack is suspect: it makes every size fit. Score one
         row alone and in a batch: in eval mode nothing may change. Or ask autograd: the gradient of
         row i with respect to the inputs must be zero outside row i.
"""

import torch
from torch import Tensor, nn


class RiskModel(nn.Module):
    def __init__(self, num_vitals: int, num_labs: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.head = nn.Linear(2 * hidden, num_classes)

    def forward(self, vitals: Tensor, labs: Tensor) -> Tensor:
        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)  # (N, 2H)
        return self.head(features)


if __name__ == "__main__":
    from buggy_code_2 import check

    check(RiskModel)
    print("PASS")
