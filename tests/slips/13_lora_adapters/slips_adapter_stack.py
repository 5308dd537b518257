"""Mistakes by the label that must refuse them, and second right answers."""

ONE = "BottleneckAdapter(d_model, bottleneck_dim)"
MADE = f"            {ONE} for _ in range(num_adapters)\n"
LIST = f"        self.adapters = nn.ModuleList(\n{MADE}        )"
TEST = "if adapter_id not in range(len(self.adapters)):"
ERROR = 'raise IndexError(f"adapter_id is {adapter_id}, want 0 to {len(self.adapters) - 1}")'
CALL = "return self.adapters[adapter_id](x)"
EACH = "range(num_adapters)\n        )\n        for adapter in self.adapters:\n            "

SLIPS = {
    "parts": {
        "a base of its own": (
            "        self.adapters =",
            "        self.base = nn.Linear(d_model, d_model)\n        self.adapters =",
        ),
        "one object repeated": (MADE, f"            [{ONE}] * num_adapters\n"),
        "a plain list": ("nn.ModuleList(\n", "list(\n"),
        "one adapter too many": ("range(num_adapters)", "range(num_adapters + 1)"),
        "widths swapped": (
            f"            {ONE}",
            "            BottleneckAdapter(bottleneck_dim, d_model)",
        ),
        "shared down": (
            "range(num_adapters)\n        )",
            f"{EACH}adapter.down = self.adapters[0].down",
        ),
        "shared up": (
            "range(num_adapters)\n        )",
            f"{EACH}adapter.up = self.adapters[0].up",
        ),
        "a ModuleDict": (
            f"{LIST}\n",
            "        self.adapters = nn.ModuleDict(\n"
            f"            {{str(i): {ONE} for i in range(num_adapters)}}\n        )\n",
        ),
        "all but the first frozen": (
            LIST,
            f"{LIST}\n        self.adapters[1:].requires_grad_(False)",
        ),
        "a Sequential": (
            f"nn.ModuleList(\n{MADE}",
            f"nn.Sequential(\n            *({MADE.strip()})\n",
        ),
    },
    "start": {
        "copies of one adapter": (
            f"        self.adapters = nn.ModuleList(\n{MADE}",
            f"        one = {ONE}\n"
            "        self.adapters = nn.ModuleList(\n"
            "            __import__('copy').deepcopy(one) for _ in range(num_adapters)\n",
        ),
        "the delta without x": (
            CALL,
            "adapter = self.adapters[adapter_id]\n"
            "        return adapter.up(adapter.down(x).relu())",
        ),
        "up random": ("range(num_adapters)\n        )", f"{EACH}adapter.up.reset_parameters()"),
        "down's bias zero": (
            "range(num_adapters)\n        )",
            f"{EACH}nn.init.zeros_(adapter.down.bias)",
        ),
        "copies with weights of their own": (
            LIST,
            f"        one = {ONE}\n"
            "        self.adapters = nn.ModuleList(\n"
            "            __import__('copy').deepcopy(one) for _ in range(num_adapters)\n"
            "        )\n"
            "        for adapter in self.adapters:\n"
            "            nn.init.kaiming_uniform_(adapter.down.weight, a=5**0.5)",
        ),
        "a seed of its own": (
            "        self.adapters =",
            "        __import__('torch').manual_seed(0)\n        self.adapters =",
        ),
        "a seed for each number": (
            MADE,
            f"            (__import__('torch').manual_seed(i), {ONE})[1]\n"
            "            for i in range(num_adapters)\n",
        ),
    },
    "choice": {
        "ids from 1": ("self.adapters[adapter_id](x)", "self.adapters[adapter_id - 1](x)"),
        "ids from the end": ("self.adapters[adapter_id](x)", "self.adapters[-1 - adapter_id](x)"),
        "always the first": ("self.adapters[adapter_id](x)", "self.adapters[0](x)"),
        "all in a row": (
            CALL,
            "for adapter in self.adapters:\n            x = adapter(x)\n        return x",
        ),
        "all up to the id": (
            CALL,
            "for adapter in self.adapters[: adapter_id + 1]:\n"
            "            x = adapter(x)\n        return x",
        ),
        "the mean of all": (
            CALL,
            "return sum(adapter(x) for adapter in self.adapters) / len(self.adapters)",
        ),
        "x twice": ("return self.adapters", "return x + self.adapters"),
        "the first id kept": (
            f"        {CALL}",
            '        if not hasattr(self, "chosen"):\n'
            "            self.chosen = adapter_id\n"
            "        return self.adapters[self.chosen](x)",
        ),
        "dropout of its own": (
            CALL,
            f"{CALL.replace('return ', 'return nn.functional.dropout(')}, 0.1, self.training)",
        ),
    },
    "gradients": {
        "x detached": ("[adapter_id](x)", "[adapter_id](x.detach())"),
        "all run, one picked by a one-hot sum": (
            CALL,
            "outs = [adapter(x).unsqueeze(0) for adapter in self.adapters]\n"
            "        return sum(out * (i == adapter_id) for i, out in enumerate(outs)).squeeze(0)",
        ),
        "all run, one picked of a stack": (
            CALL,
            "import torch\n\n        return torch.stack([a(x) for a in self.adapters])[adapter_id]",
        ),
        "delta detached": (
            CALL,
            "out = self.adapters[adapter_id](x)\n        return x + (out - x).detach()",
        ),
    },
    "tasks": {
        "gradients of other tasks dropped by the call": (
            CALL,
            f"self.zero_grad()\n        {CALL}",
        ),
        "gradients of zeros for the others": (
            CALL,
            "for adapter in self.adapters:\n"
            "            for p in adapter.parameters():\n"
            "                if p.grad is None:\n"
            "                    p.grad = 0 * p.detach()\n"
            f"        {CALL}",
        ),
        "the others decayed by the call": (
            CALL,
            "for i, adapter in enumerate(self.adapters):\n"
            "            for p in adapter.parameters() if i != adapter_id else ():\n"
            "                p.data.mul_(0.99)\n"
            f"        {CALL}",
        ),
    },
    "draws": {
        "down drawn from the normal distribution": (
            "range(num_adapters)\n        )",
            f"{EACH}nn.init.normal_(adapter.down.weight)",
        ),
        "down drawn smaller": (
            "range(num_adapters)\n        )",
            f"{EACH}adapter.down.weight.data.mul_(0.1)",
        ),
    },
    "kept": {
        "others frozen by the call": (
            CALL,
            "for i, adapter in enumerate(self.adapters):\n"
            "            adapter.requires_grad_(i == adapter_id)\n"
            f"        {CALL}",
        ),
        "others in eval by the call": (
            CALL,
            "for i, adapter in enumerate(self.adapters):\n"
            "            adapter.train(i == adapter_id)\n"
            f"        {CALL}",
        ),
        "all set to train after the call": (
            CALL,
            "for i, adapter in enumerate(self.adapters):\n"
            "            adapter.requires_grad_(i == adapter_id)\n"
            "        out = self.adapters[adapter_id](x)\n"
            "        self.requires_grad_(True)\n"
            "        return out",
        ),
        "the chosen one set to train by the call": (
            CALL,
            "return self.adapters[adapter_id].requires_grad_()(x)",
        ),
        "the last id in a buffer": (
            CALL,
            f'self.register_buffer("active", x.new_tensor(adapter_id))\n        {CALL}',
        ),
    },
    "inputs": {
        "a zero made on the CPU": (
            CALL,
            f"{CALL} + __import__('torch').zeros(1).to(x.dtype)",
        ),
        "x changed in place where no gradient is needed": (
            CALL,
            "out = self.adapters[adapter_id](x)\n"
            "        return out if out.requires_grad else x.copy_(out)",
        ),
        "x viewed as rows": (
            CALL,
            "return self.adapters[adapter_id](x.view(-1, x.shape[-1])).view(x.shape)",
        ),
        "sizes taken apart as B, L, D": (CALL, f"*rest, length, width = x.shape\n        {CALL}"),
    },
    "dtypes": {
        "float32 whatever came": ("[adapter_id](x)", "[adapter_id](x).float()"),
    },
    "errors": {
        "negative ids count from the end": (TEST, "if adapter_id >= len(self.adapters):"),
        "no test of the id": (f"        {TEST}\n            {ERROR}\n", ""),
        "one too many allowed": (
            TEST,
            "adapter_id = min(adapter_id, len(self.adapters) - 1)\n        if adapter_id < 0:",
        ),
        "modulo": (
            f"        {TEST}",
            "        adapter_id %= len(self.adapters)\n        if adapter_id < 0:",
        ),
        "an assert for the id": (
            f"{TEST}\n            {ERROR}",
            "assert adapter_id in range(len(self.adapters))",
        ),
        "ValueError for an unknown id": ("raise IndexError", "raise ValueError"),
        "x as it came for an unknown id": (ERROR, "return x"),
        "no adapters at all": ("if num_adapters < 1:", "if num_adapters < 0:"),
        "x of last size 1 repeated": (
            CALL,
            f"x = x.expand(*x.shape[:-1], self.adapters[0].up.out_features)\n        {CALL}",
        ),
    },
}

VARIANTS = {
    "appended one by one, a chained comparison": """
class AdapterStack(nn.Module):
    def __init__(self, d_model, bottleneck_dim, num_adapters):
        super().__init__()
        if num_adapters <= 0:
            raise ValueError("num_adapters")
        self.num_adapters = num_adapters
        self.adapters = nn.ModuleList()
        for _ in range(num_adapters):
            self.adapters.append(BottleneckAdapter(d_model, bottleneck_dim))

    def forward(self, x, adapter_id):
        if not 0 <= adapter_id < self.num_adapters:
            raise IndexError(adapter_id)
        for i, adapter in enumerate(self.adapters):
            if i == adapter_id:
                return adapter(x)
""",
    "a textbook answer": """
class AdapterStack(nn.Module):
    def __init__(self, d_model, bottleneck_dim, num_adapters):
        super().__init__()
        if num_adapters < 1:
            raise ValueError("num_adapters must be at least 1")
        self.adapters = nn.ModuleList(
            [BottleneckAdapter(d_model, bottleneck_dim) for _ in range(num_adapters)]
        )

    def forward(self, x, adapter_id):
        if adapter_id < 0 or adapter_id >= len(self.adapters):
            raise IndexError(f"no adapter {adapter_id}")
        adapter = self.adapters[adapter_id]
        return adapter(x)
""",
    "a dispatch by module name": (CALL, 'return self.get_submodule(f"adapters.{adapter_id}")(x)'),
    "torch's own IndexError past the end": (TEST, "if adapter_id < 0:"),
}
