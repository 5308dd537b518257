"""What the solutions of level 12 keep beyond their checks."""

import ast
import copy
import io
from importlib import import_module

import pytest
import torch
from learner import as_handed_out, name_of
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights
from torch.utils.flop_counter import FlopCounterMode

from practice.exercises import ROOT, load, solution_of

LEVEL = ROOT / "12_popular_architectures"
STEMS = (
    "simple_cnn",
    "vgg_block",
    "make_layer",
    "small_resnet",
    "residual_block",
    "bottleneck",
    "inception_module",
    "vit",
    "unet",
    "detection",
)
NAMES = {k: v for stem in STEMS for k, v in load(LEVEL / f"solution_{stem}.py").items()}
# every model: its arguments, the (C, H, W) of its input, the shape of its result behind N
CASES = {
    "SimpleCNN": ((2, 6), (2, 32, 32), (6,)),
    "VGGBlock": ((3, 5, 3), (3, 9, 6), (5, 4, 3)),
    "ResidualBlock": ((3, 5, 2), (3, 9, 6), (5, 5, 3)),
    "make_layer": ((3, 5, 3, 2), (3, 9, 6), (5, 5, 3)),
    "BottleneckBlock": ((3, 7, 5, 2), (3, 9, 6), (7, 5, 3)),
    "SmallResNet": ((6,), (3, 9, 14), (6,)),
    "InceptionModule": ((6, 3, 5, 4, 2, 7, 1), (6, 5, 8), (15, 5, 8)),
}
every_model = pytest.mark.parametrize("name", CASES)
# the first two Inception modules of GoogLeNet, a tenth as wide
INCEPTIONS = [(19, 6, 9, 12, 2, 3, 4), (25, 12, 13, 19, 3, 9, 6)]


def build(name, device="cpu", dtype=None):
    return NAMES[name](*CASES[name][0]).to(device, dtype)


def images(name, n, device="cpu", dtype=None):
    return torch.randn(n, *CASES[name][1], device=device, dtype=dtype)


def randomized(model):
    """The model with no parameter or running statistic left at 0 or 1."""
    for key, t in model.state_dict().items():
        if t.ndim == 1:
            nn.init.uniform_(t, 0.5 if key.endswith("running_var") else -0.5, 1.5)
    return model


def copy_in_order(source, target):
    """All tensors of one model into another that has them in the same order."""
    pairs = zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    with torch.no_grad():
        for mine, its in pairs:
            its.copy_(mine.reshape(its.shape))


@every_model
@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_shapes_over_batch_sizes(name, device, n, memory_format):
    x = images(name, n, device).contiguous(memory_format=memory_format)
    out = build(name, device).eval()(x)
    assert out.shape == (n, *CASES[name][2])
    assert out.isfinite().all()


@every_model
def test_in_eval_mode_a_sample_alone_gives_what_it_gives_in_a_batch(name, device):
    model = randomized(build(name, device, torch.float64)).eval()
    x = images(name, 3, device, torch.float64)
    torch.testing.assert_close(model(x), torch.cat([model(x[n : n + 1]) for n in range(3)]))


@every_model
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtypes(name, device, dtype):
    model, x = build(name).eval(), images(name, 2)
    out = copy.deepcopy(model).to(device, dtype)(x.to(device, dtype))
    assert (out.dtype, out.device.type) == (dtype, device.type)
    torch.testing.assert_close(out.cpu().float(), model(x), rtol=0.05, atol=0.05)


@every_model
def test_autocast_trains_every_parameter(name, device):
    model, x = build(name, device), images(name, 4, device)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = model(x)
    assert out.dtype == torch.bfloat16
    out.float().pow(2).sum().backward()
    assert all(
        p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters()
    )
    optimizer.step()
    assert not any(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("name", ["VGGBlock", "InceptionModule"])
def test_gradients_of_input_and_parameters_are_right(name):
    model = build(name, dtype=torch.float64)
    x = images(name, 2, dtype=torch.float64).requires_grad_()
    keys = list(dict(model.named_parameters()))

    def call(x, *weights):
        return torch.func.functional_call(model, dict(zip(keys, weights, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *model.parameters()), fast_mode=True)


@every_model
def test_moves_to_meta_and_back_with_its_state(name, device):
    model, x = randomized(build(name)).eval(), images(name, 2)
    elsewhere = copy.deepcopy(model).to("meta")
    assert elsewhere(x.to("meta")).is_meta
    elsewhere.to_empty(device=device).load_state_dict(model.state_dict())
    torch.testing.assert_close(elsewhere(x.to(device)).cpu(), model(x), rtol=1e-3, atol=1e-3)


@every_model
def test_state_dict_round_trip_through_a_file(name):
    model, fresh = randomized(build(name)).eval(), build(name).eval()
    x, file = images(name, 2), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x), model(x))


@every_model
def test_wrong_number_of_channels_raises(name):
    c, h, w = CASES[name][1]
    for wrong in (c - 1, c + 1):
        with pytest.raises((RuntimeError, ValueError)):
            build(name)(torch.randn(2, wrong, h, w))


def test_size_of_the_image_is_named_in_the_error():
    with pytest.raises(
        ValueError, match=r"x has shape \(2, 3, 64, 16\), want \(N, \*\(3, 32, 32\)"
    ):
        NAMES["SimpleCNN"]()(torch.randn(2, 3, 64, 16))


@pytest.mark.parametrize("training", [True, False])
def test_simple_cnn_equals_torchvisions_convolution_blocks(torchvision, device, training):
    blocks = []
    for c_in, c_out in ((2, 32), (32, 64), (64, 128)):
        blocks += [torchvision.ops.Conv2dNormActivation(c_in, c_out, 3), nn.MaxPool2d(2)]
    ref = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(2048, 6)).to(device, torch.float64)
    model = randomized(build("SimpleCNN", device, torch.float64)).train(training)
    copy_in_order(model, ref.train(training))
    x = images("SimpleCNN", 3, device, torch.float64)
    torch.testing.assert_close(model(x), ref(x))
    for mine, its in zip(model.buffers(), ref.buffers(), strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.slow
def test_simple_cnn_learns_what_can_be_learned(device):
    """Two classes of images that have the same mean: stripes along the rows or the columns."""
    model = NAMES["SimpleCNN"](1, 2).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    stripes = torch.tensor([1.0, -1.0], device=device).repeat(16).expand(32, 32)
    y = torch.arange(16, device=device) % 2
    clean = torch.where(y[:, None, None, None] == 0, stripes, stripes.T)
    for _ in range(6):
        loss = nn.functional.cross_entropy(model(clean + torch.randn_like(clean)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = (model(clean + torch.randn_like(clean)).argmax(dim=1) == y).double().mean()
    assert loss < 0.3 and accuracy > 0.9


@pytest.mark.parametrize("depths", [(1, 1, 2, 2, 2), (2, 2, 3, 3, 3)], ids=["VGG-11", "VGG-16"])
def test_five_vgg_blocks_are_torchvisions_features(torchvision, device, depths):
    widths = [3, 4, 6, 8, 7, 5]
    cfg = [v for c, n in zip(widths[1:], depths, strict=True) for v in [*[c] * n, "M"]]
    ref = torchvision.models.vgg.make_layers(cfg).to(device, torch.float64)
    blocks = nn.Sequential(
        *map(NAMES["VGGBlock"], widths[:-1], widths[1:], depths),
    ).to(device, torch.float64)
    copy_in_order(blocks, ref)
    x = torch.randn(2, 3, 39, 32, device=device, dtype=torch.float64, requires_grad=True)
    got, want = blocks(x), ref(x)
    assert got.shape == (2, 5, 1, 1)
    torch.testing.assert_close(got, want)
    upstream = torch.randn_like(got)
    mine = torch.autograd.grad(got, [x, *blocks.parameters()], upstream)
    its = torch.autograd.grad(want, [x, *ref.parameters()], upstream)
    torch.testing.assert_close(mine, its)


def test_vgg_16_has_the_papers_number_of_weights(torchvision):
    with torch.device("meta"):
        sizes = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))
        blocks = nn.Sequential(*(NAMES["VGGBlock"](*size) for size in sizes))
        ref = torchvision.models.vgg16(weights=None)
    mine, its = ([p.shape for p in m.parameters()] for m in (blocks, ref.features))
    assert mine == its
    assert sum(shape.numel() for shape in mine) == 14_714_688
    assert sum(p.numel() for p in ref.parameters()) == 138_357_544


@pytest.mark.parametrize("num_convs", [1, 2, 4])
def test_vgg_blocks_see_one_pixel_more_on_each_side_with_each_convolution(num_convs):
    block = NAMES["VGGBlock"](1, 1, num_convs, use_pool=False)
    for p in block.parameters():
        nn.init.constant_(p, 1.0)
    x = torch.rand(1, 1, 13, 15, requires_grad=True)
    (grad,) = torch.autograd.grad(block(x)[0, 0, 6, 7], x)
    seen = grad[0, 0].nonzero()
    side = 2 * num_convs + 1
    assert len(seen) == side**2
    assert (seen - torch.tensor([6, 7])).abs().max() == num_convs


def test_pooling_is_all_that_use_pool_changes(device):
    plain = NAMES["VGGBlock"](3, 5, 2, use_pool=False).to(device)
    pooled = NAMES["VGGBlock"](3, 5, 2).to(device)
    pooled.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 8, 6, device=device)
    want = plain(x).view(2, 5, 4, 2, 3, 2).amax(dim=(3, 5))
    torch.testing.assert_close(pooled(x), want)


def gradients_agree(got, want, x, mine, its):
    """The same gradients of x and of all parameters, in the order of the second model's names."""
    upstream = torch.randn_like(want)
    order = {key.replace("downsample", "shortcut"): p for key, p in its.named_parameters()}
    params = dict(mine.named_parameters())
    assert params.keys() == order.keys()
    ours = torch.autograd.grad(got, [x, *(params[key] for key in order)], upstream)
    torch.testing.assert_close(ours, torch.autograd.grad(want, [x, *order.values()], upstream))


def same_as_torchvision(mine, its, x):
    """its gets mine's weights; then two calls in train mode and one in eval mode agree."""
    state = {k.replace("shortcut", "downsample"): v for k, v in mine.state_dict().items()}
    its.load_state_dict(state)
    for training in (True, True, False):
        mine.train(training), its.train(training)
        got, want = mine(x), its(x)
        torch.testing.assert_close(got, want)
        gradients_agree(got, want, x, mine, its)
    buffers = {k.replace("downsample", "shortcut"): v for k, v in its.named_buffers()}
    torch.testing.assert_close(dict(mine.named_buffers()), buffers)


def projection(c_in, c_out, stride):
    if stride == 1 and c_in == c_out:
        return None
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))


@pytest.mark.parametrize("sizes", [(4, 4, 1), (3, 4, 1), (4, 4, 2), (4, 8, 2), (8, 3, 3)])
def test_residual_block_equals_torchvisions_basic_block(torchvision, device, sizes):
    BasicBlock = torchvision.models.resnet.BasicBlock
    mine = randomized(NAMES["ResidualBlock"](*sizes))
    x = torch.randn(3, sizes[0], 9, 6, dtype=torch.float64, device=device, requires_grad=True)
    its = BasicBlock(sizes[0], sizes[1], sizes[2], projection(*sizes))
    same_as_torchvision(mine.to(x), its.to(x), x)


@pytest.mark.parametrize("sizes", [(8, 2, 1), (3, 2, 1), (8, 2, 2), (12, 5, 2), (4, 1, 3)])
def test_bottleneck_equals_torchvisions(torchvision, device, sizes):
    c_in, mid, stride = sizes
    Bottleneck = torchvision.models.resnet.Bottleneck
    mine = randomized(NAMES["BottleneckBlock"](c_in, 4 * mid, mid, stride))
    x = torch.randn(3, c_in, 9, 6, dtype=torch.float64, device=device, requires_grad=True)
    its = Bottleneck(c_in, mid, stride, projection(c_in, 4 * mid, stride))
    same_as_torchvision(mine.to(x), its.to(x), x)


@pytest.mark.parametrize(
    ("name", "sizes"), [("layer1", (64, 64, 2, 1)), ("layer2", (64, 128, 2, 2))]
)
def test_layer_is_a_stage_of_resnet_18(torchvision, device, name, sizes):
    with torch.device("meta"):
        its = getattr(torchvision.models.resnet18(weights=None), name)
    mine = randomized(NAMES["make_layer"](*sizes))
    x = torch.randn(2, 64, 5, 4, dtype=torch.float64, device=device, requires_grad=True)
    same_as_torchvision(mine.to(x), its.to_empty(device=device).to(x.dtype), x)


def test_small_resnet_equals_the_same_network_of_torchvisions_blocks(torchvision, device):
    BasicBlock = torchvision.models.resnet.BasicBlock

    def stage(c_in, c_out, stride):
        first = BasicBlock(c_in, c_out, stride, projection(c_in, c_out, stride))
        return nn.Sequential(first, BasicBlock(c_out, c_out))

    its = nn.Sequential()
    its.add_module("conv1", nn.Conv2d(3, 16, 3, padding=1, bias=False))
    its.add_module("bn1", nn.BatchNorm2d(16))
    its.add_module("relu", nn.ReLU())
    its.add_module("layer1", stage(16, 16, 1))
    its.add_module("layer2", stage(16, 32, 2))
    its.add_module("layer3", stage(32, 64, 2))
    its.add_module("pool", nn.AdaptiveAvgPool2d(1))
    its.add_module("flatten", nn.Flatten())
    its.add_module("fc", nn.Linear(64, 10))
    mine = randomized(NAMES["SmallResNet"]())
    x = torch.randn(3, 3, 19, 14, dtype=torch.float64, device=device, requires_grad=True)
    same_as_torchvision(mine.to(x), its.to(x), x)


BUILT_ON = [LEVEL / "challenge_make_layer.py", LEVEL / "challenge_small_resnet.py"]


@pytest.mark.parametrize("path", BUILT_ON, ids=name_of)
@as_handed_out
def test_given_residual_blocks_are_the_one_that_was_asked_for(path):
    """The block is written out in the exercises that build on it, so that each runs alone."""
    found = set()
    for file in (LEVEL / "solution_residual_block.py", solution_of(path), path):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        block = next(node for node in tree.body if getattr(node, "name", "") == "ResidualBlock")
        found.add("\n".join(ast.unparse(node) for node in block.body[1:]))
    assert len(found) == 1


@pytest.mark.parametrize("last", ["bn2", "bn3"])
def test_a_stack_of_blocks_that_add_nothing_hands_signal_and_gradient_on(device, last):
    if last == "bn2":
        blocks = nn.Sequential(*(NAMES["ResidualBlock"](4, 4) for _ in range(10)))
    else:
        blocks = nn.Sequential(*(NAMES["BottleneckBlock"](4, 4, 2) for _ in range(10)))
    for block in blocks:
        nn.init.zeros_(getattr(block, last).weight)
    x = torch.rand(2, 4, 5, 6, device=device, requires_grad=True)  # no pixel below 0
    upstream = torch.randn_like(x)
    out = blocks.to(device)(x)
    assert torch.equal(out, x)
    assert torch.equal(torch.autograd.grad(out, x, upstream)[0], upstream)


@pytest.mark.parametrize("name", ["ResidualBlock", "BottleneckBlock"])
def test_blocks_can_be_fused_for_inference(name, device):
    block = randomized(build(name, device, torch.float64)).eval()
    x = images(name, 3, device, torch.float64)
    want = block(x)
    for i in "123"[: 2 + (name == "BottleneckBlock")]:
        conv, bn = getattr(block, f"conv{i}"), getattr(block, f"bn{i}")
        setattr(block, f"conv{i}", fuse_conv_bn_eval(conv, bn))
        setattr(block, f"bn{i}", nn.Identity())
    block.shortcut = fuse_conv_bn_eval(*block.shortcut)
    torch.testing.assert_close(block(x), want)


@pytest.mark.parametrize("stride", [1, 2])
def test_bottleneck_reads_every_pixel(stride):
    """With the stride in a 1x1 convolution three of four would go unread."""
    block = NAMES["BottleneckBlock"](3, 8, 4, stride).double().eval()
    x = torch.rand(1, 3, 8, 10, dtype=torch.float64, requires_grad=True)
    seen = []
    block.conv2.register_forward_hook(lambda module, args, out: seen.append(out))
    block(x)
    (grad,) = torch.autograd.grad(seen[0], x, torch.rand_like(seen[0]))
    assert (grad.abs().sum(dim=1) > 0).all()


def test_numbers_of_weights_that_the_solutions_name():
    def weights(module):
        return sum(p.numel() for p in module.parameters() if p.ndim > 1)

    C = 64
    assert weights(NAMES["ResidualBlock"](C, C)) == 18 * C**2
    assert weights(NAMES["BottleneckBlock"](C, C, C // 4)) == 17 * C**2 // 16
    net = NAMES["SmallResNet"]()
    assert sum(p.numel() for p in net.parameters()) == 175_258
    with FlopCounterMode(display=False) as count:
        net.to("meta").eval()(torch.empty(1, 3, 32, 32, device="meta"))
    assert count.get_total_flops() // 2 == 26_657_408


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("num_blocks", [1, 2, 5])
def test_a_stage_shrinks_once_however_many_blocks_it_has(stride, num_blocks):
    layer = NAMES["make_layer"](2, 3, num_blocks, stride).to("meta")
    for h, w in ((1, 1), (7, 12), (32, 31)):
        out = layer(torch.empty(2, 2, h, w, device="meta"))
        assert out.shape == (2, 3, -(-h // stride), -(-w // stride))


@pytest.mark.parametrize("side", [(1, 1), (5, 2), (28, 28), (33, 64)])
def test_small_resnet_takes_images_of_any_size(device, side):
    net = NAMES["SmallResNet"](4).to(device).eval()
    out = net(torch.randn(2, 3, *side, device=device))
    assert out.shape == (2, 4) and out.isfinite().all()


def test_small_resnet_learns_what_can_be_learned(device):
    """Two classes of images that have the same mean: stripes along the rows or the columns."""
    net = NAMES["SmallResNet"](2).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    stripes = torch.tensor([1.0, -1.0], device=device).repeat(5).expand(3, 10, 10)
    y = torch.arange(12, device=device) % 2
    clean = torch.where(y[:, None, None, None] == 0, stripes, stripes.mT)
    for _ in range(6):
        loss = nn.functional.cross_entropy(net(clean + torch.randn_like(clean)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = (net(clean + torch.randn_like(clean)).argmax(dim=1) == y).double().mean()
    assert loss < 0.3 and accuracy > 0.9


@pytest.mark.parametrize("sizes", INCEPTIONS)
def test_inception_equals_torchvisions_with_its_5x5_put_right(torchvision, device, sizes):
    """torchvision keeps a known mistake, 3x3 for 5x5; the kind of convolution can be chosen."""

    def biased(c_in, c_out, **options):
        return nn.Sequential(nn.Conv2d(c_in, c_out, **options), nn.ReLU())

    ref = import_module("torchvision.models.googlenet").Inception(*sizes, conv_block=biased)
    ref.branch3[1] = biased(sizes[4], sizes[5], kernel_size=5, padding=2)
    model = NAMES["InceptionModule"](*sizes)
    model.to(device, torch.float64), ref.to(device, torch.float64)
    copy_in_order(model, ref)
    x = torch.randn(2, sizes[0], 7, 10, device=device, dtype=torch.float64, requires_grad=True)
    got, want = model(x), ref(x)
    torch.testing.assert_close(got, want)
    upstream = torch.randn_like(got)
    mine = torch.autograd.grad(got, [x, *model.parameters()], upstream)
    its = torch.autograd.grad(want, [x, *ref.parameters()], upstream)
    torch.testing.assert_close(mine, its)


@pytest.mark.parametrize("sizes", INCEPTIONS)
def test_inception_takes_over_torchvisions_weights(torchvision, device, sizes):
    """Batch norm in eval mode is part of the convolution; a 3x3 kernel is a 5x5 with a zero rim."""
    ref = import_module("torchvision.models.googlenet").Inception(*sizes)
    randomized(ref).to(device, torch.float64).eval()
    model = NAMES["InceptionModule"](*sizes).to(device, torch.float64)
    mine = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    blocks = [m for m in ref.modules() if hasattr(m, "bn")]
    with torch.no_grad():
        for conv, block in zip(mine, blocks, strict=True):
            bn = block.bn
            weight, bias = fuse_conv_bn_weights(
                block.conv.weight,
                None,
                bn.running_mean,
                bn.running_var,
                bn.eps,
                bn.weight,
                bn.bias,
            )
            rim = (conv.kernel_size[0] - weight.shape[-1]) // 2
            conv.weight.copy_(nn.functional.pad(weight, [rim] * 4))
            conv.bias.copy_(bias)
    x = torch.randn(2, sizes[0], 7, 10, device=device, dtype=torch.float64)
    torch.testing.assert_close(model(x), ref(x))


def test_each_inception_branch_sees_its_own_neighborhood():
    """The side of the square of pixels that a channel of branch 1, 2, 3 or 4 depends on."""
    module = NAMES["InceptionModule"](2, 1, 1, 1, 1, 1, 1)
    for p in module.parameters():
        nn.init.constant_(p, 1.0)
    x = torch.rand(1, 2, 9, 11)
    out = module(x)
    for channel, side in enumerate((1, 3, 5, 3)):
        seen = 0
        for i in range(9):
            for j in range(11):
                louder = x.clone()
                louder[0, :, i, j] += 10
                seen += int(module(louder)[0, channel, 4, 5] != out[0, channel, 4, 5])
        assert seen == side**2, channel


def test_googlenets_first_module_has_the_papers_number_of_weights():
    module = NAMES["InceptionModule"](192, 64, 96, 128, 16, 32, 32).to("meta")
    weights = sum(p.numel() for p in module.parameters() if p.ndim == 4)
    assert weights == 163_328  # "159K" in table 1 counts a K of 1024
    assert module(torch.empty(1, 192, 28, 28, device="meta")).shape == (1, 256, 28, 28)


VAE = load(LEVEL / "solution_vae.py")


def test_vae_kl_is_what_draws_give_on_average(device):
    """Its closed form is the mean of log q(z) - log p(z) over draws of z."""
    mu, logvar = torch.randn(2, 4, device=device), torch.randn(2, 4, device=device)
    logits = torch.zeros(2, 3, device=device)
    at = [VAE["vae_loss"](logits, logits, mu, logvar, beta) for beta in (1.0, 0.0)]
    q = torch.distributions.Normal(mu, (logvar / 2).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    z = VAE["VAE"](3, 2, 4).reparameterize(mu.expand(5000, 2, 4), logvar.expand(5000, 2, 4))
    each = (q.log_prob(z) - prior.log_prob(z)).sum(2).mean(1)
    assert abs(each.mean() - (at[0] - at[1])) < 6 * each.std() / 5000**0.5


def test_vae_learns_to_reconstruct_under_autocast(device):
    torch.manual_seed(0)
    model = VAE["VAE"](16, 32, 2).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x = (
        torch.eye(4, device=device).repeat_interleave(4, 1).repeat(8, 1)
    )  # four images, each 8 times
    for _ in range(120):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits, mu, logvar = model(x)
        loss = VAE["vae_loss"](logits.float(), x, mu.float(), logvar.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 6  # all pixels as likely as they are on average: 9
    with torch.no_grad():
        assert torch.equal(model.decode(model.encode(x)[0]) > 0, x > 0.5)


def vit_from(ref, sizes):
    """A ViT of ours with the weights of torchvision's model."""
    mine, names = NAMES["ViT"](*sizes), {"encoder.ln.": "norm.", "heads.head.": "head."}
    names |= {"conv_proj.": "patch_embed.proj.", "encoder.pos_embedding": "pos_embed"}
    names |= {"class_token": "cls_token", "encoder.layers.encoder_layer_": "blocks."}
    names |= {
        ".ln_": ".norm",
        "self_attention": "self_attn",
        "mlp.0": "linear1",
        "mlp.3": "linear2",
    }
    state = {}
    for key, t in ref.state_dict().items():
        for its, ours in names.items():
            key = key.replace(its, ours)
        state[key] = t
    mine.load_state_dict(state)
    return mine.to(ref.class_token)


@pytest.mark.parametrize("sizes", [(8, 2, 3, 5, 12, 3, 2, 2.0), (9, 3, 3, 2, 16, 1, 4)])
def test_vit_equals_torchvisions(torchvision, device, sizes):
    side, patch, _, classes, dim, depth, heads, *ratio = sizes
    inner = int(dim * (*ratio, 4)[0])
    its = torchvision.models.VisionTransformer(
        side, patch, depth, heads, dim, inner, num_classes=classes
    )
    nn.init.normal_(its.heads.head.weight)
    mine = vit_from(its.to(device, torch.float64), sizes)
    x = torch.randn(3, 3, side, side, dtype=torch.float64, device=device, requires_grad=True)
    for training in (True, False):
        got, want = mine.train(training)(x), its.train(training)(x)
        torch.testing.assert_close(got, want)
        upstream = torch.randn_like(want)
        ours = torch.autograd.grad(got, [x, mine.pos_embed, mine.cls_token], upstream)
        theirs = [x, its.encoder.pos_embedding, its.class_token]
        torch.testing.assert_close(ours, torch.autograd.grad(want, theirs, upstream))
    with torch.no_grad():  # torch's fused kernel
        torch.testing.assert_close(mine(x), want)


def test_vit_b_16_has_the_papers_number_of_weights(torchvision):
    with torch.device("meta"):
        mine = NAMES["ViT"](224, 16, 3, 1000, 768, 12, 12)
        its = torchvision.models.vit_b_16(weights=None)
    counts = [sum(p.numel() for p in m.parameters()) for m in (mine, its)]
    assert counts == [86_567_656] * 2
    weights = sum(p.numel() for p in mine.blocks.parameters() if p.ndim == 2)
    assert weights == 12 * 12 * 768**2
    assert mine(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)


def test_patches_are_those_of_unfold(device):
    embed = NAMES["PatchEmbedding"](12, 3, 2, 5).to(device)
    x = torch.randn(2, 2, 12, 12, device=device)
    columns = nn.functional.unfold(x, 3, stride=3).mT  # (B, 16, 2 * 3 * 3)
    want = nn.functional.linear(columns, embed.proj.weight.flatten(1), embed.proj.bias)
    torch.testing.assert_close(embed(x), want)


def unet_by_hand(net, x):
    """What a UNet computes, by torch's functions, from the lists of its parts."""

    def double(x, block):
        for conv in (block.conv1, block.conv2):
            x = nn.functional.conv2d(x, conv.weight, conv.bias, padding=1).relu()
        return x

    if not len(net["down"]):
        return double(x, net["bottom"])
    first, rest = net["down"][0], {**net, "down": net["down"][1:]}
    skip = double(x, first)
    low = unet_by_hand(
        {**rest, "up": net["up"][1:], "merge": net["merge"][1:]}, nn.functional.max_pool2d(skip, 2)
    )
    low = nn.functional.conv_transpose2d(low, net["up"][0].weight, net["up"][0].bias, stride=2)
    whole = torch.zeros_like(skip)
    whole[:, :, : low.shape[2], : low.shape[3]] = low
    return double(torch.cat([skip, whole], dim=1), net["merge"][0])


@pytest.mark.parametrize("sizes", [(3, 2, 4, 1), (1, 4, 3, 2), (2, 1, 2, 4)])
@pytest.mark.parametrize("side", [(16, 16), (31, 45), (17, 64)])
def test_unet_equals_a_recursion_over_its_levels(device, sizes, side):
    net = NAMES["UNet"](*sizes).to(device, torch.float64)
    x = torch.randn(2, sizes[0], *side, dtype=torch.float64, device=device, requires_grad=True)
    want = net.head(unet_by_hand(dict(net.named_children()), x))
    assert want.shape == (2, sizes[1], *side)
    torch.testing.assert_close(net(x), want)
    upstream = torch.randn_like(want)
    mine, its = (torch.autograd.grad(out, x, upstream) for out in (net(x), want))
    torch.testing.assert_close(mine, its)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_each_skip_of_a_unet_matters(device, level):
    net, x = NAMES["UNet"](1, 2, 4).to(device), torch.randn(2, 1, 17, 24, device=device)
    before = net(x)
    channels = 4 * 2**level
    with torch.no_grad():
        net.merge[level].conv1.weight[:, :channels] = 0
    assert not torch.allclose(net(x), before)


def test_unet_learns_one_mask(device):
    torch.manual_seed(0)
    net = NAMES["UNet"](1, 1, 8, 2).to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    y, x = torch.arange(19.0, device=device)[:, None], torch.arange(14.0, device=device)
    mask = ((y - 8) ** 2 + (x - 5) ** 2 < 16).float()[None, None]
    image = mask + 0.3 * torch.randn_like(mask)
    for _ in range(60):
        loss = nn.functional.binary_cross_entropy_with_logits(net(image), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((net(image) > 0) == (mask > 0)).double().mean() > 0.98


gan_step = load(LEVEL / "solution_gan_step.py")["gan_step"]


def test_gan_finds_a_shifted_normal(device):
    """G starts with draws around 0, the data are around 3; D is a small network."""
    torch.manual_seed(0)
    G, D = nn.Linear(1, 1), nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))
    G.to(device), D.to(device)
    opt_g, opt_d = (torch.optim.Adam(m.parameters(), lr=0.02, betas=(0.5, 0.9)) for m in (G, D))
    for _ in range(120):
        real, z = (torch.randn(64, 1, device=device) for _ in range(2))
        gan_step(G, D, opt_g, opt_d, real + 3, z)
    assert abs(G.bias.item() - 3) < 1


def test_gan_step_with_batch_norm_runs_the_generator_once(device):
    G = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to(device)
    D = nn.Linear(3, 1).to(device)
    opt_g, opt_d = (torch.optim.SGD(m.parameters(), lr=0.1) for m in (G, D))
    gan_step(G, D, opt_g, opt_d, torch.randn(4, 3, device=device), torch.randn(4, 2, device=device))
    assert G[1].num_batches_tracked == 1


GCN = load(LEVEL / "solution_gcn.py")


def random_graph(n, edges, device):
    return torch.randint(n, (2, edges), device=device)


def test_gcn_moves_with_the_nodes(device):
    """Renumbered nodes give renumbered results: the model knows no order."""
    n, model = 30, GCN["GCN"](4, 8, 3).to(device, torch.float64)
    edges, order = random_graph(n, 50, device), torch.randperm(n, device=device)
    X = torch.randn(n, 4, device=device, dtype=torch.float64)
    adjacency, moved = (
        GCN["normalized_adjacency"](e, n).double() for e in (edges, order.argsort()[edges])
    )
    torch.testing.assert_close(model(X[order], moved), model(X, adjacency)[order])


def test_sparse_and_dense_gcn_agree_and_no_eigenvalue_is_above_one(device):
    n, edges = 40, random_graph(40, 90, device)
    A = torch.zeros(n, n, device=device)
    A[edges[0], edges[1]] = A[edges[1], edges[0]] = 1
    adjacency = GCN["normalized_adjacency"](edges, n)
    X, W = torch.randn(n, 5, device=device), torch.randn(5, 6, device=device)
    got = GCN["gcn_layer"](A.fill_diagonal_(0), X, W)
    torch.testing.assert_close(got, (adjacency @ X @ W).relu())
    values = torch.linalg.eigvalsh(adjacency.to_dense())
    assert values.min() > -1 and values.max() < 1 + 1e-5


def test_gcn_tells_two_groups_apart_from_one_label_each(device):
    """Zachary's task in small: two rings of nodes with one edge between them, two known labels."""
    torch.manual_seed(0)
    ring = torch.arange(8, device=device)
    ring = torch.stack([ring, ring.roll(-1)])
    chords = torch.tensor([[0, 1, 2, 3], [4, 5, 6, 7]], device=device)
    near = torch.cat([ring, chords], dim=1)
    edges = torch.cat([near, near + 8, torch.tensor([[0], [8]], device=device)], dim=1)
    adjacency, X = GCN["normalized_adjacency"](edges, 16), torch.eye(16, device=device)
    model = GCN["GCN"](16, 8, 2).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    known, labels = torch.tensor([2, 10], device=device), torch.tensor([0, 1], device=device)
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(X, adjacency)[known], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = model(X, adjacency).argmax(1) == torch.arange(16, device=device) // 8
    assert right.sum() >= 14


def random_boxes(n, device, side=100.0):
    start = side * torch.rand(n, 2, device=device)
    return torch.cat([start, start + 1 + 30 * torch.rand(n, 2, device=device)], dim=1)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (4, 0), (1, 1), (7, 5), (60, 90)])
def test_box_iou_equals_torchvisions(torchvision, device, n, m):
    one, two = random_boxes(n, device), random_boxes(m, device)
    for dtype in (torch.float32, torch.float64, torch.int32):
        a, b = one.to(dtype), two.to(dtype)
        want = torchvision.ops.box_iou(a, b)
        torch.testing.assert_close(NAMES["box_iou"](a, b), want)
    a = one.double().requires_grad_()
    upstream = torch.randn(n, m, dtype=torch.float64, device=device)
    mine, its = (
        torch.autograd.grad(f(a, two.double()), a, upstream)
        for f in (NAMES["box_iou"], torchvision.ops.box_iou)
    )
    torch.testing.assert_close(mine, its)


@pytest.mark.parametrize("n", [0, 1, 2, 30, 400])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_nms_equals_torchvisions(torchvision, device, n, threshold):
    boxes = random_boxes(n, device)
    scores = torch.rand(n, device=device).mul(50).round()  # many equal ones
    scores = torch.rand(n, device=device) if device.type == "cuda" else scores
    want = torchvision.ops.nms(boxes, scores, threshold)
    assert torch.equal(NAMES["nms"](boxes, scores, threshold), want)
    scores, labels = torch.rand(n, device=device), torch.randint(4, (n,), device=device)
    want = torchvision.ops.batched_nms(boxes, scores, labels, threshold)
    assert torch.equal(NAMES["batched_nms"](boxes, scores, labels, threshold), want)
    for label in range(4):  # as if the others were not there
        at = (labels == label).nonzero().flatten()
        alone = at[NAMES["nms"](boxes[at], scores[at], threshold)]
        assert torch.equal(alone, want[labels[want] == label])


REINFORCE, DQN = (load(LEVEL / f"solution_{stem}.py") for stem in ("reinforce", "dqn"))


@pytest.mark.parametrize("seed", range(5))
def test_reinforce_solves_the_chain(seed):
    generator = torch.Generator().manual_seed(seed)
    policy = nn.Linear(5, 2, bias=False)
    optimizer, chain = torch.optim.SGD(policy.parameters(), lr=6.0), REINFORCE["Chain"]()
    REINFORCE["train"](chain, policy, optimizer, 40, 0.4, generator)
    assert policy(torch.eye(5)[:4]).softmax(dim=1)[:, 1].min() > 0.8


def test_a_good_baseline_keeps_the_mean_of_the_gradient_and_lowers_its_variance(device):
    """One step, all actions enumerated."""
    logits = torch.randn(6, dtype=torch.float64, device=device, requires_grad=True)
    reward = 5 + torch.randn(6, dtype=torch.float64, device=device)
    p, logps = logits.softmax(0).detach(), logits.log_softmax(0)
    (want,) = torch.autograd.grad(-(logits.softmax(0) @ reward), logits)
    spread = []
    for baseline in (None, float(p @ reward)):
        grads = []
        for a in range(6):
            loss = REINFORCE["reinforce_loss"](logps[a : a + 1], reward[a : a + 1], baseline)
            grads += torch.autograd.grad(loss, logits, retain_graph=True)
        each = torch.stack(grads)
        torch.testing.assert_close(p @ each, want)
        spread.append((p @ (each - want).square()).sum().item())
    assert spread[1] < spread[0] / 4


def test_returns_obey_their_equation(device):
    rewards = torch.randn(50, dtype=torch.float64, device=device)
    for gamma in (0.0, 0.9, 1.0):
        returns = REINFORCE["discounted_returns"](rewards, gamma)
        later = torch.cat([returns[1:], returns.new_zeros(1)])
        torch.testing.assert_close(returns, rewards + gamma * later)


@pytest.mark.parametrize("gamma", [0.5, 0.9])
def test_dqn_finds_the_values_of_the_chain(gamma):
    nets = [nn.Linear(5, 2, bias=False) for _ in range(2)]
    for net in nets:
        nn.init.zeros_(net.weight)
    generator = torch.Generator().manual_seed(0)
    buffer = DQN["ReplayBuffer"](300, generator)
    optimizer = torch.optim.SGD(nets[0].parameters(), lr=6.0)
    DQN["train"](DQN["Chain"](), *nets, optimizer, buffer, 300, gamma, 32, 5, 1.0, generator)
    right = [gamma ** (3 - s) for s in range(4)]
    left = [gamma * right[max(s - 1, 0)] for s in range(4)]
    want = torch.tensor([left, right]).T
    torch.testing.assert_close(nets[0](torch.eye(5)[:4]).detach(), want, rtol=0, atol=0.02)


def test_double_targets_are_less_biased_where_guesses_are_noisy(device):
    """All actions are worth 0; both networks guess with noise of their own."""
    one, other = (torch.randn(4000, 8, device=device) for _ in range(2))
    rewards, dones = torch.zeros(4000, device=device), torch.zeros(4000, device=device).bool()
    plain = DQN["dqn_targets"](rewards, one, dones, 1.0)
    double = DQN["dqn_targets"](rewards, one, dones, 1.0, other)
    assert plain.mean() > 1.2
    assert abs(double.mean()) < 0.1
