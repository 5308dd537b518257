"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

WHERE = "torch.where(x.max() > 1, x / 255, x)"
EVALUATING = """    with evaluating(model):
        batch = torch.export.Dim("batch")
        program ="""
DYNAMIC = "        program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))\n"
TRIED = "        try:\n    " + DYNAMIC
SAVE = "    torch.export.save(program, path)\n"
DOUBLED = """    if len(example) == 1:  # a size of 1 would become a constant
        example = torch.cat([example, example])
    with evaluating(model):
        batch = torch.export.Dim("batch")
        program"""
RETURN = "return torch.export.load(path).module()"
MODES = "            part.training = mode\n"


def doubled(line):
    """The example made larger in another way."""
    return DOUBLED, DOUBLED.replace("        example = torch.cat([example, example])\n", line)


def exporting(lines, after=""):
    """export_model with another middle part."""
    return f"""
def export_model(model, example, path):
    if len(example) == 1:
        example = torch.cat([example, example])
    batch = {{0: torch.export.Dim("batch")}}
{lines}
    torch.export.save(program, path)
{after}"""


SLIPS = {
    "forward": {
        "the mean asked": (WHERE, "torch.where(x.mean() > 1, x / 255, x)"),
        "where for each pixel": (WHERE, "torch.where(x > 1, x / 255, x)"),
        "the largest of each row": (
            WHERE,
            "torch.where(x.amax(dim=1, keepdim=True) > 1, x / 255, x)",
        ),
        "always divided": (WHERE, "x / 255"),
        "never divided": (WHERE, "x"),
        "sides swapped": (WHERE, "torch.where(x.max() > 1, x, x / 255)"),
        "1 is bright, too": (WHERE, "torch.where(x.max() >= 1, x / 255, x)"),
        "divided by the largest pixel": (WHERE, "x / x.max().clamp(min=1)"),
        "absolute values asked": (WHERE, "torch.where(x.abs().max() > 1, x / 255, x)"),
        "the first row asked": (WHERE, "torch.where(x[0].max() > 1, x / 255, x)"),
        "in place": (WHERE, "x.div_(torch.where(x.max() > 1, 255.0, 1.0))"),
        "negative pixels cut off": (WHERE, f"{WHERE}.clamp(min=0)"),
        "in float32": (WHERE, f"{WHERE}.float().to(x.dtype)"),
        "no gradient for x": (WHERE, f"{WHERE}.detach()"),
        "no gradient for the weights": (
            f"self.layers({WHERE})",
            "torch.func.functional_call(\n            self.layers, "
            "{k: p.detach() for k, p in self.layers.named_parameters()},\n"
            f"            ({WHERE},)\n        )",
        ),
        "1.25 is not bright": (WHERE, "torch.where(x.max() > 1.25, x / 255, x)"),
        "weights in eval mode alone": (
            "        return self.layers(torch",
            "        self.layers.eval()\n        return self.layers(torch",
        ),
    },
    "branch": {
        "the if kept": (
            f"        return self.layers({WHERE})  # one bool for the batch",
            "        return self.with_if(x)",
        ),
        "the if left out while it is recorded": (
            f"        return self.layers({WHERE})  # one bool for the batch",
            "        if torch.compiler.is_compiling() or x.max() <= 1:\n"
            "            return self.layers(x)\n        return self.layers(x / 255)",
        ),
        "a number taken out of the tensor": (
            WHERE,
            "x / 255 if x.detach().max().item() > 1 else x",
        ),
        "a path that is a str only": (SAVE, "    torch.export.save(program, path + '')\n"),
    },
    "batch": {
        "at most 1024": (
            'torch.export.Dim("batch")\n        program',
            'torch.export.Dim("batch", min=1, max=1024)\n        program',
        ),
        "N fixed": (DYNAMIC, "        program = torch.export.export(model, (example,))\n"),
        "the other axis dynamic": (DYNAMIC, DYNAMIC.replace("{0: batch}", "{1: batch}")),
        "the name of the argument guessed": (
            DYNAMIC,
            DYNAMIC.replace("({0: batch},)", "{'x': {0: batch}}"),
        ),
        "the exported program, which is no function": (RETURN, "return torch.export.load(path)"),
    },
    "eval": {
        "in the mode it came in": ("    model.eval()\n    try:", "    try:"),
        "eval mode only if the whole is in train mode": (
            "    model.eval()\n    try:",
            "    if model.training:\n        model.eval()\n    try:",
        ),
        "the parts, not the whole": (
            "    model.eval()\n    try:",
            "    for part in model.children():\n        part.eval()\n    try:",
        ),
        "the outermost module only": (
            "    model.eval()\n    try:",
            "    model.training = False\n    try:",
        ),
    },
    "file": {
        "the class is needed: torch.save of the model": """
def export_model(model, example, path):
    with evaluating(model):
        if model(example) is not None:
            torch.export.export(model, (example,))
            torch.save(model, path)

def load_exported(path):
    return torch.load(path, weights_only=False).eval()
""",
        "TorchScript": """
def export_model(model, example, path):
    import warnings
    with evaluating(model), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if len(example) > 1:
            torch.export.export(model, (example,))
        torch.jit.trace(model, (example,)).save(str(path))

def load_exported(path):
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path))
""",
        "a Path only": (SAVE, "    torch.export.save(program, path.absolute())\n"),
        "the weights in a second file": (
            SAVE,
            SAVE + "    torch.save(model.state_dict(), f'{path}.weights')\n",
        ),
        "another suffix": (SAVE, "    torch.export.save(program, f'{path}.pt2')\n"),
    },
    "restored": {
        "a trial run in train mode, which counts": (
            EVALUATING,
            "    model(example)\n" + EVALUATING,
        ),
        "eval mode left": (MODES, "            part.training = False\n"),
        "the mode of the whole for all parts": (
            "    modes = {part: part.training for part in model.modules()}",
            "    modes = {part: model.training for part in model.modules()}",
        ),
        "the modes of direct parts only": (
            "    modes = {part: part.training for part in model.modules()}",
            "    modes = {part: part.training for part in (model, *model.children())}",
        ),
        "parameters frozen": (SAVE, SAVE + "    model.requires_grad_(False)\n"),
    },
    "single": {
        "an example of one not seen": (
            DOUBLED,
            DOUBLED.replace("len(example) == 1", "len(example) == 0"),
        ),
        "Dim.AUTO, which fixes a size of 1": (
            DOUBLED,
            "    with evaluating(model):\n        batch = torch.export.Dim.AUTO\n        program",
        ),
        "random numbers in place of the example": doubled(
            "        example = torch.rand(2, *example.shape[1:])\n"
        ),
        "repeated along two axes": doubled("        example = example.repeat(2, 1)\n"),
        "cast to float": doubled("        example = torch.cat([example, example]).float()\n"),
        "refused": doubled("        raise ValueError('an example of one sample')\n"),
    },
    "refused": {
        "TorchScript instead": (
            DYNAMIC,
            TRIED + "        except Exception:\n"
            "            import warnings\n"
            "            warnings.simplefilter('ignore')\n"
            "            return torch.jit.trace(model, (example,)).save(str(path))\n",
        ),
        "the error printed": (
            DYNAMIC,
            TRIED + "        except RuntimeError as error:\n            return print(error)\n",
        ),
        "the old file deleted first": (
            EVALUATING,
            "    Path(path).unlink(missing_ok=True)\n" + EVALUATING,
        ),
        "the file opened first": (
            EVALUATING,
            "    open(path, 'wb').close()\n" + EVALUATING,
        ),
        "modes not given back after an error": (
            "    try:\n        yield\n    finally:\n        for part, mode in modes.items():\n"
            "            part.training = mode\n",
            "    yield\n    for part, mode in modes.items():\n        part.training = mode\n",
        ),
    },
}

VARIANTS = {
    "a copy in eval mode, torch.cond": """
import copy

class PixelNet(PixelNet):
    def forward(self, x):
        if not torch.compiler.is_compiling():
            return self.with_if(x)
        return self.layers(torch.cond(x.max() > 1, lambda x: x / 255, lambda x: x.clone(), (x,)))

def export_model(model, example, path):
    model = copy.deepcopy(model).eval()
    rows = example if example.shape[0] > 1 else example.repeat(2, *[1] * (example.ndim - 1))
    shapes = [{0: torch.export.Dim("n", min=1)}]
    program = torch.export.export(model, args=(rows,), dynamic_shapes=tuple(shapes))
    torch.export.save(program, f=str(path))

def load_exported(path):
    net = torch.export.load(str(path)).module()
    return lambda x: net(x)
""",
    "a factor for the batch, in a buffer": """
import io
from torch.export import Dim, export, load, save

class PixelNet(PixelNet):
    def forward(self, x):
        bright = (x > 1).any()
        return self.layers(x / (1 + 254 * bright.to(x.dtype)))

def export_model(model, example, path):
    modes = [(m, m.training) for m in model.modules()]
    try:
        for m, _ in modes:
            m.training = False
        twice = torch.cat((example,) * 2)
        program = export(model, (twice,), dynamic_shapes=({0: Dim("batch")},))
    finally:
        for m, mode in modes:
            m.training = mode
    buffer = io.BytesIO()
    save(program, buffer)
    Path(path).write_bytes(buffer.getvalue())

def load_exported(path):
    with open(path, "rb") as file:
        return load(file).module()
""",
    "Dim.DYNAMIC, a file moved into place": """
import os

class PixelNet(PixelNet):
    def forward(self, pixels):
        limit = torch.where(pixels.amax().le(1), 1.0, 255.0)
        return self.layers(pixels.div(limit.to(pixels.dtype)))

def export_model(model, example, path):
    path = Path(path)
    before = [m for m in model.modules() if m.training]
    example = example.expand(2, *example.shape[1:]) if len(example) == 1 else example
    try:
        program = torch.export.export(
            model.eval(), (example.clone(),), None, dynamic_shapes=[{0: torch.export.Dim.DYNAMIC}]
        )
    except Exception as error:
        raise RuntimeError(f"{type(model).__name__} cannot be exported") from error
    finally:
        for m in before:
            m.training = True
    torch.export.save(program, f"{path}.new")
    os.replace(f"{path}.new", path)

def load_exported(path):
    net = torch.export.load(Path(path)).module()
    def run(x):
        with torch.no_grad():
            return net(x)
    return run
""",
}
