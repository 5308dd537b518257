"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

FILL = "        while self.waiting and len(self.active) < self.max_batch_size:\n"
JOIN = "            self.active.append(self.waiting.popleft())\n"
IDLE = "        if not self.active:\n            return False\n"
TEXTS = "[torch.tensor(r.input_ids + r.generated) for r in self.active]"
LENGTHS = "torch.tensor([len(text) for text in texts])"
PAD = "pad_sequence(texts, batch_first=True)"
CALL = f"        logits = model({PAD}, lengths)"
SHAPE = "        if logits.shape != want:\n"
BEST = "logits.argmax(dim=1).tolist()"
KEEP = (
    "            if token != self.eos_token_id:\n                request.generated.append(token)\n"
)
ENDED = "if token == self.eos_token_id or len(request.generated) == request.max_gen_len:"
DONE = "                self.finished.append(request)\n"
LEFT = "        self.active = left\n        return bool(self.active or self.waiting)\n"
QUEUE = "        self.waiting.append(request)\n"
STEPS = "        while self.step(model):\n            pass\n"
GIVEN = "        return list(self.finished)\n"
IDS = "if not ids or min(ids) < 0 or max(ids) >= self.vocab_size:"
EMPTY = "self.active = list[Request]()  # the oldest first"
GRAD = "    @torch.no_grad()\n"


PLACES = """
class ContinuousBatchScheduler:
    def __init__(self, max_batch_size, eos_token_id, vocab_size):
        if max_batch_size < 1:
            raise ValueError(max_batch_size)
        self.places, self.queue, self.ended = [None] * max_batch_size, [], []
        self.eos, self.v, self.number = eos_token_id, vocab_size, {}

    def add_request(self, request):
        ids = request.input_ids
        if len(ids) == 0 or any(not 0 <= t < self.v for t in ids) or request.max_gen_len < 1:
            raise ValueError(request)
        self.number[id(request)] = len(self.number)
        self.queue.append(request)

    def step(self, model):
        for i, place in enumerate(self.places):
            if place is None and self.queue:
                self.places[i] = self.queue.pop(0)
        rows = [i for i, place in enumerate(self.places) if place]
        if not rows:
            return False
        texts = [self.places[i].input_ids + self.places[i].generated for i in rows]
        lengths = torch.tensor(list(map(len, texts)))
        ids = torch.full((len(rows), max(map(len, texts))), self.eos)
        for row, text in zip(ids, texts):
            row[: len(text)] = torch.tensor(text)
        with torch.inference_mode():
            logits = model(ids, lengths)
        if tuple(logits.shape) != (len(rows), self.v):
            raise ValueError("logits")
        ended = []
        for i, row in zip(rows, logits):
            request, token = self.places[i], row.argmax().item()
            if token == self.eos:
                ended.append(i)
                continue
            request.generated.append(token)
            if len(request.generated) >= request.max_gen_len:
                ended.append(i)
        ended.sort(key=lambda i: self.number[id(self.places[i])])
        for i in ended:
            self.ended.append(self.places[i])
            self.places[i] = None
        return any(self.places) or len(self.queue) > 0

    def run(self, model):
        while any(self.places) or self.queue:
            self.step(model)
        return self.ended
"""

LATE = """
class Other(ContinuousBatchScheduler):
    def add_request(self, request):
        self.waiting.append(request)
        super().add_request(request)
        self.waiting.pop()


ContinuousBatchScheduler = Other
"""
MODE = """
class Other(ContinuousBatchScheduler):
    def step(self, model):
        was = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        try:
            left = super().step(model)
        finally:
            torch.set_grad_enabled(was)
        torch.set_grad_enabled(was)
        return left


ContinuousBatchScheduler = Other
"""
EAGER = """
class ContinuousBatchScheduler:
    def __init__(self, max_batch_size, eos_token_id, vocab_size):
        if max_batch_size <= 0:
            raise ValueError("max_batch_size")
        self.size, self.eos, self.v = max_batch_size, eos_token_id, vocab_size
        self.every, self.first, self.over = [], 0, {}  # over: id -> the step in which it ended
        self.steps = 0

    def left(self):
        return [r for r in self.every if id(r) not in self.over]

    def add_request(self, request):
        if not set(request.input_ids) <= set(range(self.v)) or not request.input_ids:
            raise ValueError("input_ids")
        if request.max_gen_len <= 0:
            raise ValueError("max_gen_len")
        self.every.append(request)

    def step(self, model):
        now = self.left()[: self.size]  # those that are active are always the oldest ones left
        if now:
            texts = sorted((r.input_ids + r.generated for r in now), key=len)
            now = sorted(now, key=lambda r: len(r.input_ids + r.generated))
            n = [len(text) for text in texts]
            ids = torch.tensor([text + text[:1] * (n[-1] - len(text)) for text in texts])
            with torch.set_grad_enabled(False):
                logits = model(ids, torch.tensor(n))
            if list(logits.size()) != [len(now), self.v]:
                raise ValueError("not (n, V)")
            self.steps += 1
            for r, token in zip(now, logits.max(1).indices.tolist()):
                r.generated += [token] if token != self.eos else []
                if token == self.eos or len(r.generated) == r.max_gen_len:
                    self.over[id(r)] = self.steps
        return len(self.left()) > 0

    def run(self, model):
        if self.step(model):
            return self.run(model)
        ended = [r for r in self.every if id(r) in self.over]
        return sorted(ended, key=lambda r: self.over[id(r)])
"""

SLIPS = {
    "batch": {
        "pads are -1": (PAD, PAD[:-1] + ", padding_value=-1)"),
        "one call of the model per request": (
            CALL,
            "        logits = torch.cat([model(t[None], n[None]) for t, n in zip(texts, lengths)])",
        ),
        "new requests in a call of their own": (
            CALL,
            "        def part(new):\n"
            "            every = enumerate(self.active)\n"
            "            rows = [i for i, r in every if new != bool(r.generated)]\n"
            "            if rows:\n"
            "                ids = pad_sequence([texts[i] for i in rows], batch_first=True)\n"
            "                logits[rows] = model(ids, lengths[rows]).double()\n\n"
            "        logits = torch.zeros(len(texts), self.vocab_size).double()\n"
            "        part(False)\n        part(True)",
        ),
        "equal texts share a row": (
            CALL,
            "        keys = [tuple(text.tolist()) for text in texts]\n"
            "        few = list(dict.fromkeys(keys))\n"
            "        rows = pad_sequence([torch.tensor(key) for key in few], batch_first=True)\n"
            "        logits = model(rows, torch.tensor(list(map(len, few))))\n"
            "        if len(logits) == len(few):\n"
            "            logits = logits[[few.index(key) for key in keys]]",
        ),
        "lengths are int32": (LENGTHS, LENGTHS + ".int()"),
        "one pad more than is needed": (PAD, f"torch.nn.functional.pad({PAD}, (0, 1))"),
        "pads on the left": (
            PAD,
            "pad_sequence([t.flip(0) for t in texts], batch_first=True).flip(1)",
        ),
        "lengths with the pads": (LENGTHS, "torch.full((len(texts),), max(map(len, texts)))"),
        "the prompt alone is read": (TEXTS, "[torch.tensor(r.input_ids) for r in self.active]"),
        "the last token alone": (
            TEXTS,
            "[torch.tensor((r.input_ids + r.generated)[-1:]) for r in self.active]",
        ),
        "a row per place, also empty ones": (
            f"{CALL}  # (n, L) -> (n, V)\n",
            "        empty = self.max_batch_size - len(texts)\n"
            "        rows = pad_sequence(texts + [texts[0]] * empty, batch_first=True)\n"
            "        lengths = torch.cat([lengths, lengths[:1].expand(empty)])\n"
            "        logits = model(rows, lengths)[: len(texts)]\n",
        ),
    },
    "alone": {
        "drawn from the softmax": (BEST, "logits.softmax(1).multinomial(1)[:, 0].tolist()"),
        "logits in bfloat16": (BEST, "logits.bfloat16().argmax(dim=1).tolist()"),
        "texts cut to 12 tokens": (
            "torch.tensor(r.input_ids + r.generated)",
            "torch.tensor((r.input_ids + r.generated)[-12:])",
        ),
        "logits in float32": (BEST, "logits.float().argmax(dim=1).tolist()"),
        "exp without a maximum": (BEST, "logits.float().exp().argmax(dim=1).tolist()"),
        "the highest absolute logit": (BEST, "logits.abs().argmax(dim=1).tolist()"),
        "tokens stay tensors": (BEST, "logits.argmax(dim=1)"),
        "equal prompts share an answer": (
            "        left = []\n",
            "        left, first = [], {}\n"
            "        for r in self.active:\n"
            "            r.generated = first.setdefault(tuple(r.input_ids), r).generated\n",
        ),
    },
    "ends": {
        "eos 0 is none": (ENDED, ENDED.replace("token ==", "token and token ==")),
        "eos is kept": (KEEP, "            request.generated.append(token)\n"),
        "eos never ends": (ENDED, "if len(request.generated) == request.max_gen_len:"),
        "eos in the prompt ends it": (
            ENDED,
            ENDED.replace(
                "token == self.eos_token_id", "self.eos_token_id in [*request.input_ids, token]"
            ),
        ),
        "max_gen_len counts the prompt": (
            ENDED,
            ENDED.replace(
                "len(request.generated) ==", "len(request.input_ids + request.generated) >="
            ),
        ),
        "one token too many": (ENDED, ENDED.replace(" == request.max", " > request.max")),
        "eos is always V - 1": (
            "self.eos_token_id = eos_token_id",
            "self.eos_token_id = vocab_size - 1",
        ),
    },
    "slots": {
        "no limit": (FILL, "        while self.waiting:\n"),
        "the next batch when all have ended": (
            FILL,
            "        fill = not self.active\n"
            + FILL.replace("self.waiting", "fill and self.waiting"),
        ),
        "one joins per step": (FILL, FILL.replace("while", "if")),
        "the queue looked at after a step alone": (
            FILL + JOIN + IDLE,
            "        if not self.active:\n    " + FILL + "    " + JOIN + IDLE,
        ),
        "the newest first": ("self.waiting.popleft()", "self.waiting.pop()"),
        "the shortest first": (
            FILL,
            "        self.waiting = deque(sorted(self.waiting, key=lambda r: r.max_gen_len))\n"
            + FILL,
        ),
        "one too many": (FILL, FILL.replace(" < self", " <= self")),
        "a place that eos freed is lost": (
            "            if token != self.eos_token_id:\n",
            "            if token == self.eos_token_id and self.max_batch_size > 1:\n"
            "                self.max_batch_size -= 1\n"
            "            if token != self.eos_token_id:\n",
        ),
        "turns, a token each": (
            LEFT,
            "        self.waiting.extend(left)\n        self.active = []\n"
            "        return bool(self.waiting)\n",
        ),
    },
    "results": {
        "of one step the last added first": (
            f"zip(self.active, {BEST}, ",
            f"zip(self.active[::-1], {BEST}[::-1], ",
        ),
        "the model called with no rows": (
            IDLE,
            "        if not self.active:\n            model(*torch.zeros(2, 0, 0).long())\n"
            "            return False\n",
        ),
        "True if something was done": ("return bool(self.active or self.waiting)", "return True"),
        "run makes 20 steps at most": (
            "        while self.step(model):\n            pass\n",
            "        for _ in range(20):\n            self.step(model)\n",
        ),
        "the queue forgotten": (
            "return bool(self.active or self.waiting)",
            "return bool(self.active)",
        ),
        "the active forgotten": (
            "return bool(self.active or self.waiting)",
            "return bool(self.waiting)",
        ),
        "run gives those of this run": (
            "        while self.step(model):\n            pass\n",
            "        self.finished = []\n        while self.step(model):\n            pass\n",
        ),
        "run gives them once": (
            GIVEN,
            "        gave, self.finished = self.finished, []\n        return gave\n",
        ),
        "in the order of add_request": (
            GIVEN,
            "        return sorted(self.finished, key=lambda r: -r.request_id)\n",
        ),
        "of one step the lowest request_id first": (
            LEFT,
            "        old = len(self.finished) - len(self.active) + len(left)\n"
            "        new = sorted(self.finished[old:], key=lambda r: r.request_id)\n"
            "        self.finished[old:] = new\n" + LEFT,
        ),
        "the last to end first": (GIVEN, "        return self.finished[::-1]\n"),
        "their numbers": (GIVEN, "        return [r.request_id for r in self.finished]\n"),
        "one step alone": (STEPS, "        self.step(model)\n"),
        "tokens are there at the end": (
            KEEP,
            "            new = self.__dict__.setdefault(request, [])\n"
            "            if token != self.eos_token_id:\n                new.append(token)\n",
        ),
        "all schedulers share a queue": (
            "self.finished = list[Request]()",
            "self.finished = self.__class__.__dict__.get('all', [])\n"
            "        ContinuousBatchScheduler.all = self.finished",
        ),
    },
    "state": {
        "gradients are on afterwards": MODE.replace("was)", "True)"),
        "gradients stay off after an error": MODE.replace("finally:", "except ZeroDivisionError:"),
        "gradients on": (GRAD, ""),
        "gradients off for good": (
            "        self.vocab_size = vocab_size\n",
            "        self.vocab_size = vocab_size\n        torch.set_grad_enabled(False)\n",
        ),
        "afterwards as they were in __init__": MODE.replace(
            "    def step",
            "    def __init__(self, *sizes):\n        super().__init__(*sizes)\n"
            "        self.was = torch.is_grad_enabled()\n\n    def step",
        ).replace("was)", "self.was)"),
        "the text is the prompt itself": (
            KEEP,
            KEEP + "                request.input_ids.append(token)\n",
        ),
    },
    "failure": {
        "those that join are lost by an error": (
            CALL,
            f"        try:\n    {CALL}\n        except Exception:\n"
            "            self.active = [r for r in self.active if r.generated]\n"
            "            raise",
        ),
        "an error is False": (
            CALL,
            f"        try:\n    {CALL}\n        except Exception:\n            return False",
        ),
        "an error puts the active ones at the end of the queue": (
            CALL,
            f"        try:\n    {CALL}\n        except Exception:\n"
            "            self.waiting.extend(self.active)\n            self.active = []\n"
            "            raise",
        ),
        "any logits are taken": (SHAPE, "        if False:\n"),
        "V alone is looked at": (SHAPE, "        if logits.shape[-1] != want[-1]:\n"),
        "n alone is looked at": (SHAPE, "        if len(logits) != want[0]:\n"),
        "axes are not counted": (
            SHAPE,
            "        if (logits.shape[0], logits.shape[-1]) != want:\n",
        ),
        "axes 0 and 1 alone": (SHAPE, "        if logits.shape[:2] != want:\n"),
        "IndexError for one axis": (
            SHAPE,
            "        n, v = want\n"
            "        if logits.size(0) != n or logits.size(1) != v or logits.ndim > 2:\n",
        ),
        "one axis is one row": (SHAPE, "        logits = torch.atleast_2d(logits)\n" + SHAPE),
        "RuntimeError is out of memory: try again": (
            CALL,
            f"        try:\n    {CALL}\n        except RuntimeError:\n            return True",
        ),
        "a step tries again itself": (
            CALL,
            f"        try:\n    {CALL}\n        except Exception:\n    {CALL}",
        ),
        "run gives what it has after an error": (
            STEPS,
            "        try:\n            while self.step(model):\n                pass\n"
            "        except Exception:\n            pass\n",
        ),
        "those that ended are lost by an error in run": (
            STEPS + GIVEN,
            "        ended, self.finished = self.finished, []\n"
            "        while self.step(model):\n            pass\n"
            "        self.finished = ended + self.finished\n" + GIVEN,
        ),
        "RuntimeError for the shape": (
            'raise ValueError(f"logits',
            'raise RuntimeError(f"logits',
        ),
        "the model's error becomes a RuntimeError": (
            CALL,
            f"        try:\n    {CALL}\n        except Exception as error:\n"
            "            raise RuntimeError('the model failed') from error",
        ),
        "looked at after the tokens": (
            SHAPE,
            "        for request, row in zip(self.active, logits):\n"
            "            if logits.shape != want:\n"
            "                request.generated.append(row.flatten().argmax().item())\n" + SHAPE,
        ),
    },
    "refused": {
        "max_batch_size 0 is taken": ("if max_batch_size < 1:", "if max_batch_size < 0:"),
        "max_batch_size below 0 is taken": ("if max_batch_size < 1:", "if not max_batch_size:"),
        "max_gen_len 0 is taken": ("if request.max_gen_len < 1:", "if request.max_gen_len < 0:"),
        "max_gen_len below 0 is taken": (
            "if request.max_gen_len < 1:",
            "if not request.max_gen_len:",
        ),
        "an empty prompt is taken": (
            IDS,
            "if ids and (min(ids) < 0 or max(ids) >= self.vocab_size):",
        ),
        "id V is taken": (IDS, IDS.replace(">=", ">")),
        "ids below 0 are taken": (IDS, "if not ids or max(ids) >= self.vocab_size:"),
        "the first id alone": (IDS, "if not ids or not 0 <= ids[0] < self.vocab_size:"),
        "looked at after it is added": LATE,
        "an assert": (
            '            raise ValueError(f"max_gen_len {request.max_gen_len}, want 1 at least")\n',
            "            raise AssertionError(request.max_gen_len)\n",
        ),
    },
}
VARIANTS = {
    "numbered places, pads are eos": PLACES,
    "one list, rows by length": EAGER,
    "places are filled when a request comes, and after a step": (
        QUEUE,
        QUEUE + "        if len(self.active) < self.max_batch_size:\n    " + JOIN,
    ),
    "a list of rows, and a loop in step for pads": (
        PAD,
        "torch.stack([torch.cat([t, t.new_zeros(max(lengths.tolist()) - len(t))]) for t in texts])",
    ),
    "run by its own test": (
        STEPS,
        "        while self.waiting or self.active:\n            self.step(model)\n",
    ),
    "inference mode": (GRAD, "    @torch.inference_mode()\n"),
}
