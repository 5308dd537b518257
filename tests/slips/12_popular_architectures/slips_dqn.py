"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

BEST = (
    "best = (next_q if next_q_online is None else next_q_online).argmax(dim=1, keepdim=True)\n"
    "    future = next_q.gather(1, best).squeeze(1)  # (B,)"
)
WANT = "return rewards + gamma * future.masked_fill(dones, 0.0)"
PUT = "self.held[self.at : self.at + 1] = [new]"
MOVE = "self.at = (self.at + 1) % self.capacity"
NEW = "new = (state.clone(), action.long(), reward.to(state), next_state.clone(), done.bool())"
CHOSEN = "chosen = torch.randperm(len(self), generator=self.generator)[:batch_size].tolist()"
STACK = "return list(map(torch.stack, zip(*(self.held[i] for i in chosen), strict=True)))"
FEW = "if batch_size > len(self):"
NO_GRAD = "    with torch.no_grad():\n        wanted ="
WANTED = "dqn_targets(rewards, target(next_states), dones, gamma, online(next_states))"
Q = "q = online(states).gather(1, actions[:, None]).squeeze(1)  # (B,)"
LOSS = "loss = smooth_l1_loss(q, wanted)"
ZERO, BACK = "    optimizer.zero_grad()\n", "    loss.backward()\n"
OPT = "    optimizer.step()\n"
GREEDY = "action = int(q.argmax())"
CHANCE = "if torch.rand((), generator=generator) < epsilon:"
ANY = "action = int(torch.randint(len(q), (), generator=generator))"
PUSH = "buffer.push(now, action, reward, after, done)"
IF = "if len(buffer) >= batch_size:"
LEARN = "dqn_step(*nets, optimizer, buffer.sample(batch_size), gamma)"
EVERY = "if i % copy_every == 0:"
COPY = "target.load_state_dict(online.state_dict())"
NEXT = "now = env.reset() if done else after"
START = "    nets, now = (online, target), env.reset()\n    for"
FIRST = "states, actions, rewards, next_states, dones = batch"

SLIPS = {
    "buffer": {
        "oldest not overwritten": (
            PUT,
            "if len(self) < self.capacity:\n            self.held.append(new)",
        ),
        "grows without end": (PUT, "self.held.append(new)"),
        "one place short": (MOVE, "self.at = (self.at + 1) % max(1, self.capacity - 1)"),
        "at least two places": (MOVE, MOVE.replace("self.capacity", "max(2, self.capacity)")),
        "drawn with replacement": (
            CHOSEN,
            "chosen = torch.randint(len(self), (batch_size,), generator=self.generator).tolist()",
        ),
        "the newest ones": (CHOSEN, "chosen = list(range(len(self)))[-batch_size:]"),
        "neighbors in a row": (
            CHOSEN,
            "first = int(torch.randint(len(self) - batch_size + 1, ()))\n"
            "        chosen = list(range(first, first + batch_size))",
        ),
        "sampling with a fixed seed": (
            CHOSEN,
            CHOSEN.replace("self.generator", "torch.Generator().manual_seed(0)"),
        ),
        "taken out when sampled": (
            STACK,
            "out = list(map(torch.stack, zip(*(self.held[i] for i in chosen), strict=True)))\n"
            "        self.held = [t for i, t in enumerate(self.held) if i not in chosen]\n"
            "        return out",
        ),
        "each part shuffled by itself": (
            STACK,
            "return tuple(torch.stack(part)[torch.randperm(batch_size)] for part in"
            " zip(*(self.held[i] for i in chosen), strict=True))",
        ),
        "a list of transitions": (STACK, "return [self.held[i] for i in chosen]"),
        "state and next state swapped": (
            NEW,
            NEW.replace("(state", "(next_state").replace(", next_state", ", state"),
        ),
        "actions as floats": ("action.long()", "action.float()"),
        "rewards clipped to 1": ("reward.to(state)", "reward.to(state).clamp(-1, 1)"),
        "those with a reward come twice as often": (
            CHOSEN,
            "w = torch.tensor([1 + 2 * float(t[2] > 5) for t in self.held])\n"
            "        chosen = torch.multinomial(w, batch_size, generator=self.generator).tolist()",
        ),
    },
    "targets": {
        "next_q_online ignored": (BEST, "future = next_q.max(dim=1).values"),
        "done ignored": (WANT, "return rewards + gamma * future"),
        "done the other way around": (WANT, WANT.replace("dones", "~dones")),
        "the reward is cut at the end, too": (
            WANT,
            "return (rewards + gamma * future).masked_fill(dones, 0.0)",
        ),
        "max over the batch axis": (
            BEST,
            "future = next_q.max(dim=0).values[: len(rewards)] if next_q_online is None else"
            " next_q.gather(1, next_q_online.argmax(dim=1, keepdim=True)).squeeze(1)",
        ),
        "online rates its own choice": (
            BEST,
            "future = (next_q if next_q_online is None else next_q_online).max(dim=1).values",
        ),
        "next_q chooses, online rates": (
            BEST,
            "other = next_q if next_q_online is None else next_q_online\n"
            "    future = other.gather(1, next_q.argmax(dim=1, keepdim=True)).squeeze(1)",
        ),
        "the reward is discounted, too": (
            WANT,
            "return gamma * (rewards + future.masked_fill(dones, 0.0))",
        ),
        "a column": (WANT, WANT.replace("return rewards +", "return rewards[:, None] +")),
    },
    "step": {
        "half of the squared error": (LOSS, "loss = ((q - wanted) ** 2).mean() / 2"),
        "gradient through the targets": (NO_GRAD, "    if True:\n        wanted ="),
        "delta of 0.5": (LOSS, "loss = torch.nn.functional.huber_loss(q, wanted, delta=0.5)"),
        "the best action's Q in place of the one done": (
            Q,
            "q = online(states).max(dim=1).values",
        ),
        "plain DQN": (WANTED, "dqn_targets(rewards, target(next_states), dones, gamma)"),
        "the two networks swapped in the targets": (
            WANTED,
            "dqn_targets(rewards, online(next_states), dones, gamma, target(next_states))",
        ),
        "gamma of 0.99 whatever comes": (WANTED, WANTED.replace("gamma", "0.99")),
        "no zero_grad": (ZERO, ""),
        "no step": (OPT, ""),
        "a tensor comes back": ("return loss.item()", "return loss.detach()"),
        "the loss after the step": (
            "return loss.item()",
            f"{Q}\n    {LOSS}\n    return loss.item()",
        ),
        "target moves along": (
            OPT,
            OPT + "    with torch.no_grad():\n"
            "        for p, o in zip(target.parameters(), online.parameters(), strict=True):\n"
            "            p.lerp_(o, 0.01)\n",
        ),
        "(B, 1) against (B,)": (Q, Q.replace(".squeeze(1)", "")),
        "rewards clipped in the batch itself": (FIRST, FIRST + "\n    rewards.clamp_(-1, 1)"),
        "gradients clipped to 100": (
            OPT,
            "    torch.nn.utils.clip_grad_value_(online.parameters(), 100)\n" + OPT,
        ),
    },
    "loop": {
        "target always copied": (EVERY, "if True:"),
        "copied before the step is learned": (
            f"        {IF}\n            {LEARN}\n        {EVERY}\n            {COPY}\n",
            f"        {EVERY}\n            {COPY}\n        {IF}\n            {LEARN}\n",
        ),
        "a soft update": (
            COPY,
            "for p, o in zip(target.parameters(), online.parameters(), strict=True):\n"
            "                p.data.lerp_(o.data, 0.5)",
        ),
        "weights shared from the first copy on": (
            COPY,
            "for p, o in zip(target.parameters(), online.parameters(), strict=True):\n"
            "                p.data = o.data",
        ),
        "a copy under the name of target alone": (
            COPY,
            "import copy\n            target = copy.deepcopy(online)\n"
            "            nets = (online, target)",
        ),
        "copies only once it learns": (
            EVERY,
            EVERY.replace(":", " and len(buffer) >= batch_size:"),
        ),
        "copies counted by what is held": (EVERY, "if len(buffer) % copy_every == 0:"),
        "no copy after the last step": (EVERY, EVERY.replace(":", " and i < steps:")),
        "steps counted in place of what is held": (IF, "if i >= batch_size:"),
        "learns one step late": (IF, "if len(buffer) > batch_size:"),
        "samples of another size": (LEARN, LEARN.replace("(batch_size)", "(len(buffer))")),
        "gamma of 0.99 whatever comes": (LEARN, LEARN.replace("gamma", "0.99")),
        "next_state is the one after reset": (
            PUSH,
            "if done:\n            after = env.reset()\n        " + PUSH,
        ),
        "no reset": (NEXT, "now = after"),
        "done is never pushed": (PUSH, PUSH.replace("done)", "False)")),
        "pushed after the step is learned": (
            f"        {PUSH}\n        {IF}\n            {LEARN}\n",
            f"        {IF}\n            {LEARN}\n        {PUSH}\n",
        ),
        "steps are episodes": (
            f"{NEXT}\n",
            f"{NEXT}\n        if done and i >= 8:\n            break\n",
        ),
        "one step more": ("range(1, steps + 1)", "range(1, steps + 2)"),
        "target set to online at the start": (
            START,
            START.replace("    for", "    target.load_state_dict(online.state_dict())\n    for"),
        ),
    },
    "explore": {
        "always at random": (CHANCE, "if True:"),
        "epsilon the other way around": (CHANCE, CHANCE.replace("<", ">")),
        "softmax of Q": (GREEDY, "action = int(torch.multinomial(q.softmax(0), 1))"),
        "the last action is never tried": (ANY, ANY.replace("len(q)", "len(q) - 1")),
        "epsilon falls to 0": (CHANCE, CHANCE.replace("epsilon", "epsilon * (1 - i / steps)")),
        "drawn once for all steps": (
            CHANCE,
            "if i == 1:\n"
            "            explores = torch.rand((), generator=generator) < epsilon\n"
            "        if explores:",
        ),
        "random among the others": (
            ANY,
            "more = torch.randint(1, len(q), (), generator=generator)\n"
            "            action = int(action + more) % len(q)",
        ),
        "target plays": ("            q = online(now)", "            q = target(now)"),
        "random until the buffer serves": (
            CHANCE,
            "if len(buffer) < batch_size or torch.rand((), generator=generator) < epsilon:",
        ),
        "as many actions as one layer has outputs": (
            ANY,
            ANY.replace("len(q)", "online.out_features"),
        ),
        "the largest absolute value": (GREEDY, "action = int(q.abs().argmax())"),
    },
    "chain": {
        "stops to learn after 15 steps": (IF, "if len(buffer) >= batch_size and i <= 15:"),
        "target copied in the first 15 steps only": (
            EVERY,
            "if i % copy_every == 0 and i <= 15:",
        ),
    },
    "generator": {
        "the buffer's generator ignored": (
            CHOSEN,
            CHOSEN.replace(", generator=self.generator", ""),
        ),
        "random.sample": (
            CHOSEN,
            "import random\n        chosen = random.sample(range(len(self)), batch_size)",
        ),
        "the generator's seed, not its state": (
            "self.capacity, self.generator = capacity, generator",
            "self.capacity = capacity\n"
            "        self.generator = generator and torch.Generator().manual_seed("
            "generator.initial_seed())",
        ),
        "the action is drawn by the global one": (ANY, ANY.replace(", generator=generator", "")),
        "Python's random": (CHANCE, "import random\n        if random.random() < epsilon:"),
        "None is seed 0": (
            START,
            "    generator = generator or torch.Generator().manual_seed(0)\n" + START,
        ),
    },
    "limits": {
        "states not copied": ("state.clone(), action", "state, action"),
        "next states not copied": ("next_state.clone()", "next_state"),
        "rewards always float32": ("reward.to(state)", "reward.float()"),
        "multiplied by 1 - done": (
            WANT,
            "return rewards + gamma * future * (1 - dones.to(future))",
        ),
        "targets in float32": (WANT, WANT + ".float().to(rewards)"),
        "the loss in float32": (LOSS, "loss = smooth_l1_loss(q.float(), wanted.float())"),
        "a small sample where few are held": (FEW, "if False:"),
        "an empty buffer alone is refused": (FEW, "if not len(self):"),
        "RuntimeError": ("raise ValueError(", "raise RuntimeError("),
        "more than the capacity is refused": (FEW, "if batch_size > self.capacity:"),
        "next_q zeroed in place": (WANT, f"next_q[dones] = 0.0\n    {WANT}"),
        "next states of ended episodes zeroed in place": (
            "states, actions, rewards, next_states, dones = batch\n",
            "states, actions, rewards, next_states, dones = batch\n    next_states[dones] = 0\n",
        ),
    },
}

VARIANTS = {
    "a deque, where, huber_loss": """
from collections import deque

class ReplayBuffer:
    def __init__(self, capacity, generator=None):
        self.memory, self.generator = deque(maxlen=capacity), generator

    def push(self, state, action, reward, next_state, done):
        self.memory.append((state.clone(), action, reward, next_state.clone(), done))

    def __len__(self):
        return len(self.memory)

    def sample(self, batch_size):
        if batch_size > len(self.memory):
            raise ValueError(f"{batch_size} of {len(self.memory)}")
        picks = torch.randperm(len(self.memory), generator=self.generator)[:batch_size]
        s, a, r, n, d = zip(*[self.memory[i] for i in picks])
        s, n = torch.stack(s), torch.stack(n)
        return s, torch.tensor(a), torch.tensor(r, dtype=s.dtype), n, torch.tensor(d)

def dqn_targets(rewards, next_q, dones, gamma, next_q_online=None):
    if next_q_online is None:
        best = next_q.amax(1)
    else:
        best = next_q[torch.arange(len(next_q)), next_q_online.max(1).indices]
    return torch.where(dones, rewards, rewards + gamma * best)

def dqn_step(online, target, optimizer, batch, gamma):
    s, a, r, n, d = batch
    q = online(s).gather(1, a.unsqueeze(1)).squeeze(1)
    goal = dqn_targets(r, target(n), d, gamma, online(n)).detach()
    loss = nn.functional.huber_loss(q, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
""",
    "tensors written in place, Huber by hand, one draw per action": """
class ReplayBuffer:
    def __init__(self, capacity, generator=None):
        self.capacity, self.generator, self.count, self.parts = capacity, generator, 0, None

    def push(self, *transition):
        new = [torch.as_tensor(part) for part in transition]
        new[2] = new[2].to(new[0])
        if self.parts is None:
            self.parts = [p.new_zeros((self.capacity, *p.shape)) for p in new]
        for part, p in zip(self.parts, new):
            part[self.count % self.capacity] = p
        self.count += 1

    def __len__(self):
        return min(self.count, self.capacity)

    def sample(self, batch_size):
        if batch_size > len(self):
            raise ValueError("too many")
        weights = torch.ones(len(self))
        i = torch.multinomial(weights, batch_size, generator=self.generator)
        return tuple(part[i] for part in self.parts)

def dqn_targets(rewards, next_q, dones, gamma, next_q_online=None):
    chooser = next_q if next_q_online is None else next_q_online
    best = torch.take_along_dim(next_q, chooser.max(1, keepdim=True).indices, 1).view(-1)
    return rewards + gamma * best.masked_fill(dones, 0)

def dqn_step(online, target, optimizer, batch, gamma):
    states, actions, rewards, nexts, dones = batch
    with torch.no_grad():
        y = dqn_targets(rewards, target(nexts), dones, gamma, next_q_online=online(nexts))
    optimizer.zero_grad(set_to_none=False)
    e = (online(states)[torch.arange(len(actions)), actions] - y).abs()
    loss = torch.where(e < 1, e * e / 2, e - 0.5).mean()
    loss.backward()
    optimizer.step()
    return float(loss.detach())

def train(env, online, target, optimizer, buffer, steps, gamma, batch_size, copy_every, epsilon,
          generator=None):
    @torch.no_grad()
    def act(state):
        q = online(state.unsqueeze(0))[0]
        p = torch.full_like(q, epsilon / q.numel())
        p[q.argmax()] += 1 - epsilon
        return torch.multinomial(p, 1, generator=generator).item()

    state, done = None, True
    for t in range(steps):
        if done:
            state = env.reset()
        action = act(state)
        after, reward, done = env.step(action)
        buffer.push(state, action, reward, after, done)
        if len(buffer) >= batch_size:
            dqn_step(online, target, optimizer, buffer.sample(batch_size), gamma)
        if (t + 1) % copy_every == 0:
            with torch.no_grad():
                for old, new in zip(target.parameters(), online.parameters()):
                    old.copy_(new)
        state = after
""",
}
