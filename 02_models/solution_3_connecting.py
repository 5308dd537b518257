"""Connecting: a model is its parts, looked up by name at each call.

Why it works: a module assigned to an attribute is registered, so parameters(), state_dict(), to()
and train() find it: FullModel(3, 7, 4) saves 2 + 2 tensors and 3 * 7 + 7 + 7 * 4 + 4 = 60 numbers.
forward reads the attributes when it is called and asks nothing of x, so whatever was assigned last
is what runs.
Say in the interview: a pretrained backbone with a new head is this with another encoder. Freezing
is requires_grad_(False) on one part, and gradients still pass through it to x. Saving is the
state_dict of one part. Swapping costs nothing; what must fit is only the size between the parts.
They may ask: you swap the decoder after the optimizer was made; what happens? The optimizer still
holds the old parameters and the new ones never move: make it anew, or add a parameter group.
They may ask: you freeze an encoder with BatchNorm, what is missing? Its running statistics still
move in train mode: call encoder.eval() after each model.train().
Common slips: a second nn.Sequential of the same parts, which keeps the old one and doubles the keys
of the state_dict; parts in a plain list, which nobody finds; forward called by name, which skips
hooks; self.encoder.linear, which only this encoder has; the decoder fed with x.
"""

from torch import Tensor, nn


class Encoder(nn.Module):
    """x (*, in_dim) -> features (*, hidden), none of them negative."""

    def __init__(self, in_dim: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_dim, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).relu()  # (*, hidden)


class Decoder(nn.Module):
    """features (*, hidden) -> result (*, out_dim)."""

    def __init__(self, hidden: int, out_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, out_dim)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)  # (*, out_dim)


class FullModel(nn.Module):
    """x (*, in_dim) -> result (*, out_dim), through parts that can be replaced."""

    def __init__(self, in_dim: int, hidden: int, out_dim: int) -> None:
        super().__init__()
        self.encoder = Encoder(in_dim, hidden)
        self.decoder = Decoder(hidden, out_dim)

    def forward(self, x: Tensor) -> Tensor:
        features = self.encoder(x)  # (*, hidden)
        return self.decoder(features)  # (*, out_dim)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
