"""Bug hunt 13: a reshape was used where axes had to change places.

Symptom  (N, H * W, C) comes out, nothing crashes, the loss falls: the numbers are all there. But a
         token is made of one channel at C neighboring pixels, so a square becomes stripes.
Cause    reshape reads the numbers in their order, pixels fastest, and cuts that row anew. Of two
         channels with pixels 0 to 11 and 12 to 23 token 5 became [10, 11] in place of [5, 17].
Fix      (N, C, H * W), then swap the last two axes: transpose moves axes, reshape never does.
Spot it  put numbers in that say where they stand, arange for example, and read one token. A reshape
         is right only where the axes that it joins or splits are neighbors and keep their order.

Asked next
    "Why does training work at all?" Attention sees all tokens, and the mixing is the same in every
    image: there is something to learn. Position embeddings, crops and other sizes no longer fit.
    "Is the result contiguous?" No, a view with other strides. Most operations do not mind; view()
    does. contiguous() copies once, if a kernel wants it.
    "And back?" tokens.transpose(1, 2).unflatten(2, (H, W)).
Left out here, if you say so: the check of the dims, where flatten(2) of (C, H, W) would pass.
"""

from torch import Tensor


def to_tokens(features: Tensor) -> Tensor:
    """features (N, C, H, W) -> (N, H * W, C), token a * W + b from row a, column b."""
    if features.dim() != 4:
        raise ValueError(f"features {tuple(features.shape)}, want (N, C, H, W)")
    return features.flatten(start_dim=2).transpose(1, 2)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
