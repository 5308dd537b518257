"""Mistakes by the label that must refuse them, and second right answers."""

CUT = (
    "        state = state.detach() if isinstance(state, Tensor)"
    " else tuple(s.detach() for s in state)\n"
)
PASS = "        logits, state = model(x, state)\n"
LOSS = "        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())\n"
CLEAR = "        optimizer.zero_grad()\n"
BACKWARD = "        loss.backward()\n"
STEP = "        optimizer.step()\n"
KEEP = "        losses.append(loss.item())\n"
RETAIN = "        loss.backward(retain_graph=True)\n"
BEGIN = "    state: State | None = None\n"
PAIR = "        state = tuple(s.detach() for s in state)\n"

SLIPS = {
    "steps": {
        "the old gradients stay": (CLEAR, ""),
        "as handed out": (CUT, ""),
        "the result of detach() is not used": (
            CUT,
            "        for part in state:\n            part.detach()\n",
        ),
        "only h is detached": (CUT, "        state = (state[0].detach(), *state[1:])\n"),
        "only c is detached": (
            CUT,
            "        state = (state[0], *(s.detach() for s in state[1:]))\n",
        ),
        "cloned, not detached": (CUT, CUT.replace("detach()", "clone()")),
        "the graph retained": (BACKWARD + STEP + KEEP + CUT, RETAIN + STEP + KEEP),
        "the logits detached in place of the state": (
            CUT,
            "        logits = logits.detach()\n",
        ),
        "detached at every other chunk": (
            CUT,
            "        if len(losses) % 2 == 0:\n    " + CUT,
        ),
        "the last time step is cut off": (
            PASS,
            "        if y.shape[1] > 1:\n            x, y = x[:, :-1], y[:, :-1]\n" + PASS,
        ),
        "one step for all chunks": (
            CLEAR + BACKWARD + STEP,
            BACKWARD,
        ),
        "the chunk's first step learns nothing": (
            LOSS,
            "        each = nn.functional.cross_entropy(\n"
            "            logits.transpose(1, 2), y, reduction='none'\n        )\n"
            "        loss = each.mean()\n        if each.shape[1] > 1:\n"
            "            loss = loss + (each[:, 1:].mean() - loss).detach() * 0\n"
            "            loss = each[:, 1:].mean() + (loss - each[:, 1:].mean()).detach()\n",
        ),
        "cleared after backward": (CLEAR + BACKWARD, BACKWARD + CLEAR),
        "step before backward": (BACKWARD + STEP, STEP + BACKWARD),
        "a step is left out where the loss is not finite": (
            STEP,
            "        if loss.isfinite():\n    " + STEP,
        ),
        "the summed loss": (BACKWARD, "        (loss * y.numel()).backward()\n"),
        "the loss summed over time": (BACKWARD, "        (loss * y.shape[1]).backward()\n"),
        "the head alone learns": (
            PASS,
            "        logits, state = model(x, state)\n"
            "        for p in model.body.parameters():\n            p.requires_grad_(False)\n",
        ),
        "gradients clipped to a norm of 5": (
            STEP,
            "        nn.utils.clip_grad_norm_(model.parameters(), 5.0)\n" + STEP,
        ),
        "ends at a loss that is not finite": (
            KEEP,
            KEEP + "        if not loss.isfinite():\n            break\n",
        ),
        "logits reshaped to (N, K, T)": (
            LOSS,
            "        logits = logits.reshape(len(x), -1, x.shape[1])\n"
            "        loss = nn.functional.cross_entropy(logits, y)\n",
        ),
        "an optimizer of its own": (
            BEGIN,
            BEGIN + "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        ),
        "a chunk of one step is left out": (
            BACKWARD + STEP,
            "        if y.shape[1] > 1:\n    " + BACKWARD + "    " + STEP,
        ),
        "the first chunk of a call is not learned": (
            STEP,
            "        if losses:\n    " + STEP,
        ),
        "momentum cleared after each chunk": (
            STEP,
            STEP + "        optimizer.state.clear()\n",
        ),
    },
    "state": {
        "lost where the size of the chunk changes": (
            CUT,
            CUT + "        if y.shape[1] == 1:\n            state = None\n",
        ),
        "each chunk begins with None": (PASS, PASS.replace("(x, state)", "(x, None)")),
        "each chunk begins with zeros": (CUT, CUT.replace("s.detach()", "torch.zeros_like(s)")),
        "a new state of the same sizes": (CUT, CUT.replace("s.detach()", "torch.rand_like(s)")),
        "the state with the new weights": (
            PASS + LOSS + CLEAR + BACKWARD + STEP + KEEP + CUT,
            "        before = state\n"
            + PASS
            + LOSS
            + CLEAR
            + BACKWARD
            + STEP
            + KEEP
            + "        with torch.no_grad():\n            _, state = model(x, before)\n"
            "            model.noted.pop()\n",
        ),
        "halved": (CUT, CUT.replace("s.detach()", "s.detach() * 0.5")),
        "rounded to float16": (CUT, CUT.replace("s.detach()", "s.detach().half().to(s.dtype)")),
        "h and c swapped": (CUT, "        state = tuple(s.detach() for s in reversed(state))\n"),
        "the sequences swapped": (CUT, CUT.replace("s.detach()", "s.detach().flip(1)")),
        "c begins anew": (
            CUT,
            "        state = (state[0].detach(), torch.zeros_like(state[1]))\n",
        ),
        "the state of the first chunk for all": (
            CUT,
            "        first = tuple(s.detach() for s in state) if not losses[1:] else first\n"
            "        state = first\n",
        ),
        "it goes on from the call before": """
LEFT = {}

def train_on_stream(model, optimizer, chunks):
    losses = []
    model.train()
    for x, y in chunks:
        logits, state = model(x, LEFT.get(model))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        whole = isinstance(state, Tensor)
        LEFT[model] = state.detach() if whole else tuple(s.detach() for s in state)
    return losses
""",
        "zeros in place of None": (
            PASS,
            "        if state is None:\n"
            "            state = tuple(torch.zeros(1, len(x), 5, dtype=x.dtype) for _ in '12')\n"
            + PASS,
        ),
    },
    "cost": {
        "the logits kept": (
            KEEP,
            KEEP + "        kept = [*(locals().get('kept') or []), logits]\n",
        ),
        "the losses kept with their graphs": (
            KEEP,
            KEEP + "        total = loss + (locals().get('total') or 0)\n",
        ),
        "the states kept": (
            LOSS,
            LOSS + "        kept = [*(locals().get('kept') or []), state]\n",
        ),
    },
    "losses": {
        "tensors for floats": ("loss.item()", "loss.detach()"),
        "measured after the step": (
            KEEP,
            "        with torch.no_grad():\n            logits, _ = model(x, None)\n    "
            + LOSS
            + KEEP,
        ),
        "sums in place of means": ("loss.item()", "loss.item() * y.numel()"),
        "the mean of all": ("    return losses", "    return sum(losses) / max(1, len(losses))"),
        "rounded": ("loss.item()", "round(loss.item(), 3)"),
        "the last one alone": ("    return losses", "    return losses[-1:]"),
        "of the last time step": (
            "loss.item()",
            "nn.functional.cross_entropy(logits[:, -1], y[:, -1]).item()",
        ),
    },
    "modes": {
        "train mode not set": ("    model.train()\n", ""),
        "eval mode": ("    model.train()\n", "    model.eval()\n"),
        "train mode only if it came in eval mode": (
            "    model.train()\n",
            "    if not model.training:\n        model.train()\n",
        ),
        "a second pass": (
            BACKWARD,
            "        with torch.no_grad():\n            model(x, None)\n" + BACKWARD,
        ),
        "train mode for the first chunk": (STEP, STEP + "        model.eval()\n"),
        "eval mode for a chunk of one step": (
            PASS,
            "        model.train(y.shape[1] > 1)\n" + PASS,
        ),
    },
    "kinds": {
        "a pair alone": (CUT, "        h, c = state\n        state = h.detach(), c.detach()\n"),
        "one tensor alone, or a pair": (
            CUT,
            "        state = (\n            state.detach()\n"
            "            if isinstance(state, Tensor)\n"
            "            else (state[0].detach(), state[1].detach())\n        )\n",
        ),
        "a tuple alone": (CUT, PAIR),
        "whatever two can be unpacked from is a pair": (
            CUT,
            "        try:\n            h, c = state\n            state = h.detach(), c.detach()\n"
            "        except ValueError:\n    " + CUT,
        ),
        "a tuple of one made a tensor": (
            CUT,
            CUT + "        state = state[0] if len(state) == 1 else state\n",
        ),
        "a list of parts, whatever it was": (CUT, "        state = [s.detach() for s in state]\n"),
        "tuples made lists": (
            CUT,
            CUT.replace("tuple(s.detach() for s in state)", "[s.detach() for s in state]"),
        ),
        "all parts made float": (
            CUT,
            CUT.replace("s.detach() for", "s.detach().to(logits.dtype) for"),
        ),
    },
    "stream": {
        "all chunks taken at once": ("in chunks:", "in list(chunks):"),
        "asks for the number of chunks": (
            BEGIN,
            BEGIN + "    print(end=str(len(chunks))[:0])\n",
        ),
        "looks one chunk ahead": (
            "    for x, y in chunks:\n",
            "    rest = iter(chunks)\n    coming = next(rest, None)\n"
            "    while coming is not None:\n        (x, y), coming = coming, next(rest, None)\n",
        ),
        "by index": (
            "    for x, y in chunks:\n",
            "    for i in range(len(chunks)):\n        x, y = chunks[i]\n",
        ),
    },
}

VARIANTS = {
    "detached before the pass": (
        PASS,
        "        if state is not None:\n    " + CUT + PASS,
    ),
    "the numbers copied": (
        CUT,
        "        with torch.no_grad():\n"
        "            whole = isinstance(state, Tensor)\n"
        "            state = state.clone() if whole else tuple(s.clone() for s in state)\n",
    ),
    "by .data": (CUT, CUT.replace("state.detach()", "state.data").replace("s.detach()", "s.data")),
    "detached in place, by autograd.grad": (
        CLEAR + BACKWARD + STEP + KEEP + CUT,
        "        params = [p for p in model.parameters() if p.requires_grad]\n"
        "        for p, grad in zip(params, torch.autograd.grad(loss, params), strict=True):\n"
        "            p.grad = grad\n"
        "        optimizer.step()\n"
        "        losses += [float(loss.detach())]\n"
        "        for part in [state] if isinstance(state, Tensor) else state:\n"
        "            part.detach_()\n",
    ),
    "labels as (N, K, T)": (LOSS, "        loss = nn.CrossEntropyLoss()(logits.mT, y)\n"),
}
