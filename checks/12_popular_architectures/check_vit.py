"""What challenge_vit.py requires: patches, tokens, torchvision's block with the same weights.

The map of a patch is found from images with one pixel, so that a linear layer and a convolution are
judged alike. What blocks get and give is noted by hooks.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.vision_transformer import EncoderBlock

from checks.modules import gradients_flow, keeps_dtypes, keeps_inputs
from checks.tools import call_of, close, draws_nothing, equal, filled, refuses, result_of

SIZES = 8, 4, 3, 5, 12, 2, 3, 1.5  # 4 patches, D 12, 2 blocks with 18 inside
NAMES = {"norm": "ln_", "self_attn": "self_attention", "linear1": "mlp.0", "linear2": "mlp.3"}


def patches(PatchEmbedding):
    for side, size, channels, dim in ((4, 2, 1, 1), (6, 2, 3, 5), (6, 3, 2, 4), (5, 5, 1, 3)):
        name, grid = call_of("PatchEmbedding", side, size, channels, dim), side // size
        embed = PatchEmbedding(side, size, channels, dim)
        assert isinstance(embed.proj, nn.Linear | nn.Conv2d), f"{name}: .proj is {embed.proj}"
        count = embed.num_patches
        equal(f"{name}: num_patches is", (type(count).__name__, count), ("int", grid**2))
        got = {key: p.numel() for key, p in embed.named_parameters()}
        want = {"proj.weight": dim * channels * size**2, "proj.bias": dim}
        equal(f"{name}: parameters have sizes", got, want)
        filled(embed).double().requires_grad_(False)
        x = torch.randn(2, channels, side, side).double() + 3
        for batch in (x, x[:1], x[:1].repeat(grid**2, 1, 1, 1)):
            what = f"{name}, x {tuple(batch.shape)}"
            out = result_of(what, embed, batch)
            equal(f"{what}: shape", tuple(out.shape), (len(batch), grid**2, dim))
            alone = embed(batch[-1:])[0]
            close(out[-1], alone, f"{what}: tokens of the last image, against that image alone")
        black, bias, lit = 0 * x[:1], embed.proj.bias, f"{name}, an image of 0s"
        close(embed(black)[0], bias.expand(grid**2, -1), f"{lit}: tokens, against the bias")
        for at in range(grid**2):
            one, row, column = black.clone(), at // grid, at % grid
            one.unflatten(3, (grid, size)).unflatten(2, (grid, size))[:, :, row, :, column] = 3
            moved = [i for i, t in enumerate(embed(one)[0]) if not torch.allclose(t, bias)]
            what = f"{lit}, but 3s in the patch of row {row}, column {column}"
            equal(f"{what}: tokens that are not the bias:", moved, [at])
        weight = kernel(embed, channels, side, size)
        columns = torch.cdist(weight.flatten(1).mT, embed.proj.weight.flatten(1).mT) < 1e-6
        once = (columns.sum(0) == 1).all() and (columns.sum(1) == 1).all()
        assert once, f"{name}: a patch's pixels are not weighed by a column of .proj's weight each"
        want = F.conv2d(x, weight, bias, stride=size).flatten(2).mT
        close(embed(x), want, f"{name}: tokens, against the map of patch 0 for every patch")


def parts(PatchEmbedding, ViT):
    for *sizes, depth, heads, ratio in (
        SIZES,
        (6, 2, 2, 4, 12, 1, 2, 1.3),
        (4, 4, 1, 3, 12, 3, 3, 4.0),
    ):
        given = (*sizes, depth, heads, ratio)[: 7 + (ratio != 4)]
        name, model, like = call_of("ViT", *given), ViT(*given), nn.Module()
        equal(f"{name}: patch_embed is", type(model.patch_embed).__name__, PatchEmbedding.__name__)
        like.cls_token, like.pos_embed = (
            nn.Parameter(torch.zeros(1, n, 12)) for n in (1, 1 + (sizes[0] // sizes[1]) ** 2)
        )
        block = nn.TransformerEncoderLayer(12, heads, int(12 * ratio))
        like.blocks, like.norm = nn.ModuleList([block] * depth), nn.LayerNorm(12)
        like.head, like.patch_embed = nn.Linear(12, sizes[3]), PatchEmbedding(*sizes[:3], 12)
        for part in ("blocks", "norm", "head"):
            kinds = [type(getattr(m, part)).__name__ for m in (model, like)]
            equal(f"{name}: {part} is", *kinds)
        kinds = [type(m).__name__ for m in model.blocks]
        equal(f"{name}: blocks are", kinds, ["TransformerEncoderLayer"] * depth)
        got, want = ({k: tuple(t.shape) for k, t in m.state_dict().items()} for m in (model, like))
        equal(f"{name}, state dict, missing:", [key for key in want if key not in got], [])
        equal(f"{name}, state dict, too many:", [key for key in got if key not in want], [])
        for key, size in want.items():
            equal(f"{name}: {key} has shape", got[key], size)
        free = {key for key, p in model.named_parameters() if p.requires_grad}
        equal(f"{name}, buffers:", [key for key, _ in model.named_buffers()], [])
        equal(f"{name}, no trainable parameter of its own:", [k for k in want if k not in free], [])


def tokens(ViT):
    for b in (2, 1, 4):
        sizes = *SIZES[:5], 1, 3, 1.5
        model, x = filled(ViT(*sizes)).train(b > 1), torch.randn(b, 3, 8, 8)
        (first, *_), _ = flow(model, x)
        what = f"ViT{sizes}, x {tuple(x.shape)}, what block 0 gets"
        equal(f"{what}: shape", tuple(first.shape), (b, 5, 12))
        classes = (model.cls_token[:, 0] + model.pos_embed[:, 0]).expand(b, -1)
        close(first[:, 0], classes, f"{what}: token 0, against the class token plus position 0")
        want = model.patch_embed(x) + model.pos_embed[:, 1:]
        close(first[:, 1:], want, f"{what}: tokens from 1 on, against patches plus positions")


def blocks(ViT):
    x, norm = 3 * torch.randn(3, 3, 8, 8).double(), partial(nn.LayerNorm, eps=1e-6)
    for train, heads in ((True, 3), (False, 2)):
        sizes = *SIZES[:6], heads, 1.5
        model, name = filled(ViT(*sizes)).double(), f"ViT{sizes}"
        norms = [m.eps for m in model.modules() if isinstance(m, nn.LayerNorm)]
        equal(f"{name}: eps of its norms:", norms, [1e-6] * 5)
        gets, _ = flow(model.train(train), x)
        for i, block in enumerate(model.blocks):
            ref = EncoderBlock(heads, 12, 18, 0.0, 0.0, norm_layer=norm)
            state = block.state_dict()
            for mine, its in NAMES.items():
                state = {key.replace(mine, its, 1): t for key, t in state.items()}
            ref.double().load_state_dict(state)
            what = f"{name}, {'train' if train else 'eval'} mode: what block {i} gives"
            close(gets[i + 1], ref(gets[i]).detach(), f"{what}, against torchvision's block", 1e-6)


def head(ViT):
    for depth, b, k in ((1, 3, 1), (2, 1, 6)):
        sizes = (*SIZES[:3], k, 12, depth, 3, 1.5)
        for train in (True, False):
            model, x = filled(ViT(*sizes)).double().train(train), torch.randn(b, 3, 8, 8).double()
            what = f"ViT{sizes}, x {tuple(x.shape)}, {'train' if train else 'eval'} mode"
            with draws_nothing(f"{what}, blocks in order"):
                gets, out = flow(model, x)
            normed = F.layer_norm(gets[-1][:, 0], (12,), model.norm.weight, model.norm.bias, 1e-6)
            want = F.linear(normed, model.head.weight, model.head.bias)
            close(out, want, f"{what}: logits, against the head of the normed class token", 1e-7)


def start(ViT):
    one, two = (ViT(16, 2, 1, 2, 144, 1, 2).pos_embed.detach() for _ in range(2))
    what = "new pos_embed (1, 65, 144)"
    for name, t, want, slack in (
        ("all", one, 0.02, 0.15),  # some cut it off at 2 standard deviations
        ("position 0", one[:, 0], 0.02, 0.4),
        ("means of positions", one.mean(2), 0.02 / 12, 0.4),
        ("means of features", one.mean(1), 0.02 / 65**0.5, 0.4),
    ):
        got = t.square().mean().item() ** 0.5
        assert abs(got - want) < slack * want, f"{what}, {name}: size {got:.3g}, want about {want}"
    assert not torch.equal(one, two), f"{what} of two models is the same, want another"


def errors(PatchEmbedding, ViT):
    for kind, rest in ((PatchEmbedding, (3, 12)), (ViT, SIZES[2:])):
        for sizes in ((7, 2), (8, 3), (4, 8)):
            what = call_of(kind.__name__, *sizes, *rest)
            made = lambda kind=kind, args=(*sizes, *rest): type(kind(*args)).__name__  # noqa: E731
            refuses(made, errors=(ValueError,), call=what)
        module = kind(8, 4, *rest)
        for h, w in ((4, 16), (16, 4), (8, 12), (12, 8), (9, 8), (8, 9), (4, 4), (16, 16), (8, 7)):
            what = f"{kind.__name__} of img_size 8 on x (2, 3, {h}, {w})"
            refuses(module, torch.randn(2, 3, h, w), errors=(ValueError,), call=what)


def anywhere(ViT):
    sizes = 4, 2, 3, 5, 12, 1, 3, 1.5
    what, inputs = f"ViT{sizes}", {"x": torch.randn(2, 3, 4, 4)}
    model = filled(ViT(*sizes), 0.4)
    keeps_dtypes(what, model, inputs)
    keeps_inputs(what, model, inputs)
    gradients_flow(what, model, inputs, named=True)


CORE = (patches, parts, tokens, blocks, head)
EDGES = (start, errors, anywhere)


def kernel(embed, channels, side, size):
    """How patch 0 is mapped, (D, C, P, P), found pixel by pixel."""
    spots = torch.zeros(channels * size**2, channels, side, side).double()
    spots[:, :, :size, :size] = torch.eye(len(spots)).double().view(-1, channels, size, size)
    with torch.no_grad():
        return (embed(spots)[:, 0] - embed(0 * spots)[:, 0]).mT.reshape(-1, channels, size, size)


def flow(model, x):
    """What each block gets, what the last one gives; the logits. Each block follows the other."""
    gets, gave = [], []

    def note(block, given, more):
        gets.append((block, [*given, *more.values()][0].detach()))

    for block in model.blocks:
        block.register_forward_pre_hook(note, with_kwargs=True)
        block.register_forward_hook(lambda _m, _x, out: gave.append(out.detach()))
    what = f"ViT, depth {len(model.blocks)}, x {tuple(x.shape)}"
    out = result_of(what, model, x).detach()
    order = [list(model.blocks).index(block) for block, _ in gets]
    equal(f"{what}: blocks called:", order, list(range(len(model.blocks))))
    for i, (_, got) in enumerate(gets[1:]):
        close(got, gave[i], f"{what}: what block {i + 1} gets, against what block {i} gave")
    return [got for _, got in gets] + gave[-1:], out
