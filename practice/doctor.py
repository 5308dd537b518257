"""`python -m practice doctor`: do Python, torch, torchvision and this machine fit together?"""

import importlib.metadata
import platform
import subprocess
import sys

PYTHON, TORCH = (3, 10), (2, 6)
MEND = "python -m pip install --force-reinstall torch torchvision"
DEVICES = """
import torch
found = ["cpu"]
if torch.cuda.is_available():
    found += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
if torch.backends.mps.is_available():
    found += ["mps"]
print(", ".join(found))
"""


def doctor() -> int:
    """Prints what there is; 1 if something has to be mended."""
    well = say(
        sys.version_info >= PYTHON, f"Python {platform.python_version()}", "want 3.10 or newer"
    )
    for name in ("torch", "torchvision", "numpy", "pytest"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            well &= say(False, name, "not installed: python -m pip install -r requirements.txt")
            continue
        fits = name != "torch" or tuple(map(int, version.split(".")[:2])) >= TORCH
        well &= say(fits, f"{name} {version}", "want 2.6 or newer: " + MEND)
    if not well:
        return 1
    devices, error = run(DEVICES)
    well &= say(devices is not None, f"devices: {devices}", f"torch cannot be imported: {error}")
    _, error = run("import torchvision")
    if error and "torchvision::nms" in error:
        error = (
            f"{error}\n    The torch here was built without the torchvision beside it (a CPU build "
            "of one, say,\n    and a CUDA build of the other). Install both together, from one "
            f"place:\n    {MEND}"
        )
    well &= say(not error, "torchvision loads", error or "")
    return not well


def say(fits: bool, what: str, trouble: str) -> bool:
    print(f"ok   {what}" if fits else f"BAD  {what}: {trouble}")
    return fits


def run(code: str) -> tuple[str | None, str | None]:
    """(what it printed, None), or (None, the last line of its error)."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout.strip(), None
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return None, lines[-1]
