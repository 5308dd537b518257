"""Mistakes that each check must refuse, and second right answers that it must accept.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

SLIPS = {
    "challenge_train_val_loop": {
        "gradients recorded in validation": ("@torch.no_grad()\ndef validate", "def validate"),
        "gradients recorded, outputs detached": (
            "            logits = model(x)",
            "            with torch.enable_grad():\n                logits = model(x).detach()",
        ),
        "mode not given back": ("module.training = training", "pass"),
        "always back to train mode": ("module.training = training", "module.training = True"),
        "the model's mode given to all its modules": (
            "        for module, training in modes:\n            module.training = training",
            "        model.train(modes[0][1])",
        ),
        "only the model's own flag given back": (
            "        for module, training in modes:\n            module.training = training",
            "        model.training = modes[0][1]",
        ),
        "mode not given back if the loader raises": (
            "    finally:\n        for module, training in modes:\n"
            "            module.training = training\n",
            "    except ZeroDivisionError:\n        pass\n"
            "    for module, training in modes:\n        module.training = training\n",
        ),
        "no batch: mode not given back": (
            "            seen += len(y)\n    finally:\n",
            "            seen += len(y)\n        if seen == 0:\n            raise ValueError\n"
            "    except KeyError:\n        pass\n    else:\n",
        ),
        "gradients switched off and on": """
def validate(model, loader, criterion, device, validate=validate.__wrapped__):
    torch.set_grad_enabled(False)
    try:
        return validate(model, loader, criterion, device)
    finally:
        torch.set_grad_enabled(True)
""",
        "parameters frozen and unfrozen": """
def validate(model, loader, criterion, device, validate=validate.__wrapped__):
    model.requires_grad_(False)
    try:
        return validate(model, loader, criterion, device)
    finally:
        model.requires_grad_(True)
""",
        "gradients of None made zeros": (
            "    model.eval()\n",
            "    model.eval()\n"
            "    for p in model.parameters():\n"
            "        p.grad = torch.zeros_like(p) if p.grad is None else p.grad\n",
        ),
        "a look at each training batch in eval mode": (
            "        optimizer.zero_grad()\n",
            "        with torch.no_grad():\n            model.eval()(x)\n"
            "        model.train()\n        optimizer.zero_grad()\n",
        ),
        "an epoch without training batches": """
def train_for_epochs(*args, inner=train_for_epochs):
    try:
        return inner(*args)
    except ValueError:
        return {key: [float("nan")] * args[-1] for key in ("train_loss", "val_loss", "val_acc")}
""",
        "an epoch without validation batches": (
            "        val_loss, val_acc = validate(model, val_loader, criterion, device)\n",
            "        try:\n"
            "            val_loss, val_acc = validate(model, val_loader, criterion, device)\n"
            "        except ValueError:\n"
            "            val_loss, val_acc = float('nan'), float('nan')\n",
        ),
        "validation in train mode": ("    model.eval()\n", ""),
        "validation with frozen Dropout, live BatchNorm": (
            "    model.eval()\n",
            "    for module in model.modules():\n"
            "        if isinstance(module, nn.Dropout):\n            module.eval()\n",
        ),
        "accuracy per batch": (
            "        hits += (logits.argmax(dim=1) == y).sum().item()\n",
            "        hits += (logits.argmax(dim=1) == y).float().mean().item() * 13 / 3\n",
        ),
        "number of hits": ("return total / seen, hits / seen", "return total / seen, float(hits)"),
        "accuracy in percent": ("hits / seen\n", "100 * hits / seen\n"),
        "accuracy first": ("return total / seen, hits / seen", "return hits / seen, total / seen"),
        "accuracy of the last batch": ("        hits += (logits", "        hits = (logits"),
        "smallest logit": ("logits.argmax", "logits.argmin"),
        "a list instead of a tuple": (
            "return total / seen, hits / seen",
            "return [total / seen, hits / seen]",
        ),
        "tensors instead of floats": (
            "return total / seen, hits / seen",
            "return torch.tensor(total / seen), torch.tensor(hits / seen)",
        ),
        "validation loss: mean of batch means": (
            "        total += criterion(logits, y).item() * len(y)\n",
            "        total += criterion(logits, y).item() * 13 / 3\n",
        ),
        "validation loss: sum": (
            "return total / seen, hits / seen",
            "return total, hits / seen",
        ),
        "validation: cross entropy, whatever criterion is": (
            "criterion(logits, y).item()",
            "nn.functional.cross_entropy(logits, y).item()",
        ),
        "validation forgets the gradients": (
            "    model.eval()\n",
            "    model.eval()\n    model.zero_grad()\n",
        ),
        "validation freezes the parameters": (
            "    model.eval()\n",
            "    model.eval().requires_grad_(False)\n",
        ),
        "validation on features of another dtype": (
            "logits = model(x)",
            "logits = model(x.float())",
        ),
        "a second look for the accuracy": (
            "        hits += (logits.argmax",
            "        hits += (model(x).argmax",
        ),
        "validation: labels not moved": (
            "            x, y = x.to(device), y.to(device)\n            logits",
            "            x = x.to(device)\n            logits",
        ),
        "validation: features not moved": (
            "            x, y = x.to(device), y.to(device)\n            logits",
            "            y = y.to(device)\n            logits",
        ),
        "training: batch not moved": (
            "        x, y = x.to(device), y.to(device)\n        optimizer",
            "        optimizer",
        ),
        "validation divides by len(loader)": (
            "return total / seen, hits / seen",
            "return total / len(loader), hits / seen",
        ),
        "empty validation gives zeros": (
            '        raise ValueError("the validation loader gave no batch")',
            "        return 0.0, 0.0",
        ),
        "empty training gives zero": (
            '        raise ValueError("the training loader gave no batch")',
            "        return 0.0",
        ),
        "empty training divides by zero": (
            '        raise ValueError("the training loader gave no batch")',
            "        pass",
        ),
        "training in whatever mode it is": ("    model.train()\n", ""),
        "parts left in eval mode": ("    model.train()\n", "    model.training or model.train()\n"),
        "gradients off for good": (
            "@torch.no_grad()\ndef validate(",
            "def validate(*args):\n"
            "    torch.set_grad_enabled(False)\n"
            "    return _validate(*args)\n\n\ndef _validate(",
        ),
        "training ends in eval mode": (
            '    if seen == 0:\n        raise ValueError("the training',
            '    model.eval()\n    if seen == 0:\n        raise ValueError("the training',
        ),
        "gradients never cleared": ("        optimizer.zero_grad()\n", ""),
        "gradients cleared after backward": (
            "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n"
            "        loss.backward()\n",
            "        loss = criterion(model(x), y)\n        loss.backward()\n"
            "        optimizer.zero_grad()\n",
        ),
        "gradients cleared after the step": (
            "        optimizer.zero_grad()\n        loss = criterion(model(x), y)\n"
            "        loss.backward()\n        optimizer.step()\n",
            "        loss = criterion(model(x), y)\n        loss.backward()\n"
            "        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "one step an epoch": (
            "        optimizer.step()\n        total += loss.item() * len(y)\n"
            "        seen += len(y)\n",
            "        total += loss.item() * len(y)\n        seen += len(y)\n    optimizer.step()\n",
        ),
        "training loss: mean of batch means": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total += loss.item()\n        seen += 1\n",
        ),
        "training loss of the last batch": (
            "        total += loss.item() * len(y)\n        seen += len(y)\n",
            "        total, seen = loss.item(), 1\n",
        ),
        "training loss after the step": (
            "        total += loss.item() * len(y)",
            "        total += criterion(model(x), y).item() * len(y)",
        ),
        "training loss as a tensor": ("total += loss.item()", "total += loss.detach()"),
        "train mode once, before all epochs": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    total, seen = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total, seen = total + loss.item() * len(y), seen + len(y)
    return total / seen

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    model.train()
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        history["train_loss"].append(
            train_one_epoch(model, train_loader, criterion, optimizer, device)
        )
        model.eval()
        loss, accuracy = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(accuracy)
    return history
""",
        "validates before training": """
def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        loss, accuracy = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(accuracy)
        history["train_loss"].append(
            train_one_epoch(model, train_loader, criterion, optimizer, device)
        )
    return history
""",
        "validates on the training data": (
            "validate(model, val_loader, criterion",
            "validate(model, train_loader, criterion",
        ),
        "trains on the validation data": (
            "train_one_epoch(model, train_loader, criterion",
            "train_one_epoch(model, val_loader, criterion",
        ),
        "batches of the first epoch kept": (
            "    for _ in range(epochs):\n",
            "    train_loader = list(train_loader)\n    for _ in range(epochs):\n",
        ),
        "validates once, at the end": (
            "        val_loss, val_acc = validate(model, val_loader, criterion, device)\n"
            '        history["train_loss"].append(train_loss)\n',
            '        history["train_loss"].append(train_loss)\n'
            "    if epochs:\n"
            "        val_loss, val_acc = validate(model, val_loader, criterion, device)\n",
        ),
        "one epoch less": ("in range(epochs)", "in range(1, epochs)"),
        "one epoch more": ("in range(epochs)", "in range(epochs + 1)"),
        "history of the last epoch": (
            '        history["train_loss"].append(train_loss)',
            '        history["train_loss"] = [train_loss]',
        ),
        "best accuracy so far in history": (
            '        history["val_acc"].append(val_acc)',
            '        history["val_acc"].append(max([val_acc, *history["val_acc"]]))',
        ),
        "one history for all calls": (
            '{"train_loss": [], "val_loss": [], "val_acc": []}',
            "vars(train_for_epochs).setdefault(\n"
            '        "history", {"train_loss": [], "val_loss": [], "val_acc": []}\n    )',
        ),
        "left in eval mode": ("    return history", "    model.eval()\n    return history"),
        "a key for the training accuracy": (
            "    return history",
            '    return history | {"train_acc": history["val_acc"]}',
        ),
        "other keys": (
            "    return history",
            '    return {"val_accuracy": history.pop("val_acc"), **history}',
        ),
        "training loss validated afterwards": (
            '        history["train_loss"].append(train_loss)',
            "        train_loss, _ = validate(model, train_loader, criterion, device)\n"
            '        history["train_loss"].append(train_loss)',
        ),
        "loss and accuracy swapped in history": (
            "val_loss, val_acc = validate",
            "val_acc, val_loss = validate",
        ),
        "a list of rows": (
            "    return history",
            "    return [dict(zip(history, row)) for row in zip(*history.values())]",
        ),
        "a fresh optimizer for every epoch": (
            "    for _ in range(epochs):\n",
            "    for _ in range(epochs):\n"
            "        optimizer = torch.optim.SGD(optimizer.param_groups, momentum=0.9)\n",
        ),
    },
    "challenge_backbone_head": {
        "softmax in the head": (
            "        return self.linear(features)",
            "        return self.linear(features).softmax(dim=1)",
        ),
        "log-softmax in the head": (
            "        return self.linear(features)",
            "        return self.linear(features).log_softmax(dim=1)",
        ),
        "ReLU on the logits": (
            "        return self.linear(features)",
            "        return self.linear(features).relu()",
        ),
        "no ReLU in the backbone": ("start_dim=1)).relu()", "start_dim=1))"),
        "ReLU before the layer": (
            "self.linear(x.flatten(start_dim=1)).relu()",
            "self.linear(x.flatten(start_dim=1).relu())",
        ),
        "another nonlinearity": ("start_dim=1)).relu()", "start_dim=1)).tanh()"),
        "dropout in the backbone": (
            "start_dim=1)).relu()",
            "start_dim=1)).relu() * (0.5 + 0.5 * (not self.training))",
        ),
        "squeeze of a batch of one": ("start_dim=1)).relu()", "start_dim=1)).relu().squeeze(0)"),
        "no bias in the head": (
            "nn.Linear(hidden, num_classes)",
            "nn.Linear(hidden, num_classes, bias=False)",
        ),
        "no bias in the backbone": ("c_in * h * w, hidden)", "c_in * h * w, hidden, bias=False)"),
        "images of the wrong size refused by luck only": ("x.shape[1:] != self.image", "False"),
        "only the number of pixels is looked at": (
            "x.shape[1:] != self.image",
            "x[0].numel() != self.linear.in_features",
        ),
        "height and width swapped in the guard": (
            "self.image = (c_in, h, w)",
            "self.image = (c_in, w, h)",
        ),
        "only the last three sizes are looked at": (
            "        if x.shape[1:] != self.image:\n",
            "        x = x.reshape(-1, *x.shape[-3:])\n        if x.shape[1:] != self.image:\n",
        ),
        "assert as a guard": (
            "        if x.shape[1:] != self.image:\n            raise ValueError(",
            "        assert x.shape[1:] == self.image, (",
        ),
        "view on strided images": ("x.flatten(start_dim=1)", "x.view(len(x), -1)"),
        "channels last": ("x.flatten(start_dim=1)", "x.movedim(1, -1).flatten(start_dim=1)"),
        "batch flattened too": ("x.flatten(start_dim=1)", "x.flatten()"),
        "channels averaged": (
            "self.linear(x.flatten(start_dim=1))",
            "self.linear(x.mean(dim=1, keepdim=True).expand_as(x).flatten(start_dim=1))",
        ),
        "images rescaled in place": (
            "        return self.linear(x.flatten(start_dim=1))",
            "        x.data.sub_(x.mean())\n        return self.linear(x.flatten(start_dim=1))",
        ),
        "float32 whatever came": ("x.flatten(start_dim=1))", "x.flatten(start_dim=1).float())"),
        "backbone without gradients": (
            "        return self.head(self.backbone(x))",
            "        import torch\n"
            "        with torch.no_grad():\n            features = self.backbone(x)\n"
            "        return self.head(features)",
        ),
        "backbone detached": (
            "self.head(self.backbone(x))",
            "self.head(self.backbone(x).detach())",
        ),
        "backbone frozen from the start": (
            "self.backbone = Backbone(c_in, h, w, hidden)",
            "self.backbone = Backbone(c_in, h, w, hidden).requires_grad_(False)",
        ),
        "a second name for both parts": (
            "        self.head = Head(hidden, num_classes)\n",
            "        self.head = Head(hidden, num_classes)\n"
            "        self.net = nn.Sequential(self.backbone, self.head)\n",
        ),
        "a second name for the head": (
            "        self.head = Head(hidden, num_classes)\n",
            "        self.head = Head(hidden, num_classes)\n        self.classifier = self.head\n",
        ),
        "a second name for the layer in the head": (
            "        self.linear = nn.Linear(hidden, num_classes)\n",
            "        self.linear = nn.Linear(hidden, num_classes)\n"
            "        self.weight = self.linear.weight\n",
        ),
        "the first head kept for eval mode": (
            "        return self.head(self.backbone(x))",
            "        first = self.__dict__.setdefault('first', [self.head])[0]\n"
            "        return (self.head if self.training else first)(self.backbone(x))",
        ),
        "a layer that waits for its first images": (
            "nn.Linear(c_in * h * w, hidden)",
            "nn.LazyLinear(hidden)",
        ),
        "weight with a column for each output": """
import torch

class Head(nn.Module):
    def __init__(self, hidden, num_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(hidden, num_classes))
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def forward(self, features):
        return features @ self.weight + self.bias
""",
        "runs an own list of the parts": """
class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.backbone = Backbone(c_in, h, w, hidden)
        self.head = Head(hidden, num_classes)
        self.parts = [self.backbone, self.head]

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x
""",
        "layers reached into": (
            "return self.head(self.backbone(x))",
            "return self.head.linear(self.backbone(x))",
        ),
        "forward called by name": (
            "self.head(self.backbone(x))",
            "self.head.forward(self.backbone.forward(x))",
        ),
        "backbone run twice": (
            "self.head(self.backbone(x))",
            "self.head((self.backbone(x) + self.backbone(x)) / 2)",
        ),
        "plain layers for parts": (
            "self.head = Head(hidden, num_classes)",
            "self.head = nn.Linear(hidden, num_classes)",
        ),
        "parts under other names": """
class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.encoder = Backbone(c_in, h, w, hidden)
        self.classifier = Head(hidden, num_classes)

    def forward(self, x):
        return self.classifier(self.encoder(x))
""",
        "head kept out of the registry": (
            "self.head = Head(hidden, num_classes)",
            'object.__setattr__(self, "head", Head(hidden, num_classes))',
        ),
        "features cut in the classifier": (
            "self.head(self.backbone(x))",
            "self.head(self.backbone(x)[:, :6])",
        ),
        "head fed the raw image": """
class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.backbone = Backbone(c_in, h, w, hidden)
        self.head = Head(c_in * h * w, num_classes)

    def forward(self, x):
        self.backbone(x)
        return self.head(x.flatten(1))
""",
        "a hidden layer in the head": """
class Head(nn.Module):
    def __init__(self, hidden, num_classes):
        super().__init__()
        self.linear = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, num_classes)
        )

    def forward(self, features):
        return self.linear(features)
""",
    },
    "challenge_checkpoint": {
        "straight to path": """
def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    torch.save(state, path)
""",
        "in memory first, then straight to path": """
import io

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    Path(path).write_bytes(buffer.getvalue())
""",
        "old file kept as a backup meanwhile": """
def save_checkpoint(model, optimizer, epoch, path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    backup = path.with_name(path.name + ".bak")
    if path.exists():
        path.rename(backup)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    try:
        torch.save(state, path)
    except BaseException:
        path.unlink(missing_ok=True)
        if backup.exists():
            backup.rename(path)
        raise
    backup.unlink(missing_ok=True)
""",
        "old file deleted before the rename": (
            "        partial.replace(path)",
            "        path.unlink(missing_ok=True)\n        partial.rename(path)",
        ),
        "copied to path": (
            "        partial.replace(path)",
            "        path.write_bytes(partial.read_bytes())",
        ),
        "temporary file in the temporary folder": """
import os
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    handle, partial = tempfile.mkstemp()
    os.close(handle)
    try:
        torch.save(state, partial)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
""",
        "temporary file in the working directory": """
import os

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    partial = f"{Path(path).name}.tmp"
    try:
        torch.save(state, partial)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)
""",
        "moved from the temporary folder": """
import shutil
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    with tempfile.TemporaryDirectory() as folder:
        torch.save(state, Path(folder, "partial.pt"))
        shutil.move(Path(folder, "partial.pt"), path)
""",
        "half a file left behind": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    finally:\n        pass",
        ),
        "the file of another name left behind if the rename fails": (
            "        partial.replace(path)\n    finally:\n"
            "        partial.unlink(missing_ok=True)  # there only if it was not renamed",
            "    except BaseException:\n"
            "        partial.unlink(missing_ok=True)\n        raise\n    partial.replace(path)",
        ),
        "moved into the folder that path is": (
            "        partial.replace(path)",
            '        __import__("shutil").move(partial, path)',
        ),
        "a suffix that path may have itself": (
            'path.with_name(f"{path.name}.partial")',
            'path.with_suffix(".tmp")',
        ),
        "a cleaning that hides the error": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    except BaseException:\n        partial.unlink()\n        raise",
        ),
        "half a file left behind by an exit": (
            "        partial.replace(path)\n    finally:\n"
            "        partial.unlink(missing_ok=True)  # there only if it was not renamed",
            "        partial.replace(path)\n    except (Exception, KeyboardInterrupt):\n"
            "        partial.unlink(missing_ok=True)\n        raise",
        ),
        "epoch saved as a tensor": ('"epoch": epoch}', '"epoch": torch.tensor(epoch)}'),
        "values not looked at": (
            "if not isinstance(checkpoint.get(key), kind)]",
            "if key not in checkpoint]",
        ),
        "the epoch's value not looked at": (
            '"optimizer": dict, "epoch": int}',
            '"optimizer": dict, "epoch": (int, str)}',
        ),
        "optimizer loaded before the model": (
            '    model.load_state_dict(checkpoint["model"])\n    if optimizer is not None:\n'
            '        optimizer.load_state_dict(checkpoint["optimizer"])\n',
            "    if optimizer is not None:\n"
            '        optimizer.load_state_dict(checkpoint["optimizer"])\n'
            '    model.load_state_dict(checkpoint["model"])\n',
        ),
        "half a file left behind by Ctrl-C": (
            "        partial.replace(path)\n    finally:\n"
            "        partial.unlink(missing_ok=True)  # there only if it was not renamed",
            "        partial.replace(path)\n    except Exception:\n"
            "        partial.unlink(missing_ok=True)\n        raise",
        ),
        "the error swallowed": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    except Exception:\n        partial.unlink(missing_ok=True)",
        ),
        "the error replaced": (
            "        partial.replace(path)\n    finally:",
            "        partial.replace(path)\n    except OSError as error:\n"
            '        raise RuntimeError("not saved") from error\n    finally:',
        ),
        "missing folders not made": ("    path.parent.mkdir(parents=True, exist_ok=True)\n", ""),
        "only the last folder made": (
            "path.parent.mkdir(parents=True, exist_ok=True)",
            "path.parent.mkdir(exist_ok=True)",
        ),
        "folders made, existing ones refused": (
            "path.parent.mkdir(parents=True, exist_ok=True)",
            "path.parent.mkdir(parents=True)",
        ),
        "folder of a bare name": (
            "    path.parent.mkdir(parents=True, exist_ok=True)\n",
            "    import os\n    os.makedirs(os.path.dirname(path), exist_ok=True)\n",
        ),
        "weights alone": ('"optimizer": optimizer.state_dict()', '"optimizer": {}'),
        "parameters without buffers": (
            '"model": model.state_dict()',
            '"model": dict(model.named_parameters())',
        ),
        "the whole model": ('"model": model.state_dict()', '"model": model'),
        "half precision to save space": (
            '"model": model.state_dict()',
            '"model": {k: v.half() for k, v in model.state_dict().items()}',
        ),
        "the next epoch saved": ('"epoch": epoch}', '"epoch": epoch + 1}'),
        "one key more": ('"epoch": epoch}', '"epoch": epoch, "version": 1}'),
        "other keys": ('"model": model.state_dict()', '"state_dict": model.state_dict()'),
        "saving sets eval mode": (
            '"model": model.state_dict()',
            '"model": model.eval().state_dict()',
        ),
        "saving sets train mode": (
            '"model": model.state_dict()',
            '"model": model.train().state_dict()',
        ),
        "code in the file is run": ("weights_only=True", "weights_only=False"),
        "left to the default": (", weights_only=True", ""),
        "code is run where weights alone fail": (
            "        except Exception as error:\n",
            "        except Exception:\n"
            "            file.seek(0)\n"
            "            return torch.load(file, weights_only=False)\n"
            "        except BaseException as error:\n",
        ),
        "the device of the writer": ('map_location="cpu", ', ""),
        "strict=False": (
            'model.load_state_dict(checkpoint["model"])',
            'model.load_state_dict(checkpoint["model"], strict=False)',
        ),
        "optimizer not loaded": (
            '        optimizer.load_state_dict(checkpoint["optimizer"])',
            "        pass",
        ),
        "momenta loaded, rates not": (
            '        optimizer.load_state_dict(checkpoint["optimizer"])',
            '        momenta = checkpoint["optimizer"]["state"]\n'
            '        optimizer.load_state_dict({**optimizer.state_dict(), "state": momenta})',
        ),
        "next epoch returned": ('return checkpoint["epoch"]', 'return checkpoint["epoch"] + 1'),
        "nothing returned": ('    return checkpoint["epoch"]', ""),
        "epoch 0 taken for none": (
            "if not isinstance(checkpoint.get(key), kind)]",
            "if not checkpoint.get(key)]",
        ),
        "epoch as a string": ('return checkpoint["epoch"]', 'return str(checkpoint["epoch"])'),
        "loading sets eval mode": (
            'model.load_state_dict(checkpoint["model"])',
            'model.eval().load_state_dict(checkpoint["model"])',
        ),
        "loading sets train mode": (
            'model.load_state_dict(checkpoint["model"])',
            'model.train().load_state_dict(checkpoint["model"])',
        ),
        "loading unfreezes": (
            'model.load_state_dict(checkpoint["model"])',
            'model.requires_grad_(True).load_state_dict(checkpoint["model"])',
        ),
        "no file: ValueError": (
            '    with open(path, "rb") as file:\n',
            "    if not Path(path).exists():\n"
            '        raise ValueError(f"no file {path}")\n'
            '    with open(path, "rb") as file:\n',
        ),
        "no file: epoch 0": (
            '    with open(path, "rb") as file:\n',
            "    if not Path(path).exists():\n        return 0\n"
            '    with open(path, "rb") as file:\n',
        ),
        "only RuntimeError is expected": (
            "except Exception as error",
            "except RuntimeError as error",
        ),
        "the three documented errors are expected": (
            "except Exception as error",
            'except (RuntimeError, EOFError, __import__("pickle").UnpicklingError) as error',
        ),
        "errors passed on as RuntimeError": (
            'raise ValueError(f"{path} is no checkpoint: {type(error)',
            'raise RuntimeError(f"{path} is no checkpoint: {type(error)',
        ),
        "the whole text of torch in the message": ("{type(error).__name__}", "{error}"),
        "a message without the path": (
            'f"{path} is no checkpoint: {type(error).__name__}"',
            'f"no checkpoint: {type(error).__name__}"',
        ),
        "missing keys without the path": (
            "{path} is no checkpoint: missing",
            "no checkpoint: missing",
        ),
        "only the first missing key": ("{', '.join(wrong)}", "{wrong[0]}"),
        "missing keys not named": ("wrong {', '.join(wrong)}", "wrong keys"),
        "KeyError": ("    if wrong:\n", "    if False:\n"),
        "keys looked at one by one": """
def load_checkpoint(path, model, optimizer=None):
    with open(path, "rb") as file:
        try:
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(f"{path} is no checkpoint") from error
    try:
        model.load_state_dict(checkpoint["model"])
        if optimizer is not None:
            optimizer.load_state_dict(checkpoint["optimizer"])
        return checkpoint["epoch"]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} lacks {error}") from error
""",
        "optimizer's key only with an optimizer": (
            "if not isinstance(checkpoint.get(key), kind)]",
            'if not isinstance(checkpoint.get(key), kind) and (optimizer or key != "optimizer")]',
        ),
        "what is no dict": ("    if not isinstance(checkpoint, dict):\n", "    if False:\n"),
        "a list with the right words": (
            "not isinstance(checkpoint, dict)",
            "not isinstance(checkpoint, (dict, list))",
        ),
    },
}

VARIANTS = {
    "challenge_train_val_loop": {
        "sums on the device, inference mode, modes by name": """
def train_one_epoch(model, loader, criterion, optimizer, device):
    model.train()
    total, seen = torch.zeros((), device=device), 0
    for inputs, targets in loader:
        inputs = inputs.to(device, non_blocking=True)
        targets = targets.to(device=device)
        loss = criterion(model(inputs), targets)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        total += loss.detach() * targets.size(0)
        seen += targets.size(0)
    if not seen:
        raise ValueError("empty")
    return float(total) / seen

def validate(model, loader, criterion, device):
    modes = {name: module.training for name, module in model.named_modules()}
    model.train(False)
    losses, hits = [], []
    try:
        with torch.inference_mode():
            for inputs, targets in loader:
                inputs, targets = inputs.to(device), targets.to(device)
                logits = model(inputs)
                hits.append(logits.max(1).indices.eq(targets).cpu())
                losses.append(criterion(logits, targets).to("cpu").repeat(len(targets)))
    finally:
        for name, module in model.named_modules():
            module.train(modes[name])
    if not hits:
        raise ValueError("empty")
    return torch.cat(losses).mean().item(), torch.cat(hits).double().mean().item()

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    rows = []
    for epoch in range(epochs):
        train_loss = train_one_epoch(model, train_loader, criterion, optimizer, device)
        rows.append((train_loss, *validate(model, val_loader, criterion, device)))
    columns = zip(*rows) if rows else ((), (), ())
    return dict(zip(("train_loss", "val_loss", "val_acc"), map(list, columns)))
""",
        "all in one loop, gradients switched by hand": """
from collections import defaultdict

def _pass(model, loader, criterion, device, optimizer=None):
    sums = defaultdict(float)
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            logits = model(x)
            loss = criterion(logits, y)
            if optimizer is not None:
                model.zero_grad()
                loss.backward()
                optimizer.step()
            right = (torch.argmax(logits, dim=-1) == y).tolist()
            sums["n"] += x.shape[0]
            sums["loss"] += float(loss) * x.shape[0]
            sums["right"] += sum(right)
    if sums["n"] == 0:
        raise ValueError(f"{loader} gave nothing")
    return sums["loss"] / sums["n"], sums["right"] / sums["n"]

def train_one_epoch(model, loader, criterion, optimizer, device):
    for module in model.modules():
        module.training = True
    return _pass(model, loader, criterion, device, optimizer)[0]

def validate(model, loader, criterion, device):
    trained = [module for module in model.modules() if module.training]
    model.eval()
    try:
        return _pass(model, loader, criterion, device)
    finally:
        for module in trained:
            module.training = True

def train_for_epochs(model, train_loader, val_loader, criterion, optimizer, device, epochs):
    history = defaultdict(list, train_loss=[], val_loss=[], val_acc=[])
    while len(history["val_acc"]) < epochs:
        history["train_loss"] += [
            train_one_epoch(model, train_loader, criterion, optimizer, device)
        ]
        loss, acc = validate(model, val_loader, criterion, device)
        history["val_loss"].append(loss)
        history["val_acc"].append(acc)
    return history
""",
        "validation on a copy": """
import copy

def validate(model, loader, criterion, device):
    judge = copy.deepcopy(model).eval().requires_grad_(False)
    total = hits = seen = 0
    for x, y in loader:
        logits = judge(x.to(device))
        y = y.to(device)
        total += len(y) * criterion(logits, y).item()
        hits += sum(int(a) == int(b) for a, b in zip(logits.argmax(1), y))
        seen += len(y)
    if seen == 0:
        raise ValueError
    return total / seen, hits / seen
""",
    },
    "challenge_backbone_head": {
        "Sequentials": """
class Backbone(nn.Sequential):
    def __init__(self, c_in, h, w, hidden):
        super().__init__(
            nn.Flatten(-3), nn.Linear(c_in * h * w, hidden, bias=True), nn.ReLU(inplace=True)
        )
        self.c_in, self.h, self.w = c_in, h, w

    def forward(self, x):
        n, c, h, w = x.shape
        if (c, h, w) != (self.c_in, self.h, self.w):
            raise RuntimeError(f"images of {(c, h, w)}")
        return super().forward(x)

class Head(nn.Linear):
    def __init__(self, hidden, num_classes):
        super().__init__(hidden, num_classes)

class BackboneHeadClassifier(nn.Module):
    def __init__(self, c_in, h, w, hidden, num_classes):
        super().__init__()
        self.head = Head(hidden, num_classes)
        self.backbone = Backbone(c_in, h, w, hidden)

    def forward(self, x):
        features = self.backbone(x)
        logits = self.head(features)
        return logits
""",
        "a convolution as large as the image": """
class Backbone(nn.Module):
    def __init__(self, c_in, h, w, hidden):
        super().__init__()
        self.conv = nn.Conv2d(c_in, hidden, kernel_size=(h, w))

    def forward(self, x):
        if x.dim() != 4 or x.shape[-2:] != self.conv.kernel_size:
            raise ValueError(tuple(x.shape))
        return self.conv(x).clamp(min=0).reshape(len(x), -1)
""",
        "parameters by hand": """
import math
import torch

class Layer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.w = nn.Parameter((torch.rand(n_out, n_in) * 2 - 1) / math.sqrt(n_in))
        self.b = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return torch.einsum("ni,oi->no", x, self.w) + self.b

class Backbone(Layer):
    def __init__(self, c_in, h, w, hidden):
        super().__init__(c_in * h * w, hidden)
        self.size = [c_in, h, w]

    def forward(self, x):
        if list(x.shape[1:]) != self.size:
            raise ValueError(x.shape)
        return nn.functional.relu(super().forward(x.reshape(x.shape[0], -1)))

class Head(Layer):
    pass
""",
    },
    "challenge_checkpoint": {
        "a named temporary file": """
import os
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    state = dict(model=model.state_dict(), optimizer=optimizer.state_dict(), epoch=int(epoch))
    file = tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False)
    try:
        with file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, path)
    except BaseException:
        os.unlink(file.name)
        raise

def load_checkpoint(path, model, optimizer=None):
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    device = next(model.parameters()).device
    try:
        state = torch.load(path, weights_only=True, map_location=device)
    except Exception:
        raise ValueError(f"{path} cannot be read") from None
    gone = {"model", "optimizer", "epoch"}.difference(state if isinstance(state, dict) else ())
    if gone or not isinstance(state, dict):
        raise ValueError(f"{str(path)!r}: no {sorted(gone)}")
    if [isinstance(state[k], dict) for k in ("model", "optimizer", "epoch")] != [True, True, False]:
        raise ValueError(f"{path}: values of other types")
    if not isinstance(state["epoch"], int):
        raise ValueError(f"{path}: epoch {state['epoch']!r}")
    model.load_state_dict(state["model"], strict=True)
    if optimizer:
        optimizer.load_state_dict(state["optimizer"])
    return int(state["epoch"])
""",
        "in memory, then a rename": """
import io
import os

def save_checkpoint(model, optimizer, epoch, path):
    buffer = io.BytesIO()
    torch.save(
        {"epoch": epoch, "optimizer": optimizer.state_dict(), "model": model.state_dict()}, buffer
    )
    parent, name = os.path.split(path)
    parent = parent or "."
    os.makedirs(parent, exist_ok=True)
    partial = os.path.join(parent, f".{name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            file.write(buffer.getbuffer())
        os.rename(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise

def load_checkpoint(path, model, optimizer=None):
    data = Path(path).read_bytes()
    try:
        state = torch.load(
            io.BytesIO(data), map_location=lambda storage, location: storage, weights_only=True
        )
        missing = [k for k in ("model", "optimizer", "epoch") if k not in state.keys()]
    except Exception as error:
        first = (str(error).splitlines() or ["nothing in it"])[0]
        raise ValueError(f"{path}: not a checkpoint ({first})") from error
    if missing:
        raise ValueError(f"{path}: without {missing}")
    match state:
        case {"model": dict(), "optimizer": dict(), "epoch": int()}:
            pass
        case _:
            raise ValueError(f"{path}: foreign values")
    model.load_state_dict(state["model"])
    if optimizer is not None:
        optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]
""",
        "a temporary folder beside it": """
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        partial = Path(folder) / "checkpoint"
        torch.save(state, partial)
        partial.rename(target)
""",
    },
}
