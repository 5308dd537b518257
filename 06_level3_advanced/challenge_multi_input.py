"""Two inputs, one answer: an image and the numbers that came with it.

Late fusion gives each input its own encoder and joins the features.

    forward(image (N, img_c, img_h, img_w), meta (N, meta_dim)) -> logits (N, num_classes)

    image_encoder    flatten, Linear, ReLU    image -> (N, hidden_img)
    meta_encoder     Linear, ReLU             meta -> (N, hidden_meta)
    head             Linear                   joined features -> logits

N >= 1. Model, inputs and logits share dtype and device.

Core, what an interview asks:

    parameters     Each of the three has one nn.Linear, with bias. The model has no other parameter.
    image_encoder  Pixels are flattened by channel, row, column.
    meta_encoder   As in the table.
    fusion         The logits are those of head, a Linear alone, on image features, then meta
                   features, side by side.
    swap           Any of the three may be set to another module of these shapes. forward uses it
                   and adds no ReLU.
    gradients      They reach image, meta and each parameter.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    images         With the table's encoders an image of another shape raises ValueError or
                   RuntimeError.
    batches        So does meta of another shape or another N, 1 beside many, too.
    dtypes         float32, float64 and bfloat16, as exact as they allow.
    inputs         Any strides, any device; never changed. Train and eval mode give the same.

Easy, 15 minutes. Try one alone: python FILE fusion
Guide: https://docs.pytorch.org/docs/stable/notes/modules.html
"""

import torch
from torch import Tensor, nn


class MultiInputClassifier(nn.Module):
    def __init__(
        self,
        img_c: int,
        img_h: int,
        img_w: int,
        meta_dim: int,
        hidden_img: int,
        hidden_meta: int,
        num_classes: int,
    ) -> None:
        raise NotImplementedError("MultiInputClassifier.__init__")

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        raise NotImplementedError("MultiInputClassifier.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    model = MultiInputClassifier(1, 1, 2, 1, hidden_img=3, hidden_meta=2, num_classes=1)
    for p in model.parameters():
        nn.init.constant_(p, 1.0)
    image = torch.tensor([[[[1.0, 3.0]]], [[[0.0, -5.0]]]])  # N 2, an image has two pixels
    meta = torch.tensor([[10.0], [-20.0]])
    got = model.image_encoder(image).tolist()
    assert got == [[5, 5, 5], [0, 0, 0]], got
    got = model.meta_encoder(meta).tolist()
    assert got == [[11, 11], [0, 0]], got
    logits = model(image, meta).tolist()  # 3 * 5 + 2 * 11 + 1 and 1
    assert logits == [[38], [1]], logits

    model.head = nn.Identity()  # gives the joined features back
    got = model(image, meta)[0].tolist()
    assert got == [5, 5, 5, 11, 11], got


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
