"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "training": {
        "zero_grad once an epoch": (
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n"
            "        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n"
            "    for x, y in loader:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "zero_grad between backward and step": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "gradients clipped": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), 0.1)\n        optimizer.step()\n",
        ),
        "the model pickled": ('{"model": model.state_dict(),', '{"model": model,'),
        "the state dict alone": (
            'torch.save({**state, "splits": splits}, path)',
            'torch.save(state["model"], path)',
        ),
        "trained on all rows": ("TensorDataset(x[train], y[train])", "TensorDataset(x, y)"),
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
        "one epoch less": ("range(1, epochs + 1)", "range(1, epochs)"),
        "one epoch more": ("range(1, epochs + 1)", "range(1, epochs + 2)"),
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
    "validation": {
        "gradients recorded while measuring": ("@torch.no_grad()\n", "@torch.enable_grad()\n"),
        "eval mode for the model and its direct children only": (
            "    model.eval()\n",
            "    model.eval()\n    for part in model.layers:\n        part.train()\n",
        ),
        "splits overlap": (
            "    train, val, test = torch.randperm(len(y)).split((183, 61, 61))\n",
            "    train, val, test = (torch.randperm(len(y))[:n] for n in (183, 61, 61))\n",
        ),
        "measured in train mode": ("    model.eval()\n", ""),
        "a fresh model for the test, in train mode": (
            '    model.load_state_dict(best["model"])\n'
            "    loss, acc, recall = measure(model, x[test], y[test], device)\n",
            "    model = Classifier().to(device)\n"
            '    model.load_state_dict(best["model"])\n'
            "    model.eval = lambda: model\n"
            "    loss, acc, recall = measure(model, x[test], y[test], device)\n",
        ),
    },
    "file": {
        "val_acc as a tensor": ('"val_acc": val_acc}', '"val_acc": torch.tensor(val_acc)}'),
        "epoch as a float": ('"epoch": epoch,', '"epoch": float(epoch),'),
        "epochs of the file from 0": ('"epoch": epoch,', '"epoch": epoch - 1,'),
    },
    "splits": {
        "splits as tensors": (
            '{"train": train.tolist(), "val": val.tolist(), "test": test.tolist()}',
            '{"train": train, "val": val, "test": test}',
        ),
        "test rows missing in the file": (
            '"test": test.tolist()}',
            '"test": test[:-1].tolist()}',
        ),
        "split in the order of the file": ("torch.randperm(len(y))", "torch.arange(len(y))"),
    },
    "best": {
        "the last of equals kept": ("val_acc > max(", "val_acc >= max("),
        "the last epoch kept": (
            '        if not history["val_acc"] or val_acc > max(history["val_acc"]):\n',
            "        if True:\n",
        ),
        "better than the epoch before": (
            'val_acc > max(history["val_acc"])',
            'val_acc > history["val_acc"][-1]',
        ),
        "chosen by val loss": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            'if not history["val_loss"] or val_loss < min(history["val_loss"]):',
        ),
        "chosen by test accuracy": (
            '        print(f"epoch',
            '        val_acc = measure(model, x[test], y[test], device)[1]\n        print(f"epoch',
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
        "stops early": (
            '        history["train_loss"].append',
            '        if history["val_acc"] and val_acc < history["val_acc"][-1]:\n'
            "            break\n"
            '        history["train_loss"].append',
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
        "accuracy in the file rounded": ('"val_acc": val_acc}', '"val_acc": round(val_acc, 3)}'),
        "accuracy in percent": ("hits.mean().item(), recall", "100 * hits.mean().item(), recall"),
        "ties broken by val loss": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            "best = list(zip(history['val_acc'], (-n for n in history['val_loss'])))\n"
            "        if not best or (val_acc, -val_loss) > max(best):",
        ),
        "better by 2 percent at least": (
            'val_acc > max(history["val_acc"])',
            'val_acc > max(history["val_acc"]) + 0.02',
        ),
    },
    "test": {
        "test pass before and after": (
            "    history: dict",
            "    measure(model, x[test], y[test], device)\n    history: dict",
        ),
        "the last epoch's weights reported": (
            '    model.load_state_dict(best["model"])\n',
            "",
        ),
        "test pass every epoch, only to look": (
            '        print(f"epoch',
            '        measure(model, x[test], y[test], device)\n        print(f"epoch',
        ),
        "test and val are the same rows": (
            "measure(model, x[test], y[test], device)",
            "measure(model, x[val], y[val], device)",
        ),
    },
    "history": {
        "train loss of the last batch": ("    return total / seen", "    return loss.item()"),
        "train loss left out for the first epoch": (
            '        history["train_loss"].append(train_loss)\n',
            '        if epoch > 1:\n            history["train_loss"].append(train_loss)\n',
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
        "tensors for numbers": ("cross_entropy(logits, y).item()", "cross_entropy(logits, y)"),
    },
    "report": {
        "accuracy as a number of numpy": (
            '"test_acc": acc,',
            '"test_acc": __import__("numpy").float64(acc),',
        ),
        "precision for recall": (
            "hits[y == k].mean()",
            "hits[logits.argmax(dim=1) == k].mean()",
        ),
        "recall as the share of all rows": ("hits[y == k].mean()", "(hits * (y == k)).mean()"),
        "the last epoch as the best": ('"best_epoch": best["epoch"],', '"best_epoch": epoch,'),
        "best epoch from 0": ('"best_epoch": best["epoch"],', '"best_epoch": best["epoch"] - 1,'),
    },
    "lines": {
        "epochs printed from 0": ("epoch {epoch:2}", "epoch {epoch - 1:2}"),
        "epochs not printed": ('        print(f"epoch', '        str(f"epoch'),
        "accuracy printed in percent": ("accuracy {val_acc:.3f}", "accuracy {val_acc:.1%}"),
        "report not printed": ('    print(f"test', '    str(f"test'),
    },
    "seeded": {
        "the same seed 0, whatever seed is": ("torch.manual_seed(seed)", "torch.manual_seed(0)"),
        "seed taken from the state that torch is in": (
            "torch.manual_seed(seed)",
            "torch.manual_seed(torch.initial_seed())",
        ),
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
    },
    "learns": {
        "another default of epochs": ("epochs: int = 12", "epochs: int = 10"),
        "learning rate far too small": ("lr=0.003", "lr=3e-6"),
    },
    "device": {
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
    },
    "first": {
        "best starts at 0": (
            'if not history["val_acc"] or val_acc > max(history["val_acc"]):',
            'if val_acc > max(history["val_acc"], default=0.0):',
        ),
    },
    "reread": {
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
    },
    "folder": {
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
        "folder emptied first": (
            "    path.parent.mkdir(",
            "    import shutil\n\n    shutil.rmtree(save_dir, ignore_errors=True)\n"
            "    path.parent.mkdir(",
        ),
        "parent folders not made": ("mkdir(parents=True, exist_ok=True)", "mkdir(exist_ok=True)"),
        "an existing folder refused": ("mkdir(parents=True, exist_ok=True)", "mkdir(parents=True)"),
        "all checkpoints in the folder deleted": (
            "    torch.manual_seed(seed)\n",
            '    for old in path.parent.glob("*.pt"):\n        old.unlink()\n'
            "    torch.manual_seed(seed)\n",
        ),
    },
    "epochs": {
        "at least one epoch": (
            "    if epochs < 1:\n",
            "    epochs = max(1, epochs)\n    if False:\n",
        ),
        "0 epochs accepted": ("if epochs < 1:", "if epochs < 0:"),
        "0 epochs refused too late": (
            "    if epochs < 1:\n",
            "    Path(save_dir).mkdir(parents=True, exist_ok=True)\n    if epochs < 1:\n",
        ),
        "0 epochs printed, not raised": (
            '        raise ValueError(f"epochs is {epochs}, want at least 1")\n',
            '        print("epochs must be positive")\n        return None\n',
        ),
        "an older file deleted before epochs are looked at": (
            "    if epochs < 1:\n",
            '    Path(save_dir, "best.pt").unlink(missing_ok=True)\n    if epochs < 1:\n',
        ),
    },
}

VARIANTS = {
    "textbook, numbers printed in other ways": """
import copy

def main(epochs=12, seed=0, save_dir="runs", device="cpu"):
    if epochs < 1:
        raise ValueError("epochs must be at least 1")
    torch.manual_seed(seed)
    x, y = make_data()
    perm = torch.randperm(len(x)).tolist()
    splits = {"train": perm[:183], "val": perm[183:244], "test": perm[244:]}
    sets = {k: TensorDataset(x[v], y[v]) for k, v in splits.items()}
    train_loader = DataLoader(sets["train"], batch_size=16, shuffle=True)
    val_loader = DataLoader(sets["val"], batch_size=64)
    test_loader = DataLoader(sets["test"], batch_size=64)
    next(iter(val_loader))
    model = Classifier().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    path = Path(save_dir)
    path.mkdir(parents=True, exist_ok=True)
    path = path / "best.pt"

    def evaluate(loader):
        model.eval()
        total, correct, n = 0.0, 0, 0
        per_class = [[0, 0] for _ in range(3)]
        with torch.no_grad():
            for xb, yb in loader:
                xb, yb = xb.to(device), yb.to(device)
                logits = model(xb)
                total += criterion(logits, yb).item() * len(yb)
                pred = logits.argmax(1)
                correct += (pred == yb).sum().item()
                n += len(yb)
                for k in range(3):
                    per_class[k][0] += ((pred == yb) & (yb == k)).sum().item()
                    per_class[k][1] += (yb == k).sum().item()
        return total / n, correct / n, [a / max(1, b) for a, b in per_class]

    best_acc, best_epoch = -1.0, 0
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for epoch in range(1, epochs + 1):
        model.train()
        total, n = 0.0, 0
        for xb, yb in train_loader:
            xb, yb = xb.to(device), yb.to(device)
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
            n += len(yb)
        val_loss, val_acc, _ = evaluate(val_loader)
        history["train_loss"].append(total / n)
        history["val_loss"].append(val_loss)
        history["val_acc"].append(val_acc)
        print(f"Epoch-{epoch} / {epochs}: {total / n:.4e} {val_loss:.6f} {val_acc:+.4f}")
        if val_acc > best_acc:
            best_acc, best_epoch = val_acc, epoch
            state = copy.deepcopy(model.state_dict())
            content = {"model": state, "epoch": epoch, "val_acc": val_acc, "splits": splits}
            torch.save(content, path)
    checkpoint = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(checkpoint["model"])
    test_loss, test_acc, recall = evaluate(test_loader)
    print("test", test_loss, test_acc, recall)
    return {
        **history, "best_epoch": best_epoch, "test_loss": test_loss, "test_acc": test_acc,
        "test_recall": recall,
    }
""",
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
}
