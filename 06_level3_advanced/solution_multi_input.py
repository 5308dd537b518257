"""Two inputs, one answer: encode each on its own, put the features side by side, decide once.

Why it works: each encoder brings its input, whatever its size and scale, to a feature vector; the
head, linear in both, weighs them against each other. The sizes of the features, not those of the
inputs, say how much room each of them has. Linear and cat refuse what does not fit; flatten alone
takes any order of axes with the right number of pixels, so the image's shape is compared first.
Say in the interview: this is late fusion. Its parts can be trained alone, frozen and swapped, but
image and meta meet in one linear layer only: where one changes how the other is to be read, take a
head with a hidden layer, FiLM or cross-attention. Standardise meta, or a feature in years rules
those between 0 and 1. A missing input needs a learned stand-in: zeros mean something else.
Common slips: flattening (N, H, W, C); the encoders' activation left out or put after the join; view
on a channels-last image; softmax before the cross entropy; expand, to make a batch of one fit.
"""

import math

import torch
from torch import Tensor, nn


class MultiInputClassifier(nn.Module):
    """Image (N, img_c, img_h, img_w) and meta (N, meta_dim) -> logits (N, num_classes)."""

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
        super().__init__()
        self.image_shape = (img_c, img_h, img_w)
        self.image_encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(math.prod(self.image_shape), hidden_img), nn.ReLU()
        )
        self.meta_encoder = nn.Sequential(nn.Linear(meta_dim, hidden_meta), nn.ReLU())
        self.head = nn.Linear(hidden_img + hidden_meta, num_classes)

    def forward(self, image: Tensor, meta: Tensor) -> Tensor:
        if image.shape[1:] != self.image_shape:
            raise ValueError(f"image {tuple(image.shape)}, want (N, *{self.image_shape})")
        features = [self.image_encoder(image), self.meta_encoder(meta)]
        joined = torch.cat(features, dim=1)  # (N, hidden_img + hidden_meta)
        return self.head(joined)  # (N, num_classes)


if __name__ == "__main__":
    from challenge_multi_input import check

    check(MultiInputClassifier)
    print("PASS")
