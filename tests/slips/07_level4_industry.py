"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SAVE = """        if val_acc > best:
            best = val_acc
            torch.save({"model": model.state_dict(), "val_acc": val_acc}, path)
"""
START = """    set_seed()
    train_loader, val_loader = build_dataloaders()
    model = SignalNet()
"""
COPY = """            best_state = copy.deepcopy(model.state_dict())
        elif epoch - best_epoch == patience:
            break
    model.load_state_dict(best_state)
"""
EPOCH = """        train_one_epoch(model, train_loader, criterion, optimizer, device)
        acc = accuracy(model, val_loader, device)
        if acc > best_acc:
            best_acc, best_epoch = acc, epoch
            best_state = copy.deepcopy(model.state_dict())
"""
PATIENCE = """        elif epoch - best_epoch == patience:
            break
"""
BATCHES = """        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x.to(device)), y.to(device)).backward()
            optimizer.step()
"""
LOOP = f"""    for _ in range(epochs):
{BATCHES}        scheduler.step()
"""
SPLIT = """    order = torch.randperm(num_samples).tolist()
    train = Subset(SignalDataset(num_samples, augment=True), order[n_val:])
    val = Subset(SignalDataset(num_samples), order[:n_val])
"""

SLIPS = {
    "challenge_full_pipeline": {
        "the last instead of the best": (SAVE, SAVE.replace("if val_acc > best:", "if True:")),
        "the best accuracy with the last weights": (
            "            torch.save({",
            "        torch.save({",
        ),
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
        "split after augmentation": (
            SPLIT,
            """    both = [SignalDataset(num_samples), SignalDataset(num_samples, augment=True)]
    data = torch.utils.data.ConcatDataset(both)
    n_val = round(len(data) * val_ratio)
    train, val = torch.utils.data.random_split(data, [len(data) - n_val, n_val])
""",
        ),
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
        "augmented once and for all": ("DataLoader(train,", "DataLoader(list(train),"),
        "the wrong part augmented": (
            SPLIT,
            SPLIT.replace(", augment=True", "").replace(
                "val = Subset(SignalDataset(num_samples",
                "val = Subset(SignalDataset(num_samples, augment=True",
            ),
        ),
        "two splits that do not agree": (
            "    val = Subset(",
            "    order = torch.randperm(num_samples).tolist()\n    val = Subset(",
        ),
        "all rows in training": ("order[n_val:]", "order"),
        "the same split whatever the seed": (
            "torch.randperm(num_samples)",
            "torch.randperm(num_samples, generator=torch.Generator().manual_seed(42))",
        ),
        "another split each time": (
            "torch.randperm(num_samples)",
            "torch.randperm(num_samples, "
            "generator=torch.Generator().manual_seed(random.SystemRandom().getrandbits(31)))",
        ),
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
        "number of rows cut off, not rounded": (
            "round(num_samples * val_ratio)",
            "int(num_samples * val_ratio)",
        ),
        "parts swapped": ("order[:n_val]", "order[:-n_val]"),
        "train_loader not shuffled": (", shuffle=True", ""),
        "short last batch dropped": ("shuffle=True", "shuffle=True, drop_last=True"),
        "validation in one batch": ("DataLoader(val, batch_size)", "DataLoader(val, len(val))"),
        "loaders in the wrong order": (
            "return DataLoader(train, batch_size, shuffle=True), DataLoader(val, batch_size)",
            "return DataLoader(val, batch_size), DataLoader(train, batch_size, shuffle=True)",
        ),
        "no rows for validation": ("if not 0 < n_val < num_samples:", "if n_val >= num_samples:"),
        "at least one row for validation": (
            "n_val = round(num_samples * val_ratio)",
            "n_val = max(1, round(num_samples * val_ratio))",
        ),
        "other rows": (
            "Subset(SignalDataset(num_samples), order",
            "Subset(SignalDataset(num_samples, rows_seed=1), order",
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
        "accuracy 0 is never the best": ("best = -math.inf", "best = 0.0"),
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
        "the last accuracy returned": ("    return best\n", "    return val_acc\n"),
        "accuracy in percent": ("    return best\n", "    return 100 * best\n"),
        "accuracy as a tensor": (
            "hits.double().mean().item()\n",
            "hits.double().mean()\n",
        ),
        "accuracy as a number of numpy": (
            "hits.double().mean().item()\n",
            "np.mean(hits.numpy())\n",
        ),
        "mean of the batches' accuracies": (
            "hits.double().mean().item()\n",
            "sum((a.argmax(1) == b).double().mean().item() for a, b in pairs) / len(pairs)\n",
        ),
        "accuracy rounded": ("    return best\n", "    return round(best, 2)\n"),
        "smallest logit": ("logits.argmax(dim=1)", "logits.argmin(dim=1)"),
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
        "save_dir has to be there": ("    path.parent.mkdir(parents=True, exist_ok=True)\n", ""),
        "only one folder is made": ("parents=True, ", ""),
        "save_dir must not be there": (", exist_ok=True", ""),
        "save_dir has to be a Path": ('Path(save_dir, "best.pt")', 'save_dir / "best.pt"'),
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
        "0 epochs": ("    if epochs < 1:\n", "    if epochs < 0:\n"),
        "save_dir made before epochs is looked at": (
            "    if epochs < 1:\n",
            "    Path(save_dir).mkdir(parents=True, exist_ok=True)\n    if epochs < 1:\n",
        ),
        "one epoch too few": ("in range(1, epochs + 1):", "in range(1, epochs or 2):"),
        "always 5 epochs": ("in range(1, epochs + 1):", "in range(1, 6):"),
        "train mode not set": ("    model.train()\n", ""),
        "train mode for the first epoch only": (
            "    model.train()\n",
            "    if len(optimizer.state) == 0:\n        model.train()\n",
        ),
        "eval mode not set": ("    model.eval()\n", ""),
        "gradients recorded in validation": ("@torch.no_grad()\n", ""),
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
        "validated on the rows of training": (
            "evaluate(model, val_loader)",
            "evaluate(model, train_loader)",
        ),
        "a rate with which nothing is learned": ("lr=1e-3", "lr=1e-6"),
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
        "the best accuracy as a number of numpy": (
            "    return best\n",
            "    return np.float64(best)\n",
        ),
        "an order of training that no seed reaches": (
            "shuffle=True",
            "shuffle=True, generator=torch.Generator().manual_seed(42)",
        ),
        "a block of rows for validation": (
            "torch.randperm(num_samples)",
            "torch.arange(num_samples).roll(int(torch.randint(num_samples, ())))",
        ),
        "every fifth row from a random start for validation": (
            "torch.randperm(num_samples).tolist()",
            "sorted(range(num_samples), key=lambda i, k=int(torch.randint(5, ())): (i + k) % 5)",
        ),
    },
    "challenge_early_stopping": {
        "a reference to the best weights": (
            "copy.deepcopy(model.state_dict())",
            "model.state_dict()",
        ),
        "a shallow copy of the best weights": (
            "copy.deepcopy(model.state_dict())",
            "model.state_dict().copy()",
        ),
        "a shallow copy with copy.copy": ("copy.deepcopy(model", "copy.copy(model"),
        "tensors detached, not copied": (
            "copy.deepcopy(model.state_dict())",
            "{k: v.detach().cpu() for k, v in model.state_dict().items()}",
        ),
        "parameters without buffers": (
            """            best_state = copy.deepcopy(model.state_dict())
        elif epoch - best_epoch == patience:
            break
    model.load_state_dict(best_state)
""",
            """            best_state = {k: p.detach().clone() for k, p in model.named_parameters()}
        elif epoch - best_epoch == patience:
            break
    model.load_state_dict(best_state, strict=False)
""",
        ),
        "best weights in half precision": (
            "copy.deepcopy(model.state_dict())",
            "{k: v.half() if v.is_floating_point() else v.clone() "
            "for k, v in model.state_dict().items()}",
        ),
        "nothing restored": ("    model.load_state_dict(best_state)\n", ""),
        "restored only if it was stopped early": (
            "            break\n    model.load_state_dict(best_state)\n",
            "            model.load_state_dict(best_state)\n            break\n",
        ),
        "restored after each epoch without an improvement": (
            "            best_state = copy.deepcopy(model.state_dict())\n",
            "            best_state = copy.deepcopy(model.state_dict())\n"
            "        else:\n            model.load_state_dict(best_state)\n        if False:\n"
            "            pass\n",
        ),
        "the best model returned to nobody": (
            COPY,
            COPY.replace("model.state_dict()", "model").replace("best_state", "best_model"),
        ),
        "weights from before the best epoch": (
            EPOCH,
            """        previous = copy.deepcopy(model.state_dict())
        train_one_epoch(model, train_loader, criterion, optimizer, device)
        acc = accuracy(model, val_loader, device)
        if acc > best_acc:
            best_acc, best_epoch = acc, epoch
            best_state = previous
""",
        ),
        "weights from the middle of the training": (
            "            best_state = copy.deepcopy(model.state_dict())\n",
            "            best_state = copy.deepcopy(model.state_dict())\n"
            "            train_one_epoch(model, train_loader, criterion, optimizer, device)\n",
        ),
        "the model's tensors replaced": (
            "model.load_state_dict(best_state)",
            "model.load_state_dict(best_state, assign=True)",
        ),
        "ties are improvements": ("if acc > best_acc:", "if acc >= best_acc:"),
        "accuracy 0 is no improvement": (
            "best_acc, best_epoch = -math.inf, 0",
            "best_state = copy.deepcopy(model.state_dict())\n    best_acc, best_epoch = 0.0, 0",
        ),
        "measured before the first epoch": (
            "best_acc, best_epoch = -math.inf, 0",
            "best_state = copy.deepcopy(model.state_dict())\n"
            "    best_acc, best_epoch = accuracy(model, val_loader, device), 0",
        ),
        "compared with the epoch before": (
            EPOCH,
            """        train_one_epoch(model, train_loader, criterion, optimizer, device)
        acc = accuracy(model, val_loader, device)
        better, last = epoch == 1 or acc > last, acc
        if better:
            best_acc, best_epoch = acc, epoch
            best_state = copy.deepcopy(model.state_dict())
""",
        ),
        "a least improvement": ("if acc > best_acc:", "if acc > best_acc + 1e-4:"),
        "compared in rounded numbers": (
            "if acc > best_acc:",
            "if round(acc, 3) > round(best_acc, 3) or epoch == 1:",
        ),
        "patience counted over the whole run": (
            PATIENCE,
            """        else:
            waited = waited + 1 if epoch > 2 else 1
            if waited == patience:
                break
""",
        ),
        "one epoch too patient": ("== patience:", "> patience:"),
        "one epoch too impatient": ("== patience:", ">= patience - 1:"),
        "stopped at accuracy 1": (
            PATIENCE,
            PATIENCE + "        if best_acc == 1.0:\n            break\n",
        ),
        "never stopped": (PATIENCE, ""),
        "epochs counted from 0": ("return best_acc, epoch", "return best_acc, epoch - 1"),
        "the best epoch returned": ("return best_acc, epoch", "return best_acc, best_epoch"),
        "the limit returned": ("return best_acc, epoch", "return best_acc, max_epochs"),
        "the last accuracy returned": ("return best_acc, epoch", "return acc, epoch"),
        "values swapped": ("return best_acc, epoch", "return epoch, best_acc"),
        "a list": ("return best_acc, epoch", "return [best_acc, epoch]"),
        "accuracy as a tensor": ("mean().item()", "mean()"),
        "accuracy in percent": ("mean().item()", "mean().item() * 100"),
        "accuracy rounded": ("mean().item()", "mean().round(decimals=1).item()"),
        "mean of the batches' accuracies": (
            "torch.cat(hits).double().mean().item()",
            "sum(h.double().mean().item() for h in hits) / len(hits)",
        ),
        "accuracy of the last batch": ("torch.cat(hits)", "hits[-1]"),
        "accuracy on the training data": (
            "accuracy(model, val_loader, device)\n",
            "accuracy(model, train_loader, device)\n",
        ),
        "one epoch more than the limit": ("max_epochs + 1):", "max_epochs + 2):"),
        "one epoch fewer than the limit": ("max_epochs + 1):", "max(max_epochs, 2)):"),
        "left in train mode": (
            "    return best_acc, epoch\n",
            "    model.train()\n    return best_acc, epoch\n",
        ),
        "validated in train mode": ("    model.eval()\n", ""),
        "eval mode for the outermost module only": ("model.eval()", "model.training = False"),
        "train mode not set": ("    model.train()\n", ""),
        "train mode set once": (
            "        train_one_epoch(model, train_loader, criterion, optimizer, device)\n",
            "        if epoch > 1:\n            model.train = lambda *_: model\n"
            "        train_one_epoch(model, train_loader, criterion, optimizer, device)\n",
        ),
        "gradients recorded in validation": ("@torch.no_grad()\n", ""),
        "gradients left switched off": (
            "    return best_acc, epoch\n",
            "    torch.set_grad_enabled(False)\n    return best_acc, epoch\n",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad between backward and step": (
            "        optimizer.step()\n",
            "        optimizer.zero_grad()\n        optimizer.step()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "step before backward": (
            "        criterion(model(x.to(device)), y.to(device)).backward()\n"
            "        optimizer.step()\n",
            "        optimizer.step()\n"
            "        criterion(model(x.to(device)), y.to(device)).backward()\n",
        ),
        "an optimizer of its own": (
            "    best_acc, best_epoch = -math.inf, 0\n",
            "    best_acc, best_epoch = -math.inf, 0\n"
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n",
        ),
        "validation batches trained on too": (
            "        acc = accuracy(",
            "        train_one_epoch(model, list(val_loader), criterion, optimizer, device)\n"
            "        acc = accuracy(",
        ),
        "batches kept from the first epoch": (
            "    best_acc, best_epoch = -math.inf, 0\n",
            "    best_acc, best_epoch = -math.inf, 0\n    train_loader = list(train_loader)\n",
        ),
        "features left where they are": (
            "criterion(model(x.to(device)), y",
            "criterion(model(x), y",
        ),
        "labels left where they are": (
            "criterion(model(x.to(device)), y.to(device))",
            "criterion(model(x.to(device)), y)",
        ),
        "features of validation left where they are": (
            "model(x.to(device)).argmax(dim=1)",
            "model(x).argmax(dim=1)",
        ),
        "patience 0": ("if max_epochs < 1 or patience < 1:", "if max_epochs < 1:"),
        "no epoch at all": (
            "    if max_epochs < 1 or patience < 1:\n",
            "    if max_epochs < 1:\n        return 0.0, 0\n    if patience < 1:\n",
        ),
        "an empty training loader unnoticed": ("if batches == 0:", "if False:"),
        "accuracy 0 of an empty validation": (
            'raise ValueError("the validation loader gave no batch")',
            "return 0.0",
        ),
        "a training loader that dries up unnoticed": (
            "if batches == 0:",
            "if batches == 0 and not optimizer.state:",
        ),
        "a validation loader that dries up ends the run": (
            EPOCH,
            EPOCH.replace(
                "        acc = accuracy(model, val_loader, device)\n",
                """        try:
            acc = accuracy(model, val_loader, device)
        except ValueError:
            if epoch == 1:
                raise
            break
""",
            ),
        ),
        "gradients left switched off by an empty validation": """
def accuracy(model, loader, device):
    model.eval()
    torch.set_grad_enabled(False)
    hits = [(model(x.to(device)).argmax(dim=1) == y.to(device)) for x, y in loader]
    if not hits:
        raise ValueError("the validation loader gave no batch")
    torch.set_grad_enabled(True)
    return torch.cat(hits).double().mean().item()
""",
        "best weights in single precision": (
            "copy.deepcopy(model.state_dict())",
            "{k: v.float() if v.is_floating_point() else v.clone() "
            "for k, v in model.state_dict().items()}",
        ),
        "a look in eval mode after each step": (
            "        optimizer.step()\n",
            "        optimizer.step()\n        with torch.no_grad():\n"
            "            model.eval()(x.to(device))\n        model.train()\n",
        ),
        "accuracy 0 leaves nothing to restore": (
            "best_acc, best_epoch = -math.inf, 0",
            "best_state = None\n    best_acc, best_epoch = 0.0, 0",
        ),
        "batches of one sample skipped": (
            "        optimizer.zero_grad()\n",
            "        if len(y) == 1:\n            continue\n        optimizer.zero_grad()\n",
        ),
    },
    "challenge_lr_scheduler": {
        "gives None for a step_size of 0": (
            'raise ValueError(f"step_size is {step_size}, want 1 or more")',
            "return None",
        ),
        "schedule told after every batch": (
            "            optimizer.step()\n        scheduler.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        "schedule told before the epoch": (
            LOOP,
            "    for _ in range(epochs):\n        scheduler.step()\n" + BATCHES,
        ),
        "schedule never told": ("        scheduler.step()\n", ""),
        "schedule told twice": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        scheduler.step()\n",
        ),
        "schedule not told after the last epoch": (
            "        scheduler.step()\n",
            "        if _ < epochs - 1:\n            scheduler.step()\n",
        ),
        "a schedule for each epoch": (
            LOOP,
            "    for _ in range(epochs):\n"
            "        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size, gamma)\n"
            + BATCHES
            + "        scheduler.step()\n",
        ),
        "a new optimizer in each epoch": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        rate = lr * gamma ** (epoch // step_size)\n"
            "        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)\n"
            + BATCHES
            + "    optimizer.param_groups[0]['lr'] = lr * gamma ** (epochs // step_size)\n",
        ),
        "a new optimizer for each rate": (
            LOOP,
            "    for epoch in range(1, epochs + 1):\n"
            + BATCHES
            + "        if epoch % step_size == 0:\n"
            "            rate = optimizer.param_groups[0]['lr'] * gamma\n"
            "            optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)\n",
        ),
        "off by one epoch": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        optimizer.param_groups[0]['lr'] = lr * gamma ** ((epoch + 1) // step_size)\n"
            + BATCHES,
        ),
        "the rate of the last epoch returned": (
            LOOP,
            "    for epoch in range(epochs):\n"
            "        optimizer.param_groups[0]['lr'] = lr * gamma ** (epoch // step_size)\n"
            + BATCHES,
        ),
        "the rate falls a little in every epoch": (
            LOOP,
            "    for epoch in range(1, epochs + 1):\n"
            + BATCHES
            + "        optimizer.param_groups[0]['lr'] = lr * gamma ** (epoch / step_size)\n",
        ),
        "gamma in every epoch": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "ExponentialLR(optimizer, gamma=gamma)",
        ),
        "gamma once": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "MultiStepLR(optimizer, milestones=[step_size], gamma=gamma)",
        ),
        "torch's own gamma": (", gamma=gamma)", ")"),
        "cosine": (
            "StepLR(optimizer, step_size=step_size, gamma=gamma)",
            "CosineAnnealingLR(optimizer, T_max=max(1, epochs))",
        ),
        "the rate put back": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        optimizer.param_groups[0]['lr'] = lr\n",
        ),
        "the given rate returned": ('return optimizer.param_groups[0]["lr"]', "return lr"),
        "a list of rates": (
            'return optimizer.param_groups[0]["lr"]',
            "return scheduler.get_last_lr()",
        ),
        "no momentum": (", momentum=0.9)", ")"),
        "other momentum": ("momentum=0.9", "momentum=0.99"),
        "Nesterov": ("momentum=0.9", "momentum=0.9, nesterov=True"),
        "weight decay": ("momentum=0.9", "momentum=0.9, weight_decay=1e-2"),
        "dampening": ("momentum=0.9", "momentum=0.9, dampening=0.9"),
        "Adam": ("SGD(model.parameters(), lr=lr, momentum=0.9)", "Adam(model.parameters(), lr=lr)"),
        "gradients clipped": (
            "            optimizer.step()\n",
            "            nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
            "            optimizer.step()\n",
        ),
        "weights alone, no biases": (
            "SGD(model.parameters()",
            "SGD([p for p in model.parameters() if p.ndim > 1]",
        ),
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "zero_grad once an epoch": (
            LOOP,
            LOOP.replace("            optimizer.zero_grad()\n", "").replace(
                "        for x, y", "        optimizer.zero_grad()\n        for x, y"
            ),
        ),
        "zero_grad between backward and step": (
            "            optimizer.step()\n",
            "            optimizer.zero_grad()\n            optimizer.step()\n",
        ),
        "no step": ("            optimizer.step()\n", ""),
        "one step an epoch": (
            "            optimizer.step()\n        scheduler.step()\n",
            "        optimizer.step()\n        scheduler.step()\n",
        ),
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "train mode for the outermost module only": ("model.train()", "model.training = True"),
        "eval mode in the end": (
            "    return optimizer",
            "    model.eval()\n    return optimizer",
        ),
        "batches of the first epoch for all": (
            "    model.train()\n",
            "    model.train()\n    loader = list(loader) if epochs else []\n",
        ),
        "one epoch too few": ("range(epochs)", "range(epochs - 1)"),
        "features not moved": ("x.to(device)", "x"),
        "labels not moved": ("y.to(device)", "y"),
        "the model in float32": ("    model.train()\n", "    model.float().train()\n"),
        "step_size 0": ("    if step_size < 1:", "    if step_size < 0:"),
        "step_size 0 for never": (
            "    if step_size < 1:",
            "    step_size = step_size or epochs + 1\n    if step_size < 1:",
        ),
        "negative step_size": ("    if step_size < 1:", "    if step_size == 0:"),
        "step_size looked at after a pass": (
            "    if step_size < 1:",
            "    for x, _ in loader if step_size < 1 else []:\n"
            "        model(x.to(device))\n    if step_size < 1:",
        ),
        "step_size looked at in train mode": (
            "    if step_size < 1:",
            "    model.train()\n    if step_size < 1:",
        ),
        "a look in eval mode after each step": (
            "            optimizer.step()\n",
            "            optimizer.step()\n            with torch.no_grad():\n"
            "                model.eval()(x.to(device))\n            model.train()\n",
        ),
        "batches of one sample skipped": (
            "            optimizer.zero_grad()\n",
            "            if len(y) == 1:\n                continue\n"
            "            optimizer.zero_grad()\n",
        ),
        "a floor for the rate": (
            "        scheduler.step()\n",
            "        scheduler.step()\n        for group in optimizer.param_groups:\n"
            "            group['lr'] = max(group['lr'], 1e-3)\n",
        ),
        "the rate as a tensor": (
            'return optimizer.param_groups[0]["lr"]',
            'return torch.tensor(optimizer.param_groups[0]["lr"])',
        ),
    },
}

VARIANTS = {
    "challenge_full_pipeline": {
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
    },
    "challenge_early_stopping": {
        "all in one loop, hits counted, tensors copied in place": """
def early_stopping_loop(
    model, train_loader, val_loader, criterion, optimizer, device, max_epochs, patience
):
    if min(max_epochs, patience) < 1:
        raise ValueError("limits")
    best, best_acc, counter, epoch = None, None, 0, 0
    while epoch < max_epochs and counter < patience:
        epoch += 1
        model.train()
        seen = 0
        for inputs, targets in train_loader:
            inputs, targets = inputs.to(device), targets.to(device)
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()
            seen += 1
        if not seen:
            raise ValueError("no batch")
        model.eval()
        hits = total = 0
        with torch.inference_mode():
            for inputs, targets in val_loader:
                logits = model(inputs.to(device))
                hits += logits.max(1)[1].eq(targets.to(device)).sum().item()
                total += targets.size(0)
                criterion(logits, targets.to(device))
        if total == 0:
            raise ValueError("no batch")
        counter += 1
        if best_acc is None or hits / total > best_acc:
            counter, best_acc = 0, hits / total
            best = {k: v.detach().clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        for key, value in model.state_dict().items():
            value.copy_(best[key])
    return best_acc, epoch
""",
        "gradients switched off and on again": """
def accuracy(model, loader, device):
    model.eval()
    hits = total = 0
    torch.set_grad_enabled(False)
    for x, y in loader:
        hits += int((model(x.to(device)).argmax(-1) == y.to(device)).sum())
        total += len(y)
    torch.set_grad_enabled(True)
    if total == 0:
        raise ValueError("the validation loader gave no batch")
    return hits / total
""",
        "a copy of the whole model": (
            "copy.deepcopy(model.state_dict())",
            "copy.deepcopy(model).state_dict()",
        ),
        "a file in memory, a history of accuracies": """
import io

def early_stopping_loop(
    model, train_loader, val_loader, criterion, optimizer, device, max_epochs, patience
):
    if max_epochs <= 0 or patience <= 0:
        raise ValueError("limits")
    history, file = [], io.BytesIO()
    for _ in range(max_epochs):
        train_one_epoch(model, train_loader, criterion, optimizer, device)
        history.append(accuracy(model, val_loader, device))
        best = history.index(max(history))
        if best == len(history) - 1:
            file = io.BytesIO()
            torch.save(model.state_dict(), file)
        if len(history) - 1 - best >= patience:
            break
    file.seek(0)
    model.load_state_dict(torch.load(file, weights_only=True))
    return max(history), len(history)
""",
    },
    "challenge_lr_scheduler": {
        "the rate set by hand": """
def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size <= 0:
        raise ValueError("step_size")
    params = [p for p in model.parameters()]
    optimizer = torch.optim.SGD(params, lr, 0.9)
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = lr * gamma ** (epoch // step_size)
        model.train()
        total = 0.0
        for inputs, targets in loader:
            loss = criterion(model(inputs.to(device)), targets.to(device))
            model.zero_grad()
            loss.backward()
            optimizer.step()
            if not math.isfinite(loss.item()) or not loss.isfinite():
                raise FloatingPointError("the loss is not finite")
            total += loss.item() * len(targets)
    return lr * gamma ** (epochs // step_size)

import math
""",
        "LambdaLR and a closure": """
def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size < 1:
        raise ValueError(step_size)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, foreach=False)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: gamma ** (e // step_size))
    for module in model.modules():
        module.train()
    for _ in range(epochs):
        for x, y in list(loader):
            def closure(x=x.to(device), y=y.to(device)):
                optimizer.zero_grad()
                loss = criterion(model(x), y)
                loss.backward()
                return loss
            optimizer.step(closure)
        scheduler.step()
    return float(scheduler.get_last_lr()[-1])
""",
        "milestones, momentum in plain code": """
@torch.no_grad()
def move(params, speed, grads, rate):
    for p, v, g in zip(params, speed, grads):
        v.mul_(0.9).add_(g)
        p.sub_(v, alpha=rate)

def train_with_scheduler(model, loader, criterion, device, epochs, lr, step_size, gamma):
    if step_size < 1:
        raise ValueError(step_size)
    params = list(model.parameters())
    speed = [torch.zeros_like(p) for p in params]
    left = step_size
    for _ in range(epochs):
        for x, y in loader:
            loss = criterion(model.train()(x.to(device)), y.to(device))
            grads = torch.autograd.grad(loss, params, allow_unused=True)
            grads = [torch.zeros_like(p) if g is None else g for p, g in zip(params, grads)]
            move(params, speed, grads, lr)
        left -= 1
        if left == 0:
            lr, left = lr * gamma, step_size
    return lr
""",
    },
}
