import os

import pytest
import torch
from course import STAND_IN, make_course

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


def pytest_collection_modifyitems(items):
    """What asks for the refusals of slips last: other processes judge them while the rest runs."""
    items.sort(key=lambda item: "refusals_of" in item.function.__code__.co_varnames)


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
