import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import pytest
import torch
from course import STAND_IN, make_course
from learner import in_words

CUDA = pytest.param(
    "cuda",
    marks=pytest.mark.skipif(
        not torch.cuda.is_available(), reason="no CUDA device on this machine"
    ),
)


@pytest.fixture(params=["cpu", CUDA])
def device(request):
    """Every device a test has to hold on: the CPU always, CUDA where there is one."""
    return torch.device(request.param)


def job_of(item):
    """(function, path) of a test that is marked elsewhere(run=function); None for any other."""
    mark = item.get_closest_marker("elsewhere")
    return (mark.kwargs["run"], item.callspec.params["path"]) if mark else None


def pytest_collection_modifyitems(items):
    """What asks for the result of another process comes last: the rest runs meanwhile."""
    items.sort(key=lambda item: job_of(item) is not None)


@pytest.fixture(scope="session", autouse=True)
def results(request):
    """Computes the jobs of this run, each once, shared out over the other cores."""
    jobs = dict.fromkeys(filter(None, map(job_of, request.session.items)))
    others = min(4, (os.cpu_count() or 1) - 1) if len(jobs) > 3 else 0
    if not others:
        yield cache(lambda function, path: function(path=path))
        return
    # A fork saves the import of torch; it is safe before torch has run, where CUDA has not either.
    forks = sys.platform == "linux" and not torch.cuda.is_available()
    context = multiprocessing.get_context("fork" if forks else "spawn")
    with ProcessPoolExecutor(others, context) as pool:
        futures = {job: pool.submit(in_words, *job) for job in reversed(jobs)}

        @cache
        def result(function, path):
            future = futures[function, path]
            if future.cancel():
                return function(path=path)
            found, said = future.result()
            if said is not None:
                (pytest.skip if found == "Skipped" else pytest.fail)(said)
            return found

        yield result
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def result(request, results):
    """function(path) of a test that is marked elsewhere(run=function)."""
    return results(*job_of(request.node))


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course of its own; commands in it meet a stand-in for torch."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / STAND_IN))
    return make_course(tmp_path)


@pytest.fixture(scope="session")
def torchvision():
    """torchvision, where it loads: its compiled ops need the torch of the same build."""
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"torchvision does not load here: {error}")
    return torchvision
