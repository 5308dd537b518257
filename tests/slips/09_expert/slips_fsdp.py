"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

START = """        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), src=0)
"""
MINE = "        mine = padded(weight.detach(), W).chunk(W)[rank].clone()"
KIND = "isinstance(layer, nn.Linear | nn.Embedding)"
PAD = "    return nn.functional.pad(whole.flatten(), (0, -whole.numel() % W))\n"
PACK = "                return (t.size(), t.stride(), t.storage_offset()) if is_weight else t\n"
AFTER = "            running.pop().__exit__()\n            del layer.weight\n"
BEFORE = "            layer.weight = weight = Gather.apply(*whole())\n"
SCATTER = "        ctx.dist.reduce_scatter_tensor(mine, padded(grad.to(ctx.dtype), W))\n"
MEAN = "        return mine.div_(W), None, None, None\n"
CALL = "        return self.module(*inputs, **named)\n"
WHOLE = "[p for p in self.kept.values() if p not in self.sliced]"
WORKS = "        works = [self.dist.all_reduce(grad, async_op=True) for grad in grads]\n"
WAIT = """            work.wait()
            grad.div_(self.dist.get_world_size())
"""
GATHERED = "    return whole[: shape.numel()].view(shape)\n"
CAST = (
    "        return x.to(self.compute_dtype) "
    "if self.compute_dtype and x.is_floating_point() else x\n"
)
RETURN = "        return nn.Parameter(mine, requires_grad=weight.requires_grad)\n"
FULL = "gathered(p, fsdp.shapes[name], p.dtype, fsdp.dist)"
MEMO = "                if layer.weight not in parts:\n    "

LAYERS = '''
class FSDP(nn.Module):
    """Each layer's forward is replaced; HOW gathers, computes and lets go."""

    def __init__(self, module, compute_dtype=None, dist=torch.distributed):
        super().__init__()
        self.module, self.dtype, self.dist = module, compute_dtype, dist
        W, rank = dist.get_world_size(), dist.get_rank()
        with torch.no_grad():
            for t in [*module.parameters(), *module.buffers()]:
                dist.broadcast(t, 0)
        old = dict(module.named_parameters())
        self.shapes, memo = {n: p.shape for n, p in old.items()}, {}
        for layer in module.modules():
            if isinstance(layer, (nn.Linear, nn.Embedding)):
                w = layer.weight
                if id(w) not in memo:
                    size = (w.numel() + W - 1) // W
                    flat = torch.zeros(size * W)
                    flat[: w.numel()] = w.detach().reshape(-1)
                    part = flat[rank * size : (rank + 1) * size].clone()
                    memo[id(w)] = w, nn.Parameter(part, w.requires_grad)
                layer.weight = memo[id(w)][1]
                layer.forward = self.runner(layer, w.shape)
        self.now = {n: memo[id(p)][1] if id(p) in memo else p for n, p in old.items()}
        self.cut = {id(part) for _, part in memo.values()}
        memo.clear()

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def gather(self, part, shape, dtype=None):
        flat = torch.empty(part.numel() * self.dist.get_world_size(), dtype=dtype or part.dtype)
        self.dist.all_gather_into_tensor(flat, part.detach().to(flat.dtype))
        return flat[: shape.numel()].view(shape)

    def scatter(self, grad, part):
        W = self.dist.get_world_size()
        flat = torch.zeros(part.numel() * W)
        flat[: grad.numel()] = grad.reshape(-1).float() / W
        mine = torch.empty_like(part)
        self.dist.reduce_scatter_tensor(mine, flat)
        return mine

    def plain(self, layer, x, weight):
        if isinstance(layer, nn.Embedding):
            return nn.functional.embedding(x, weight, layer.padding_idx)
        bias = layer.bias
        if self.dtype:
            x, bias = x.to(self.dtype), None if bias is None else bias.to(self.dtype)
        return nn.functional.linear(x, weight, bias)

    HOW

    def finish_gradient_synchronization(self):
        for p in self.now.values():
            if id(p) not in self.cut and p.grad is not None:
                self.dist.all_reduce(p.grad)
                p.grad /= self.dist.get_world_size()


def gather_full_params(fsdp):
    return {
        n: fsdp.gather(p, fsdp.shapes[n]) if id(p) in fsdp.cut else p.detach().clone()
        for n, p in fsdp.now.items()
    }
'''
ANEW = """
    def runner(self, layer, shape):
        from torch.utils.checkpoint import checkpoint

        fsdp = self

        class Whole(torch.autograd.Function):
            @staticmethod
            def forward(ctx, part):
                ctx.part = part
                return fsdp.gather(part, shape, fsdp.dtype)

            @staticmethod
            def backward(ctx, grad):
                return fsdp.scatter(grad, ctx.part)

        def run(x):
            return fsdp.plain(layer, x, Whole.apply(layer.weight))

        return lambda x: checkpoint(run, x, use_reentrant=False, preserve_rng_state=False)
"""
EMPTIED = """
    def runner(self, layer, shape):
        fsdp = self

        class Whole(torch.autograd.Function):
            @staticmethod
            def forward(ctx, part, box):
                ctx.part, ctx.box = part, box
                box.append(fsdp.gather(part, shape, fsdp.dtype))
                return box[0].detach()

            @staticmethod
            def backward(ctx, grad):
                ctx.box[0].untyped_storage().resize_(0)
                return fsdp.scatter(grad, ctx.part), None

        def run(x):
            box = []
            out = fsdp.plain(layer, x, Whole.apply(layer.weight, box))
            storage = box[0].untyped_storage()
            size = storage.nbytes()
            storage.resize_(0)

            def fill(grad):
                storage.resize_(size)
                box[0].data.copy_(fsdp.gather(layer.weight, shape, fsdp.dtype))

            if out.requires_grad:
                out.register_hook(fill)
            if x.requires_grad and not layer.weight.requires_grad:
                x.register_hook(lambda grad: [storage.resize_(0), None][1])
            return out

        return run
"""
BY_HAND = """
    def runner(self, layer, shape):
        fsdp = self

        class Run(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, part, bias):
                ctx.save_for_backward(x, part)
                ctx.bias = bias
                return fsdp.plain(layer, x, fsdp.gather(part, shape, fsdp.dtype))

            @staticmethod
            def backward(ctx, grad):
                x, part = ctx.saved_tensors
                weight = fsdp.gather(part, shape, fsdp.dtype).requires_grad_()
                floats = x.is_floating_point()
                with torch.enable_grad():
                    x = x.detach().requires_grad_() if floats else x
                    out = fsdp.plain(layer, x, weight)
                    grads = torch.autograd.grad(out, [weight, x] if floats else [weight], grad)
                mine = fsdp.scatter(grads[0], part) if part.requires_grad else None
                bias = None
                if ctx.bias is not None:
                    bias = grad.reshape(-1, grad.shape[-1]).float().sum(0)
                return grads[1] if floats else None, mine, bias

        return lambda x: Run.apply(x, layer.weight, getattr(layer, "bias", None))
"""

SWAPPED = """
from torch.nn.functional import linear, embedding, pad

def full(part, shape, dist, dtype=None):
    mine = part.detach() if dtype is None else part.detach().to(dtype)
    whole = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(whole, mine)
    return torch.cat(whole)[: shape.numel()].reshape(shape)

class Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, part, own):
        ctx.own, ctx.part = own, part
        ctx.save_for_backward(x)
        w = full(part, own.shape, own.dist, own.dtype)
        if own.table:
            return embedding(x, w, own.idx)
        return x @ w.T

    @staticmethod
    def backward(ctx, grad):
        own, (x,) = ctx.own, ctx.saved_tensors
        gx = gp = None
        if ctx.needs_input_grad[0]:
            gx = grad @ full(ctx.part, own.shape, own.dist, own.dtype)
        if ctx.needs_input_grad[1]:
            W = own.dist.get_world_size()
            rows = grad.reshape(-1, grad.shape[-1])
            if own.table:
                at = x.reshape(-1)
                keep = at != (own.shape[0] if own.idx is None else own.idx)
                gw = torch.zeros(own.shape).index_add_(0, at[keep], rows[keep].float())
            else:
                gw = (rows.T @ x.reshape(-1, x.shape[-1])).float()
            flat = pad(gw.reshape(-1), (0, -gw.numel() % W))
            gp = torch.empty_like(ctx.part)
            own.dist.reduce_scatter_tensor(gp, flat.div_(W))
        return gx, gp, None

class Sharded(nn.Module):
    def __init__(self, old, part, dtype, dist):
        super().__init__()
        self.weight, self.shape = part, old.weight.shape
        self.table, self.idx = isinstance(old, nn.Embedding), getattr(old, "padding_idx", None)
        self.bias, self.dtype, self.dist = getattr(old, "bias", None), dtype, dist

    def forward(self, input):
        if self.dtype and input.is_floating_point():
            input = input.to(self.dtype)
        out = Multiply.apply(input, self.weight, self)
        return out if self.bias is None else out + self.bias.to(out.dtype)

class FSDP(nn.Module):
    def __init__(self, module, compute_dtype=None, dist=torch.distributed):
        super().__init__()
        self.dist = dist
        r, W = dist.get_rank(), dist.get_world_size()
        for t in [*module.parameters(), *module.buffers()]:
            dist.broadcast(t.data, 0)
        self.names = {n: (p, p.shape) for n, p in module.named_parameters()}
        self.slices, made = {}, {}
        def convert(m):
            if isinstance(m, (nn.Linear, nn.Embedding)):
                if m not in made:
                    w = m.weight
                    if w not in self.slices:
                        flat = pad(w.detach().flatten(), (0, -w.numel() % W)).view(W, -1)[r]
                        self.slices[w] = nn.Parameter(flat.clone(), w.requires_grad)
                    made[m] = Sharded(m, self.slices[w], compute_dtype, dist)
                return made[m]
            for n, c in list(m._modules.items()):
                if c is not None:
                    setattr(m, n, convert(c))
            return m
        self.net = convert(module)
        self.names = {n: (self.slices.get(p, p), s) for n, (p, s) in self.names.items()}
        self.slices = {id(p) for p in self.slices.values()}

    def forward(self, *a, **k):
        return self.net(*a, **k)

    def finish_gradient_synchronization(self):
        for p in self.parameters():
            if p.grad is not None and id(p) not in self.slices:
                self.dist.all_reduce(p.grad)
                p.grad.div_(self.dist.get_world_size())

@torch.no_grad()
def gather_full_params(fsdp):
    return {
        n: full(p, s, fsdp.dist) if id(p) in fsdp.slices else p.clone().detach()
        for n, (p, s) in fsdp.names.items()
    }
"""


def layers(how):
    return LAYERS.replace("    HOW\n", how.lstrip("\n"))


SLIPS = {
    "slices": {
        "buffers of each rank": (
            START,
            START.replace("(*module.parameters(), *module.buffers())", "module.parameters()"),
        ),
        "each rank's own first numbers": (START, ""),
        "the state dict, which misses some buffers": (
            START,
            START.replace(
                "(*module.parameters(), *module.buffers())", "module.state_dict().values()"
            ),
        ),
        "trained parameters alone begin as rank 0's": (
            START,
            START.replace(
                "*module.parameters()", "*(p for p in module.parameters() if p.requires_grad)"
            ),
        ),
        "convolutions, too": (KIND, "isinstance(layer, nn.Linear | nn.Embedding | nn.Conv2d)"),
        "Linears only": (KIND, "isinstance(layer, nn.Linear)"),
        "no subclasses": (KIND, "type(layer) in (nn.Linear, nn.Embedding)"),
        "layers at the top only": (
            "for layer in module.modules()",
            "for layer in (module, *module.children())",
        ),
        "padding of ones": (PAD, PAD.replace("% W))", "% W), value=1.0)")),
        "one slice more of padding": (
            PAD,
            PAD.replace("-whole.numel() % W", "W - whole.numel() % W"),
        ),
        "every W-th number": (MINE, "        mine = padded(weight.detach(), W)[rank::W].clone()"),
        "column by column": (MINE, MINE.replace("weight.detach()", "weight.detach().T")),
        "slices in bfloat16": (MINE, MINE + ".bfloat16()"),
        "slices that do not train": (
            RETURN,
            "        return nn.Parameter(mine, requires_grad=False)\n",
        ),
        "biases in slices, too": (
            "            layer.own_bias = bias\n",
            "            layer.own_bias = bias = nn.Parameter(bias.detach()[:1])\n",
        ),
    },
    "forward": {
        "keywords lost": (CALL, "        return self.module(*inputs)\n"),
        "the module's hooks left out": ("self.module(*inputs", "self.module.forward(*inputs"),
        "nothing returned": (CALL, "        self.module(*inputs, **named)\n"),
        "no graph": (CALL, "        with torch.no_grad():\n    " + CALL),
        "gradients in no_grad, too": (CALL, "        with torch.enable_grad():\n    " + CALL),
        "in train mode": (CALL, "        self.train()\n" + CALL),
    },
    "memory": {
        "kept by the graph": (PACK, "                return t\n"),
        "kept by the layer": (AFTER, "            running.pop().__exit__()\n"),
        "gathered for the whole forward pass": (
            CALL,
            "        whole = [\n"
            "            gathered(p, self.shapes[n], p.dtype, self.dist)\n"
            "            for n, p in self.kept.items()\n"
            "            if p in self.sliced\n"
            "        ]\n" + CALL,
        ),
        "all gathered at once in no_grad": (
            CALL,
            "        if not torch.is_grad_enabled():\n"
            "            whole = gather_full_params(self)\n" + CALL,
        ),
        "the last one stays until the next step": (
            BEFORE,
            BEFORE + "            self.last = weight.detach()\n",
        ),
        "kept in backward": (
            "                return gathered(*whole()).as_strided(*kept)\n",
            "                self.weights = [gathered(*whole()), *getattr(self, 'weights', "
            "[])][:2]\n"
            "                return self.weights[0].as_strided(*kept)\n",
        ),
        "kept from the first backward on": (
            "                return gathered(*whole()).as_strided(*kept)\n",
            "                if not running:\n"
            "                    running.append(gathered(*whole()))\n"
            "                return running[0].as_strided(*kept)\n",
        ),
        "gradients kept whole": (
            "        W = ctx.dist.get_world_size()\n",
            "        W = ctx.dist.get_world_size()\n        "
            "ctx.dist.__dict__.setdefault('whole', []).append(grad)\n",
        ),
        "the old weights are kept": (
            "        self.sliced = set(parts.values())\n",
            "        self.sliced = set(parts.values())\n        self.old = named\n",
        ),
        "slices are views": (MINE, MINE.replace(".clone()", "")),
        "kept in eval mode": (
            AFTER,
            "            running.pop().__exit__()\n"
            "            if self.training:\n                del layer.weight\n",
        ),
        "kept in no_grad": (
            AFTER,
            "            running.pop().__exit__()\n"
            "            if torch.is_grad_enabled():\n                del layer.weight\n",
        ),
    },
    "gradients": {
        "divided by 2": (MEAN, MEAN.replace("(W)", "(2)")),
        "sum": (MEAN, "        return mine, None, None, None\n"),
        "two ranks at least": (
            "grad.div_(self.",
            "grad.div_(1 + (self.dist.get_world_size() == 1)).div_(self.",
        ),
        "biases of each rank": (WORKS, "        return\n" + WORKS),
        "biases only, no other whole parameter": (WHOLE, WHOLE[:-1] + " and p.ndim < 2]"),
        "no wait": (WAIT, WAIT.replace("            work.wait()\n", "")),
        "the gradient of rank 0's slice for all": (
            SCATTER,
            SCATTER + "        ctx.dist.broadcast(mine, 0)\n",
        ),
        "the row of padding_idx trains": (
            BEFORE,
            BEFORE + "            layer.padding_idx = None\n",
        ),
        "sent in bfloat16": (
            SCATTER,
            "        mine = mine.bfloat16()\n"
            "        ctx.dist.reduce_scatter_tensor(mine, padded(grad.bfloat16(), W))\n"
            "        mine = mine.float()\n",
        ),
        "padding trained": (
            SCATTER,
            SCATTER.replace(
                "padded(grad.to(ctx.dtype), W)",
                "padded(grad.to(ctx.dtype), W) + (padded(torch.ones_like(grad), W) == 0)",
            ),
        ),
        "none for slices in eval mode": (
            "            return part, shape,",
            "            return part if self.training else part.detach(), shape,",
        ),
        "slices averaged again": (WHOLE, "self.kept.values()"),
    },
    "full": {
        "slices": (FULL, "p.detach().clone()"),
        "the new names": (
            "for name, p in fsdp.kept.items()",
            "for name, p in fsdp.named_parameters()",
        ),
        "every module. cut out of the names": (
            "        name: gathered(p,",
            "        name.replace('module.', ''): gathered(p,",
        ),
        "no frozen ones": (
            "for name, p in fsdp.kept.items()\n",
            "for name, p in fsdp.kept.items() if p.requires_grad\n",
        ),
        "only the sliced ones": (
            "for name, p in fsdp.kept.items()\n",
            "for name, p in fsdp.kept.items() if p in fsdp.sliced\n",
        ),
        "biases that are no copies": (
            "        else p.detach().clone()\n",
            "        else p.detach()\n",
        ),
        "no copies on one rank": (
            FULL,
            FULL + " if fsdp.dist.get_world_size() > 1 else p.detach().view(fsdp.shapes[name])",
        ),
        "biases in float64": (
            "        else p.detach().clone()\n",
            "        else p.detach().double()\n",
        ),
        "parameters": (
            "        else p.detach().clone()\n",
            "        else nn.Parameter(p.detach().clone())\n",
        ),
        "only on rank 0": (
            "    return {\n        name: gathered",
            "    if fsdp.dist.get_rank() > 0:\n        return {}\n    return {\n        name: "
            "gathered",
        ),
        "as they were at the start": """
class FSDP(FSDP):
    def __init__(self, module, compute_dtype=None, dist=torch.distributed):
        super().__init__(module, compute_dtype, dist)
        self.first = first(self)

first = gather_full_params

def gather_full_params(fsdp):
    return {name: t.clone() for name, t in fsdp.first.items()}
""",
        "the padding, too": (
            FULL,
            "gathered(p, torch.Size([p.numel() * fsdp.dist.get_world_size()]), p.dtype, "
            "fsdp.dist).clone()",
        ),
    },
    "tied": {
        "a slice for each layer": (MEMO, "                if True:\n    "),
        "a name for each layer": (
            "named = dict(module.named_parameters())",
            "named = dict(module.named_parameters(remove_duplicate=False))",
        ),
        "the mean of both uses": """
class FSDP(FSDP):
    def finish_gradient_synchronization(self):
        super().finish_gradient_synchronization()
        weights = [layer.part for layer in self.modules() if hasattr(layer, "part")]
        for p in self.sliced:
            p.grad = None if p.grad is None else p.grad / sum(q is p for q in weights)
""",
    },
    "frozen": {
        "frozen ones train": (RETURN, "        return nn.Parameter(mine)\n"),
        "frozen biases train": (
            "            layer.own_bias = bias\n",
            "            bias.requires_grad_()\n            layer.own_bias = bias\n",
        ),
        "a frozen weight kept by the graph": (
            "if is_weight else t",
            "if is_weight and part.requires_grad else t",
        ),
        "frozen ones stay whole": (KIND, KIND + " and layer.weight.requires_grad"),
        "zeros for None": (
            "        grads = [p.grad",
            "        for p in self.parameters():\n"
            "            if p.grad is None and p.requires_grad:\n"
            "                p.grad = torch.zeros_like(p)\n"
            "        grads = [p.grad",
        ),
        "unused biases": (
            "[p.grad for p in whole if p.grad is not None]",
            "[torch.zeros_like(p) if p.grad is None else p.grad for p in whole if "
            "p.requires_grad]\n"
            "        for p, grad in zip(whole, grads):\n            p.grad = grad",
        ),
        "a crash without gradient": (
            "[p.grad for p in whole if p.grad is not None]",
            "[p.grad for p in whole if p.requires_grad]",
        ),
    },
    "accumulate": {
        "only the last backward": (
            "        ctx.part, ctx.dtype, ctx.dist = part.shape, part.dtype, dist\n",
            "        ctx.part, ctx.dtype, ctx.dist, part.grad = part.shape, part.dtype, dist, "
            "None\n",
        ),
        "biases start anew after each synchronization": (
            WAIT,
            WAIT + "        self.done = getattr(self, 'done', 0) + 1\n"
            "        if self.done > 1:\n            for grad in grads:\n                grad "
            "/= 2\n",
        ),
        "divided by the number of backwards": """
class FSDP(FSDP):
    passes = 0

    def forward(self, *inputs, **named):
        self.passes += torch.is_grad_enabled()
        return super().forward(*inputs, **named)

    def finish_gradient_synchronization(self):
        super().finish_gradient_synchronization()
        for p in self.parameters():
            p.grad = None if p.grad is None else p.grad / self.passes
        self.passes = 0
""",
        "zeroed at the next forward pass": """
class FSDP(FSDP):
    def forward(self, *inputs, **named):
        self.zero_grad()
        return super().forward(*inputs, **named)
""",
    },
    "precision": {
        "slices in compute_dtype": (
            "        return nn.Parameter(mine, requires",
            "        mine = mine.to(self.compute_dtype or mine.dtype)\n"
            "        return nn.Parameter(mine, requires",
        ),
        "full parameters from compute_dtype": (
            FULL,
            "gathered(p, fsdp.shapes[name], fsdp.compute_dtype or p.dtype, fsdp.dist).float()",
        ),
        "numbers of compute_dtype in float32": (
            "        return nn.Parameter(mine, requires",
            "        mine = mine.to(self.compute_dtype or mine.dtype).float()\n"
            "        return nn.Parameter(mine, requires",
        ),
        "ignored": (
            "        self.module, self.compute_dtype, self.dist = module, compute_dtype, dist\n",
            "        self.module, self.compute_dtype, self.dist = module, None, dist\n",
        ),
        "gathered in float32, then cast": (
            "    whole = part.new_empty(part.numel() * dist.get_world_size(), dtype=dtype)\n"
            "    dist.all_gather_into_tensor(whole, part.detach().to(dtype))\n",
            "    whole = part.new_empty(part.numel() * dist.get_world_size())\n"
            "    dist.all_gather_into_tensor(whole, part.detach())\n    whole = whole.to(dtype)\n",
        ),
        "gathered in float32 for backward": (
            "                return gathered(*whole()).as_strided(*kept)\n",
            "                weight = gathered(part, shape, part.dtype, self.dist)\n"
            "                return self.cast(weight).as_strided(*kept)\n",
        ),
        "reduced in compute_dtype": (
            "        mine = grad.new_empty(ctx.part, dtype=ctx.dtype)\n" + SCATTER + MEAN,
            "        mine = grad.new_empty(ctx.part)\n"
            + SCATTER.replace("grad.to(ctx.dtype)", "grad")
            + "        return mine.to(ctx.dtype).div_(W), None, None, None\n",
        ),
        "bfloat16 for any of them": (
            "self.module, self.compute_dtype, self.dist = module, compute_dtype, dist",
            "self.module, self.dist = module, dist\n"
            "        self.compute_dtype = compute_dtype and torch.bfloat16",
        ),
        "in train mode only": """
class FSDP(FSDP):
    def forward(self, *inputs, **named):
        kept, self.compute_dtype = self.compute_dtype, self.compute_dtype if self.training else None
        out = super().forward(*inputs, **named)
        self.compute_dtype = kept
        return out
""",
        "input cast for training only": (
            "tuple(map(self.cast, inputs))",
            "tuple(map(self.cast, inputs)) if torch.is_grad_enabled() else inputs",
        ),
        "input not cast": (
            "            return tuple(map(self.cast, inputs))\n",
            "            return inputs\n",
        ),
        "bias not cast": ("layer.bias = self.cast(bias)", "layer.bias = bias"),
        "the result cast back": (CALL, "        return self.module(*inputs, **named).float()\n"),
        "biases averaged in compute_dtype": (
            WORKS,
            "        if self.compute_dtype:\n            for grad in grads:\n"
            "                low = grad.to(self.compute_dtype)\n"
            "                self.dist.all_reduce(low)\n"
            "                grad.copy_(low.float() / self.dist.get_world_size())\n            "
            "return\n" + WORKS,
        ),
        "biases rounded for good": (
            "            layer.own_bias = bias\n",
            "            bias.data = self.cast(bias.detach()).float()\n"
            "            layer.own_bias = bias\n",
        ),
    },
}
VARIANTS = {
    "computed anew in backward": layers(ANEW),
    "storage emptied and filled": layers(EMPTIED),
    "a Function for each layer": layers(BY_HAND),
    "modules of its own in the place of the layers": SWAPPED,
}
