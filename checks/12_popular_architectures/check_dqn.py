"""What challenge_dqn.py requires: literals, and a twin that learns alongside."""

import copy
import itertools

import torch
from torch import nn
from torch.nn.functional import huber_loss, one_hot

from checks.functions import number_is
from checks.games import Chain, Notes, Script, episode
from checks.tools import attempt, close, draws_from, equal, refuses, result_of, share_is, unchanged
from checks.training import sgd, states_are, watching


def buffer(ReplayBuffer):
    for size, pushed in ((5, 3), (1, 3), (5, 5), (5, 12)):
        made, held = filled(ReplayBuffer, size, pushed), range(max(pushed - size, 0), pushed)
        what = f"{pushed} transitions in a buffer of {size}"
        equal(f"{what}: len", len(made), len(held))
        what = f"{what}, sample({len(held)})"
        batch = attempt(what, made.sample, len(held))
        equal(f"{what}: parts", len(batch), 5)
        equal(f"{what}: actions", sorted(batch[1].tolist()), list(held))
        equal(f"{what}: dtypes", [part.dtype for part in batch], [F, torch.int64, F, F, torch.bool])
        for name, part, want in zip(PARTS, batch, transition(batch[1].float()), strict=True):
            close(part, want.to(part.dtype), f"{what}: each {name} that belongs to its action")
    what = "150 samples of 2 of 5"
    pairs = torch.stack([attempt(what, made.sample, 2)[1] for _ in range(150)]).sort(dim=1).values
    for i in held:
        share_is((pairs == i).any(dim=1), 0.4, f"{what}: share of those with {i}")
    equal(f"{what}: different pairs", len(pairs.unique(dim=0)), 10)


def targets(dqn_targets):
    q = torch.tensor([[4.0, 2.0, -1.0], [6.0, 8.0, 0.0], [-2.0, -3.0, -5.0]])
    online = torch.tensor([[0.0, 1.0, 0.5], [9.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    r, none, some = torch.tensor([1.0, 0.0, -1.0]), [False] * 3, [False, True, True]
    for dones, gamma, given, want in (
        (none, 0.5, (), [3.0, 4.0, -2.0]),
        (none, 1, (None,), [5.0, 8.0, -3.0]),
        (some, 0.5, (), [3.0, 0.0, -1.0]),
        (none, 0.5, (online,), [2.0, 3.0, -3.5]),
        (some, 0.5, (online,), [2.0, 0.0, -1.0]),
    ):
        double = ", next_q_online [[0, 1, 0.5], [9, 1, 1], [1, 2, 3]]" if given == (online,) else ""
        what = f"rewards {r.tolist()}, next_q {q.tolist()}, dones {dones}, gamma {gamma}{double}"
        got = result_of(what, dqn_targets, r + 0, q + 0, torch.tensor(dones), gamma, *given)
        close(got, torch.tensor(want), what)
    got = result_of("dqn_targets, B 1, A 4", dqn_targets, r[:1], torch.ones(1, 4), r[:1] > 2, 0.5)
    close(got, torch.tensor([1.5]), "dqn_targets, B 1, A 4, next_q 1, reward 1, gamma 0.5")


def step(dqn_step, dqn_targets):
    for kind, options in (("SGD", {"momentum": 0.9, "scale": 1e4}), ("Adam", {})):
        steps_like_twin(f"torch.optim.{kind}", dqn_step, dqn_targets, 1e-5, kind, **options)


def loop(train, dqn_step):
    """Script goes on in the same way whatever is done, so that a twin can learn alongside."""
    script, nets = [episode(length, 4) for length in (3, 1, 5)], (nn.Linear(4, 3), nn.Linear(4, 3))
    for size, every, steps, before in ((6, 3, 6, 1), (3, 4, 14, 0)):
        states, held, twins = [], Notes(), copy.deepcopy(nets)
        for _ in range(before):
            held.push(torch.ones(4), 0, 1.0, torch.zeros(4), False)
        game = Script(*script, watch=lambda to=states: to.append(now_of(nets)))
        what = f"batch_size {size}, copy_every {every}, {steps} steps, {before} held before"
        with watching(nets[0], optimizer := sgd(nets[0])) as seen:
            attempt(what, train, game, *nets, optimizer, held, steps, 0.7, size, every, 0.5)
        states.append(now_of(nets))
        equal(f"{what}: steps of the environment", len(game.made), steps)
        equal(f"{what}: transitions pushed", len(held), steps + before)
        for i, pair in enumerate(zip(held.pushed[before:], game.made, strict=True), 1):
            for name, *parts in zip(PARTS, *pair, strict=True):
                told = f"{what}: transition {i} (episodes of 3, 1, 5, 3 steps), {name}"
                close(*(torch.as_tensor(part).double() for part in parts), told)
        equal(f"{what}: sizes of samples", held.sizes, [size] * (late := steps + before - size + 1))
        right = [step.is_given for step in seen.steps]
        equal(f"{what}: steps, each of the optimizer given:", right, [True] * late)
        its = sgd(twins[0])
        for i in range(1, steps + 1):
            if i + before >= size:
                dqn_step(*twins, its, held.newest(i + before, size), 0.7)
            if i % every == 0:
                twins[1].load_state_dict(twins[0].state_dict())
            for name, now, twin in zip(("online", "target"), states[i], twins, strict=True):
                states_are(now, twin.state_dict(), f"{what}: {name} after step {i}", 1e-5)


def explore(train):
    nets = [nn.Sequential(nn.Linear(3, 3, bias=False)) for _ in range(2)]
    nn.init.eye_(nets[0][0].weight).data.sub_(2.0)
    nn.init.eye_(nets[1][0].weight).data.neg_()
    for epsilon, n in ((0.0, 30), (0.5, 80), (1.0, 120)):
        game = Script((one_hot(cues := torch.randint(3, (n + 1,)), 3).float(), [0.0] * n))
        what = f"epsilon {epsilon:g}, {n} states with Q -1, -2, -2 in some order"
        attempt(what, train, game, *nets, sgd(nets[0]), Nothing(), n, 0.9, 300, 10, epsilon)
        best = (taken := torch.tensor(game.actions[0])) == cues[:n]
        if epsilon == 0:
            equal(f"{what}: times that the best was done", best.sum().item(), n)
        else:
            share_is(best, 1 - epsilon * 2 / 3, f"{what}: share of the best")
        for action in range(3) if epsilon == 1 else ():
            share_is(taken == action, 1 / 3, f"{what}: share of action {action}")


def chain(ReplayBuffer, train):
    nets, states = [nn.Linear(5, 2, bias=False) for _ in range(2)], torch.eye(5)
    for net in nets:
        nn.init.zeros_(net.weight)
    held, what = ReplayBuffer(200), "Chain, its 8 moves held 4 times each, then 40 random steps"
    for s, right in [*itertools.product(range(4), range(2))] * 4:
        after = max(s + 2 * right - 1, 0)
        held.push(states[s], right, float(after == 4), states[after], after == 4)
    attempt(what, train, Chain(), *nets, sgd(nets[0], 6.0), held, 40, 0.5, 32, 5, 1.0)
    q = torch.tensor([[1 / 16, 1 / 8], [1 / 16, 1 / 4], [1 / 8, 1 / 2], [1 / 4, 1.0]])
    got = nets[0](states[:4]).detach()
    close(got, q, f"{what}, gamma 0.5, SGD with lr 6: Q of states 0 to 3", 0.02)


def generator(ReplayBuffer, train):
    def sample(generator):
        held = filled(ReplayBuffer, 12, 12, generator)
        return torch.cat([held.sample(6)[1] for _ in range(2)])

    def act(generator):
        game = Script(script)
        train(game, *nets, sgd(nets[0]), Nothing(), 8, 0.9, 99, 5, 0.7, generator)
        return torch.tensor(game.actions[0])

    nets, script = (nn.Linear(2, 20), nn.Linear(2, 20)), episode(8, 2)
    draws_from("ReplayBuffer, 2 samples of 6", sample)
    draws_from("train, the actions", act)


def limits(ReplayBuffer, dqn_targets, dqn_step):
    held, state = ReplayBuffer(4), torch.ones(2).double()
    for i in range(3):
        held.push(state.fill_(i), i, 1, state, False)
    batch, what = held.sample(3), "push of one tensor, filled with 0, 1, 2"
    kinds = [batch[part].dtype for part in (0, 2, 3)]
    equal("states in float64, rewards int: dtypes of those parts", kinds, [torch.float64] * 3)
    for part in (0, 3):
        equal(f"{what}: {PARTS[part]}s", batch[part][:, 0].tolist(), batch[1].tolist())
    call, short = "sample(4) of 3 transitions, its size", lambda size: len(held.sample(size)[1])
    refuses(short, 4, errors=(ValueError,), call=call)

    r, inf = torch.ones(3).double(), torch.inf
    q = torch.tensor([[inf, -inf], [0, 7 / 3], [torch.nan, inf]], dtype=torch.float64)
    dones = torch.tensor([True, False, True])
    for more in ((), (q + 0,)):
        with unchanged("dqn_targets", r, q, dones, *more):
            got = result_of("dqn_targets", dqn_targets, r, q, dones, 0.9, *more)
        close(got, r + 0.9 * r.new_tensor([0, 7 / 3, 0]), "next_q inf or NaN where done", 1e-9)
    steps_like_twin("float64", dqn_step, dqn_targets, 1e-9, dtype=torch.float64, old=0.0)


CORE = (buffer, targets, step, loop, explore, chain)
EDGES = (generator, limits)

PARTS, F = ("state", "action", "reward", "next_state", "done"), torch.float32


def transition(i):
    """The i-th, whose parts tell which one it is."""
    return torch.stack([i, -i], -1), i, i / 2, torch.stack([i + 0.5, i * i], -1), i % 3 == 1


class Nothing(Notes):
    """A buffer that stays empty."""

    def push(self, *transition):
        pass


def now_of(nets):
    return [{n: t.clone() for n, t in net.state_dict().items()} for net in nets]


def filled(ReplayBuffer, capacity, pushed, *generator):
    made = ReplayBuffer(capacity, *generator)
    for i in range(pushed):
        state, _, reward, next_state, done = transition(torch.tensor(i).float())
        made.push(state, i, reward.item(), next_state, bool(done))
    return made


def steps_like_twin(
    what, dqn_step, dqn_targets, tol, kind="SGD", dtype=F, old=10.0, scale=1.0, **options
):
    """Two steps of online, on batches of 6 and 1, are those of a twin; target stays."""
    online, target = (nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4)) for _ in range(2))
    online, target = online.to(dtype), target.to(dtype)
    twin, before = copy.deepcopy(online), copy.deepcopy(target.state_dict())
    make = getattr(torch.optim, kind)
    optimizer, its = (make(m.parameters(), lr=0.1, **options) for m in (online, twin))
    for p in online.parameters():
        p.grad = torch.full_like(p, old)
    for size in (6, 1) if old else (6,):
        x, y = (torch.randn(size, 3, dtype=dtype) for _ in range(2))
        x[0] *= scale if size > 1 else 1  # large gradients
        actions, dones = torch.randint(4, (size,)), torch.arange(size) % 3 == 1
        batch, told = (x, actions, 2 * torch.randn(size).to(x), y, dones), f"{what}, B {size}"
        mine = [part.clone() for part in batch]
        with torch.no_grad():
            wanted = dqn_targets(batch[2], target(y), dones, 0.8, twin(y))
        got = attempt(f"{told}, dqn_step", dqn_step, online, target, optimizer, mine, 0.8)
        if not old:  # `limits` minds what came
            for name, part, was in zip(PARTS, mine, batch, strict=True):
                close(part.double(), was.double(), f"{told}, after dqn_step: the batch's {name}s")
        loss = huber_loss(twin(x)[torch.arange(size), actions], wanted)
        its.zero_grad()
        loss.backward()
        its.step()
        grads = sum(p.grad is not None and bool(p.grad.any()) for p in target.parameters())
        equal(f"{told}: parameters of target with a gradient", grads, 0)
        if not old and isinstance(got, float) and abs(got - loss.item()) > 1e-3:
            return  # other labels mind
        number_is(f"{told}: dqn_step", got, loss.item(), tol)
        states_are(target.state_dict(), before, f"{told}: target's", 0)
        states_are(online.state_dict(), twin.state_dict(), f"{told}: online's", tol)
