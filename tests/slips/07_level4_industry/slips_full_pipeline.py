"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SAVE = """        if val_acc > best:
            best = val_acc
            torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)
"""
START = """    set_seed()
    train_loader, val_loader = build_dataloaders()
    model = SignalNet()
"""
SPLIT = """    order = torch.randperm(num_samples).tolist()
    train = Subset(SignalDataset(num_samples, augment=True), order[n_val:])
    val = Subset(SignalDataset(num_samples), order[:n_val])
"""

SLIPS = {
    "seed": {
        "seed 0 taken for the default": (
            "    random.seed(seed)\n",
            "    seed = seed or 42\n    random.seed(seed)\n",
        ),
        "numpy not seeded": ("    np.random.seed(seed)\n", ""),
        "a numpy generator seeded and dropped": (
            "np.random.seed(seed)",
            "np.random.default_rng(seed)",
        ),
        "random not seeded": ("    random.seed(seed)\n    np", "    np"),
        "torch not seeded": ("    torch.manual_seed(seed)\n", ""),
        "a torch generator seeded and dropped": (
            "torch.manual_seed(seed)",
            "torch.Generator().manual_seed(seed)",
        ),
        "only CUDA seeded": ("torch.manual_seed(seed)", "torch.cuda.manual_seed_all(seed)"),
        "the seed ignored": ("    random.seed(seed)\n", "    seed = 42\n    random.seed(seed)\n"),
    },
    "split": {
        "a block of rows for validation": (
            "torch.randperm(num_samples)",
            "torch.arange(num_samples).roll(int(torch.randint(num_samples, ())))",
        ),
        "split after augmentation": (
            SPLIT,
            """    both = [SignalDataset(num_samples), SignalDataset(num_samples, augment=True)]
    data = torch.utils.data.ConcatDataset(both)
    n_val = round(len(data) * val_ratio)
    train, val = torch.utils.data.random_split(data, [len(data) - n_val, n_val])
""",
        ),
        "two splits that do not agree": (
            "    val = Subset(",
            "    order = torch.randperm(num_samples).tolist()\n    val = Subset(",
        ),
        "all rows in training": ("order[n_val:]", "order"),
        "the first rows for validation": (
            "torch.randperm(num_samples)",
            "torch.arange(num_samples)",
        ),
        "the last rows for validation": (
            "torch.randperm(num_samples)",
            "torch.arange(num_samples).flip(0)",
        ),
        "every fifth row for validation": (
            "torch.randperm(num_samples).tolist()",
            "sorted(range(num_samples), key=lambda i: i % round(1 / (val_ratio or 1)))",
        ),
        "parts swapped": ("order[:n_val]", "order[:-n_val]"),
        "short last batch dropped": ("shuffle=True", "shuffle=True, drop_last=True"),
        "loaders in the wrong order": (
            "return DataLoader(train, batch_size, shuffle=True), DataLoader(val, batch_size)",
            "return DataLoader(val, batch_size), DataLoader(train, batch_size, shuffle=True)",
        ),
        "other rows": (
            "Subset(SignalDataset(num_samples), order",
            "Subset(SignalDataset(num_samples, rows_seed=1), order",
        ),
        "every fifth row from a random start for validation": (
            "torch.randperm(num_samples).tolist()",
            "sorted(range(num_samples), key=lambda i, k=int(torch.randint(5, ())): (i + k) % 5)",
        ),
    },
    "batches": {
        "validation in one batch": ("DataLoader(val, batch_size)", "DataLoader(val, len(val))"),
    },
    "augment": {
        "augmented once and for all": ("DataLoader(train,", "DataLoader(list(train),"),
        "augmented rows drawn first, then split": (
            SPLIT,
            """    data = list(SignalDataset(num_samples, augment=True))
    train, val = torch.utils.data.random_split(data, [num_samples - n_val, n_val])
""",
        ),
        "one augmented dataset for both parts": (
            "val = Subset(SignalDataset(num_samples), order",
            "val = Subset(train.dataset, order",
        ),
        "augmentation switched on after the split of one dataset": (
            SPLIT,
            """    data = SignalDataset(num_samples)
    train, val = torch.utils.data.random_split(data, [num_samples - n_val, n_val])
    train.dataset.augment = True
""",
        ),
        "nothing augmented": (", augment=True", ""),
        "the wrong part augmented": (
            SPLIT,
            SPLIT.replace(", augment=True", "").replace(
                "val = Subset(SignalDataset(num_samples",
                "val = Subset(SignalDataset(num_samples, augment=True",
            ),
        ),
    },
    "order": {
        "train_loader not shuffled": (", shuffle=True", ""),
    },
    "seeded": {
        "the same split whatever the seed": (
            "torch.randperm(num_samples)",
            "torch.randperm(num_samples, generator=torch.Generator().manual_seed(42))",
        ),
        "another split each time": (
            "torch.randperm(num_samples)",
            "torch.randperm(num_samples, "
            "generator=torch.Generator().manual_seed(random.SystemRandom().getrandbits(31)))",
        ),
        "set_seed called in build_dataloaders": (
            "    order = torch.randperm",
            "    set_seed()\n    order = torch.randperm",
        ),
        "an order of training that no seed reaches": (
            "shuffle=True",
            "shuffle=True, generator=torch.Generator().manual_seed(42)",
        ),
    },
    "training": {
        "gradients clipped one by one": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_value_(model.parameters(), 0.01)\n"
            "        optimizer.step()\n",
        ),
        "weight decay added to the gradients by hand": (
            "        optimizer.step()\n",
            "        for p in model.parameters():\n            p.grad += 1e-2 * p.detach()\n"
            "        optimizer.step()\n",
        ),
        "save_dir has to be there": ("    path.parent.mkdir(parents=True, exist_ok=True)\n", ""),
        "one epoch too few": ("in range(1, epochs + 1):", "in range(1, epochs or 2):"),
        "always 5 epochs": ("in range(1, epochs + 1):", "in range(1, 6):"),
        "train mode not set": ("    model.train()\n", ""),
        "train mode for the first epoch only": (
            "    model.train()\n",
            "    if len(optimizer.state) == 0:\n        model.train()\n",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad between backward and step": (
            "        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "zero_grad once an epoch": (
            "    for x, y in loader:\n        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n    for x, y in loader:\n",
        ),
        "no backward": ("        loss.backward()\n", ""),
        "no step": ("        optimizer.step()\n", ""),
        "step before backward": (
            "        loss.backward()\n        optimizer.step()\n",
            "        optimizer.step()\n        loss.backward()\n",
        ),
        "one step an epoch": (
            "        optimizer.step()\n        losses += [loss.item()] * len(y)\n",
            "        losses += [loss.item()] * len(y)\n    optimizer.step()\n",
        ),
        "a new optimizer in each epoch": (
            "        train_loss = train_one_epoch(model, train_loader, optimizer)\n",
            "        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)\n"
            "        train_loss = train_one_epoch(model, train_loader, optimizer)\n",
        ),
        "softmax before the cross-entropy": (
            "cross_entropy(model(x), y)",
            "cross_entropy(model(x).softmax(dim=1), y)",
        ),
        "trained on the rows of validation": (
            "train_one_epoch(model, train_loader, optimizer)",
            "train_one_epoch(model, val_loader, optimizer)",
        ),
        "trained on the rows of validation too": (
            "        train_loss = train_one_epoch(model, train_loader, optimizer)\n",
            "        train_loss = train_one_epoch(model, train_loader, optimizer)\n"
            "        train_one_epoch(model, val_loader, optimizer)\n",
        ),
        "the loss summed over the batch": (
            "cross_entropy(model(x), y)",
            'cross_entropy(model(x), y, reduction="sum")',
        ),
        "labels smoothed": (
            "cross_entropy(model(x), y)",
            "cross_entropy(model(x), y, label_smoothing=0.1)",
        ),
        "weights added to the loss": (
            "        loss.backward()\n",
            "        loss = loss + 1e-4 * sum(p.square().sum() for p in model.parameters())\n"
            "        loss.backward()\n",
        ),
        "only the head trained": ("AdamW(model.parameters()", "AdamW(model[-1].parameters()"),
    },
    "validation": {
        "measured twice": (
            "    pairs = [(model(x), y) for x, y in loader]\n",
            "    pairs = [(model(x), y) for x, y in loader for _ in range(2)]\n",
        ),
        "a look in eval mode after each step": (
            "        optimizer.step()\n",
            "        optimizer.step()\n        with torch.no_grad():\n"
            "            model.eval()(x)\n        model.train()\n",
        ),
        "eval mode not set": ("    model.eval()\n", ""),
        "gradients recorded in validation": ("@torch.no_grad()\n", ""),
        "validated on the rows of training": (
            "evaluate(model, val_loader)",
            "evaluate(model, train_loader)",
        ),
    },
    "file": {
        "val_acc as a tensor": ('"val_acc": val_acc}', '"val_acc": torch.tensor(val_acc)}'),
        "accuracy as a tensor": (
            "hits.double().mean().item()\n",
            "hits.double().mean()\n",
        ),
        "accuracy as a number of numpy": (
            "hits.double().mean().item()\n",
            "np.mean(hits.numpy())\n",
        ),
        "the model itself saved": ('"model": model.state_dict()', '"model": model'),
        "the state dict alone": (
            'torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)',
            "torch.save(model.state_dict(), path)",
        ),
        "parameters without buffers": (
            '"model": model.state_dict()',
            '"model": dict(model.named_parameters())',
        ),
        "other keys": ('"val_acc": val_acc', '"best_acc": val_acc'),
        "saved to the working folder": (
            'Path(save_dir, "best.pt")',
            'Path("checkpoints", "best.pt")',
        ),
        "another file name": ('Path(save_dir, "best.pt")', 'Path(save_dir, "model.pt")'),
    },
    "best": {
        "the best accuracy with the last weights": (
            "            torch.save({",
            "        torch.save({",
        ),
        "the last instead of the best": (SAVE, SAVE.replace("if val_acc > best:", "if True:")),
        "a reference to the best weights, saved at the end": (
            SAVE,
            """        if val_acc > best:
            best, best_state = val_acc, model.state_dict()
        if epoch == epochs:
            torch.save({"model": best_state, "val_acc": best}, path)
""",
        ),
        "a copy of the best weights, saved at the end": (
            SAVE,
            """        if val_acc > best:
            best, best_state = val_acc, {k: v.clone() for k, v in model.state_dict().items()}
        if epoch == epochs:
            torch.save({"model": best_state, "val_acc": best}, path)
""",
        ),
        "the best before written beside the new weights": (
            SAVE,
            """        if val_acc > best:
            torch.save({"model": model.state_dict(), "val_acc": best}, path)
            best = val_acc
""",
        ),
        "better by 3 percent at least": ("if val_acc > best:", "if val_acc > best + 0.03:"),
        "accuracy in percent in the file": ('"val_acc": val_acc}', '"val_acc": 100 * val_acc}'),
        "the last of equally good epochs": ("if val_acc > best:", "if val_acc >= best:"),
        "compared with the epoch before": (
            SAVE,
            """        if epoch == 1 or val_acc > before:
            best = val_acc
            torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)
        before = val_acc
""",
        ),
        "best by validation loss": (
            SAVE,
            """        if epoch == 1 or val_loss < lowest:
            best, lowest = val_acc, val_loss
            torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)
""",
        ),
        "best by training loss": (
            SAVE,
            """        if epoch == 1 or train_loss < lowest:
            best, lowest = val_acc, train_loss
            torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)
""",
        ),
        "mean of the batches' accuracies": (
            "hits.double().mean().item()\n",
            "sum((a.argmax(1) == b).double().mean().item() for a, b in pairs) / len(pairs)\n",
        ),
        "smallest logit": ("logits.argmax(dim=1)", "logits.argmin(dim=1)"),
    },
    "result": {
        "the last accuracy returned": ("    return best\n", "    return val_acc\n"),
        "accuracy in percent": ("    return best\n", "    return 100 * best\n"),
        "accuracy rounded": ("    return best\n", "    return round(best, 2)\n"),
        "the best accuracy as a number of numpy": (
            "    return best\n",
            "    return np.float64(best)\n",
        ),
    },
    "learns": {
        "another default of epochs": ("epochs: int = 5", "epochs: int = 6"),
        "another default of save_dir": ('= "checkpoints"', '= "runs"'),
        "save_dir has to be a Path": ('Path(save_dir, "best.pt")', 'save_dir / "best.pt"'),
        "a rate with which nothing is learned": ("lr=1e-3", "lr=1e-6"),
    },
    "repeats": {
        "the run is not seeded": ("    set_seed()\n", ""),
        "seeded after the split": (
            START,
            """    train_loader, val_loader = build_dataloaders()
    set_seed()
    model = SignalNet()
""",
        ),
        "seeded after the model": (
            START,
            """    model = SignalNet()
    set_seed()
    train_loader, val_loader = build_dataloaders()
""",
        ),
    },
    "sizes": {
        "number of rows cut off, not rounded": (
            "round(num_samples * val_ratio)",
            "int(num_samples * val_ratio)",
        ),
        "number of rows rounded up": (
            "round(num_samples * val_ratio)",
            "math.ceil(num_samples * val_ratio)",
        ),
        "no rows for validation": ("if not 0 < n_val < num_samples:", "if n_val >= num_samples:"),
        "at least one row for validation": (
            "n_val = round(num_samples * val_ratio)",
            "n_val = max(1, round(num_samples * val_ratio))",
        ),
    },
    "first": {
        "accuracy 0 is never the best": ("best = -math.inf", "best = 0.0"),
        "the accuracy of the untrained model to be beaten": (
            "    best = -math.inf\n",
            "    best = evaluate(model, val_loader)[1]\n",
        ),
    },
    "folder": {
        "a temporary file left": (
            'model.state_dict(), "val_acc": val_acc}, path)\n',
            'model.state_dict(), "val_acc": val_acc}, path)\n'
            "            torch.save({}, path.with_suffix('.tmp'))\n",
        ),
        "only one folder is made": ("parents=True, ", ""),
        "save_dir must not be there": (", exist_ok=True", ""),
        "an older file is kept": (
            "        if val_acc > best:\n            best = val_acc\n            torch.save",
            "        if val_acc > best:\n            best = val_acc\n"
            "            if epoch > 1 or not path.exists():\n                torch.save",
        ),
        "best so far taken from an older file": (
            "    best = -math.inf\n",
            "    best = torch.load(path)['val_acc'] if path.exists() else -math.inf\n",
        ),
        "the last weights lie beside the best": (
            SAVE,
            SAVE + '        torch.save(model.state_dict(), path.with_name("last.pt"))\n',
        ),
        "a log file": (
            "    return best\n",
            '    Path("log.txt").write_text(str(best))\n    return best\n',
        ),
    },
    "epochs": {
        "0 epochs return 0": (
            '        raise ValueError(f"epochs is {epochs}, want 1 or more")\n',
            "        return 0.0\n",
        ),
        "0 epochs": ("    if epochs < 1:\n", "    if epochs < 0:\n"),
        "save_dir made before epochs is looked at": (
            "    if epochs < 1:\n",
            "    Path(save_dir).mkdir(parents=True, exist_ok=True)\n    if epochs < 1:\n",
        ),
    },
}

VARIANTS = {
    "textbook with the errors": """
import copy

def set_seed(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)

def build_dataloaders(num_samples=200, batch_size=16, val_ratio=0.2):
    n_val = round(num_samples * val_ratio)
    n_train = num_samples - n_val
    if n_val <= 0 or n_train <= 0:
        raise ValueError("empty split")
    perm = torch.randperm(num_samples)
    train_set = Subset(SignalDataset(num_samples, augment=True), perm[:n_train])
    val_set = Subset(SignalDataset(num_samples, augment=False), perm[n_train:])
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True),
        DataLoader(val_set, batch_size=batch_size, shuffle=False),
    )

def run_full_pipeline(epochs=5, save_dir="checkpoints"):
    if epochs < 1:
        raise ValueError("epochs must be positive")
    set_seed()
    train_loader, val_loader = build_dataloaders()
    next(iter(val_loader))
    model = SignalNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    save_dir = Path(save_dir)
    save_dir.mkdir(parents=True, exist_ok=True)
    best_acc = -1.0
    for epoch in range(epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        correct, total = 0, 0
        with torch.no_grad():
            for x, y in val_loader:
                correct += (model(x).argmax(dim=1) == y).sum().item()
                total += len(y)
        acc = correct / total
        if acc > best_acc:
            best_acc = acc
            state = copy.deepcopy(model.state_dict())
            torch.save({"model": state, "val_acc": acc}, save_dir / "best.pt")
    return best_acc
""",
    "random_split, clipping, cosine, momentum": """
from torch.utils.data import random_split

def set_seed(seed=42):
    for seeder in (torch.manual_seed, torch.cuda.manual_seed_all, np.random.seed, random.seed):
        seeder(seed)
    torch.backends.cudnn.benchmark = False

def build_dataloaders(num_samples=200, batch_size=16, val_ratio=0.2):
    n_val = int(num_samples * val_ratio + 0.5)
    if n_val <= 0 or n_val >= num_samples:
        raise ValueError("an empty part")
    val_set, rest = random_split(SignalDataset(num_samples), [n_val, num_samples - n_val])
    train_set = Subset(SignalDataset(num_samples, True), rest.indices)
    generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True, generator=generator),
        DataLoader(val_set, batch_size=batch_size, shuffle=False),
    )

def run_full_pipeline(epochs=5, save_dir="checkpoints"):
    if epochs <= 0:
        raise ValueError("epochs")
    set_seed(42)
    train_loader, val_loader = build_dataloaders()
    net, best = SignalNet().to("cpu"), None
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=epochs)
    for epoch in range(epochs):
        net.train()
        for inputs, targets in train_loader:
            loss = nn.CrossEntropyLoss()(net(inputs), targets)
            sgd.zero_grad(set_to_none=False)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            sgd.step()
        cosine.step()
        net.eval()
        correct = total = 0
        with torch.inference_mode():
            for inputs, targets in val_loader:
                correct += (net(inputs).argmax(-1) == targets).sum().item()
                total += targets.numel()
        accuracy = correct / total
        print(f"epoch {epoch} {accuracy}")
        if best is None or accuracy > best:
            best = accuracy
            os.makedirs(save_dir, exist_ok=True)
            file = os.path.join(save_dir, "best.pt")
            torch.save({"epoch": epoch, "model": net.state_dict(), "val_acc": accuracy}, file + "~")
            os.replace(file + "~", file)
    return best

import os
""",
    "numpy for the split, a dataset of its own, closures": """
class Rows(Dataset):
    def __init__(self, indices, data):
        self.indices, self.data = indices, data

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, k):
        return self.data[self.indices[k]]

def set_seed(seed=42):
    torch.manual_seed(seed)
    np.random.seed(seed + 1)
    random.seed(seed + 2)

def build_dataloaders(num_samples=200, batch_size=16, val_ratio=0.2):
    chosen = np.random.choice(num_samples, max(0, round(num_samples * val_ratio)), replace=False) \\
        if val_ratio < 1 else []
    if len(chosen) in (0, num_samples):
        raise ValueError
    rest = sorted(set(range(num_samples)) - set(chosen.tolist()))
    parts = Rows(rest, SignalDataset(num_samples, augment=True)), Rows(
        chosen.tolist(), SignalDataset(num_samples, augment=False)
    )
    return tuple(DataLoader(part, batch_size, shuffle=True) for part in parts)

def run_full_pipeline(epochs=5, save_dir="checkpoints"):
    if epochs < 1:
        raise ValueError
    set_seed()
    loaders, net, history = build_dataloaders(), SignalNet(), []
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    folder = Path(save_dir)
    folder.mkdir(exist_ok=True, parents=True)
    for _ in range(epochs):
        net.train()
        for x, y in loaders[0]:
            def closure(x=x, y=y):
                adam.zero_grad()
                loss = nn.functional.nll_loss(net(x).log_softmax(dim=1), y)
                loss.backward()
                return loss
            adam.step(closure)
        net.eval()
        right = []
        for x, y in loaders[1]:
            with torch.no_grad():
                right += (net(x).max(dim=1).indices == y).tolist()
        history.append(sum(right) / len(right))
        if history.index(max(history)) == len(history) - 1:
            state = {k: v.cpu() for k, v in net.state_dict().items()}
            torch.save(dict(model=state, val_acc=history[-1]), folder / "best.pt")
    return max(history)
""",
    "accuracy of training measured, too": (
        "        if val_acc > best:\n",
        "        train_acc = evaluate(model, train_loader)[1]\n"
        '        log.info(f"train accuracy {train_acc:.3f}")\n'
        "        if val_acc > best:\n",
    ),
    "two groups of parameters, decay for one": (
        "AdamW(model.parameters(), lr=1e-3)",
        """AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim > 1]},
            {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=2e-3,
    )""",
    ),
}
