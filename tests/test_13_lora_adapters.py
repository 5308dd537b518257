"""What the solutions of level 13 keep beyond their checks."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from practice.exercises import ROOT, load

LEVEL = ROOT / "13_lora_adapters"


@pytest.fixture(scope="module")
def lora():
    """Every public name of the LoRA and IA3 solutions, and the given models."""
    stems = {
        "lora_linear": "LoRALinear",
        "ia3_linear": "IA3Linear",
        "inject_lora": "inject_lora",
        "inject_lora_recursive": "inject_lora_recursive",
        "inject_ia3": "inject_ia3",
        "lora_adapter_model": "build_lora_adapter_model",
    }
    names = {name: load(LEVEL / f"solution_{stem}.py")[name] for stem, name in stems.items()}
    return names | load(LEVEL / "base_model.py")


class Product(nn.Module):
    """LoRA as the library would write it: a parametrization of the weight."""

    def __init__(self, layer):
        super().__init__()
        self.A, self.B = (nn.Parameter(p.detach().clone()) for p in (layer.lora_A, layer.lora_B))
        self.scale = layer.scale

    def forward(self, weight):
        return weight + self.scale * self.B @ self.A


class Rows(nn.Module):
    """IA3 as the library would write it, for weight and bias alike."""

    def __init__(self, layer):
        super().__init__()
        self.scale = nn.Parameter(layer.scale.detach().clone())

    def forward(self, tensor):
        return tensor * self.scale.view(-1, *[1] * (tensor.ndim - 1))


def wrapped(lora, name, base):
    """A wrapper as it may be after some training."""
    layer = lora["LoRALinear"](base, 3, 0.6) if name == "LoRALinear" else lora["IA3Linear"](base)
    with torch.no_grad():
        for p in layer.parameters():
            if p.requires_grad:
                p.normal_()
    return layer


def injected(lora, name, model):
    """(model, params) of an injection into all of a BaseMLP's layers."""
    if name == "inject_ia3":
        return lora[name](model, ["fc1", "fc2", "fc3"])
    if name == "inject_lora":
        return lora[name](model, ["fc3", "fc1", "fc2"], 2, 0.5)
    return lora[name](model, 2, 0.5)


WRAPPERS = pytest.mark.parametrize("wrapper", ["LoRALinear", "IA3Linear"])
INJECTIONS = pytest.mark.parametrize(
    "injection", ["inject_lora", "inject_lora_recursive", "inject_ia3"]
)


@WRAPPERS
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [1, 5])
def test_wrapper_equals_the_library_s_parametrization(lora, device, wrapper, bias, batch):
    base = nn.Linear(8, 6, bias, device=device, dtype=torch.float64)
    twin = copy.deepcopy(base)
    layer = wrapped(lora, wrapper, base)
    kind = Product if wrapper == "LoRALinear" else Rows
    parametrize.register_parametrization(twin, "weight", kind(layer))
    if bias and kind is Rows:
        parametrize.register_parametrization(twin, "bias", twin.parametrizations.weight[0])
    x = torch.randn(batch, 4, 8, device=device, dtype=torch.float64, requires_grad=True)
    results = layer(x), twin(x)
    torch.testing.assert_close(*results)
    upstream = torch.randn_like(results[0])
    mine = [x, *(p for p in layer.parameters() if p.requires_grad)]
    library = [x, *twin.parametrizations.weight[0].parameters()]
    torch.testing.assert_close(
        torch.autograd.grad(results[0], mine, upstream),
        torch.autograd.grad(results[1], library, upstream),
    )


@WRAPPERS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 8), (3, 8), (2, 1, 5, 8)])
def test_wrapper_trains_in_every_dtype(lora, device, wrapper, dtype, shape):
    layer = wrapped(lora, wrapper, nn.Linear(8, 6, device=device, dtype=dtype))
    out = layer(torch.randn(shape, device=device, dtype=dtype))
    assert (out.shape, out.dtype, out.device) == ((*shape[:-1], 6), dtype, layer.base.weight.device)
    out.float().square().sum().backward()
    for name, p in layer.named_parameters():
        assert (p.grad is None) == name.startswith("base."), name
        assert p.grad is None or (p.grad.isfinite().all() and p.grad.abs().max() > 0), name


@WRAPPERS
def test_wrapper_under_autocast(lora, device, wrapper):
    layer = wrapped(lora, wrapper, nn.Linear(8, 6, device=device))
    x = torch.randn(5, 8, device=device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = layer(x)
    torch.testing.assert_close(out.float(), layer(x), rtol=0.1, atol=0.2)
    out.float().sum().backward()
    grads = [p.grad for p in layer.parameters() if p.requires_grad]
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in grads)


@WRAPPERS
def test_wrapper_s_gradcheck(lora, wrapper):
    layer = wrapped(lora, wrapper, nn.Linear(4, 3, dtype=torch.float64))
    names, params = zip(*layer.named_parameters(), strict=True)
    x = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)

    def call(x, *params):
        return torch.func.functional_call(layer, dict(zip(names, params, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *params))
    assert torch.autograd.gradgradcheck(call, (x, *params))


@WRAPPERS
@pytest.mark.parametrize("size", [1, 7, 9])
def test_wrapper_refuses_features_of_another_size(lora, wrapper, size):
    with pytest.raises(RuntimeError):
        wrapped(lora, wrapper, nn.Linear(8, 6))(torch.randn(4, size))


@INJECTIONS
@pytest.mark.parametrize(("optimizer", "lr"), [(torch.optim.AdamW, 0.05), (torch.optim.SGD, 0.5)])
def test_an_injected_model_learns_and_its_base_stays(lora, device, injection, optimizer, lr):
    model = lora["BaseMLP"](5, 16, 3).to(device)
    before = copy.deepcopy(model)
    model, params = injected(lora, injection, model)
    x = torch.randn(32, 5, device=device)
    assert torch.equal(model(x), before(x))
    target = 2 * before(x).detach() + 1
    steps = optimizer(params, lr=lr)
    losses = []
    for _ in range(20):
        steps.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    for name, p in before.named_parameters():
        layer, key = name.split(".")
        assert torch.equal(model.get_parameter(f"{layer}.base.{key}"), p), name


@INJECTIONS
def test_what_was_learned_travels_without_the_base(lora, injection, tmp_path):
    base = lora["BaseMLP"](5, 7, 3)
    model, params = injected(lora, injection, copy.deepcopy(base))
    for p in params:
        nn.init.normal_(p)
    state = {k: v for k, v in model.state_dict().items() if ".base." not in k}
    assert len(state) == len(params)
    torch.save(state, tmp_path / "adapter.pt")
    other, _ = injected(lora, injection, copy.deepcopy(base))
    x = torch.randn(4, 5)
    assert not torch.allclose(other(x), model(x))
    left = other.load_state_dict(torch.load(tmp_path / "adapter.pt"), strict=False)
    assert not left.unexpected_keys
    assert torch.equal(other(x), model(x))


@INJECTIONS
def test_the_same_seed_draws_the_same_adapters(lora, injection):
    base, states = lora["BaseMLP"](5, 7, 3), []
    for _ in range(2):
        torch.manual_seed(1)
        states.append(injected(lora, injection, copy.deepcopy(base))[0].state_dict())
    torch.testing.assert_close(*states, rtol=0, atol=0)


@INJECTIONS
def test_number_of_parameters_that_train(lora, injection):
    _, params = injected(lora, injection, lora["BaseMLP"](5, 7, 3))
    want = 7 + 7 + 3 if injection == "inject_ia3" else 2 * (5 + 7 + 7 + 7 + 7 + 3)
    assert sum(p.numel() for p in params) == want


@INJECTIONS
def test_an_injected_model_moves_and_casts_as_a_whole(lora, injection):
    model, _ = injected(lora, injection, lora["BaseMLP"](5, 7, 3))
    model.to("meta", torch.bfloat16)
    assert {(t.device.type, t.dtype) for t in model.state_dict().values()} == {
        ("meta", torch.bfloat16)
    }
    assert model(torch.randn(3, 5, device="meta", dtype=torch.bfloat16)).is_meta


@INJECTIONS
def test_an_injected_model_survives_deepcopy(lora, injection):
    model, params = injected(lora, injection, lora["BaseMLP"](5, 7, 3))
    twin, x = copy.deepcopy(model), torch.randn(4, 5)
    for p in params:
        nn.init.normal_(p)
    assert not torch.allclose(twin(x), model(x))
    twin.load_state_dict(model.state_dict())
    assert torch.equal(twin(x), model(x))


def test_a_tied_embedding_stays_tied_and_frozen(lora):
    model = nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 6), nn.Linear(6, 11, bias=False))
    model[2].weight = model[0].weight
    tokens = torch.randint(11, (2, 5))
    before = model(tokens)
    model, params = lora["inject_lora"](model, ["2"], 2)
    assert model[2].base.weight is model[0].weight
    assert torch.equal(model(tokens), before)
    model(tokens).square().sum().backward()
    assert model[0].weight.grad is None
    assert [tuple(p.shape) for p in params] == [(2, 6), (11, 2)]


def test_recursive_injection_is_injection_by_all_names(lora):
    blocks = nn.Sequential(*(lora["BaseTransformerBlock"](6, 9) for _ in range(2)))
    twin, x = copy.deepcopy(blocks), torch.randn(2, 5, 6)
    names = [f"{i}.{key}" for i in range(2) for key in ("proj_in", "proj_out", "ff1", "ff2")]
    lora["inject_lora"](blocks, names, 3, 0.3)
    lora["inject_lora_recursive"](twin, 3, 0.3)
    assert blocks.state_dict().keys() == twin.state_dict().keys()
    for p in blocks.parameters():
        if p.requires_grad:
            nn.init.normal_(p)
    twin.load_state_dict(blocks.state_dict())
    torch.testing.assert_close(twin(x), blocks(x))


def test_ia3_after_lora_adapts_the_layers_that_lora_left(lora):
    model, _ = lora["inject_lora"](lora["BaseMLP"](5, 7, 3), ["fc1"], 2)
    x = torch.randn(4, 5)
    before = model(x)
    model, params = lora["inject_ia3"](model, ["fc3"])
    assert torch.equal(model(x), before)
    assert [p.shape for p in params] == [(3,)]


@pytest.mark.parametrize("adapter", [True, False])
@pytest.mark.parametrize("batch", [1, 4])
def test_lora_and_adapter_together(lora, device, adapter, batch):
    build = lora["build_lora_adapter_model"]
    models = [build(8, 12, 2, 3, use_adapter_block=adapter) for _ in range(2)]
    (model, trainable), (other, _) = ((m.to(device), params) for m, params in models)
    assert sum(p.numel() for p in trainable) == 4 * 2 * 8 + adapter * (2 * 8 * 3 + 3 + 8)
    for p in trainable:
        nn.init.normal_(p, std=0.3)
    x = torch.randn(batch, 5, 8, device=device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = model(x)
    torch.testing.assert_close(out.float(), model(x), rtol=0.1, atol=0.3)
    out.float().square().mean().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().max() > 0 for p in trainable)
    assert sum(p.grad is not None for p in model.parameters()) == len(trainable)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), model(x))


@pytest.fixture(scope="module")
def parts():
    """Every public class of the adapters' solutions, and the base's block."""
    names = {}
    for stem in ("adapter_block", "parallel_adapter_block", "learnable_prefix", "adapter_stack"):
        names |= load(LEVEL / f"solution_{stem}.py")
    names |= load(LEVEL / "solution_bottleneck_adapter.py")  # the last: the whole adapter
    return {**names, **load(LEVEL / "base_model.py")}


def trained(module):
    """The module as it may be after some training: nothing in it is 0."""
    with torch.no_grad():
        for p in module.parameters():
            nn.init.normal_(p, std=0.4)
    return module


def adapted(parts, name, d_model=6, dtype=torch.float32, device="cpu"):
    """A module with something to train in it, and a call of it: tensor -> tensor."""
    adapter = parts["BottleneckAdapter"](d_model, 4)
    base = parts["BaseTransformerBlock"](d_model, 9)
    module = {
        "BottleneckAdapter": lambda: adapter,
        "AdapterBlock": lambda: parts["AdapterBlock"](base, adapter),
        "ParallelAdapterBlock": lambda: parts["ParallelAdapterBlock"](base, adapter),
        "LearnablePrefix": lambda: parts["LearnablePrefix"](3, d_model),
        "AdapterStack": lambda: parts["AdapterStack"](d_model, 4, 3),
    }[name]().to(device, dtype)
    return module, (lambda x: module(x, 1)) if name == "AdapterStack" else module


ADAPTED = ("BottleneckAdapter", "AdapterBlock", "ParallelAdapterBlock")
ALL = (*ADAPTED, "LearnablePrefix", "AdapterStack")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_shape_dtype_and_gradients_over_batches(parts, device, name, dtype, batch):
    module, call = adapted(parts, name, dtype=dtype, device=device)
    trained(module)
    x = torch.randn(batch, 5, 6, device=device, dtype=dtype, requires_grad=True)
    out = call(x)
    assert out.shape == (batch, 5 + 3 * (name == "LearnablePrefix"), 6)
    assert (out.dtype, out.device) == (x.dtype, x.device)
    assert out.isfinite().all()
    out.float().square().sum().backward()
    assert x.grad.abs().max() > 0
    for key, p in module.named_parameters():
        takes_part = p.requires_grad and not key.startswith(("adapters.0", "adapters.2"))
        assert (p.grad is not None) == takes_part, key
        assert p.grad is None or (p.grad.isfinite().all() and p.grad.abs().max() > 0), key


@pytest.mark.parametrize("name", ALL)
def test_a_sample_does_not_depend_on_its_batch(parts, device, name):
    module, call = adapted(parts, name, dtype=torch.float64, device=device)
    trained(module)
    x = torch.randn(4, 5, 6, device=device, dtype=torch.float64)
    torch.testing.assert_close(call(x), torch.cat([call(sample) for sample in x.split(1)]))


@pytest.mark.parametrize("name", ALL)
def test_state_dict_round_trip(parts, name, tmp_path):
    module, call = adapted(parts, name)
    torch.save(trained(module).state_dict(), tmp_path / "state.pt")
    other, call_other = adapted(parts, name)
    x = torch.randn(2, 5, 6)
    assert not torch.equal(call(x), call_other(x))
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(call(x), call_other(x))
    other.load_state_dict(copy.deepcopy(module).state_dict())
    assert torch.equal(call(x), call_other(x))


@pytest.mark.parametrize("name", ALL)
def test_autocast_on_float32_weights(parts, device, name):
    module, call = adapted(parts, name, device=device)
    trained(module)
    x = torch.randn(3, 5, 6, device=device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        out = call(x)
    torch.testing.assert_close(out.float(), call(x), rtol=0.1, atol=0.1)
    out.float().square().mean().backward()
    grads = [p.grad for p in module.parameters() if p.grad is not None]
    assert grads
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in grads)


@pytest.mark.parametrize("name", ["AdapterBlock", "ParallelAdapterBlock"])
@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.SGD])
def test_a_deep_model_of_blocks_starts_as_its_base_and_only_adapters_train(
    parts, device, name, optimizer
):
    base = nn.Sequential(*(parts["BaseTransformerBlock"](6, 9) for _ in range(3))).to(device)
    before = copy.deepcopy(base)
    model = nn.Sequential(
        *(parts[name](layer, parts["BottleneckAdapter"](6, 2).to(device)) for layer in base)
    )
    x = torch.randn(4, 5, 6, device=device)
    assert torch.equal(model(x), before(x))
    target = before(x).detach() + torch.randn(6, device=device)
    steps = optimizer(model.parameters(), lr=0.05, weight_decay=0.1)
    start = copy.deepcopy(model.state_dict())
    losses = []
    for _ in range(20):
        steps.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    for key, now in model.state_dict().items():
        assert torch.equal(now, start[key]) == (".sublayer." in key), key


@pytest.mark.parametrize("name", ["AdapterBlock", "ParallelAdapterBlock"])
def test_the_library_s_encoder_layer_as_sublayer(parts, device, name):
    """Dropout inside: under one seed the block draws what the layer alone draws."""
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.3, batch_first=True).to(device)
    twin = copy.deepcopy(layer)
    block = parts[name](layer, parts["BottleneckAdapter"](8, 3).to(device))
    x = torch.randn(3, 5, 8, device=device)
    for mode in (True, False):
        results = []
        for model in (block.train(mode), twin.train(mode)):
            torch.manual_seed(1)
            results.append(model(x))
        torch.testing.assert_close(*results)
    assert not torch.equal(block.train()(x), block(x))


def test_serial_and_parallel_differ_by_what_the_adapter_reads(parts):
    """Behind the identity both are one; behind zeros only the parallel adapter sees x."""
    adapter = trained(parts["BottleneckAdapter"](6, 3))
    serial, parallel = parts["AdapterBlock"], parts["ParallelAdapterBlock"]
    x = torch.randn(4, 6)
    torch.testing.assert_close(serial(nn.Identity(), adapter)(x), adapter(x))
    torch.testing.assert_close(parallel(nn.Identity(), adapter)(x), adapter(x))
    zeros = nn.Linear(6, 6)
    nn.init.zeros_(zeros.weight)
    nn.init.zeros_(zeros.bias)
    torch.testing.assert_close(parallel(zeros, adapter)(x), adapter.forward_delta(x))
    rows = serial(zeros, adapter)(x)
    torch.testing.assert_close(rows, rows[:1].expand(4, 6))


def test_gradcheck_of_the_adapter_and_the_prefix(parts):
    x = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    adapter = trained(parts["BottleneckAdapter"](5, 4).double())
    prefix = parts["LearnablePrefix"](2, 5).double()
    for module in (adapter, prefix):
        names, params = zip(*module.named_parameters(), strict=True)

        def call(x, *params, module=module, names=names):
            given = dict(zip(names, params, strict=True))
            return torch.func.functional_call(module, given, (x,))

        assert torch.autograd.gradcheck(call, (x, *params))


def test_a_prefix_alters_what_attention_sees_and_a_masked_one_does_not(parts):
    prefix = trained(parts["LearnablePrefix"](3, 8))
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(4, 5, 8)
    alone = attention(x, x, x, need_weights=False)[0]
    y = prefix(x)
    seen = attention(y, y, y, need_weights=False)[0][:, 3:]
    assert not torch.allclose(seen, alone, atol=1e-3)
    hidden = torch.arange(8).expand(4, 8) < 3
    unseen = attention(y, y, y, key_padding_mask=hidden, need_weights=False)[0][:, 3:]
    torch.testing.assert_close(unseen, alone)


def test_tasks_of_a_stack_are_learned_apart(parts, device):
    """Whatever the order of the tasks' batches, each task ends where it would have ended alone."""
    stack = parts["AdapterStack"](6, 3, 2).to(device, torch.float64)
    start = copy.deepcopy(stack.state_dict())
    batches = [(i, torch.randn(5, 6, device=device, dtype=torch.float64)) for i in (0, 1) * 8]
    ends = []
    for order in (batches, sorted(batches, key=lambda batch: batch[0])):
        stack.load_state_dict(start)
        optimizer = torch.optim.AdamW(stack.parameters(), lr=0.05, weight_decay=0.2)
        for task, x in order:
            optimizer.zero_grad()
            (stack(x, task) - task - 1).square().mean().backward()
            optimizer.step()
        ends.append(copy.deepcopy(stack.state_dict()))
    torch.testing.assert_close(*ends)
    assert not torch.allclose(ends[0]["adapters.0.up.bias"], ends[0]["adapters.1.up.bias"])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_merged_transformer_and_its_file(lora, device, tmp_path, dtype):
    merging = load(LEVEL / "solution_merge_lora.py")
    torch.manual_seed(0)
    names = "proj_in", "ff1", "ff2"
    base = lora["BaseTransformerBlock"](16, 24).to(device, dtype)
    models = [copy.deepcopy(base) for _ in range(2)]
    for model in models:
        for name in names:
            layer = merging["LoRALinear"](getattr(model, name), 2, 0.5)
            setattr(model, name, layer)
            nn.init.normal_(layer.lora_B, std=0.1)
    torch.save(merging["lora_state_dict"](models[0]), tmp_path / "task.pt")
    state = torch.load(tmp_path / "task.pt", weights_only=True)
    assert sum(t.numel() for t in state.values()) == 2 * (2 * 16 + 2 * (16 + 24))
    merging["load_lora"](models[1], state)
    x = torch.randn(3, 5, 16, device=device, dtype=dtype)
    want = models[0](x)
    assert torch.equal(models[1](x), want)
    merged = merging["merge_model"](models[1])
    tol = 1e-12 if dtype is torch.float64 else 0.1
    torch.testing.assert_close(merged(x), want, rtol=tol, atol=tol)
    assert merged.state_dict().keys() == base.state_dict().keys()
    for name in names:
        setattr(merged, name, merging["unmerge"](getattr(merged, name)))
    assert torch.equal(merged(x), want)


def test_dora_is_the_library_s_weight_norm_of_the_changed_weight(device):
    dora = load(LEVEL / "solution_dora.py")["DoRALinear"]
    layer = dora(nn.Linear(8, 6, device=device, dtype=torch.float64), 2, 0.7)
    for p in (layer.lora_A, layer.lora_B, layer.magnitude):
        nn.init.uniform_(p, 0.5, 1.5)
    twin = copy.deepcopy(layer.base)
    twin.weight.data = layer.base.weight + 0.7 * layer.lora_B.detach() @ layer.lora_A.detach()
    twin = nn.utils.parametrizations.weight_norm(twin.requires_grad_(), dim=0)
    twin.parametrizations.weight.original0.data = layer.magnitude.detach()[:, None]
    x = torch.randn(4, 8, device=device, dtype=torch.float64)
    torch.testing.assert_close(layer(x), twin(x))
    upstream = torch.randn(4, 6, device=device, dtype=torch.float64)
    layer(x).backward(upstream)
    twin(x).backward(upstream)
    got, want = layer.magnitude.grad, twin.parametrizations.weight.original0.grad
    torch.testing.assert_close(got, want[:, 0])  # V has another one: its norm is a constant here


def test_nf4_is_nearer_to_normal_weights_than_integers_and_takes_four_and_a_half_bits(device):
    nf4 = load(LEVEL / "solution_quantized_base.py")
    torch.manual_seed(0)
    weight = torch.randn(512, 256, device=device)
    packed, absmax = nf4["quantize_nf4"](weight)
    assert 8 * (packed.nbytes + absmax.nbytes) == 4.5 * weight.numel()
    error = (nf4["dequantize_nf4"](packed, absmax, (512, 256)) - weight).square().mean().sqrt()
    unit = absmax.repeat_interleave(64).view(512, 256)
    grid = ((weight / unit * 7).round() / 7 * unit - weight).square().mean().sqrt()
    assert abs(error - 0.092) < 0.001
    assert abs(grid - 0.108) < 0.001


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_quantized_model_learns_by_its_adapters_alone(lora, device, dtype):
    nf4 = load(LEVEL / "solution_quantized_base.py")
    torch.manual_seed(0)
    model = lora["BaseMLP"](8, 16, 4).to(device, dtype)
    for name, layer in [*model.named_children()]:
        setattr(model, name, nf4["QLoRALinear"](layer, 2))
    before, x = copy.deepcopy(model.state_dict()), torch.randn(32, 8, device=device, dtype=dtype)
    target = model(x).detach().roll(1, dims=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.1)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    moved = {name for name, t in model.state_dict().items() if not torch.equal(t, before[name])}
    assert moved == {name for name in before if ".lora_" in name}


@pytest.mark.parametrize("stem", ["merge_lora", "quantized_base"])
def test_copies_and_files_of_modules_keep_what_they_are(stem, device, tmp_path):
    solution, base = load(LEVEL / f"solution_{stem}.py"), nn.Linear(6, 4, device=device)
    x = torch.randn(3, 6, device=device)
    if stem == "merge_lora":
        layer = solution["LoRALinear"](base, 2, 0.5)
        nn.init.ones_(layer.lora_B)
        twin = copy.deepcopy(solution["merge"](layer))
        torch.testing.assert_close(twin(x), layer(x))
        assert torch.equal(solution["unmerge"](twin)(x), layer(x))
        return
    layer = solution["QLoRALinear"](base, 2, block_size=7)
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    twin = copy.deepcopy(layer)
    assert torch.equal(twin(x), layer(x))
    other = solution["QLoRALinear"](nn.Linear(6, 4, device=device), 2, block_size=7)
    other.load_state_dict(torch.load(tmp_path / "layer.pt", weights_only=True))
    assert torch.equal(other(x), layer(x))
