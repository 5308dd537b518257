"""Continuous batching: a request that has ended makes room at once for the next in the queue.

    Request(request_id, input_ids, max_gen_len)    .generated: its new tokens so far
    ContinuousBatchScheduler(max_batch_size, eos_token_id, vocab_size)
        add_request(request), step(model) -> bool, run(model) -> list
    model(ids, lengths) -> (n, V)    logits of the next tokens
        ids        (n, L) int64, padded on the right to the longest text
        lengths    (n,) int64

Core, what an interview asks:

    batch    If any requests are active, a step calls the model once, on prompt and new tokens of
             each. Pads are valid ids.
    alone    A request gets the tokens it gets alone: always the likeliest one.
    ends     It ends at eos_token_id, which is not kept, or after max_gen_len tokens.
    slots    At most max_batch_size are active. The oldest waiting one joins in the first step with
             room, also if it came between steps.
    results  step tells if any are left. run steps until none is; it gives all that ended so far,
             first ended first, in one step first added first.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    state    input_ids stay. The model runs without gradients; their mode is then as before.
    failure  step and run raise what the model raises, and ValueError for logits not (n, V). The
             next step tries again.
    refused  ValueError for max_batch_size or max_gen_len below 1, no input_ids, ids outside 0 to
             V - 1.

Hard, 40 minutes. Try one alone: python FILE slots
Paper: https://www.usenix.org/conference/osdi22/presentation/yu
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

Model = Callable[[Tensor, Tensor], Tensor]


@dataclass(eq=False)  # equal to itself alone
class Request:
    request_id: int
    input_ids: list[int]
    max_gen_len: int
    generated: list[int] = field(default_factory=list)


class ContinuousBatchScheduler:
    def __init__(self, max_batch_size: int, eos_token_id: int, vocab_size: int) -> None:
        raise NotImplementedError("ContinuousBatchScheduler.__init__")

    def add_request(self, request: Request) -> None:
        raise NotImplementedError("ContinuousBatchScheduler.add_request")

    def step(self, model: Model) -> bool:
        raise NotImplementedError("ContinuousBatchScheduler.step")

    def run(self, model: Model) -> list[Request]:
        raise NotImplementedError("ContinuousBatchScheduler.run")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""

    def model(ids: Tensor, lengths: Tensor) -> Tensor:
        calls.append(len(ids))
        last = ids[torch.arange(len(ids)), lengths - 1]
        return torch.eye(10)[(last + 1) % 10]  # it counts: 5 after 4, and 9 ends

    calls: list[int] = []
    scheduler = ContinuousBatchScheduler(max_batch_size=2, eos_token_id=9, vocab_size=10)
    requests = [Request(1, [0, 4], 10), Request(2, [1, 2, 3], 1), Request(3, [7], 10)]
    for request in requests:
        scheduler.add_request(request)
    ended = [request.request_id for request in scheduler.run(model)]
    got = [request.generated for request in requests]
    assert got == [[5, 6, 7, 8], [4], [8]], got
    assert ended == [2, 3, 1], ended
    assert calls == [2, 2, 2, 1, 1], calls  # 3 is in the place of 2 from the second step on


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
