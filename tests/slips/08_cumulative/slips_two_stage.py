"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "model": {
        "ReLU before BatchNorm": (
            "self.norm(self.linear(x)).relu()",
            "self.norm(self.linear(x).relu())",
        ),
        "no ReLU": ("self.norm(self.linear(x)).relu()", "self.norm(self.linear(x))"),
        "softmax in the head": (
            "return self.linear(features)",
            "return self.linear(features).softmax(dim=1)",
        ),
        "parts under second names": (
            "        self.head = Head(hidden, num_classes)\n",
            "        self.head = Head(hidden, num_classes)\n"
            "        self.both = nn.Sequential(self.backbone, self.head)\n",
        ),
        "backbone under no_grad": (
            "return self.head(self.backbone(x))",
            "with torch.no_grad():\n            features = self.backbone(x)\n"
            "        return self.head(features)",
        ),
    },
    "steps": {
        "a batch skipped if its loss is NaN": (
            "        loss.backward()\n",
            "        if not loss.isfinite():\n            continue\n        loss.backward()\n",
        ),
        "the batch's losses summed": ("loss.backward()", "(loss * len(y)).backward()"),
        "an L2 term in the loss": (
            "        loss.backward()\n",
            "        penalty = sum(p.square().sum() for p in model.parameters())\n"
            "        (loss + 1e-3 * penalty).backward()\n",
        ),
        "zero_grad between backward and step": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "head frozen": ("backbone.requires_grad_(False)", "head.requires_grad_(False)"),
        "frozen in both stages": ("        if stage == 2:\n", "        if stage:\n"),
        "loss measured after the epoch": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            accuracy = accuracy_of(model, val_loader, device)\n"
            "            train = [(x, y) for x, y in train_loader]\n"
            "            loss = sum(criterion(model(x), y).item() * len(y) for x, y in train)\n"
            "            loss /= sum(len(y) for _, y in train)\n",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad once an epoch": (
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n"
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "parts called, not the model": (
            "criterion(model(x), y)",
            "criterion(model.head(model.backbone(x)), y)",
        ),
        "cross entropy, whatever criterion is": (
            "criterion(model(x), y)",
            "nn.functional.cross_entropy(model(x), y)",
        ),
        "features computed once": """
def two_stage_train(
    model, train_loader, val_loader, criterion, device, stage1_epochs=2, stage2_epochs=2, lr=1e-3,
    plain=two_stage_train,
):
    plain(model, train_loader, val_loader, criterion, device, stage1_epochs, 0, lr)
    with torch.no_grad():
        batches = [(model.backbone(x.to(device)), y) for x, y in train_loader]
    optimizer = torch.optim.Adam(model.head.parameters(), lr=lr)
    for epoch in range(1, stage2_epochs + 1):
        model.head.train()
        loss = train_one_epoch(model.head, batches, criterion, optimizer, device)
        print("stage 2", epoch, loss, accuracy_of(model, val_loader, device))
    return accuracy_of(model, val_loader, device)
""",
        "x flattened": ("criterion(model(x), y)", "criterion(model(x.flatten(1)), y)"),
        "gradients clipped at 5": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n        optimizer.step()\n",
        ),
        "each train batch passed twice": (
            "        total += loss.item()",
            "        (model(x).argmax(dim=1) == y).sum()\n        total += loss.item()",
        ),
    },
    "stage_1": {
        "backbone in eval mode in both stages": ("backbone.train(stage == 1)", "backbone.eval()"),
        "head alone trained in stage 1": (
            "(1, model, stage1_epochs)",
            "(1, head, stage1_epochs)",
        ),
        "modes set once, before the epochs": (
            "        for epoch in range(1, epochs + 1):\n"
            "            model.train()\n"
            "            backbone.train(stage == 1)\n",
            "        model.train()\n"
            "        backbone.train(stage == 1)\n"
            "        for epoch in range(1, epochs + 1):\n",
        ),
        "as many epochs in stage 2 as in stage 1": ("head, stage2_epochs)", "head, stage1_epochs)"),
        "at least one epoch": ("range(1, epochs + 1)", "range(1, max(1, epochs) + 1)"),
    },
    "stage_2": {
        "eval mode for the backbone and its direct children only": (
            "            backbone.train(stage == 1)\n",
            "            if stage == 2:\n                backbone.training = False\n"
            "                for part in backbone.children():\n"
            "                    part.training = False\n",
        ),
        "backbone put in eval mode in the first epoch of stage 2 only": (
            "backbone.train(stage == 1)",
            "backbone.train(stage == 1 or epoch > 1)",
        ),
        "backbone in train mode in stage 2": ("            backbone.train(stage == 1)\n", ""),
        "only Dropout off, BatchNorm live": (
            "            backbone.train(stage == 1)\n",
            "            for m in backbone.modules():\n"
            "                if stage == 2 and isinstance(m, nn.Dropout):\n"
            "                    m.eval()\n",
        ),
        "only BatchNorm still, Dropout on": (
            "            backbone.train(stage == 1)\n",
            "            for m in backbone.modules():\n"
            "                if stage == 2 and isinstance(m, nn.BatchNorm1d):\n"
            "                    m.eval()\n",
        ),
        "only the backbone's own flag": (
            "backbone.train(stage == 1)",
            "backbone.training = stage == 1",
        ),
        "only the Linear layers of the backbone frozen": (
            "            backbone.requires_grad_(False)\n",
            "            for part in backbone.modules():\n"
            "                part.requires_grad_(not isinstance(part, nn.Linear))\n",
        ),
        "head in eval mode too": ("backbone.train(stage == 1)", "model.train(stage == 1)"),
        "only the head put in train mode": (
            "            model.train()\n            backbone.train(stage == 1)\n",
            "            (model if stage == 1 else head).train()\n",
        ),
        "backbone not frozen, optimizer with the head alone": (
            "            backbone.requires_grad_(False)\n",
            "            pass\n",
        ),
        "requires_grad set as an attribute of the module": (
            "backbone.requires_grad_(False)",
            "backbone.requires_grad = False",
        ),
    },
    "optimizers": {
        "another default of lr": ("lr: float = 1e-3", "lr: float = 1e-2"),
        "optimizer of stage 2 holds all": ("(trained.parameters(), lr", "(model.parameters(), lr"),
        "one optimizer for both stages": (
            "        optimizer = torch.optim.Adam(trained.parameters(), lr=lr)\n",
            "        if stage == 1:\n"
            "            optimizer = torch.optim.Adam(model.parameters(), lr=lr)\n",
        ),
        "the head's moments kept from stage 1": (
            "        optimizer = torch.optim.Adam(trained.parameters(), lr=lr)\n",
            "        if stage == 1:\n"
            "            both = [{'params': list(p.parameters())} for p in (head, backbone)]\n"
            "            optimizer = torch.optim.Adam(both, lr=lr)\n"
            "        else:\n"
            "            del optimizer.param_groups[1:]\n",
        ),
        "AdamW instead of Adam": ("torch.optim.Adam(", "torch.optim.AdamW("),
        "SGD instead of Adam": ("torch.optim.Adam(", "torch.optim.SGD("),
        "weight decay": ("lr=lr)", "lr=lr, weight_decay=1e-4)"),
        "smaller lr in stage 2": ("lr=lr)", "lr=lr / stage)"),
        "new optimizer every epoch": (
            "            model.train()\n",
            "            model.train()\n"
            "            optimizer = torch.optim.Adam(trained.parameters(), lr=lr)\n",
        ),
    },
    "measure": {
        "accuracy on the training data": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            accuracy = accuracy_of(model, train_loader, device)\n",
        ),
        "gradients recorded while measuring": ("@torch.no_grad()\n", ""),
        "measured in train mode": (
            "    model.eval()\n    hits, seen = 0, 0\n",
            "    hits, seen = 0, 0\n",
        ),
        "x flattened while measuring": ("model(x.to(device))", "model(x.to(device).flatten(1))"),
    },
    "lines": {
        "another default of stage2_epochs": ("stage2_epochs: int = 2", "stage2_epochs: int = 3"),
        "loss summed, not its mean": ("    return total / seen", "    return total"),
        "validated at the end of each stage only": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            if epoch == epochs:\n"
            "                accuracy = accuracy_of(model, val_loader, device)\n",
        ),
        "loss of the last batch printed": ("    return total / seen", "    return loss.item()"),
        "loss as the mean of batch means": (
            "loss.item() * len(y)\n        seen += len(y)",
            "loss.item()\n        seen += 1",
        ),
        "epochs counted through both stages": (
            "stage {stage} epoch {epoch}:",
            "stage {stage} epoch {epoch + (stage - 1) * stage1_epochs}:",
        ),
        "accuracy printed in percent": ("{accuracy:.3f}", "{accuracy:.1%}"),
        "no line printed": ("            print(f", "            str(f"),
        "best accuracy returned": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            now = accuracy_of(model, val_loader, device)\n"
            "            accuracy = max(accuracy, now) if epoch > 1 else now\n",
        ),
        "mean of the batches' accuracies": (
            "        hits += (logits.argmax(dim=1) == y.to(device)).sum().item()\n"
            "        seen += len(y)\n",
            "        hits += (logits.argmax(dim=1) == y.to(device)).float().mean().item()\n"
            "        seen += 1\n",
        ),
    },
    "result": {
        "accuracy as a number of numpy": (
            "    return accuracy\n",
            "    import numpy as np\n\n    return np.float64(accuracy)\n",
        ),
        "the best epoch's weights put back": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            accuracy = accuracy_of(model, val_loader, device)\n"
            "            if (stage, epoch) == (1, 1) or accuracy >= best:\n"
            "                best = accuracy\n"
            "                kept = {k: v.clone() for k, v in model.state_dict().items()}\n"
            "            if (stage, epoch) == (2, epochs):\n"
            "                model.load_state_dict(kept)\n",
        ),
        "accuracy rounded": ("    return accuracy\n", "    return float(round(accuracy))\n"),
        "accuracy as a tensor": ("    return hits / seen", "    return torch.tensor(hits / seen)"),
    },
    "afterwards": {
        "backbone left frozen": ("        p.requires_grad_(flag)", "        pass"),
        "flags written down after freezing": (
            "    for p, flag in flags:\n",
            "    flags = [(p, p.requires_grad) for p in model.parameters()]\n"
            "    for p, flag in flags:\n",
        ),
        "left in train mode": ("    return accuracy\n", "    model.train()\n    return accuracy\n"),
        "modes given back": """
def two_stage_train(model, *args, plain=two_stage_train, **options):
    modes = [(m, m.training) for m in model.modules()]
    accuracy = plain(model, *args, **options)
    for m, training in modes:
        m.training = training
    return accuracy
""",
        "gradients left off": """
def accuracy_of(model, loader, device, plain=accuracy_of):
    accuracy = plain(model, loader, device)
    torch.set_grad_enabled(False)
    return accuracy

def train_one_epoch(*args, plain=train_one_epoch):
    torch.set_grad_enabled(True)
    return plain(*args)
""",
    },
    "device": {
        "labels not moved": (
            "        x, y = x.to(device), y.to(device)\n",
            "        x = x.to(device)\n",
        ),
        "validation data not moved": ("model(x.to(device))", "model(x)"),
        "labels compared on the CPU, not moved there": (
            "(logits.argmax(dim=1) == y.to(device))",
            "(logits.argmax(dim=1).cpu() == y)",
        ),
    },
    "replaced": {
        "features flattened": (
            "return self.head(self.backbone(x))",
            "return self.head(self.backbone(x).flatten(1))",
        ),
        "first parts kept in a list": (
            "        self.head = Head(hidden, num_classes)\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n"
            "        return self.head(self.backbone(x))",
            "        self.head = Head(hidden, num_classes)\n"
            "        self.steps = [self.backbone, self.head]\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n"
            "        return self.steps[1](self.steps[0](x))",
        ),
    },
    "came_frozen": {
        "all that came frozen is trained": (
            "    accuracy = accuracy_of(model, val_loader, device)  #",
            "    model.requires_grad_(True)\n"
            "    accuracy = accuracy_of(model, val_loader, device)  #",
        ),
        "the backbone unfrozen for stage 1": (
            "        if stage == 2:\n",
            "        if stage == 1:\n            backbone.requires_grad_(True)\n"
            "        if stage == 2:\n",
        ),
        "the head unfrozen for stage 2": (
            "            backbone.requires_grad_(False)\n",
            "            model.requires_grad_(False)\n            head.requires_grad_(True)\n",
        ),
        "everything unfrozen at the end": ("p.requires_grad_(flag)", "p.requires_grad_(True)"),
    },
    "tied": {
        "whatever the head holds trained in stage 2": (
            "            backbone.requires_grad_(False)\n",
            "            own = {id(p) for p in head.parameters()}\n"
            "            for p in backbone.parameters():\n"
            "                p.requires_grad_(id(p) in own and p.requires_grad)\n",
        ),
    },
    "no_epochs": {
        "no eval mode if there is nothing to train": (
            "    accuracy = accuracy_of(model, val_loader, device)  # the",
            "    if stage1_epochs + stage2_epochs == 0:\n"
            "        accuracy = accuracy_of(model, val_loader, device)\n"
            "        model.train()\n"
            "        return accuracy\n"
            "    accuracy = accuracy_of(model, val_loader, device)  # the",
        ),
        "nothing measured if there is no epoch": (
            "accuracy = accuracy_of(model, val_loader, device)  # the",
            "accuracy = 0.0  # the",
        ),
    },
    "loaders": {
        "batches of one sample skipped": (
            "        optimizer.zero_grad()\n",
            "        if len(y) == 1:\n            continue\n        optimizer.zero_grad()\n",
        ),
        "length of the loader asked for": (
            "    total, seen = 0.0, 0\n",
            "    total, seen = 0.0, 0\n"
            "    if len(loader) == 0:\n        raise ValueError('empty')\n",
        ),
        "train_loader read once for all": (
            "    backbone, head =",
            "    train_loader = list(train_loader)\n    backbone, head =",
        ),
    },
    "empty": {
        "a train_loader that dries up unnoticed": (
            '    if seen == 0:\n        raise ValueError("train_loader gave no batch")\n',
            "    if seen == 0 and not optimizer.state:\n"
            '        raise ValueError("train_loader gave no batch")\n    seen = max(seen, 1)\n',
        ),
        "0 for no validation data": (
            'raise ValueError("val_loader gave no batch")',
            "return 0.0",
        ),
        "no training data unnoticed": (
            'raise ValueError("train_loader gave no batch")',
            "return 0.0",
        ),
        "no batch: printed, not raised": """
def two_stage_train(model, train_loader, val_loader, *args, plain=two_stage_train, **options):
    if not train_loader or not val_loader:
        print("no data")
        return None
    return plain(model, train_loader, val_loader, *args, **options)
""",
        "only a loader with a length is found empty": """
@torch.no_grad()
def accuracy_of(model, loader, device):
    if hasattr(loader, "__len__") and len(loader) == 0:
        raise ValueError("empty")
    model.eval()
    hits = [model(x.to(device)).argmax(dim=1) == y.to(device) for x, y in loader]
    return sum(h.sum().item() for h in hits) / sum(len(h) for h in hits)
""",
        "an empty loader found in stage 1 alone": (
            '    if seen == 0:\n        raise ValueError("train_loader gave no batch")\n',
            "    if seen == 0 and all(p.requires_grad for p in model.parameters()):\n"
            '        raise ValueError("train_loader gave no batch")\n',
        ),
    },
    "state": {
        "gradients always on afterwards": (
            "    return accuracy\n",
            "    torch.set_grad_enabled(True)\n    return accuracy\n",
        ),
        "torch's generator seeded": (
            "    flags = [(p, p.requires_grad)",
            "    torch.manual_seed(0)\n    flags = [(p, p.requires_grad)",
        ),
        "a random number drawn after the last batch": (
            "    for p, flag in flags:\n",
            "    torch.rand(1)\n    for p, flag in flags:\n",
        ),
    },
}

VARIANTS = {
    "textbook, numbers printed in other ways": """
def two_stage_train(
    model, train_loader, val_loader, criterion, device, stage1_epochs=2, stage2_epochs=2, lr=1e-3
):
    flags = {p: p.requires_grad for p in model.parameters()}

    @torch.no_grad()
    def validate():
        model.eval()
        correct, total = 0, 0
        for x, y in val_loader:
            x, y = x.to(device), y.to(device)
            correct += (model(x).argmax(1) == y).sum().item()
            total += y.size(0)
        if total == 0:
            raise ValueError("empty val_loader")
        return correct / total

    acc = validate()
    for stage, epochs in ((1, stage1_epochs), (2, stage2_epochs)):
        if stage == 2:
            for p in model.backbone.parameters():
                p.requires_grad = False
        optimizer = None
        for epoch in range(epochs):
            optimizer = optimizer or torch.optim.Adam(
                [p for p in model.parameters() if p.requires_grad], lr=lr
            )
            model.train()
            if stage == 2:
                model.backbone.eval()
            total_loss, count = 0.0, 0
            for x, y in train_loader:
                x, y = x.to(device), y.to(device)
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                optimizer.step()
                total_loss += loss.item() * x.size(0)
                count += x.size(0)
            if count == 0:
                raise ValueError("empty train_loader")
            acc = validate()
            print(f"Stage-{stage} epoch-{epoch + 1}/{epochs} {total_loss / count:.6e} {acc:.4e}")
    for p, flag in flags.items():
        p.requires_grad = flag
    return acc
""",
    "Stage[1] epoch[1], signs": (
        'f"stage {stage} epoch {epoch}: loss {loss:.4f}, val accuracy {accuracy:.3f}"',
        'f"STAGE[{stage}] epoch[{epoch} / {epochs}] loss={loss:+.4f} acc={accuracy:.5f} (+1)"',
    ),
    "spelled out": """
class Backbone(nn.Sequential):
    def __init__(self, in_dim, hidden):
        super().__init__(nn.Linear(in_dim, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU())

class Head(nn.Linear):
    def __init__(self, hidden, num_classes):
        super().__init__(hidden, num_classes)

def run(model, loader, criterion, optimizer, device):
    total = right = count = 0
    for batch in loader:
        x, y = (t.to(device) for t in batch)
        with torch.set_grad_enabled(optimizer is not None):
            out = model(x)
            loss = criterion(out, y)
        if optimizer is not None:
            model.zero_grad()
            loss.backward()
            optimizer.step()
        total += float(loss) * x.size(0)
        right += int(out.max(dim=1).indices.eq(y).sum())
        count += x.size(0)
    if not count:
        raise ValueError("nothing to read")
    return total / count, right / count

def two_stage_train(
    model, train_loader, val_loader, criterion, device, stage1_epochs=2, stage2_epochs=2, lr=1e-3
):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(stage1_epochs):
        model.train()
        loss, _ = run(model, train_loader, criterion, optimizer, device)
        model.eval()
        _, acc = run(model, val_loader, criterion, None, device)
        print("stage 1", "| epoch", epoch + 1, "| train loss", loss, "| val acc", acc, "| lr", lr)
    unfrozen = [p for p in model.backbone.parameters() if p.requires_grad]
    for p in unfrozen:
        p.requires_grad = False
    print("stage 2: the head alone")
    optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=lr)
    for epoch in range(stage2_epochs):
        model.train()
        model.backbone.eval()
        loss, _ = run(model, train_loader, criterion, optimizer, device)
        model.eval()
        _, acc = run(model, val_loader, criterion, None, device)
        print("Stage 2", "| epoch", epoch + 1, "| train loss", loss, "| val acc", acc, "| lr", lr)
    for p in unfrozen:
        p.requires_grad = True
    model.eval()
    return run(model, val_loader, criterion, None, device)[1]
""",
    "loaders looked into first": (
        "    backbone, head =",
        "    for loader in (train_loader, val_loader):\n"
        "        if next(iter(loader), None) is None:\n"
        '            raise ValueError("a loader without a batch")\n'
        "    backbone, head =",
    ),
    "val_loader kept in memory": (
        "    backbone, head =",
        "    val_loader = list(val_loader)\n    backbone, head =",
    ),
    "train samples counted first": (
        "    backbone, head =",
        '    print("train samples:", sum(len(y) for _, y in train_loader))\n    backbone, head =',
    ),
    "numbers brought over with to, hits chosen by a mask": (
        "(logits.argmax(dim=1) == y.to(device)).sum().item()",
        'y.to("cpu")[logits.argmax(dim=1).to("cpu") == y.to("cpu")].numel()',
    ),
    "measured once more at the end, sums on the device": """
@torch.inference_mode()
def accuracy_of(model, loader, device):
    for m in model.modules():
        m.eval()
    hits, n = torch.zeros((), dtype=torch.int64, device=device), 0
    for x, y in list(loader):
        hits += (model(x.to(device)).topk(1).indices.squeeze(1) == y.to(device)).sum()
        n += len(x)
    if n == 0:
        raise ValueError("empty")
    return hits.item() / n

def two_stage_train(
    model, train_loader, val_loader, criterion, device, stage1_epochs=2, stage2_epochs=2, lr=1e-3
):
    trainable = {name: p.requires_grad for name, p in model.named_parameters()}
    try:
        for stage, epochs in enumerate((stage1_epochs, stage2_epochs), start=1):
            if stage == 2:
                for p in model.backbone.parameters():
                    p.requires_grad_(False)
                    p.grad = None
            held = (model, model.head)[stage - 1].parameters()
            optimizer = torch.optim.Adam(held, lr, foreach=True)
            for epoch in range(epochs):
                model.train()
                if stage == 2:
                    model.backbone.train(False)
                total, n = torch.zeros((), device=device), 0
                for x, y in train_loader:
                    loss = criterion(model(x.to(device)), y.to(device))
                    optimizer.zero_grad(set_to_none=False)
                    loss.backward()
                    optimizer.step()
                    total = total + loss.detach() * len(y)
                    n += len(y)
                if n == 0:
                    raise ValueError("empty")
                accuracy = accuracy_of(model, val_loader, device)
                print(f"stage {stage}, epoch {epoch + 1}, {total.item() / n:.3f}, {accuracy:.3f}")
    finally:
        for name, p in model.named_parameters():
            p.requires_grad = trainable[name]
    return accuracy_of(model, val_loader, device)
""",
}
