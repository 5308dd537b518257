"""Bug hunt 2: a patient's score depends on who else is in the batch.

A colleague: "The demo scores patients one by one and looks sensible. The nightly job scores the
same patients in batches and gets other numbers. There is no BatchNorm and no Dropout anywhere."

RiskModel(num_vitals, num_labs, hidden, num_classes) joins two branches, one for the vital signs
and one for the lab values: a Linear layer and a ReLU each, `hidden` features each.

    vitals   (N, num_vitals)   of the model's dtype and on its device
    labs     (N, num_labs)     row i is the same patient
    returns  (N, num_classes)  logits, of that dtype and on that device

Core, what an interview asks:

    patients   Row i of the logits is the same for patient i alone and in any batch, in train and
               eval mode.
    logits     Row i is the linear head of patient i's 2 * hidden features, those of the vital
               signs first. Checkpoints exist: names and shapes in state_dict stay.
    gradients  Exact ones reach vitals, labs and all parameters. Vitals and labs stay as they are.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    sizes      Batches of different size raise RuntimeError or ValueError, 1 beside N included.

Run the file, fix the class, run it again.

Medium, 15 minutes. Try one alone: python FILE patients
Guide: https://docs.pytorch.org/docs/stable/notes/modules.html
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
        features = torch.cat([self.vitals(vitals), self.labs(labs)])
        return self.head(features.view(len(vitals), -1))


def evidence() -> None:
    """What the colleague saw: eight patients, scored in batches of different size."""
    torch.manual_seed(0)
    model, vitals, labs = RiskModel(5, 4, 6, 2), torch.randn(8, 5), torch.randn(8, 4)
    for size in (1, 2, 4, 8):
        pairs = zip(vitals.split(size), labs.split(size), strict=True)
        logits = torch.cat([model(v, b) for v, b in pairs])
        first = ", ".join(f"{v:.3f}" for v in logits[0].tolist())
        print(f"batches of {size}: logits of patient 0: {first}")
    print("A right model gives the same logits four times.")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
