"""Two inputs, one answer: encode each on its own, put the features side by side, decide once.

Why it works: each encoder brings its input, whatever its size and scale, to a feature vector; the
head, linear in both, weighs them against each other. The sizes of the features, not those of the
inputs, say how much room each of them has: 3 * 32 * 32 = 3072 pixels and 5 numbers may both end in
64 features. Linear and cat refuse what does not fit; flatten alone takes any order of axes with the
right number of pixels, so the image's shape is compared first.
Say in the interview:
- This is late fusion: its parts can be trained alone, frozen and swapped.
- Image and meta meet in one linear layer only. Where one changes how the other is to be read, take
  a head with a hidden layer, FiLM or cross-attention.
- Standardise meta, or a feature in years rules those between 0 and 1.
Asked next: "What if meta is missing for some samples?" A learned stand-in, and dropping meta at
random in training; zeros mean something else. "The model ignores meta, why?" Its gradient is small
beside that of many image features: scale it, or train its encoder alone first.
Common slips: flattening (N, H, W, C); the encoders' activation left out or put after the join; view
on a channels-last image; softmax before the cross entropy; expand, to make a batch of one fit.
May be left out if you say so: the comparison of the image's shape.
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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
