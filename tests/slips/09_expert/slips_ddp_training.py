"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

BROADCAST = """        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), src=0)
"""
TENSORS = "(*module.parameters(), *module.buffers())"
TRAINED = "[p for p in module.parameters() if p.requires_grad][::-1]"
HOOKS = """        for p in self.trained:
            p.register_post_accumulate_grad_hook(self.is_ready)
"""
READY = """        if self.syncs:
            self.ready.add(p)
            while len(self.sent) < len(self.trained) and self.next() in self.ready:
                self.send(self.next())
"""
SEND = "        self.sent.append((grad, self.dist.all_reduce(grad, async_op=True)))\n"
FILL = """        for p in self.trained[len(self.sent) :]:
            self.send(p)
"""
HAS = """        has = [p.grad is not None for p in self.trained]
"""
MAX = "        self.dist.all_reduce(any_has, op=self.dist.ReduceOp.MAX)\n"
LOOP = (
    "        for p, (grad, work), has_grad in zip(self.trained, self.sent, any_has, strict=True):\n"
)
GIVE = """            if has_grad:
                p.grad = grad.div_(self.dist.get_world_size())
"""
DIVIDE = "p.grad = grad.div_(self.dist.get_world_size())"
CLEAR = "        self.ready.clear()\n        self.sent.clear()\n"
BLOCK = """        try:
            yield
        finally:
            self.syncs = before
"""
SUMS = "    sums = torch.cat([total.detach().double().flatten(), items])\n"
REDUCE = "    dist.all_reduce(sums)\n"
MEAN = "    mean = (sums[:-1] / sums[-1]).reshape(total.shape)\n"
CAST = "    return mean.to(total.dtype if total.is_floating_point() else torch.float32)\n"
PLAIN = '''
class DDP(nn.Module):
    """Hooks that send at once, in whatever order; parameters without gradient are left out."""

    def __init__(self, module, dist=torch.distributed):
        super().__init__()
        self.module, self.dist, self.syncs, self.works = module, dist, True, []
        for tensor in TENSORS:
            dist.broadcast(tensor.data, 0)
        for p in module.parameters():
            if p.requires_grad:
                p.register_post_accumulate_grad_hook(self.send)

    def forward(self, *inputs, **named):
        return self.module(*inputs, **named)

    def send(self, p):
        if self.syncs:
            HOOK

    @contextmanager
    def no_sync(self):
        before, self.syncs = self.syncs, False
        try:
            yield
        finally:
            self.syncs = before

    def finish_gradient_synchronization(self):
        for p, work in self.works:
            work.wait()
            p.grad /= self.dist.get_world_size()
        self.works.clear()
'''

AT_ONCE = """
class DDP(DDP):
    def send(self, p):
        grad, more = torch.zeros_like(p) if p.grad is None else p.grad, {}
        HERE
        self.sent.append((grad, self.dist.all_reduce(grad, async_op=True, **more)))

    def finish_gradient_synchronization(self):
        while len(self.sent) < len(self.trained):
            self.send(self.trained[len(self.sent)])
        for _, work in self.sent:
            work.wait()
        has = torch.tensor([0 if p.grad is None else 1 for p in self.trained])
        self.dist.all_reduce(has)
        for p, (grad, _), n in zip(self.trained, self.sent, has.tolist()):
            p.grad = grad if n else None
        self.ready, self.sent = set(), []
"""


def plain(hook="self.works.append((p, self.dist.all_reduce(p.grad, async_op=True)))"):
    return PLAIN.replace("TENSORS", TENSORS).replace("HOOK", hook)


SLIPS = {
    "start": {
        "no broadcast": (BROADCAST, ""),
        "parameters only": (TENSORS, "module.parameters()"),
        "trained parameters only": (
            TENSORS,
            "[p for p in module.parameters() if p.requires_grad] + list(module.buffers())",
        ),
        "the state dict, which misses some buffers": (TENSORS, "module.state_dict().values()"),
        "buffers of floats that are saved": (
            TENSORS,
            "(*module.parameters(), *(b for b in module.buffers() if b.ndim))",
        ),
        "each rank from itself": (
            "dist.broadcast(tensor.detach(), src=0)",
            "dist.broadcast(tensor.detach().clone(), src=0)",
        ),
        "the largest of the ranks": (
            "dist.broadcast(tensor.detach(), src=0)",
            "dist.all_reduce(tensor.detach(), op=dist.ReduceOp.MAX)",
        ),
        "on rank 0 alone": (
            "            dist.broadcast(",
            "            dist.get_rank() or dist.broadcast(",
        ),
    },
    "forward": {
        "keywords lost": ("self.module(*inputs, **named)", "self.module(*inputs)"),
        "only one input": ("self.module(*inputs, **named)", "self.module(inputs[0], **named)"),
        "nothing returned": ("return self.module(*inputs", "self.module(*inputs"),
        "the module's hooks left out": ("self.module(*inputs", "self.module.forward(*inputs"),
        "a copy of the module": (
            "self.module, self.dist, self.syncs = module, dist, True",
            "import copy; self.module, self.dist, self.syncs = copy.deepcopy(module), dist, True",
        ),
        "in train mode": ("return self.module(*inputs", "return self.train().module(*inputs"),
    },
    "mean": {
        "rounded": (DIVIDE, DIVIDE + ".round()"),
        "sum": (DIVIDE, "p.grad = grad"),
        "divided by 2": (DIVIDE, "p.grad = grad.div_(2)"),
        "the largest": (
            "self.dist.all_reduce(grad, async_op=True)",
            "self.dist.all_reduce(grad, self.dist.ReduceOp.MAX, async_op=True)",
        ),
        "sent in bfloat16": AT_ONCE.replace("HERE", "grad = grad.bfloat16()").replace(
            "p.grad = grad if n", "p.grad = grad.float() / self.dist.get_world_size() if n"
        ),
        "the first number alone divided": (
            DIVIDE,
            "grad[:1] /= self.dist.get_world_size(); p.grad = grad",
        ),
        "ready parameters not forgotten, so the second step sends old gradients": (
            CLEAR,
            "        self.sent.clear()\n",
        ),
        "divided before and after": (
            SEND,
            "        grad.div_(self.dist.get_world_size())\n" + SEND,
        ),
    },
    "overlap": {
        "in the order of the layers": (TRAINED, TRAINED[:-6]),
        "all of it after backward": (HOOKS, ""),
        "blocking in the hook": (
            SEND,
            "        self.dist.all_reduce(grad)\n"
            "        import types\n"
            "        self.sent.append((grad, types.SimpleNamespace(wait=lambda: None)))\n",
        ),
        "wait in the hook": (SEND, SEND + "        self.sent[-1][1].wait()\n"),
        "sent when all are there": (
            "            while len(self.sent)",
            "            while len(self.ready) == len(self.trained) and len(self.sent)",
        ),
        "started by the last hook": plain(
            "self.count = getattr(self, 'count', 0) + 1\n"
            "            if self.count % sum(q.requires_grad for q in self.parameters()) == 0:\n"
            "                for q in self.parameters():\n"
            "                    if q.requires_grad:\n"
            "                        self.works.append(\n"
            "                            (q, self.dist.all_reduce(q.grad, async_op=True)))"
        ),
        "two at a time": (
            READY,
            "        if self.syncs:\n            self.ready.add(p)\n"
            "            while len(self.ready) > len(self.sent) + 1:\n"
            "                self.send(self.next())\n                self.send(self.next())\n",
        ),
        "one layer at once, then all the others": (
            READY,
            READY.replace(
                "self.next() in self.ready",
                "(\n                self.next() in self.ready\n                and "
                "(len(self.sent) < 2 or len(self.ready) == len(self.trained))\n            )",
            ),
        ),
        "in train mode only": (
            "        if self.syncs:\n",
            "        if self.syncs and self.training:\n",
        ),
        "in the first step only": (
            CLEAR,
            "        self.sent.clear()\n        self.syncs = False\n",
        ),
        "not waited for at the end": ("            work.wait()\n", ""),
        "one more wait in backward": (
            SEND,
            "        self.sent and self.sent[-1][1].wait()\n" + SEND,
        ),
    },
    "once": {
        "tied weights twice": (
            TRAINED,
            "[p for _, p in module.named_parameters(remove_duplicate=False)\n"
            "            if p.requires_grad][::-1]",
        ),
        "frozen ones sent": (
            "        self.dist.all_reduce(any_has,",
            "        for p in self.module.parameters():\n"
            "            if not p.requires_grad: self.dist.all_reduce(torch.zeros_like(p))\n"
            "        self.dist.all_reduce(any_has,",
        ),
        "all in one bucket, too": (
            MAX,
            MAX + "        flat = [p.grad.flatten() for p in self.trained if p.grad is not None]\n"
            "        flat and self.dist.all_reduce(torch.cat(flat))\n",
        ),
        "weights averaged after each step, too": (
            MAX,
            MAX + "        for p in self.trained:\n"
            "            self.dist.all_reduce(p.detach().clone())\n",
        ),
    },
    "no_sync": {
        "does nothing": ("self.syncs, False", "self.syncs, True"),
        "never ends": (BLOCK, "        yield\n"),
        "ends by an Exception alone": (
            BLOCK,
            "        try:\n            yield\n        except Exception:\n"
            "            self.syncs = before\n"
            "            raise\n        else:\n            self.syncs = before\n",
        ),
        "an inner one ends the outer one": ("self.syncs = before\n", "self.syncs = True\n"),
        "errors swallowed": (
            BLOCK,
            BLOCK.replace(
                "        finally:\n",
                "        except BaseException:\n            pass\n        finally:\n",
            ).replace("            self.syncs = before\n", "            pass\n"),
        ),
        "decided by the forward pass": """
class DDP(DDP):
    def forward(self, *inputs, **named):
        self.decided = self.syncs
        return super().forward(*inputs, **named)

    def is_ready(self, p):
        before, self.syncs = self.syncs, self.decided
        super().is_ready(p)
        self.syncs = before
""",
        "only the last backward's gradients": (
            "        before, self.syncs = self.syncs, False\n" + BLOCK,
            "        before, self.syncs = self.syncs, False\n"
            + BLOCK
            + "            self.zero_grad()\n",
        ),
        "an inner one switched on again: a toggle": (
            "        before, self.syncs = self.syncs, False\n" + BLOCK,
            "        self.syncs = not self.syncs\n"
            + BLOCK.replace("self.syncs = before", "self.syncs = not self.syncs"),
        ),
        "averaged at its end": (
            BLOCK,
            BLOCK + "            if before: self.finish_gradient_synchronization()\n",
        ),
    },
    "totals": {
        "flat if it has two axes": (
            MEAN,
            MEAN.replace("total.shape", "total.shape if total.ndim < 2 else -1"),
        ),
        "mean of the ranks' means": (
            MEAN,
            "    means = total.detach().double() / max(count, 1)\n    dist.all_reduce(means)\n"
            "    mean = means / dist.get_world_size()\n",
        ),
        "only this rank": (REDUCE, ""),
        "sum, not divided": (MEAN, "    mean = sums[:-1].reshape(total.shape)\n"),
        "flat": (MEAN, "    mean = sums[:-1] / sums[-1]\n"),
        "axes of one number lost": (MEAN, MEAN.replace("total.shape)", "total.shape).squeeze()")),
        "a float64 total summed in place, as .double() copies nothing": (
            SUMS + REDUCE + MEAN,
            "    sums = total.detach().double()\n    dist.all_reduce(sums)\n"
            "    dist.all_reduce(items)\n    mean = (sums / items).reshape(total.shape)\n",
        ),
        "total must be contiguous": (SUMS, SUMS.replace("flatten()", "view(-1)")),
        "a number": (CAST, "    return mean.item() if mean.numel() == 1 else mean.float()\n"),
        "total changed in place": (
            REDUCE,
            REDUCE + "    total.detach().copy_(sums[:-1].reshape(total.shape))\n",
        ),
        "the graph kept": (SUMS, SUMS.replace(".detach()", "")),
        "ranks without items left out": (
            REDUCE,
            "    if count: dist.all_reduce(sums)\n",
        ),
    },
    "unused": {
        "left out": plain(),
        "left out where it has no gradient": (
            "        for p in self.trained[len(self.sent) :]:\n",
            "        for p in [p for p in self.trained[len(self.sent) :] if p.grad is not None]:\n",
        ),
        "zeros where no rank has one": (GIVE, GIVE.replace("if has_grad", "if True")),
        "None where this rank has none": (MAX, ""),
        "zeros of float32 whatever the parameter is": (
            "torch.zeros_like(p) if",
            "torch.zeros(p.shape) if",
        ),
        "divided by the ranks that have one": (
            MAX + LOOP,
            "        self.dist.all_reduce(any_has)\n"
            + LOOP
            + "            grad = grad / has_grad.clamp(min=1) * self.dist.get_world_size()\n",
        ),
        "zero for None at the end, in each rank's own order": (
            READY,
            "        if self.syncs:\n            self.ready.add(p)\n"
            "            self.trained = [q for q in self.trained if q is not p]\n"
            "            self.trained.insert(len(self.sent), p)\n            self.send(p)\n",
        ),
        "a gradient of zeros taken for none": (
            "has = [p.grad is not None for",
            "has = [p.grad is not None and bool(p.grad.any()) for",
        ),
        "remembered from the first step": (
            HAS,
            HAS + "        self.had = getattr(self, 'had', has)\n        has = self.had\n",
        ),
        "a rank without backward sends nothing": (
            FILL,
            "        if self.ready:\n    " + FILL.replace("\n    ", "\n        "),
        ),
        "what no_sync left is forgotten": (
            "torch.zeros_like(p) if p.grad is None else p.grad",
            "p.grad if p in self.ready else torch.zeros_like(p)",
        ),
    },
    "exact": {
        "in total's dtype": (
            SUMS,
            SUMS.replace(".double()", "").replace("items", "items.to(total.dtype)"),
        ),
        "in float32": (SUMS, SUMS.replace("double", "float").replace("items", "items.float()")),
        "the count in total's dtype": (
            "torch.tensor([count], device=total.device)",
            "torch.tensor([count], dtype=total.dtype, device=total.device)",
        ),
        "the count in float32": ("torch.tensor([count],", "torch.tensor([float(count)],"),
        "float64 result": (CAST, "    return mean\n"),
        "float32 result": (CAST, "    return mean.float()\n"),
        "ints stay ints": (CAST, "    return mean.to(total.dtype)\n"),
        "float64 through float32": (CAST, CAST.replace("mean.to", "mean.float().to")),
        "ints summed by way of float32": (
            "total.detach().double()",
            "(total.detach() if total.is_floating_point() else total.float()).double()",
        ),
        "ints give float64": (CAST, CAST.replace("torch.float32", "torch.float64")),
    },
}
VARIANTS = {
    "a flag behind each gradient": """
class DDP(DDP):
    def send(self, p):
        grad = torch.zeros_like(p) if p.grad is None else p.grad
        flat = torch.cat([grad.flatten(), grad.new_tensor([p.grad is not None])])
        self.sent.append((flat, self.dist.all_reduce(flat, async_op=True)))

    def finish_gradient_synchronization(self):
        for p in self.trained[len(self.sent) :]:
            self.send(p)
        for p, (flat, work) in zip(self.trained, self.sent):
            work.wait()
            if flat[-1]:
                p.grad = (flat[:-1] / self.dist.get_world_size()).view_as(p)
        self.ready, self.sent = set(), []
""",
    "divided before it is sent": AT_ONCE.replace("HERE", "grad /= self.dist.get_world_size()"),
    "AVG where it is there": AT_ONCE.replace("HERE", "more = {'op': self.dist.ReduceOp.AVG}"),
    "two all_reduces for a mean": (
        SUMS + REDUCE + MEAN,
        "    sums = total.detach().double().clone()\n"
        "    dist.all_reduce(sums)\n    dist.all_reduce(items)\n"
        "    mean = sums / items\n    mean = mean.reshape(total.shape)\n",
    ),
    "a class for no_sync": """
class Pause:
    def __init__(self, ddp):
        self.ddp = ddp

    def __enter__(self):
        self.before, self.ddp.syncs = self.ddp.syncs, False

    def __exit__(self, *error):
        self.ddp.syncs = self.before


DDP.no_sync = lambda self: Pause(self)
""",
    "flags as objects": """
class DDP(nn.Module):
    def __init__(self, module, dist=torch.distributed):
        super().__init__()
        self.module, self.dist, self.quiet, self.begun = module, dist, 0, {}
        with torch.no_grad():
            for tensor in [*module.parameters(), *module.buffers()]:
                dist.broadcast(tensor, 0)
        self.order = list(reversed([p for p in module.parameters() if p.requires_grad]))
        self.whole = {p: False for p in self.order}
        for p in self.order:
            p.register_post_accumulate_grad_hook(self.hook)

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def hook(self, p):
        if self.quiet == 0:
            self.whole[p] = True
            for q in self.order:
                if not self.whole[q]:
                    break
                self.begin(q)

    def begin(self, p):
        if p not in self.begun:
            grad = p.grad if p.grad is not None else torch.zeros_like(p)
            self.begun[p] = grad, self.dist.all_reduce(grad, async_op=True)

    @contextmanager
    def no_sync(self):
        self.quiet += 1
        try:
            yield
        finally:
            self.quiet -= 1

    def finish_gradient_synchronization(self):
        for p in self.order:
            self.begin(p)
        there = [None] * self.dist.get_world_size()
        self.dist.all_gather_object(there, [p.grad is not None for p in self.order])
        for i, p in enumerate(self.order):
            grad, work = self.begun[p]
            work.wait()
            if any(flags[i] for flags in there):
                p.grad = grad / self.dist.get_world_size()
        self.begun, self.whole = {}, {p: False for p in self.order}
""",
    "a queue and a cursor, copies are sent": """
from torch import zeros_like, stack, float64, as_tensor
import contextlib

class DDP(torch.nn.Module):
    def __init__(self, module, dist=torch.distributed):
        super().__init__()
        self.add_module("module", module)
        self.world = [dist]
        self.forward = module.__call__
        for tensors in (module.parameters(), module.buffers()):
            for t in tensors:
                dist.broadcast(t.data, src=0)
        self.queue = [p for p in reversed(list(module.parameters())) if p.requires_grad]
        self.state = {"at": 0, "depth": 0, "works": [], "whole": set()}
        [p.register_post_accumulate_grad_hook(self._hook(i)) for i, p in enumerate(self.queue)]

    def _hook(self, i):
        def hook(p):
            s = self.state
            if s["depth"]:
                return
            s["whole"].add(i)
            self._go(lambda k: k in s["whole"])
        return hook

    def _go(self, may):
        s = self.state
        while s["at"] < len(self.queue) and may(s["at"]):
            p = self.queue[s["at"]]
            flat = (zeros_like(p) if p.grad is None else p.grad).detach().clone()
            s["works"].append((p, flat, self.world[0].all_reduce(flat, async_op=True)))
            s["at"] += 1

    def no_sync(self):
        @contextlib.contextmanager
        def inner():
            self.state["depth"] += 1
            try:
                yield self
            finally:
                self.state["depth"] -= 1
        return inner()

    def finish_gradient_synchronization(self):
        dist = self.world[0]
        self._go(lambda k: True)
        flags = torch.tensor([float(p.grad is not None) for p in self.queue])
        dist.all_reduce(flags)
        for (p, flat, work), there in zip(self.state["works"], flags.tolist()):
            work.wait()
            if there > 0:
                if p.grad is None:
                    p.grad = flat / dist.get_world_size()
                else:
                    p.grad.copy_(flat).div_(dist.get_world_size())
        self.state.update(at=0, works=[], whole=set())

def reduce_mean(total, count, dist=torch.distributed):
    with torch.no_grad():
        s = total.to(dtype=float64, copy=True)
        n = as_tensor(count, dtype=float64).clone()
        dist.all_reduce(n)
        dist.all_reduce(s)
        kind = total.dtype if total.dtype.is_floating_point else torch.float32
        return torch.divide(s, n).type(kind)
""",
}
