"""Fixes that do not fix, or break something else, and second right fixes, of the bug hunts.

An edit is (text in the solution, text in its place), or Python text that defines some of the
solution's names anew.
"""

FORWARD = """\
        parts: list[nn.Module] = [self.encoder, self.norm]
        if not return_features:
            parts.append(self.head)
        for part in parts:
            x = part(x)
        return x
"""


def features_then(result: str) -> tuple[str, str]:
    """Hunt 6 without its loop."""
    return FORWARD, f"        features = self.norm(self.encoder(x))\n        return {result}\n"


SLIPS = {
    "buggy_code_1": {
        "labels through a tensor of the features' dtype": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([float(row[-1]) for row in rows], dtype=dtype).long()",
        ),
        "rounded before the cast": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([float(row[-1]) for row in rows], dtype=dtype).round().long()",
        ),
        "labels as floats": ("[int(row[-1])", "[float(row[-1])"),
        "labels through float32": (
            "torch.tensor([int(row[-1]) for row in rows])",
            "torch.tensor([float(row[-1]) for row in rows]).long()",
        ),
        "one float32 table, features cast afterwards": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        table = torch.tensor([[float(v) for v in line.split(",")] for line in lines])
        self.x, self.y = table[:, :-1].to(dtype), table[:, -1].long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]
""",
        "features read in float32, cast afterwards": (
            "for row in rows], dtype=dtype)",
            "for row in rows]).to(dtype)",
        ),
        "features read in bfloat16, cast afterwards": (
            "for row in rows], dtype=dtype)",
            "for row in rows], dtype=torch.bfloat16).to(dtype)",
        ),
        "features always float32": ("for row in rows], dtype=dtype)", "for row in rows])"),
        "features always float64": ("dtype=dtype", "dtype=torch.float64"),
        "another default": ("torch.dtype = torch.float32", "torch.dtype = torch.float64"),
        "labels as int32": (
            "[int(row[-1]) for row in rows]",
            "[int(row[-1]) for row in rows], dtype=torch.int32",
        ),
        "labels of shape (1,)": ("int(row[-1])", "[int(row[-1])]"),
        "a Python int": ("self.x[i], self.y[i]", "self.x[i], int(self.y[i])"),
        "the label among the features": ("row[:-1]]", "row]"),
        "a feature lost": ("row[:-1]]", "row[1:-1]]"),
        "labels counted anew": (
            "int(row[-1]) for row in rows]",
            "sorted({row[-1] for row in rows}).index(row[-1]) for row in rows]",
        ),
        "label first": ("self.x[i], self.y[i]", "self.y[i], self.x[i]"),
        "lines read twice": (
            "int(row[-1]) for row in rows]",
            "int(v.split(',')[-1]) for v in lines]",
        ),
        "last line lost": ("return len(self.y)", "return len(self.y) - 1"),
        "the file read whole": ("for line in lines]", "for line in lines.read().splitlines()]"),
        "lines counted first": (
            "        rows = [",
            "        n = sum(1 for _ in lines)\n        lines.seek(0)\n        rows = [",
        ),
        "the last character cut off": ('line.split(",")', 'line[:-1].split(",")'),
        "squeezed features": (
            "for row in rows], dtype=dtype)",
            "for row in rows], dtype=dtype).squeeze()",
        ),
        "squeezed labels": (
            "int(row[-1]) for row in rows])",
            "int(row[-1]) for row in rows]).squeeze()",
        ),
        "three features": ("row[:-1]]", "row[:3]]"),
        "NumPy, a file of one line forgotten": """
import numpy as np

class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        table = np.loadtxt(lines, delimiter=",")
        self.x = torch.from_numpy(table[:, :-1]).to(dtype)
        self.y = torch.from_numpy(table[:, -1].astype(np.int64))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]
""",
    },
    "buggy_code_2": {
        "joined along the batch": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)]).view(len(vitals), -1)",
        ),
        "features of the branches interleaved": (
            "torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "torch.stack([self.vitals(vitals), self.labs(labs)], dim=2).flatten(1)",
        ),
        "stacked along the batch": (
            "torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "torch.stack([self.vitals(vitals), self.labs(labs)]).reshape(len(vitals), -1)",
        ),
        "transposed by view": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)]).view(-1, len(vitals)).t()",
        ),
        "labs first": (
            "[self.vitals(vitals), self.labs(labs)]",
            "[self.labs(labs), self.vitals(vitals)]",
        ),
        "one patient at a time in eval mode only": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)], dim=int(not self.training)).view(len(vitals), -1)",
        ),
        "right for a batch of one only": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)], dim=1)[:1].expand(len(vitals), -1)",
        ),
        "a branch forgotten": ("self.labs(labs)]", "self.labs(labs) * 0]"),
        "a branch detached": ("self.labs(labs)]", "self.labs(labs).detach()]"),
        "a batch of one repeated": (
            "self.labs(labs)]",
            "self.labs(labs).expand(len(vitals), -1)]",
        ),
        "the longer batch cut off": (
            "        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "        n = min(len(vitals), len(labs))\n"
            "        features = torch.cat([self.vitals(vitals[:n]), self.labs(labs[:n])], dim=1)",
        ),
        "a smaller head": """
class RiskModel(nn.Module):
    def __init__(self, num_vitals, num_labs, hidden, num_classes):
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, vitals, labs):
        return self.head(self.vitals(vitals) + self.labs(labs))
""",
        "a layer renamed": """
class RiskModel(nn.Module):
    def __init__(self, num_vitals, num_labs, hidden, num_classes):
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.classifier = nn.Linear(2 * hidden, num_classes)

    def forward(self, vitals, labs):
        return self.classifier(torch.cat([self.vitals(vitals), self.labs(labs)], dim=1))
""",
        "no ReLU": (
            "self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())",
            "self.labs = nn.Sequential(nn.Linear(num_labs, hidden))",
        ),
        "labs repeated in eval mode": (
            "        features =",
            "        if not self.training:\n            labs = labs.expand(len(vitals), -1)\n"
            "        features =",
        ),
        "sizes held by an assert": (
            "        features =",
            "        assert len(vitals) == len(labs)\n        features =",
        ),
        "a tensor on a fixed device": (
            "return self.head(features)",
            "return self.head(features) + torch.zeros(1, dtype=features.dtype)",
        ),
        "no gradients": ("return self.head(features)", "return self.head(features).detach()"),
        "no ReLU in train mode": (
            "self.labs(labs)]",
            "(self.labs[0] if self.training else self.labs)(labs)]",
        ),
        "inputs scaled in place": (
            "        features =",
            "        labs.data.mul_(1.01)\n        features =",
        ),
        "probabilities for logits": (
            "return self.head(features)",
            "return self.head(features).softmax(dim=1)",
        ),
        "float32 whatever came": (
            "return self.head(features)",
            "return self.head(features).float()",
        ),
    },
    "buggy_code_3": {
        "joined along the width": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        N, C, H, W = x.shape
        planes = cond[:, None, None, :].expand(N, C, H, -1)
        return self.head(self.conv(torch.cat([x, planes], dim=3)).relu().mean(dim=(2, 3)))
""",
        "joined along the height": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        N, C, H, W = x.shape
        planes = cond[:, None, :, None].expand(N, C, -1, W)
        return self.head(self.conv(torch.cat([x, planes], dim=2)).relu().mean(dim=(2, 3)))
""",
        "joined after the convolution": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c, hidden, kernel_size=3, padding=1)
        self.head = nn.Linear(hidden + cond_dim, num_classes)

    def forward(self, x, cond):
        maps = self.conv(x).relu().mean(dim=(2, 3))
        return self.head(torch.cat([maps, cond], dim=1))
""",
        "the condition at one pixel": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "torch.nn.functional.pad(cond[:, :, None, None], (0, W - 1, 0, H - 1))",
        ),
        "repeated in the wrong order": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond.repeat(1, H * W).view(len(cond), -1, H, W)",
        ),
        "one instruction for all": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond[:1, :, None, None].expand(len(cond), -1, H, W)",
        ),
        "the instruction of the next picture": (
            "cond[:, :, None, None]",
            "cond.roll(1, 0)[:, :, None, None]",
        ),
        "a batch of one repeated": ("expand(-1, -1, H, W)", "expand(N, -1, H, W)"),
        "a single picture repeated": (
            "torch.cat([x, planes], dim=1)",
            "torch.cat([x.expand(len(cond), -1, -1, -1), planes], dim=1)",
        ),
        "the condition first": ("[x, planes]", "[planes, x]"),
        "the condition seen beyond the border too": (
            "self.conv(torch.cat([x, planes], dim=1))",
            "torch.nn.functional.conv2d(torch.cat([torch.nn.functional.pad(x, (1, 1, 1, 1)),"
            " cond[:, :, None, None].expand(-1, -1, H + 2, W + 2)], dim=1),"
            " self.conv.weight, self.conv.bias)",
        ),
        "the condition detached": ("cond[:, :, None, None]", "cond.detach()[:, :, None, None]"),
        "no padding": (
            "self.conv = nn.Conv2d(in_c + cond_dim, hidden, kernel_size=3, padding=1)",
            "self.conv = nn.Conv2d(in_c + cond_dim, hidden, kernel_size=3)",
        ),
        "sizes held by an assert": (
            "        planes =",
            "        assert len(x) == len(cond)\n        planes =",
        ),
        "the condition dropped in eval mode": (
            "        planes =",
            "        cond = cond if self.training else cond * 0\n        planes =",
        ),
        "a batch of one repeated in eval mode": (
            "        planes =",
            "        cond = cond if self.training else cond.expand(N, -1)\n        planes =",
        ),
        "pictures of one row forgotten": (
            "expand(-1, -1, H, W)",
            "expand(-1, -1, H, W if H > 1 else 1)",
        ),
        "planes on a fixed device": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond[:, :, None, None] * torch.ones(H, W, dtype=x.dtype)",
        ),
        "no gradients": ("maps.mean(dim=(2, 3)))", "maps.mean(dim=(2, 3))).detach()"),
        "a head of another class": """
class Head(nn.Module):
    def __init__(self, hidden, num_classes):
        super().__init__()
        linear = nn.Linear(hidden, num_classes)
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, h):
        return nn.functional.linear(h, self.weight, self.bias)

class ConditionalCNN(ConditionalCNN):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__(in_c, cond_dim, hidden, num_classes)
        self.head = Head(hidden, num_classes)
""",
        "a 1x1 convolution": ("kernel_size=3, padding=1", "kernel_size=1"),
        "no ReLU": (".relu()", ""),
        "the maximum of the pixels": ("maps.mean(dim=(2, 3))", "maps.amax(dim=(2, 3))"),
        "the sum of the pixels": ("maps.mean(dim=(2, 3))", "maps.sum(dim=(2, 3))"),
        "the mean before the ReLU": (
            ".relu()\n        return self.head(maps.mean(dim=(2, 3)))",
            "\n        return self.head(maps.mean(dim=(2, 3)).relu())",
        ),
        "one size of picture only": (".expand(-1, -1, H, W)", ".expand(-1, -1, 5, 6)"),
        "an input changed": (
            "        planes =",
            "        x.data.clamp_(-1, 1)\n        planes =",
        ),
        "float32 whatever came": ("maps.mean(dim=(2, 3)))", "maps.mean(dim=(2, 3))).float()"),
    },
    "buggy_code_6": {
        "the head fed the raw input": features_then(
            "features if return_features else self.head(x)"
        ),
        "the raw input in eval mode": features_then(
            "features if return_features else self.head(features if self.training else x)"
        ),
        "the head fed input and features": features_then(
            "features if return_features else self.head(x + features)"
        ),
        "LayerNorm left out for the head": features_then(
            "features if return_features else self.head(self.encoder(x))"
        ),
        "LayerNorm of the input": features_then(
            "features if return_features else self.head(self.norm(x))"
        ),
        "LayerNorm left out": ("[self.encoder, self.norm]", "[self.encoder]"),
        "LayerNorm first": ("[self.encoder, self.norm]", "[self.norm, self.encoder]"),
        "only the first part handed on": (
            "            x = part(x)\n        return x",
            "            out = part(x)\n            x = out if part is self.encoder else x\n"
            "        return out",
        ),
        "two passes through the encoder": features_then(
            "features if return_features else self.head(self.norm(self.encoder(x)))"
        ),
        "a second pass in eval mode": (
            "        for part in parts:\n",
            "        if not self.training:\n            self.encoder(x)\n"
            "        for part in parts:\n",
        ),
        "features detached": features_then(
            "features if return_features else self.head(features.detach())"
        ),
        "features given out detached": features_then(
            "features.detach() if return_features else self.head(features)"
        ),
        "encoder without gradients": (
            "x = part(x)",
            "x = part(x).detach() if part is self.encoder else part(x)",
        ),
        "no gradients": ("x = part(x)", "x = part(x).detach()"),
        "x detached": ("        for part", "        x = x.detach()\n        for part"),
        "features in eval mode": (
            "        for part in parts:\n            x = part(x)\n",
            "        self.encoder.eval()\n        for part in parts:\n            x = part(x)\n"
            "        self.encoder.train(self.training)\n",
        ),
        "the encoder put in the model's mode": (
            "        for part",
            "        self.encoder.train(self.training)\n        for part",
        ),
        "left in eval mode": (
            "        for part in parts:\n",
            "        if return_features:\n            self.eval()\n        for part in parts:\n",
        ),
        "features that are the logits": ("if not return_features", "if True"),
        "features before LayerNorm": features_then(
            "self.encoder(x) if return_features else self.head(features)"
        ),
        "features and logits always": features_then("self.head(features), features"),
        "features with the logits": features_then(
            "(features, self.head(features)) if return_features else self.head(features)"
        ),
        "more dropout": ("nn.Dropout(0.1)", "nn.Dropout(0.5)"),
        "no dropout": ("nn.Dropout(0.1)", "nn.Identity()"),
        "no BatchNorm": ("nn.BatchNorm1d(hidden)", "nn.Identity()"),
        "a new head": (
            "self.head = nn.Linear(in_dim, num_classes)",
            "self.head = nn.Sequential(nn.Linear(in_dim, in_dim), nn.Linear(in_dim, num_classes))",
        ),
        "x changed": ("        for part", "        x = x.data.add_(0.1)\n        for part"),
        "probabilities for logits": features_then(
            "features if return_features else self.head(features).softmax(dim=1)"
        ),
        "a tensor on a fixed device": """
import torch

class DeepClassifier(DeepClassifier):
    def forward(self, x, return_features=False):
        return super().forward(x, return_features) + torch.zeros(1, dtype=x.dtype)
""",
    },
    "buggy_code_8": {
        "labels (N, 1) against predictions (N,)": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "(log_probs.argmax(dim=1) == y).float().mean().item() * len(y)",
        ),
        "the same, summed": ("argmax(dim=1, keepdim=True)", "argmax(dim=1)"),
        "the same, capped at the batch": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "min((log_probs.argmax(dim=1) == y).sum().item(), len(y))",
        ),
        "hits if any label of the batch fits": (
            "(log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "(log_probs.argmax(dim=1) == y).any(dim=1).sum().item()",
        ),
        "the wrong dim": ("argmax(dim=1, keepdim=True)", "argmax(dim=0, keepdim=True)"),
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
        "accuracy of the last batch": ("hits += (", "hits = seen + ("),
        "accuracy after the step": (
            "hits += (log_probs.argmax",
            "hits += (model(x).argmax",
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
        "three classes": (
            "loss = -log_probs.gather(1, y).mean()",
            "loss = -(log_probs * nn.functional.one_hot(y[:, 0], 3)).sum(dim=1).mean()",
        ),
        "loader read twice": (
            "    model.train()\n",
            "    model.train()\n    n = sum(len(y) for _, y in loader)\n",
        ),
        "loader with a length": (
            "return loss_sum / seen",
            "return loss_sum * len(loader) / len(loader) / seen",
        ),
        "accuracy in eval mode": (
            "hits += (log_probs.argmax(dim=1, keepdim=True) == y).sum().item()",
            "hits += (model.eval()(x).argmax(dim=1, keepdim=True) == y).sum().item()\n"
            "        model.train()",
        ),
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
        "the summed loss": (".gather(1, y).mean()", ".gather(1, y).sum()"),
        "a tensor for the accuracy": (").sum().item()", ").sum()"),
        "percent": ("hits / seen", "100 * hits / seen"),
    },
    "buggy_code_4": {
        "nothing moved": ("    x, y = x.to(device), y.to(device)\n", ""),
        "labels left behind": ("x, y = x.to(device), y.to(device)", "x = x.to(device)"),
        "features left behind": ("x, y = x.to(device), y.to(device)", "y = y.to(device)"),
        "moved and dropped": ("x, y = x.to(device), y.to(device)", "x.to(device), y.to(device)"),
        "model moved to the batch": (
            "x, y = x.to(device), y.to(device)",
            "model.to(x.device)",
        ),
        "model emptied onto the batch's device": (
            "x, y = x.to(device), y.to(device)",
            "if x.device != device:\n        model.to_empty(device=x.device)",
        ),
        "the machine's best device, not the model's": (
            "device = next(model.parameters()).device",
            'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
        ),
        "logits moved to the labels": (
            "x, y = x.to(device), y.to(device)\n"
            "    loss = nn.functional.cross_entropy(model(x), y)",
            "x = x.to(device)\n    loss = nn.functional.cross_entropy(model(x).to(y.device), y)",
        ),
        "caller's tensors moved": (
            "x, y = x.to(device), y.to(device)",
            "x.data, y.data = x.to(device), y.to(device)",
        ),
        "features centered in place": (
            "    device = next",
            "    x -= x.mean(dim=0)\n    device = next",
        ),
        "always float32": ("x.to(device), y", "x.to(device, torch.float32), y"),
        "a copy of the model trained": (
            "    device = next",
            '    model = __import__("copy").deepcopy(model)\n    device = next',
        ),
        "an optimizer of its own": (
            "    optimizer.zero_grad()",
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n"
            "    optimizer.zero_grad()",
        ),
        "a batch that does not fit is skipped": (
            "x, y = x.to(device), y.to(device)",
            "if x.device != device:\n        return torch.zeros((), device=device, dtype=x.dtype)",
        ),
        "train mode forced": ("    device = next", "    model.train()\n    device = next"),
        "eval mode forced": ("    device = next", "    model.eval()\n    device = next"),
        "gradients cleared after the step only": (
            "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n",
            "    loss.backward()\n    optimizer.step()\n    optimizer.zero_grad()\n",
        ),
        "gradients cleared before the step": (
            "    optimizer.zero_grad()\n    loss.backward()\n",
            "    loss.backward()\n    optimizer.zero_grad()\n",
        ),
        "no backward": ("    loss.backward()\n", ""),
        "no step": ("    optimizer.step()\n", ""),
        "two steps": ("    optimizer.step()\n", "    optimizer.step()\n    optimizer.step()\n"),
        "moved only if x is elsewhere": (
            "    x, y = x.to(device), y.to(device)\n",
            "    if x.device != device:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "moved only if y is elsewhere": (
            "    x, y = x.to(device), y.to(device)\n",
            "    if y.device != device:\n        x, y = x.to(device), y.to(device)\n",
        ),
        "the device of the first buffer": ("model.parameters()", "model.buffers()"),
        "gradients for x": ("    device = next", "    x.requires_grad_()\n    device = next"),
        "a number for a tensor": ("return loss", "return loss.item()"),
        "the loss of another batch size": ("(model(x), y)", '(model(x), y, reduction="sum")'),
        "the loss after the step": (
            "    return loss",
            "    return nn.functional.cross_entropy(model(x), y)",
        ),
        "the loss back on the batch's device": (
            "    return loss",
            "    return torch.zeros((), dtype=loss.dtype) if loss.is_meta else loss",
        ),
    },
    "buggy_code_5": {
        "nothing switched": ("    model.eval()\n", ""),
        "mode not given back": ("    model.train(was_training)\n", ""),
        "always given back in train mode": ("model.train(was_training)", "model.train()"),
        "given back at the top only": (
            "model.train(was_training)",
            "model.training = was_training",
        ),
        "switched at the top only": ("model.eval()", "model.training = False"),
        "children switched, not the model": (
            "model.eval()",
            "for part in model.children():\n        part.eval()",
        ),
        "Dropout modules alone": (
            "model.eval()",
            "for part in model.modules():\n"
            "        if isinstance(part, nn.Dropout):\n"
            "            part.eval()",
        ),
        "Dropout's probability set to 0": (
            "model.eval()",
            "for part in model.modules():\n"
            "        if isinstance(part, nn.Dropout):\n"
            "            part.p = 0.0\n"
            "    model.eval()",
        ),
        "seed fixed": ("model.eval()", "torch.manual_seed(0)"),
        "seed fixed for the loop": (
            "    model.eval()\n    correct = total = 0\n    for x, y in batches:\n",
            "    correct = total = 0\n    for x, y in batches:\n        torch.manual_seed(0)\n",
        ),
        "averaged over many noisy passes": (
            "    model.eval()\n    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = model(x).argmax(dim=1)  # (N,)\n",
            "    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = sum(model(x) for _ in range(20)).argmax(dim=1)\n",
        ),
        "switched after the first batch": (
            "    model.eval()\n    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = model(x).argmax(dim=1)  # (N,)\n",
            "    correct = total = 0\n    for x, y in batches:\n"
            "        predicted = model(x).argmax(dim=1)\n        model.eval()\n",
        ),
        "gradients recorded": ("@torch.no_grad()\n", ""),
        "gradients switched off for good": (
            "@torch.no_grad()\ndef validate(model: nn.Module, batches: "
            "Iterable[tuple[Tensor, Tensor]]) -> float:\n",
            "def validate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:\n"
            "    torch.set_grad_enabled(False)\n",
        ),
        "gradients switched back on, whoever had them off": """
def validate(model, batches):
    was_training = model.training
    model.eval()
    torch.set_grad_enabled(False)
    hits = [(model(x).argmax(dim=1) == y) for x, y in batches]
    torch.set_grad_enabled(True)
    model.train(was_training)
    return torch.cat(hits).double().mean().item()
""",
        "parameters frozen for good": (
            "    model.eval()\n",
            "    model.eval()\n    model.requires_grad_(False)\n",
        ),
        "parameters frozen, then all of them thawed": (
            "    model.train(was_training)\n",
            "    model.train(was_training)\n    model.requires_grad_(True)\n",
        ),
        "gradients cleared": ("    model.eval()\n", "    model.eval()\n    model.zero_grad()\n"),
        "gradients zeroed": (
            "    model.eval()\n",
            "    model.eval()\n    model.zero_grad(set_to_none=False)\n",
        ),
        "seed fixed besides": (
            "    model.eval()\n",
            "    model.eval()\n    torch.manual_seed(0)\n",
        ),
        "a note left on the model": (
            "    return correct / total",
            "    model.accuracy = correct / total\n    return correct / total",
        ),
        "mean of the batches' accuracies": (
            "        correct += (predicted == y).sum().item()\n        total += len(y)\n",
            "        correct += (predicted == y).float().mean().item()\n        total += 1\n",
        ),
        "last batch dropped": (
            "for x, y in batches:",
            "for x, y in list(batches)[:-1]:",
        ),
        "batches read twice": (
            "return correct / total",
            "return correct / sum(len(y) for _, y in batches)",
        ),
        "given back inside the loop": (
            "        total += len(y)\n    model.train(was_training)",
            "        total += len(y)\n        model.train(was_training)",
        ),
        "a tensor for a float": (".sum().item()", ".sum()"),
    },
    "buggy_code_7": {
        "still in place": ("h = h * torch", "h *= torch"),
        "in place by name": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h.mul_(torch.sigmoid(self.gate(y)))",
        ),
        "written into a slice": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h[...] = h * torch.sigmoid(self.gate(y))",
        ),
        "the gate overwritten in its place": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n        g *= h\n        h = g",
        ),
        "past autograd with .data": ("h = h * torch", "h.data *= torch"),
        "in place without recording": (
            "h = h * torch.sigmoid(self.gate(y))",
            "with torch.no_grad():\n            h *= torch.sigmoid(self.gate(y))",
        ),
        "values detached": ("h = h * torch", "h = h.detach() * torch"),
        "gate detached": ("torch.sigmoid(self.gate(y))", "torch.sigmoid(self.gate(y)).detach()"),
        "gate's input detached": ("self.gate(y)", "self.gate(y.detach())"),
        "cloned from .data": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h = h.data.clone()\n        h *= torch.sigmoid(self.gate(y))",
        ),
        "tanh cut out of the graph": (
            "h = torch.tanh(self.value(y))  # (*, H)",
            "h = torch.tanh(self.value(y)).detach().requires_grad_()",
        ),
        "a sum for a product": ("h = h * torch", "h = h + torch"),
        "product dropped": (
            "h = h * torch.sigmoid(self.gate(y))",
            "h * torch.sigmoid(self.gate(y))",
        ),
        "gate dropped": ("        h = h * torch.sigmoid(self.gate(y))\n", ""),
        "tanh dropped": ("torch.tanh(self.value(y))", "self.value(y)"),
        "tanh after the gate": (
            "h = torch.tanh(self.value(y))  # (*, H)\n"
            "        h = h * torch.sigmoid(self.gate(y))\n",
            "h = self.value(y) * torch.sigmoid(self.gate(y))\n        h = torch.tanh(h)\n",
        ),
        "residual dropped": ("        h += x\n        return h", "        return h"),
        "residual after the norm": ("h += x", "h += y"),
        "residual detached": ("h += x", "h += x.detach()"),
        "x overwritten": ("        h += x\n        return h", "        x += h\n        return x"),
        "out overwritten without recording": ("h += x", "h.data += x"),
        "half the block without gradients": (
            "h = torch.tanh(self.value(y))  # (*, H)\n",
            "with torch.no_grad():\n            h = torch.tanh(self.value(y))\n",
        ),
        "float64 lost": ("return h", "return h.float()"),
        "in place in eval mode": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n        h = h * g if self.training else h.mul_(g)",
        ),
        "in place where value is frozen": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n"
            "        h = h * g if self.value.weight.requires_grad else h.mul_(g)",
        ),
        "in place where x needs no gradient": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n        h = h * g if x.requires_grad else h.mul_(g)",
        ),
        "gate detached outside float64": (
            "h = h * torch.sigmoid(self.gate(y))",
            "g = torch.sigmoid(self.gate(y))\n"
            "        h = h * (g if x.dtype == torch.float64 else g.detach())",
        ),
        "RMSNorm": ("nn.LayerNorm(dim)", "nn.RMSNorm(dim)"),
        "another eps": ("nn.LayerNorm(dim)", "nn.LayerNorm(dim, eps=1e-6)"),
        "no weights in the norm": (
            "nn.LayerNorm(dim)",
            "nn.LayerNorm(dim, elementwise_affine=False)",
        ),
        "no bias": ("nn.Linear(hidden, dim)", "nn.Linear(hidden, dim, bias=False)"),
        "a wider block": (
            "        super().__init__()\n",
            "        super().__init__()\n        hidden *= 2\n",
        ),
        "Dropout added": (
            "        return h\n",
            "        return nn.functional.dropout(h, 0.1, self.training)\n",
        ),
    },
    "buggy_code_10": {
        "stepped every batch": (
            "            optimizer.step()\n",
            "            optimizer.step()\n            scheduler.step()\n",
        ),
        "still every batch": (
            "            samples += len(y)\n        scheduler.step()\n",
            "            samples += len(y)\n            scheduler.step()\n",
        ),
        "never stepped": ("        scheduler.step()\n", ""),
        "stepped once a call": (
            "        scheduler.step()\n        history.append(total / samples)\n",
            "        history.append(total / samples)\n    scheduler.step()\n",
        ),
        "stepped before the epoch": (
            "        total, samples = 0.0, 0\n",
            "        scheduler.step()\n        total, samples = 0.0, 0\n",
        ),
        "stepped before each epoch, not after": (
            "        scheduler.step()\n        history.append(total / samples)\n",
            "        history.append(total / samples)\n"
            "        if len(history) < epochs:\n            scheduler.step()\n",
        ),
        "stepped in the first batch": (
            "            total += loss.item() * len(y)\n            samples += len(y)\n"
            "        scheduler.step()\n",
            "            if not samples:\n                scheduler.step()\n"
            "            total += loss.item() * len(y)\n            samples += len(y)\n",
        ),
        "stepped twice": ("        scheduler.step()\n", "        scheduler.step()\n" * 2),
        "step size stretched": (
            "    history = []\n    model.train()\n",
            "    history = []\n    model.train()\n"
            '    if hasattr(scheduler, "step_size"):\n'
            "        scheduler.step_size *= len(batches)\n",
        ),
        "the first rate put back": (
            "            loss = nn",
            "            for group in optimizer.param_groups:\n"
            '                group["lr"] = group["initial_lr"]\n'
            "            loss = nn",
        ),
        "a new schedule for each call": (
            "    history = []\n    model.train()\n",
            "    history = []\n    model.train()\n"
            "    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)\n",
        ),
        "schedule by the total epoch of this call": (
            "        scheduler.step()\n",
            "        scheduler.last_epoch = len(history)\n        scheduler.step()\n",
        ),
        "an optimizer of its own": (
            "    history = []\n",
            "    history = []\n"
            "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n",
        ),
        "optimizer not stepped": ("            optimizer.step()\n", ""),
        "no zero_grad": ("            optimizer.zero_grad()\n", ""),
        "gradients cleared after the step only": (
            "            optimizer.zero_grad()\n            loss.backward()\n"
            "            optimizer.step()\n",
            "            loss.backward()\n            optimizer.step()\n"
            "            optimizer.zero_grad()\n",
        ),
        "stepped after the short batch": (
            "            samples += len(y)\n        scheduler.step()\n",
            "            samples += len(y)\n            if len(y) < 16:\n"
            "                scheduler.step()\n",
        ),
        "stepped every fourth batch": (
            "        scheduler.step()\n",
            "        for _ in batches[::4]:\n            scheduler.step()\n",
        ),
        "train mode not set": ("    model.train()\n", ""),
        "loss of the last batch": ("total / samples", "loss.item()"),
        "mean of the batches' means": ("total / samples", "total / len(batches)"),
        "means added up": (
            "total += loss.item() * len(y)\n            samples += len(y)",
            "total += loss.item()\n            samples += 1",
        ),
        "last batch dropped": ("in batches:", "in batches[:-1]:"),
        "tensors for floats": ("loss.item() * len(y)", "loss.detach() * len(y)"),
        "epochs in the wrong order": ("in batches:", "in batches[::-1]:"),
    },
}

VARIANTS = {
    "buggy_code_1": {
        "one float64 table": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        rows = [[float(v) for v in line.split(",")] for line in lines]
        self.table, self.dtype = torch.tensor(rows, dtype=torch.float64), dtype

    def __len__(self):
        return self.table.shape[0]

    def __getitem__(self, i):
        return self.table[i, :-1].to(self.dtype), self.table[i, -1].to(torch.int64)
""",
        "parsed line by line on request": """
class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        self.lines, self.dtype = list(lines), dtype

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, i):
        *x, y = self.lines[i].strip().split(",")
        return torch.tensor(list(map(float, x)), dtype=self.dtype), torch.tensor(int(y))
""",
        "NumPy": """
import numpy as np

class ProductDataset(Dataset):
    def __init__(self, lines, dtype=torch.float32):
        table = np.loadtxt(lines, delimiter=",", ndmin=2)
        self.x = torch.from_numpy(table[:, :-1]).to(dtype)
        self.y = torch.from_numpy(table[:, -1].astype(np.int64))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]
""",
    },
    "buggy_code_2": {
        "stacked, then flattened": (
            "torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)",
            "torch.stack([self.vitals(vitals), self.labs(labs)], dim=1).flatten(1)",
        ),
        "joined along the batch and put right": (
            "self.labs(labs)], dim=1)",
            "self.labs(labs)]).view(2, len(vitals), -1).transpose(0, 1).flatten(1)",
        ),
        "the head in two halves": (
            "        features = torch.cat([self.vitals(vitals), self.labs(labs)], dim=1)"
            "  # (N, 2H)\n        return self.head(features)",
            "        if len(vitals) != len(labs):\n"
            "            raise ValueError('batch sizes differ')\n"
            "        left, right = self.head.weight.tensor_split(2, dim=1)\n"
            "        return self.vitals(vitals) @ left.T + self.labs(labs) @ right.T"
            " + self.head.bias",
        ),
    },
    "buggy_code_3": {
        "the condition through the convolution on its own": """
from torch.nn.functional import conv2d

class ConditionalCNN(ConditionalCNN):
    def forward(self, x, cond):
        if len(x) != len(cond):
            raise ValueError(f"{len(x)} pictures, {len(cond)} instructions")
        C, (H, W) = x.shape[1], x.shape[2:]
        maps = conv2d(x, self.conv.weight[:, :C], self.conv.bias, padding=1)
        planes = cond[:, :, None, None].expand(-1, -1, H, W)
        maps = maps + conv2d(planes, self.conv.weight[:, C:], padding=1)
        return self.head(maps.relu().mean(dim=(2, 3)))
""",
        "planes copied": (
            "cond[:, :, None, None].expand(-1, -1, H, W)",
            "cond.repeat_interleave(H * W, dim=1).view(*cond.shape, H, W)",
        ),
        "channels last": (
            "        planes = cond[:, :, None, None].expand(-1, -1, H, W)  # (N, D, H, W), a view\n"
            "        maps = self.conv(torch.cat([x, planes], dim=1)).relu()\n",
            "        rows = cond[:, None, None].expand(-1, H, W, -1)\n"
            "        joined = torch.cat([x.permute(0, 2, 3, 1), rows], dim=-1)\n"
            "        maps = self.conv(joined.permute(0, 3, 1, 2)).relu()\n",
        ),
        "parts as modules, pooled by the library": """
class ConditionalCNN(nn.Module):
    def __init__(self, in_c, cond_dim, hidden, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_c + cond_dim, hidden, (3, 3), padding="same")
        self.act, self.pool = nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x, cond):
        if x.size(0) != cond.size(0):
            raise ValueError(f"{x.size(0)} pictures, {cond.size(0)} instructions")
        joined = x.new_empty(len(x), x.size(1) + cond.size(1), *x.shape[2:])
        joined[:, : x.size(1)] = x
        joined[:, x.size(1) :] = cond[..., None, None]
        return self.head(self.pool(self.act(self.conv(joined))).flatten(1))
""",
    },
    "buggy_code_6": {
        "no loop": features_then("features if return_features else self.head(features)"),
        "always all parts, the last one not always used": (
            "            x = part(x)\n        return x",
            "            x, out = part(x), x\n        return x",
        ),
        "a method for the features": """
class DeepClassifier(DeepClassifier):
    def features(self, x):
        for part in (*self.encoder, self.norm):
            x = part(x)
        return x

    def forward(self, x, return_features=False):
        x = self.features(x)
        return x if return_features else nn.functional.linear(x, self.head.weight, self.head.bias)
""",
    },
    "buggy_code_8": {
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
    },
    "buggy_code_4": {
        "the optimizer says where, cleared first": """
def train_step(model, optimizer, x, y):
    optimizer.zero_grad(set_to_none=False)
    where = optimizer.param_groups[0]["params"][0]
    batch = [t.to(device=where.device, non_blocking=True) for t in (x, y)]
    loss = nn.CrossEntropyLoss()(model(batch[0]), batch[1])
    loss.backward()
    optimizer.step()
    return loss.detach()
""",
        "moved where they are used": """
def train_step(model, optimizer, x, y):
    model.zero_grad()
    logits = model(x.to(next(model.parameters())))
    loss = -logits.log_softmax(1).gather(1, y.to(logits.device)[:, None]).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss
""",
        "a closure": """
def train_step(model, optimizer, x, y):
    def closure():
        optimizer.zero_grad()
        weight = next(iter(model.state_dict().values()))
        loss = nn.functional.cross_entropy(model(x.to(weight.device)), y.to(weight.device))
        loss.backward()
        return loss
    return optimizer.step(closure)
""",
    },
    "buggy_code_5": {
        "each module's own mode given back": """
def validate(model, batches):
    modes = {m: m.training for m in model.modules()}
    model.train(False)
    hits = []
    try:
        with torch.inference_mode():
            for x, y in batches:
                hits += (model(x).max(dim=-1).indices == y).tolist()
    finally:
        for m, mode in modes.items():
            m.training = mode
    return sum(hits) / len(hits)
""",
        "on a copy": """
import copy

@torch.no_grad()
def validate(model, batches):
    served = copy.deepcopy(model).eval()
    hits = torch.cat([(served(x).argmax(1) == y).double() for x, y in batches])
    return float(hits.mean())
""",
    },
    "buggy_code_7": {
        "all of it out of place": ("h += x\n        return h", "return x + h"),
        "cloned before the product": (
            "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch",
            "h = torch.tanh(self.value(y)).clone()\n        h *= torch",
        ),
        "in place where nothing is kept": (
            "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch.sigmoid(self.gate(y))",
            "h = self.value(y).tanh_() * self.gate(y).sigmoid_()",
        ),
        "recomputed on the way back": (
            "h = torch.tanh(self.value(y))  # (*, H)\n        h = h * torch.sigmoid(self.gate(y))",
            "from torch.utils.checkpoint import checkpoint\n"
            "        h = checkpoint(\n"
            "            lambda y: torch.tanh(self.value(y)) * self.gate(y).sigmoid(),\n"
            "            y,\n"
            "            use_reentrant=False,\n"
            "        )",
        ),
        "in one expression": (
            "h = self.out(h)  # (*, D)\n        h += x\n        return h",
            "return torch.add(x, self.out(h))",
        ),
    },
    "buggy_code_10": {
        "stepped in the last batch": """
def fit(model, optimizer, scheduler, batches, epochs):
    history = []
    for _ in range(epochs):
        model.train()
        losses = []
        for i, (x, y) in enumerate(batches):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y, reduction="none")
            loss.mean().backward()
            optimizer.step()
            losses.append(loss.detach())
            if i == len(batches) - 1:
                scheduler.step()
        history.append(torch.cat(losses).mean().item())
    return history
""",
        "after the books are kept": (
            "        scheduler.step()\n        history.append(total / samples)\n",
            "        history.append(total / samples)\n        scheduler.step()\n",
        ),
    },
}
