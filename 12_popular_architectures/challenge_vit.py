"""ViT: an image as tokens, read by a transformer encoder.

    PatchEmbedding    (B, C, H, W) -> (B, num_patches, D)
                      .proj, nn.Linear or nn.Conv2d; .num_patches, an int
    ViT               (B, C, H, W) -> logits (B, K), by its parts:
    patch_embed       PatchEmbedding
    cls_token         (1, 1, D)
    pos_embed         (1, 1 + num_patches, D)
    blocks            nn.ModuleList of `depth` nn.TransformerEncoderLayer, int(D * mlp_ratio) inside
    norm, head        nn.LayerNorm, nn.Linear

H = W = img_size, P = patch_size, C = in_channels, D = embed_dim.

Core, what an interview asks:

    patches    Token r * (H // P) + c is a linear map with bias, one for all tokens, of the
               P x P pixels in row r, column c.
    parts      They hold all parameters, trainable. No buffers.
    tokens     Block 0 gets (B, 1 + num_patches, D): the class token, then the patches, each
               plus its position.
    blocks     Norm first; eps 1e-6 in all norms; exact GELU; no dropout.
    head       Blocks in order, once each. Logits: head of the normed class token.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    start      New positions have standard deviation 0.02, drawn anew for each model.
    errors     ValueError: P does not divide img_size; H or W is not img_size.
    anywhere   Any strides, float64, bfloat16, device. x is not changed.
               Gradients reach x and all parameters in both modes.

Medium, 45 minutes. Try one alone: python FILE patches
Paper: An Image is Worth 16x16 Words, section 3.1, https://arxiv.org/abs/2010.11929
"""

import torch
from torch import Tensor, nn


class PatchEmbedding(nn.Module):
    def __init__(self, img_size: int, patch_size: int, in_channels: int, embed_dim: int) -> None:
        raise NotImplementedError("PatchEmbedding.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("PatchEmbedding.forward")


class ViT(nn.Module):
    def __init__(
        self,
        img_size: int,
        patch_size: int,
        in_channels: int,
        num_classes: int,
        embed_dim: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
    ) -> None:
        raise NotImplementedError("ViT.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("ViT.forward")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    embed = PatchEmbedding(4, 2, 1, 1)  # 4x4 pixels, patches of 2x2, one number for each
    nn.init.ones_(embed.proj.weight)
    nn.init.zeros_(embed.proj.bias)
    sums = embed(torch.arange(16.0).view(1, 1, 4, 4)).flatten().tolist()
    assert sums == [10, 18, 42, 50], sums  # 0 + 1 + 4 + 5 at the top left, then its right neighbor

    model = ViT(4, 2, 1, num_classes=3, embed_dim=8, depth=2, num_heads=2)
    shape = tuple(model(torch.randn(5, 1, 4, 4)).shape)
    assert shape == (5, 3), shape


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
