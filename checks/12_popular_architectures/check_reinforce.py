"""What challenge_reinforce.py requires: literals, a game of two steps by enumeration, a twin."""

import copy
import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from checks.functions import gives, is_exact, number_is
from checks.games import Chain, Script, episode
from checks.tools import attempt, close, draws_from, equal, refuses, result_of, share_is, unchanged
from checks.training import sgd, states_are, watching


def returns(discounted_returns):
    for rewards, gamma, want in (
        ([1.0, 0.0, 4.0], 0.5, [2.0, 2.0, 4.0]),
        ([1.0, 2.0, 3.0, 4.0], 1, [10.0, 9.0, 7.0, 4.0]),
        ([-2.0, 5.0], 0.1, [-1.5, 5.0]),
        ([3.0], 0.9, [3.0]),
    ):
        what = f"discounted_returns({rewards}, {gamma})"
        gives(what, discounted_returns, (torch.tensor(rewards), gamma), want)


def loss(reinforce_loss):
    logps, g = [-1.0, -2.0, -0.5], [2.0, -3.0, 4.0]
    for t, baseline, want in (
        (3, None, -2.0),
        (3, 1, -5.5),
        (3, torch.tensor(-1.0), 1.5),
        (3, torch.tensor([2.0, -4.0, 0.0]), 4.0),
        (1, None, 2.0),
        (1, 0, 2.0),
    ):
        shown = baseline.tolist() if isinstance(baseline, Tensor) else baseline
        what = f"reinforce_loss({logps[:t]}, {g[:t]}, {shown})"
        given = torch.tensor(logps[:t]), torch.tensor(g[:t]), baseline
        gives(what, reinforce_loss, given, want)


def gradient(reinforce_loss):
    """The first action leads to state 1 or 2, where the second one is done."""
    logits = torch.tensor([[0.3, -0.4], [1.0, 0.2], [-0.7, 0.5]], requires_grad=True)
    reward = torch.tensor([[1.0, -2.0], [0.5, 3.0], [-1.0, 4.0]])
    value = torch.tensor([2.0, -1.0, 3.0], requires_grad=True)
    one = torch.tensor(-3.0, requires_grad=True)
    for told, baseline in (("no b", None), ("b 2.5", 2.5), ("a tensor b", one), ("b_t", value)):
        mean, expected, what = torch.zeros(3, 2), torch.zeros(()), f"a game of 2 steps, {told}"
        for first, second in itertools.product(range(2), range(2)):
            at, actions = torch.tensor([0, 1 + first]), torch.tensor([first, second])
            logps, come = logits.log_softmax(1)[at, actions], reward[at, actions]
            p = logps.sum().exp()
            expected = expected + p * come.sum()
            g = torch.stack([come.sum(), come[1]]).requires_grad_()
            b = value[at] if baseline is value else baseline
            out = result_of(what, reinforce_loss, logps, g, b)
            leaves, more = [logits, g, value, one], {"retain_graph": True, "allow_unused": True}
            grads = torch.autograd.grad(out, leaves, **more) if out.requires_grad else [None] * 4
            for name, other in zip(("returns", "baseline", "baseline"), grads[1:], strict=True):
                none = other is None or not other.any()
                assert none, f"{what}: a gradient reaches {name}, want none"
            assert grads[0] is not None, f"{what}: no gradient reaches logps"
            mean += p.detach() * grads[0]
        (want,) = torch.autograd.grad(-expected, logits)
        close(mean, want, f"{what}: the loss's gradient of the logits, averaged over episodes")


def actions(train):
    policy, cues = nn.Linear(4, 4), [2, 0, 3, 3, 1, 2]
    nn.init.eye_(policy.weight).data.mul_(100)
    game = Script((one_hot(torch.tensor(cues * 17 + [0]), 4).float(), [0.0] * 102))
    attempt("train, 1 episode of 102 steps", train, game, policy, sgd(policy, 0.0), 1, 0.9)
    for i in range(0, 102, 6):
        what = f"states {cues}, the logit of the action of that number is far above all: actions"
        equal(what, game.actions[0][i : i + 6], cues)

    policy = nn.Linear(4, 3)
    nn.init.zeros_(policy.weight)
    for p in ([0.09, 0.9, 0.01], [0.5, 0.3, 0.2]):
        policy.bias.data = torch.tensor(p).log() + 1
        game, what = (
            Script((torch.randn(21, 4), [0.0] * 20)),
            f"6 episodes of 20 steps, softmax {p}",
        )
        attempt("train", train, game, policy, sgd(policy, 0.0), 6, 0.9)
        taken, kinds = torch.tensor(sum(game.actions, [])), len(set(map(tuple, game.actions)))
        for action in range(3):
            share_is(taken == action, p[action], f"{what}: share of action {action}")
        assert kinds > 2, f"{what}: {kinds} different episodes, want many"


def update(train, discounted_returns, reinforce_loss):
    mine, small = (discounted_returns, reinforce_loss), [episode(t, 4) for t in (3, 1, 4, 2)]
    small.append((torch.randn(3, 4), [0.0, 0.0]))  # no gradient, but momentum
    big = [(states, [1e3 * r for r in rewards]) for states, rewards in small]
    adam, momentum = {"lr": 0.1}, {"momentum": 0.9, "lr": 1e-4}
    for kind, script, options in (("SGD", big, momentum), ("Adam", small, adam)):
        policy = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
        for p in policy.parameters():
            p.grad = torch.full_like(p, 10.0)
        what = f"torch.optim.{kind}, episodes of 3, 1, 4, 2, 2 steps"
        got = like_twin(what, train, *mine, policy, script, 1e-5, kind, **options)
        equal(f"{what}: train gave", [type(sum_of).__name__ for sum_of in got], ["float"] * 5)
        want = torch.tensor([math.fsum(rewards) for _, rewards in script])
        close(torch.tensor(got), want, f"{what}: the sums of rewards")


def chain(train):
    policy, what = nn.Linear(5, 2, bias=False), "Chain, 25 episodes, gamma 0.3, SGD with lr 14"
    nn.init.zeros_(policy.weight)
    attempt(what, train, Chain(), policy, sgd(policy, 14.0), 25, 0.3)
    p = policy(torch.eye(5)[:4]).softmax(1)[:, 1].tolist()
    shown = [round(one, 2) for one in p]
    assert min(p) > 0.8, f"{what}: p(right) in states 0 to 3 is {shown}, want above 0.8 in each"


def generator(train):
    policy, script = nn.Linear(2, 20), [episode(length, 2) for length in (4, 1)]
    nn.init.zeros_(policy.weight)

    def draw(generator):
        game = Script(*script)
        train(game, policy, sgd(policy, 0.0), 2, 0.9, generator)
        return torch.tensor(sum(game.actions, []))

    draws_from("train, the actions", draw)


def limits(discounted_returns, reinforce_loss, train):
    rewards, logps, g, b = (9 * torch.randn(n).double() + 1e-9 for n in (400, 3, 3, 3))
    with unchanged("discounted_returns and reinforce_loss", rewards, logps, g, b):
        for gamma in (0.5, 0.9):
            what = f"discounted_returns of 400 steps, float64, gamma {gamma:g}"
            got, later = result_of(what, discounted_returns, rewards, gamma), rewards.tolist()
            some = range(0, 400, 57)
            want = [math.fsum(r * gamma**k for k, r in enumerate(later[t:])) for t in some]
            is_exact(f"{what}, steps 0, 57, 114, ...", got[::57], rewards.new_tensor(want), 1e-8)
        close(discounted_returns(rewards, 0.0), rewards, "discounted_returns, gamma 0")
        got = result_of("reinforce_loss in float64", reinforce_loss, logps, g, b)
        is_exact("reinforce_loss in float64", got, -torch.dot(logps, g - b), 1e-8)
    for shape in ((3, 1), (1, 3), (1,), (2,), ()):
        refuses(reinforce_loss, logps, torch.ones(shape), errors=(ValueError,))
        for t in (3, 1) if shape else ():
            if shape != (t,):
                refuses(reinforce_loss, logps[:t], g[:t], torch.ones(shape), errors=(ValueError,))

    mine, script = (train, discounted_returns, reinforce_loss), [0.1, -2.3, 0.7, 3.2]
    script = torch.randn(5, 4).double(), script
    (got,) = like_twin("float64, 4 steps", *mine, nn.Linear(4, 3).double(), [script], 1e-8, lr=1.0)
    number_is(f"float64: the sum of rewards {script[1]}", got, math.fsum(script[1]), 1e-8)
    policy, script = nn.Linear(3, 3, bias=False), (torch.eye(3)[[0, 1, 2, 0]], [1.0, -2.0, 3.0])
    policy.weight.data = 1e3 * torch.tensor([[1.0, 0, 0.999], [0, 1, 1], [-1, 0.999, -1]])
    like_twin("logits of ±1e3, 3 steps", *mine, policy, [script], 1e-5)


CORE = (returns, loss, gradient, actions, update, chain)
EDGES = (generator, limits)


def like_twin(what, train, returns, loss, policy, script, tol, kind="SGD", lr=0.1, **options):
    """Episodes of train end where a twin ends that does the same actions; what train gave."""
    pair, game = (policy, copy.deepcopy(policy)), Script(*script)
    make = getattr(torch.optim, kind)
    optimizer, its = (make(m.parameters(), lr=lr, **options) for m in pair)
    with watching(policy, optimizer) as seen:
        got = attempt(what, train, game, policy, optimizer, len(script), 0.7)
    steps = [step.is_given for step in seen.steps]
    equal(f"{what}: steps, each of the optimizer given:", steps, [True] * len(script))
    for i, ((states, rewards), taken) in enumerate(zip(script, game.actions, strict=True)):
        logps = pair[1](states[:-1]).log_softmax(1)[torch.arange(len(taken)), taken]
        its.zero_grad()
        loss(logps, returns(logps.new_tensor(rewards), 0.7)).backward()
        its.step()
        after = dict(zip(pair[1].state_dict(), seen.steps[i].params, strict=True))
        states_are(after, pair[1].state_dict(), f"{what}, after episode {i + 1}", tol)
    states_are(policy.state_dict(), pair[1].state_dict(), f"{what}, in the end", tol)
    return got
