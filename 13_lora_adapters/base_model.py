"""The models that the exercises of this level adapt. Given: nothing to fill in here."""

import torch
from torch import Tensor, nn


class BaseMLP(nn.Module):
    """(B, in_dim) -> (B, out_dim)."""

    def __init__(self, in_dim: int, hidden: int, out_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_dim, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, out_dim)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.fc1(x))  # (B, hidden)
        h = torch.relu(self.fc2(h))  # (B, hidden)
        return self.fc3(h)  # (B, out_dim)


class BaseTransformerBlock(nn.Module):
    """A transformer block reduced to its linear layers, (B, L, D) -> (B, L, D)."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.proj_in = nn.Linear(d_model, d_model)
        self.proj_out = nn.Linear(d_model, d_model)
        self.ff1 = nn.Linear(d_model, d_ff)
        self.ff2 = nn.Linear(d_ff, d_model)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.proj_out(torch.relu(self.proj_in(x)))  # (B, L, D)
        return x + self.ff2(torch.relu(self.ff1(x)))  # (B, L, D)
