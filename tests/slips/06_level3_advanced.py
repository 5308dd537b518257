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
        "nothing for no batch": (
            'raise ValueError("the loader gave no batch")',
            "return 0.0",
        ),
    },
    "challenge_gradient_accumulation": {
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
}
