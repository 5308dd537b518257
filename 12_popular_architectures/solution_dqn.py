"""DQN: learn Q from old transitions, against targets of a network that stands still for a while.

Why it works: Q obeys an equation in which one step of the game and Q itself stand; the squared or
Huber error of its two sides needs no model and no policy that is good, for a transition is true
whoever made it. So any behavior serves (off-policy). In Chain with gamma 0.5 going right is worth
1 in state 3, 0.5 in state 2, 0.125 in state 0; from right to left each value needs a copy of the
target network that knows the one before.
Say in the interview:
- The buffer breaks the correlation of neighboring steps, and each transition is used many times.
- Targets move with the weights that chase them; the copy makes it a regression for some steps. The
  gradient of the targets is left out: what is done is no descent on any fixed loss.
- max over noisy estimates is too large on average. Double DQN lets one network choose and the other
  rate, so errors must agree to do harm.
- done cuts the rest off; an episode that is only stopped by a time limit is not done.
They ask next: "Why Huber?" Its slope is at most 1, so one surprising reward moves little. "What
diverges?" Function approximation, bootstrapping and off-policy data together (the deadly triad).
Common slips: gradient through the targets; done ignored, or by 0 * inf = NaN; max over the batch
axis; a target network that is never copied, or is the same object; the state after reset stored as
next_state.
May be left out if you say so: copies in push, the error for a small buffer, epsilon that falls.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import smooth_l1_loss
from torch.optim import Optimizer


class Chain:
    """States 0 to 4, one-hot. Action 1 goes right, 0 left, to a wall. At 4 it ends, reward 1."""

    def reset(self) -> Tensor:
        self.at = 0
        return torch.eye(5)[0]

    def step(self, action: int) -> tuple[Tensor, float, bool]:
        self.at = max(self.at + 2 * action - 1, 0)
        return torch.eye(5)[self.at], float(self.at == 4), self.at == 4


class ReplayBuffer:
    """A ring: the next place to write is that of the oldest transition."""

    def __init__(self, capacity: int, generator: Generator | None = None) -> None:
        self.capacity, self.generator = capacity, generator
        self.held, self.at = list[tuple[Tensor, ...]](), 0

    def push(self, *transition: Tensor | float) -> None:
        """state (S,), action, reward, next_state (S,), done. Keeps copies."""
        state, action, reward, next_state, done = (torch.as_tensor(t) for t in transition)
        new = (state.clone(), action.long(), reward.to(state), next_state.clone(), done.bool())
        self.held[self.at : self.at + 1] = [new]
        self.at = (self.at + 1) % self.capacity

    def __len__(self) -> int:
        return len(self.held)

    def sample(self, batch_size: int) -> list[Tensor]:
        """(B, S), (B,), (B,), (B, S), (B,). Raises ValueError if fewer are held."""
        if batch_size > len(self):
            raise ValueError(f"a sample of {batch_size}, but {len(self)} transitions are held")
        chosen = torch.randperm(len(self), generator=self.generator)[:batch_size].tolist()
        return list(map(torch.stack, zip(*(self.held[i] for i in chosen), strict=True)))


def dqn_targets(
    rewards: Tensor,
    next_q: Tensor,
    dones: Tensor,
    gamma: float,
    next_q_online: Tensor | None = None,
) -> Tensor:
    """(B,), (B, A), (B,) -> (B,)."""
    best = (next_q if next_q_online is None else next_q_online).argmax(dim=1, keepdim=True)
    future = next_q.gather(1, best).squeeze(1)  # (B,)
    return rewards + gamma * future.masked_fill(dones, 0.0)


def dqn_step(
    online: nn.Module, target: nn.Module, optimizer: Optimizer, batch: list[Tensor], gamma: float
) -> float:
    """One step of the optimizer, which holds online's parameters. Returns the loss before it."""
    states, actions, rewards, next_states, dones = batch
    with torch.no_grad():
        wanted = dqn_targets(rewards, target(next_states), dones, gamma, online(next_states))
    q = online(states).gather(1, actions[:, None]).squeeze(1)  # (B,)
    loss = smooth_l1_loss(q, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(env: Chain, online: nn.Module, target: nn.Module, optimizer: Optimizer,
          buffer: ReplayBuffer, steps: int, gamma: float, batch_size: int, copy_every: int,
          epsilon: float, generator: Generator | None = None) -> None:  # fmt: skip
    """Plays `steps` steps and learns after each."""
    nets, now = (online, target), env.reset()
    for i in range(1, steps + 1):
        with torch.no_grad():
            q = online(now)  # (A,)
        action = int(q.argmax())
        if torch.rand((), generator=generator) < epsilon:
            action = int(torch.randint(len(q), (), generator=generator))
        after, reward, done = env.step(action)
        buffer.push(now, action, reward, after, done)
        if len(buffer) >= batch_size:
            dqn_step(*nets, optimizer, buffer.sample(batch_size), gamma)
        if i % copy_every == 0:
            target.load_state_dict(online.state_dict())
        now = env.reset() if done else after


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
