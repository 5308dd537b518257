"""Hide a part, predict it: BERT's masked tokens, MAE's hidden patches.

    mask_tokens(ids, mask_id, vocab_size, special_mask, p=0.15, generator=None)
        -> (inputs, labels)      all (B, L) int64; special_mask (B, L) bool
    random_masking(x, mask_ratio, generator=None) -> (x_visible, mask, ids_restore)
        x_visible (N, L_v, D), L_v = int(L * (1 - mask_ratio))
        mask (N, L) float32, 1 = hidden; ids_restore (N, L) int64
    restore(x_visible, mask_token, ids_restore) -> (N, L, D)
    mae_loss(pred, target, mask) -> ()

Core, what an interview asks:

    chosen    Each token is chosen by itself with probability p, special ones (True) never.
              Labels are the ids of the chosen, else -100. Others keep their input.
    replaced  Of the chosen, 80% become mask_id, 10% any of all vocab_size tokens, 10% stay.
              Each is drawn by itself.
    visible   In each sample by itself, every choice of L_v tokens is equally likely.
    order     Token l is number ids_restore[n, l] of the visible, then the hidden ones.
    restored  Visible tokens are back at their places, mask_token at the others.
    loss      The squared error, its mean over D, then over all hidden tokens of the batch.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    random    All draws come from generator, None: the global one.
    limits    p, mask_ratio may be 0 or 1. With nothing hidden, loss and gradients are 0.
    inputs    No input is changed; any strides, any device. x keeps its dtype; x and mask_token
              get gradients.

Medium, 35 minutes. Try one alone: python FILE chosen
Papers: https://arxiv.org/abs/1810.04805 (A.1), https://arxiv.org/abs/2111.06377
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
    raise NotImplementedError("mask_tokens")


def random_masking(
    x: Tensor, mask_ratio: float, generator: Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(N, L, D) -> (N, L_v, D), (N, L), (N, L)."""
    raise NotImplementedError("random_masking")


def restore(x_visible: Tensor, mask_token: Tensor, ids_restore: Tensor) -> Tensor:
    """(N, L_v, D), (D,), (N, L) -> (N, L, D)."""
    raise NotImplementedError("restore")


def mae_loss(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """(N, L, D), (N, L, D), (N, L) -> ()."""
    raise NotImplementedError("mae_loss")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    ids, special = torch.tensor([[1, 8, 9, 2]]), torch.tensor([[True, False, False, True]])
    _, labels = mask_tokens(ids, 3, 10, special, p=1.0)
    assert labels.tolist() == [[-100, 8, 9, -100]], labels.tolist()

    visible, order = torch.tensor([[[7.0], [5.0]]]), torch.tensor([[1, 2, 0]])
    back = restore(visible, torch.tensor([0.5]), order)  # token 0 is number 1, the 5
    assert back.tolist() == [[[5.0], [0.5], [7.0]]], back.tolist()

    loss = mae_loss(back, torch.zeros(1, 3, 1), torch.tensor([[0.0, 1.0, 1.0]])).item()
    assert loss == (0.25 + 49) / 2, loss


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
