"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
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

SLIPS = {
    "training": {
        "an L2 term in the loss": (
            "criterion(model(x.to(device)), y.to(device)).backward()",
            "(criterion(model(x.to(device)), y.to(device)) "
            "+ 1e-3 * sum(p.square().sum() for p in model.parameters())).backward()",
        ),
        "restored after each epoch without an improvement": (
            "            best_state = copy.deepcopy(model.state_dict())\n",
            "            best_state = copy.deepcopy(model.state_dict())\n"
            "        else:\n            model.load_state_dict(best_state)\n        if False:\n"
            "            pass\n",
        ),
        "weights from the middle of the training": (
            "            best_state = copy.deepcopy(model.state_dict())\n",
            "            best_state = copy.deepcopy(model.state_dict())\n"
            "            train_one_epoch(model, train_loader, criterion, optimizer, device)\n",
        ),
        "accuracy on the training data": (
            "accuracy(model, val_loader, device)\n",
            "accuracy(model, train_loader, device)\n",
        ),
        "one epoch more than the limit": ("max_epochs + 1):", "max_epochs + 2):"),
        "one epoch fewer than the limit": ("max_epochs + 1):", "max(max_epochs, 2)):"),
        "train mode not set": ("    model.train()\n", ""),
        "train mode set once": (
            "        train_one_epoch(model, train_loader, criterion, optimizer, device)\n",
            "        if epoch > 1:\n            model.train = lambda *_: model\n"
            "        train_one_epoch(model, train_loader, criterion, optimizer, device)\n",
        ),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad once an epoch": (
            "    for x, y in loader:\n        optimizer.zero_grad()\n",
            "    optimizer.zero_grad()\n    for x, y in loader:\n",
        ),
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
        "a look in eval mode after each step": (
            "        optimizer.step()\n",
            "        optimizer.step()\n        with torch.no_grad():\n"
            "            model.eval()(x.to(device))\n        model.train()\n",
        ),
        "the batch's losses summed": (
            "criterion(model(x.to(device)), y.to(device)).backward()",
            "(len(y) * criterion(model(x.to(device)), y.to(device))).backward()",
        ),
        "gradients clipped": (
            "        optimizer.step()\n",
            "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        optimizer.step()\n",
        ),
        "only the first parameter group cleared": (
            "        optimizer.zero_grad()\n",
            "        for p in optimizer.param_groups[0]['params']:\n            p.grad = None\n",
        ),
        "batches with a NaN loss skipped": (
            "        criterion(model(x.to(device)), y.to(device)).backward()\n",
            "        loss = criterion(model(x.to(device)), y.to(device))\n"
            "        batches += 1\n"
            "        if not loss.isfinite():\n            continue\n        loss.backward()\n",
        ),
        "train mode for the outermost module and its children only": (
            "    model.train()\n",
            "    model.training = True\n    for part in model.children():\n"
            "        part.training = True\n",
        ),
    },
    "validation": {
        "gradients recorded in validation": ("@torch.no_grad()\n", ""),
        "measured before the first epoch": (
            "best_acc, best_epoch = -math.inf, 0",
            "best_state = copy.deepcopy(model.state_dict())\n"
            "    best_acc, best_epoch = accuracy(model, val_loader, device), 0",
        ),
        "validated in train mode": ("    model.eval()\n", ""),
        "eval mode for the outermost module only": ("model.eval()", "model.training = False"),
        "validated once more at the end": (
            "    return best_acc, epoch\n",
            "    accuracy(model, val_loader, device)\n    return best_acc, epoch\n",
        ),
    },
    "accuracy": {
        "accuracy divided by the number of batches": (
            "torch.cat(hits).double().mean().item()",
            "torch.cat(hits).double().sum().item() / len(hits)",
        ),
        "right samples counted, not their share": (
            "torch.cat(hits).double().mean().item()",
            "torch.cat(hits).double().sum().item()",
        ),
        "values swapped": ("return best_acc, epoch", "return epoch, best_acc"),
        "accuracy in percent": ("mean().item()", "mean().item() * 100"),
        "accuracy rounded": ("mean().item()", "mean().round(decimals=1).item()"),
        "mean of the batches' accuracies": (
            "torch.cat(hits).double().mean().item()",
            "sum(h.double().mean().item() for h in hits) / len(hits)",
        ),
        "accuracy of the last batch": ("torch.cat(hits)", "hits[-1]"),
    },
    "patience": {
        "a least improvement": ("if acc > best_acc:", "if acc > best_acc + 1e-4:"),
        "stopped by the validation loss": (
            "        if acc > best_acc:\n",
            "        with torch.no_grad():\n"
            "            pairs = [(x.to(device), y.to(device)) for x, y in val_loader]\n"
            "            loss = sum(criterion(model(x), y).item() for x, y in pairs)\n"
            "        if epoch == 1 or loss < low:\n            low = loss\n",
        ),
        "ties are improvements": ("if acc > best_acc:", "if acc >= best_acc:"),
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
    },
    "best": {
        "the last of equally good epochs kept": (
            COPY,
            COPY.replace(
                "        elif",
                "        elif acc == best_acc:\n"
                "            best_state = copy.deepcopy(model.state_dict())\n"
                "        if acc <= best_acc and",
            ),
        ),
        "a copy of the model given to load_state_dict": (
            COPY,
            COPY.replace("model.state_dict()", "model").replace("best_state", "best_model"),
        ),
        "the name model bound to a copy of the best": (
            COPY,
            COPY.replace("deepcopy(model.state_dict())", "deepcopy(model)").replace(
                "model.load_state_dict(best_state)", "model = best_state.eval()"
            ),
        ),
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
        "best weights in single precision": (
            "copy.deepcopy(model.state_dict())",
            "{k: v.float() if v.is_floating_point() else v.clone() "
            "for k, v in model.state_dict().items()}",
        ),
    },
    "result": {
        "a number of numpy": (
            "return best_acc, epoch",
            "import numpy as np\n\n    return np.float64(best_acc), epoch",
        ),
        "epochs counted from 0": ("return best_acc, epoch", "return best_acc, epoch - 1"),
        "the best epoch returned": ("return best_acc, epoch", "return best_acc, best_epoch"),
        "the limit returned": ("return best_acc, epoch", "return best_acc, max_epochs"),
        "the last accuracy returned": ("return best_acc, epoch", "return acc, epoch"),
        "a list": ("return best_acc, epoch", "return [best_acc, epoch]"),
        "accuracy as a tensor": ("mean().item()", "mean()"),
    },
    "afterwards": {
        "left in train mode": (
            "    return best_acc, epoch\n",
            "    model.train()\n    return best_acc, epoch\n",
        ),
        "gradients left switched off": (
            "    return best_acc, epoch\n",
            "    torch.set_grad_enabled(False)\n    return best_acc, epoch\n",
        ),
    },
    "device": {
        "x flattened": (
            "criterion(model(x.to(device)), y",
            "criterion(model(x.flatten(1).to(device)), y",
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
    },
    "first": {
        "accuracy 0 is no improvement": (
            "best_acc, best_epoch = -math.inf, 0",
            "best_state = copy.deepcopy(model.state_dict())\n    best_acc, best_epoch = 0.0, 0",
        ),
        "accuracy 0 leaves nothing to restore": (
            "best_acc, best_epoch = -math.inf, 0",
            "best_state = None\n    best_acc, best_epoch = 0.0, 0",
        ),
    },
    "loaders": {
        "labels squeezed, which takes a batch of one apart": (
            "y.to(device)).backward()",
            "y.to(device).squeeze()).backward()",
        ),
        "logits squeezed, which takes a batch of one apart": (
            "criterion(model(x.to(device)), y",
            "criterion(model(x.to(device)).squeeze(), y",
        ),
        "length of the loader asked for": (
            "    if batches == 0:",
            "    if len(loader) == 0:",
        ),
        "accuracy divided by the size of the dataset": (
            "torch.cat(hits).double().mean().item()",
            "torch.cat(hits).double().sum().item() / len(loader.dataset)",
        ),
        "validation batches kept from the first epoch": (
            "    best_acc, best_epoch = -math.inf, 0\n",
            "    best_acc, best_epoch = -math.inf, 0\n    val_loader = list(val_loader)\n",
        ),
        "batches kept from the first epoch": (
            "    best_acc, best_epoch = -math.inf, 0\n",
            "    best_acc, best_epoch = -math.inf, 0\n    train_loader = list(train_loader)\n",
        ),
        "batches of one sample skipped": (
            "        optimizer.zero_grad()\n",
            "        if len(y) == 1:\n            continue\n        optimizer.zero_grad()\n",
        ),
    },
    "parameters": {
        "the model's tensors replaced": (
            "model.load_state_dict(best_state)",
            "model.load_state_dict(best_state, assign=True)",
        ),
    },
    "limits": {
        "patience 0": ("if max_epochs < 1 or patience < 1:", "if max_epochs < 1:"),
        "limits below 1 taken as 1": (
            "    if max_epochs < 1 or patience < 1:\n",
            "    max_epochs, patience = max(1, max_epochs), max(1, patience)\n    if False:\n",
        ),
        "no epoch at all": (
            "    if max_epochs < 1 or patience < 1:\n",
            "    if max_epochs < 1:\n        return 0.0, 0\n    if patience < 1:\n",
        ),
    },
    "empty": {
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
    },
}

VARIANTS = {
    "loaders looked into first": (
        "    best_acc, best_epoch = -math.inf, 0\n",
        "    best_acc, best_epoch = -math.inf, 0\n"
        "    for loader in (train_loader, val_loader):\n"
        "        if next(iter(loader), None) is None:\n"
        '            raise ValueError("a loader without a batch")\n',
    ),
    "textbook with the errors": """
def early_stopping_loop(
    model, train_loader, val_loader, criterion, optimizer, device, max_epochs, patience
):
    if max_epochs < 1 or patience < 1:
        raise ValueError("max_epochs and patience must be at least 1")
    best_acc, bad_epochs, best_state = -1.0, 0, None
    for epoch in range(1, max_epochs + 1):
        model.train()
        n_batches = 0
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            n_batches += 1
        if n_batches == 0:
            raise ValueError("empty train_loader")
        model.eval()
        correct, total = 0, 0
        with torch.no_grad():
            for x, y in val_loader:
                x, y = x.to(device), y.to(device)
                correct += (model(x).argmax(dim=1) == y).sum().item()
                total += y.size(0)
        if total == 0:
            raise ValueError("empty val_loader")
        acc = correct / total
        if acc > best_acc:
            best_acc, bad_epochs = acc, 0
            best_state = copy.deepcopy(model.state_dict())
        else:
            bad_epochs += 1
            if bad_epochs >= patience:
                break
    model.load_state_dict(best_state)
    return best_acc, epoch
""",
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
}
