"""Masked training: choose, replace and label tokens; hide, restore and judge patches.

Why it works: what is hidden is the label, so no human has to give one. BERT keeps the place of a
hidden token and changes what stands there. If all of the chosen became mask_id, the model could
ignore every other token, and after training there is no mask_id: so 10 % are replaced by any token
and 10 % stay, and each token may have to be corrected. Of 1000 tokens 150 are chosen by p = 0.15:
120 become mask_id, 15 another token, 15 stay. MAE drops hidden patches instead: with a ratio of
0.75 the encoder reads a quarter of them. A random order, cut after L_v, is a fair choice without a
loop, and the order's own order (argsort twice) leads back.
Say in the interview:
- Labels of -100 are what cross entropy ignores: only the chosen count.
- New masks in every epoch, drawn in the collate function: RoBERTa's dynamic masking.
- BERT learns from 15 % of the tokens of a pass, GPT from all of them.
Asked next: "Why 75 % for images?" Neighbors tell nearly all: fewer hidden ones are filled in by
interpolation. "Why is the loss on hidden patches only?" Visible ones can be copied.
Common slips: special tokens masked; 10 % of the rest, which is 2 %; one mask for the batch; the
shuffle returned for its inverse; the mean over all patches, which falls as fewer are hidden; a mean
per sample; a mean over an empty set, NaN.
"""

import torch
from torch import Generator, Tensor


def mask_tokens(
    ids: Tensor,
    mask_id: int,
    vocab_size: int,
    special_mask: Tensor,
    p: float = 0.15,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """(B, L), (B, L) -> inputs and labels, (B, L) each."""
    chance, kind = torch.rand((2, *ids.shape), generator=generator, device=ids.device)
    tokens = torch.randint(vocab_size, ids.shape, generator=generator, device=ids.device)
    chosen = (chance < p) & ~special_mask
    inputs = ids.masked_fill(chosen & (kind < 0.8), mask_id)
    inputs = torch.where(chosen & (kind >= 0.9), tokens, inputs)
    return inputs, ids.masked_fill(~chosen, -100)


def random_masking(
    x: Tensor, mask_ratio: float, generator: Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(N, L, D) -> (N, L_v, D), (N, L), (N, L)."""
    N, L, _ = x.shape
    num_visible = int(L * (1 - mask_ratio))
    ids_shuffle = torch.rand(N, L, generator=generator, device=x.device).argsort(dim=1)
    ids_restore = ids_shuffle.argsort(dim=1)  # the inverse
    x_visible = x.take_along_dim(ids_shuffle[:, :num_visible, None], dim=1)  # (N, L_v, D)
    return x_visible, (ids_restore >= num_visible).float(), ids_restore


def restore(x_visible: Tensor, mask_token: Tensor, ids_restore: Tensor) -> Tensor:
    """(N, L_v, D), (D,), (N, L) -> (N, L, D)."""
    N, num_visible, D = x_visible.shape
    hidden = mask_token.expand(N, ids_restore.shape[1] - num_visible, D)
    return torch.cat((x_visible, hidden), dim=1).take_along_dim(ids_restore[..., None], dim=1)


def mae_loss(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """(N, L, D), (N, L, D), (N, L) -> ()."""
    errors = (pred - target).square().mean(dim=-1)  # (N, L)
    return (errors * mask).sum() / mask.sum().clamp(min=1)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
