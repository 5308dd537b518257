"""`python -m practice`: see cli.py. First: is this a Python that the course can run in?

Any Python 3 has to understand this file, however old it is.
"""

import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
IS_OLD = sys.version_info < (3, 10)


def main() -> int:
    hidden = hiding(os.getcwd())
    if hidden:
        files = ", ".join(hidden)
        print(
            f"{files} in this folder hides Python's own module of that name. Give it another name.",
            file=sys.stderr,
        )
        return 2
    if os.path.realpath(sys.prefix) != os.path.realpath(VENV) and (IS_OLD or not has_torch()):
        place = os.path.join("Scripts", "python.exe") if os.name == "nt" else "bin/python"
        python = os.path.join(VENV, place)
        if os.path.exists(python):
            return run_with(python)
    if IS_OLD:
        print("This needs Python 3.10 or newer, this is", sys.version.split()[0], file=sys.stderr)
        return 2
    from practice.cli import main as run

    return run(sys.argv[1:])


def hiding(folder: str) -> "list[str]":
    """Files in a folder that Python would import in place of a module of its own or of torch."""
    known = {"torch", "torchvision", "numpy", *getattr(sys, "stdlib_module_names", ())}
    return sorted(name for name in os.listdir(folder) if name[-3:] == ".py" and name[:-3] in known)


def has_torch() -> bool:
    from importlib.util import find_spec

    return find_spec("torch") is not None


def run_with(python: str) -> int:
    """The same command with .venv's Python: that is the one that was meant, and it is told."""
    print(
        f"{sys.executable} {'is too old' if IS_OLD else 'has no torch'}, so .venv's Python is "
        "used. To run pages with it, too, activate .venv: see README.md.",
        file=sys.stderr,
    )
    sys.stderr.flush()
    command = [python, "-m", "practice", *sys.argv[1:]]
    if os.name != "nt":
        os.execv(python, command)
    import subprocess

    return subprocess.call(command)


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done
    sys.exit(status)
