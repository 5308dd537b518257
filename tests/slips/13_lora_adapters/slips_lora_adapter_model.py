"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "block": {
        "LoRA in the MLP": (
            '("proj_in", "proj_out")',
            '("ff1", "ff2")',
        ),
        "LoRA in all four": (
            '("proj_in", "proj_out")',
            '("proj_in", "proj_out", "ff1", "ff2")',
        ),
        "LoRA in one projection": (
            '("proj_in", "proj_out")',
            '("proj_in",)',
        ),
        "rank and bottleneck swapped": (
            "LoRALinear(getattr(block, name), lora_rank)",
            "LoRALinear(getattr(block, name), adapter_bottleneck)",
        ),
        "one wrapper for both": (
            '    for name in ("proj_in", "proj_out"):\n'
            "        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))",
            "    lora = LoRALinear(block.proj_in, lora_rank)\n"
            "    block.proj_in, block.proj_out = lora, lora",
        ),
        "adapter inside the block": (
            "        model = AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))",
            "        adapter = BottleneckAdapter(d_model, adapter_bottleneck)\n"
            "        block.ff2 = AdapterBlock(block.ff2, adapter)",
        ),
        "LoRA around new layers": (
            "LoRALinear(getattr(block, name), lora_rank)",
            "LoRALinear(nn.Linear(d_model, d_model).requires_grad_(False), lora_rank)",
        ),
        "both around proj_in's layer": (
            "LoRALinear(getattr(block, name), lora_rank)",
            'LoRALinear(getattr(block.proj_in, "base", block.proj_in), lora_rank)',
        ),
        "new layers in place of the block's": (
            "LoRALinear(getattr(block, name), lora_rank)",
            "LoRALinear(nn.Linear(d_model, d_model, bias=False).requires_grad_(False), lora_rank)",
        ),
    },
    "adapter": {
        "LoRA in the adapter too": (
            "    return model, [",
            "    if use_adapter_block:\n"
            "        model.adapter.down = LoRALinear(model.adapter.down, lora_rank)\n"
            "    return model, [",
        ),
        "always an adapter": (
            "    if use_adapter_block:",
            "    if True:",
        ),
        "never an adapter": (
            "    if use_adapter_block:",
            "    if False:",
        ),
        "no adapter by default": (
            "use_adapter_block: bool = True",
            "use_adapter_block: bool = False",
        ),
        "no AdapterBlock but a Sequential": (
            "AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))",
            "nn.Sequential()\n"
            "        model.sublayer = block\n"
            "        model.adapter = BottleneckAdapter(d_model, adapter_bottleneck)",
        ),
        "an adapter of d_ff features": (
            "BottleneckAdapter(d_model, adapter_bottleneck))",
            "BottleneckAdapter(d_model, d_ff))",
        ),
    },
    "trains": {
        "LoRA first, frozen by the block around it": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    model = block = BaseTransformerBlock(d_model, d_ff).requires_grad_(False)
    for name in ("proj_in", "proj_out"):
        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))
    if use_adapter_block:
        model = AdapterBlock(block, BottleneckAdapter(d_model, adapter_bottleneck))
    return model, [p for p in model.parameters() if p.requires_grad]
""",
        "not frozen without an adapter": (
            "BaseTransformerBlock(d_model, d_ff).requires_grad_(False)",
            "BaseTransformerBlock(d_model, d_ff)",
        ),
        "frozen last": (
            "    return model, [",
            "    model.requires_grad_(False)\n    return model, [",
        ),
        "adapter frozen too": (
            "BottleneckAdapter(d_model, adapter_bottleneck))",
            "BottleneckAdapter(d_model, adapter_bottleneck).requires_grad_(False))",
        ),
        "only the projections frozen": (
            "BaseTransformerBlock(d_model, d_ff).requires_grad_(False)",
            "BaseTransformerBlock(d_model, d_ff)\n"
            "    block.proj_in.requires_grad_(False), block.proj_out.requires_grad_(False)",
        ),
        "biases train along": (
            "    return model, [",
            "    for name, p in block.named_parameters():\n"
            '        if name.endswith("bias"):\n'
            "            p.requires_grad_(True)\n"
            "    return model, [",
        ),
        "the whole LoRALinears train": (
            "    return model, [",
            "    block.proj_in.requires_grad_(True), block.proj_out.requires_grad_(True)\n"
            "    return model, [",
        ),
        "lora_A alone trains": (
            "    return model, [",
            "    for name, p in block.named_parameters():\n"
            '        if name.endswith("lora_B"):\n'
            "            p.requires_grad_(False)\n"
            "    return model, [",
        ),
        "lora_B alone trains": (
            "    return model, [",
            "    for name, p in block.named_parameters():\n"
            '        if name.endswith("lora_A"):\n'
            "            p.requires_grad_(False)\n"
            "    return model, [",
        ),
        "an attribute named requires_grad": (
            "BaseTransformerBlock(d_model, d_ff).requires_grad_(False)",
            "BaseTransformerBlock(d_model, d_ff)\n    block.requires_grad = False",
        ),
    },
    "trainable": {
        "LoRA alone in trainable": (
            "if p.requires_grad]",
            "if p.requires_grad and p.ndim == 2 and lora_rank in p.shape]",
        ),
        "trainable collected before the block froze it": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    model = block = BaseTransformerBlock(d_model, d_ff).requires_grad_(False)
    for name in ("proj_in", "proj_out"):
        block.set_submodule(name, LoRALinear(getattr(block, name), lora_rank))
    trainable = [p for p in model.parameters() if p.requires_grad]
    if use_adapter_block:
        adapter = BottleneckAdapter(d_model, adapter_bottleneck)
        model = AdapterBlock(block, adapter)
        trainable += adapter.parameters()
    return model, trainable
""",
        "the block's alone in trainable": (
            "for p in model.parameters() if",
            "for p in block.parameters() if",
        ),
        "all in trainable": (
            " if p.requires_grad]",
            "]",
        ),
        "names in trainable": (
            "[p for p in model.parameters() if p.requires_grad]",
            "[n for n, p in model.named_parameters() if p.requires_grad]",
        ),
        "a generator": (
            "[p for p in model.parameters() if p.requires_grad]",
            "(p for p in model.parameters() if p.requires_grad)",
        ),
        "the model alone": (
            "return model, [p for p in model.parameters() if p.requires_grad]",
            "return model",
        ),
        "each twice": (
            "[p for p in model.parameters() if p.requires_grad]",
            "[p for p in model.parameters() for _ in (0, 1) if p.requires_grad]",
        ),
        "copies": (
            "[p for p in model.parameters() if p.requires_grad]",
            "[p.clone() for p in model.parameters() if p.requires_grad]",
        ),
        "trainable first, the model second": (
            "return model, [p for p in model.parameters() if p.requires_grad]",
            "return [p for p in model.parameters() if p.requires_grad], model",
        ),
    },
    "start": {
        "eval mode": (
            "    return model, [",
            "    model.eval()\n    return model, [",
        ),
        "the adapter does not start as nothing": (
            "    return model, [",
            "    for p in model.parameters():\n"
            "        if not p.any():\n"
            "            nn.init.normal_(p, std=0.1)\n"
            "    return model, [",
        ),
        "lora_B random": (
            "    return model, [",
            '    for name in ("proj_in", "proj_out"):\n'
            "        nn.init.normal_(getattr(block, name).lora_B)\n"
            "    return model, [",
        ),
        "float64": (
            "    return model, [",
            "    model.double()\n    return model, [",
        ),
    },
    "computes": {
        "scale of its own": (
            "getattr(block, name), lora_rank)",
            "getattr(block, name), lora_rank, 0.5)",
        ),
        "scale by the rank": (
            "getattr(block, name), lora_rank)",
            "getattr(block, name), lora_rank, 1 / lora_rank)",
        ),
        "scale 16 / rank": (
            "getattr(block, name), lora_rank)",
            "getattr(block, name), lora_rank, 16 / lora_rank)",
        ),
        "LoRA counted twice": (
            "LoRALinear(getattr(block, name), lora_rank)",
            "LoRALinear(getattr(block, name), lora_rank, 2.0)",
        ),
    },
    "fresh": {
        "a seed of its own": (
            "    block: nn.Module",
            "    import torch\n\n    torch.manual_seed(0)\n    block: nn.Module",
        ),
        "one block for all models": (
            "block: nn.Module = BaseTransformerBlock(d_model, d_ff)",
            'kept = globals().setdefault("kept", {})\n'
            "    made = BaseTransformerBlock(d_model, d_ff)\n"
            "    block: nn.Module = kept.setdefault((d_model, d_ff), made)\n"
            '    block.proj_in = getattr(block.proj_in, "base", block.proj_in)\n'
            '    block.proj_out = getattr(block.proj_out, "base", block.proj_out)\n'
            "    block",
        ),
        "one adapter for all models": (
            "BottleneckAdapter(d_model, adapter_bottleneck))",
            'globals().setdefault("kept", {}).setdefault(\n'
            "            (d_model, adapter_bottleneck),\n"
            "            BottleneckAdapter(d_model, adapter_bottleneck)))",
        ),
    },
    "errors": {
        "bottleneck refused where it is ignored": (
            "    model = block\n",
            "    BottleneckAdapter(d_model, adapter_bottleneck)\n    model = block\n",
        ),
        "negative bottleneck refused where it is ignored": (
            "    model = block\n",
            "    if adapter_bottleneck < 0:\n        raise ValueError\n    model = block\n",
        ),
        "rank at least 1": (
            "LoRALinear(getattr(block, name), lora_rank)",
            "LoRALinear(getattr(block, name), max(lora_rank, 1))",
        ),
        "no adapter for a bottleneck of nothing": (
            "    if use_adapter_block:",
            "    if use_adapter_block and adapter_bottleneck > 0:",
        ),
    },
}

VARIANTS = {
    "a textbook answer": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    block = BaseTransformerBlock(d_model, d_ff)
    for p in block.parameters():
        p.requires_grad = False
    if use_adapter_block:
        adapter = BottleneckAdapter(d_model, adapter_bottleneck)
        model = AdapterBlock(block, adapter)
    else:
        model = block
    block.proj_in = LoRALinear(block.proj_in, lora_rank)
    block.proj_out = LoRALinear(block.proj_out, lora_rank)
    trainable = []
    for p in model.parameters():
        if p.requires_grad:
            trainable.append(p)
    return model, trainable
""",
    "freeze last, by name": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    model = BaseTransformerBlock(d_model, d_ff)
    model.proj_in = LoRALinear(model.proj_in, lora_rank, 1.0)
    model.proj_out = LoRALinear(model.proj_out, lora_rank, 1.0)
    if use_adapter_block:
        model = AdapterBlock(model, BottleneckAdapter(d_model, adapter_bottleneck))
    trainable = []
    for name, p in model.named_parameters():
        p.requires_grad = "lora_" in name or name.startswith("adapter.")
        if p.requires_grad:
            trainable.insert(0, p)
    return model, trainable
""",
    "the two cases apart": """
def build_lora_adapter_model(
    d_model, d_ff, lora_rank, adapter_bottleneck, use_adapter_block=True
):
    block = BaseTransformerBlock(d_model, d_ff)
    for p in block.parameters():
        p.requires_grad_(False)
    if not use_adapter_block:
        a = block.proj_in = LoRALinear(block.proj_in, lora_rank)
        b = block.proj_out = LoRALinear(block.proj_out, lora_rank)
        return block, [a.lora_A, a.lora_B, b.lora_A, b.lora_B]
    adapter = BottleneckAdapter(d_model, adapter_bottleneck)
    outer = AdapterBlock(block, adapter)
    _, trainable = build_lora_adapter_model.__wrapped__(block, lora_rank)
    return outer, trainable + list(adapter.parameters())

def add_lora(block, rank):
    params = []
    for name in ("proj_out", "proj_in"):
        layer = LoRALinear(block.get_submodule(name), rank)
        setattr(block, name, layer)
        params += [layer.lora_A, layer.lora_B]
    return block, params

build_lora_adapter_model.__wrapped__ = add_lora
""",
}
