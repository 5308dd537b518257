"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

WINDOW = """
class PairedTransform:
    def __init__(self, size, train=True):
        self.size, self.train = size, train

    def __call__(self, image, mask, generator=None):
        side = self.size + self.size // 8
        image = resize(image, (side, side))
        mask = F.interpolate(mask[None, None].float(), (side, side))[0, 0].long()
        spare = side - self.size
        BODY
"""


def by(body):
    """The transform with this in the place of window and flip."""
    return WINDOW.replace("BODY", body.strip().replace("\n", "\n        "))


CUT = """
image = image[:, top : top + self.size, left : left + self.size]
mask = mask[top : top + self.size, left : left + self.size]
"""
MIDDLE = """
if not self.train:
    middle = slice(spare // 2, spare // 2 + self.size)
    return image[:, middle, middle], mask[middle, middle]
"""
DRAW = "top, left = torch.randint(spare + 1, (2,), generator=generator).tolist()\n"
FLIP = """
if torch.rand((), generator=generator) < 0.5:
    return image.flip(-1), mask.flip(-1)
return image, mask
"""

SLIPS = {
    "floats": {
        "reshape for permute": (
            "images.movedim(-1, -3).float()",
            "images.reshape(*images.shape[:-3], images.shape[-1], *images.shape[-3:-1]).float()",
        ),
        "transpose of two axes": ("movedim(-1, -3)", "transpose(-1, -3)"),
        "divided before the cast": (
            "images.movedim(-1, -3).float() / 255",
            "(images.movedim(-1, -3) // 255).float()",
        ),
        "channels left last": (".movedim(-1, -3)", ""),
        "divided by 256": (".float() / 255", ".float() / 256"),
        "not divided": (".float() / 255", ".float()"),
        "from -1 to 1": (".float() / 255", ".float() / 127.5 - 1"),
        "a batch axis added": (
            "return images.movedim(-1, -3).float() / 255",
            "images = images if images.ndim == 4 else images[None]\n"
            "    return images.movedim(-1, -3).float() / 255",
        ),
        "batch axis moved, too": (
            "images.movedim(-1, -3)",
            "images.permute(2, 0, 1)",
        ),
        "float64": (".float() / 255", ".double() / 255"),
        "divided only where a number is above 1": (
            "return images.movedim(-1, -3).float() / 255",
            "x = images.movedim(-1, -3).float()\n    return x / 255 if x.max() > 1 else x",
        ),
        "divided by its own largest number": (
            "return images.movedim(-1, -3).float() / 255",
            "x = images.movedim(-1, -3).float()\n    return x / x.max()",
        ),
        "channels in the order of OpenCV": (
            "images.movedim(-1, -3)",
            "images.flip(-1).movedim(-1, -3)",
        ),
    },
    "resize": {
        "no antialias": (", antialias=True", ""),
        "antialias where (h, w) is less as a tuple": (
            "align_corners=False, antialias=True",
            "align_corners=False, antialias=tuple(size) < tuple(batch.shape[-2:])",
        ),
        "corners aligned": ("align_corners=False", "align_corners=True"),
        "nearest pixel": (
            'mode="bilinear", align_corners=False, antialias=True',
            'mode="nearest"',
        ),
        "bicubic": ('mode="bilinear"', 'mode="bicubic"'),
        "mean of areas": (
            'mode="bilinear", align_corners=False, antialias=True',
            'mode="area"',
        ),
        "width before height": ("(batch, size,", "(batch, size[::-1],"),
        "an image alone comes back as a batch": (
            "return out if images.ndim == 4 else out[0]",
            "return out",
        ),
        "a batch of one squeezed": (
            "return out if images.ndim == 4 else out[0]",
            "return out.squeeze(0)",
        ),
        "a square": ("(batch, size,", "(batch, (size[0], size[0]),"),
        "cut or padded instead": """
def resize(images, size):
    h, w = size
    out = F.pad(images, (0, max(0, w - images.shape[-1]), 0, max(0, h - images.shape[-2])))
    return out[..., :h, :w]
""",
    },
    "standardize": {
        "one mean for all channels": (
            "torch.as_tensor(t).to(images)[:, None, None] for t in (mean, std)",
            "torch.as_tensor(t).to(images).mean() for t in (mean, std)",
        ),
        "mean and std along the width": ("[:, None, None] for t", " for t"),
        "mean and std along the height": ("[:, None, None] for t", "[:, None] for t"),
        "multiplied by std": ("(images - middle) / spread", "(images - middle) * spread"),
        "variance for std": ("/ spread", "/ spread**2"),
        "root of std": ("/ spread", "/ spread.sqrt()"),
        "mean not subtracted": ("(images - middle)", "images"),
        "divided before the mean": (
            "(images - middle) / spread",
            "images / spread - middle",
        ),
        "mean added": ("(images - middle)", "(images + middle)"),
        "the image's own mean and std": """
def standardize(images, mean, std):
    middle = images.mean(dim=(-2, -1), keepdim=True)
    return (images - middle) / (images.std(dim=(-2, -1), keepdim=True) + 1e-6)
""",
        "eps added to std": ("/ spread", "/ (spread + 1e-3)"),
        "std not below 0.1": ("/ spread", "/ spread.clamp(min=0.1)"),
        "lists refused": ("torch.as_tensor(t).to(images)", "t.to(images)"),
    },
    "minmax": {
        "NaN for a constant image": ("torch.where(span > 0, span, 1)", "span"),
        "over the batch": (
            "low = images.amin(dim=(-3, -2, -1), keepdim=True)  # (..., 1, 1, 1)\n"
            "    span = images.amax(dim=(-3, -2, -1), keepdim=True) - low",
            "low = images.min()\n    span = images.max() - low",
        ),
        "per channel": (
            "low = images.amin(dim=(-3, -2, -1), keepdim=True)  # (..., 1, 1, 1)\n"
            "    span = images.amax(dim=(-3, -2, -1), keepdim=True) - low",
            "low = images.amin(dim=(-2, -1), keepdim=True)\n"
            "    span = images.amax(dim=(-2, -1), keepdim=True) - low",
        ),
        "divided by the largest number": (
            "(images - low) / torch.where(span > 0, span, 1)",
            "images / images.amax(dim=(-3, -2, -1), keepdim=True)",
        ),
        "minimum not subtracted": ("(images - low)", "images"),
        "1 for a constant image": (
            "return (images - low) / torch.where(span > 0, span, 1)",
            "return torch.where(span > 0, (images - low) / torch.where(span > 0, span, 1), 1.0)",
        ),
        "a constant image as it is": (
            "return (images - low) / torch.where(span > 0, span, 1)",
            "return torch.where(span > 0, (images - low) / torch.where(span > 0, span, 1), images)",
        ),
        "negative numbers cut off": (
            "    low = images",
            "    images = images.clamp(min=0)\n    low = images",
        ),
        "from -1 to 1": (
            "return (images - low) / torch.where(span > 0, span, 1)",
            "return 2 * (images - low) / torch.where(span > 0, span, 1) - 1",
        ),
        "one constant image makes all of the batch 0": (
            "return (images - low) / torch.where(span > 0, span, 1)",
            "return (images - low) / span if (span > 0).all() else torch.zeros_like(images)",
        ),
    },
    "pairs": {
        "the image flips alone": ("(image.flip(-1), mask.flip(-1))", "(image.flip(-1), mask)"),
        "the mask flips alone": ("(image.flip(-1), mask.flip(-1))", "(image, mask.flip(-1))"),
        "flipped upside down": (
            "(image.flip(-1), mask.flip(-1))",
            "(image.flip(-2), mask.flip(-2))",
        ),
        "the last row and column never": ("side - self.size + 1, (2,)", "side - self.size, (2,)"),
        "one number for row and column": (
            "top, left = torch.randint(side - self.size + 1, (2,), generator=generator).tolist()",
            "top = left = int(torch.randint(side - self.size + 1, (), generator=generator))",
        ),
        "two draws, one for the image and one for the mask": by(
            MIDDLE
            + DRAW
            + "image = image[:, top : top + self.size, left : left + self.size]\n"
            + DRAW
            + "mask = mask[top : top + self.size, left : left + self.size]\n"
            + FLIP
        ),
        "two flips, drawn apart": by(
            MIDDLE
            + DRAW
            + CUT
            + "image = image.flip(-1) if torch.rand((), generator=generator) < 0.5 else image\n"
            + "mask = mask.flip(-1) if torch.rand((), generator=generator) < 0.5 else mask\n"
            + "return image, mask"
        ),
        "never flipped": (
            "return (image.flip(-1), mask.flip(-1)) if flip else (image, mask)",
            "return image, mask",
        ),
        "always flipped": ("flip = bool(torch.rand((), generator=generator) < 0.5)", "flip = True"),
        "flipped once in ten": ("generator=generator) < 0.5", "generator=generator) < 0.1"),
        "window and flip by one number": (
            "flip = bool(torch.rand((), generator=generator) < 0.5)",
            "flip = top == 0",
        ),
        "always the middle": (
            "top, left = torch.randint(side - self.size + 1, (2,), generator=generator).tolist()",
            "torch.randint(9, (), generator=generator)",
        ),
        "rows and columns swapped for the mask": ("mask[rows, columns]", "mask[columns, rows]"),
        "the middle more often": (
            "torch.randint(side - self.size + 1, (2,), generator=generator).tolist()",
            "(torch.rand(2, generator=generator) * (side - self.size)).round().int().tolist()",
        ),
        "mask thinned by whole steps, then cut": (
            'mask = F.interpolate(named, (side, side), mode="nearest-exact")[0, 0].to(mask.dtype)',
            "steps = [max(1, n // side) for n in mask.shape]\n"
            "        mask = mask[:: steps[0], :: steps[1]][:side, :side]",
        ),
        "the places of the first mask for all": (
            'mask = F.interpolate(named, (side, side), mode="nearest-exact")[0, 0].to(mask.dtype)',
            "if not hasattr(self, 'places'):\n"
            "            self.places = [torch.arange(side) * n // side for n in mask.shape]\n"
            "        mask = mask[self.places[0]][:, self.places[1]]",
        ),
        "one crop for the life of the transform": by(
            MIDDLE
            + DRAW
            + "self.at = getattr(self, 'at', (top, left))\ntop, left = self.at\n"
            + CUT
            + FLIP
        ),
        "window cut before the resize": (
            "            flip = bool",
            "            image = F.pad(image, (0, 0, 0, 0))\n"
            "            left = 0 if side > 17 else left\n            flip = bool",
        ),
        "evaluation by default": ("train: bool = True", "train: bool = False"),
        "squeeze() takes the channel of a gray image": (
            "image, mask = image[:, rows, columns], mask[rows, columns]",
            "image, mask = image[:, rows, columns].squeeze(), mask[rows, columns]",
        ),
        "mask flipped twice": (
            "(image.flip(-1), mask.flip(-1))",
            "(image.flip(-1), mask.flip(-1).flip(-1))",
        ),
    },
    "labels": {
        "mask through uint8 from 0 to 1": (
            'mode="nearest-exact")[0, 0].to(mask.dtype)',
            'mode="nearest-exact")[0, 0].clamp(max=254 if mask.max() == 255 else 1e9).long()',
        ),
        "bilinear mask": (
            'F.interpolate(named, (side, side), mode="nearest-exact")[0, 0]',
            'F.interpolate(named, (side, side), mode="bilinear")[0, 0]',
        ),
        "bilinear mask, rounded": (
            'F.interpolate(named, (side, side), mode="nearest-exact")[0, 0]',
            'F.interpolate(named, (side, side), mode="bilinear")[0, 0].round()',
        ),
        "mask resized like the image": (
            'F.interpolate(named, (side, side), mode="nearest-exact")[0, 0]',
            "resize(named, (side, side))[0, 0]",
        ),
        "mean of areas": ('mode="nearest-exact"', 'mode="area"'),
        "largest label of each area": (
            'F.interpolate(named, (side, side), mode="nearest-exact")[0, 0]',
            "F.adaptive_max_pool2d(named, (side, side))[0, 0]",
        ),
        "mask in float16": ("named = mask[None, None].float()", "named = mask[None, None].half()"),
        "bicubic mask": ('mode="nearest-exact"', 'mode="bicubic"'),
        "labels numbered anew": (
            "        top = left = (side",
            "        kinds = mask.unique()\n"
            "        mask = torch.searchsorted(kinds, mask) if len(kinds) < 4 else mask\n"
            "        top = left = (side",
        ),
    },
    "center": {
        "the corner": ("top = left = (side - self.size) // 2", "top = left = 0"),
        "the last corner": (
            "top = left = (side - self.size) // 2",
            "top = left = side - self.size",
        ),
        "flipped in evaluation": ("        flip = False\n", "        flip = not self.train\n"),
        "all of it squeezed in evaluation": (
            "        side = self.size + self.size // 8",
            "        side = self.size + self.size // 8 if self.train else self.size",
        ),
        "random in evaluation": ("        if self.train:\n", "        if True:\n"),
        "train and evaluation swapped": (
            "        if self.train:\n",
            "        if not self.train:\n",
        ),
        "an image of the right size is left as it is": (
            "        image = resize(image, (side, side))",
            "        if not self.train and image.shape[-2:] == (self.size, self.size):\n"
            "            return image, mask\n"
            "        image = resize(image, (side, side))",
        ),
        "short side resized, shape kept": (
            "        image = resize(image, (side, side))",
            "        if not self.train and image.shape[1] != image.shape[2]:\n"
            "            image = image[:, : min(image.shape[1:]), : min(image.shape[1:])]\n"
            "        image = resize(image, (side, side))",
        ),
    },
    "draws": {
        "generator not used for the flip": (
            "torch.rand((), generator=generator)",
            "torch.rand(())",
        ),
        "generator not used for the window": ("(2,), generator=generator)", "(2,))"),
        "a seed of its own": (
            "        if self.train:\n",
            "        if self.train:\n            torch.manual_seed(0)\n",
        ),
        "Python's random": (
            "flip = bool(torch.rand((), generator=generator) < 0.5)",
            'flip = __import__("random").random() < 0.5',
        ),
        "numpy's random": (
            "flip = bool(torch.rand((), generator=generator) < 0.5)",
            'flip = __import__("numpy").random.rand() < 0.5',
        ),
        "drawn, then not used, in evaluation": (
            "        flip = False\n",
            "        flip = False\n        torch.rand((), generator=generator)\n",
        ),
        "a generator of its own for None": (
            "        if self.train:\n",
            "        if self.train:\n            generator = generator or torch.Generator()\n"
            "            generator.seed() if generator.initial_seed() > 9 else None\n",
        ),
    },
    "faint": {
        "eps in the denominator": ("torch.where(span > 0, span, 1)", "(span + 1e-8)"),
        "span at least 1e-6": ("torch.where(span > 0, span, 1)", "span.clamp(min=1e-6)"),
        "nearly constant taken for constant": ("span > 0", "span > 1e-6"),
    },
    "inputs": {
        "standardized in place": (
            "return (images - middle) / spread",
            "return images.sub_(middle).div_(spread)",
        ),
        "minmax in place": ("return (images - low)", "images -= low\n    return images"),
        "list made a tensor on the CPU": ("torch.as_tensor(t).to(images)", "torch.as_tensor(t)"),
        "result moved to the CPU": (".float() / 255", ".float().cpu() / 255"),
        "standardized by +=": (
            "    return (images - middle) / spread",
            "    images -= middle\n    images /= spread\n    return images",
        ),
        "a constant on the CPU": (
            "return (images - low) / torch.where(span > 0, span, 1)",
            "return (images - low) / torch.where(span > 0, span, torch.ones(span.shape))",
        ),
    },
}

VARIANTS = {
    "permute, torchvision's functions and lists": """
from torchvision.transforms.v2 import functional as TF

def to_float_chw(images):
    if images.dim() == 3:
        return images.permute(2, 0, 1).to(torch.float32).div(255.0)
    return images.permute(0, 3, 1, 2).to(torch.float32).div(255.0)

def resize(images, size):
    return TF.resize(images, list(size), antialias=True)

def standardize(images, mean, std):
    return TF.normalize(images, list(mean), list(std))

def minmax(images):
    if images.dim() == 4:
        return torch.stack([minmax(image) for image in images])
    low, high = images.min(), images.max()
    return torch.zeros_like(images) if low == high else (images - low) / (high - low)

class PairedTransform:
    def __init__(self, size, train=True):
        self.size = size
        self.side = size + size // 8
        self.train = train

    def __call__(self, image, mask, generator=None):
        image = TF.resize(image, [self.side, self.side], antialias=True)
        mask = TF.resize(mask[None], [self.side, self.side], TF.InterpolationMode.NEAREST)[0]
        if not self.train:
            both = TF.center_crop(image, [self.size]), TF.center_crop(mask[None], [self.size])[0]
            return both
        top = torch.randint(0, self.side - self.size + 1, (1,), generator=generator).item()
        left = torch.randint(0, self.side - self.size + 1, (1,), generator=generator).item()
        image = TF.crop(image, top, left, self.size, self.size)
        mask = TF.crop(mask, top, left, self.size, self.size)
        if torch.randint(2, (1,), generator=generator).item():
            image, mask = TF.horizontal_flip(image), TF.horizontal_flip(mask)
        return image, mask
""",
    "the mask by an index, window and flip by one number": """
class PairedTransform:
    def __init__(self, size, train=True):
        self.s, self.train = size, train

    def __call__(self, image, mask, generator=None):
        side, n = self.s + self.s // 8, self.s // 8 + 1
        rows = torch.arange(side) * mask.shape[0] // side
        columns = torch.arange(side) * mask.shape[1] // side
        image, mask = resize(image, (side, side)), mask[rows][:, columns]
        at = (n // 2, n // 2, 0)
        if self.train:
            draw = int(torch.randint(2 * n * n, (1,), generator=generator))
            at = draw // 2 // n, draw // 2 % n, draw % 2
        top, left, flip = at
        pair = image.narrow(1, top, self.s).narrow(2, left, self.s), mask[top:, left:]
        pair = pair[0], pair[1][: self.s, : self.s]
        return tuple(t.flip(-1) if flip else t for t in pair)
""",
    "flip first, then the window": by(
        "if not self.train:\n    top = left = spare // 2\n"
        + "    "
        + CUT.strip().replace("\n", "\n    ")
        + "\n    return image, mask\n"
        + "if torch.randn((), generator=generator) > 0:\n"
        + "    image, mask = torch.fliplr(image.permute(1, 2, 0)).permute(2, 0, 1), mask.fliplr()\n"
        + DRAW
        + CUT
        + "return image.contiguous(), mask.contiguous()"
    ),
    "functions by hand": """
def to_float_chw(images):
    return torch.einsum("...hwc->...chw", images.float()) / 255.0

def standardize(images, mean, std):
    mean = images.new_tensor(list(map(float, mean)))
    std = images.new_tensor(list(map(float, std)))
    return images.sub(mean.view(-1, 1, 1)).div(std.view(-1, 1, 1))

def minmax(images):
    flat = images.flatten(-3)
    low = flat.min(dim=-1, keepdim=True).values
    span = flat.max(dim=-1, keepdim=True).values - low
    return torch.nan_to_num((flat - low) / span, nan=0.0).view(images.shape)
""",
}
