"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

LOOP = "for t in reversed(range(len(rewards))):"
NEXT = "total = rewards[t] + gamma * total"
BODY = """    returns, total = torch.empty_like(rewards), rewards.new_zeros(())
    for t in reversed(range(len(rewards))):
        total = rewards[t] + gamma * total
        returns[t] = total
    return returns
"""
LOSS = "return -(logps * (returns - b).detach()).sum()"
IF = "if returns.shape != logps.shape or b.shape not in ((), logps.shape):"
LOGP = "logp = policy(state).log_softmax(dim=-1)  # (A,)"
DRAW = "action = int(torch.multinomial(logp.detach().exp(), 1, generator=generator))"
STEP = "state, reward, done = env.step(action)"
G = "discounted_returns(taken.new_tensor(rewards), gamma)"
TRAIN_LOSS = f"loss = reinforce_loss(taken, {G})"
ZERO, BACK, OPT = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
UPDATE = f"        {ZERO}\n        {BACK}\n        {OPT}\n"
START = "state, done = env.reset(), False"
TOTAL = "totals.append(float(sum(rewards)))"
TOTALS = "    totals = []\n"

SLIPS = {
    "returns": {
        "weighted average with 1 - gamma": (
            NEXT,
            "total = (1 - gamma) * rewards[t] + gamma * total",
        ),
        "returns summed forwards": (LOOP, "for t in range(len(rewards)):"),
        "gamma on the reward, too": (NEXT, "total = gamma * (rewards[t] + total)"),
        "gamma on the reward, not on what follows": (NEXT, "total = gamma * rewards[t] + total"),
        "the reward of the step itself left out": (
            f"        {NEXT}\n        returns[t] = total\n",
            f"        returns[t] = total\n        {NEXT}\n",
        ),
        "the whole episode's return at each step": (
            "    return returns\n",
            "    return returns[:1].expand(len(rewards))\n",
        ),
        "discounted from the start of the episode": (
            "    return returns\n",
            "    return returns * gamma ** torch.arange(len(rewards))\n",
        ),
        "normalized": (
            "    return returns\n",
            "    return (returns - returns.mean()) / (returns.std() + 1e-8)\n",
        ),
    },
    "loss": {
        "baseline added": (LOSS, LOSS.replace("returns - b", "returns + b")),
        "the sign": (LOSS, LOSS.replace("-(logps", "(logps")),
        "mean over steps": (LOSS, LOSS.replace("sum()", "mean()")),
        "one loss per step": (LOSS, LOSS.replace(".sum()", "")),
        "baseline the other way around": (LOSS, LOSS.replace("returns - b", "b - returns")),
        "the mean return as baseline": (
            LOSS,
            LOSS.replace("returns - b", "returns - (returns.mean() if baseline is None else b)"),
        ),
        "advantages normalized": (
            LOSS,
            "a = (returns - b).detach()\n    if len(a) > 1:\n"
            "        a = (a - a.mean()) / (a.std() + 1e-8)\n    return -(logps * a).sum()",
        ),
        "probabilities in place of their logs": (LOSS, LOSS.replace("logps *", "logps.exp() *")),
        "a number": (LOSS, LOSS + ".item()"),
        "a baseline of 0 is none, another one the mean": (
            LOSS,
            LOSS.replace("returns - b", "returns - torch.as_tensor(b * 1.0).mean()"),
        ),
        "entropy bonus": (LOSS, LOSS + " + 0.01 * (logps.exp() * logps).sum()"),
        "a baseline that is an int ignored": (
            "0.0 if baseline is None else baseline",
            "baseline if isinstance(baseline, (float, Tensor)) else 0.0",
        ),
    },
    "gradient": {
        "gradient into the baseline": (LOSS, "return -(logps * (returns.detach() - b)).sum()"),
        "gradient into the returns": (LOSS, "return -(logps * (returns - b.detach())).sum()"),
        "logps detached": (LOSS, LOSS.replace("logps *", "logps.detach() *")),
        "a loss with the value of the right one": (
            LOSS,
            "p = logps.exp()\n"
            "    return (-(logps.detach() * (returns - b).detach()).sum()\n"
            "        - ((p - p.detach()) * (returns - b).detach()).sum())",
        ),
        "all detached": (LOSS, LOSS + ".detach()"),
        "only the last step learns": (
            LOSS,
            "w = (returns - b).detach()\n"
            "    return -(logps[:-1].detach() * w[:-1]).sum() - (logps[-1:] * w[-1:]).sum()",
        ),
        "a baseline per step gets gradients": (
            LOSS,
            "return -(logps * (returns.detach() - (b if b.ndim else b.detach()))).sum()",
        ),
    },
    "actions": {
        "a temperature of 2": (DRAW, DRAW.replace("logp.detach()", "(logp.detach() / 2)")),
        "argmax": (DRAW, "action = int(logp.argmax())"),
        "uniform": (DRAW, DRAW.replace("logp.detach().exp()", "torch.ones_like(logp)")),
        "epsilon-greedy": (
            DRAW,
            "action = int(logp.argmax()) if torch.rand(()) > 0.2 else"
            " int(torch.randint(len(logp), ()))",
        ),
        "one state late": (
            f"            {LOGP}\n",
            "            late = state if not logps else last\n            last = state\n"
            "            logp = policy(late).log_softmax(dim=-1)\n",
        ),
        "100 steps at most": ("while not done:", "while not done and len(rewards) < 100:"),
        "one action for the whole episode": (
            DRAW,
            "if not logps:\n"
            "                first = int(torch.multinomial(logp.detach().exp(), 1))\n"
            "            action = first",
        ),
        "the same draw each time": (
            DRAW,
            DRAW.replace("generator=generator", "generator=torch.Generator().manual_seed(0)"),
        ),
        "a tensor as the action": (DRAW, DRAW.replace("int(", "(", 1)),
    },
    "update": {
        "no zero_grad": (f"        {ZERO}\n", ""),
        "one step for all episodes": (
            f"        {OPT}\n        totals.append(float(sum(rewards)))\n",
            "        totals.append(float(sum(rewards)))\n    optimizer.step()\n",
        ),
        "a step per action": (
            UPDATE,
            "        for i in range(len(logps)):\n"
            f"            {ZERO}\n"
            "            (loss / len(logps)).backward(retain_graph=True)\n"
            f"            {OPT}\n",
        ),
        "an optimizer of its own": (
            TOTALS,
            "    totals = []\n    optimizer = torch.optim.SGD(policy.parameters(), 0.1)\n",
        ),
        "rewards in place of returns": (G, "taken.new_tensor(rewards)"),
        "gamma of 0.99 whatever comes": (G, G.replace("gamma", "0.99")),
        "mean over steps": (TRAIN_LOSS, TRAIN_LOSS + " / len(rewards)"),
        "returns normalized": (
            TRAIN_LOSS,
            f"g = {G}\n        if len(g) > 1:\n            g = (g - g.mean()) / (g.std() + 1e-8)\n"
            "        loss = reinforce_loss(taken, g)",
        ),
        "a moving baseline": (
            TRAIN_LOSS,
            f"g = {G}\n        b = sum(totals) / max(1, len(totals))\n"
            "        loss = reinforce_loss(taken, g, b)",
        ),
        "no step without a reward": (
            f"        {OPT}\n",
            f"        if any(rewards):\n            {OPT}\n",
        ),
        "discounted totals": (TOTAL, f"totals.append(float({G}[0]))"),
        "tensors come back": (TOTAL, "totals.append(torch.tensor(float(sum(rewards))))"),
        "logits in place of log-probabilities": (
            "logps.append(logp[action])",
            "logps.append(policy(state)[action])",
        ),
        "entropy bonus": (
            TRAIN_LOSS,
            TRAIN_LOSS + "\n        loss = loss + 0.01 * (taken.exp() * taken).sum()",
        ),
        "gradients clipped to 100": (
            OPT,
            "torch.nn.utils.clip_grad_value_(policy.parameters(), 100)\n        " + OPT,
        ),
    },
    "chain": {
        "stops to learn after five episodes": (
            f"        {OPT}\n",
            f"        if len(totals) < 5:\n            {OPT}\n",
        ),
        "three episodes are enough": (
            f"        {OPT}\n",
            f"        if len(totals) < 4:\n            {OPT}\n",
        ),
    },
    "generator": {
        "generator ignored": (DRAW, DRAW.replace(", generator=generator", "")),
        "Categorical": (
            DRAW,
            "action = int(torch.distributions.Categorical(logits=logp.detach()).sample())",
        ),
        "the global generator is seeded from it": (
            DRAW,
            "if generator is not None:\n"
            "                torch.manual_seed(int(torch.randint(99, (), generator=generator)))\n"
            "            action = int(torch.multinomial(logp.detach().exp(), 1))",
        ),
        "its seed, not its state": (
            TOTALS,
            "    totals = []\n    if generator is not None:\n"
            "        generator = torch.Generator().manual_seed(generator.initial_seed())\n",
        ),
        "given for the first step of an episode only": (
            DRAW,
            DRAW.replace("=generator)", "=None if logps else generator)"),
        ),
        "None is seed 0": (
            TOTALS,
            "    totals = []\n    generator = generator or torch.Generator().manual_seed(0)\n",
        ),
    },
    "limits": {
        "a horizon of 100 steps": (
            "    return returns\n",
            "    more = torch.cat([returns[100:], returns.new_zeros(100)])[: len(returns)]\n"
            "    return returns - gamma**100 * more\n",
        ),
        "gamma 0 taken for none": (
            LOOP,
            "gamma = gamma or 0.99\n    for t in reversed(range(len(rewards))):",
        ),
        "returns by a division by gamma^t": (
            BODY,
            "    powers = gamma ** torch.arange(len(rewards))\n"
            "    weighed = (rewards * powers).flip(0).cumsum(0).flip(0)\n"
            "    return weighed / powers\n",
        ),
        "returns in float32": ("    return returns\n", "    return returns.float().to(rewards)\n"),
        "rewards changed in place": ("torch.empty_like(rewards)", "rewards"),
        "rewards in float32": (G, "discounted_returns(torch.tensor(rewards), gamma)"),
        "log of softmax": (LOGP, "logp = policy(state).softmax(dim=-1).log()"),
        "no errors for shapes": (IF, "if False:"),
        "baseline of any shape": (IF, "if returns.shape != logps.shape:"),
        "only the number of elements is compared": (
            IF,
            "if returns.numel() != logps.numel() or b.numel() not in (1, logps.numel()):",
        ),
        "RuntimeError": ("raise ValueError(", "raise RuntimeError("),
        "the baseline subtracted in place": (
            LOSS,
            "returns.data.sub_(b.data)\n    return -(logps * returns.detach()).sum()",
        ),
        "logits clamped": (LOGP, "logp = policy(state).clamp(-20, 20).log_softmax(dim=-1)"),
        "sums of rewards in float32": (TOTAL, "totals.append(torch.tensor(rewards).sum().item())"),
    },
}

VARIANTS = {
    "returns by powers, Gumbel's maximum, the log-probabilities in one go": """
def discounted_returns(rewards, gamma):
    n = torch.arange(len(rewards))
    ahead = (n - n[:, None]).clamp(min=0)
    return (float(gamma) ** ahead.to(rewards)).triu() @ rewards

def reinforce_loss(logps, returns, baseline=None):
    b = torch.as_tensor(0 if baseline is None else baseline).detach()
    if returns.size() != logps.size() or (b.ndim and b.size() != logps.size()):
        raise ValueError("shape")
    return torch.dot((b - returns.detach()).to(logps.dtype), logps)

def train(env, policy, optimizer, episodes, gamma, generator=None):
    def play():
        states, actions, rewards = [env.reset()], [], []
        while True:
            with torch.no_grad():
                logits = policy(states[-1])
                noise = -torch.empty_like(logits).exponential_(generator=generator).log()
                actions.append((logits + noise).argmax().item())
            state, reward, done = env.step(actions[-1])
            rewards.append(reward)
            if done:
                return torch.stack(states), torch.tensor(actions), rewards
            states.append(state)

    history = []
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for _ in range(episodes):
        states, actions, rewards = play()
        logps = -nn.functional.cross_entropy(policy(states), actions, reduction="none")
        returns = discounted_returns(torch.tensor(rewards, dtype=logps.dtype), gamma)
        loss = reinforce_loss(logps, returns)
        for p, grad in zip(params, torch.autograd.grad(loss, params)):
            p.grad = grad
        optimizer.step()
        history.append(float(sum(rewards)))
    return history
""",
    "returns in a list, a loss per step, zero_grad once before and after each step": """
def discounted_returns(rewards, gamma):
    found, total = [], 0.0
    for r in rewards.flip(0):
        total = r + gamma * total
        found.insert(0, total)
    return torch.stack(found)

def reinforce_loss(logps, returns, baseline=None):
    if returns.shape != logps.shape:
        raise ValueError("returns")
    b = baseline.detach() if isinstance(baseline, Tensor) else baseline or 0.0
    if isinstance(b, Tensor) and b.dim() and b.shape != logps.shape:
        raise ValueError("baseline")
    weights = (returns.detach() - b).tolist()
    return sum(-p * w for p, w in zip(logps, weights, strict=True))

def train(env, policy, optimizer, episodes, gamma, generator=None):
    sums = []
    optimizer.zero_grad(set_to_none=False)
    while len(sums) < episodes:
        state, logps, rewards, done = env.reset(), [], [], False
        while not done:
            p = policy(state[None]).softmax(-1)[0]
            action = torch.multinomial(p, 1, generator=generator).item()
            logps.append(-nn.functional.cross_entropy(policy(state), torch.tensor(action)))
            state, reward, done = env.step(action)
            rewards.append(reward)
        logps = torch.stack(logps)
        gains = discounted_returns(torch.tensor(rewards, dtype=logps.dtype), gamma)
        reinforce_loss(logps, gains).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        sums.append(sum(rewards))
    return sums
""",
}
