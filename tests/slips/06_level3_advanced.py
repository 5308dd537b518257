"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_multi_input": {
        "any order of axes taken": ("if image.shape[1:] != self.image_shape:", "if False:"),
        "number of pixels compared, not the shape": (
            "if image.shape[1:] != self.image_shape:",
            "if image[0].numel() != math.prod(self.image_shape):",
        ),
        "last three dims compared": ("image.shape[1:] !=", "image.shape[-3:] !="),
        "height and width compared, number of dims not": (
            "image.shape[1:] != self.image_shape",
            "image.shape[-2:] != self.image_shape[1:]",
        ),
        "meta made to fit the number of images": (
            "self.meta_encoder(meta)",
            "self.meta_encoder(meta.reshape(len(image), -1))",
        ),
        "meta made to fit its encoder": (
            "self.meta_encoder(meta)",
            "self.meta_encoder(meta.reshape(-1, self.meta_encoder[0].in_features))",
        ),
        "meta of one sample without N": (
            "self.meta_encoder(meta)",
            "self.meta_encoder(meta.unsqueeze(0) if meta.dim() == 1 else meta)",
        ),
        "logits of one class squeezed": ("self.head(joined)", "self.head(joined).squeeze(-1)"),
        "shape asserted": (
            "if image.shape[1:] != self.image_shape:",
            "assert image.shape[1:] == self.image_shape\n        if False:",
        ),
        "dims by index, however many there are": (
            "if image.shape[1:] != self.image_shape:",
            "if (image.shape[1], image.shape[2], image.shape[3]) != self.image_shape:",
        ),
        "encoders' layers called one by one": (
            "self.image_encoder(image)",
            "self.image_encoder[1](image.flatten(1)).relu()",
        ),
        "features clamped": ("self.head(joined)", "self.head(joined.clamp(-10, 10))"),
        "channels compared, height and width not": (
            "if image.shape[1:] != self.image_shape:",
            "if image.shape[1] != self.image_shape[0]:",
        ),
        "meta features first": (
            "[self.image_encoder(image), self.meta_encoder(meta)]",
            "[self.meta_encoder(meta), self.image_encoder(image)]",
        ),
        "meta ignored": ("self.meta_encoder(meta)]", "0 * self.meta_encoder(meta)]"),
        "raw meta joined": (
            "self.meta_encoder = nn.Sequential(nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "self.meta_encoder = nn.Flatten()\n        hidden_meta = meta_dim",
        ),
        "features added": (
            "self.head = nn.Linear(hidden_img + hidden_meta, num_classes)",
            "self.head = nn.Linear(hidden_img, num_classes)\n"
            "        self.meta_encoder[0] = nn.Linear(meta_dim, hidden_img)",
        ),
        "joined along the batch": ("torch.cat(features, dim=1)", "torch.cat(features, dim=0)"),
        "meta encoder without activation": (
            "nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "nn.Linear(meta_dim, hidden_meta))",
        ),
        "image encoder without activation": (
            "nn.Linear(math.prod(self.image_shape), hidden_img), nn.ReLU()",
            "nn.Linear(math.prod(self.image_shape), hidden_img)",
        ),
        "activation after the join": ("self.head(joined)", "self.head(joined.relu())"),
        "another activation": (
            "nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "nn.Linear(meta_dim, hidden_meta), nn.GELU())",
        ),
        "activation of the logits": ("return self.head(joined)", "return self.head(joined).relu()"),
        "softmax in the model": (
            "return self.head(joined)",
            "return self.head(joined).softmax(dim=1)",
        ),
        "dropout before the head": (
            "self.head(joined)",
            "self.head(nn.functional.dropout(joined, 0.2, self.training))",
        ),
        "normalization before the head": (
            "self.head = nn.Linear(hidden_img + hidden_meta, num_classes)",
            "self.head = nn.Sequential(nn.BatchNorm1d(hidden_img + hidden_meta), "
            "nn.Linear(hidden_img + hidden_meta, num_classes))",
        ),
        "head without bias": (
            "nn.Linear(hidden_img + hidden_meta, num_classes)",
            "nn.Linear(hidden_img + hidden_meta, num_classes, bias=False)",
        ),
        "hidden sizes swapped": (
            "nn.Linear(math.prod(self.image_shape), hidden_img)",
            "nn.Linear(math.prod(self.image_shape), hidden_meta)",
        ),
        "flattened before the encoder": (
            "self.image_encoder(image)",
            "self.image_encoder(image.flatten(1))",
        ),
        "pixels in the order row, column, channel": (
            "self.image_encoder(image)",
            "self.image_encoder(image.permute(0, 2, 3, 1))",
        ),
        "view of an image in any layout": (
            "self.image_encoder(image)",
            "self.image_encoder(image.view(len(image), -1).view_as(image))",
        ),
        "meta of one repeated": (
            "self.meta_encoder(meta)]",
            "self.meta_encoder(meta).expand(len(image), -1)]",
        ),
        "image of one repeated": (
            "[self.image_encoder(image),",
            "[self.image_encoder(image.expand(len(meta), -1, -1, -1)),",
        ),
        "longer batch cut off": (
            "if image.shape[1:] != self.image_shape:",
            "n = min(len(image), len(meta))\n        image, meta = image[:n], meta[:n]\n"
            "        if image.shape[1:] != self.image_shape:",
        ),
        "batch of one squeezed": ("self.head(joined)", "self.head(joined.squeeze())"),
        "gradient cut": ("self.image_encoder(image),", "self.image_encoder(image).detach(),"),
        "float32 whatever came": ("return self.head(joined)", "return self.head(joined).float()"),
        "joined in a tensor on the CPU": (
            "torch.cat(features, dim=1)",
            "torch.zeros(len(image), 1).to(meta.dtype) + torch.cat(features, dim=1)",
        ),
        "image normalized in place": (
            "features = [",
            "image -= image.mean()\n        features = [",
        ),
        "encoders in a list beside their names": """
class MultiInputClassifier(MultiInputClassifier):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.encoders = [self.image_encoder, self.meta_encoder]

    def forward(self, image, meta):
        if image.shape[1:] != self.image_shape:
            raise ValueError("wrong shape")
        inputs = zip(self.encoders, (image, meta))
        return self.head(torch.cat([encoder(x) for encoder, x in inputs], dim=1))
""",
        "an unused layer": (
            "self.head = nn",
            "self.fusion = nn.Linear(hidden_img, hidden_meta)\n        self.head = nn",
        ),
    },
    "challenge_gradient_clip": {
        "gives None where there was no batch": (
            'raise ValueError("the loader gave no batch")',
            "return None",
        ),
        "not clipped": ("        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n", ""),
        "clipped after the step": (
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        optimizer.step()\n",
            "        optimizer.step()\n"
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
        ),
        "clipped before backward": (
            "        loss.backward()\n"
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        loss.backward()\n",
        ),
        "clipped once an epoch": (
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "        if not seen:\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
        ),
        "clipped by value": ("clip_grad_norm_(", "clip_grad_value_("),
        "each parameter by itself": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "[nn.utils.clip_grad_norm_(p, max_norm) for p in model.parameters()]",
        ),
        "first group only": (
            "model.parameters(), max_norm",
            'optimizer.param_groups[0]["params"], max_norm',
        ),
        "each group by itself": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "for group in optimizer.param_groups:\n"
            '            nn.utils.clip_grad_norm_(group["params"], max_norm)',
        ),
        "parameters clipped, not gradients": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "with torch.no_grad():\n"
            "            for p in model.parameters():\n"
            "                p.clamp_(-max_norm, max_norm)",
        ),
        "another norm": ("max_norm)\n        optimizer", "max_norm, 1.0)\n        optimizer"),
        "largest value taken for the norm": (
            "max_norm)\n        optimizer",
            "max_norm, float('inf'))\n        optimizer",
        ),
        "another default": ("max_norm: float = 1.0", "max_norm: float = 5.0"),
        "default always": ("model.parameters(), max_norm)", "model.parameters(), 1.0)"),
        "squared norm": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        norm = sum(g.pow(2).sum() for g in grads)\n"
            "        for g in grads:\n"
            "            g.mul_((max_norm / (norm + 1e-6)).clamp(max=1))",
        ),
        "short gradients made longer": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        norm = sum(g.pow(2).sum() for g in grads).sqrt()\n"
            "        for g in grads:\n"
            "            g.mul_(max_norm / (norm + 1e-6))",
        ),
        "divided by a norm of zero": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        norm = sum(g.pow(2).sum() for g in grads).sqrt()\n"
            "        for g in grads:\n"
            "            g.div_(norm).mul_(norm.clamp(max=max_norm))",
        ),
        "parameters without gradient not expected": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "norm = sum((p.grad**2).sum() for p in model.parameters()).sqrt()\n"
            "        for p in model.parameters():\n"
            "            p.grad.mul_((max_norm / (norm + 1e-6)).clamp(max=1))",
        ),
        "norms added instead of squares": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "grads = [p.grad for p in model.parameters() if p.grad is not None]\n"
            "        norm = sum(g.norm() for g in grads)\n"
            "        for g in grads:\n"
            "            g.mul_((max_norm / (norm + 1e-6)).clamp(max=1))",
        ),
        "long gradients dropped": (
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        optimizer.step()\n",
            "        if nn.utils.clip_grad_norm_(model.parameters(), max_norm) < max_norm:\n"
            "            optimizer.step()\n",
        ),
        "long gradients set to zero": (
            "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
            "if nn.utils.clip_grad_norm_(model.parameters(), max_norm) > max_norm:\n"
            "            optimizer.zero_grad(set_to_none=False)",
        ),
        "loss clipped": ("loss.backward()", "loss.clamp(max=max_norm).backward()"),
        "clipped loss reported": ("loss.item() * len(y)", "min(loss.item(), max_norm) * len(y)"),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad after backward": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "zero_grad after the step only": (
            "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n"
            "        loss.backward()\n"
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        optimizer.step()\n",
            "        loss = criterion(model(x), y)\n        loss.backward()\n"
            "        nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "steps by hand": (
            "optimizer.step()",
            "with torch.no_grad():\n"
            "            for p in model.parameters():\n"
            "                if p.grad is not None:\n"
            "                    p -= 0.1 * p.grad",
        ),
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("model.train()", "model.eval()"),
        "only the outer module in train mode": ("model.train()", "model.training = True"),
        "given back in eval mode": (
            "    return total / seen",
            "    model.eval()\n    return total / seen",
        ),
        "batch left where it was": ("x.to(device), y.to(device)", "x, y"),
        "input cast to the model's dtype": (
            "x.to(device), y.to(device)",
            "x.to(device, next(model.parameters()).dtype), y.to(device)",
        ),
        "float labels cast to float32": (
            "x.to(device), y.to(device)",
            "x.to(device), y.to(device).float() if y.is_floating_point() else y.to(device)",
        ),
        "labels left where they were": ("x.to(device), y.to(device)", "x.to(device), y"),
        "mean of batch means": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item()\n        seen += 1",
        ),
        "length of the loader": ("total / seen", "total / len(loader)"),
        "loss of the last batch": ("return total / seen", "return loss.item()"),
        "a tensor returned": ("loss.item() * len(y)", "loss.detach() * len(y)"),
        "max_norm not looked at": ("if max_norm <= 0:", "if False:"),
        "only a negative max_norm refused": ("if max_norm <= 0:", "if max_norm < 0:"),
        "max_norm looked at too late": (
            "    if max_norm <= 0:  #",
            "    model.train()\n    if max_norm <= 0:  #",
        ),
        "no batch, no error": ("if seen == 0:", "if False:"),
        "no name for what no batch gives": (
            '    if seen == 0:\n        raise ValueError("the loader gave no batch")\n',
            "    loss.item()\n",
        ),
        "nothing for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return 0.0",
        ),
    },
    "challenge_gradient_accumulation": {
        "gives None where there was no batch": (
            'raise ValueError("the loader gave no batch")',
            "return None",
        ),
        "last group scaled like a full one": (
            "loss * len(y) / samples",
            "loss / accum_steps",
        ),
        "a mean of batch means": ("loss * len(y) / samples", "loss / len(group)"),
        "sum of the batches": ("loss * len(y) / samples", "loss"),
        "sum over the samples": ("loss * len(y) / samples", "loss * len(y)"),
        "mean of means of full groups, by samples in the last": (
            "loss * len(y) / samples",
            "loss / accum_steps if len(group) == accum_steps else loss * len(y) / samples",
        ),
        "last short group not stepped": (
            "        optimizer.step()\n",
            "        if len(group) == accum_steps:\n            optimizer.step()\n",
        ),
        "last short group not trained on": (
            "        samples = sum(",
            "        if len(group) < accum_steps:\n            break\n        samples = sum(",
        ),
        "zero_grad for every batch": (
            "            x, y = x.to(device)",
            "            optimizer.zero_grad()\n            x, y = x.to(device)",
        ),
        "a step for every batch": (
            "        optimizer.step()\n        seen",
            "            optimizer.step()\n        seen",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad after the step only": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y) / samples).backward()
            total += loss.item() * len(y)
        optimizer.step()
        optimizer.zero_grad()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "zero_grad once an epoch": (
            "        optimizer.zero_grad()\n",
            "        if not seen:\n            optimizer.zero_grad()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "stepped at the first batch of a group": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    optimizer.zero_grad()
    for i, (x, y) in enumerate(loader):
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        (loss / accum_steps).backward()
        if i % accum_steps == 0:
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "the loop of most tutorials": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    optimizer.zero_grad()
    for i, (x, y) in enumerate(loader):
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        (loss / accum_steps).backward()
        if (i + 1) % accum_steps == 0 or i + 1 == len(loader):
            optimizer.step()
            optimizer.zero_grad()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "one step more after full groups": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen, samples, i = 0.0, 0, 0, 0

    def step():
        for p in model.parameters():
            if p.grad is not None:
                p.grad /= max(samples, 1)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)

    optimizer.zero_grad()
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        (loss * len(y)).backward()
        total += loss.item() * len(y)
        seen, samples, i = seen + len(y), samples + len(y), i + 1
        if i % accum_steps == 0:
            step()
            samples = 0
    step()
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "group joined for one forward pass": (
            "        samples = sum(",
            "        group = [tuple(torch.cat(parts) for parts in zip(*group))]\n"
            "        samples = sum(",
        ),
        "losses summed for one backward pass": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        loss = sum(criterion(model(x.to(device)), y.to(device)) * len(y) for x, y in group)
        (loss / samples).backward()
        optimizer.step()
        total += loss.item()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
        "graphs kept in the sum": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y) / samples).backward()
            total = total + loss * len(y)
        optimizer.step()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return (total / seen).item()
""",
        "all batches read first": (
            "batches = iter(loader)",
            "batches = iter(list(loader))",
        ),
        "every batch kept": (
            "        samples = sum(",
            "        kept = [*kept, *group] if seen else group\n        samples = sum(",
        ),
        "loader with a length expected": (
            "    batches = iter(loader)\n",
            "    batches, last = iter(loader), len(loader) % accum_steps\n",
        ),
        "loader read again for every group": (
            "while group := list(islice(batches, accum_steps)):",
            "for i in range(0, len(list(loader)), accum_steps):\n"
            "        group = list(islice(loader, i, i + accum_steps))",
        ),
        "groups of one more": ("islice(batches, accum_steps)", "islice(batches, accum_steps + 1)"),
        "divided loss reported": (
            "total += loss.item() * len(y)",
            "total += loss.item() / accum_steps * len(y)",
        ),
        "mean of batch means reported": (
            "total += loss.item() * len(y)\n        optimizer.step()\n        seen += samples",
            "total += loss.item()\n        optimizer.step()\n        seen += len(group)",
        ),
        "last batch of each group reported": (
            "            total += loss.item() * len(y)\n",
            "        total += loss.item() * samples\n",
        ),
        "a tensor returned": ("loss.item() * len(y)", "loss.detach() * len(y)"),
        "steps by hand": (
            "optimizer.step()",
            "with torch.no_grad():\n"
            "            for p in model.parameters():\n"
            "                if p.grad is not None:\n"
            "                    p -= 0.05 * p.grad",
        ),
        "train mode not set": ("    model.train()\n", ""),
        "only the outer module in train mode": ("model.train()", "model.training = True"),
        "given back in eval mode": (
            "    return total / seen",
            "    model.eval()\n    return total / seen",
        ),
        "batch left where it was": ("x.to(device), y.to(device)", "x, y"),
        "input cast to the model's dtype": (
            "x.to(device), y.to(device)",
            "x.to(device, next(model.parameters()).dtype), y.to(device)",
        ),
        "float labels cast to float32": (
            "x.to(device), y.to(device)",
            "x.to(device), y.to(device).float() if y.is_floating_point() else y.to(device)",
        ),
        "labels left where they were": ("x.to(device), y.to(device)", "x.to(device), y"),
        "accum_steps not looked at": ("if accum_steps <= 0:", "if False:"),
        "only a negative accum_steps refused": ("if accum_steps <= 0:", "if accum_steps < 0:"),
        "accum_steps of zero taken for one": (
            '        raise ValueError(f"accum_steps is {accum_steps}, want at least 1")\n',
            "        accum_steps = 1\n",
        ),
        "accum_steps looked at too late": (
            "    if accum_steps <= 0:",
            "    model.train()\n    if accum_steps <= 0:",
        ),
        "no batch, no error": ("if seen == 0:", "if False:"),
        "nothing for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return 0.0",
        ),
        "parameters without gradient not expected": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError(accum_steps)
    model.train()
    total, seen = 0.0, 0
    batches = iter(loader)
    while group := list(islice(batches, accum_steps)):
        samples = sum(len(y) for _, y in group)
        optimizer.zero_grad()
        for x, y in group:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            (loss * len(y)).backward()
            total += loss.item() * len(y)
        for p in model.parameters():
            p.grad /= samples
        optimizer.step()
        seen += samples
    if seen == 0:
        raise ValueError("no batch")
    return total / seen
""",
    },
    "challenge_mixed_precision": {
        "loss outside autocast": (
            "            loss = criterion(model(x), y)\n",
            "            output = model(x)\n        loss = criterion(output, y)\n",
        ),
        "model outside autocast": (
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n",
            "        output = model(x)\n"
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(output, y)\n",
        ),
        "backward inside autocast": (
            "y)\n        scaler.scale(loss).backward()",
            "y)\n            scaler.scale(loss).backward()",
        ),
        "autocast around the whole epoch": (
            "    for x, y in loader:\n"
            "        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n"
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n"
            "        scaler.scale(loss).backward()\n"
            "        if max_norm is not None:\n"
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "        scaler.step(optimizer)\n"
            "        scaler.update()\n"
            "        total += loss.item() * len(y)\n"
            "        seen += len(y)\n",
            "    with torch.autocast(device.type, dtype=dtype):\n"
            "        for x, y in loader:\n"
            "            x, y = x.to(device), y.to(device)\n"
            "            optimizer.zero_grad()\n"
            "            loss = criterion(model(x), y)\n"
            "            scaler.scale(loss).backward()\n"
            "            if max_norm is not None:\n"
            "                scaler.unscale_(optimizer)\n"
            "                nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "            scaler.step(optimizer)\n"
            "            scaler.update()\n"
            "            total += loss.item() * len(y)\n"
            "            seen += len(y)\n",
        ),
        "autocast left on": (
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n",
            "        autocast = torch.autocast(device.type, dtype=dtype)\n"
            "        autocast.__enter__()\n"
            "        loss = criterion(model(x), y)\n",
        ),
        "autocast switched on again at the end": (
            "    if seen == 0:\n",
            "    torch.set_autocast_enabled(device.type, True)\n    if seen == 0:\n",
        ),
        "model in half precision instead": (
            "        with torch.autocast(device.type, dtype=dtype):\n"
            "            loss = criterion(model(x), y)\n",
            "        loss = criterion(model.bfloat16()(x.bfloat16()), y)\n",
        ),
        "model in half precision under autocast": (
            "    model.train()\n",
            "    model.train().to(dtype if not on_cuda else torch.bfloat16)\n",
        ),
        "batch in half precision": ("x.to(device),", "x.to(device, dtype),"),
        "no autocast": ("dtype=dtype):", "dtype=dtype, enabled=False):"),
        "no autocast on the CPU": ("dtype=dtype):", "dtype=dtype, enabled=on_cuda):"),
        "no autocast on cuda": ("dtype=dtype):", "dtype=dtype, enabled=not on_cuda):"),
        "autocast of cuda everywhere": ("torch.autocast(device.type,", 'torch.autocast("cuda",'),
        "autocast of the CPU everywhere": ("torch.autocast(device.type,", 'torch.autocast("cpu",'),
        "float16 on the CPU": ("torch.float16 if on_cuda else torch.bfloat16", "torch.float16"),
        "bfloat16 on cuda": ("torch.float16 if on_cuda else torch.bfloat16", "torch.bfloat16"),
        "the GPU there is decides, not the argument": (
            'device.type == "cuda"',
            "torch.cuda.is_available()",
        ),
        "cuda with an index not seen": (
            'device.type == "cuda"',
            'device == torch.device("cuda")',
        ),
        "cuda with an index not seen in its name": (
            'device.type == "cuda"',
            'str(device) == "cuda"',
        ),
        "steps skipped on the CPU too": (
            "        scaler.step(optimizer)\n",
            "        finite = all(p.grad.isfinite().all() for p in model.parameters())\n"
            "        if not on_cuda and not finite:\n"
            "            optimizer.zero_grad()\n"
            "        else:\n"
            "            scaler.step(optimizer)\n",
        ),
        "ValueError on cuda only": (
            "if seen == 0:",
            "if seen == 0 and not on_cuda:\n        return 0.0\n    if seen == 0:",
        ),
        "output cast before the loss": ("criterion(model(x), y)", "criterion(model(x).float(), y)"),
        "no scaler": ("enabled=on_cuda", "enabled=False"),
        "a scaler on the CPU too": ("GradScaler(enabled=on_cuda)", "GradScaler(device.type)"),
        "a scaler of cuda on the CPU": ("GradScaler(enabled=on_cuda)", "GradScaler()"),
        "a constant factor instead of a scaler": (
            "        scaler.scale(loss).backward()\n",
            "        (loss * (65536 if on_cuda else 1)).backward()\n"
            "        for p in model.parameters():\n"
            "            p.grad /= 65536 if on_cuda else 1\n"
            "        scaler = torch.amp.GradScaler(enabled=False)\n",
        ),
        "a scale of one's own": ("enabled=on_cuda)", "enabled=on_cuda, init_scale=1024.0)"),
        "a scale that never shrinks": (
            "enabled=on_cuda)",
            "enabled=on_cuda, backoff_factor=0.9999999)",
        ),
        "a new scaler for every batch": (
            "        optimizer.zero_grad()\n",
            "        optimizer.zero_grad()\n"
            "        scaler = torch.amp.GradScaler(enabled=on_cuda)\n",
        ),
        "one scaler for all calls": (
            "    scaler = torch.amp.GradScaler(enabled=on_cuda)\n",
            "    if not hasattr(nn, '_scaler') or nn._scaler.is_enabled() != on_cuda:\n"
            "        nn._scaler = torch.amp.GradScaler(enabled=on_cuda)\n"
            "    scaler = nn._scaler\n",
        ),
        "scaler never updated": ("        scaler.update()\n", ""),
        "scaler updated once an epoch": (
            "        scaler.update()\n"
            "        total += loss.item() * len(y)\n"
            "        seen += len(y)\n",
            "        total += loss.item() * len(y)\n        seen += len(y)\n    scaler.update()\n",
        ),
        "step without the scaler": ("scaler.step(optimizer)", "optimizer.step()"),
        "step of the optimizer as well": (
            "scaler.step(optimizer)",
            "scaler.step(optimizer)\n        optimizer.step()",
        ),
        "scaled gradients used": (
            "        scaler.step(optimizer)\n        scaler.update()\n",
            "        optimizer.step()\n",
        ),
        "unscaled, but no look for inf": (
            "        scaler.step(optimizer)\n",
            "        if max_norm is None:\n"
            "            scaler.unscale_(optimizer)\n"
            "        optimizer.step()\n",
        ),
        "clip before unscale": ("            scaler.unscale_(optimizer)\n", ""),
        "unscale after the clip": (
            "            scaler.unscale_(optimizer)\n"
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n"
            "            scaler.unscale_(optimizer)\n",
        ),
        "never clipped": ("if max_norm is not None:", "if False:"),
        "always clipped": (
            "        if max_norm is not None:\n",
            "        max_norm = max_norm or 1.0\n        if max_norm is not None:\n",
        ),
        "each parameter clipped by itself": (
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            for p in model.parameters():\n"
            "                nn.utils.clip_grad_norm_(p, max_norm)\n",
        ),
        "values clipped": ("clip_grad_norm_", "clip_grad_value_"),
        "error where the norm is not finite": (
            "max_norm)\n        scaler",
            "max_norm, error_if_nonfinite=True)\n        scaler",
        ),
        "short gradients lengthened": (
            "            nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n",
            "            norm = nn.utils.clip_grad_norm_(model.parameters(), torch.inf)\n"
            "            for p in model.parameters():\n"
            "                p.grad *= max_norm / norm\n",
        ),
        "old gradients kept": ("        optimizer.zero_grad()\n", ""),
        "zero_grad before the step": (
            "        scaler.step(optimizer)\n",
            "        optimizer.zero_grad()\n        scaler.step(optimizer)\n",
        ),
        "scaled loss reported": (
            "total += loss.item() * len(y)",
            "total += scaler.scale(loss).item() * len(y)",
        ),
        "mean of batch means": (
            "total += loss.item() * len(y)\n        seen += len(y)",
            "total += loss.item()\n        seen += 1",
        ),
        "skipped batches not counted": (
            "        scaler.update()\n        total",
            "        scale = scaler.get_scale()\n"
            "        scaler.update()\n"
            "        if scaler.get_scale() < scale:\n"
            "            continue\n"
            "        total",
        ),
        "infinite losses not counted": (
            "        total += loss.item() * len(y)\n",
            "        total += loss.nan_to_num(posinf=0.0).item() * len(y)\n",
        ),
        "batches with an infinite loss skipped": (
            "        scaler.scale(loss).backward()\n",
            "        if not loss.isfinite():\n            continue\n"
            "        scaler.scale(loss).backward()\n",
        ),
        "a tensor returned": ("return total / seen", "return torch.tensor(total / seen)"),
        "sum returned": ("return total / seen", "return total"),
        "length of the loader": ("return total / seen", "return total / len(loader)"),
        "no ValueError": ("    if seen == 0:\n", "    if False:\n"),
        "zero for no batch": (
            '        raise ValueError("the loader gave no batch")',
            "        return 0.0",
        ),
        "batch not moved": ("x.to(device), y.to(device)", "x, y"),
        "labels not moved": ("x.to(device), y.to(device)", "x.to(device), y"),
        "inputs not moved": ("x.to(device), y.to(device)", "x, y.to(device)"),
        "labels cast": ("y.to(device)", "y.to(device).long()"),
        "inputs cast": ("x.to(device),", "x.to(device).float(),"),
        "train mode forgotten": ("    model.train()\n", ""),
        "eval mode": ("model.train()", "model.eval()"),
        "train mode of the whole only": ("model.train()", "model.training = True"),
        "eval mode after": ("    return total", "    model.eval()\n    return total"),
        "first batch only": ("        seen += len(y)\n", "        seen += len(y)\n        break\n"),
        "loader read twice": ("    total = 0.0\n", "    total = 0.0 * len(list(loader))\n"),
    },
    "challenge_gradient_checkpointing": {
        "no checkpoint": ("checkpoint(self._block, x, use_reentrant=False)", "self._block(x)"),
        "reentrant": ("x, use_reentrant=False)", "x, use_reentrant=True)"),
        "reentrant, input made to require gradients": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(self._block, x.requires_grad_(), use_reentrant=True)",
        ),
        "reentrant, a copy made to require gradients": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "checkpoint(self._block, x.clone().requires_grad_(), use_reentrant=True)",
        ),
        "random state not kept": (
            "x, use_reentrant=False)",
            "x, use_reentrant=False, preserve_rng_state=False)",
        ),
        "only where x requires gradients": (
            "if self.training:",
            "if self.training and x.requires_grad:",
        ),
        "in eval mode too": ("if self.training:", "if True:"),
        "in eval mode only": ("if self.training:", "if not self.training:"),
        "wherever gradients are recorded": (
            "if self.training:",
            "import torch\n\n        if torch.is_grad_enabled():",
        ),
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
        "activations kept elsewhere, not recomputed": """
from torch.autograd.graph import save_on_cpu

class CheckpointedBlock(CheckpointedBlock):
    def forward(self, x):
        with save_on_cpu():
            return self._block(x)
""",
        "gradients not recorded": (
            "checkpoint(self._block, x, use_reentrant=False)",
            "self._block(x.detach()).detach()",
        ),
        "x cut off": ("checkpoint(self._block, x,", "checkpoint(self._block, x.detach(),"),
        "dropout left out in training": ("self.dropout(inner)", "inner"),
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
        "x changed in place": (
            "return x + self.fc2(self.dropout(inner))",
            "return x.data.add_(self.fc2(self.dropout(inner)))",
        ),
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
        "layers registered twice": (
            "        self.fc2 = nn.Linear(hidden, dim)\n",
            "        self.fc2 = nn.Linear(hidden, dim)\n"
            "        self.body = nn.Sequential(self.norm, self.fc1, self.act)\n",
        ),
        "layers called as functions": (
            "self.act(self.fc1(self.norm(x)))",
            "nn.functional.gelu(self.norm(x) @ self.fc1.weight.T + self.fc1.bias)",
        ),
        "another default": ("dropout: float = 0.1", "dropout: float = 0.0"),
    },
    "challenge_custom_dataset_paths": {
        "unknown path found out at the access": (
            "(keys[Path(path)], label)",
            "(keys.get(Path(path), path), label)",
        ),
        "unknown path left out": (
            "for path, label in path_label_pairs]",
            "for path, label in path_label_pairs if Path(path) in keys]",
        ),
        "ValueError for an unknown path": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise ValueError(f"no file {error}") from error
""",
        "KeyError without the path": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError("unknown path") from error
""",
        "KeyError with the files there are, not the one missing": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError(f"unknown path, known are {list(path_to_tensor)}") from error
""",
        "KeyError with all the paths of the list": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        pairs = list(path_label_pairs)
        try:
            super().__init__(pairs, path_to_tensor, transform)
        except KeyError as error:
            raise KeyError(f"unknown path in {[str(path) for path, _ in pairs]}") from error
""",
        "FileNotFoundError for an unknown path": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        try:
            super().__init__(path_label_pairs, path_to_tensor, transform)
        except KeyError as error:
            raise FileNotFoundError(f"no file {error}") from error
""",
        "labels in one tensor, views of it returned": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.labels = torch.tensor([int(label) for _, label in self.rows])

    def __getitem__(self, index):
        return super().__getitem__(index)[0], self.labels[index]
""",
        "columns of an empty list": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        paths, labels = zip(*path_label_pairs)
        super().__init__(zip(paths, labels), path_to_tensor, transform)
""",
        "str and Path told apart": (
            "keys = {Path(key): key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "keys = {key: key for key in path_to_tensor}\n"
            "        self.rows = [(keys[path], label) for path, label in path_label_pairs]",
        ),
        "keys have to be str": (
            "keys = {Path(key): key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "keys = {key: key for key in path_to_tensor}\n"
            "        self.rows = [(keys[str(path)], label) for path, label in path_label_pairs]",
        ),
        "keys have to be Path": (
            "keys = {Path(key): key for key in path_to_tensor}",
            "keys = {key: key for key in path_to_tensor}",
        ),
        "file names compared, folders not": (
            "keys = {Path(key): key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path)], label)",
            "keys = {Path(key).name: key for key in path_to_tensor}\n"
            "        self.rows = [(keys[Path(path).name], label)",
        ),
        "all files opened at construction": (
            "self.path_to_tensor = path_to_tensor",
            "self.path_to_tensor = dict(path_to_tensor)",
        ),
        "the files of the list opened at construction": (
            "self.path_to_tensor = path_to_tensor",
            "self.path_to_tensor = {key: path_to_tensor[key] for key, _ in self.rows}",
        ),
        "looked for by opening": (
            "        self.path_to_tensor = path_to_tensor\n",
            "        self.path_to_tensor = path_to_tensor\n"
            "        assert all(path_to_tensor[key] is not None for key, _ in self.rows)\n",
        ),
        "opened twice": (
            "        x = self.path_to_tensor[key].clone()\n",
            "        if self.path_to_tensor.get(key) is None:\n"
            "            raise KeyError(key)\n"
            "        x = self.path_to_tensor[key].clone()\n",
        ),
        "all files opened at each access": (
            "self.path_to_tensor[key].clone()",
            "dict(self.path_to_tensor)[key].clone()",
        ),
        "results kept": """
import functools

class PathLabelDataset(PathLabelDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.row = functools.cache(super().__getitem__)

    def __getitem__(self, index):
        return self.row(index)
""",
        "tensors kept, transform each time": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cache = {}

    def __getitem__(self, index):
        key, label = self.rows[index]
        if key not in self.cache:
            self.cache[key] = self.path_to_tensor[key]
        x = self.cache[key].clone()
        if self.transform is not None:
            x = self.transform(x)
        return x, torch.tensor(label, dtype=torch.int64)
""",
        "no copy": (".clone()", ""),
        "detached, not copied": (".clone()", ".detach()"),
        "copy only for the transform": (
            "self.path_to_tensor[key].clone()\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)",
            "self.path_to_tensor[key]\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x.clone())",
        ),
        "copy only without a transform": (
            "self.path_to_tensor[key].clone()\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)",
            "self.path_to_tensor[key]\n"
            "        x = x.clone() if self.transform is None else self.transform(x)",
        ),
        "copy after the transform": (
            "self.path_to_tensor[key].clone()\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)\n",
            "self.path_to_tensor[key]\n"
            "        if self.transform is not None:\n"
            "            x = self.transform(x)\n"
            "        x = x.clone() if isinstance(x, Tensor) else x\n",
        ),
        "transform ignored": ("if self.transform is not None:", "if False:"),
        "transform called twice": (
            "x = self.transform(x)",
            "x = self.transform(x), self.transform(x)",
        ),
        "transform twice, second result used": (
            "x = self.transform(x)",
            "self.transform(x.clone())\n            x = self.transform(x)",
        ),
        "result of the transform not used": ("x = self.transform(x)", "self.transform(x)"),
        "transform at construction": (
            "        self.transform = transform\n",
            "        self.transform = None\n"
            "        if transform is not None:\n"
            "            self.path_to_tensor = {\n"
            "                key: transform(path_to_tensor[key].clone()) for key, _ in self.rows\n"
            "            }\n",
        ),
        "transform needed": (
            "        if self.transform is not None:\n            x = self.transform(x)\n",
            "        x = self.transform(x)\n",
        ),
        "result of the transform made a tensor": (
            "x = self.transform(x)",
            "x = torch.as_tensor(self.transform(x))",
        ),
        "transform gets the path too": ("x = self.transform(x)", "x = self.transform(key, x)"),
        "transform on the class": (
            "self.transform = transform",
            "type(self).transform = transform",
        ),
        "rows on the class": ("        self.rows = [", "        type(self).rows = ["),
        "a dict of labels": (
            "self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "self.rows = list({keys[Path(path)]: n for path, n in path_label_pairs}.items())",
        ),
        "rows sorted": (
            "self.rows = [(keys[Path(path)], label) for path, label in path_label_pairs]",
            "self.rows = sorted([(keys[Path(path)], n) for path, n in path_label_pairs], key=str)",
        ),
        "rows of the mapping": ("len(self.rows)", "len(self.path_to_tensor)"),
        "list not copied": """
class PathLabelDataset(Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        self.keys = {Path(key): key for key in path_to_tensor}
        self.pairs, self.files, self.transform = path_label_pairs, path_to_tensor, transform
        for path, _ in path_label_pairs:
            if Path(path) not in self.keys:
                raise KeyError(path)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        path, label = self.pairs[index]
        x = self.files[self.keys[Path(path)]].clone()
        x = x if self.transform is None else self.transform(x)
        return x, torch.tensor(label, dtype=torch.int64)
""",
        "generator used up by the look for files": """
class PathLabelDataset(PathLabelDataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        keys = {Path(key) for key in path_to_tensor}
        missing = [path for path, _ in path_label_pairs if Path(path) not in keys]
        if missing:
            raise KeyError(missing)
        super().__init__(path_label_pairs, path_to_tensor, transform)
""",
        "no Dataset": (
            "class PathLabelDataset(Dataset[tuple[Any, Tensor]])",
            "class PathLabelDataset",
        ),
        "label as it came": ("torch.tensor(label, dtype=torch.int64)", "label"),
        "label as a tensor of its own type": (", dtype=torch.int64)", ")"),
        "label as int": ("torch.tensor(label, dtype=torch.int64)", "int(label)"),
        "float label": ("dtype=torch.int64", "dtype=torch.float32"),
        "int32 label": (
            "torch.tensor(label, dtype=torch.int64)",
            "torch.tensor(label, dtype=torch.int64).int()",
        ),
        "label of shape (1,)": ("torch.tensor(label,", "torch.tensor([label],"),
        "label first": (
            "return x, torch.tensor(label, dtype=torch.int64)",
            "return torch.tensor(label, dtype=torch.int64), x",
        ),
        "label of the next row": (
            "        key, label = self.rows[index]\n",
            "        key, label = self.rows[index]\n"
            "        label = self.rows[(index + 1) % len(self)][1]\n",
        ),
        "negative index refused": (
            "        key, label = self.rows[index]\n",
            "        if not 0 <= index < len(self):\n"
            "            raise IndexError(index)\n"
            "        key, label = self.rows[index]\n",
        ),
        "index wraps around": ("self.rows[index]", "self.rows[index % len(self)]"),
        "negative index lifted once": (
            "        key, label = self.rows[index]\n",
            "        index += len(self) if index < 0 else 0\n"
            "        key, label = self.rows[index]\n",
        ),
        "KeyError past the end": (
            "        key, label = self.rows[index]\n",
            "        if not -len(self) <= index < len(self):\n"
            "            raise KeyError(index)\n"
            "        key, label = self.rows[index]\n",
        ),
        "x as float": (".clone()", ".clone().float()"),
        "x with a batch dim": (".clone()", ".clone()[None]"),
    },
}

VARIANTS = {
    "challenge_multi_input": {
        "an encoder class that looks at its own input": """
class Encoder(nn.Module):
    def __init__(self, shape, hidden):
        super().__init__()
        self.shape, size = shape, 1
        for n in shape:
            size *= n
        self.fc = nn.Linear(size, hidden)

    def forward(self, x):
        if tuple(x.shape[1:]) != self.shape:
            raise RuntimeError(f"got {x.shape}, want (N, *{self.shape})")
        return torch.relu(self.fc(x.reshape(x.shape[0], -1)))


class MultiInputClassifier(nn.Module):
    def __init__(self, img_c, img_h, img_w, meta_dim, hidden_img, hidden_meta, num_classes):
        super().__init__()
        self.head = nn.Linear(hidden_meta + hidden_img, num_classes)
        self.meta_encoder = Encoder((meta_dim,), hidden_meta)
        self.image_encoder = Encoder((img_c, img_h, img_w), hidden_img)

    def forward(self, image, meta):
        told = self.meta_encoder(meta)
        return self.head(torch.hstack((self.image_encoder(image), told)))
""",
        "features written into one tensor": """
class MultiInputClassifier(MultiInputClassifier):
    def forward(self, image, meta):
        N, C, H, W = image.shape
        if (C, H, W) != self.image_shape or meta.ndim != 2 or len(meta) != N:
            raise ValueError(f"image {image.shape}, meta {meta.shape}")
        a, b = self.image_encoder(image), self.meta_encoder(meta)
        joined = a.new_empty(N, a.shape[1] + b.shape[1])
        joined[:, : a.shape[1]] = a
        joined[:, a.shape[1] :] = b
        return self.head(joined)
""",
    },
    "challenge_gradient_clip": {
        "norm and factor by hand": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if max_norm <= 0:
        raise ValueError("max_norm must be positive")
    params = [p for group in optimizer.param_groups for p in group["params"]]
    model.train()
    losses, sizes = [], []
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad(set_to_none=False)
        loss = criterion(model(x), y)
        loss.backward()
        norm = sum(p.grad.norm().item() ** 2 for p in params if p.grad is not None) ** 0.5
        if norm > max_norm:
            for p in params:
                if p.grad is not None:
                    p.grad.mul_(max_norm / norm)
        optimizer.step()
        losses.append(loss.item())
        sizes.append(y.shape[0])
    if not sizes:
        raise ValueError("empty loader")
    return sum(a * b for a, b in zip(losses, sizes)) / sum(sizes)
""",
        "gradients asked for, cut and handed over": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if max_norm <= 0:
        raise ValueError("max_norm must be positive")
    model.train()
    total = n = 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        params = [p for p in model.parameters() if p.requires_grad]
        grads = torch.autograd.grad(loss, params, allow_unused=True)
        flat = torch.cat([g.flatten() for g in grads if g is not None])
        factor = (max_norm / torch.linalg.vector_norm(flat)).clamp(max=1.0)
        for p, g in zip(params, grads):
            p.grad = None if g is None else g * factor
        optimizer.step()
        total += loss.item() * len(x)
        n += len(x)
    if n == 0:
        raise ValueError("empty loader")
    return total / n
""",
        "a closure, and the loss summed on the device": """
def train_one_epoch_with_clip(model, loader, criterion, optimizer, device, max_norm=1.0):
    if not max_norm > 0:
        raise ValueError("max_norm must be positive")
    model.train()
    total, n = torch.zeros((), device=device), 0
    optimizer.zero_grad()
    for x, y in loader:
        x, y = x.to(device), y.to(device)

        def closure():
            loss = criterion(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm, error_if_nonfinite=True)
            return loss

        model.zero_grad()
        loss = optimizer.step(closure)
        total = total + loss.detach().to(device) * len(y)
        n += len(y)
    if n == 0:
        raise ValueError("empty loader")
    return total.item() / n
""",
    },
    "challenge_gradient_accumulation": {
        "sums first, divided before the step": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError("accum_steps must be positive")

    def step(samples):
        for p in model.parameters():
            if p.grad is not None:
                p.grad.div_(samples)
        optimizer.step()
        optimizer.zero_grad()

    model.train()
    optimizer.zero_grad()
    total, seen, samples, batches = 0.0, 0, 0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y) * len(y)
        loss.backward()
        total += loss.item()
        seen += len(y)
        samples += len(y)
        batches += 1
        if batches == accum_steps:
            step(samples)
            samples = batches = 0
    if seen == 0:
        raise ValueError("empty loader")
    if batches:
        step(samples)
    return total / seen
""",
        "one group read ahead": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError("accum_steps must be positive")
    batches = iter(loader)
    group = list(islice(batches, accum_steps))
    if not group:
        raise ValueError("empty loader")
    model.train()
    total, seen = 0.0, 0
    while group:
        following = list(islice(batches, accum_steps))
        samples = sum(len(x) for x, _ in group)
        optimizer.zero_grad(set_to_none=False)
        for x, y in group:
            loss = criterion(model(x.to(device)), y.to(device))
            (loss * (len(x) / samples)).backward()
            total += loss.item() * len(x)
        optimizer.step()
        seen += samples
        group = following
    return total / seen
""",
        "running mean, one batch read ahead": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps < 1:
        raise ValueError("accum_steps must be positive")
    iterator = iter(loader)
    current = next(iterator, None)
    if current is None:
        raise ValueError("empty loader")
    model.train()
    params = [p for group in optimizer.param_groups for p in group["params"]]
    mean, seen, in_group, samples = 0.0, 0, 0, 0
    while current is not None:
        x, y = (t.to(device) for t in current)
        following = next(iterator, None)
        if in_group == 0:
            optimizer.zero_grad(set_to_none=False)
        samples += len(y)
        for p in params:
            if p.grad is not None:
                p.grad *= 1 - len(y) / samples
        loss = criterion(model(x), y)
        (loss * (len(y) / samples)).backward()
        seen += len(y)
        mean += (loss.item() - mean) * len(y) / seen
        in_group += 1
        if in_group == accum_steps or following is None:
            optimizer.step()
            in_group = samples = 0
        current = following
    return mean
""",
        "gradients kept outside of grad": """
def train_one_epoch_accum(model, loader, criterion, optimizer, device, accum_steps):
    if accum_steps <= 0:
        raise ValueError("accum_steps must be positive")
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    sums, samples, losses = {}, 0, []

    def step():
        for p in params:
            p.grad = sums[p] / samples if p in sums else None
        optimizer.step()
        sums.clear()

    i = 0
    for i, (x, y) in enumerate(loader, start=1):
        x, y = x.to(device), y.to(device)
        loss = criterion(model(x), y)
        for p, g in zip(params, torch.autograd.grad(loss, params, allow_unused=True)):
            if g is not None:
                sums[p] = sums.get(p, 0) + g * len(y)
        samples += len(y)
        losses += [loss.item()] * len(y)
        if i % accum_steps == 0:
            step()
            samples = 0
    if i == 0:
        raise ValueError("empty loader")
    if samples:
        step()
    return sum(losses) / len(losses)
""",
    },
    "challenge_mixed_precision": {
        "two branches": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    scaler = torch.amp.GradScaler("cuda") if device.type == "cuda" else None
    model.train()
    losses, sizes = [], []
    for x, y in loader:
        x = x.to(device=device, non_blocking=True)
        y = y.to(device=device, non_blocking=True)
        with torch.amp.autocast(device_type=device.type):
            output = model(x)
        with torch.amp.autocast(device_type=device.type):
            loss = criterion(output, y)
        optimizer.zero_grad(set_to_none=False)
        params = list(model.parameters())
        if scaler is None:
            loss.backward()
            if max_norm is not None:
                nn.utils.clip_grad_norm_(params, max_norm)
            optimizer.step()
        else:
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            if max_norm is not None:
                nn.utils.clip_grad_norm_(params, max_norm)
            scaler.step(optimizer)
            scaler.update()
        losses.append(float(loss) * x.shape[0])
        sizes.append(x.shape[0])
    if not sizes:
        raise ValueError("empty loader")
    return sum(losses) / sum(sizes)
""",
        "clipped by hand, sum of squares": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    cuda = device.type.startswith("cuda")
    scaler = torch.amp.GradScaler(device.type, enabled=cuda)
    model.train()
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.float16 if cuda else torch.bfloat16):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            grads = [p.grad for p in model.parameters() if p.grad is not None]
            norm = sum(g.pow(2).sum() for g in grads).sqrt()
            for g in grads:
                g *= (max_norm / (norm + 1e-6)).clamp(max=1.0)
        scaler.step(optimizer)
        scaler.update()
        total += loss.item() * x.size(0)
        seen += x.size(0)
    if not seen:
        raise ValueError("no batch")
    return total / seen
""",
        "state by hand, sum kept on the device": """
def train_one_epoch_amp(model, loader, criterion, optimizer, device, max_norm=None):
    on_cuda = device.type == "cuda"
    scaler = torch.cuda.amp.GradScaler(enabled=on_cuda)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    total, seen = torch.zeros((), device=device), 0
    for part in model.modules():
        part.training = True
    for batch in loader:
        x, y = (t.cuda() if on_cuda else t for t in batch)
        for p in params:
            p.grad = None
        autocast = torch.autocast(device.type, cache_enabled=False)
        autocast.__enter__()
        try:
            loss = criterion(model(x), y)
        finally:
            autocast.__exit__(None, None, None)
        scaler.scale(loss).backward()
        if max_norm is not None:
            scaler.unscale_(optimizer)
            norm = torch.stack([p.grad.norm() for p in params]).norm()
            if norm > max_norm:
                for p in params:
                    p.grad.mul_(max_norm / norm)
        scaler.step(optimizer)
        scaler.update()
        total += loss.detach() * y.size(0)
        seen += y.size(0)
    if not seen:
        raise ValueError("no batch came")
    return (total / seen).item()
""",
    },
    "challenge_gradient_checkpointing": {
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
    },
    "challenge_custom_dataset_paths": {
        "pairs kept, spelling found by trying": """
import torch.utils.data

class PathLabelDataset(torch.utils.data.Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=None):
        self.pairs, self.files, self.change = list(path_label_pairs), path_to_tensor, transform
        missing = [str(path) for path, _ in self.pairs if self.spelled(path) is None]
        if missing:
            raise KeyError(f"{len(missing)} paths unknown: {', '.join(missing)}")

    def spelled(self, path):
        return next((p for p in (path, str(path), Path(path)) if p in self.files), None)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        if not -len(self) <= i < len(self):
            raise IndexError(f"row {i} of {len(self)}")
        path, label = self.pairs[i]
        x = self.files[self.spelled(path)].detach().clone()
        return (self.change or (lambda t: t))(x), torch.as_tensor(int(label), dtype=torch.long)
""",
        "columns, labels in one tensor": """
class PathLabelDataset(Dataset):
    def __init__(self, path_label_pairs, path_to_tensor, transform=lambda x: x):
        paths, labels = [*zip(*path_label_pairs)] or ((), ())
        spelled = {str(key): key for key in path_to_tensor.keys()}
        unknown = {str(path) for path in paths} - spelled.keys()
        if unknown:
            raise KeyError(sorted(unknown))
        self.keys = tuple(spelled[str(path)] for path in paths)
        self.labels = torch.tensor([int(label) for label in labels])
        self.files, self.transform = path_to_tensor, transform

    def __len__(self):
        return self.labels.numel()

    def __getitem__(self, index):
        x = self.files[self.keys[index]]
        return self.transform(torch.empty_like(x).copy_(x)), self.labels[index].clone()
""",
    },
}
