"""The worker processes of a DataLoader, played in this process one by one."""

import copy
import itertools
import os
import pickle
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader, get_worker_info

from checks.tools import attempt, equal

GENERATORS = np.random.Generator, np.random.RandomState, random.Random, torch.Generator
CHANGING = *GENERATORS, list, dict, set
TORCH = get_worker_info.__globals__  # where a process has what get_worker_info() gives
PIDS = itertools.count(1 << 22)  # what Linux gives is less
PARTS = "dataset", "worker_init_fn", "collate_fn"


@contextmanager
def in_this_process(module: dict[str, Any], pickled: bool = False) -> Iterator[None]:
    """A worker of a map-style dataset finds what a real one finds: its seeds, get_worker_info(),
    and the dataset and the answer's `module` as they were before the loader started, whatever
    another worker has done to its own. `pickled`: it is started by spawn, so the dataset and the
    loader's functions arrive as pickles, and it does not know what the module's names and classes
    have been given since we are here.
    """
    plain, imported = DataLoader.__iter__, as_now(module) if pickled else []

    def loaded(loader: Any) -> Iterator[Any]:
        if not loader.num_workers:
            yield from plain(loader)
            return
        base = int(torch.empty((), dtype=torch.int64).random_(generator=loader.generator))
        batched = loader.batch_sampler is not None
        tasks = list(loader.batch_sampler if batched else loader.sampler)
        done: list[Any] = [None] * len(tasks)
        for number in range(loader.num_workers):
            parts = [getattr(loader, part) for part in PARTS]
            dataset, init, collate = arrived(parts, imported[0][1]) if pickled else parts
            pid = next(PIDS)
            with (
                as_then(imported),
                own_state(dataset, module),
                patch.object(os, "getpid", lambda pid=pid: pid),
                seeded(base + number),
                placed((number, loader.num_workers), dataset, base + number),
            ):
                if init is not None:
                    init(number)
                for i in range(number, len(tasks), loader.num_workers):
                    done[i] = collate(
                        [dataset[j] for j in tasks[i]] if batched else dataset[tasks[i]]
                    )
        yield from done

    with warnings.catch_warnings(), patch.object(DataLoader, "__iter__", loaded):
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more than cores
        yield


@contextmanager
def placed(at: tuple[int, int], dataset: Any = None, seed: int = 0) -> Iterator[None]:
    """torch.utils.data.get_worker_info() says: worker at[0] of at[1]; (0, 0) is no worker."""
    numbers = {"id": at[0], "num_workers": at[1], "seed": seed}
    said = SimpleNamespace(**numbers, dataset=dataset) if at[1] else None
    with patch.dict(TORCH, _worker_info=said):
        assert get_worker_info() is said, "torch keeps the number of a worker elsewhere"
        yield


def importing(module: dict[str, Any]) -> Any:
    """What is below can import it; a tool may have run its text."""
    return patch.dict(sys.modules, {module["__name__"]: SimpleNamespace(**module)})


def as_now(module: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """The module and its classes, each with what its names have been given."""
    kinds = [v for v in module.values() if isinstance(v, type)]
    owners = [module, *(kind for kind in kinds if kind.__module__ == module["__name__"])]
    return [(owner, {k: kept(k, v) for k, v in space_of(owner).items()}) for owner in owners]


def kept(name: str, value: Any) -> Any:
    return copy.deepcopy(value) if can_change(name, value) else value


@contextmanager
def as_then(found: list[tuple[Any, dict[str, Any]]]) -> Iterator[None]:
    """Below, these have those names and no others; afterwards all is as it was."""
    before = [(owner, dict(space_of(owner))) for owner, _ in found]
    try:
        set_back(found)
        yield
    finally:
        set_back(before)


def set_back(found: list[tuple[Any, dict[str, Any]]]) -> None:
    for owner, names in found:
        for name in set(space_of(owner)) - set(names):
            owner.pop(name) if isinstance(owner, dict) else delattr(owner, name)
        put(owner, space_of(owner), names)


def space_of(owner: Any) -> Any:
    return owner if isinstance(owner, dict) else vars(owner)


def can_change(name: str, value: Any) -> bool:
    return isinstance(value, CHANGING) and not name.startswith("__")


def arrived(parts: list[Any], module: dict[str, Any]) -> list[Any]:
    """What a new process that has imported the module gets."""
    found = list[Any]()
    with importing(module):
        for part, name in zip(parts, PARTS, strict=True):
            try:
                found.append(pickle.loads(pickle.dumps(part)))
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                raise TypeError(f"{name} cannot be pickled") from error
    return found


@contextmanager
def own_state(dataset: Any, module: dict[str, Any]) -> Iterator[None]:
    """What is below works with copies of what can change; afterwards all is as it was."""
    kinds = [kind for kind in type(dataset).__mro__ if kind.__module__ == module["__name__"]]
    spaces = [vars(dataset), module, *map(vars, kinds)]
    before = [dict(space) for space in spaces]
    copies = copy.deepcopy(
        [{k: v for k, v in names.items() if can_change(k, v)} for names in before]
    )
    owners = [dataset, SimpleNamespace(), *kinds]
    for owner, space, names in zip(owners, spaces, copies, strict=True):
        put(owner, space, names)
    try:
        yield
    finally:
        for owner, space, names in zip(owners, spaces, before, strict=True):
            put(owner, space, names)
        for name in set(vars(dataset)) - set(before[0]):
            delattr(dataset, name)


def put(owner: Any, space: Any, names: dict[str, Any]) -> None:
    for name, value in names.items():
        if isinstance(space, dict):
            space[name] = value
        elif space.get(name) is not value:  # of a class
            setattr(owner, name, value)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The global generators as a worker finds them; afterwards they are as before."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def as_in_worker(dataset: Any) -> Any:
    """A copy in which shared memory alone is still shared, of its helpers, too."""
    shared, owners = dict[int, Any](), [dataset]
    for owner in owners:
        for value in tree_leaves([*getattr(owner, "__dict__", {}).values()]):
            if is_shared(value):
                shared[id(value)] = value
            elif type(value).__module__ == type(dataset).__module__ and value not in owners:
                owners.append(value)
    return copy.deepcopy(dataset, shared)


def is_shared(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.is_shared()
    return any(k.__module__.startswith(("multiprocessing", "_ctypes")) for k in type(value).mro())


def taken(what: str, stream: Any, at: tuple[int, int] = (0, 0), most: Any = None) -> list[int]:
    """The ints that an iterable dataset gives there, its first `most`."""
    with placed(at):
        got = attempt(what, lambda: list(islice(iter(stream), most)))
    kinds = sorted({type(sample).__name__ for sample in got} - {"int"})
    assert not kinds, f"{what} gave samples of type {', '.join(kinds)}, want int"
    return got


def drawn(
    what: str, function: Callable[[int], Any], at: tuple[int, int], seed: int, has_rng: bool = True
) -> dict[str, float]:
    """The next number of each generator after function(worker) there, torch's seed being `seed`."""
    dataset = SimpleNamespace(**({"rng": np.random.default_rng(0)} if has_rng else {}))
    torch.default_generator.manual_seed(seed)
    with placed(at, dataset, seed):
        attempt(what, function, at[0])
    equal(f"{what}: then torch.initial_seed() is", torch.initial_seed() % 2**64, seed)
    equal(f"{what}: the dataset then has .rng:", hasattr(dataset, "rng"), has_rng)
    found = {"Python's": random.random(), "NumPy's": np.random.random()}
    if has_rng:
        equal(f"{what}: dataset.rng is a", type(dataset.rng).__name__, "Generator")
        found["dataset.rng's"] = dataset.rng.random()
    return found
