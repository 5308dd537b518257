"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "file": {
        "epoch saved as a tensor": ('"epoch": epoch}', '"epoch": torch.tensor(epoch)}'),
        "folders made, existing ones refused": (
            "path.parent.mkdir(parents=True, exist_ok=True)",
            "path.parent.mkdir(parents=True)",
        ),
        "folder of a bare name": (
            "    path.parent.mkdir(parents=True, exist_ok=True)\n",
            "    import os\n    os.makedirs(os.path.dirname(path), exist_ok=True)\n",
        ),
        "weights alone": ('"optimizer": optimizer.state_dict()', '"optimizer": {}'),
        "parameters without buffers": (
            '"model": model.state_dict()',
            '"model": dict(model.named_parameters())',
        ),
        "the whole model": ('"model": model.state_dict()', '"model": model'),
        "half precision to save space": (
            '"model": model.state_dict()',
            '"model": {k: v.half() for k, v in model.state_dict().items()}',
        ),
        "the next epoch saved": ('"epoch": epoch}', '"epoch": epoch + 1}'),
        "one key more": ('"epoch": epoch}', '"epoch": epoch, "version": 1}'),
        "other keys": ('"model": model.state_dict()', '"state_dict": model.state_dict()'),
        "saved with the model's class": (
            '"optimizer": optimizer.state_dict(), "epoch": epoch}',
            '"optimizer": optimizer, "epoch": epoch}',
        ),
        "learning rates alone for the optimizer": (
            '"optimizer": optimizer.state_dict()',
            '"optimizer": {"param_groups": optimizer.state_dict()["param_groups"]}',
        ),
    },
    "resume": {
        "rates loaded, momenta not": (
            '        optimizer.load_state_dict(checkpoint["optimizer"])',
            '        groups = checkpoint["optimizer"]["param_groups"]\n'
            "        for group, saved in zip(optimizer.param_groups, groups):\n"
            '            group["lr"] = saved["lr"]',
        ),
        "parameters replaced, so that the optimizer holds the old ones": (
            'model.load_state_dict(checkpoint["model"])',
            'model.load_state_dict(checkpoint["model"], assign=True)',
        ),
        "optimizer not loaded": (
            '        optimizer.load_state_dict(checkpoint["optimizer"])',
            "        pass",
        ),
        "momenta loaded, rates not": (
            '        optimizer.load_state_dict(checkpoint["optimizer"])',
            '        momenta = checkpoint["optimizer"]["state"]\n'
            '        optimizer.load_state_dict({**optimizer.state_dict(), "state": momenta})',
        ),
        "the model's parameters alone loaded": (
            '    model.load_state_dict(checkpoint["model"])',
            "    for name, p in model.named_parameters():\n"
            '        p.data.copy_(checkpoint["model"][name])',
        ),
        "the model not loaded without an optimizer": (
            '    model.load_state_dict(checkpoint["model"])\n    if optimizer is not None:\n',
            '    if optimizer is not None:\n        model.load_state_dict(checkpoint["model"])\n',
        ),
    },
    "epoch": {
        "next epoch returned": ('return checkpoint["epoch"]', 'return checkpoint["epoch"] + 1'),
        "nothing returned": ('    return checkpoint["epoch"]', ""),
        "epoch 0 taken for none": (
            "if not isinstance(checkpoint.get(key), kind)]",
            "if not checkpoint.get(key)]",
        ),
        "epoch as a string": ('return checkpoint["epoch"]', 'return str(checkpoint["epoch"])'),
        "epoch 0 taken for none at the end": (
            'return checkpoint["epoch"]',
            'return checkpoint["epoch"] or None',
        ),
    },
    "modes": {
        "a temporary name drawn by torch's generator": (
            "{uuid4().hex}",
            "{torch.randint(10**9, ()).item()}",
        ),
        "saving clears the gradients": (
            '    state = {"model"',
            '    optimizer.zero_grad()\n    state = {"model"',
        ),
        "saving sets eval mode": (
            '"model": model.state_dict()',
            '"model": model.eval().state_dict()',
        ),
        "saving sets train mode": (
            '"model": model.state_dict()',
            '"model": model.train().state_dict()',
        ),
        "loading sets eval mode": (
            'model.load_state_dict(checkpoint["model"])',
            'model.eval().load_state_dict(checkpoint["model"])',
        ),
        "loading sets train mode": (
            'model.load_state_dict(checkpoint["model"])',
            'model.train().load_state_dict(checkpoint["model"])',
        ),
        "loading unfreezes": (
            'model.load_state_dict(checkpoint["model"])',
            'model.requires_grad_(True).load_state_dict(checkpoint["model"])',
        ),
    },
    "safe": {
        "code in the file is run": ("weights_only=True", "weights_only=False"),
        "left to the default": (", weights_only=True", ""),
        "code is run where weights alone fail": (
            "        except Exception as error:\n",
            "        except Exception:\n"
            "            file.seek(0)\n"
            "            return torch.load(file, weights_only=False)\n"
            "        except BaseException as error:\n",
        ),
    },
    "missing": {
        "no file: ValueError": (
            '    with open(path, "rb") as file:\n',
            "    if not Path(path).exists():\n"
            '        raise ValueError(f"no file {path}")\n'
            '    with open(path, "rb") as file:\n',
        ),
        "no file: epoch 0": (
            '    with open(path, "rb") as file:\n',
            "    if not Path(path).exists():\n        return 0\n"
            '    with open(path, "rb") as file:\n',
        ),
        "an empty file made": (
            '    with open(path, "rb") as file:\n',
            '    Path(path).touch()\n    with open(path, "rb") as file:\n',
        ),
    },
    "strict": {
        "strict=False": (
            'model.load_state_dict(checkpoint["model"])',
            'model.load_state_dict(checkpoint["model"], strict=False)',
        ),
        "what does not fit is left out": (
            '    model.load_state_dict(checkpoint["model"])',
            "    own = model.state_dict()\n"
            '    fits = {k: v for k, v in checkpoint["model"].items() if k in own '
            "and own[k].shape == v.shape}\n    model.load_state_dict({**own, **fits})",
        ),
    },
    "folders": {
        "missing folders not made": ("    path.parent.mkdir(parents=True, exist_ok=True)\n", ""),
        "only the last folder made": (
            "path.parent.mkdir(parents=True, exist_ok=True)",
            "path.parent.mkdir(exist_ok=True)",
        ),
    },
    "atomic": {
        "in memory first, then straight to path": """
import io

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    Path(path).write_bytes(buffer.getvalue())
""",
        "straight to path": """
def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    torch.save(state, path)
""",
        "old file kept as a backup meanwhile": """
def save_checkpoint(model, optimizer, epoch, path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    backup = path.with_name(path.name + ".bak")
    if path.exists():
        path.rename(backup)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    try:
        torch.save(state, path)
    except BaseException:
        path.unlink(missing_ok=True)
        if backup.exists():
            backup.rename(path)
        raise
    backup.unlink(missing_ok=True)
""",
        "old file deleted before the rename": (
            "        partial.replace(path)",
            "        path.unlink(missing_ok=True)\n        partial.rename(path)",
        ),
        "copied to path": (
            "        partial.replace(path)",
            "        path.write_bytes(partial.read_bytes())",
        ),
    },
    "beside": {
        "temporary file in the temporary folder": """
import os
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    handle, partial = tempfile.mkstemp()
    os.close(handle)
    try:
        torch.save(state, partial)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
""",
        "temporary file in the working directory": """
import os

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    partial = f"{Path(path).name}.tmp"
    try:
        torch.save(state, partial)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)
""",
        "moved from the temporary folder": """
import shutil
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    with tempfile.TemporaryDirectory() as folder:
        torch.save(state, Path(folder, "partial.pt"))
        shutil.move(Path(folder, "partial.pt"), path)
""",
        "a suffix that path may have itself": (
            'path.with_name(f"{path.name}.{uuid4().hex}")',
            'path.with_suffix(".tmp")',
        ),
        "a fixed name for the temporary file": (
            'path.with_name(f"{path.name}.{uuid4().hex}")',
            'path.with_name(f"{path.name}.partial")',
        ),
        "a fixed hidden name for the temporary file": (
            'path.with_name(f"{path.name}.{uuid4().hex}")',
            'path.with_name(f".{path.name}.tmp")',
        ),
        "the epoch in the temporary name": (
            'path.with_name(f"{path.name}.{uuid4().hex}")',
            'path.with_name(f"{path.name}.{epoch}.tmp")',
        ),
        "old temporary files cleared away": (
            "    try:\n        torch.save(state, partial)",
            "    for other in path.parent.glob(f'{path.name}.*'):\n"
            "        if other != path:\n            other.unlink()\n    try:\n"
            "        torch.save(state, partial)",
        ),
        "the old file kept as a backup": (
            "        partial.replace(path)",
            "        if path.exists():\n"
            "            path.with_name(f'{path.name}.bak').write_bytes(path.read_bytes())\n"
            "        partial.replace(path)",
        ),
    },
    "stopped": {
        "half a file left behind": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    finally:\n        pass",
        ),
        "the file of another name left behind if the rename fails": (
            "        partial.replace(path)\n    finally:\n"
            "        partial.unlink(missing_ok=True)  # there only if it was not renamed",
            "    except BaseException:\n"
            "        partial.unlink(missing_ok=True)\n        raise\n    partial.replace(path)",
        ),
        "moved into the folder that path is": (
            "        partial.replace(path)",
            '        __import__("shutil").move(partial, path)',
        ),
        "a cleaning that hides the error": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    except BaseException:\n        partial.unlink()\n        raise",
        ),
        "half a file left behind by an exit": (
            "        partial.replace(path)\n    finally:\n"
            "        partial.unlink(missing_ok=True)  # there only if it was not renamed",
            "        partial.replace(path)\n    except (Exception, KeyboardInterrupt):\n"
            "        partial.unlink(missing_ok=True)\n        raise",
        ),
        "half a file left behind by Ctrl-C": (
            "        partial.replace(path)\n    finally:\n"
            "        partial.unlink(missing_ok=True)  # there only if it was not renamed",
            "        partial.replace(path)\n    except Exception:\n"
            "        partial.unlink(missing_ok=True)\n        raise",
        ),
        "the error swallowed": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    except Exception:\n        partial.unlink(missing_ok=True)",
        ),
        "the error replaced": (
            "        partial.replace(path)\n    finally:",
            "        partial.replace(path)\n    except OSError as error:\n"
            '        raise RuntimeError("not saved") from error\n    finally:',
        ),
        "a message for Ctrl-C, no error": (
            "    finally:\n        partial.unlink(missing_ok=True)",
            "    except KeyboardInterrupt:\n        print('stopped')\n    finally:\n"
            "        partial.unlink(missing_ok=True)",
        ),
        "a folder in the way removed": (
            "        partial.replace(path)",
            "        if path.is_dir():\n            path.rmdir()\n        partial.replace(path)",
        ),
    },
    "device": {
        "the device of the writer": ('map_location="cpu", weights_only', "weights_only"),
        "the GPU if there is one": (
            'map_location="cpu", weights_only',
            'map_location="cuda" if torch.cuda.is_available() else None, weights_only',
        ),
        "the model moved to the CPU": (
            '    model.load_state_dict(checkpoint["model"])',
            '    model.to_empty(device="cpu").load_state_dict(checkpoint["model"])',
        ),
    },
    "damaged": {
        "values not looked at": (
            "if not isinstance(checkpoint.get(key), kind)]",
            "if key not in checkpoint]",
        ),
        "the epoch's value not looked at": (
            '"optimizer": dict, "epoch": int}',
            '"optimizer": dict, "epoch": (int, str)}',
        ),
        "only RuntimeError is expected": (
            "except Exception as error",
            "except RuntimeError as error",
        ),
        "the three documented errors are expected": (
            "except Exception as error",
            'except (RuntimeError, EOFError, __import__("pickle").UnpicklingError) as error',
        ),
        "errors passed on as RuntimeError": (
            'raise ValueError(f"{path} is no checkpoint: {type(error)',
            'raise RuntimeError(f"{path} is no checkpoint: {type(error)',
        ),
        "the whole text of torch in the message": ("{type(error).__name__}", "{error}"),
        "a message without the path": (
            'f"{path} is no checkpoint: {type(error).__name__}"',
            'f"no checkpoint: {type(error).__name__}"',
        ),
        "missing keys without the path": (
            "{path} is no checkpoint: missing",
            "no checkpoint: missing",
        ),
        "only the first missing key": ("{', '.join(wrong)}", "{wrong[0]}"),
        "missing keys not named": ("wrong {', '.join(wrong)}", "wrong keys"),
        "KeyError": ("    if wrong:\n", "    if False:\n"),
        "keys looked at one by one": """
def load_checkpoint(path, model, optimizer=None):
    with open(path, "rb") as file:
        try:
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(f"{path} is no checkpoint") from error
    try:
        model.load_state_dict(checkpoint["model"])
        if optimizer is not None:
            optimizer.load_state_dict(checkpoint["optimizer"])
        return checkpoint["epoch"]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} lacks {error}") from error
""",
        "optimizer's key only with an optimizer": (
            "if not isinstance(checkpoint.get(key), kind)]",
            'if not isinstance(checkpoint.get(key), kind) and (optimizer or key != "optimizer")]',
        ),
        "what is no dict": ("    if not isinstance(checkpoint, dict):\n", "    if False:\n"),
        "a list with the right words": (
            "not isinstance(checkpoint, dict)",
            "not isinstance(checkpoint, (dict, list))",
        ),
        "the model loaded before the keys are looked at": (
            "    kinds = {",
            '    if isinstance(checkpoint.get("model"), dict):\n'
            '        model.load_state_dict(checkpoint["model"])\n    kinds = {',
        ),
        "an empty file taken for a new start": (
            '    with open(path, "rb") as file:\n',
            "    if Path(path).stat().st_size == 0:\n        return 0\n"
            '    with open(path, "rb") as file:\n',
        ),
    },
    "order": {
        "optimizer loaded before the model": (
            '    model.load_state_dict(checkpoint["model"])\n    if optimizer is not None:\n'
            '        optimizer.load_state_dict(checkpoint["optimizer"])\n',
            "    if optimizer is not None:\n"
            '        optimizer.load_state_dict(checkpoint["optimizer"])\n'
            '    model.load_state_dict(checkpoint["model"])\n',
        ),
    },
}

VARIANTS = {
    "a named temporary file": """
import os
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    state = dict(model=model.state_dict(), optimizer=optimizer.state_dict(), epoch=int(epoch))
    file = tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False)
    try:
        with file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, path)
    except BaseException:
        os.unlink(file.name)
        raise

def load_checkpoint(path, model, optimizer=None):
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    device = next(model.parameters()).device
    try:
        state = torch.load(path, weights_only=True, map_location=device)
    except Exception:
        raise ValueError(f"{path} cannot be read") from None
    gone = {"model", "optimizer", "epoch"}.difference(state if isinstance(state, dict) else ())
    if gone or not isinstance(state, dict):
        raise ValueError(f"{str(path)!r}: no {sorted(gone)}")
    if [isinstance(state[k], dict) for k in ("model", "optimizer", "epoch")] != [True, True, False]:
        raise ValueError(f"{path}: values of other types")
    if not isinstance(state["epoch"], int):
        raise ValueError(f"{path}: epoch {state['epoch']!r}")
    model.load_state_dict(state["model"], strict=True)
    if optimizer:
        optimizer.load_state_dict(state["optimizer"])
    return int(state["epoch"])
""",
    "in memory, then a rename": """
import io
import os

def save_checkpoint(model, optimizer, epoch, path):
    buffer = io.BytesIO()
    torch.save(
        {"epoch": epoch, "optimizer": optimizer.state_dict(), "model": model.state_dict()}, buffer
    )
    parent, name = os.path.split(path)
    parent = parent or "."
    os.makedirs(parent, exist_ok=True)
    partial = os.path.join(parent, f".{name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            file.write(buffer.getbuffer())
        os.rename(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.remove(partial)
        raise

def load_checkpoint(path, model, optimizer=None):
    data = Path(path).read_bytes()
    try:
        state = torch.load(
            io.BytesIO(data), map_location=lambda storage, location: storage, weights_only=True
        )
        missing = [k for k in ("model", "optimizer", "epoch") if k not in state.keys()]
    except Exception as error:
        first = (str(error).splitlines() or ["nothing in it"])[0]
        raise ValueError(f"{path}: not a checkpoint ({first})") from error
    if missing:
        raise ValueError(f"{path}: without {missing}")
    match state:
        case {"model": dict(), "optimizer": dict(), "epoch": int()}:
            pass
        case _:
            raise ValueError(f"{path}: foreign values")
    model.load_state_dict(state["model"])
    if optimizer is not None:
        optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]
""",
    "a temporary folder beside it": """
import tempfile

def save_checkpoint(model, optimizer, epoch, path):
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        partial = Path(folder) / "checkpoint"
        torch.save(state, partial)
        partial.rename(target)
""",
}
