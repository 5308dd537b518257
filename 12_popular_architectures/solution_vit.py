"""ViT: cut the image into patches, map each to a token, then it is a transformer encoder.

Why it works: P x P pixels and a linear map are a convolution with kernel and stride P, so an image
of 224 x 224 with P = 16 is 14 * 14 = 196 tokens of 3 * 16 * 16 = 768 numbers each. Attention does
not know where a token was: positions are added, learned ones, one for each place. The class token
sees the same start for every image; it collects what the head needs, and only it is read.
Say in the interview:
- Blocks with the norm first need one more norm at the end: nothing has normalized their sum.
- A block has 12 D^2 weights, so ViT-B/16 has 12 * 12 * 768^2 = 85 million in its blocks.
- Half the patch size makes 4 times the tokens and 16 times the scores.
Asked next: "An image of 384 x 384?" All weights fit but the positions: reshape those of the patches
to their grid, interpolate in two dimensions, leave the one of the class token as it is.
"Is the class token needed?" No: the mean over the patches works as well, with another learning
rate (appendix D.3 of the paper).
Common slips: view(B, N, -1) of (B, D, h, w), which mixes channels and places; patches column by
column, so that pretrained positions do not fit; the class token without a position; no last norm;
nn.TransformerEncoderLayer's defaults: norm last, ReLU, dropout 0.1, batch second.
May be left out if you say so: the errors, and how the positions are drawn.
"""

import torch
from torch import Tensor, nn


class PatchEmbedding(nn.Module):
    """(B, C, H, W) -> (B, num_patches, D), row by row. ValueError: sizes that do not fit."""

    def __init__(self, img_size: int, patch_size: int, in_channels: int, embed_dim: int) -> None:
        super().__init__()
        if img_size % patch_size:
            raise ValueError(f"patches of {patch_size} do not fill {img_size} pixels")
        self.img_size = img_size
        self.num_patches = (img_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_channels, embed_dim, patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if height != self.img_size or width != self.img_size:
            raise ValueError(f"{height} x {width} pixels, want {self.img_size} x {self.img_size}")
        return self.proj(x).flatten(2).mT  # (B, D, H / P, W / P) -> (B, num_patches, D)


class ViT(nn.Module):
    """(B, C, H, W) -> logits (B, num_classes)."""

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
        super().__init__()
        self.patch_embed = PatchEmbedding(img_size, patch_size, in_channels, embed_dim)
        tokens = 1 + self.patch_embed.num_patches
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, tokens, embed_dim))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                embed_dim,
                num_heads,
                int(embed_dim * mlp_ratio),
                dropout=0.0,
                activation="gelu",
                layer_norm_eps=1e-6,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim, eps=1e-6)
        self.head = nn.Linear(embed_dim, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)  # (B, num_patches, D)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)  # (B, 1 + num_patches, D)
        return self.head(self.norm(x[:, 0]))  # the norm of a token needs no other token


# Something to look at: where the class token looks, for a patch that is red, green or blue.
if __name__ == "__main__":
    from pathlib import Path

    from torch.nn import functional as F
    from torchvision.utils import save_image

    torch.manual_seed(0)
    model = ViT(24, 4, 3, num_classes=3, embed_dim=32, depth=1, num_heads=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

    def squares(n: int) -> tuple[Tensor, Tensor]:
        """Dark noise with one patch that has much red, green or blue: images, and which color."""
        images, colors = torch.rand(n, 3, 24, 24) / 2, torch.randint(3, (n,))
        at = torch.randint(6, (2, n))
        images.view(n, 3, 6, 4, 6, 4)[torch.arange(n), colors, at[0], :, at[1]] = 1
        return images, colors

    for _ in range(80):
        images, colors = squares(64)
        loss = F.cross_entropy(model(images - 0.25), colors)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    images, colors = squares(8)
    block, tokens = model.blocks[0], list[Tensor]()
    assert isinstance(block, nn.TransformerEncoderLayer)
    block.register_forward_pre_hook(lambda _, inputs: tokens.append(inputs[0]))
    with torch.no_grad():
        right = int((model(images - 0.25).argmax(dim=1) == colors).sum())
        normed = block.norm1(tokens[0])
        attention = block.self_attn(normed, normed, normed)[1][:, 0, 1:].view(8, 1, 6, 6)
    maps = attention / attention.max()  # one scale for all
    maps = maps.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3).expand(-1, 3, -1, -1)
    strip = torch.cat([images, maps]).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    file = Path(__file__).resolve().parents[1] / "runs" / "vit.png"
    file.parent.mkdir(exist_ok=True)
    save_image(strip, file, nrow=8)
    print(f"{right} of 8 right; the images, below where the class token looks: runs/{file.name}")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
