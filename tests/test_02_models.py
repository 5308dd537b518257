"""What the solutions of level 02 keep beyond their checks."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from practice.exercises import ROOT, load

LEVEL = ROOT / "02_models"
STEMS = ("1_concatenation", "2_conditioning", "3_connecting", "4_film")
NAMES = {k: v for stem in STEMS for k, v in load(LEVEL / f"solution_{stem}.py").items()}
# every class: its sizes, the feature sizes of its inputs, the size of its result
CASES = {
    "ConcatBlock": ((4, 2, 6), (4, 2), 6),
    "ConditionalMLP": ((4, 2, 8, 3), (4, 2), 3),
    "Encoder": ((4, 9), (4,), 9),
    "Decoder": ((9, 2), (9,), 2),
    "FullModel": ((4, 9, 2), (4,), 2),
    "ConditionalLinear": ((4, 2, 6), (4, 2), 6),
}
every_model = pytest.mark.parametrize("name", CASES)


def build(name, device="cpu", dtype=None):
    """The model with no parameter left at zero."""
    model = NAMES[name](*CASES[name][0])
    for p in model.parameters():
        nn.init.normal_(p, std=0.5)
    return model.to(device, dtype)


def inputs(name, lead, device="cpu", dtype=None):
    """x (*lead, D) and, where there is one, the condition; FiLM has one condition for a sample."""
    leads = [lead, lead[:1] if name == "ConditionalLinear" else lead]
    sizes = zip(leads, CASES[name][1], strict=False)
    return [torch.randn(*size, features, device=device, dtype=dtype) for size, features in sizes]


@every_model
@pytest.mark.parametrize("lead", [(1,), (2,), (13,), (0,), (3, 1), (1, 5), (0, 4), (2, 3, 4, 5)])
def test_shapes_over_batch_sizes(name, device, lead):
    out = build(name, device)(*inputs(name, lead, device))
    assert out.shape == (*lead, CASES[name][2])
    assert out.isfinite().all()


@every_model
def test_a_sample_alone_gives_what_it_gives_in_a_batch(name, device):
    model = build(name, device, torch.float64)
    batch = inputs(name, (5, 3), device, torch.float64)
    alone = [model(*(t[n : n + 1] for t in batch)) for n in range(5)]
    torch.testing.assert_close(model(*batch), torch.cat(alone))


@every_model
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes(name, device, dtype):
    model, batch = build(name), inputs(name, (4,))
    out = copy.deepcopy(model).to(device, dtype)(*(t.to(device, dtype) for t in batch))
    assert out.dtype == dtype
    assert out.device.type == device.type
    torch.testing.assert_close(out.cpu().float(), model(*batch), rtol=0.05, atol=0.1)


@every_model
def test_autocast_trains_every_parameter(name, device):
    model, batch = build(name, device), inputs(name, (64,), device)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = model(*batch)
    out.float().pow(2).sum().backward()
    assert all(
        p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters()
    )
    optimizer.step()
    assert not any(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))


@every_model
def test_gradients_reach_inputs_and_parameters_and_are_right(name):
    model = build(name, dtype=torch.float64)
    batch = [t.requires_grad_() for t in inputs(name, (2, 3), dtype=torch.float64)]
    keys = list(dict(model.named_parameters()))

    def call(*tensors):
        state = dict(zip(keys, tensors[len(batch) :], strict=True))
        return torch.func.functional_call(model, state, tensors[: len(batch)])

    assert torch.autograd.gradcheck(call, (*batch, *model.parameters()), fast_mode=True)


@every_model
def test_moves_to_meta_and_back_with_its_state(name, device):
    model, batch = build(name), inputs(name, (3,))
    want = model(*batch)
    elsewhere = copy.deepcopy(model).to("meta")
    assert elsewhere(*(t.to("meta") for t in batch)).is_meta
    elsewhere.to_empty(device=device).load_state_dict(model.state_dict())
    got = elsewhere(*(t.to(device) for t in batch))
    torch.testing.assert_close(got.cpu(), want, rtol=1e-3, atol=1e-3)


@every_model
def test_state_dict_round_trip_through_a_file(name):
    model, fresh, batch = build(name), NAMES[name](*CASES[name][0]), inputs(name, (3,))
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(*batch), model(*batch))


@pytest.mark.parametrize("name", ["Encoder", "Decoder", "FullModel"])
def test_wrong_number_of_features_raises(name):
    for i, features in enumerate(CASES[name][1]):
        for wrong in (features - 1, features + 1):
            batch = inputs(name, (3,))
            batch[i] = torch.randn(3, wrong)
            with pytest.raises((RuntimeError, ValueError)):
                build(name)(*batch)


def test_swapped_inputs_are_named_in_the_error():
    with pytest.raises(ValueError, match="a has 2 features, want 4"):
        build("ConcatBlock")(torch.randn(3, 2), torch.randn(3, 4))
    with pytest.raises(ValueError, match=r"cond is \(1, 2\), want \(3, 2\)"):
        build("ConditionalLinear")(torch.randn(3, 4), torch.randn(1, 2))


def test_concatenation_equals_a_library_layer_on_joined_input(device):
    block, library = build("ConcatBlock", device), nn.Linear(6, 6).to(device)
    library.load_state_dict({k.split(".")[-1]: v for k, v in block.state_dict().items()})
    joined = torch.randn(7, 3, 6, device=device)
    got = block(*joined.tensor_split([4], dim=-1))
    torch.testing.assert_close(got, library(joined))


def test_one_hot_condition_is_a_bias_for_each_class(device):
    model = build("ConditionalMLP", device)
    x, label = torch.randn(9, 4, device=device), torch.randint(2, (9,), device=device)
    got = model(x, F.one_hot(label, 2).float()) - model(x, torch.zeros(9, 2, device=device))
    columns = model.classify.weight[:, -2:].T
    torch.testing.assert_close(got, columns[label], rtol=1e-4, atol=1e-4)


def test_hidden_features_can_be_reused_for_many_conditions():
    model, x, c = build("ConditionalMLP"), torch.randn(1, 4), torch.randn(6, 2)
    seen = []
    model.embed.register_forward_hook(lambda module, args, out: seen.append(out))
    each = torch.cat([model(x, c[i : i + 1]) for i in range(6)])
    assert all(torch.equal(seen[0], other) for other in seen)
    torch.testing.assert_close(model(x.expand(6, -1), c), each)


def test_part_of_a_model_can_be_frozen_saved_and_reused(device):
    model = build("FullModel", device)
    model.encoder.requires_grad_(False)
    out = model(torch.randn(5, 4, device=device))
    out.sum().backward()
    assert [p.grad is None for p in model.parameters()] == [True, True, False, False]
    other = NAMES["FullModel"](4, 9, 7).to(device)
    other.encoder.load_state_dict(model.encoder.state_dict())
    x = torch.randn(3, 4, device=device)
    assert torch.equal(other.encoder(x), model.encoder(x))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_encoder_of_another_kind_fits(device, bidirectional):
    """A recurrent encoder of sequences, in the place of the linear one, trains with the decoder."""

    class LastState(nn.Module):
        def __init__(self, inputs, hidden):
            super().__init__()
            size = hidden // (1 + bidirectional)
            self.gru = nn.GRU(inputs, size, batch_first=True, bidirectional=bidirectional)

        def forward(self, x):
            return self.gru(x)[1].transpose(0, 1).flatten(1)

    model = NAMES["FullModel"](4, 8, 2)
    model.encoder = LastState(3, 8)
    model.to(device)
    out = model(torch.randn(5, 11, 3, device=device))
    assert out.shape == (5, 2)
    out.sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_film_equals_a_convolution_with_one_group_for_each_map(device):
    """FiLM on a 1x1 convolution's feature maps is FiLM on their pixels, channels last."""
    layer = build("ConditionalLinear", device, torch.float64)
    x = torch.randn(3, 4, 5, 7, device=device, dtype=torch.float64)
    cond = torch.randn(3, 2, device=device, dtype=torch.float64)
    maps = F.conv2d(x, layer.linear.weight[:, :, None, None], layer.linear.bias)
    gamma, beta = layer.scale(cond) + 1, layer.shift(cond)
    want = F.conv2d(maps.view(1, 18, 5, 7), gamma.reshape(18, 1, 1, 1), beta.reshape(18), groups=18)
    got = layer(x.movedim(1, -1), cond).movedim(-1, 1)
    torch.testing.assert_close(got, want.view(3, 6, 5, 7))


def test_film_starts_as_its_linear_and_leaves_it_in_one_step(device):
    layer = NAMES["ConditionalLinear"](4, 2, 6).to(device)
    x, cond = torch.randn(8, 4, device=device), torch.randn(8, 2, device=device)
    assert torch.equal(layer(x, cond), layer.linear(x))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    (layer(x, cond) - torch.randn(8, 6, device=device)).pow(2).mean().backward()
    optimizer.step()
    for part in (layer.scale, layer.shift):
        assert all(p.abs().min() > 0 for p in part.parameters())
    assert not torch.allclose(layer(x, cond), layer(x, cond.flip(0)))


def test_film_can_turn_a_feature_off_and_a_concatenation_cannot():
    layer, x = NAMES["ConditionalLinear"](4, 2, 6), torch.randn(5, 4)
    nn.init.constant_(layer.scale.bias, -1.0)
    assert layer(x, torch.randn(5, 2)).abs().max() == 0
    block, c = build("ConcatBlock"), torch.randn(1, 2)
    spread = block(x, c.expand(5, 2)) - block(x, 9 * c.expand(5, 2))  # the same for all x
    torch.testing.assert_close(spread, spread[:1].expand(5, 6), rtol=1e-3, atol=1e-3)


# --- a layer of one's own -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def own():
    return load(LEVEL / "solution_5_custom_layer.py")


def test_own_layers_train_as_the_librarys(own, device):
    torch.manual_seed(0)
    layers = nn.Embedding(7, 4, padding_idx=0), nn.Linear(4, 3)
    model = nn.Sequential(own["MyEmbedding"](7, 4, padding_idx=0), own["SimpleLinear"](4, 3))
    missing = model.load_state_dict(nn.Sequential(*layers).state_dict(), strict=False)
    assert missing.missing_keys == ["1.seen"]
    ids, y = torch.randint(7, (9, 5), device=device), torch.randn(9, 5, 3, device=device)
    models = model.to(device), nn.Sequential(*layers).to(device)
    optimizers = [torch.optim.AdamW(m.parameters(), lr=0.1) for m in models]
    for _ in range(5):
        for m, optimizer in zip(models, optimizers, strict=True):
            optimizer.zero_grad()
            F.mse_loss(m(ids), y).backward()
            optimizer.step()
    torch.testing.assert_close(models[0](ids), models[1](ids))
    assert model[1].seen.item() == 6 * 45


def test_kaiming_keeps_the_signal_through_thirty_layers(own, device):
    torch.manual_seed(0)
    x = torch.randn(64, 256, device=device)
    for _ in range(30):
        x = F.relu(x @ own["kaiming_init"](torch.empty(256, 256, device=device)).T)
    size = x.square().mean().sqrt().item()  # of N(0, 1) at the start
    assert 0.5 < size < 2


def test_own_layer_under_autocast_and_its_copy_counts_by_itself(own, device):
    layer = own["SimpleLinear"](4, 3).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        assert layer(torch.randn(5, 4, device=device)).shape == (5, 3)
    twin = copy.deepcopy(layer)
    twin(torch.randn(5, 4, device=device))
    assert (layer.seen.item(), twin.seen.item()) == (5, 10)


# --- normalization --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def norms():
    return load(LEVEL / "solution_6_normalization.py")


@pytest.mark.parametrize("shape", [(2, 6), (32, 6), (2, 6, 1, 1), (3, 6, 5, 7), (4, 6, 9)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_norms_equal_the_library(norms, device, shape, dtype):
    tol = {torch.float64: 1e-10, torch.float32: 1e-4}.get(dtype, 2e-2)
    x = (2 * torch.randn(shape) + 1).to(device, dtype)
    gamma, beta = (torch.rand(6).to(device, dtype) for _ in range(2))
    last = [torch.rand(shape[-1]).to(device, dtype) for _ in range(2)]
    at = {"device": device, "dtype": torch.promote_types(dtype, torch.float32)}
    states = [[torch.zeros(6, **at), torch.ones(6, **at)] for _ in range(2)]
    wide = [t.double() for t in (x, gamma, beta, *last, *states[1])]
    pairs = [
        (norms["my_layer_norm"](x, *last), F.layer_norm(wide[0], shape[-1:], *wide[3:5])),
        (norms["rms_norm"](x, last[0]), F.rms_norm(wide[0], shape[-1:], wide[3], 1e-6)),
        (norms["group_norm"](x, 3, gamma, beta), F.group_norm(wide[0], 3, *wide[1:3])),
    ]
    for training in (True, False):
        got = norms["my_batch_norm"](x, gamma, beta, *states[0], training=training)
        pairs.append((got, F.batch_norm(wide[0], *wide[5:], *wide[1:3], training)))
    for got, want in pairs:
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), want, rtol=tol, atol=tol)
    for got, want in zip(states[0], wide[5:], strict=True):
        torch.testing.assert_close(got.double(), want, rtol=1e-3, atol=1e-3)


def test_a_model_with_batch_norm_by_hand_trains_and_evaluates_as_with_the_layer(norms, device):
    torch.manual_seed(0)
    layer, first = nn.BatchNorm1d(5).to(device), nn.Linear(3, 5).to(device)
    twin, state = (
        copy.deepcopy(first),
        [torch.zeros(5, device=device), torch.ones(5, device=device)],
    )
    optimizers = [torch.optim.SGD(m.parameters(), 0.1) for m in (first, twin)]
    for _ in range(5):
        x = torch.randn(8, 3, device=device)
        mine = norms["my_batch_norm"](first(x), layer.weight.detach(), layer.bias.detach(), *state)
        for out, optimizer in zip((mine, layer(twin(x))), optimizers, strict=True):
            optimizer.zero_grad()
            (out**3).mean().backward()
            optimizer.step()
    torch.testing.assert_close(first.weight, twin.weight)
    torch.testing.assert_close(state, [layer.running_mean, layer.running_var])


def test_norms_of_a_constant_are_beta_with_finite_gradients(norms, device):
    x = torch.full((4, 6, 2, 2), 7.0, device=device, requires_grad=True)
    gamma, beta = torch.ones(6, device=device), torch.arange(6.0, device=device)
    state = torch.zeros(6, device=device), torch.ones(6, device=device)
    for out in (
        norms["my_batch_norm"](x, gamma, beta, *state),
        norms["group_norm"](x, 2, gamma, beta),
    ):
        torch.testing.assert_close(out, beta.view(6, 1, 1).expand_as(out))
        (grad,) = torch.autograd.grad(out.sum(), x)
        assert grad.isfinite().all()


# --- recurrent cells ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recurrent():
    return load(LEVEL / "solution_7_recurrent.py")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (7, 20, 5, 6), (3, 2, 8, 8)], ids=str)
def test_recurrent_layer_equals_the_library(recurrent, device, dtype, sizes):
    B, L, *features = sizes
    theirs = nn.LSTM(*features, batch_first=True)
    mine = recurrent["LSTM"](*features)
    mine.load_state_dict(theirs.state_dict())
    x = torch.randn(B, L, features[0]).to(device, dtype)
    out, (h, c) = mine.to(device, dtype)(x)
    want, (last_h, last_c) = theirs.to(device, dtype)(x)
    tol = {torch.float64: 1e-10, torch.float32: 1e-5}.get(dtype, 5e-2)
    for got, right in ((out, want), (h, last_h[0]), (c, last_c[0])):
        assert got.dtype == dtype
        torch.testing.assert_close(got, right, rtol=tol, atol=tol)


def test_a_sequence_in_pieces_gives_the_whole(recurrent, device):
    layer, x = recurrent["LSTM"](3, 4).to(device), torch.randn(2, 9, 3, device=device)
    whole, last = layer(x)
    pieces, state = [], None
    for piece in x.split([4, 0, 1, 4], dim=1):
        out, state = layer(piece, state)
        pieces.append(out)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    torch.testing.assert_close(state, last)


def test_recurrent_layer_remembers_the_first_number(recurrent, device):
    torch.manual_seed(0)
    layer, head = recurrent["LSTM"](1, 8).to(device), nn.Linear(8, 1).to(device)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.05)
    for _ in range(100):
        x = torch.randn(64, 4, 1, device=device)
        loss = F.mse_loss(head(layer(x)[1][0]), x[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1  # 1 without memory


# --- convolution ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def convolution():
    return load(LEVEL / "solution_8_conv2d.py")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
@pytest.mark.parametrize("padding", [0, (1, 2)])
@pytest.mark.parametrize("dilation", [1, (2, 1)])
def test_convolutions_equal_the_library(convolution, device, dtype, stride, padding, dilation):
    tol = {torch.float32: 1e-4, torch.float64: 1e-10, torch.bfloat16: 5e-2}[dtype]
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    for N, C, C_out, groups, kernel in (
        (2, 6, 4, 2, (3, 3)),
        (1, 3, 3, 3, (2, 4)),
        (0, 2, 1, 1, (1, 1)),
    ):
        x = torch.randn(N, C, 9, 8).to(device, dtype)
        weight = torch.randn(C_out, C // groups, *kernel).to(device, dtype)
        bias = torch.randn(C_out).to(device, dtype)
        got = convolution["my_conv2d"](x, weight, bias, **options, groups=groups)
        wide = (t.double() for t in (x, weight, bias))
        want = F.conv2d(*wide, **options, groups=groups)
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), want, rtol=tol, atol=tol)


@pytest.mark.parametrize("kernel", [1, 2, (3, 2)])
@pytest.mark.parametrize("stride", [None, 1, (2, 3)])
@pytest.mark.parametrize("padding", [0, (1, 0)])
def test_pooling_equals_the_library(convolution, device, kernel, stride, padding):
    if kernel == 1 and padding:
        pytest.skip("the library allows half of the kernel")
    x = torch.randn(2, 3, 7, 9, device=device) - 4
    got = convolution["max_pool2d"](x, kernel, stride, padding)
    torch.testing.assert_close(got, F.max_pool2d(x, kernel, stride, padding))


def test_a_network_by_hand_has_the_gradients_of_the_layers(convolution, device):
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.MaxPool2d(2, padding=1),
        nn.Conv2d(4, 4, (2, 3), groups=4, bias=False),
        nn.Conv2d(4, 3, 1, bias=False),
    ).to(device, torch.float64)
    x = torch.randn(2, 2, 12, 13, device=device, dtype=torch.float64)
    first, depthwise, mix = layers[0], layers[2], layers[3]
    y = convolution["my_conv2d"](x, first.weight, first.bias, 2, 1)
    y = convolution["max_pool2d"](y, 2, padding=1)
    y = convolution["depthwise_separable_conv"](y, depthwise.weight, mix.weight)
    want = layers(x)
    torch.testing.assert_close(y, want)
    got, right = (torch.autograd.grad((t**2).sum(), layers.parameters()) for t in (y, want))
    torch.testing.assert_close(got, right)
