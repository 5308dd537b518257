"""REINFORCE: raise the log-probability of what was done, by as much as came of it.

Why it works: grad p = p grad log p, so the gradient of an expectation over episodes is itself an
expectation over episodes, of (sum of rewards) * grad log p(episode). The rules of the game are in
p(episode), too, but do not depend on the weights and drop out: no model of the world is needed. An
action cannot change earlier rewards, so G_t may replace the sum. For two actions of probability
1/2, rewards 1 and 0, the gradient with regard to the first logit is 1/2 * 1 * (1 - 1/2) = 1/4.
Say in the interview:
- A baseline changes no mean: E[b grad log p] = b grad(sum of p) = b grad 1 = 0. With b near E[G_t]
  it takes much of the variance away. A learned b is V(s_t), trained by a loss of its own: that is
  an actor-critic method. Here b is constant, for otherwise the policy's step would move it, too.
- It is on-policy: after the step the episode is old, and its mean would belong to another policy.
  PPO uses it a few times more by a clipped ratio of probabilities.
- The true gradient of a discounted return has a factor gamma^t per step; nearly all code drops it.
They ask next: "Why not normalize returns?" It is a common help against varying scales, over a batch
of episodes. In one episode of one step the deviation is NaN. "Where is it in an LLM's training?" A
state is the text so far, an action a token; the mean reward of several answers is the baseline.
Common slips: the sign; returns summed forwards; mean in place of sum, so that long episodes count
less; argmax in place of a draw; a value network's (T, 1) against (T,), which broadcasts to (T, T).
May be left out if you say so: errors for shapes.
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
    """(T,) -> (T,): the discounted sum of each reward and all later ones."""
    returns, total = torch.empty_like(rewards), rewards.new_zeros(())
    for t in reversed(range(len(rewards))):
        total = rewards[t] + gamma * total
        returns[t] = total
    return returns


def reinforce_loss(
    logps: Tensor, returns: Tensor, baseline: float | Tensor | None = None
) -> Tensor:
    """(T,), (T,) -> (). Raises ValueError for shapes that would broadcast."""
    b = torch.as_tensor(0.0 if baseline is None else baseline)
    if returns.shape != logps.shape or b.shape not in ((), logps.shape):
        shapes = f"{tuple(returns.shape)} and {tuple(b.shape)}"
        raise ValueError(f"returns and baseline {shapes}, want those of logps {tuple(logps.shape)}")
    return -(logps * (returns - b).detach()).sum()


def train(
    env: Any,
    policy: nn.Module,
    optimizer: torch.optim.Optimizer,
    episodes: int,
    gamma: float,
    generator: Generator | None = None,
) -> list[float]:
    """Plays and learns; returns the sum of rewards of each episode."""
    totals = []
    for _ in range(episodes):
        state, done = env.reset(), False
        logps, rewards = list[Tensor](), list[float]()
        while not done:
            logp = policy(state).log_softmax(dim=-1)  # (A,)
            action = int(torch.multinomial(logp.detach().exp(), 1, generator=generator))
            state, reward, done = env.step(action)
            logps.append(logp[action])
            rewards.append(reward)
        taken = torch.stack(logps)
        loss = reinforce_loss(taken, discounted_returns(taken.new_tensor(rewards), gamma))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        totals.append(float(sum(rewards)))
    return totals


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
