"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

COSINE_WARMUP = """        return max_lr * step / warmup_steps
    part"""
WSD_WARMUP = """        return max_lr * step / warmup_steps
    if left"""

SLIPS = {
    "warmup": {
        "one step early: (step + 1) / warmup_steps": (
            COSINE_WARMUP,
            "        return max_lr * (step + 1) / warmup_steps\n    part",
        ),
        "wsd one step early": (
            WSD_WARMUP,
            "        return max_lr * (step + 1) / warmup_steps\n    if left",
        ),
        "from min_lr, not from 0": (
            COSINE_WARMUP,
            "        return min_lr + (max_lr - min_lr) * step / warmup_steps\n    part",
        ),
        "wsd from min_lr, not from 0": (
            WSD_WARMUP,
            "        return min_lr + (max_lr - min_lr) * step / warmup_steps\n    if left",
        ),
        "never below min_lr": (
            COSINE_WARMUP,
            "        return max(min_lr, max_lr * step / warmup_steps)\n    part",
        ),
        "over all steps": (COSINE_WARMUP, COSINE_WARMUP.replace("warmup_steps", "total_steps")),
        "wsd over all steps": (WSD_WARMUP, WSD_WARMUP.replace("warmup_steps", "total_steps")),
        "at max_lr one step late": (
            COSINE_WARMUP,
            "        return max_lr * step / (warmup_steps + 1)\n    part",
        ),
        "a floor of 1e-7": (
            COSINE_WARMUP,
            "        return max(1e-7, max_lr * step / warmup_steps)\n    part",
        ),
        "squared": (COSINE_WARMUP, "        return max_lr * (step / warmup_steps) ** 2\n    part"),
        "a quarter of a sine": (
            COSINE_WARMUP,
            "        return max_lr * math.sin(math.pi / 2 * step / warmup_steps)\n    part",
        ),
        "none, max_lr at once": (COSINE_WARMUP, "        return max_lr\n    part"),
        "division by 0 without warm-up": """
def wsd_lr_schedule(step, total_steps, warmup_steps, decay_steps, max_lr, min_lr=0.0):
    need_fit(step, warmup_steps, total_steps, decay_steps)
    left = total_steps - step
    if left <= 0:
        return min_lr
    warm = step / warmup_steps
    return min(max_lr * warm, min_lr + (max_lr - min_lr) * min(1, left / max(1, decay_steps)))
""",
        "a first rate of 0 without warm-up": (
            "    if step >= total_steps:\n        return min_lr",
            "    if step == 0:\n        return 0.0\n"
            "    if step >= total_steps:\n        return min_lr",
        ),
        "whole numbers divided to whole numbers": (
            COSINE_WARMUP,
            "        return max_lr * (step // warmup_steps)\n    part",
        ),
    },
    "cosine": {
        "progress from step 0": (
            "part = (step - warmup_steps) / (total_steps - warmup_steps)",
            "part = step / total_steps if step > warmup_steps else 0",
        ),
        "progress over total_steps": (
            "part = (step - warmup_steps) / (total_steps - warmup_steps)",
            "part = (step - warmup_steps) / total_steps",
        ),
        "min_lr one step early": (
            "part = (step - warmup_steps) / (total_steps - warmup_steps)",
            "part = (step - warmup_steps) / max(1, total_steps - warmup_steps - 1)",
        ),
        "one step behind": (
            "part = (step - warmup_steps) / (total_steps - warmup_steps)",
            "part = max(0, step - warmup_steps - 1) / (total_steps - warmup_steps)",
        ),
        "a whole wave": ("math.cos(math.pi * part)", "math.cos(2 * math.pi * part)"),
        "a quarter of a wave": (
            "(1 + math.cos(math.pi * part)) / 2",
            "math.cos(math.pi / 2 * part)",
        ),
        "a straight line": ("(1 + math.cos(math.pi * part)) / 2", "(1 - part)"),
        "rising": (
            "(1 + math.cos(math.pi * part)) / 2",
            "((1 - math.cos(math.pi * part)) / 2 if part else 1)",
        ),
        "min_lr added, max_lr not lowered": (
            "min_lr + (max_lr - min_lr) * (1",
            "min_lr + max_lr * (1",
        ),
        "min_lr as a floor only": (
            "return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * part)) / 2",
            "return max(min_lr, max_lr * (1 + math.cos(math.pi * part)) / 2)",
        ),
        "min_lr ignored": (
            "return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * part)) / 2",
            "return max_lr * (1 + math.cos(math.pi * part)) / 2",
        ),
        "rounded to 6 digits": (
            "return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * part)) / 2",
            "return round(min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * part)) / 2, 6)",
        ),
        "degrees": ("math.cos(math.pi * part)", "math.cos(180 * part)"),
    },
    "wsd": {
        "decay one step late": (
            "    return min_lr + (max_lr - min_lr) * left / decay_steps",
            "    return min_lr + (max_lr - min_lr) * min(1, (left + 1) / decay_steps)",
        ),
        "decay one step early": (
            "    return min_lr + (max_lr - min_lr) * left / decay_steps",
            "    return min_lr + (max_lr - min_lr) * (left - 1) / decay_steps",
        ),
        "decay at once after the warm-up": ("if left >= decay_steps:", "if step <= warmup_steps:"),
        "decay_steps taken for the step where it begins": (
            "    if left >= decay_steps:\n        return max_lr\n"
            "    return min_lr + (max_lr - min_lr) * left / decay_steps",
            "    if step <= decay_steps:\n        return max_lr\n"
            "    return min_lr + (max_lr - min_lr) * left / (total_steps - decay_steps)",
        ),
        "decay to 0": (
            "return min_lr + (max_lr - min_lr) * left / decay_steps",
            "return max_lr * left / decay_steps",
        ),
        "decay to 0, min_lr as a floor": (
            "return min_lr + (max_lr - min_lr) * left / decay_steps",
            "return max(min_lr, max_lr * left / decay_steps)",
        ),
        "decay along a cosine": (
            "(max_lr - min_lr) * left / decay_steps",
            "(max_lr - min_lr) * (1 - math.cos(math.pi * left / decay_steps)) / 2",
        ),
        "rounded to 6 digits": (
            "return min_lr + (max_lr - min_lr) * left / decay_steps",
            "return round(min_lr + (max_lr - min_lr) * left / decay_steps, 6)",
        ),
        "decay along a root": (
            "(max_lr - min_lr) * left / decay_steps",
            "(max_lr - min_lr) * (left / decay_steps) ** 0.5",
        ),
        "no decay": ("if left >= decay_steps:", "if True:"),
        "decay over all steps": (
            "(max_lr - min_lr) * left / decay_steps",
            "(max_lr - min_lr) * left / total_steps",
        ),
        "0 in the stable part": (
            "    if left >= decay_steps:\n        return max_lr",
            "    if left >= decay_steps:\n"
            "        return max_lr if step == warmup_steps else min_lr",
        ),
    },
    "end": {
        "rising after the end": ("if step >= total_steps:", "if step == total_steps:"),
        "wsd below min_lr after the end": ("if left <= 0:", "if left == 0:"),
        "0 after the end": (
            "if step >= total_steps:\n        return min_lr",
            "if step >= total_steps:\n        return 0.0",
        ),
        "wsd 0 after the end": (
            "if left <= 0:\n        return min_lr",
            "if left <= 0:\n        return 0.0",
        ),
        "max_lr after the end": (
            "if left <= 0:\n        return min_lr",
            "if left <= 0:\n        return max_lr if left else min_lr",
        ),
        "an error after the end": (
            "if step >= total_steps:\n        return min_lr",
            "if step > total_steps:\n        raise IndexError(step)\n"
            "    if step >= total_steps:\n        return min_lr",
        ),
        "begins anew": (
            "    need_fit(step, warmup_steps, total_steps)\n    if step",
            "    need_fit(step, warmup_steps, total_steps)\n"
            "    step = step % total_steps if step > total_steps else step\n    if step",
        ),
        "a default of min_lr that is not 0": (
            "warmup_steps: int, max_lr: float, min_lr: float = 0.0",
            "warmup_steps: int, max_lr: float, min_lr: float = 1e-3",
        ),
    },
    "scheduler": {
        "no LRScheduler": """
class WarmupCosine:
    def __init__(self, optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1):
        need_fit(0, warmup_steps, total_steps)
        self.given = warmup_steps, total_steps, min_ratio
        self.optimizer, self.last_epoch = optimizer, last_epoch
        self.base_lrs = [g.setdefault("initial_lr", g["lr"]) for g in optimizer.param_groups]
        self.step()

    def step(self):
        self.last_epoch += 1
        warm, total, low = self.given
        factor = cosine_lr_schedule(self.last_epoch, total, warm, 1.0, low)
        for group, lr in zip(self.optimizer.param_groups, self.base_lrs):
            group["lr"] = lr * factor

    def get_last_lr(self):
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        return {k: v for k, v in vars(self).items() if k != "optimizer"}

    def load_state_dict(self, state):
        vars(self).update(state)
""",
        "one rate for all groups": (
            "[lr * factor for lr in self.base_lrs]",
            "[self.base_lrs[0] * factor for _ in self.base_lrs]",
        ),
        "the factor as the rate": ("[lr * factor for lr in", "[factor for lr in"),
        "the present rate multiplied": (
            "[lr * factor for lr in self.base_lrs]",
            "[group['lr'] * factor for group in self.optimizer.param_groups]",
        ),
        "min_ratio as a rate": (
            "[lr * factor for lr in self.base_lrs]",
            "[cosine_lr_schedule(self.last_epoch, self.total_steps, self.warmup_steps, lr, "
            "self.min_ratio) for lr in self.base_lrs]",
        ),
        "min_ratio ignored": (
            "self.warmup_steps, 1.0, self.min_ratio",
            "self.warmup_steps, 1.0, 0.0",
        ),
        "warm-up and total swapped": (
            "need_fit(0, warmup_steps, total_steps)  # before the optimizer is touched",
            "need_fit(0, warmup_steps, total_steps)\n"
            "        warmup_steps, total_steps = total_steps - warmup_steps, total_steps",
        ),
        "one step ahead": (
            "            self.last_epoch, self",
            "            self.last_epoch + 1, self",
        ),
        "one step behind": (
            "            self.last_epoch, self",
            "            max(0, self.last_epoch - 1), self",
        ),
        "only the first group": (
            "[lr * factor for lr in self.base_lrs]",
            "[lr * (factor if i == 0 else 1) for i, lr in enumerate(self.base_lrs)]",
        ),
        "no rate before the first call": (
            "        super().__init__(optimizer, last_epoch)  # asks for the first rates",
            "        super().__init__(optimizer, last_epoch)\n"
            "        if last_epoch < 0:\n"
            "            for group in optimizer.param_groups:\n"
            "                group['lr'] = group['initial_lr']",
        ),
        "momentum follows the rate": (
            "        return [lr * factor for lr in self.base_lrs]",
            "        for group in self.optimizer.param_groups:\n"
            "            group['momentum'] = 0.9 * factor\n"
            "        return [lr * factor for lr in self.base_lrs]",
        ),
    },
    "resume": {
        "the optimizer in the state": (
            "        self.warmup_steps, self.total_steps, self.min_ratio",
            "        self.owner = optimizer\n"
            "        self.warmup_steps, self.total_steps, self.min_ratio",
        ),
        "a function in the state": (
            "        self.warmup_steps, self.total_steps, self.min_ratio",
            "        self.formula = cosine_lr_schedule\n"
            "        self.warmup_steps, self.total_steps, self.min_ratio",
        ),
        "steps counted outside the state": """
class WarmupCosine(LRScheduler):
    made = {}

    def __init__(self, optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1):
        need_fit(0, warmup_steps, total_steps)
        self.given = [total_steps, warmup_steps, 1.0, min_ratio]
        self.made[id(self)] = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self.made[id(self)] += 1
        factor = cosine_lr_schedule(self.made[id(self)], *self.given)
        return [lr * factor for lr in self.base_lrs]
""",
        "first rates of the new optimizer": """
class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1):
        need_fit(0, warmup_steps, total_steps)
        self.given = [total_steps, warmup_steps, 1.0, min_ratio]
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = cosine_lr_schedule(self.last_epoch, *self.given)
        return [lr * factor for lr in self.base_lrs]

    def load_state_dict(self, state):
        firsts = self.base_lrs
        super().load_state_dict(state)
        self.base_lrs = firsts
""",
        "an empty state": (
            "    def get_lr(self)",
            "    def state_dict(self):\n        return {}\n\n    def get_lr(self)",
        ),
        "counted once more on loading": (
            "    def get_lr(self)",
            "    def load_state_dict(self, state):\n        super().load_state_dict(state)\n"
            "        self.last_epoch += 1\n\n    def get_lr(self)",
        ),
        "a step lost on saving": (
            "    def get_lr(self)",
            "    def state_dict(self):\n        return {'now': self.last_epoch - 1}\n\n"
            "    def load_state_dict(self, state):\n        self.last_epoch = state['now']\n\n"
            "    def get_lr(self)",
        ),
    },
    "restart": {
        "last_epoch not handed on": (
            "super().__init__(optimizer, last_epoch)",
            "super().__init__(optimizer)",
        ),
        "goes on at last_epoch itself": (
            "super().__init__(optimizer, last_epoch)",
            "super().__init__(optimizer, last_epoch - (last_epoch > 0))",
        ),
        "initial_lr written over": (
            "super().__init__(optimizer, last_epoch)",
            "for group in optimizer.param_groups:\n"
            "            group['initial_lr'] = group['lr']\n"
            "        super().__init__(optimizer, last_epoch)",
        ),
        "min_ratio lost": (
            "        super().__init__(optimizer, last_epoch)",
            "        self.min_ratio *= last_epoch < 0\n"
            "        super().__init__(optimizer, last_epoch)",
        ),
        "two steps ahead": (
            "super().__init__(optimizer, last_epoch)",
            "super().__init__(optimizer, last_epoch + (last_epoch >= 0))",
        ),
    },
    "limits": {
        "division by 0 where the warm-up is all": (
            "    if step >= total_steps:\n        return min_lr\n    if step < warmup_steps:\n"
            "        return max_lr * step / warmup_steps\n    part",
            "    if step > total_steps:\n        return min_lr\n    if step < warmup_steps:\n"
            "        return max_lr * step / warmup_steps\n    part",
        ),
        "division by 0 without decay": """
def wsd_lr_schedule(step, total_steps, warmup_steps, decay_steps, max_lr, min_lr=0.0):
    need_fit(step, warmup_steps, total_steps, decay_steps)
    if step < warmup_steps:
        return max_lr * step / warmup_steps
    if step < total_steps - decay_steps:
        return max_lr
    part = min(1, (step - total_steps + decay_steps) / decay_steps)
    return max_lr + (min_lr - max_lr) * part
""",
        "max_lr for ever without decay": (
            "    if left <= 0:\n        return min_lr",
            "    if left <= 0:\n        return min_lr if decay_steps else max_lr",
        ),
        "a step below 0": ("min(step, warmup_steps", "min(warmup_steps"),
        "a warm-up below 0": ("min(step, warmup_steps, ", "min(step, "),
        "a decay below 0": (", warmup_steps, decay_steps) < 0", ", warmup_steps) < 0"),
        "warm-up longer than all": (
            "if warmup_steps + decay_steps > total_steps:",
            "if decay_steps and warmup_steps + decay_steps > total_steps:",
        ),
        "warm-up and decay longer than all": (
            "if warmup_steps + decay_steps > total_steps:",
            "if max(warmup_steps, decay_steps) > total_steps:",
        ),
        "no error after the end": (
            "    need_fit(step, warmup_steps, total_steps, decay_steps)\n"
            "    left = total_steps - step\n",
            "    left = total_steps - step\n"
            "    if left > 0:\n"
            "        need_fit(step, warmup_steps, total_steps, decay_steps)\n",
        ),
        "a total below 0": (
            "if warmup_steps + decay_steps > total_steps:",
            "if warmup_steps + decay_steps > max(0, total_steps):",
        ),
        "a warm-up of all steps refused": (
            "if warmup_steps + decay_steps > total_steps:",
            "if warmup_steps + decay_steps >= total_steps:",
        ),
        "a scheduler that checks nothing": (
            "        need_fit(0, warmup_steps, total_steps)  # before the optimizer is touched\n",
            "        warmup_steps = max(0, min(warmup_steps, total_steps))\n"
            "        total_steps = max(0, total_steps)\n"
            "        warmup_steps = max(0, warmup_steps)\n",
        ),
        "the first group alone as before": (
            "        need_fit(0, warmup_steps, total_steps)  # before the optimizer is touched\n",
            "        for group in optimizer.param_groups[1:]:\n"
            "            group.setdefault('initial_lr', group['lr'])\n"
            "        need_fit(0, warmup_steps, total_steps)\n",
        ),
        "the optimizer changed before the error": (
            "        need_fit(0, warmup_steps, total_steps)  # before the optimizer is touched\n",
            "",
        ),
    },
}

VARIANTS = {
    "LambdaLR, min and max of lines": """
import math
from torch.optim.lr_scheduler import LambdaLR

def checked(*numbers):
    if any(n < 0 for n in numbers):
        raise ValueError(numbers)

def cosine_lr_schedule(step, total_steps, warmup_steps, max_lr, min_lr=0.0):
    checked(step, total_steps, warmup_steps, total_steps - warmup_steps)
    if step < warmup_steps:
        return step / warmup_steps * max_lr
    if step >= total_steps:
        return min_lr
    angle = math.pi * (step - warmup_steps) / (total_steps - warmup_steps)
    return (max_lr + min_lr) / 2 + (max_lr - min_lr) / 2 * math.cos(angle)

def wsd_lr_schedule(step, total_steps, warmup_steps, decay_steps, max_lr, min_lr=0.0):
    checked(step, total_steps, warmup_steps, decay_steps, total_steps - warmup_steps - decay_steps)
    if step < warmup_steps:
        return max_lr * (step / warmup_steps)
    start = total_steps - decay_steps
    if step >= total_steps:
        return min_lr
    if step < start:
        return max_lr
    return max_lr - (max_lr - min_lr) * ((step - start) / decay_steps)

class WarmupCosine(LambdaLR):
    def __init__(self, optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1):
        checked(total_steps, warmup_steps, total_steps - warmup_steps)

        def factor(s):
            return cosine_lr_schedule(s, total_steps, warmup_steps, 1.0, min_ratio)

        super().__init__(optimizer, factor, last_epoch)
""",
    "half angles, get_lr from initial_lr": """
def cosine_lr_schedule(step, total_steps, warmup_steps, max_lr, min_lr=0.0):
    if step < 0 or warmup_steps < 0 or warmup_steps > total_steps:
        raise ValueError("steps")
    if step < min(warmup_steps, total_steps):
        return max_lr / warmup_steps * step
    part = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    if step >= total_steps:
        part = 1.0
    return max_lr - (max_lr - min_lr) * math.sin(math.pi / 2 * part) ** 2

class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1):
        if warmup_steps < 0 or warmup_steps > total_steps:
            raise ValueError("warm-up")
        self.warmup, self.total, self.low = warmup_steps, total_steps, min_ratio
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [
            cosine_lr_schedule(self.last_epoch, self.total, self.warmup, first, first * self.low)
            for first in (group["initial_lr"] for group in self.optimizer.param_groups)
        ]
""",
    "wsd as a trapeze, the scheduler's state written by hand": """
def wsd_lr_schedule(step, total_steps, warmup_steps, decay_steps, max_lr, min_lr=0.0):
    need_fit(step, warmup_steps, total_steps, decay_steps)
    up = max_lr if step >= warmup_steps else max_lr * step / warmup_steps
    if step >= total_steps:
        return float(min_lr)
    left = total_steps - step
    down = max_lr if left >= decay_steps else min_lr + (max_lr - min_lr) * left / decay_steps
    return up if step < warmup_steps else min(up, down)

class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup_steps, total_steps, min_ratio=0.0, last_epoch=-1):
        need_fit(0, warmup_steps, total_steps)
        self.plan = total_steps, warmup_steps, 1.0, min_ratio
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = cosine_lr_schedule(max(0, self.last_epoch), *self.plan)
        return [factor * first for first in self.base_lrs]

    def state_dict(self):
        return {"step": self.last_epoch, "firsts": list(self.base_lrs)}

    def load_state_dict(self, state):
        self.last_epoch, self.base_lrs = state["step"], list(state["firsts"])
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
""",
    "by numpy": """
import numpy as np

def wsd_lr_schedule(step, total_steps, warmup_steps, decay_steps, max_lr, min_lr=0.0):
    need_fit(step, warmup_steps, total_steps, decay_steps)
    if step >= total_steps:
        return min_lr
    if step < warmup_steps:
        return float(np.interp(step, [0, warmup_steps], [0.0, max_lr]))
    return float(np.interp(step, [total_steps - decay_steps, total_steps], [max_lr, min_lr]))
""",
}
