"""What checks of reinforcement learning share: environments that note what is done to them.

An environment has reset() -> state and step(action) -> (state, reward, done).
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

MOST = 5000  # steps that an environment makes; more of them never end


class Chain:
    """States 0 to 4, one-hot, start in 0. Action 1 goes right, 0 left, 0 stays 0. At 4 it ends with
    reward 1.
    """

    def __init__(self) -> None:
        self.steps = 0

    def reset(self) -> Tensor:
        self.at = 0
        return torch.eye(5)[0]

    def step(self, action: int) -> tuple[Tensor, float, bool]:
        self.steps += 1
        assert self.steps <= MOST, f"{MOST} steps of Chain were made"
        self.at = max(self.at + (1 if action == 1 else -1), 0)
        return torch.eye(5)[self.at], float(self.at == 4), self.at == 4


class Script:
    """Episodes that come as they were written, one after the other, whatever is done.

    An episode is its states (T + 1, S) and its T rewards. `actions` are noted, episode by episode,
    and in `made` each (state, action, reward, next_state, done); `watch` is called before a step.
    """

    def __init__(
        self,
        *episodes: tuple[Tensor, Sequence[float]],
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self.episodes, self.watch, self.actions = episodes, watch, list[list[int]]()
        self.over, self.made = True, list[tuple[Tensor, int, float, Tensor, bool]]()

    def reset(self) -> Tensor:
        assert self.over, "reset before the episode was done"
        self.states, self.rewards = self.episodes[len(self.actions) % len(self.episodes)]
        self.actions.append([])
        self.over = False
        return self.states[0].clone()

    def step(self, action: int) -> tuple[Tensor, float, bool]:
        assert not self.over, "a step after the episode was done"
        assert type(action) is int, f"the action is a {type(action).__name__}, want an int"
        self.watch()
        t = len(self.actions[-1])
        self.actions[-1].append(action)
        self.over = t + 1 == len(self.rewards)
        reward, state = float(self.rewards[t]), self.states[t + 1]
        self.made.append((self.states[t], action, reward, state, self.over))
        return state.clone(), reward, self.over


class Notes:
    """A replay buffer that keeps all and whose samples are the newest transitions."""

    def __init__(self) -> None:
        self.pushed, self.sizes = list[tuple[Any, ...]](), list[int]()

    def push(self, *transition: Any) -> None:
        self.pushed.append(copy.deepcopy(transition))

    def __len__(self) -> int:
        return len(self.pushed)

    def sample(self, batch_size: int) -> tuple[Tensor, ...]:
        self.sizes.append(batch_size)
        return self.newest(len(self), batch_size)

    def newest(self, held: int, size: int) -> tuple[Tensor, ...]:
        """A sample of so many of them, as it was when so many were held."""
        columns = zip(*self.pushed[held - size : held], strict=True)
        return tuple(torch.stack([*map(torch.as_tensor, column)]) for column in columns)


def episode(length: int, size: int, **options: Any) -> tuple[Tensor, list[float]]:
    """One of random states and rewards, for Script."""
    return torch.randn(length + 1, size, **options), torch.randn(length).tolist()
