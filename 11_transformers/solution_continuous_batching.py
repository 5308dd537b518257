"""Continuous batching: the batch is put together anew in each step, from whoever is active then.

Why it works: a row of the model depends on its own text alone, so neighbors may come and go. With
two places and answers of 5, 1 and 1 tokens, fixed batches take 5 + 1 = 6 steps. Here the third
request takes the place of the second in step 2, and all is done after 5. Who has ended is known
only after the step's tokens are; so step fills the places first, and removes the ended ones last.
Say in the interview:
- The unit of scheduling is one step, not one request (Orca calls it iteration-level scheduling).
- First come, first served: shortest first has a better mean, and long requests may wait for ever.
- A step reads all weights once, for however many rows; empty rows are bandwidth paid for nothing.
- Here each step reads whole texts. With a KV cache a step reads one token of each old request and
  the prompt of each new one, and a long prompt delays all the others: read it in pieces (chunked
  prefill), or on other GPUs.
- Places are memory: the number of texts that fit depends on their lengths, so a real one counts
  blocks of the cache (paged attention), and takes a request back if they run out (preemption).
Asked next: "Pads cost, too?" Yes, L is the longest text's. Real kernels take all tokens in one row
with the offsets of the texts. "Does the batch change an answer?" Not by these rules; in floating
point, another batch size may sum in another order, and near ties of greedy flip.
Common slips: the next batch only when all have ended; the queue looked at after the step alone, so
that a late request waits one step; `while active` in run, which forgets the queue; eos in the
answer; the last column of a padded row read as the last token.
May be left out if you say so: what is refused, and what the model raises.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

Model = Callable[[Tensor, Tensor], Tensor]


@dataclass(eq=False)  # equal to itself alone
class Request:
    request_id: int
    input_ids: list[int]
    max_gen_len: int
    generated: list[int] = field(default_factory=list)


class ContinuousBatchScheduler:
    """Greedy, first come, first served. ValueError for sizes below 1 and ids outside 0 to V - 1."""

    def __init__(self, max_batch_size: int, eos_token_id: int, vocab_size: int) -> None:
        if max_batch_size < 1:
            raise ValueError(f"max_batch_size {max_batch_size}, want 1 at least")
        self.max_batch_size = max_batch_size
        self.eos_token_id = eos_token_id
        self.vocab_size = vocab_size
        self.waiting = deque[Request]()  # the oldest first
        self.active = list[Request]()  # the oldest first
        self.finished = list[Request]()

    def add_request(self, request: Request) -> None:
        ids = request.input_ids
        if not ids or min(ids) < 0 or max(ids) >= self.vocab_size:
            raise ValueError(f"input_ids {ids}, want one or more from 0 to {self.vocab_size - 1}")
        if request.max_gen_len < 1:
            raise ValueError(f"max_gen_len {request.max_gen_len}, want 1 at least")
        self.waiting.append(request)

    @torch.no_grad()
    def step(self, model: Model) -> bool:
        """One token for each active request. True: some are left, active or waiting."""
        while self.waiting and len(self.active) < self.max_batch_size:
            self.active.append(self.waiting.popleft())
        if not self.active:
            return False
        texts = [torch.tensor(r.input_ids + r.generated) for r in self.active]
        lengths = torch.tensor([len(text) for text in texts])  # (n,)
        logits = model(pad_sequence(texts, batch_first=True), lengths)  # (n, L) -> (n, V)
        want = len(texts), self.vocab_size
        if logits.shape != want:
            raise ValueError(f"logits {tuple(logits.shape)}, want {want}")
        left = []
        for request, token in zip(self.active, logits.argmax(dim=1).tolist(), strict=True):
            if token != self.eos_token_id:
                request.generated.append(token)
            if token == self.eos_token_id or len(request.generated) == request.max_gen_len:
                self.finished.append(request)
            else:
                left.append(request)
        self.active = left
        return bool(self.active or self.waiting)

    def run(self, model: Model) -> list[Request]:
        """Steps until none is left. All requests that have ended so far, in this order."""
        while self.step(model):
            pass
        return list(self.finished)


# Something to look at: how full the rows are, against batches that wait for their longest answer.
if __name__ == "__main__":
    generator = torch.Generator().manual_seed(0)
    counts = torch.randint(1, 100, (64,), generator=generator).tolist()  # tokens to write
    rows: list[int] = []

    def counting(ids: Tensor, lengths: Tensor) -> Tensor:
        rows.append(len(ids))
        return torch.zeros(len(ids), 10)

    scheduler = ContinuousBatchScheduler(max_batch_size=8, eos_token_id=9, vocab_size=10)
    for number, count in enumerate(counts):
        scheduler.add_request(Request(number, [1], count))
    scheduler.run(counting)
    fixed = sum(max(counts[i : i + 8]) for i in range(0, 64, 8))
    for name, steps in (("fixed batches", fixed), ("continuous", len(rows))):
        share = sum(counts) / (8 * steps)
        print(f"{name:14} {sum(counts):,} tokens in {steps} steps, {share:.0%} of the rows in use")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
