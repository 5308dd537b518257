"""Set-up: the right Python is used, `make` builds and mends .venv, doctor names what is wrong."""

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig

import pytest
from course import STAND_IN, practice

from practice import doctor
from practice.exercises import ROOT

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts and make are needed")
NAMES = "numpy", "pytest", "torch", "torchvision"


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


# --- which Python ------------------------------------------------------------------------------


@POSIX
def test_without_torch_the_python_of_venv_is_used_and_told(course, monkeypatch):
    script(course / ".venv/bin/python", 'echo "in .venv: $*"')
    monkeypatch.delenv("PYTHONPATH")
    done = subprocess.run(
        [sys.executable, "-S", "-m", "practice", "list", "02"],  # -S: nothing that was installed
        cwd=course,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "in .venv: -m practice list 02\n"
    assert done.stderr.startswith(f"{sys.executable} has no torch, so .venv's Python is used.")


def test_without_torch_anywhere_one_line_says_so(course):
    (course / STAND_IN / "torch.py").write_text("raise ImportError('no such torch')\n")
    assert practice(course, "check", "one", status=2).splitlines() == [
        "The checks cannot run here: ImportError: no such torch",
        "More: python -m practice doctor",
    ]


@pytest.mark.parametrize("name", ["random.py", "torch.py", "json.py"])
def test_a_file_that_hides_a_module_is_named(course, name):
    (course / name).write_text("x = 1\n")
    assert practice(course, "next", status=2) == (
        f"{name} in this folder hides Python's own module of that name. Give it another name.\n"
    )


# --- make --------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path):
    """made(...) -> what `make` prints, in a folder with a stub of the course."""
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")
    (tmp_path / "requirements.txt").write_text("# nothing to install\n")
    (tmp_path / "practice").mkdir()
    (tmp_path / "practice/__main__.py").write_text("import sys\nprint('practice', *sys.argv[1:])\n")
    # Like Python, but quick: pip, which takes seconds to install, is a stub.
    script(
        tmp_path / "python",
        f'if [ "$2" = venv ]; then "{sys.executable}" -m venv --without-pip --clear .venv && '
        f"echo \"print('stub of pip')\" > {library(tmp_path)}/pip.py; "
        f'else exec "{sys.executable}" "$@"; fi',
    )

    def make(*arguments, status=0, **variables):
        done = subprocess.run(
            ["make", f"PYTHON={tmp_path}/python", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={k: v for k, v in os.environ.items() if k[:4] != "MAKE"} | variables,  # make test
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    return make


def library(folder):
    """Where packages of the folder's .venv lie."""
    base = folder / ".venv"
    return sysconfig.get_path("purelib", "venv", {"base": str(base), "platbase": str(base)})


def environment(folder, *installed):
    """A .venv without pip, as uv makes it, in which these are installed, ready long ago."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=folder, check=True)
    for name in installed:
        with open(f"{library(folder)}/{name}.py", "w"):
            pass
    (folder / ".venv/.ready").touch()


@POSIX
def test_make_keeps_an_environment_that_works(made, tmp_path):
    environment(tmp_path, *NAMES)
    assert made() == "practice\n"


@pytest.mark.slow
@POSIX
def test_make_installs_where_there_is_no_pip(made, tmp_path):
    environment(tmp_path, *NAMES)
    (tmp_path / ".venv/.ready").unlink()
    out = made()
    assert out.endswith("practice\n") and "No module named pip" not in out
    assert (tmp_path / ".venv/.ready").exists() and os.path.exists(f"{library(tmp_path)}/torch.py")


@POSIX
def test_make_takes_uv_where_pip_cannot_be_had(made, tmp_path):
    environment(tmp_path, *NAMES, "ensurepip")
    (tmp_path / ".venv/.ready").unlink()
    with open(f"{library(tmp_path)}/sitecustomize.py", "w") as file:  # before Python's own one
        file.write("import sys\nsys.modules['ensurepip'] = None\n")
    script(tmp_path / "bin/uv", 'echo "uv $*"')
    out = made(PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert out == "uv pip install --python .venv/bin/python -r requirements.txt\npractice\n"
    (tmp_path / ".venv/.ready").unlink()
    (tmp_path / "bin/uv").unlink()
    assert "practice doctor\n" in made(status=2, PATH="/usr/bin:/bin")


@POSIX
@pytest.mark.parametrize("how", ["its Python is gone", "half installed", "of another Python"])
def test_make_builds_anew(made, tmp_path, how):
    environment(tmp_path, *NAMES[: None if how == "of another Python" else 2])
    if how == "its Python is gone":
        for name in (tmp_path / ".venv/bin").glob("python*"):
            name.unlink()
            name.symlink_to("/no/such/python")
    elif how == "of another Python":
        own = (tmp_path / "python").read_text().partition("\n")[2]
        other = 'case "$2" in *platform*) echo "(3, 99) x"; exit;; esac'
        script(tmp_path / "python", f"{other}\n{own}")
    (tmp_path / ".venv/of the old one").touch()
    assert made().endswith("practice\n")
    assert not (tmp_path / ".venv/of the old one").exists()
    assert (tmp_path / ".venv/.ready").exists()


@POSIX
def test_make_says_which_python_is_too_old(made, tmp_path):
    script(tmp_path / "python", '[ "$1" = -V ] && echo Python 3.8.1; exit 1')
    assert 'needs Python 3.10 or newer; "' in made(status=2)


def test_a_container_needs_nothing_else():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["containerEnv"] == {"UV_TORCH_BACKEND": "cpu"}
    assert container["postCreateCommand"].endswith("&& make")


# --- doctor ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_doctor_of_a_sound_course(capsys):
    assert doctor.doctor() == 0
    out = capsys.readouterr().out
    assert "ok   Python 3." in out and "ok   torch " in out and "devices: cpu" in out
    assert "BAD" not in out


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("RuntimeError: operator torchvision::nms does not exist", "install --force-reinstall"),
        ("OMP: Error #15: Initializing libomp.dylib, but found libiomp5", "Two copies of OpenMP"),
        ("OSError: [WinError 126] ... Error loading fbgemm.dll", "Visual C++ Redistributable"),
        ("ImportError: DLL load failed while importing _C", "Visual C++ Redistributable"),
        ("A module that was compiled using NumPy 1.x cannot be run", "--upgrade torch"),
        ("RuntimeError: something else", "something else"),
    ],
)
def test_doctor_knows_what_a_failed_import_means(said, advice):
    printed, trouble = doctor.run(f"import sys; sys.exit({said!r})")
    assert printed is None and trouble.startswith(said) and advice in trouble


@pytest.mark.slow
def test_doctor_shows_that_the_driver_is_too_old(tmp_path, monkeypatch):
    import torch

    compiler = shutil.which("cc")
    if not torch.version.cuda or not compiler:
        pytest.skip("needs a torch that was built for CUDA, and a C compiler")
    (tmp_path / "driver.c").write_text(
        "int cuInit(unsigned flags) { return 0; }\n"
        "int cuDriverGetVersion(int *version) { *version = 11040; return 0; }\n"
        "int cuGetProcAddress(const char *n, void **p, int v, long f) { *p = 0; return 500; }\n"
    )
    library = tmp_path / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "driver.c"], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path}:{os.environ.get('LD_LIBRARY_PATH', '')}")
    printed, trouble = doctor.run(doctor.DEVICES)
    assert printed == "cpu"
    assert trouble.startswith("UserWarning: CUDA initialization: The NVIDIA driver on your system")
    assert "The GPU is not used, all else works." in trouble


def test_doctor_sees_what_is_missing(monkeypatch, capsys):
    version = doctor.importlib.metadata.version

    def lookup(name):
        if name == "torchvision":
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return "2.5.1" if name == "torch" else version(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", lookup)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)  # no pip
    assert doctor.doctor() == 1
    out = capsys.readouterr().out
    assert "BAD  torch 2.5.1: want 2.6" in out
    assert "BAD  torchvision: not installed: uv pip install -r requirements.txt" in out


def test_doctor_names_files_that_hide_modules(tmp_path, monkeypatch, capsys):
    (tmp_path / "02_models").mkdir()
    (tmp_path / "02_models/random.py").touch()
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert doctor.doctor() == 1
    assert "BAD  02_models/random.py: it hides Python's own random" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("system", "machine", "more", "told"),
    [
        ("Darwin", "x86_64", {}, "the last one for Intel Macs is 2.2"),
        ("Darwin", "x86_64", {"output_of": lambda *_: "1"}, "install Python for Apple silicon"),
        ("Darwin", "arm64", {}, ""),
        ("Linux", "x86_64", {"NEWEST": (3, 9)}, "the newest that has one is 3.9"),
        ("Linux", "x86_64", {}, ""),
        ("Windows", "AMD64", {}, ""),
    ],
)
def test_doctor_knows_for_whom_there_is_no_torch(monkeypatch, system, machine, more, told):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    for name, value in {"NEWEST": (3, 99), "output_of": lambda *_: "", **more}.items():
        monkeypatch.setattr(doctor, name, value)
    assert told in doctor.no_wheel() and bool(told) == bool(doctor.no_wheel())
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert ("without glibc" in doctor.no_wheel()) == (system == "Linux" and not told)
