"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "output": {
        "x made to require gradients": (
            "            return checkpoint",
            "            x.requires_grad_()\n            return checkpoint",
        ),
        "residual twice": ("return checkpoint(self._block", "return x + checkpoint(self._block"),
        "forward calls itself": ("checkpoint(self._block,", "checkpoint(self.forward,"),
        "dropout as a function, always on": (
            "self.dropout(inner)",
            "nn.functional.dropout(inner, self.dropout.p)",
        ),
        "dropout after fc2": ("self.fc2(self.dropout(inner))", "self.dropout(self.fc2(inner))"),
        "no residual": ("x + self.fc2", "self.fc2"),
        "residual of the normed": (
            "inner = self.act(self.fc1(self.norm(x)))",
            "x = self.norm(x)\n        inner = self.act(self.fc1(x))",
        ),
        "norm after": (
            "return x + self.fc2(self.dropout(inner))",
            "return self.norm(x + self.fc2(self.dropout(inner)))",
        ),
        "by hand, a seed instead of the state": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *params):
        ctx.block, ctx.params = block, params
        ctx.save_for_backward(x)
        torch.manual_seed(0)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        torch.manual_seed(0)
        with torch.enable_grad(), torch.autocast("cpu", enabled=ctx.block is None):
            x = x.detach().requires_grad_()
            return None, *torch.autograd.grad(ctx.block(x), [x, *ctx.params], upstream)

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        return Again.apply(self._block, x, *self.parameters())
""",
        "dropout left out in training": ("self.dropout(inner)", "inner"),
        "x changed in place": (
            "return x + self.fc2(self.dropout(inner))",
            "return x.data.add_(self.fc2(self.dropout(inner)))",
        ),
        "dropout not scaled up": (
            "self.fc2(self.dropout(inner))",
            "self.fc2(self.dropout(inner) * (1 - self.dropout.p))",
        ),
        "dropout in eval mode too": (
            "        return self._block(x)\n",
            "        self.dropout.train()\n        return self._block(x)\n",
        ),
        "no activation": (
            "self.act(self.fc1(self.norm(x)))",
            "self.fc1(self.norm(x))",
        ),
    },
    "calls": {
        "activations kept elsewhere, not recomputed": """
from torch.autograd.graph import save_on_cpu

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        with save_on_cpu():
            return self._block(x)
""",
        "no checkpoint": ("checkpoint(self._block, x, use_reentrant=False)", "self._block(x)"),
        "checkpointed only where x requires gradients": (
            "if self.training:",
            "if self.training and x.requires_grad:",
        ),
        "checkpointed in eval mode only": ("if self.training:", "if not self.training:"),
        "checkpoint_sequential of one segment": """
from torch.utils.checkpoint import checkpoint_sequential

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        parts = [self.norm, self.fc1, self.act, self.dropout, self.fc2]
        if not self.training:
            return self._block(x)
        return x + checkpoint_sequential(parts, 1, x, use_reentrant=False)
""",
        "checkpoint_sequential of two segments": """
from torch.utils.checkpoint import checkpoint_sequential

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        parts = [self.norm, self.fc1, self.act, self.dropout, self.fc2]
        if not self.training:
            return self._block(x)
        return x + checkpoint_sequential(parts, 2, x, use_reentrant=False)
""",
        "layers called as functions": (
            "self.act(self.fc1(self.norm(x)))",
            "nn.functional.gelu(self.norm(x) @ self.fc1.weight.T + self.fc1.bias)",
        ),
        "forward twice, the first time for nothing": (
            "            return checkpoint",
            "            self._block(x)\n            return checkpoint",
        ),
    },
    "memory": {
        "two checkpoints, the hidden units between them": """
class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        head = nn.Sequential(self.norm, self.fc1)
        tail = nn.Sequential(self.act, self.dropout, self.fc2)
        return x + checkpoint(tail, checkpoint(head, x, use_reentrant=False), use_reentrant=False)
""",
        "a checkpoint a layer": """
class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        h = x
        for part in (self.norm, self.fc1, self.act, self.dropout, self.fc2):
            h = checkpoint(part, h, use_reentrant=False)
        return x + h
""",
        "norm outside": """
class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        tail = nn.Sequential(self.fc1, self.act, self.dropout, self.fc2)
        return x + checkpoint(tail, self.norm(x), use_reentrant=False)
""",
        "last layer outside": """
class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        head = nn.Sequential(self.norm, self.fc1, self.act, self.dropout)
        return x + self.fc2(checkpoint(head, x, use_reentrant=False))
""",
        "dropout outside, so that it is drawn once": """
class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        head = nn.Sequential(self.norm, self.fc1, self.act)
        h = self.dropout(checkpoint(head, x, use_reentrant=False))
        return x + checkpoint(self.fc2, h, use_reentrant=False)
""",
        "x kept twice": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(lambda a, b: self._block(a) + 0 * b, x, x * 1, use_reentrant=False)",
        ),
    },
    "gradients": {
        "x cut off": ("checkpoint(self._block, x,", "checkpoint(self._block, x.detach(),"),
        "gradients not recorded": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "self._block(x.detach()).detach()",
        ),
        "x cut off in the residual": (
            "return x + self.fc2(self.dropout(inner))",
            "return x.detach() + self.fc2(self.dropout(inner))",
        ),
    },
    "parameters": {
        "x without gradient taken for an evaluation": (
            "        if self.training:\n",
            "        if not x.requires_grad:\n"
            "            with __import__('torch').no_grad():\n"
            "                return self._block(x)\n"
            "        if self.training:\n",
        ),
        "reentrant": ("x, use_reentrant=False)", "x, use_reentrant=True)"),
        "by hand, x without gradients forgotten": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x):
        ctx.block, ctx.state = block, torch.get_rng_state()
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        with torch.enable_grad(), torch.random.fork_rng():
            torch.set_rng_state(ctx.state)
            x = x.detach().requires_grad_()
            ctx.block(x).backward(upstream)
        return None, x.grad

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        return Again.apply(self._block, x) if self.training else self._block(x)
""",
    },
    "dropout": {
        "random state put back after backward, not before": """
import contextlib
import torch

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        again = lambda: (contextlib.nullcontext(), torch.random.fork_rng(devices=[]))
        return checkpoint(
            self._block, x, use_reentrant=False, preserve_rng_state=False, context_fn=again
        )
""",
        "random state not kept": (
            "x, use_reentrant=False)",
            "x, use_reentrant=False, preserve_rng_state=False)",
        ),
    },
    "eval": {
        "checkpointed in eval mode too": ("if self.training:", "if True:"),
        "checkpointed wherever gradients are recorded": (
            "if self.training:",
            "import torch\n\n        if torch.is_grad_enabled():",
        ),
        "gradients not recorded in eval mode": (
            "        return self._block(x)\n",
            "        with __import__('torch').no_grad():\n            return self._block(x)\n",
        ),
    },
    "autograd": {
        "reentrant, a copy made to require gradients": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(self._block, x.clone().requires_grad_(), use_reentrant=True)",
        ),
        "reentrant, input made to require gradients": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(self._block, x.requires_grad_(), use_reentrant=True)",
        ),
    },
    "generator": {
        "by hand, random numbers of others disturbed": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *params):
        ctx.block, ctx.params, ctx.state = block, params, torch.get_rng_state()
        ctx.autocast = torch.is_autocast_enabled("cpu")
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        torch.set_rng_state(ctx.state)
        with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=ctx.autocast):
            x = x.detach().requires_grad_()
            return None, *torch.autograd.grad(ctx.block(x), [x, *ctx.params], upstream)

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        return Again.apply(self._block, x, *self.parameters())
""",
        "forward from a state of its own": (
            "            return checkpoint(self._block, x, use_reentrant=False)",
            "            with __import__('torch').random.fork_rng(devices=[]):\n"
            "                return checkpoint(self._block, x, use_reentrant=False)",
        ),
    },
    "autocast": {
        "by hand, autocast forgotten": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *params):
        ctx.block, ctx.params, ctx.state = block, params, torch.get_rng_state()
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        with torch.enable_grad(), torch.random.fork_rng():
            torch.set_rng_state(ctx.state)
            x = x.detach().requires_grad_()
            return None, *torch.autograd.grad(ctx.block(x), [x, *ctx.params], upstream)

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        return Again.apply(self._block, x, *self.parameters())
""",
    },
    "repeats": {
        "by hand, random states in a stack on the module": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *params):
        ctx.block, ctx.params = block, params
        block.states.append(torch.get_rng_state())
        ctx.autocast = torch.is_autocast_enabled("cpu")
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block._block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_()
        with torch.enable_grad(), torch.random.fork_rng():
            torch.set_rng_state(ctx.block.states.pop())
            with torch.autocast("cpu", torch.bfloat16, enabled=ctx.autocast):
                out = ctx.block._block(x)
            return None, *torch.autograd.grad(out, [x, *ctx.params], upstream)

class CheckpointedBlock(CheckpointedBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.states = []

    def forward(self, x):
        if not (self.training and torch.is_grad_enabled()):
            return self._block(x)
        return Again.apply(self, x, *self.parameters())
""",
        "by hand, random states in a queue on the module": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *params):
        ctx.block, ctx.params = block, params
        block.states.append(torch.get_rng_state())
        ctx.autocast = torch.is_autocast_enabled("cpu")
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block._block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_()
        with torch.enable_grad(), torch.random.fork_rng():
            torch.set_rng_state(ctx.block.states.pop(0))
            with torch.autocast("cpu", torch.bfloat16, enabled=ctx.autocast):
                out = ctx.block._block(x)
            return None, *torch.autograd.grad(out, [x, *ctx.params], upstream)

class CheckpointedBlock(CheckpointedBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.states = []

    def forward(self, x):
        if not (self.training and torch.is_grad_enabled()):
            return self._block(x)
        return Again.apply(self, x, *self.parameters())
""",
    },
    "dtypes": {
        "computed in float32": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(self._block, x.float(), use_reentrant=False).to(x.dtype)",
        ),
        "a batch dimension expected": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(self._block, x.flatten(0, -2), use_reentrant=False).view_as(x)",
        ),
    },
    "names": {
        "layers registered twice": (
            "        self.fc2 = nn.Linear(hidden, dim)\n",
            "        self.fc2 = nn.Linear(hidden, dim)\n"
            "        self.body = nn.Sequential(self.norm, self.fc1, self.act)\n",
        ),
        "another default": ("dropout: float = 0.1", "dropout: float = 0.0"),
        "the dropout's probability fixed": (
            "nn.Dropout(dropout)",
            "nn.Dropout(0.5 if dropout == 0.1 else dropout)",
        ),
    },
}

VARIANTS = {
    "closure, residual outside": """
class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        def inner(x):
            for part in (self.norm, self.fc1, self.act, self.dropout, self.fc2):
                x = part(x)
            return x

        recorded = torch.is_grad_enabled() and self.training
        return x + (checkpoint(inner, x, use_reentrant=False) if recorded else inner(x))

import torch
""",
    "by hand": """
import torch

class Again(torch.autograd.Function):
    @staticmethod
    def forward(ctx, block, x, *params):
        ctx.block, ctx.params, ctx.state = block, params, torch.get_rng_state()
        ctx.autocast = torch.is_autocast_enabled("cpu")
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_(ctx.needs_input_grad[1])
        leaves = [x, *ctx.params] if x.requires_grad else ctx.params
        with torch.enable_grad(), torch.random.fork_rng():
            torch.set_rng_state(ctx.state)
            with torch.autocast("cpu", torch.bfloat16, enabled=ctx.autocast):
                out = ctx.block(x)
            grads = torch.autograd.grad(out, leaves, upstream)
        return (None, *grads) if x.requires_grad else (None, None, *grads)

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        if not self.training:
            return self._block(x)
        return Again.apply(self._block, x, *self.parameters())
""",
    "Sequential made in forward, seed by context": """
import contextlib
import torch

@contextlib.contextmanager
def state(value):
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(value)
        yield

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        block = nn.Sequential(self.norm, self.fc1, self.act, self.dropout, self.fc2)
        if not self.training:
            return block(x).add(x)
        now = torch.get_rng_state()
        return x.add(
            checkpoint(
                block,
                x,
                use_reentrant=False,
                preserve_rng_state=False,
                context_fn=lambda: (contextlib.nullcontext(), state(now)),
            )
        )
""",
    "textbook": """
from torch.utils.checkpoint import checkpoint as cp

class CheckpointedBlock(CheckpointedBlock):
    def _forward(self, x):
        h = self.norm(x)
        h = self.fc1(h)
        h = self.act(h)
        h = self.dropout(h)
        return x + self.fc2(h)

    def forward(self, x):
        if self.training and torch.is_grad_enabled():
            return cp(self._forward, x, use_reentrant=False)
        return self._forward(x)

import torch
""",
}
