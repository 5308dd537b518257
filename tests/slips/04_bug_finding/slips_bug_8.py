"""Mistakes by the label that must refuse them, and second right answers."""

SLIPS = {
    "accuracy": {
        "labels (N, 1) against predictions (N,)": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "(log_probs.argmax(dim=1) == y).float().mean().item() * len(y)",
        ),
        "labels (N, 1) against predictions (N,), summed": (
            "argmax(dim=1, keepdim=True)",
            "argmax(dim=1)",
        ),
        "labels (N, 1) against predictions (N,), capped at N": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "min((log_probs.argmax(dim=1) == y).sum().item(), len(y))",
        ),
        "hits if any label of the batch fits": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "(log_probs.argmax(dim=1) == y).any(dim=1).sum().item()",
        ),
        "the wrong dim": ("argmax(dim=1, keepdim=True)", "argmax(dim=0, keepdim=True)"),
        "accuracy of the last batch": ("hits += (", "hits = seen + ("),
        "accuracy after the step": (
            "hits += (log_probs.argmax",
            "hits += (model(x).argmax",
        ),
        "accuracy in eval mode": (
            "hits += (log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "hits += (model.eval()(x).argmax(dim=1, keepdim=True) == y).sum().item()\n"
            "        model.train()",
        ),
        "a tensor for the accuracy": (").sum().item()", ").sum()"),
        "percent": ("hits / seen", "100 * hits / seen"),
        "labels (N, 1) against predictions (N,), divided by N": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "(log_probs.argmax(dim=1) == y).sum().item() / len(y)",
        ),
        "the label's probability for a hit": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "log_probs.gather(1, y).exp().sum().item()",
        ),
    },
    "loss": {
        "the loss of the last batch": ("loss_sum += loss", "loss_sum = loss"),
        "the loss broadcast instead": (
            "-log_probs.gather(1, y).mean()",
            "-log_probs[:, y[:, 0]].mean()",
        ),
        "mean of the batches' means": (
            "        hits += (log_probs.argmax(dim=1, keepdim=True) == y).sum().item()\n"
            "        seen += len(y)",
            "        hits += (log_probs.argmax(dim=1, keepdim=True) == y).float().mean().item()\n"
            "        loss_sum += loss.item() * (1 - len(y))\n        seen += 1",
        ),
        "three classes": (
            "loss = -log_probs.gather(1, y).mean()",
            "loss = -(log_probs * nn.functional.one_hot(y[:, 0], 3)).sum(dim=1).mean()",
        ),
        "the summed loss": (".gather(1, y).mean()", ".gather(1, y).sum()"),
        "a loss after the step": (
            "loss_sum += loss.item() * len(y)",
            "loss_sum += nn.functional.cross_entropy(model(x), y[:, 0]).item() * len(y)",
        ),
        "sums of the batches' means": (
            "loss_sum += loss.item() * len(y)",
            "loss_sum += loss.item()",
        ),
    },
    "training": {
        "left in eval mode": ("    return loss_sum", "    model.eval()\n    return loss_sum"),
        "train mode not set": ("    model.train()\n", ""),
        "no zero_grad": ("        optimizer.zero_grad()\n", ""),
        "zero_grad after backward": (
            "        optimizer.zero_grad()\n        loss.backward()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n",
        ),
        "no step": ("        optimizer.step()\n", ""),
        "an optimizer of its own": (
            "    model.train()\n",
            "    model.train()\n    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        ),
        "zero_grad after the step only": (
            "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n",
            "        loss.backward()\n        optimizer.step()\n        optimizer.zero_grad()\n",
        ),
        "one step for the whole epoch": (
            "        optimizer.step()\n        loss_sum",
            "        if not seen:\n            optimizer.step()\n        loss_sum",
        ),
        "loss divided by the batch twice": ("loss.backward()", "(loss / len(y)).backward()"),
    },
    "batches": {
        "squeeze without a dim": (
            "        log_probs = model(x).log_softmax(dim=1)\n"
            "        loss = -log_probs.gather(1, y).mean()",
            "        log_probs, labels = model(x).log_softmax(dim=1), y.squeeze()\n"
            "        loss = nn.functional.nll_loss(log_probs, labels)",
        ),
        "labels squeezed in place": (
            ").sum().item()",
            ").sum().item()\n        y.squeeze_(1)",
        ),
        "a second pass through the model": (
            "        optimizer.zero_grad()\n",
            "        model(x)\n        optimizer.zero_grad()\n",
        ),
        "a second pass in eval mode": (
            "        optimizer.zero_grad()\n",
            "        model.eval()\n        model(x)\n        model.train()\n"
            "        optimizer.zero_grad()\n",
        ),
        "loader read twice": (
            "    model.train()\n",
            "    model.train()\n    n = sum(len(y) for _, y in loader)\n",
        ),
        "loader with a length": (
            "return loss_sum / seen",
            "return loss_sum * len(loader) / len(loader) / seen",
        ),
        "a batch of one skipped": (
            "    for x, y in loader:\n",
            "    for x, y in loader:\n        if len(y) == 1:\n            continue\n",
        ),
        "features scaled in place": (
            "    for x, y in loader:\n",
            "    for x, y in loader:\n        x /= 1.5\n",
        ),
    },
}

VARIANTS = {
    "means by numpy": """
import numpy as np

def train_epoch(model, loader, optimizer):
    model.train()
    losses, right = [], []
    for x, y in loader:
        logits = model(x)
        optimizer.zero_grad()
        each = nn.functional.cross_entropy(logits, y[:, 0], reduction="none")
        each.mean().backward()
        optimizer.step()
        losses.extend(each.tolist())
        right.extend(logits.argmax(1).eq(y.flatten()).tolist())
    return np.mean(losses), np.mean(right)
""",
    "labels squeezed first": """
def train_epoch(model, loader, optimizer):
    model.train()
    total, hits, seen = 0.0, 0, 0
    for x, y in loader:
        y = y.squeeze(1)
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        total += loss.item() * y.numel()
        hits += (logits.detach().argmax(-1) == y).sum().item()
        seen += y.numel()
    return total / seen, hits / seen
""",
    "predictions against a column": (
        "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
        "(log_probs.argmax(dim=1) == y[:, 0]).float().mean().item() * len(y)",
    ),
    "labels laid in a row": (
        "(log_probs.argmax(dim=1, keepdim=True) == y)",
        "(log_probs.argmax(dim=1) == y.T)",
    ),
    "rank of the label's own score": (
        "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
        "(log_probs.gather(1, y) >= log_probs).all(dim=1).sum().item()",
    ),
    "logits kept for both figures": """
def train_epoch(model, loader, optimizer):
    model.train()
    total, correct, n = 0.0, 0, 0
    criterion = nn.CrossEntropyLoss()
    for x, y in loader:
        y = y.view(-1)
        optimizer.zero_grad()
        logits = model(x)
        loss = criterion(logits, y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            correct += int((logits.argmax(dim=1) == y).sum())
            total += loss.item() * x.size(0)
            n += x.size(0)
    return total / n, correct / n
""",
}
