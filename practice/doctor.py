"""`python -m practice doctor`: do Python, torch, torchvision and this machine fit together?"""

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys

from practice.__main__ import hiding
from practice.exercises import ROOT

PYTHON, NEWEST, TORCH = (3, 10), (3, 14), (2, 6)  # NEWEST: torch 2.14 has wheels up to it
INSTALL = "python -m pip install"
DEVICES = """
from practice.worker import warm_up
warm_up()
import torch
found = ["cpu"]
if torch.cuda.is_available():
    found += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
if torch.backends.mps.is_available():
    found += ["mps"]
print(", ".join(found))
"""
KNOWN = {  # what a message says: what it means, and what to do
    "NVIDIA driver on your system is too old": "The GPU is not used, all else works. Get a newer "
    "driver, or a torch for this one from pytorch.org/get-started.",
    "OMP: Error #15|libomp.* already initialized": "Two copies of OpenMP were loaded, often one of "
    "conda and one of pip.\nInstall numpy, torch and torchvision from one place: best in a new "
    ".venv, without conda.",
    r"WinError (126|127|1114)|DLL load failed": "A Windows library is missing, most often the "
    "Visual C++ runtime:\ninstall Microsoft's Visual C++ Redistributable (x64) and try again.",
    "torchvision::nms": "The torch here was built without the torchvision beside it (a CPU build "
    "of one, say,\nand a CUDA build of the other). Install both together, from one place:\n"
    "{install} --force-reinstall torch torchvision",
    "compiled using NumPy 1|_ARRAY_API not found": "numpy is newer than what torch was built for. "
    "Get newer ones:\n{install} --upgrade torch torchvision numpy",
}


def doctor() -> int:
    """Prints what there is; 1 if something has to be mended."""
    print(f"     {sys.executable}")
    well = say(
        sys.version_info >= PYTHON, f"Python {platform.python_version()}", "want 3.10 or newer"
    )
    for folder in (ROOT, *sorted(ROOT.glob("[0-9]*/"))):
        for name in hiding(str(folder)):
            file = (folder / name).relative_to(ROOT).as_posix()
            well &= say(False, file, f"it hides Python's own {name[:-3]}; give it another name")
    for name in ("torch", "torchvision", "numpy", "pytest"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            reason = no_wheel() if name == "torch" else ""
            well &= say(False, name, reason or f"not installed: {installer()} -r requirements.txt")
            continue
        fits = name != "torch" or tuple(map(int, version.split(".")[:2])) >= TORCH
        trouble = f"want 2.6 or newer: {installer()} --upgrade torch torchvision"
        well &= say(fits, f"{name} {version}", trouble)
    if not well:
        return 1
    for what, code in (
        ("what the checks need loads, devices: {}", DEVICES),
        ("torchvision loads", "import torchvision"),
    ):
        printed, trouble = run(code)
        well &= say(printed is not None, what.format(printed), trouble)
        if trouble and printed is not None:
            print(f"note {indented(trouble)}")
    return not well


def installer() -> str:
    """How packages get into this environment: one that uv made has no pip."""
    return INSTALL if importlib.util.find_spec("pip") else "uv pip install"


def no_wheel() -> str:
    """Why there may be no torch for this Python or machine; "" if there is one."""
    system, machine = platform.system(), platform.machine()
    if sys.version_info[:2] > NEWEST:
        newest = "{}.{}".format(*NEWEST)
        return f"there is none for this Python yet; the newest that has one is {newest}"
    if system == "Darwin" and machine == "x86_64":
        if output_of("sysctl", "-n", "sysctl.proc_translated") == "1":
            return "this Python is one for Intel, this Mac is not: install Python for Apple silicon"
        return "the last one for Intel Macs is 2.2: use another machine, or .devcontainer"
    if sys.maxsize < 2**32:
        return "there is none for a 32-bit Python: install a 64-bit one"
    if system == "Linux" and platform.libc_ver()[0] != "glibc":
        return "there is none for a Linux without glibc (Alpine): use .devcontainer"
    return ""


def say(fits: bool, what: str, trouble: str) -> bool:
    print(f"ok   {what}" if fits else f"BAD  {what}: {indented(trouble)}")
    return fits


def indented(text: str) -> str:
    return text.replace("\n", "\n     ")


def run(code: str) -> tuple[str | None, str]:
    """What it printed, None if it failed; and the last line of its error or warning, explained."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    told = re.sub(r"^\S+\.py:\d+: ", "", done.stderr, flags=re.M)  # where a warning comes from
    lines = [line[:300] for line in told.splitlines() if line and not line.startswith("  ")]
    trouble = lines[-1] if lines else f"exit status {done.returncode}" * bool(done.returncode)
    for said, meaning in KNOWN.items():
        if found := re.search(f".*(?:{said}).*", told):
            trouble = f"{found[0][:300]}\n{meaning.format(install=installer())}"
    return (None if done.returncode else done.stdout.strip()), trouble


def output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
