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
        "buffers only": (TENSORS, "module.buffers()"),
        "the state dict, which misses some buffers": (TENSORS, "module.state_dict().values()"),
        "buffers of floats that are saved": (
            TENSORS,
            "(*module.parameters(), *(b for b in module.buffers() if b.ndim))",
        ),
        "the last rank's numbers": ("src=0", "src=dist.get_world_size() - 1"),
        "each rank from itself": (
            "dist.broadcast(tensor.detach(), src=0)",
            "dist.broadcast(tensor.detach().clone(), src=0)",
        ),
        "the mean of the ranks": (
            "dist.broadcast(tensor.detach(), src=0)",
            "dist.all_reduce(tensor.detach(), op=dist.ReduceOp.MAX)",
        ),
        "its own layer's parameters only": (
            TENSORS,
            "(*module.parameters(recurse=False), *module.buffers())",
        ),
        "on rank 0 alone": ("            dist.broadcast(", "            dist.get_rank() or dist.broadcast("),
    },
    "forward": {
        "keywords lost": ("self.module(*inputs, **named)", "self.module(*inputs)"),
        "only one input": ("self.module(*inputs, **named)", "self.module(inputs[0], **named)"),
        "nothing returned": ("return self.module(*inputs", "self.module(*inputs"),
        "a copy of the module": (
            "self.module, self.dist, self.syncs = module, dist, True",
            "import copy; self.module, self.dist, self.syncs = copy.deepcopy(module), dist, True",
        ),
        "no part of it": (
            "self.module, self.dist, self.syncs = module, dist, True",
            "self.__dict__['module'] = module; self.dist, self.syncs = dist, True",
        ),
        "in train mode": ("return self.module(*inputs", "return self.train().module(*inputs"),
    },
    "mean": {
        "sum": (DIVIDE, "p.grad = grad"),
        "divided by 2": (DIVIDE, "p.grad = grad.div_(2)"),
        "divided by the rank": (DIVIDE, "p.grad = grad.div_(1 + self.dist.get_rank())"),
        "only the first parameter": (
            "            if has_grad:\n",
            "            if p is not self.trained[0]: grad.mul_(self.dist.get_world_size())\n"
            "            if has_grad:\n",
        ),
        "the largest": ("self.dist.all_reduce(grad, async_op=True)", "self.dist.all_reduce(grad, self.dist.ReduceOp.MAX, async_op=True)"),
        "rounded": (DIVIDE, DIVIDE + ".round()"),
        "first step only": (CLEAR, "        self.sent.clear()\n        self.syncs = False\n"),
        "ready parameters not forgotten, so the second step sends old gradients": (
            CLEAR,
            "        self.sent.clear()\n",
        ),
        "result never given": (
            GIVE,
            "            grad.div_(self.dist.get_world_size())\n            p.grad = None\n",
        ),
        "divided before and after": (
            SEND,
            "        grad.div_(self.dist.get_world_size())\n" + SEND,
        ),
        "zeroed afterwards": (CLEAR, CLEAR + "        self.zero_grad(False)\n"),
    },
    "overlap": {
        "all of it after backward": (HOOKS, ""),
        "blocking in the hook": (
            SEND,
            "        self.dist.all_reduce(grad)\n"
            "        import types\n"
            "        self.sent.append((grad, types.SimpleNamespace(wait=lambda: None)))\n",
        ),
        "wait in the hook": (SEND, SEND + "        self.sent[-1][1].wait()\n"),
        "in the order of the layers": (TRAINED, TRAINED[:-6]),
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
        "not waited for at the end": ("            work.wait()\n", ""),
        "only the first waited for": (
            "            work.wait()\n",
            "            if p is self.trained[0]: work.wait()\n",
        ),
        "one more wait in backward": (
            SEND,
            "        self.sent and self.sent[-1][1].wait()\n" + SEND,
        ),
    },
    "once": {
        "tied weights twice": (
            TRAINED,
            "[p for _, p in module.named_parameters(remove_duplicate=False) if p.requires_grad][::-1]",
        ),
        "frozen ones sent": (
            "        self.dist.all_reduce(any_has,",
            "        for p in self.module.parameters():\n"
            "            if not p.requires_grad: self.dist.all_reduce(torch.zeros_like(p))\n"
            "        self.dist.all_reduce(any_has,",
        ),
        "frozen ones in the list": (
            TRAINED + "\n",
            "[*module.parameters()][::-1]\n        self.frozen = [p for p in self.trained if not p.requires_grad]\n",
        ),
        "sent again at the end": (
            MAX,
            MAX + "        for p in self.trained:\n"
            "            if p.grad is not None: self.dist.all_reduce(p.grad.clone())\n",
        ),
        "all in one bucket, too": (
            MAX,
            MAX + "        if all(has): self.dist.all_reduce(torch.cat([p.grad.flatten() for p in self.trained]))\n",
        ),
        "weights averaged after each step, too": (
            MAX,
            MAX + "        for p in self.trained:\n            self.dist.all_reduce(p.detach().clone())\n",
        ),
    },
    "no_sync": {
        "does nothing": ("self.syncs, False", "self.syncs, True"),
        "never ends": (BLOCK, "        yield\n"),
        "does not end by an error": (BLOCK, "        yield\n        self.syncs = before\n"),
        "ends by an Exception alone": (
            BLOCK,
            "        try:\n            yield\n        except Exception:\n            self.syncs = before\n"
            "            raise\n        else:\n            self.syncs = before\n",
        ),
        "an inner one ends the outer one": ("self.syncs = before\n", "self.syncs = True\n"),
        "errors swallowed": (
            BLOCK,
            BLOCK.replace("        finally:\n", "        except BaseException:\n            pass\n        finally:\n").replace(
                "            self.syncs = before\n", "            pass\n"
            ),
        ),
        "decided by the forward pass": (
            "        return self.module(*inputs, **named)",
            "        self.decided = self.syncs\n        return self.module(*inputs, **named)",
        ),
        "only the last backward's gradients": (
            "        before, self.syncs = self.syncs, False\n" + BLOCK,
            "        before, self.syncs = self.syncs, False\n"
            + BLOCK
            + "            self.zero_grad()\n",
        ),
        "averaged at its end": (
            BLOCK,
            BLOCK + "            if before: self.finish_gradient_synchronization()\n",
        ),
        "the local sum is added again": (
            GIVE,
            "            if has_grad:\n                p.grad = grad / self.dist.get_world_size()"
            " + (p.grad * 0 if self.syncs else 1)\n",
        ),
    },
    "totals": {
        "mean of the ranks' means": (
            MEAN,
            "    means = total.detach().double() / max(count, 1)\n    dist.all_reduce(means)\n"
            "    mean = means / dist.get_world_size()\n",
        ),
        "only this rank": (REDUCE, ""),
        "sum, not divided": (MEAN, "    mean = sums[:-1].reshape(total.shape)\n"),
        "divided by this rank's count": (
            MEAN,
            "    mean = (sums[:-1] / max(count, 1)).reshape(total.shape)\n",
        ),
        "divided by the ranks": (
            MEAN,
            "    mean = (sums[:-1] / dist.get_world_size()).reshape(total.shape)\n",
        ),
        "flat": (MEAN, "    mean = sums[:-1] / sums[-1]\n"),
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
        "only on rank 0": (REDUCE, "    dist.reduce(sums, 0)\n"),
        "the first total only": (SUMS, SUMS.replace(".flatten()", ".flatten()[:1]")),
        "item counted once more": ("[count]", "[max(count, 1)]"),
    },
    "unused": {
        "left out": plain(),
        "left out where it has no gradient": (
            "        for p in self.trained[len(self.sent) :]:\n",
            "        for p in [p for p in self.trained[len(self.sent) :] if p.grad is not None]:\n",
        ),
        "zeros where no rank has one": (GIVE, GIVE.replace("if has_grad", "if True")),
        "None where this rank has none": (MAX, ""),
        "only if all ranks have one": ("ReduceOp.MAX", "ReduceOp.MIN"),
        "divided by the ranks that have one": (
            MAX + "        for p, (grad, work), has_grad in zip(self.trained, self.sent, any_has, strict=True):\n",
            "        self.dist.all_reduce(any_has)\n"
            "        for p, (grad, work), has_grad in zip(self.trained, self.sent, any_has, strict=True):\n"
            "            grad = grad / has_grad.clamp(min=1) * self.dist.get_world_size()\n",
        ),
        "zero for None at the end, in each rank's own order": (
            READY,
            "        if self.syncs:\n            self.ready.add(p)\n            self.trained.remove(p)\n"
            "            self.trained.insert(len(self.sent), p)\n            self.send(p)\n",
        ),
        "remembered from the first step": (
            HAS,
            "        self.had = getattr(self, 'had', None) or [p.grad is not None for p in self.trained]\n"
            "        has = self.had\n",
        ),
        "a rank without backward sends nothing": (FILL, "        if self.ready:\n    " + FILL.replace("\n    ", "\n        ")),
        "what no_sync left is forgotten": (
            "torch.zeros_like(p) if p.grad is None else p.grad",
            "p.grad if p in self.ready else torch.zeros_like(p)",
        ),
    },
    "exact": {
        "in total's dtype": (SUMS, SUMS.replace(".double()", "").replace("items", "items.to(total.dtype)")),
        "in float32": (SUMS, SUMS.replace("double", "float").replace("items", "items.float()")),
        "the count in total's dtype": ("dtype=torch.float64, device=total.device)", "dtype=total.dtype, device=total.device).double()"),
        "float64 result": (CAST, "    return mean\n"),
        "float32 result": (CAST, "    return mean.float()\n"),
        "ints stay ints": (CAST, "    return mean.to(total.dtype)\n"),
        "float64 through float32": (CAST, CAST.replace("mean.to", "mean.float().to")),
        "ints give float64": (CAST, CAST.replace("torch.float32", "torch.float64")),
    },
}
VARIANTS = {
    "divided before it is sent": (
        SEND,
        "        grad = grad.div_(self.dist.get_world_size())\n" + SEND,
    ),
    "two all_reduces for a mean": (
        SUMS + REDUCE + MEAN,
        "    sums = total.detach().double().clone()\n"
        "    dist.all_reduce(sums)\n    dist.all_reduce(items)\n"
        "    mean = sums / items\n    mean = mean.reshape(total.shape)\n",
    ),
    "AVG where it is there": (
        "self.dist.all_reduce(grad, async_op=True)",
        "self.dist.all_reduce(grad, op=self.dist.ReduceOp.AVG, async_op=True)",
    ),
    "a class for no_sync": '''
class Pause:
    def __init__(self, ddp):
        self.ddp = ddp

    def __enter__(self):
        self.before, self.ddp.syncs = self.ddp.syncs, False

    def __exit__(self, *error):
        self.ddp.syncs = self.before


DDP.no_sync = lambda self: Pause(self)
''',
    "a flag sent with each gradient": '''
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
''',
}
