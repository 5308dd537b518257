"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

READY = "            if len(group) >= self.max_batch or now - group[0].since >= self.max_wait:\n"
RETURN = "                return len(batch)\n"
TAKE = "                batch = group[: self.max_batch]\n"
FORWARD = "        self.model.eval()\n        with torch.no_grad():\n"
RESULTS = """            for request, row in zip(batch, rows, strict=True):
"""
KEY = "(request.x.shape, request.x.dtype)"
FAILED = """            if len(batch) == 1:
                batch[0].future.set_exception(error)
            else:
                for request in batch:
                    self.answer([request])
"""
ALIVE = (
    "        self.waiting = ["
    "request for request in self.waiting if not request.future.cancelled()]\n"
)
STACK = "            return list(self.model(torch.stack(inputs)))"
APPEND = "        self.waiting.append(Request(x.detach().clone(), future, self.clock()))\n"
GROUPS = "        for group in groups.values():\n"


def ready(condition):
    return READY, f"            if {condition}:\n"


SLIPS = {
    "results": {
        "numbers in place of tensors": (
            "set_result(row)",
            "set_result(row if row.ndim else row.item())",
        ),
        "results in the opposite order": (RESULTS, RESULTS.replace("(batch,", "(reversed(batch),")),
        "the whole batch for each": ("set_result(row)", "set_result(torch.stack(rows))"),
        "with a batch axis": ("set_result(row)", "set_result(row[None])"),
        "the first row for all": ("set_result(row)", "set_result(rows[0])"),
        "always with an axis": ("set_result(row)", "set_result(row if row.ndim else row[None])"),
        "in float32": (STACK, STACK.replace("(inputs)", "(inputs).float()")),
        "cast back from float32": (
            STACK,
            STACK.replace(
                "self.model(torch.stack(inputs))",
                "self.model(torch.stack(inputs)).float().to(inputs[0].dtype).round(decimals=5)",
            ),
        ),
    },
    "full": {
        "one pass for each request": (
            "            rows = self.forward([request.x for request in batch])\n",
            "            rows = [self.forward([request.x])[0] for request in batch]\n",
        ),
        "one request more needed": ready(
            "len(group) > self.max_batch or now - group[0].since >= self.max_wait"
        ),
        "all that wait in one batch": (TAKE, "                batch = group\n"),
        "the newest first": (TAKE, "                batch = group[-self.max_batch :]\n"),
        "True for a number": (RETURN, "                return True\n"),
        "the number of those that still wait": (
            RETURN,
            "                return len(self.waiting)\n",
        ),
        "all ready batches in one call": (
            RETURN,
            "                return len(batch) + self.poll()\n",
        ),
        "nothing returned": (
            "                self.answer(batch)\n",
            "                return self.answer(batch)\n",
        ),
        "answered again": (
            "                self.waiting = [r for r in self.waiting if r.future not in taken]\n",
            "",
        ),
        "None if none is ready": ("        return 0\n", "        return None\n"),
        "run by submit": (
            "        return future\n",
            "        if len(self.waiting) >= self.max_batch:\n"
            "            self.poll()\n"
            "        return future\n",
        ),
        "sorted by nothing": (TAKE, TAKE + "                batch = batch[::-1]\n"),
    },
    "wait": {
        "from the newest request": ready(
            "len(group) >= self.max_batch or now - group[-1].since >= self.max_wait"
        ),
        "longer than max_wait": ready(
            "len(group) >= self.max_batch or now - group[0].since > self.max_wait"
        ),
        "until it is full": ready("len(group) >= self.max_batch"),
        "not at all": ready("group"),
        "from the last batch on": (
            RETURN,
            "                self.waiting = [r._replace(since=now) for r in self.waiting]\n"
            + RETURN,
        ),
        "from the first poll() on": (
            "        now = self.clock()\n",
            "        now = self.clock()\n"
            "        self.first = getattr(self, 'first', {})\n"
            "        for group in groups.values():\n"
            "            first = self.first.setdefault(group[0].future, now)\n"
            "            group[0] = group[0]._replace(since=first)\n",
        ),
        "only the oldest one runs": (
            TAKE,
            "                full = len(group) >= self.max_batch\n"
            "                batch = group[: self.max_batch if full else 1]\n",
        ),
        "half of max_wait": ready(
            "len(group) >= self.max_batch or now - group[0].since >= self.max_wait / 2"
        ),
        "milliseconds": ready(
            "len(group) >= self.max_batch or (now - group[0].since) * 1000 >= self.max_wait"
        ),
        "the real clock": (
            "        now = self.clock()\n",
            "        import time\n\n        now = time.monotonic()\n",
        ),
        "a max_wait of 0 means never": ready(
            "len(group) >= self.max_batch or 0 < self.max_wait <= now - group[0].since"
        ),
        "a time of 0 means no time": ready(
            "len(group) >= self.max_batch or group[0].since"
            " and now - group[0].since >= self.max_wait"
        ),
    },
    "shapes": {
        "one queue for all": (KEY, "0"),
        "shapes alone": (KEY, "request.x.shape"),
        "dtypes alone": (KEY, "request.x.dtype"),
        "the number of elements": (KEY, "(request.x.numel(), request.x.dtype)"),
        "the number of axes": (KEY, "(request.x.ndim, request.x.dtype)"),
        "the length of the first axis": (KEY, "(len(request.x), request.x.ndim, request.x.dtype)"),
        "the largest batch first": (
            GROUPS,
            "        for group in sorted(groups.values(), key=len, reverse=True):\n",
        ),
        "the newest kind first": (GROUPS, "        for group in reversed(groups.values()):\n"),
        "a kind that was there before goes first": (
            "        groups = dict[tuple[torch.Size, torch.dtype], list[Request]]()\n",
            "        self.kinds = getattr(self, 'kinds', {})\n"
            "        for r in self.waiting:\n"
            "            self.kinds[r.x.shape, r.x.dtype] = None\n"
            "        here = {(r.x.shape, r.x.dtype) for r in self.waiting}\n"
            "        groups = {kind: [] for kind in self.kinds if kind in here}\n",
        ),
        "one time for all kinds": """
class BatchingServer(BatchingServer):
    def submit(self, x):
        future = super().submit(x)
        self.waiting[-1] = self.waiting[-1]._replace(since=self.waiting[0].since)
        return future
""",
        "only the kind of the oldest request": (
            "        return 0\n\n    def answer",
            "            break\n        return 0\n\n    def answer",
        ),
        "full ones before late ones": (
            GROUPS,
            "        order = sorted(groups.values(), key=lambda g: len(g) < self.max_batch)\n"
            "        for group in order:\n",
        ),
        "late ones before full ones": (
            GROUPS,
            "        order = sorted(groups.values(), key=lambda g: len(g) >= self.max_batch)\n"
            "        for group in order:\n",
        ),
    },
    "inference": {
        "train mode": ("        self.model.eval()\n", ""),
        "gradients on": ("        with torch.no_grad():\n", "        with torch.enable_grad():\n"),
        "eval mode set once, by the constructor": (
            "        self.model, self.clock = model, clock\n",
            "        self.model, self.clock = model.eval(), clock\n"
            "        self.forward = lambda xs: list(torch.no_grad()(model)(torch.stack(xs)))\n",
        ),
        "eval mode only if the whole is in train mode": (
            "        self.model.eval()\n",
            "        if self.model.training:\n            self.model.eval()\n",
        ),
        "the outermost module only": (
            "        self.model.eval()\n",
            "        self.model.training = False\n",
        ),
        "gradients off for good": (
            "        with torch.no_grad():\n" + STACK,
            "        torch.set_grad_enabled(False)\n" + STACK[4:],
        ),
        "gradients on afterwards": (
            "        with torch.no_grad():\n" + STACK,
            "        try:\n            torch.set_grad_enabled(False)\n"
            + STACK
            + "\n        finally:\n            torch.set_grad_enabled(True)",
        ),
        "gradients off after a failure": (
            "        with torch.no_grad():\n" + STACK,
            "        grad = torch.is_grad_enabled()\n        torch.set_grad_enabled(False)\n"
            "        out = list(self.model(torch.stack(inputs)))\n"
            "        torch.set_grad_enabled(grad)\n        return out",
        ),
        "eval mode set by submit": """
class BatchingServer(BatchingServer):
    def submit(self, x):
        self.model.eval()
        return super().submit(x)

    def forward(self, inputs):
        with torch.no_grad():
            return list(self.model(torch.stack(inputs)))
""",
        "eval mode set by the first poll()": (
            "        self.model.eval()\n",
            "        self.ready = getattr(self, 'ready', None) or self.model.eval()\n",
        ),
        "gradients off where no batch is ready": """
class BatchingServer(BatchingServer):
    def poll(self):
        grad = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        answered = super().poll()
        if answered:
            torch.set_grad_enabled(grad)
        return answered
""",
        "detached only": (
            "        with torch.no_grad():\n" + STACK,
            "        return list(self.model(torch.stack(inputs)).detach())",
        ),
    },
    "failure": {
        "dropped without an answer": (
            FAILED,
            "            if len(batch) > 1:\n                for request in batch:\n"
            "                    self.answer([request])\n",
        ),
        "poll() raises": (FAILED, "            raise\n"),
        "all of the batch fail": (
            FAILED,
            "            for request in batch:\n"
            "                request.future.set_exception(error)\n",
        ),
        "the others wait again": (
            FAILED,
            "            if len(batch) == 1:\n"
            "                batch[0].future.set_exception(error)\n"
            "            else:\n                self.waiting = batch + self.waiting\n",
        ),
        "None for a result": (
            "batch[0].future.set_exception(error)",
            "batch[0].future.set_result(None)",
        ),
        "ends at the first bad one": (
            FAILED,
            "            if len(batch) == 1:\n"
            "                batch[0].future.set_exception(error)\n"
            "            else:\n                for request in batch:\n"
            "                    self.answer([request])\n"
            "                    if request.future.exception(0):\n                        break\n",
        ),
        "the error of the batch for each bad one": (
            FAILED,
            "            for request in batch:\n                try:\n"
            "                    row = self.forward([request.x])[0]\n"
            "                    request.future.set_result(row)\n"
            "                except Exception:\n"
            "                    request.future.set_exception(error)\n",
        ),
        "another kind of error": (
            "batch[0].future.set_exception(error)",
            "batch[0].future.set_exception(RuntimeError(str(error)))",
        ),
        "ValueError alone": (
            "        except Exception as error:\n",
            "        except ValueError as error:\n",
        ),
        "those that wait dropped": (
            FAILED,
            "            self.waiting = []\n" + FAILED,
        ),
        "good ones counted alone": (
            RETURN,
            "                return sum(r.future.exception(0) is None for r in batch)\n",
        ),
    },
    "input": {
        "no copy of x": ("x.detach().clone()", "x.detach()"),
        "a copy of a batch of one only when it runs": (
            "Request(x.detach().clone(),",
            "Request(x.detach() if self.max_batch > 1 else x.detach().clone(),",
        ),
        "a copy of the first alone": (
            "x.detach().clone()",
            "x.detach() if self.waiting else x.detach().clone()",
        ),
        "a batch of one is x itself": (
            APPEND,
            "        if self.max_batch == 1:\n"
            "            self.waiting.append(Request(x.detach(), future, self.clock()))\n"
            "            model = torch.no_grad()(self.model.eval())\n"
            "            self.forward = lambda xs: list(model(xs[0][None]))\n"
            "            return future\n" + APPEND,
        ),
    },
    "cancelled": {
        "run and set": (ALIVE, ""),
        "run, but not set": """
class BatchingServer(BatchingServer):
    def poll(self):
        self.waiting = [
            r._replace(future=Future()) if r.future.cancelled() else r for r in self.waiting
        ]
        return super().poll()
""",
        "its time counts": """
class BatchingServer(BatchingServer):
    def poll(self):
        since = [r.since for r in self.waiting[:1]]
        self.waiting = [r for r in self.waiting if not r.future.cancelled()]
        if self.waiting:
            self.waiting[0] = self.waiting[0]._replace(since=since[0])
        return super().poll()
""",
        "it helps to fill the batch": """
class BatchingServer(BatchingServer):
    def poll(self):
        wait = self.max_wait
        if len(self.waiting) >= self.max_batch and any(r.future.cancelled() for r in self.waiting):
            self.max_wait = -1.0
        answered, self.max_wait = super().poll(), wait
        return answered
""",
        "it keeps a place for its kind": """
class BatchingServer(BatchingServer):
    def poll(self):
        gone = [r.x.shape for r in self.waiting if r.future.cancelled()]
        self.waiting.sort(key=lambda r: r.x.shape not in gone)
        return super().poll()
""",
        "counted as answered": """
class BatchingServer(BatchingServer):
    def poll(self):
        gone = sum(r.future.cancelled() for r in self.waiting)
        answered = super().poll()
        return answered and answered + gone
""",
    },
}

VARIANTS = {
    "a queue for each kind": """
from collections import OrderedDict, deque

class BatchingServer:
    def __init__(self, model, max_batch, max_wait, clock):
        self.model, self.most, self.wait, self.clock = model, max_batch, max_wait, clock
        self.queues, self.count = {}, 0

    def submit(self, x):
        future = Future()
        key = tuple(x.shape), str(x.dtype)
        item = self.count, self.clock(), x.detach().clone(), future
        self.queues.setdefault(key, deque()).append(item)
        self.count += 1
        return future

    def poll(self):
        now, found = self.clock(), []
        for key, queue in self.queues.items():
            alive = deque(item for item in queue if not item[3].cancelled())
            self.queues[key] = alive
            if alive and (len(alive) >= self.most or alive[0][1] + self.wait <= now):
                found.append(alive)
        if not found:
            return 0
        queue = min(found, key=lambda q: q[0][0])
        batch = [queue.popleft() for _ in range(min(self.most, len(queue)))]
        self.run(batch)
        return len(batch)

    @torch.inference_mode()
    def run(self, batch):
        self.model.eval()
        try:
            out = self.model(torch.stack([x for _, _, x, _ in batch]))
        except Exception as error:
            if len(batch) == 1:
                return batch[0][3].set_exception(error)
            half = len(batch) // 2
            self.run(batch[:half])
            self.run(batch[half:])
            return
        for (*_, future), row in zip(batch, out):
            future.set_result(row.clone())
""",
    "running first, modes set part by part": """
class BatchingServer:
    def __init__(self, model, max_batch, max_wait, clock):
        self.model, self.max_batch, self.max_wait, self.clock = model, max_batch, max_wait, clock
        self.requests = []

    def submit(self, x):
        x = torch.tensor(x.tolist(), dtype=x.dtype).reshape(x.shape)
        self.requests.append((x, Future(), self.clock()))
        return self.requests[-1][1]

    def poll(self):
        alive = [r for r in self.requests if not r[1].cancelled()]
        seen = []
        for x, _, since in alive:
            kind = x.shape, x.dtype
            if kind in seen:
                continue
            seen.append(kind)
            same = [r for r in alive if (r[0].shape, r[0].dtype) == kind][: self.max_batch]
            if len(same) == self.max_batch or self.clock() - since >= self.max_wait:
                self.requests = [r for r in alive if all(r is not s for s in same)]
                for _, future, _ in same:
                    future.set_running_or_notify_cancel()
                for module in self.model.modules():
                    module.training = False
                with torch.set_grad_enabled(False):
                    try:
                        rows = self.model(torch.stack([r[0] for r in same])).unbind()
                        for r, y in zip(same, rows):
                            r[1].set_result(y)
                    except Exception:
                        for x, future, _ in same:
                            try:
                                future.set_result(self.model(x.unsqueeze(0)).squeeze(0))
                            except Exception as error:
                                future.set_exception(error)
                return len(same)
        return 0
""",
    "mode given back": (
        FORWARD + STACK,
        "        modes = [(m, m.training) for m in self.model.modules()]\n"
        "        try:\n"
        "            with torch.no_grad():\n"
        "                return list(self.model.eval()(torch.stack(inputs)))\n"
        "        finally:\n"
        "            for m, mode in modes:\n"
        "                m.training = mode",
    ),
    "a deadline for each request": (
        READY,
        "            late = self.clock() >= group[0].since + self.max_wait\n"
        "            if late or not len(group) < self.max_batch:\n",
    ),
}
