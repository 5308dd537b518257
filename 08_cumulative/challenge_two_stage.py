"""Two-stage training: all of the model first, then the head alone on a frozen backbone.

A frozen part that still moves spoils a fine-tuning without any error. So two_stage_train is judged
by what each stage changes, how it measures and what it leaves behind. Draw no random numbers.

    model          any module on device, its parameters all in its .backbone and .head; any modes;
                   some parameters may be frozen; model(x) gives logits (B, K)
    train_loader,  iterables, to be read again and again, of x (B, ...) and y (B,) int64; B varies;
    val_loader     on any device, perhaps without a length; if a reading gives no batch: ValueError
    criterion      takes logits and y, gives a 0-dim tensor: the mean loss of these B samples
    returns        float: the share of val_loader's samples whose largest logit is at y, at the end
    stage 1        trains all of the model, in train mode; either stage may have 0 epochs
    stage 2        trains the head; the backbone is in eval mode and stays bit for bit, buffers too;
                   its parameters require no gradients; all else is in train mode
    optimizer      for each stage a new torch.optim.Adam with lr, else defaults; in stage 2 it has
                   no parameter of the backbone; what comes frozen is never trained
    an epoch       reads train_loader anew; for each batch it calls model(x) once and takes one step
                   on the gradient of that loss alone; then it measures val_loader, all in eval
                   mode, no gradients recorded, and prints a line: it begins "stage", its first four
                   numbers are stage, epoch (from 1 in each stage), mean loss per sample of those
                   steps and accuracy, both to 3 decimals or more
    at the end     all is in eval mode; requires_grad and gradient recording are as they came

Ask yourself: which switch stops gradients, which one stops statistics, and what undoes either?
Guide: https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
"""

import contextlib
import copy
import io
import re
import sys
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

Loader = Iterable[tuple[Tensor, Tensor]]
Criterion = Callable[[Tensor, Tensor], Tensor]


class Backbone(nn.Module):
    """x (B, in_dim) -> features (B, hidden): an nn.Linear, an nn.BatchNorm1d, ReLU, so ordered."""

    def __init__(self, in_dim: int, hidden: int) -> None:
        raise NotImplementedError("Backbone.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Backbone.forward")


class Head(nn.Module):
    """Features (B, hidden) -> logits (B, num_classes): an nn.Linear."""

    def __init__(self, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("Head.__init__")

    def forward(self, features: Tensor) -> Tensor:
        raise NotImplementedError("Head.forward")


class BackboneHead(nn.Module):
    """Made with a .backbone and a .head. Calls what they hold at that time, and nothing else."""

    def __init__(self, in_dim: int, hidden: int, num_classes: int) -> None:
        raise NotImplementedError("BackboneHead.__init__")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("BackboneHead.forward")


def two_stage_train(
    model: nn.Module,
    train_loader: Loader,
    val_loader: Loader,
    criterion: Criterion,
    device: torch.device,
    stage1_epochs: int = 2,
    stage2_epochs: int = 2,
    lr: float = 1e-3,
) -> float:
    raise NotImplementedError("two_stage_train")


CPU, META = torch.device("cpu"), torch.device("meta")
D, H, K = 5, 6, 3
CALLS: tuple[dict[str, float], ...] = (
    {},
    {"stage1_epochs": 1, "stage2_epochs": 3, "lr": 0.05},
    {"stage1_epochs": 0, "stage2_epochs": 1, "lr": 0.02},
    {"stage1_epochs": 1, "stage2_epochs": 0},
    {"stage1_epochs": 0, "stage2_epochs": 0},
)


def check(Backbone, Head, BackboneHead, two_stage_train):
    torch.manual_seed(0)
    check_modules(Backbone, Head, BackboneHead)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), torch.enable_grad():
            check_training(two_stage_train, BackboneHead(D, H, K).double(), (D,), CALLS[:1])
            check_training(two_stage_train, Wide().double(), (D, 2), CALLS)
            check_device(two_stage_train)
            check_no_batch(two_stage_train)
    except BaseException:
        print(printed.getvalue(), end="")
        raise


def check_modules(Backbone, Head, BackboneHead):
    model = BackboneHead(D, H, K)
    parts = [(name, type(part)) for name, part in model.named_children()]
    want = [("backbone", Backbone), ("head", Head)]
    assert parts == want, f"BackboneHead(5, 6, 3) has the parts {parts}, want {want}"
    for name, module, *kinds, shape in (
        ("Backbone(5, 6)", Backbone(D, H), nn.Linear, nn.BatchNorm1d, (D,)),
        ("Head(6, 3)", Head(H, K), nn.Linear, (H,)),
    ):
        layers = [[part for part in module.modules() if isinstance(part, kind)] for kind in kinds]
        numbers = [len(found) for found in layers]
        assert numbers == [1] * len(kinds), f"{name}: it has {numbers} of {kinds}, want one each"
        twin = nn.Sequential(*[copy.deepcopy(found[0]) for found in layers])
        for layer, kind in zip(twin, kinds, strict=True):
            layer.__class__ = kind  # if its own class has another forward
        twin.append(nn.ReLU() if len(kinds) == 2 else nn.Identity())
        compare(name, module, twin, shape)
    twin = nn.Sequential(copy.deepcopy(model.backbone), copy.deepcopy(model.head))
    compare("BackboneHead(5, 6, 3)", model, twin, (D,))
    model.backbone, model.head = nn.Linear(2, 7), nn.Linear(7, 4)
    twin = nn.Sequential(model.backbone, model.head)
    compare("BackboneHead with other modules assigned to .backbone and .head", model, twin, (3, 2))


def compare(name, module, twin, shape):
    numbers = [sum(p.numel() for p in part.parameters()) for part in (module, twin)]
    assert numbers[0] == numbers[1], f"{name}: {numbers[0]} parameters, its layers {numbers[1]}"
    for training in (True, False):
        x = 3 * torch.randn(4, *shape) + 1
        got, want = module.train(training)(x), twin.train(training)(x)
        call = f"{name}, x {tuple(x.shape)}, training={training}"
        close(got, want, f"{call}: not what its layers give one after the other")
        got.square().sum().backward()
        none = [key for key, p in module.named_parameters() if p.grad is None]
        assert not none, f"{call}, then backward: no gradient reached {none}"


def close(got, want, what, tol=1e-5):
    try:
        torch.testing.assert_close(got, want, rtol=tol, atol=tol, msg=str)
    except AssertionError as error:
        raise AssertionError(f"{what}\n{error}") from None


class Wide(nn.Module):
    """Other layers, something between the parts, and a frozen parameter in either."""

    def __init__(self):
        super().__init__()
        layers = nn.BatchNorm1d(D), nn.Flatten(), nn.Linear(2 * D, H), nn.Dropout(0.3)
        self.backbone, self.between = nn.Sequential(*layers), nn.Dropout(0.2)
        self.head = nn.Sequential(nn.BatchNorm1d(H), nn.ReLU(), nn.Dropout(0.1), nn.Linear(H, K))
        self.backbone[2].bias.requires_grad_(False)
        self.head[0].weight.requires_grad_(False)

    def forward(self, x):
        return self.head(2 * self.between(self.backbone(x)))


class Batches:
    """A loader without a length; each time that it is read it begins with another batch."""

    def __init__(self, batches):
        self.batches, self.reads = batches, 0
        self.orders = []  # of each whole reading

    def __iter__(self):
        numbers, first = [*range(len(self.batches))], self.reads % max(1, len(self.batches))
        self.reads += 1
        order = numbers[first:] + numbers[:first]
        for i in order:
            yield self.batches[i]
        self.orders.append(order)


def samples(sizes, shape, dtype=torch.float64):
    n = sum(sizes)
    x = torch.randn(n, *shape, dtype=dtype) * torch.arange(1, n + 1).view(n, *[1 for _ in shape])
    return list(zip(x.split(sizes), torch.randint(K, (n,)).split(sizes), strict=True))


def loss_of(logits, y, reduction="mean"):
    loss = nn.functional.cross_entropy(logits, y, label_smoothing=0.2, reduction=reduction)
    return 20 * loss


def check_training(two_stage_train, model, shape, calls):
    """Calls one after the other on the same model, beside a twin."""
    twin, train, val = copy.deepcopy(model), samples([6, 5, 2], shape), samples([6, 6, 1], shape)
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    for call, options in enumerate(calls):
        settings = {"stage1_epochs": 2, "stage2_epochs": 2, "lr": 1e-3} | options
        args, options = (settings.values(), {}) if call == 1 else ((), options)
        what = f"{type(model).__name__}, call {call + 1}, {settings}"
        for p in model.parameters():
            p.grad = torch.randn_like(p)  # left over from somewhere
        (model, model.backbone, model.head, model, model)[call].train(call in (1, 2, 4))
        loaders = Batches(train), Batches(val)
        start = len(sys.stdout.getvalue())
        torch.manual_seed(call)
        with Watch(what, model, train, val, settings["stage1_epochs"]) as seen:
            got = two_stage_train(model, *loaders, loss_of, CPU, *args, **options)
        printed, drawn = sys.stdout.getvalue()[start:], torch.get_rng_state()
        assert torch.is_grad_enabled(), f"{what}: torch.is_grad_enabled() is False afterwards"
        epochs = settings["stage1_epochs"] + settings["stage2_epochs"]
        check_orders(what, seen.batches, loaders[0].orders, epochs)
        torch.manual_seed(call)  # the same units drop out
        rows = stages_by_hand(twin, [train[i] for i in seen.batches], val, **settings)
        for key, value in seen.before.items():
            now = model.backbone.state_dict()[key]
            assert torch.equal(now, value), (
                f"{what}: the backbone's {key} moved in stage 2, from\n{value}\nto {now}"
            )
        state = twin.state_dict()
        for key, value in model.state_dict().items():
            close(value, state[key], f"{what}: {key} is not what such stages give", 1e-7)
        assert torch.equal(torch.get_rng_state(), drawn), f"{what}: drew random numbers itself"
        assert type(got) is float, f"{what}: returned a {type(got)}, want a float"
        accuracy = score_by_hand(twin, val)
        close(got, accuracy, f"{what}: accuracy")
        still = [name for name, p in model.named_parameters() if not p.requires_grad]
        assert still == frozen, f"{what}: requires no gradients afterwards: {still}, want {frozen}"
        modes = [part.training for part in model.modules()]
        assert not any(modes), f"{what}: modules' training afterwards: {modes}, want all False"
        check_lines(what, printed, rows)


def check_orders(what, batches, orders, epochs):
    """Each epoch the batches of another whole reading of train_loader, in its order."""
    want = f"{what}: model(x) got train batches {batches}, want {epochs} epochs of 3"
    assert len(batches) == 3 * epochs, want
    readings = iter(orders)
    for epoch in range(epochs):
        order = batches[3 * epoch : 3 * epoch + 3]
        assert order in readings, f"{want}, each read anew; whole readings of train_loader {orders}"


def check_lines(what, printed, rows):
    lines = [line for line in printed.splitlines() if line.lower().startswith("stage")]
    lines = [re.sub(r"/ *\d+", "", line) for line in lines]  # "epoch 1/2"
    numbers = [[float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", line)][:4] for line in lines]
    numbers = [four for four in numbers if len(four) == 4]
    text = f"{what}: first four numbers of the lines {numbers}, want {rows}; printed:\n{printed}"
    assert len(numbers) == len(rows), text
    for four, row in zip(numbers, rows, strict=True):
        assert all(abs(a - b) <= 1e-3 for a, b in zip(four, row, strict=True)), text


class Watch:
    """Looks at the model in each of its forward passes and at each optimizer that steps."""

    def __init__(self, what, model, train, val, stage1_epochs):
        self.what, self.model, self.stage1_epochs = what, model, stage1_epochs
        self.train = [x.tolist() for x, _ in train]
        self.val = [row for x, _ in val for row in x.tolist()]
        self.batches, self.before, self.phase = [], {}, "before the first batch"

    def __enter__(self):
        self.hooks = [
            self.model.register_forward_pre_hook(self.look),
            self.model.register_forward_hook(self.look_at_output),
            register_optimizer_step_pre_hook(self.look_at_step),
        ]
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()

    def look(self, _, inputs):
        rows, backbone = inputs[0].tolist(), self.model.backbone
        if rows in self.train:
            epoch, done = divmod(len(self.batches), len(self.train))
            stage = 1 if epoch < self.stage1_epochs else 2
            self.phase = f"stage {stage}, train pass {len(self.batches) + 1} of the call"
            i, begun = self.train.index(rows), self.batches[len(self.batches) - done :]
            assert i not in begun, f"{self.what}, {self.phase}: that batch came twice in an epoch"
            self.batches.append(i)
        else:
            stage, self.phase = None, "val"
            assert all(row in self.val for row in rows), (
                f"{self.what}: the model got an x {tuple(inputs[0].shape)} of neither loader"
            )
        for key, module in self.model.named_modules():
            frozen = stage == 2 and key.split(".")[0] == "backbone"
            want = stage is not None and not frozen
            assert module.training == want, (
                f"{self.what}, {self.phase}: {key or 'the model itself'} has "
                f"training={module.training}, want {want}"
            )
        if stage == 2:
            need = [name for name, p in backbone.named_parameters() if p.requires_grad]
            assert not need, f"{self.what}, stage 2: of the backbone {need} require gradients"
            self.before = self.before or copy.deepcopy(backbone.state_dict())

    def look_at_output(self, module, inputs, output):
        assert not (self.phase == "val" and output.requires_grad), (
            f"{self.what}: gradients recorded while val_loader is measured"
        )

    def look_at_step(self, optimizer, *_):
        ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
        names = [name for name, p in self.model.backbone.named_parameters() if id(p) in ids]
        assert not (self.phase.startswith("stage 2") and names), (
            f"{self.what}: the optimizer of stage 2 holds the backbone's {names}"
        )


def stages_by_hand(model, train, val, stage1_epochs, stage2_epochs, lr):
    """[stage, epoch, mean of all samples' losses, accuracy] of each epoch."""
    rows, batches = [], iter(train)
    for stage, part, epochs in ((1, model, stage1_epochs), (2, model.head, stage2_epochs)):
        held = [p for p in part.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(held, lr=lr)
        for epoch in range(1, epochs + 1):
            model.train().backbone.train(stage == 1)
            losses = []
            for x, y in [next(batches) for _ in range(3)]:
                each = loss_of(model(x), y, "none")
                for p, g in zip(held, torch.autograd.grad(each.mean(), held), strict=True):
                    p.grad = g
                optimizer.step()
                losses += each.tolist()
            rows.append([stage, epoch, sum(losses) / len(losses), score_by_hand(model, val)])
    return rows


def score_by_hand(model, batches):
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    logits = model.eval()(x).tolist()
    right = [row.index(max(row)) == label for row, label in zip(logits, y.tolist(), strict=True)]
    return sum(right) / len(right)


class ReadsZero(TorchFunctionMode):
    """Meta tensors hold no numbers: whoever needs them gets zeros on the CPU."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        asks = ("item", "tolist", "cpu", "numpy", "__array__", "__format__")
        asks += ("__bool__", "__int__", "__float__")
        try:
            if getattr(func, "__name__", "") not in asks:
                return func(*args, **(kwargs or {}))
        except NotImplementedError:
            pass
        return func(*map(zeros, args), **(kwargs or {}))


def zeros(value):
    if isinstance(value, Tensor) and value.is_meta:
        return torch.zeros_like(value, device="cpu")
    return value


def check_device(two_stage_train):
    """The meta device stands in for a GPU."""
    for where in (CPU, META):
        what, model = f"model and device meta, batches on {where}", Wide().to(META)
        data = [(x.to(where), y.to(where)) for x, y in samples([4], (D, 2), torch.float32)]
        devices, crash = set(), ""

        def criterion(logits, y, devices=devices):
            devices.add(y.device.type)
            return logits.mean()

        def look(_, inputs, devices=devices):
            devices.add(inputs[0].device.type)

        model.register_forward_pre_hook(look)
        try:
            with ReadsZero():
                two_stage_train(model, data, data, criterion, META, 1, 1)
        except Exception as error:
            if type(error) is RuntimeError:  # others may come from the zeros
                crash = f", then came {error!r}"
        assert devices == {"meta"} and not crash, (
            f"{what}: x and y came to model and criterion on {devices}{crash}, want all on meta"
        )


def check_no_batch(two_stage_train):
    cases = (0, [], 0, 1), (0, Batches([]), 2, 2), (1, [], 2, 2), (1, Batches([]), 0, 0)
    for place, empty, *epochs in cases:
        loaders, name = [samples([4, 3], (D, 2)) for _ in range(2)], ("train", "val")[place]
        loaders[place] = empty
        try:
            got = two_stage_train(Wide().double(), *loaders, loss_of, CPU, *epochs)
            got = f"returned {got!r}"
        except Exception as error:
            got = "ValueError" if isinstance(error, ValueError) else repr(error)
        assert got == "ValueError", (
            f"no batch in {name}_loader, epochs {epochs}: {got}, want ValueError"
        )


if __name__ == "__main__":
    try:
        check(Backbone, Head, BackboneHead, two_stage_train)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_two_stage.py")
