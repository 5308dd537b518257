"""REINFORCE: a policy learns from its own episodes.

G_t is the discounted return from step t on. The expected return grows along the mean of
sum_t (G_t - b) grad log p(a_t | s_t), for any baseline b.

    discounted_returns(rewards, gamma)              G; all (T,), gamma in [0, 1]
    reinforce_loss(logps, returns, baseline=None)   () to minimize; baseline: a number, () or (T,)
    train(env, policy, optimizer, episodes, gamma, generator=None)
                 a list of floats: each episode's sum of rewards
        env      reset() -> state (S,); step(int) -> (state, reward, done)
        policy   from states (..., S) to logits of actions

Core, what an interview asks:

    returns    G_t = r_t + gamma G_{t+1}.
    loss       Summed over steps, nothing normalized. None: b = 0.
    gradient   Averaged over all episodes (gamma 1) it is minus that of the expected return. None
               reaches returns or baseline.
    actions    Drawn anew from the softmax of the state's logits.
    update     One optimizer step per episode, on its loss, b = 0. Old .grad has no effect.
    chain      25 episodes of Chain, gamma 0.3, SGD, lr 14: p(right) exceeds 0.8 in states 0 to 3.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    generator  All draws come from generator; None: the global one.
    limits     Exact: 400 steps, gamma 0, logits of ±1e3, float64 to 1e-8. Inputs stay. ValueError:
               returns or baseline of another shape.

Medium, 35 minutes. Try one alone: python FILE loss
Paper: https://link.springer.com/article/10.1007/BF00992696
"""

from typing import Any

import torch
from torch import Generator, Tensor, nn


class Chain:
    """States 0 to 4 in a row, one-hot; start in 0. Action 1 goes right, 0 left; 0 has a wall. At 4
    the episode ends with reward 1.
    """

    def reset(self) -> Tensor:
        self.at = 0
        return torch.eye(5)[0]

    def step(self, action: int) -> tuple[Tensor, float, bool]:
        self.at = max(self.at + 2 * action - 1, 0)
        return torch.eye(5)[self.at], float(self.at == 4), self.at == 4


def discounted_returns(rewards: Tensor, gamma: float) -> Tensor:
    raise NotImplementedError("discounted_returns")


def reinforce_loss(
    logps: Tensor, returns: Tensor, baseline: float | Tensor | None = None
) -> Tensor:
    raise NotImplementedError("reinforce_loss")


def train(
    env: Any,
    policy: nn.Module,
    optimizer: torch.optim.Optimizer,
    episodes: int,
    gamma: float,
    generator: Generator | None = None,
) -> list[float]:
    raise NotImplementedError("train")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    returns = discounted_returns(torch.tensor([1.0, 0.0, 4.0]), 0.5)
    assert returns.tolist() == [2.0, 2.0, 4.0], returns
    loss = reinforce_loss(torch.tensor([-1.0, -2.0, -0.5]), returns, 1.0)
    assert loss.item() == 4.5, loss  # 1 * 1 + 2 * 1 + 0.5 * 3
    policy = nn.Linear(5, 2, bias=False)
    totals = train(Chain(), policy, torch.optim.SGD(policy.parameters(), lr=4.0), 3, 0.5)
    assert totals == [1.0, 1.0, 1.0], totals


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
