"""What the solutions of level 14 keep beyond their checks: whole networks, and counting by hand."""

import itertools
import random
import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from checks.sums import kept_by_blocks, sent_by_ring
from checks.world import World
from practice.exercises import ROOT, check_of, load

LEVEL = ROOT / "14_computation_exercises"
conv = load(LEVEL / "solution_01_convolution_computation.py")
block = load(LEVEL / "solution_02_transformer_computation.py")
vit = load(LEVEL / "solution_03_vision_transformer_computation.py")
memory = load(LEVEL / "solution_05_memory_computation.py")
scaling = load(LEVEL / "solution_06_scaling_computation.py")
inference = load(LEVEL / "solution_07_inference_computation.py")
OUTPUT = {1: "conv1d_output_length", 2: "conv2d_output_shape", 3: "conv3d_output_shape"}


def output(n, *args, **kwargs):
    """The output's sizes as a tuple, in 1d too."""
    out = conv[OUTPUT[n]](*args, **kwargs)
    return (out,) if n == 1 else out


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_solutions_start_without_torch():
    """The drill asks its first question at once."""
    code = (
        "import runpy, sys\n"
        "for path in sys.argv[1:]: runpy.run_path(path)\n"
        "sys.exit('torch' in sys.modules)"
    )
    paths = [str(path) for path in sorted(LEVEL.glob("solution_*.py"))]
    assert subprocess.run([sys.executable, "-c", code, *paths], timeout=60).returncode == 0


def test_output_length_is_the_number_of_places():
    """Each place of the kernel's first tap tried in turn."""
    for L, k, s, p, d in itertools.product(range(1, 8), (1, 2, 3), (1, 2, 3), (0, 1, 2), (1, 2, 4)):
        taps = [range(start, start + k * d, d) for start in range(-p, L + p, s)]
        places = [t for t in taps if t[-1] < L + p]
        if places:
            assert conv["conv1d_output_length"](L, k, s, p, d) == len(places)
        else:
            with pytest.raises(ValueError, match=f"kernel {k}"):
                conv["conv1d_output_length"](L, k, s, p, d)


@pytest.mark.parametrize("kernel", [1, 3, (2, 5), (4, 1)])
@pytest.mark.parametrize("stride", [1, (2, 3)])
@pytest.mark.parametrize("padding", [0, (2, 1)])
@pytest.mark.parametrize("dilation", [1, (1, 2)])
def test_output_shape_has_the_places_that_unfold_finds(kernel, stride, padding, dilation):
    H_out, W_out = output(2, 9, 14, kernel, stride, padding, dilation)
    columns = F.unfold(torch.ones(1, 1, 9, 14), kernel, dilation, padding, stride)
    assert H_out * W_out == columns.shape[2]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_real_layers_on_real_devices(n, batch, dtype, device):
    sizes = (11, 9, 8)[:n]
    kwargs = {"stride": 2, "padding": (2, 1, 0)[:n], "dilation": (1, 2, 3)[:n]}
    layer_type = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[n - 1]
    layer = layer_type(4, 6, 3, **kwargs, groups=2, device=device, dtype=dtype)
    x = torch.randn(batch, 4, *sizes, device=device, dtype=dtype)
    with FlopCounterMode(display=False) as counter:
        out = layer(x)
    want = output(n, *sizes, 3, **kwargs)
    assert out.shape == (batch, 6, *want)
    assert conv[f"conv{n}d_num_params"](4, 6, 3, groups=2) == count(layer)
    flops = conv[f"conv{n}d_flops"](4, 6, 3, *want, groups=2)
    assert 2 * batch * flops == counter.get_total_flops()


@pytest.mark.parametrize(
    ("name", "size", "flops"),
    [
        ("resnet50", (224, 224), 4_087_136_256),
        ("mobilenet_v2", (224, 224), None),
        ("googlenet", (203, 187), None),
        ("video.r3d_18", (16, 112, 96), None),
    ],
)
def test_every_convolution_of_a_network(torchvision, name, size, flops):
    """Its sizes, parameters and FLOPs, with what came in as the next layer's input."""
    models = torchvision.models.video if "." in name else torchvision.models
    kwargs = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        model = getattr(models, name.rpartition(".")[2])(weights=None, **kwargs).eval()
    total, seen, n = 0, 0, len(size)

    def compare(layer, inputs, out):
        nonlocal total, seen
        args = (layer.in_channels, layer.out_channels, layer.kernel_size)
        sizes = output(
            n, *inputs[0].shape[2:], args[2], layer.stride, layer.padding, layer.dilation
        )
        assert out.shape[2:] == sizes
        bias = layer.bias is not None
        assert conv[f"conv{n}d_num_params"](*args, bias, layer.groups) == count(layer)
        total += conv[f"conv{n}d_flops"](*args, *sizes, layer.groups)
        seen += 1

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            layer.register_forward_hook(compare)
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, 3, *size, device="meta"))
    convolutions = sum(v for k, v in counter.flop_counts["Global"].items() if "convol" in str(k))
    assert seen > 15
    assert 2 * total == convolutions
    assert flops in (None, total)


def test_a_pointwise_convolution_is_a_linear_layer():
    linear = nn.Linear(20, 30, device="meta")
    for n in (1, 2, 3):
        assert conv[f"conv{n}d_num_params"](20, 30, 1) == count(linear)
        assert conv[f"conv{n}d_flops"](20, 30, 1, *[1] * n) == linear.weight.numel()


def test_a_dim_of_one_changes_nothing():
    for args in ((3, 2, 1, 2), (5, 1, 0, 1)):
        (length,) = output(1, 30, *args)
        in_2d = zip((1, 1, 0, 1), args, strict=True)
        assert output(2, 1, 30, *in_2d) == (1, length)
        assert output(3, 30, 30, 30, *args) == (length,) * 3
    assert conv["conv3d_flops"](4, 6, (1, 1, 5), 1, 1, 9) == conv["conv1d_flops"](4, 6, 5, 9)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (3, 7, 20, 5, 33), (2, 50, 64, 4, 256)])
def test_flops_of_a_whole_encoder_layer(sizes, bias):
    """What the library's layer computes, less its linear layers, is what attention costs."""
    B, L, d_model, heads, d_ff = sizes
    layer = nn.TransformerEncoderLayer(
        d_model, heads, d_ff, bias=bias, batch_first=True, device="meta"
    )
    with FlopCounterMode(display=False) as counter:
        layer(torch.empty(B, L, d_model, device="meta"))
    weights = sum(p.numel() for p in layer.parameters() if p.dim() == 2)
    attention = counter.get_total_flops() // 2 - B * L * weights
    assert block["attention_flops"](B, L, d_model) == attention
    assert block["encoder_block_num_params"](d_model, heads, d_ff, bias) == count(layer)


@pytest.mark.parametrize(
    ("layers", "sizes", "params"),
    [
        (12, (768, 12, 3072), 85_054_464),  # BERT base, GPT-2 small
        (24, (1024, 16, 4096), 302_309_376),  # BERT large
    ],
)
def test_models_that_everybody_knows(layers, sizes, params):
    assert layers * block["encoder_block_num_params"](*sizes) == params
    assert vit["vit2d_encoder_params"](layers, *sizes, 0) == params


@pytest.mark.parametrize(
    ("name", "patch", "sizes"),
    [("vit_b_16", 16, (12, 768, 12, 3072)), ("vit_l_32", 32, (24, 1024, 16, 4096))],
)
def test_the_librarys_vision_transformers(torchvision, name, patch, sizes):
    with torch.device("meta"):
        model = getattr(torchvision.models, name)(weights=None)
        tokens = model._process_input(torch.empty(2, 3, 224, 224))
    d_model = sizes[1]
    shape = vit["vit2d_patch_embed_output_shape"](2, 3, 224, 224, patch, d_model)
    assert tokens.shape == shape
    embed = vit["vit2d_patch_embed_num_params"](3, d_model, patch)
    assert count(model.conv_proj) == embed
    positions = vit["vit2d_sequence_length"](224, 224, patch)
    assert model.encoder.pos_embedding.shape[1] == positions
    rest = (positions + 1) * d_model + 2 * d_model + count(model.heads)  # and the class token
    assert vit["vit2d_encoder_params"](*sizes, embed) + rest == count(model)


def test_vivit():
    """32 frames in tubelets of 2 x 16 x 16: section 3.2 of arXiv 2103.15691."""
    assert vit["vit3d_num_patches"](32, 224, 224, (2, 16, 16)) == 3136
    assert vit["vit3d_sequence_length"](32, 224, 224, (2, 16, 16)) == 3137
    assert vit["vit3d_patch_embed_num_params"](3, 768, (2, 16, 16)) == 1_180_416


@pytest.mark.parametrize("patch", [(4, 4), (2, 8), (24, 1)])
def test_a_video_of_single_frames_is_a_batch_of_images(patch):
    images = vit["vit2d_num_patches"](24, 40, patch)
    assert vit["vit3d_num_patches"](5, 24, 40, (1, *patch)) == 5 * images
    for bias in (True, False):
        flat = vit["vit2d_patch_embed_num_params"](3, 8, patch, bias)
        assert vit["vit3d_patch_embed_num_params"](3, 8, (1, *patch), bias) == flat


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("patch", [1, 3])
def test_patches_on_real_devices(n, patch, device):
    sizes = (3, 6, 9)[:n]
    embed = (nn.Conv2d, nn.Conv3d)[n - 2](2, 5, patch, stride=patch, device=device)
    tokens = embed(torch.randn(4, 2, *sizes, device=device)).flatten(2).transpose(1, 2)
    assert tokens.shape == vit[f"vit{n}d_patch_embed_output_shape"](4, 2, *sizes, patch, 5)


def test_numbers_kept_for_backward_by_blocks_of_any_size():
    draw = random.Random(5)
    for _ in range(12):
        B, L, heads, layers = (draw.randint(1, 6) for _ in range(4))
        sizes = (B, L, heads * draw.randint(2, 5), heads, draw.randint(2, 9), layers)
        for again in (False, True):
            kept = kept_by_blocks(*sizes, checkpoint=again)
            assert memory["activation_elements"](*sizes, checkpoint=again) == kept, sizes


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize(("numel", "world_size"), [(12, 3), (13, 4), (2, 3)])
def test_what_ranks_hold_that_train_in_slices(stage, numel, world_size):
    """Mixed AdamW; the ranks sum gradients, step on their slices and agree on the new weights."""
    world, n = World(world_size), -(-numel // world_size)

    def train(gradient):
        rank, stored = world.get_rank(), torch.zeros(n * world_size)
        stored[:numel] = torch.linspace(-1, 1, numel)
        mine = slice(rank * n, (rank + 1) * n)
        master = (stored[mine] if stage else stored[:numel]).clone()
        weights = (stored[mine] if stage == 3 else stored[:numel]).bfloat16()
        full = torch.zeros(n * world_size, dtype=torch.bfloat16)
        full[:numel] = gradient
        if stage > 1:
            gradients = torch.empty(n, dtype=torch.bfloat16)
            world.reduce_scatter_tensor(gradients, full)
        else:
            world.all_reduce(full)
            gradients = full[:numel].clone()
        master.grad = (full[mine] if stage == 1 else gradients).float()
        used = torch.optim.AdamW([master], lr=0.1)
        used.step()
        if stage in (1, 2):
            world.all_gather_into_tensor(full, master.bfloat16())
            weights.copy_(full[:numel])
        else:
            weights.copy_(master)
        states = [s for s in used.state[master].values() if s.dim()]
        return weights, sum(t.nbytes for t in (weights, gradients, master, *states))

    each = [torch.arange(numel) - 4.0 * rank for rank in range(world_size)]
    ranks = world.run(train, each=each)
    want = memory["zero_memory_bytes"](numel, world_size, stage)
    assert [held for _, held in ranks] == [want] * world_size
    whole = torch.linspace(-1, 1, numel)
    whole.grad = sum(each).bfloat16().float()
    torch.optim.AdamW([whole], lr=0.1).step()
    got = torch.cat([w for w, _ in ranks])[:numel] if stage == 3 else ranks[-1][0]
    assert got.equal(whole.bfloat16())


@pytest.mark.parametrize(("stage", "gigabytes"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_the_example_of_zero(stage, gigabytes):
    """7.5 billion parameters on 64 GPUs: figure 1 of arXiv 1910.02054."""
    held = memory["zero_memory_bytes"](7_500_000_000, 64, stage)
    assert round(held / 1e9, 1) == gigabytes


def test_the_total_is_16_bytes_mixed_or_not():
    totals = [memory["training_memory_bytes"](10**9, "adamw", m)["total"] for m in (False, True)]
    assert totals == [16 * 10**9] * 2
    assert memory["kv_cache_bytes"](1, 1, 32, 32, 128) == 512 * 1024  # a token of a 7B model


@pytest.mark.parametrize("sizes", [(3, 7, 20, 5, 33), (2, 50, 64, 4, 256)])
def test_a_training_step_of_an_encoder_layer(sizes):
    """6 N D for its matrices; the products of attention come on top, three times, too."""
    B, L, d_model, heads, d_ff = sizes
    layer = nn.TransformerEncoderLayer(d_model, heads, d_ff, batch_first=True, device="meta")
    x = torch.empty(B, L, d_model, device="meta", requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        layer(x).sum().backward()
    weights = sum(p.numel() for p in layer.parameters() if p.dim() == 2)
    attention = 6 * block["attention_flops"](B, L, d_model)
    total = scaling["training_flops"](weights, B * L) + attention
    assert counter.get_total_flops() == total
    assert scaling["mfu"](B * L, weights, total - attention) == 1.0


@pytest.mark.parametrize("world_size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("numel", [1, 6, 13, 28])
def test_numbers_sent_in_a_ring(numel, world_size):
    sent = sent_by_ring(numel + -numel % world_size, world_size)
    assert scaling["all_reduce_elements_per_rank"](numel, world_size) == sent


def test_receptive_fields_of_a_network(torchvision):
    """VGG-16's last pooling sees 212 pixels: distill.pub/2019/computing-receptive-fields."""
    with torch.device("meta"):
        features = torchvision.models.vgg16(weights=None).features
    kinds = (nn.Conv2d, nn.MaxPool2d)
    parts = [m for m in features if isinstance(m, kinds)]
    one = [[s[0] if isinstance(s, tuple) else s for s in (m.kernel_size, m.stride)] for m in parts]
    assert scaling["receptive_field"]([(k, s, 1) for k, s in one]) == 212


@pytest.mark.parametrize(("stages", "batches"), [(4, 3), (3, 8), (1, 4), (5, 1)])
def test_a_pipeline_of_ranks(stages, batches):
    """Ranks that pass a clock on: each waits for its input, then works a slot."""
    world = World(stages)

    def work():
        rank, now, busy = world.get_rank(), torch.zeros(1), 0
        for step in (1, -1):  # forward to the last stage, then backward to the first
            before, after = rank - step, rank + step
            for batch in range(batches):
                if 0 <= before < stages:
                    world.recv(came := torch.empty(1), before, tag=batch)
                    now = torch.maximum(now, came)
                now, busy = now + 1, busy + 1
                if 0 <= after < stages:
                    world.send(now, after, tag=batch)
        return now.item(), busy

    clocks, busy = zip(*world.run(work), strict=True)
    assert set(busy) == {2 * batches}
    bubble = scaling["pipeline_bubble"](stages, batches)
    assert 1 - busy[0] / max(clocks) == pytest.approx(bubble)


@pytest.fixture(scope="module")
def said():
    return load(LEVEL / "solution_04_complexity_and_interview_questions.py")


@pytest.fixture(scope="module")
def reads():
    """How the check reads a text."""
    return check_of(LEVEL / "challenge_04_complexity_and_interview_questions.py")


def mult_adds(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


def meta(*shape, dtype=None):
    return torch.empty(*shape, dtype=dtype, device="meta")


def largest(text):
    return max(int(n.replace(",", "")) for n in re.findall(r"\d+(?:,\d{3})+|\d+", text))


@pytest.mark.parametrize("heads", [1, 4, 16])
def test_attention_text_is_right_for_any_number_of_heads(said, heads):
    q = meta(1, heads, 640, 256 // heads)
    want = mult_adds(lambda: F.scaled_dot_product_attention(q, q, q))
    assert largest(said["attention_time_complexity"](640, 256)) == want


@pytest.mark.parametrize(("B", "H", "L"), [(1, 1, 37), (5, 3, 64)])
def test_score_text_counts_the_weights_of_a_real_layer(said, B, H, L):
    x = torch.randn(B, L, 6 * H)
    _, weights = nn.MultiheadAttention(6 * H, H, batch_first=True)(
        x, x, x, average_attn_weights=False
    )
    assert largest(said["attention_space_complexity"](B, H, L)) == weights.numel()


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 3), (3, 1)])
def test_convolution_text_is_right_at_any_stride(said, stride, padding):
    layer = nn.Conv2d(6, 10, 5, stride, padding, device="meta")
    x = meta(1, 6, 40, 51)
    want = mult_adds(lambda: layer(x))
    text = said["conv2d_time_complexity_per_layer"](6, 10, 5, *layer(x).shape[2:])
    assert largest(text) == want


@pytest.mark.parametrize(
    ("sizes", "winner"),
    [
        ((2 * 64, 16, 1, 64, 4), "the same"),  # 2 * 64 * 16 * 16 and 2 * 64 * 64 * 4
        ((2 * 64 + 1, 16, 1, 64, 4), "conv costs more than attention, 1.01 times"),
        ((2 * 64 - 1, 16, 1, 64, 4), "attention costs more than conv, 1.01 times"),
        ((1, 1, 1, 1, 1), "attention costs more than conv, 2 times"),
    ],
)
def test_comparison_turns_where_the_costs_are_equal(said, sizes, winner):
    assert winner in said["conv_vs_attention_compute"](*sizes)


def attention_cost(L, d_model):
    q, k, v = (meta(L, d_model) for _ in range(3))
    return mult_adds(lambda: (q @ k.T) @ v)


def scores_cost(B, H, L):
    q = meta(B, H, L, 5)
    return (q @ q.mT).numel()


def conv2d_cost(C_in, C_out, K, H_out, W_out):
    layer = nn.Conv2d(C_in, C_out, K, bias=False, device="meta")
    return mult_adds(lambda: layer(meta(1, C_in, H_out + K - 1, W_out + K - 1)))


def conv1d_cost(L_conv, C, K):
    layer = nn.Conv1d(C, C, K, bias=False, device="meta")
    return mult_adds(lambda: layer(meta(1, C, L_conv + K - 1)))


def both_costs(L_conv, C, K, L_seq, d):
    return conv1d_cost(L_conv, C, K), attention_cost(L_seq, d)


def test_costs_that_the_check_wants_are_those_that_torch_counts(reads):
    for name, cost in (
        ("ATTENTION_COSTS", attention_cost),
        ("SCORES_COSTS", scores_cost),
        ("CONV2D_COSTS", conv2d_cost),
        ("BOTH_COSTS", both_costs),
    ):
        for sizes, want in reads[name].items():
            assert cost(*sizes) == want, (name, sizes)


def test_powers_that_the_check_wants_are_those_by_which_torch_s_count_grows(reads):
    for name, cost in (
        ("ATTENTION", attention_cost),
        ("SCORES", scores_cost),
        ("CONV2D", conv2d_cost),
        ("CONV1D", conv1d_cost),
        ("SEQUENCE", attention_cost),
    ):
        sizes = [3, 4, 5, 6, 7][: len(reads[name])]
        for i, power in enumerate(reads[name].values()):
            twice = [n * 2 if i == j else n for j, n in enumerate(sizes)]
            assert cost(*twice) == 2**power * cost(*sizes), (name, i)


FORMULAS = {  # of L and d, against L^2 d: as large in growth or not
    "L^2 * d": True,
    "d L L": True,
    "l**2d": True,
    "L²·d": True,
    "L²⋅d": True,
    "(3 L)^2 * 0.5 d + 7 L d + 9": True,
    "L * (L + d) + L^2 (d + 1)": True,
    "L^2": False,
    "L^2 + d": False,
    "L d^2": False,
    "L^2 d + d^2": False,
    "(L d)^2": False,
    "L^3 d": False,
    "0 * L^2 d": False,
    "4096^2 * 512": False,
    "1": False,
    "L^99999": False,
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_formula_is_judged_by_its_growth(reads, formula):
    def grows():
        reads["grows"]("call", formula, {"L": 2, "d": 1}, ["L", "d"])

    if FORMULAS[formula]:
        grows()
    else:
        with pytest.raises(AssertionError, match="doubles?, O"):
            grows()


@pytest.mark.parametrize(
    "formula",
    ["", "L log L", "L^d", "L^2.5", "L - d", "-L", "L / d", "(L", "L)", "L^", "+", "L n"]
    + ["L.real", "L[0]", "__import__('os')", "L if d else L", "L^2, d", "0x10", "L^2 =", "'L'"],
)
def test_formula_that_is_none_is_refused_and_never_run(reads, formula):
    with pytest.raises(AssertionError, match="cannot be read|want"):
        reads["grows"]("call", formula, {"L": 2, "d": 1}, ["L", "d"])


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("O(L^2 * (d + (1)))", ["L^2 * (d + (1))"]),
        ("O (L), then O(d).", ["L", "d"]),
        ("O(L^2 * (d: 5", []),
        ("I/O (reads) aside, O(L)", ["L"]),
        ("FOO(L)", []),
    ],
)
def test_formulas_are_found(reads, text, formulas):
    assert reads["parts"](text)[0] == formulas


@pytest.mark.parametrize(
    ("text", "n", "right"),
    [
        ("12345", 12345, True),
        ("12344", 12345, False),
        ("12,300", 12345, True),
        ("12,400", 12345, True),
        ("12,200", 12345, False),
        ("12_345", 12345, True),
        ("1.2e4", 12345, True),
        ("1.25E+04", 12500, True),
        ("1.0e4", 10400, True),
        ("1.0e4", 10600, False),
        ("7.49", 7.5, False),
        ("7.50", 7.5, True),
        (f"{1 / 3}", 1 - 2 / 3, True),
    ],
)
def test_each_digit_of_a_number_counts(reads, text, n, right):
    assert reads["rounds"](n, text) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("O(L^2): N scores, M for 2 L", True),
        ("N FLOPs (M), cubic in no way; O(L^2) is slower than linear. It doubles, 8 times.", True),
        ("~N=M,O(L L)", True),
        ("O(N M L^2)", False),
        ("N and M", False),
        ("O(L^2) N and O(L) M", False),
    ],
)
def test_no_wording_is_refused(reads, text, right):
    def why(L):
        return text.replace("N", f"{L * L}").replace("M", f"{4 * L * L:,}")

    if right:
        reads["doubling"](why)
    else:
        with pytest.raises(AssertionError):
            reads["doubling"](why)


def test_inference_agrees_with_the_memory_of_a_cache():
    for layers, heads, d_head, bytes_per in itertools.product((1, 32), (1, 8), (64, 128), (1, 2)):
        one = inference["kv_bytes_per_token"](layers, heads, d_head, bytes_per)
        whole = memory["kv_cache_bytes"](3, 50, layers, heads, d_head, bytes_per)
        assert whole == 3 * 50 * one


def test_inference_of_published_models():
    """Llama 3 8B, DeepSeek-V3; arXiv 2407.21783, 2412.19437."""
    assert inference["kv_bytes_per_token"](32, 8, 128) == 128 * 1024
    latent, full = 61 * (512 + 64) * 2, inference["kv_bytes_per_token"](61, 128, 128)
    assert inference["mla_bytes_per_token"](61, 512, 64) == latent
    assert 56 < full / latent < 57
    assert inference["max_sequences"](80 * 10**9, 2 * 8_030_261_248, 128 * 1024, 8192) == 59


@pytest.mark.parametrize(("accept", "draft_len"), [(0.8, 4), (0.3, 2), (1.0, 3), (0.0, 5)])
def test_rounds_of_speculative_decoding_simulated(accept, draft_len):
    torch.manual_seed(0)
    accepted = (torch.rand(40_000, draft_len) < accept).int().cumprod(1).sum(1) + 1.0
    bound = 6 * accepted.std().item() / 200 + 1e-9
    assert abs(accepted.mean().item() - inference["expected_tokens"](accept, draft_len)) < bound


# The tricky questions: every number of every answer, computed here.


def params(layer):
    return sum(p.numel() for p in layer.parameters())


def nbytes(*shape, dtype=torch.float32):
    return meta(*shape, dtype=dtype).nbytes


def reach(*layers):
    """How many inputs (1d) the output in the middle depends on."""
    x = torch.zeros(1, 1, 101, requires_grad=True)
    out = x
    for layer in layers:
        nn.init.ones_(layer.weight)
        out = layer(out)
    out[..., out.shape[-1] // 2].sum().backward()
    return int((x.grad != 0).sum())


def q01():
    def layer(side):
        conv = nn.Conv2d(3, 64, 3, padding=1, device="meta")
        x = meta(1, 3, side, side)
        return params(conv), mult_adds(lambda: conv(x)), conv(x).numel()

    small, large = layer(32), layer(512)
    assert small[0] == large[0]
    assert large[1] / small[1] == large[2] / small[2]
    return {small[0], 1, large[1] / small[1]}


def q02():
    few, many = (nn.MultiheadAttention(512, h, device="meta") for h in (8, 16))
    assert params(few) == params(many)
    x = meta(10, 1, 512)
    a, b = (m(x, x, x, average_attn_weights=False)[1].numel() for m in (few, many))
    return {params(few), few.head_dim, many.head_dim, b / a}


def q03():
    x = meta(1, 256, 56, 56)
    one, three = (nn.Conv2d(256, 64, k, padding=k // 2, bias=False, device="meta") for k in (1, 3))
    cost = mult_adds(lambda: one(x))
    nine = mult_adds(lambda: three(x)) / cost
    return {params(one), one(x)[0, 0].numel(), cost, nine, *three.kernel_size}


def q04():
    depthwise = nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False, device="meta")
    pointwise = nn.Conv2d(256, 256, 1, bias=False, device="meta")
    full, x = nn.Conv2d(256, 256, 3, padding=1, bias=False, device="meta"), meta(1, 256, 14, 14)
    left = params(depthwise) + params(pointwise)
    saved = mult_adds(lambda: full(x)) / mult_adds(lambda: pointwise(depthwise(x)))
    assert saved == params(full) / left
    share = 100 * params(pointwise) / left
    return {params(depthwise), params(pointwise), params(full), saved, share, 1}


def q05():
    conv, norm = nn.Conv2d(64, 128, 3, dtype=torch.float64), nn.BatchNorm2d(128).double()
    x = torch.randn(2, 64, 5, 5, dtype=torch.float64)
    (norm(conv(x)) * torch.randn(2, 128, 3, 3)).sum().backward()
    assert conv.bias.grad.abs().max() < 1e-9 < conv.weight.grad.abs().max()
    return {0, conv.bias.numel(), params(conv)}


def q06():
    table = nn.Embedding(50_000, 768, device="meta")
    tokens = torch.arange(10, device="meta")
    cost = mult_adds(lambda: table(tokens))
    table(tokens).sum().backward()
    size, gradient = table.weight.nbytes / 1e6, table.weight.grad.nbytes / 1e6
    return {params(table), size, cost, len(tokens), size + gradient + 2 * size}


def q07():
    def cache(tokens, heads):
        return 32 * 2 * nbytes(heads, tokens, 128, dtype=torch.float16)

    return {cache(1, 32), 4096, cache(4096, 32) / 2**30, 8, cache(4096, 8) / 2**30}


def q08():
    def bytes_a_parameter(optimizer):
        p = nn.Parameter(torch.randn(1000))
        p.grad = torch.randn(1000)
        steps = optimizer([p])
        steps.step()
        states = [s for s in steps.state[p].values() if torch.is_tensor(s) and s.numel() == 1000]
        return p.nbytes / 1000, p.grad.nbytes / 1000, sum(s.nbytes for s in states) / 1000

    weight, gradient, states = bytes_a_parameter(torch.optim.Adam)
    sgd = bytes_a_parameter(torch.optim.SGD)
    each = weight + gradient + states
    assert (7 * weight, 7 * each, sgd[2]) == (28, 112, 0)  # as the question says; no states
    return {weight, gradient, states, each, each / weight, (weight + states) / weight, 7 * sum(sgd)}


def q09():
    stack = [nn.Conv1d(1, 1, 3) for _ in range(3)]
    seen = [reach(*stack[:n]) for n in (1, 2, 3)]
    assert seen[2] == reach(nn.Conv1d(1, 1, 7))
    small = 3 * params(nn.Conv2d(64, 64, 3, bias=False))
    large = params(nn.Conv2d(64, 64, 7, bias=False))
    fewer = 100 * (1 - small / large)
    return {seen[2], 3, 1, seen[1] - seen[0], small, large, fewer}


def q10():
    x = meta(1, 8, 56, 56)
    one, two = (nn.Conv2d(8, 8, 3, s, 1, device="meta") for s in (1, 2))
    less = mult_adds(lambda: one(x)) / mult_adds(lambda: two(x))
    assert params(one) == params(two)
    grown = [
        reach(nn.Conv1d(1, 1, 3, s), nn.Conv1d(1, 1, 3)) - reach(nn.Conv1d(1, 1, 3, s))
        for s in (1, 2)
    ]
    return {two(x)[0, 0].numel(), one(x)[0, 0].numel(), less, grown[1] / grown[0]}


def q11():
    def vit(patch):
        embed = nn.Conv2d(3, 768, patch, patch, device="meta")
        linear = nn.Linear(768, 768, device="meta")
        tokens = embed(meta(1, 3, 224, 224)).flatten(2)[0].T
        attention = mult_adds(lambda: (tokens @ tokens.T) @ tokens)
        return len(tokens), mult_adds(lambda: linear(tokens)), attention, params(embed)

    few, many = vit(16), vit(8)
    tokens, linear, attention, _ = (b / a for a, b in zip(few, many, strict=True))
    assert tokens == linear
    return {many[0], few[0], tokens, attention, few[3], many[3]}


def q12():
    matrix, x = meta(4096, 4096, dtype=torch.bfloat16), meta(4096, 1, dtype=torch.bfloat16)
    flops = 2 * mult_adds(lambda: matrix @ x)
    return {matrix.itemsize, flops / matrix.numel(), flops / matrix.nbytes, 1000e12 / 3e12}


def q13():
    block = nn.TransformerEncoderLayer(512, 8, 2048, device="meta")
    whole, attention = params(block), params(block.self_attn)
    feed_forward = params(block.linear1) + params(block.linear2)
    norms = params(block.norm1) + params(block.norm2)
    assert whole == attention + feed_forward + norms
    shares = {100 * attention / whole, 100 * feed_forward / whole}
    return {whole, attention, feed_forward, norms} | shares


def q14():
    d = 768
    up, down = nn.Linear(d, 4 * d, device="meta"), nn.Linear(4 * d, d, device="meta")
    square = nn.Linear(d, d, device="meta")

    def scores(x):
        return mult_adds(lambda: (x @ x.T) @ x)

    def projections(x):
        return 4 * mult_adds(lambda: square(x))

    def block(x):
        return projections(x) + mult_adds(lambda: down(up(x)))

    lengths = range(d, 8 * d, d // 2)
    first = next(n for n in lengths if scores(meta(n, d)) == projections(meta(n, d)))
    second = next(n for n in lengths if scores(meta(n, d)) == block(meta(n, d)))
    assert first == 2 * d
    return {first, second, second / d}


def q15():
    same = nn.Conv1d(1, 1, 4, padding="same", bias=False)
    with torch.no_grad():
        same.weight.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    out = same(F.pad(torch.ones(1), (0, 31))[None, None])[0, 0]  # one at the start, then zeros
    before = [1.0, 2.0, 3.0, 4.0].index(out[0].item())  # the tap that lies on the first number
    sizes = {p: nn.Conv1d(1, 1, 4, padding=p)(torch.zeros(1, 1, 32)).shape[-1] for p in (1, 2)}
    total = 4 - 1
    return {total, before, total - before, len(out), *sizes, *sizes.values()}


def q16():
    def out(kernel, more=0):
        layer = nn.ConvTranspose2d(1, 1, kernel, 2, 1, output_padding=more, device="meta")
        return layer(meta(1, 1, 16, 16)).shape[-1]

    assert (out(4), out(3, 1)) == (32, 32)
    formula = {16, 1, 2, 4, (16 - 1) * 2 - 2 * 1 + 4}
    return formula | {3, out(3), out(4)}


def q17():
    full, grouped = (nn.Conv2d(256, 256, 3, groups=g, device="meta") for g in (1, 32))
    x = meta(1, 256, 9, 9)
    assert full.weight.numel() == 32 * grouped.weight.numel()
    assert mult_adds(lambda: full(x)) == 32 * mult_adds(lambda: grouped(x))
    assert full(x).shape == grouped(x).shape
    return {grouped.weight.numel(), full.weight.numel(), grouped.bias.numel(), grouped(x).shape[1]}


class Made(TorchDispatchMode):
    """Counts what the ops below it return, if it has `size` elements and memory of its own."""

    def __init__(self, size):
        super().__init__()
        self.size, self.count = size, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        old = {t.untyped_storage().data_ptr() for t in args if torch.is_tensor(t)}
        for t in out if isinstance(out, tuple) else (out,):
            self.count += t.numel() == self.size and t.untyped_storage().data_ptr() not in old
        return out


def q18():
    gib = nbytes(8 * 2048, 50_257) / 2**30
    logits, target = torch.randn(7, 11, requires_grad=True), torch.arange(7)
    with Made(logits.numel()) as forward:
        loss = F.cross_entropy(logits, target)
    with Made(logits.numel()) as backward:
        loss.backward()
    assert forward.count == 1
    alive = 1 + forward.count + backward.count
    return {gib, backward.count, alive, alive * gib}


def q19():
    model = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 32), nn.ReLU())
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def saved(batch):
        sizes = {}

        def pack(t):
            if t.untyped_storage().data_ptr() not in weights:
                sizes[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
            return t

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            out = model(torch.randn(batch, 8))
        assert out.requires_grad
        return sum(sizes.values())

    activations = 6 * saved(32) / saved(16)
    return {4 + activations, 2 * (4 + 6), activations, 4}


def q20():
    layers = nn.Sequential(*(nn.Sequential(nn.Linear(6, 6), nn.ReLU()) for _ in range(4)))
    calls = []
    layers[0].register_forward_pre_hook(lambda *_: calls.append(1))

    def step(run):
        x = torch.randn(3, 6, requires_grad=True)
        for layer in layers:
            x = run(layer, x)
        x.sum().backward()

    x = torch.randn(3, 6)
    forward = mult_adds(lambda: layers(x))
    plain = mult_adds(lambda: step(lambda layer, x: layer(x)))
    calls.clear()
    kept = mult_adds(lambda: step(lambda layer, x: checkpoint(layer, x, use_reentrant=False)))
    segments = 64 // 8
    return {segments, 8, segments + 8, 64, len(calls), plain / forward - 1} | {
        kept / forward,
        plain / forward,
        100 * (kept / plain - 1),
    }


def q21():
    return {7 * t.itemsize for t in (torch.float32, torch.bfloat16, torch.int8)}


def q22():
    half, brain = torch.finfo(torch.float16), torch.finfo(torch.bfloat16)
    assert f"{brain.max:.1e}" == f"{torch.finfo(torch.float32).max:.1e}"
    rounded = (torch.tensor(256, dtype=torch.bfloat16) + 1).item()
    return {half.max, brain.max, 1, brain.eps, half.eps, 256, rounded}


def q23():
    def gib(length):
        return nbytes(8, length, length, dtype=torch.float16) / 2**30

    length = next(n for n in (2**i for i in range(20)) if gib(n) == 1)
    return {length, 8, length**2, torch.float16.itemsize, 2 * length, gib(2 * length)}


def q24():
    lstm, gru = nn.LSTM(256, 512, device="meta"), nn.GRU(256, 512, device="meta")
    gates = [layer.weight_ih_l0.shape[0] / 512 for layer in (lstm, gru)]
    biases = sum(name.startswith("bias") for name, _ in lstm.named_parameters())
    less = 100 * (1 - params(gru) / params(lstm))
    return {params(lstm), params(gru), *gates, biases, less}


COMPUTED = [q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11, q12]
COMPUTED += [q13, q14, q15, q16, q17, q18, q19, q20, q21, q22, q23, q24]
NUMBER = r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:e\d+)?"


def tricky_questions():
    """[(question, answer)] of the README."""
    text = (LEVEL / "README.md").read_text(encoding="utf-8").partition("## Tricky questions\n")[2]
    return re.findall(
        r"\*\*\d+\. ([^*]+\?)\*\*\n\n<details><summary>Answer</summary>\n\n(.+?)\n\n</details>",
        text.partition("\n## ")[0],
        re.S,
    )


def shown(value, like):
    """The value with as many digits as the text beside it has."""
    digits = len(like.partition("e")[0].partition(".")[2])
    return f"{value:,.{digits}{'e' if 'e' in like else 'f'}}".replace("e+", "e")


def test_each_tricky_question_has_an_answer_and_a_computation():
    text = (LEVEL / "README.md").read_text(encoding="utf-8")
    numbered = re.findall(r"^\*\*(\d+)\. ", text, re.M)
    assert numbered == [str(i + 1) for i in range(len(COMPUTED))]
    assert len(tricky_questions()) == len(COMPUTED)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("i", range(len(COMPUTED)), ids=lambda i: f"question {i + 1}")
def test_numbers_of_the_answer_are_those_computed(i):
    question, answer = tricky_questions()[i]
    found, computed = set(re.findall(NUMBER, answer)), COMPUTED[i]()
    wrong = {n for n in found if not any(shown(value, n) == n for value in computed)}
    assert not wrong, f"{question} says {wrong}, computed are {computed}"
    unsaid = {v for v in computed if not any(shown(v, n) == n for n in found)}
    assert not unsaid, f"{question}: computed but not in the answer: {unsaid}"
