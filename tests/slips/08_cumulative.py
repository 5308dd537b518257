"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_end_to_end": {
        "the last epoch's weights reported": (
            '    model.load_state_dict(best["model"])\n',
            "",
        ),
        "the last epoch kept": (
            '        if not history["val_acc"] or val_acc > max(history["val_acc"]):\n',
            "        if True:\n",
        ),
        "the last of equals kept": ("val_acc > max(", "val_acc >= max("),
        "better than the epoch before": (
            'val_acc > max(history["val_acc"])',
            'val_acc > history["val_acc"][-1]',
        ),
        "best starts at 0": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            'if val_acc > max(history["val_acc"], default=0.0):',
        ),
        "chosen by val loss": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            'if not history["val_loss"] or val_loss < min(history["val_loss"]):',
        ),
        "chosen by test accuracy": (
            '        print(f"epoch',
            '        val_acc = measure(model, x[test], y[test], device)[1]\n        print(f"epoch',
        ),
        "test pass every epoch, only to look": (
            '        print(f"epoch',
            '        measure(model, x[test], y[test], device)\n        print(f"epoch',
        ),
        "test pass before and after": (
            "    history: dict",
            "    measure(model, x[test], y[test], device)\n    history: dict",
        ),
        "written once, at the end": (
            """            torch.save({**state, "splits": splits}, path)
""",
            """            kept = {**state, "splits": splits}
            kept["model"] = {key: value.clone() for key, value in state["model"].items()}
        if epoch == epochs:
            torch.save(kept, path)
""",
        ),
        "weights kept without a copy": (
            """            torch.save({**state, "splits": splits}, path)
""",
            """            kept = {**state, "splits": splits}
        torch.save(kept, path)
""",
        ),
        "best weights kept in memory too, the file not read": (
            """            torch.save({**state, "splits": splits}, path)
        history["train_loss"].append(train_loss)
        history["val_loss"].append(val_loss)
        history["val_acc"].append(val_acc)

    best = torch.load(path, map_location=device, weights_only=True)
""",
            """            torch.save({**state, "splits": splits}, path)
            best = {**state, "model": {k: v.clone() for k, v in state["model"].items()}}
        history["train_loss"].append(train_loss)
        history["val_loss"].append(val_loss)
        history["val_acc"].append(val_acc)

""",
        ),
        "an older run's file loaded first": (
            "    optimizer = torch",
            "    if path.exists():\n"
            "        model.load_state_dict(torch.load(path)['model'])\n"
            "    optimizer = torch",
        ),
        "an older run's file has to be beaten": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            'if not path.exists() or val_acc > torch.load(path)["val_acc"]:',
        ),
        "the model pickled": ('{"model": model.state_dict(),', '{"model": model,'),
        "the state dict alone": (
            'torch.save({**state, "splits": splits}, path)',
            'torch.save(state["model"], path)',
        ),
        "splits as tensors": (
            '{"train": train.tolist(), "val": val.tolist(), "test": test.tolist()}',
            '{"train": train, "val": val, "test": test}',
        ),
        "val_acc as a tensor": ('"val_acc": val_acc}', '"val_acc": torch.tensor(val_acc)}'),
        "epochs of the file from 0": ('"epoch": epoch,', '"epoch": epoch - 1,'),
        "folder emptied first": (
            "    path.parent.mkdir(",
            "    import shutil\n\n    shutil.rmtree(save_dir, ignore_errors=True)\n"
            "    path.parent.mkdir(",
        ),
        "parent folders not made": ("mkdir(parents=True, exist_ok=True)", "mkdir(exist_ok=True)"),
        "an existing folder refused": ("mkdir(parents=True, exist_ok=True)", "mkdir(parents=True)"),
        "no seed": ("    torch.manual_seed(seed)\n", ""),
        "always the same seed": ("torch.manual_seed(seed)", "torch.manual_seed(42)"),
        "only the split is seeded": (
            """    torch.manual_seed(seed)
    x, y = make_data()
    train, val, test = torch.randperm(len(y)).split((183, 61, 61))
""",
            """    x, y = make_data()
    generator = torch.Generator().manual_seed(seed)
    train, val, test = torch.randperm(len(y), generator=generator).split((183, 61, 61))
""",
        ),
        "seeded after the split": (
            """    torch.manual_seed(seed)
    x, y = make_data()
    train, val, test = torch.randperm(len(y)).split((183, 61, 61))
""",
            """    x, y = make_data()
    train, val, test = torch.randperm(len(y)).split((183, 61, 61))
    torch.manual_seed(seed)
""",
        ),
        "seeded after the model was made": (
            "    model = Classifier().to(device)\n",
            "    torch.seed()\n    model = Classifier().to(device)\n    torch.manual_seed(seed)\n",
        ),
        "the same split for every seed": (
            "torch.randperm(len(y))",
            "torch.randperm(len(y), generator=torch.Generator().manual_seed(42))",
        ),
        "the same initial weights for every seed": (
            "    model = Classifier().to(device)\n",
            "    torch.manual_seed(42)\n    model = Classifier().to(device)\n"
            "    torch.manual_seed(seed)\n",
        ),
        "split in the order of the file": ("torch.randperm(len(y))", "torch.arange(len(y))"),
        "splits overlap": (
            "    train, val, test = torch.randperm(len(y)).split((183, 61, 61))\n",
            "    train, val, test = (torch.randperm(len(y))[:n] for n in (183, 61, 61))\n",
        ),
        "trained on all rows": ("TensorDataset(x[train], y[train])", "TensorDataset(x, y)"),
        "test and val are the same rows": (
            "measure(model, x[test], y[test], device)",
            "measure(model, x[val], y[val], device)",
        ),
        "not shuffled": (", shuffle=True", ""),
        "seeded each epoch": (
            "        train_loss = train_one_epoch(",
            "        torch.manual_seed(seed)\n        train_loss = train_one_epoch(",
        ),
        "last short batch dropped": (", shuffle=True", ", shuffle=True, drop_last=True"),
        "standardized with all rows": (
            "    x, y = make_data()\n",
            "    x, y = make_data()\n    x = (x - x.mean(dim=0)) / x.std(dim=0)\n",
        ),
        "train mode not given back": ("    model.train()\n", ""),
        "measured in train mode": ("    model.eval()\n", ""),
        "gradients recorded while measuring": ("@torch.no_grad()\n", "@torch.enable_grad()\n"),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "gradient of the sum": ("loss.backward()", "(loss * len(y)).backward()"),
        "labels smoothed": ("(model(x), y)", "(model(x), y, label_smoothing=0.1)"),
        "two batches a step": (
            "        optimizer.step()\n",
            "        if seen % 64:\n            optimizer.step()\n",
        ),
        "two steps a batch": ("        optimizer.step()\n", "        optimizer.step()\n" * 2),
        "the last layer alone trained": (
            "Adam(model.parameters()",
            "Adam(model.layers[-1].parameters()",
        ),
        "another model": (
            "    model = Classifier().to(device)\n",
            "    model = Classifier().to(device)\n    model.layers[3].p = 0.0\n",
        ),
        "learning rate far too small": ("lr=0.003", "lr=3e-6"),
        "one epoch less": ("range(1, epochs + 1)", "range(1, epochs)"),
        "one epoch more": ("range(1, epochs + 1)", "range(1, epochs + 2)"),
        "stops early": (
            '        history["train_loss"].append',
            '        if history["val_acc"] and val_acc < history["val_acc"][-1]:\n'
            "            break\n"
            '        history["train_loss"].append',
        ),
        "train loss: mean of batch means": (
            "loss.item() * len(y)\n        seen += len(y)",
            "loss.item()\n        seen += 1",
        ),
        "train loss measured after the epoch": (
            "        val_loss, val_acc, _ = measure",
            "        train_loss = measure(model, x[train], y[train], device)[0]\n"
            "        val_loss, val_acc, _ = measure",
        ),
        "val loss and accuracy: mean over batches": """
@torch.no_grad()
def measure(model, x, y, device):
    model.eval()
    losses, accs, hits = [], [], []
    for xs, ys in zip(x.split(16), y.split(16)):
        logits = model(xs.to(device)).cpu()
        losses.append(cross_entropy(logits, ys).item())
        hits.append(logits.argmax(dim=1) == ys)
        accs.append(hits[-1].float().mean().item())
    hits = torch.cat(hits).double()
    recall = [hits[y == k].mean().item() for k in range(3)]
    return sum(losses) / len(losses), sum(accs) / len(accs), recall
""",
        "accuracy in percent": ("hits.mean().item(), recall", "100 * hits.mean().item(), recall"),
        "precision for recall": (
            "hits[y == k].mean()",
            "hits[logits.argmax(dim=1) == k].mean()",
        ),
        "tensors for numbers": ("cross_entropy(logits, y).item()", "cross_entropy(logits, y)"),
        "best epoch from 0": ('"best_epoch": best["epoch"],', '"best_epoch": best["epoch"] - 1,'),
        "epochs not printed": ('        print(f"epoch', '        str(f"epoch'),
        "accuracy printed in percent": ("accuracy {val_acc:.3f}", "accuracy {val_acc:.1%}"),
        "report not printed": ('    print(f"test', '    str(f"test'),
        "0 epochs accepted": ("if epochs < 1:", "if epochs < 0:"),
        "0 epochs refused too late": (
            "    if epochs < 1:\n",
            "    Path(save_dir).mkdir(parents=True, exist_ok=True)\n    if epochs < 1:\n",
        ),
        "device ignored": ("Classifier().to(device)", "Classifier()"),
        "labels not moved": ("x, y = x.to(device), y.to(device)", "x = x.to(device)"),
        "val rows not moved": ("part.to(device)", "part"),
        "labels left behind while measuring": (
            "model(part.to(device)).cpu()",
            "model(part.to(device))",
        ),
        "a fresh model for the test, not moved": (
            '    model.load_state_dict(best["model"])\n',
            '    model = Classifier()\n    model.load_state_dict(best["model"])\n',
        ),
        "0 epochs printed, not raised": (
            '        raise ValueError(f"epochs is {epochs}, want at least 1")\n',
            '        print("epochs must be positive")\n        return None\n',
        ),
        "an older file deleted before epochs are looked at": (
            "    if epochs < 1:\n",
            '    Path(save_dir, "best.pt").unlink(missing_ok=True)\n    if epochs < 1:\n',
        ),
        "all checkpoints in the folder deleted": (
            "    torch.manual_seed(seed)\n",
            '    for old in path.parent.glob("*.pt"):\n        old.unlink()\n'
            "    torch.manual_seed(seed)\n",
        ),
        "ties broken by val loss": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            "best = list(zip(history['val_acc'], (-n for n in history['val_loss'])))\n"
            "        if not best or (val_acc, -val_loss) > max(best):",
        ),
        "better by 2 percent at least": (
            'val_acc > max(history["val_acc"])',
            'val_acc > max(history["val_acc"]) + 0.02',
        ),
        "the test rows fixed": (
            "    train, val, test = torch.randperm(len(y)).split((183, 61, 61))\n",
            "    rows = torch.randperm(len(y), generator=torch.Generator().manual_seed(42))\n"
            "    rest, test = rows.split((244, 61))\n"
            "    train, val = rest[torch.randperm(244)].split((183, 61))\n",
        ),
        "the same splits in another order": (
            "    train, val, test = torch.randperm(len(y)).split((183, 61, 61))\n",
            "    rows = torch.randperm(len(y), generator=torch.Generator().manual_seed(42))\n"
            "    parts = rows.split((183, 61, 61))\n"
            "    train, val, test = (part[torch.randperm(len(part))] for part in parts)\n",
        ),
        "order turned round every second epoch": (
            "        train_loss = train_one_epoch(model, loader, optimizer, device)\n",
            "        kept = list(loader) if epoch == 1 else kept[::-1]\n"
            "        kept = [(a.flip(0), b.flip(0)) for a, b in kept]\n"
            "        train_loss = train_one_epoch(model, kept, optimizer, device)\n",
        ),
        "a small penalty added to the loss": (
            "        loss.backward()\n",
            "        penalty = sum(p.square().sum() for p in model.parameters())\n"
            "        (loss + 2e-5 * penalty).backward()\n",
        ),
    },
    "challenge_two_stage": {
        "backbone in train mode in stage 2": ("            backbone.train(stage == 1)\n", ""),
        "backbone in eval mode in both stages": ("backbone.train(stage == 1)", "backbone.eval()"),
        "modes set once, before the epochs": (
            "        for epoch in range(1, epochs + 1):\n"
            "            model.train()\n"
            "            backbone.train(stage == 1)\n",
            "        model.train()\n"
            "        backbone.train(stage == 1)\n"
            "        for epoch in range(1, epochs + 1):\n",
        ),
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
        "head in eval mode too": ("backbone.train(stage == 1)", "model.train(stage == 1)"),
        "only the head put in train mode": (
            "            model.train()\n            backbone.train(stage == 1)\n",
            "            (model if stage == 1 else head).train()\n",
        ),
        "backbone not frozen, optimizer with the head alone": (
            "            backbone.requires_grad_(False)\n",
            "            pass\n",
        ),
        "head frozen": ("backbone.requires_grad_(False)", "head.requires_grad_(False)"),
        "flag set on the module": (
            "backbone.requires_grad_(False)",
            "backbone.requires_grad = False",
        ),
        "frozen in both stages": ("        if stage == 2:\n", "        if stage:\n"),
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
        "AdamW": ("torch.optim.Adam(", "torch.optim.AdamW("),
        "SGD": ("torch.optim.Adam(", "torch.optim.SGD("),
        "weight decay": ("lr=lr)", "lr=lr, weight_decay=1e-4)"),
        "smaller lr in stage 2": ("lr=lr)", "lr=lr / stage)"),
        "new optimizer every epoch": (
            "            model.train()\n",
            "            model.train()\n"
            "            optimizer = torch.optim.Adam(trained.parameters(), lr=lr)\n",
        ),
        "all that came frozen is trained": (
            "    accuracy = accuracy_of(model, val_loader, device)  #",
            "    model.requires_grad_(True)\n"
            "    accuracy = accuracy_of(model, val_loader, device)  #",
        ),
        "the head unfrozen for stage 2": (
            "            backbone.requires_grad_(False)\n",
            "            model.requires_grad_(False)\n            head.requires_grad_(True)\n",
        ),
        "left frozen": ("        p.requires_grad_(flag)", "        pass"),
        "everything unfrozen at the end": ("p.requires_grad_(flag)", "p.requires_grad_(True)"),
        "flags written down after freezing": (
            "    for p, flag in flags:\n",
            "    flags = [(p, p.requires_grad) for p in model.parameters()]\n"
            "    for p, flag in flags:\n",
        ),
        "no eval mode if there is nothing to train": (
            "    accuracy = accuracy_of(model, val_loader, device)  # the",
            "    if stage1_epochs + stage2_epochs == 0:\n"
            "        accuracy = accuracy_of(model, val_loader, device)\n"
            "        model.train()\n"
            "        return accuracy\n"
            "    accuracy = accuracy_of(model, val_loader, device)  # the",
        ),
        "loss measured after the epoch": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            accuracy = accuracy_of(model, val_loader, device)\n"
            "            train = [(x, y) for x, y in train_loader]\n"
            "            loss = sum(criterion(model(x), y).item() * len(y) for x, y in train)\n"
            "            loss /= sum(len(y) for _, y in train)\n",
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
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "cleared once an epoch": (
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n"
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "mean of batch means": (
            "loss.item() * len(y)\n        seen += len(y)",
            "loss.item()\n        seen += 1",
        ),
        "as many epochs in stage 2 as in stage 1": ("head, stage2_epochs)", "head, stage1_epochs)"),
        "at least one epoch": ("range(1, epochs + 1)", "range(1, max(1, epochs) + 1)"),
        "epochs counted through": (
            "stage {stage} epoch {epoch}:",
            "stage {stage} epoch {epoch + (stage - 1) * stage1_epochs}:",
        ),
        "accuracy printed in percent": ("{accuracy:.3f}", "{accuracy:.1%}"),
        "nothing printed": ("            print(f", "            str(f"),
        "best accuracy returned": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            now = accuracy_of(model, val_loader, device)\n"
            "            accuracy = max(accuracy, now) if epoch > 1 else now\n",
        ),
        "accuracy on the training data": (
            "            accuracy = accuracy_of(model, val_loader, device)\n",
            "            accuracy = accuracy_of(model, train_loader, device)\n",
        ),
        "gradients recorded while measuring": ("@torch.no_grad()\n", ""),
        "measured in train mode": (
            "    model.eval()\n    hits, seen = 0, 0\n",
            "    hits, seen = 0, 0\n",
        ),
        "accuracy per batch": (
            "        hits += (logits.argmax(dim=1) == y.to(device)).sum().item()\n"
            "        seen += len(y)\n",
            "        hits += (logits.argmax(dim=1) == y.to(device)).float().mean().item()\n"
            "        seen += 1\n",
        ),
        "tensor returned": ("    return hits / seen", "    return torch.tensor(hits / seen)"),
        "0 for no validation data": (
            'raise ValueError("val_loader gave no batch")',
            "return 0.0",
        ),
        "no training data unnoticed": (
            'raise ValueError("train_loader gave no batch")',
            "return 0.0",
        ),
        "labels not moved": (
            "        x, y = x.to(device), y.to(device)\n",
            "        x = x.to(device)\n",
        ),
        "validation data not moved": ("model(x.to(device))", "model(x)"),
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
        "x flattened": ("criterion(model(x), y)", "criterion(model(x.flatten(1)), y)"),
        "x flattened while measuring": ("model(x.to(device))", "model(x.to(device).flatten(1))"),
        "labels compared on the CPU, not moved there": (
            "(logits.argmax(dim=1) == y.to(device))",
            "(logits.argmax(dim=1).cpu() == y)",
        ),
        "seeded": (
            "    flags = [(p, p.requires_grad)",
            "    torch.manual_seed(0)\n    flags = [(p, p.requires_grad)",
        ),
        "drawn after the last batch": (
            "    for p, flag in flags:\n",
            "    torch.rand(1)\n    for p, flag in flags:\n",
        ),
        "clipped at 5": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n        optimizer.step()\n",
        ),
        "gradients left off": """
def accuracy_of(model, loader, device, plain=accuracy_of):
    accuracy = plain(model, loader, device)
    torch.set_grad_enabled(False)
    return accuracy

def train_one_epoch(*args, plain=train_one_epoch):
    torch.set_grad_enabled(True)
    return plain(*args)
""",
        "train_loader read once for all": (
            "    backbone, head =",
            "    train_loader = list(train_loader)\n    backbone, head =",
        ),
        "each train batch passed twice": (
            "        total += loss.item()",
            "        (model(x).argmax(dim=1) == y).sum()\n        total += loss.item()",
        ),
        "features flattened": (
            "return self.head(self.backbone(x))",
            "return self.head(self.backbone(x).flatten(1))",
        ),
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
        "first parts kept in a list": (
            "        self.head = Head(hidden, num_classes)\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n"
            "        return self.head(self.backbone(x))",
            "        self.head = Head(hidden, num_classes)\n"
            "        self.steps = [self.backbone, self.head]\n\n"
            "    def forward(self, x: Tensor) -> Tensor:\n"
            "        return self.steps[1](self.steps[0](x))",
        ),
        "backbone under no_grad": (
            "return self.head(self.backbone(x))",
            "with torch.no_grad():\n            features = self.backbone(x)\n"
            "        return self.head(features)",
        ),
    },
}

VARIANTS = {
    "challenge_end_to_end": {
        "generators, a fresh model for the test, written beside": """
def rows_of(model, loader, device):
    model.train(False)
    out = []
    with torch.inference_mode():
        for x, y in loader:
            out += zip(model(x.to(device)).tolist(), y.tolist())
    return out

def scores(pairs):
    logits = torch.tensor([row for row, _ in pairs])
    y = torch.tensor([label for _, label in pairs])
    right = logits.max(dim=1).indices.eq(y)
    loss = nn.CrossEntropyLoss()(logits, y)
    recall = [float(right[y == k].float().mean()) for k in range(3)]
    return float(loss), float(right.sum()) / len(y), recall

def main(epochs=12, seed=0, save_dir="runs", device="cpu"):
    if epochs <= 0:
        raise ValueError(epochs)
    import os, random
    random.seed(seed)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    x, y = make_data()
    order = list(range(305))
    random.shuffle(order)
    splits = {"test": order[:61], "val": order[61:122], "train": order[122:]}
    data = TensorDataset(x, y)
    loaders = {}
    for name, rows in splits.items():
        subset = torch.utils.data.Subset(data, rows)
        shuffle = name == "train"
        loaders[name] = DataLoader(subset, 16, shuffle=shuffle, generator=generator)
    net = Classifier()
    net.to(torch.device(device))
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    os.makedirs(save_dir, exist_ok=True)
    file = os.path.join(save_dir, "best.pt")
    metrics = {"train_loss": [], "val_loss": [], "val_acc": [], "best_epoch": 0}
    best = float("-inf")
    for epoch in range(epochs):
        net.train()
        losses = []
        for xb, yb in loaders["train"]:
            xb, yb = xb.to(device), yb.to(device)
            each = nn.functional.cross_entropy(net(xb), yb, reduction="none")
            opt.zero_grad()
            each.mean().backward()
            opt.step()
            losses.append(each.detach().to("cpu"))
        plan.step()
        metrics["train_loss"].append(torch.cat(losses).mean().item())
        loss, acc, _ = scores(rows_of(net, loaders["val"], device))
        train_acc = scores(rows_of(net, loaders["train"], device))[1]
        metrics["val_loss"].append(loss)
        metrics["val_acc"].append(acc)
        print("Epoch", f"{epoch + 1}/{epochs}", metrics["train_loss"][-1], loss, acc, train_acc)
        if acc > best:
            best, metrics["best_epoch"] = acc, epoch + 1
            content = dict(model=net.state_dict(), epoch=epoch + 1, val_acc=acc, splits=splits)
            torch.save(content, file + ".tmp")
            os.replace(file + ".tmp", file)
    best_net = Classifier().to(device)
    with open(file, "rb") as stream:
        content = torch.load(stream, map_location="cpu", weights_only=True)
    best_net.load_state_dict(content["model"])
    loss, acc, recall = scores(rows_of(best_net, loaders["test"], device))
    print("Test report on 61 rows")
    print("test:", loss, acc, *recall)
    return {**metrics, "test_loss": loss, "test_acc": acc, "test_recall": recall}
""",
        "each class split by itself": (
            "    train, val, test = torch.randperm(len(y)).split((183, 61, 61))\n",
            "    parts = [[], [], []]\n"
            "    for sizes in ((84, 28, 28), (60, 20, 20), (39, 13, 13)):\n"
            "        start = (0, 140, 240)[(84, 60, 39).index(sizes[0])]\n"
            "        rows = start + torch.randperm(sum(sizes))\n"
            "        for part, some in zip(parts, rows.split(sizes), strict=True):\n"
            "            part.append(some)\n"
            "    train, val, test = (torch.cat(part) for part in parts)\n",
        ),
        "a step with a closure": (
            "        optimizer.zero_grad()\n"
            "        loss = cross_entropy(model(x), y)\n"
            "        loss.backward()\n"
            "        optimizer.step()\n",
            "        def closure() -> Tensor:\n"
            "            loss = cross_entropy(model(x), y)\n"
            "            model.zero_grad()\n"
            "            loss.backward()\n"
            "            return loss\n\n"
            "        loss = optimizer.step(closure)\n",
        ),
    },
    "challenge_two_stage": {
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
            '    print("train samples:", sum(len(y) for _, y in train_loader))\n'
            "    backbone, head =",
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
    },
}
