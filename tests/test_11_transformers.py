"""What the solutions of level 11 keep beyond their checks."""

import copy
import io
import itertools
import math
import random

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from checks import text as slow
from practice.exercises import ROOT, load

LEVEL = ROOT / "11_transformers"
attention = load(LEVEL / "solution_scaled_dot_product_attention.py")["scaled_dot_product_attention"]
MultiHeadAttention = load(LEVEL / "solution_multihead_attention.py")["MultiHeadAttention"]
TransformerEncoderBlock = load(LEVEL / "solution_encoder_block.py")["TransformerEncoderBlock"]
gpt = load(LEVEL / "solution_mini_gpt.py")
masking = load(LEVEL / "solution_bert_masking.py")
decoder = load(LEVEL / "solution_decoder_block.py")
positions = load(LEVEL / "solution_positional_encoding.py")
gqa = load(LEVEL / "solution_gqa.py")
decoding = load(LEVEL / "solution_bug_5.py")
sampling = load(LEVEL / "solution_sampling.py")
speculative = load(LEVEL / "solution_speculative_decoding.py")
searching = load(LEVEL / "solution_beam_search.py")
sliding = load(LEVEL / "solution_sliding_window.py")
caching = load(LEVEL / "solution_kv_cache.py")
packing = load(LEVEL / "solution_sequence_packing.py")
evaluation = load(LEVEL / "solution_lm_evaluation.py")
rope = load(LEVEL / "solution_rope.py")
llama = load(LEVEL / "solution_llama_block.py")
moe = load(LEVEL / "solution_moe.py")
tiny = load(LEVEL / "solution_bug_1.py")
shifting = load(LEVEL / "solution_bug_2.py")
ending = load(LEVEL / "solution_bug_3.py")
batching = load(LEVEL / "solution_bug_4.py")
beginning = load(LEVEL / "solution_bug_6.py")
flash = load(LEVEL / "solution_flash_attention.py")
linear = load(LEVEL / "solution_linear_attention.py")
serving = load(LEVEL / "solution_continuous_batching.py")
bpe = load(LEVEL / "solution_bpe.py")
D, H = 16, 4
MODELS = {
    "MultiHeadAttention": lambda dropout=0.0: MultiHeadAttention(D, H, dropout),
    "TransformerEncoderBlock": lambda dropout=0.0: TransformerEncoderBlock(D, H, 24, dropout),
}
every_model = pytest.mark.parametrize("name", MODELS)


def build(name, device="cpu", dtype=None, dropout=0.0):
    """The model with no bias at zero and no two norms alike."""
    model = MODELS[name](dropout)
    for p in model.parameters():
        nn.init.uniform_(p, -0.5, 0.5)
    return model.to(device, dtype)


def causal(length, device="cpu"):
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def padding(lengths, length, device="cpu"):
    """(B, 1, 1, L): the first of each sample's tokens are real."""
    lengths = torch.tensor(lengths, device=device)
    return (torch.arange(length, device=device) < lengths[:, None])[:, None, None]


@pytest.mark.parametrize("lead", [(), (1,), (4,), (0,), (2, 3), (1, 1, 5)])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 7, 4, 2), (7, 3, 2, 4), (1, 9, 4, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_attention_is_the_librarys(device, lead, sizes, dtype):
    L_q, L_k, d, d_v = sizes
    shapes = ((*lead, L_q, d), (*lead, L_k, d), (*lead, L_k, d_v))
    Q, K, V = (torch.randn(s, device=device, dtype=dtype) for s in shapes)
    for mask in (None, torch.rand(*lead, L_q, L_k, device=device) > 0.4):
        out, attn = attention(Q, K, V, mask)
        want = F.scaled_dot_product_attention(Q, K, V, mask)
        torch.testing.assert_close(out, want, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(attn @ V, out)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_attention_at_any_size_of_scores(device, dtype, size):
    """Scores of +-size: D = 64, so that the dot products are 8 times as large."""
    Q = torch.randn(2, 6, 64, device=device).sign() * size**0.5 / 8**0.5
    K = torch.randn(2, 9, 64, device=device).sign() * size**0.5 / 8**0.5
    K[:, 0], K[:, 1] = Q[:, 0], -Q[:, 0]  # the largest and the smallest score there can be
    mask = torch.rand(2, 6, 9, device=device) > 0.5
    mask[0, 3] = False
    Q, K, V = (t.to(dtype).requires_grad_() for t in (Q, K, torch.randn_like(K)))
    out, attn = attention(Q, K, V, mask)
    for t in (out, attn, *torch.autograd.grad(out.sum() + attn.square().sum(), (Q, K, V))):
        assert t.dtype == dtype
        assert t.isfinite().all()
    torch.testing.assert_close(attn.sum(-1).float(), mask.any(-1).float(), rtol=0.02, atol=0.02)
    assert not attn[~mask].any()


def test_attention_gradients_are_right_also_of_rows_without_a_key():
    Q, K, V = (torch.randn(2, n, 4, dtype=torch.float64, requires_grad=True) for n in (3, 5, 5))
    mask = torch.rand(2, 3, 5) > 0.3
    mask[0, 1] = False
    assert torch.autograd.gradcheck(lambda *t: attention(*t, mask), (Q, K, V))
    assert torch.autograd.gradgradcheck(lambda *t: attention(*t, mask), (Q, K, V))


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_no_nan_is_made_on_the_way_back(device):
    """Anomaly mode looks at the result of every backward step, also where it is overwritten."""
    x = torch.randn(2, 5, D, device=device, requires_grad=True)
    mask = torch.zeros(5, 5, dtype=torch.bool, device=device)
    with torch.autograd.detect_anomaly(check_nan=True):
        attention(x, x, x, mask)[0].sum().backward()
        build("MultiHeadAttention", device)(x, mask).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_hidden_key_is_as_if_it_were_not_there(device, dtype):
    """As large as the dtype allows, so that scores overflow."""
    Q, K, V = (torch.randn(2, n, 8, device=device).to(dtype) for n in (3, 6, 6))
    few = attention(Q, K[:, :4], V[:, :4])
    K[:, 4:] = V[:, 4:] = torch.finfo(dtype).max
    out, attn = attention(Q, K, V, torch.arange(6, device=device) < 4)
    tolerance = {torch.float16: 5e-3, torch.bfloat16: 3e-2}.get(dtype, 1e-5)
    torch.testing.assert_close(out, few[0], rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(attn[..., :4], few[1], rtol=tolerance, atol=tolerance)
    assert not attn[..., 4:].any()


def test_attention_refuses_what_does_not_fit():
    Q, K, V = torch.randn(2, 3, 4), torch.randn(2, 5, 4), torch.randn(2, 5, 6)
    for bad in (
        (Q, K[..., :3], V),
        (Q, K, V[:, :4]),
        (Q, K, V, torch.ones(5, 3, dtype=torch.bool)),
        (Q, K, V, torch.ones(3, 5, dtype=torch.int64)),
        (Q, K, V, torch.ones(3, 5)),
        (Q.repeat(2, 1, 1), K, V),
    ):
        with pytest.raises((RuntimeError, TypeError)):
            attention(*bad)


@every_model
@pytest.mark.parametrize("sizes", [(1, 1), (1, 7), (5, 1), (3, 4), (0, 3), (2, 33)])
def test_shapes_over_batch_sizes(name, device, sizes):
    model, x = build(name, device), torch.randn(*sizes, D, device=device)
    masks = [None, causal(sizes[1], device)]
    for mask in masks if sizes[0] else masks[:1]:  # the library's needs a sample for its mask
        out = model(x, mask)
        assert out.shape == x.shape
        assert out.isfinite().all()


@every_model
def test_a_mask_of_few_axes_means_what_it_broadcasts_to(name, device):
    model = build(name, device, torch.float64)
    x = torch.randn(3, 5, D, device=device, dtype=torch.float64)
    for sizes in ((5,), (1, 5), (5, 5), (H, 1, 5), (1, 5, 5), (3, 1, 1, 5), (1, H, 5, 5)):
        mask = torch.rand(sizes, device=device) > 0.5
        mask[..., 0] = True
        torch.testing.assert_close(model(x, mask), model(x, mask.expand(3, H, 5, 5).clone()))


@every_model
def test_a_sample_alone_gives_what_it_gives_in_a_batch(name, device):
    model = build(name, device, torch.float64)
    x = torch.randn(5, 6, D, device=device, dtype=torch.float64)
    mask = padding([6, 1, 3, 5, 2], 6, device)
    alone = [model(x[i : i + 1], mask[i : i + 1]) for i in range(5)]
    torch.testing.assert_close(model(x, mask), torch.cat(alone))


@every_model
def test_the_future_never_changes_the_past(name, device):
    model = build(name, device, torch.float64)
    x = torch.randn(2, 7, D, device=device, dtype=torch.float64)
    full = model(x, causal(7, device))
    for n in range(1, 7):
        torch.testing.assert_close(full[:, :n], model(x[:, :n], causal(n, device)))


@every_model
def test_padding_never_changes_an_answer(name, device):
    model, lengths = build(name, device, torch.float64), [4, 7, 1]
    x = torch.randn(3, 7, D, device=device, dtype=torch.float64)
    out = model(x, padding(lengths, 7, device))
    for i, n in enumerate(lengths):
        torch.testing.assert_close(out[i : i + 1, :n], model(x[i : i + 1, :n]))


@every_model
def test_without_positions_the_order_of_tokens_means_nothing(name, device):
    model = build(name, device, torch.float64)
    x, order = torch.randn(2, 7, D, device=device, dtype=torch.float64), torch.randperm(7)
    torch.testing.assert_close(model(x[:, order]), model(x)[:, order])


@every_model
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_dtypes(name, device, dtype):
    model, x, mask = build(name), torch.randn(3, 5, D), padding([5, 2, 3], 5)
    low = copy.deepcopy(model).to(device, dtype)
    out = low(x.to(device, dtype), mask.to(device))
    assert out.dtype == dtype
    assert out.device.type == device.type
    torch.testing.assert_close(out.cpu().float(), model(x, mask), rtol=0.1, atol=0.1)


@every_model
def test_autocast_trains_every_parameter(name, device):
    dtype = torch.float16 if device.type == "cuda" else torch.bfloat16
    model, x = build(name, device, dropout=0.2), torch.randn(8, 6, D, device=device)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    with torch.autocast(device.type, dtype=dtype):
        out = model(x, causal(6, device))
    (out.float() - torch.randn_like(x)).pow(2).mean().backward()
    assert all(
        p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters()
    )
    optimizer.step()
    assert not any(torch.equal(before[n], p) for n, p in model.named_parameters())


@every_model
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients_reach_input_and_parameters_and_are_right(name, dropout):
    """The same seed before each call drops the same."""
    model = build(name, dtype=torch.float64, dropout=dropout)
    x = torch.randn(2, 4, D, dtype=torch.float64, requires_grad=True)
    keys, mask = list(dict(model.named_parameters())), causal(4)

    def call(x, *parameters):
        torch.manual_seed(0)
        state = dict(zip(keys, parameters, strict=True))
        return torch.func.functional_call(model, state, (x, mask))

    assert torch.autograd.gradcheck(call, (x, *model.parameters()), fast_mode=True)


@every_model
def test_dropout_is_random_in_training_and_absent_elsewhere(name, device):
    model, x = build(name, device, dropout=0.5), torch.randn(3, 5, D, device=device)
    twin = build(name, device)
    twin.load_state_dict(model.state_dict())
    assert not torch.equal(model(x), model(x))
    torch.testing.assert_close(model.eval()(x), twin(x))
    before = torch.get_rng_state()
    model(x)
    assert torch.equal(torch.get_rng_state(), before)


@every_model
def test_moves_to_meta_and_back_with_its_state(name, device):
    model, x, mask = build(name), torch.randn(3, 5, D), causal(5)
    want = model(x, mask)
    elsewhere = copy.deepcopy(model).to("meta")
    assert elsewhere(x.to("meta"), mask.to("meta")).is_meta
    elsewhere.to_empty(device=device).load_state_dict(model.state_dict())
    got = elsewhere(x.to(device), mask.to(device))
    torch.testing.assert_close(got.cpu(), want, rtol=1e-3, atol=1e-3)


@every_model
def test_state_dict_round_trip_through_a_file(name):
    model, fresh, x = build(name), MODELS[name](), torch.randn(3, 5, D)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh(x), model(x))


@every_model
def test_what_does_not_fit_raises(name):
    model, x = build(name), torch.randn(3, 5, D)
    for bad in (
        (x[..., 1:],),
        (x, torch.ones(4, 4, dtype=torch.bool)),
        (x, torch.ones(2, 1, 1, 5, dtype=torch.bool)),
        (x, torch.ones(5, 5)),
    ):
        with pytest.raises((RuntimeError, TypeError, AssertionError)):
            model(*bad)


@pytest.mark.parametrize("sizes", [(7, 2), (4, 8), (9, 6)])
def test_heads_must_divide_the_features(sizes):
    with pytest.raises(ValueError, match="d_model . is not divisible by num_heads ."):
        MultiHeadAttention(*sizes)


@pytest.mark.parametrize("heads", [1, 2, 8, 16])
@pytest.mark.parametrize("need_weights", [False, True])
def test_heads_are_those_of_the_librarys_module(device, heads, need_weights):
    mine = MultiHeadAttention(D, heads).to(device).eval()
    ref = nn.MultiheadAttention(D, heads, batch_first=True).to(device)
    thirds = zip(ref.in_proj_weight.chunk(3), ref.in_proj_bias.chunk(3), strict=True)
    with torch.no_grad():
        for part, (weight, bias) in zip((mine.W_q, mine.W_k, mine.W_v), thirds, strict=True):
            part.weight.copy_(weight)
            part.bias.copy_(bias)
        mine.W_out.load_state_dict(ref.out_proj.state_dict())
    x, own = torch.randn(3, 11, D, device=device), torch.eye(11, dtype=torch.bool, device=device)
    for mask in (None, causal(11, device), (torch.rand(11, 11, device=device) > 0.8) | own):
        hidden = None if mask is None else ~mask
        want = ref(x, x, x, attn_mask=hidden, need_weights=need_weights)[0]
        torch.testing.assert_close(mine(x, mask), want, rtol=1e-4, atol=1e-5)


def test_a_head_without_a_key_leaves_the_other_heads_alone(device):
    model = build("MultiHeadAttention", device, torch.float64)
    x = torch.randn(2, 5, D, device=device, dtype=torch.float64)
    mask = torch.ones(2, H, 5, 5, dtype=torch.bool, device=device)
    mask[:, 1] = False
    silenced = copy.deepcopy(model)
    with torch.no_grad():
        silenced.W_out.weight[:, 4:8] = 0
    torch.testing.assert_close(model(x, mask), silenced(x))
    mask[:] = False
    torch.testing.assert_close(model(x, mask), model.W_out.bias.expand_as(x))


@pytest.mark.parametrize("heads", [1, 2, 8])
@pytest.mark.parametrize("grad", [True, False])
def test_block_is_the_librarys_layer_and_takes_its_checkpoint(device, heads, grad):
    """Without gradients in eval mode the library takes a fused path: the same numbers."""
    ref = nn.TransformerEncoderLayer(D, heads, 40, batch_first=True, norm_first=True).to(device)
    mine = TransformerEncoderBlock(D, heads, 40).to(device)
    mine.load_state_dict(ref.state_dict())
    mine.eval()
    ref.eval()
    x = torch.randn(3, 11, D, device=device)
    with torch.set_grad_enabled(grad):
        torch.testing.assert_close(mine(x), ref(x), rtol=1e-4, atol=1e-5)
        for mask in (causal(11, device), padding([11, 4, 1], 11, device)):
            hidden = ~mask.expand(3, heads, 11, 11).flatten(0, 1)
            want = ref(x, src_mask=hidden)
            torch.testing.assert_close(mine(x, mask), want, rtol=1e-4, atol=1e-5)


def test_a_deep_stack_of_new_blocks_keeps_the_gradient(device):
    """Pre-LN: what reaches the first block is of the size of what left the last."""
    stack = [TransformerEncoderBlock(D, H, 4 * D, dropout=0.0).to(device) for _ in range(24)]
    x = torch.randn(2, 5, D, device=device, requires_grad=True)
    out = x
    for block in stack:
        out = block(out)
    upstream = torch.randn_like(out)
    (grad,) = torch.autograd.grad(out, x, upstream)
    assert 0.3 < grad.norm() / upstream.norm() < 30


@pytest.mark.parametrize("d", [2, 6])
def test_positions_further_on_are_a_rotation(d):
    """PE(p + k) is the same rotation of PE(p) for every p, so products depend on distances."""
    pe, k = positions["sinusoidal_pe"](300, d).double(), 17
    turn = torch.linalg.lstsq(pe[:-k], pe[k:]).solution
    torch.testing.assert_close(pe[:-k] @ turn, pe[k:], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(turn @ turn.T, torch.eye(d).double(), rtol=1e-4, atol=1e-4)
    products = pe @ pe.T
    for row in (products.diagonal(n) for n in (0, 1, 50, 299)):
        torch.testing.assert_close(row, row[:1].expand_as(row), rtol=1e-5, atol=1e-5)


def test_each_patch_has_its_own_position():
    grid = positions["sinusoidal_pe_2d"](9, 14, 16)
    assert torch.pdist(grid.flatten(0, 1)).min() > 0.1
    assert torch.equal(grid[:, :, :8], grid[:, :1, :8].expand(-1, 14, -1))
    assert torch.equal(grid[:, :, 8:], grid[:1, :, 8:].expand(9, -1, -1))


def test_a_bias_with_a_cache_is_the_last_rows_of_the_whole():
    whole = positions["alibi_bias"](6, 9, 9)
    for n in range(10):
        assert torch.equal(positions["alibi_bias"](6, n, 9), whole[:, 9 - n :])
    q, k, v = (torch.randn(2, 6, 9, 4) for _ in range(3))
    far = k.clone()
    far[:, :, 0] += 1  # the steepest head sees least of what is far
    out, other = (F.scaled_dot_product_attention(q, t, v, attn_mask=whole) for t in (k, far))
    change = (out - other)[:, :, 8].abs().mean((0, 2))
    assert change[0] < change[5]


@pytest.mark.parametrize("heads", [1, 2, 8])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 11, 7), (2, 4, 9)])
def test_decoder_block_is_the_librarys_layer(device, heads, sizes):
    ref = nn.TransformerDecoderLayer(D, heads, 40, batch_first=True, norm_first=True).to(device)
    mine = decoder["TransformerDecoderBlock"](D, heads, 40).to(device)
    state = ref.state_dict()
    for theirs, part in (("self_attn", mine.self_attn), ("multihead_attn", mine.cross_attn)):
        thirds = [state.pop(f"{theirs}.in_proj_{kind}").chunk(3) for kind in ("weight", "bias")]
        for W, weight, bias in zip((part.W_q, part.W_k, part.W_v), *thirds, strict=True):
            W.load_state_dict({"weight": weight, "bias": bias})
        kinds = {kind: state.pop(f"{theirs}.out_proj.{kind}") for kind in ("weight", "bias")}
        part.W_o.load_state_dict(kinds)
    assert not mine.load_state_dict(state, strict=False).unexpected_keys
    mine.eval()
    ref.eval()
    b, rows, columns = sizes
    x, memory = (torch.randn(b, n, D, device=device) for n in (rows, columns))
    later = ~causal(rows, device)
    torch.testing.assert_close(mine(x, memory), ref(x, memory, later), rtol=1e-4, atol=1e-5)
    real = padding([columns, 1, 1][:b], columns, device)
    want = ref(x, memory, later, memory_key_padding_mask=~real[:, 0, 0])
    torch.testing.assert_close(mine(x, memory, real), want, rtol=1e-4, atol=1e-5)


def test_decoder_writes_token_by_token_what_it_reads_at_once(device):
    block = decoder["TransformerDecoderBlock"](D, H, 24).to(device, torch.float64).eval()
    x, memory = (torch.randn(2, n, D, device=device, dtype=torch.float64) for n in (7, 5))
    full = block(x, memory)
    for n in range(1, 7):
        torch.testing.assert_close(block(x[:, :n], memory), full[:, :n])
    assert torch.autograd.gradcheck(
        lambda m: block(x[:1, :3], m), memory[:1, :2].clone().requires_grad_(), fast_mode=True
    )


def test_decoder_padding_of_the_memory_never_changes_an_answer(device):
    block = decoder["TransformerDecoderBlock"](D, H, 24).to(device, torch.float64).eval()
    x, memory = (torch.randn(3, n, D, device=device, dtype=torch.float64) for n in (4, 6))
    out = block(x, memory, padding([6, 2, 1], 6, device))
    for i, n in enumerate((6, 2, 1)):
        torch.testing.assert_close(out[i : i + 1], block(x[i : i + 1], memory[i : i + 1, :n]))


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_what_is_hidden_and_restored_is_the_image_or_the_mask_token(device, ratio):
    x, token = torch.randn(5, 16, 8, device=device), torch.randn(8, device=device)
    visible, mask, order = masking["random_masking"](x, ratio)
    out = masking["restore"](visible, token, order)
    assert torch.equal(out, torch.where(mask[..., None].bool(), token, x))
    assert mask.sum(1).tolist() == [16 * ratio] * 5
    ones = masking["mae_loss"](x + 2, x, mask)
    torch.testing.assert_close(ones, torch.full_like(ones, 4.0 if ratio else 0.0))


def test_masked_tokens_train_through_cross_entropy(device):
    """The labels are those that cross entropy takes; a batch without one is the known NaN."""
    ids = torch.randint(4, 60, (16, 30), device=device)
    special = torch.zeros_like(ids, dtype=torch.bool)
    special[:, 0] = special[:, -1] = True
    for dtype in (torch.int64, torch.int32):
        inputs, labels = masking["mask_tokens"](ids.to(dtype), 3, 60, special)
        logits = torch.randn(16, 30, 60, device=device, requires_grad=True)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten().long())
        loss.backward()
        assert torch.equal(logits.grad.any(-1), labels != -100)
        assert torch.equal(inputs[special], ids[special].to(inputs.dtype))


def as_in_gpt(encoder, model):
    """nn.TransformerEncoder with the weights of MiniGPT's blocks."""
    for layer, block in zip(encoder.layers, model.blocks, strict=True):
        attention = layer.self_attn
        with torch.no_grad():
            for kind in ("weight", "bias"):
                three = [getattr(W, kind) for W in (block.W_q, block.W_k, block.W_v)]
                getattr(attention, f"in_proj_{kind}").copy_(torch.cat(three))
        for theirs, mine in (
            (attention.out_proj, block.W_o),
            (layer.norm1, block.ln1),
            (layer.norm2, block.ln2),
            (layer.linear1, block.mlp[0]),
            (layer.linear2, block.mlp[2]),
        ):
            theirs.load_state_dict(mine.state_dict())
    encoder.norm.load_state_dict(model.norm.state_dict())
    return encoder


@pytest.mark.parametrize("sizes", [(11, 6, 8, 1, 1), (30, 12, 16, 3, 4)])
@pytest.mark.parametrize("train", [True, False])
def test_mini_gpt_is_the_librarys_encoder_with_a_causal_mask(device, sizes, train):
    V, context, d, layers, heads = sizes
    model = gpt["MiniGPT"](*sizes)
    for p in model.parameters():
        nn.init.uniform_(p, -0.5, 0.5)
    model = model.to(device, torch.float64).train(train)
    layer = nn.TransformerEncoderLayer(d, heads, 4 * d, 0.0, F.gelu, 1e-5, True, True)
    norm = nn.LayerNorm(d)
    encoder = nn.TransformerEncoder(layer, layers, norm, enable_nested_tensor=False)
    encoder = as_in_gpt(encoder.to(device, torch.float64), model).train(train)
    for length in range(1, context + 1):
        ids = torch.randint(V, (3, length), device=device)
        x = F.embedding(ids, model.token.weight) + model.position.weight[:length]
        want = encoder(x, ~causal(length, device)) @ model.token.weight.T
        torch.testing.assert_close(model(ids), want)
    assert sum(p.numel() for p in model.parameters()) == (
        V * d + context * d + layers * (12 * d * d + 13 * d) + 2 * d
    )


@pytest.mark.slow
def test_mini_gpt_learns_a_rule_and_writes_it(device):
    """The next token is the sum of the last two, mod 7: only attention can know the one before."""
    torch.manual_seed(0)
    model = gpt["MiniGPT"](7, 10, 32, 1, 2).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    rows = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    for _ in range(8):
        rows = torch.cat((rows, (rows[:, -2:].sum(1, keepdim=True)) % 7), dim=1)
    rows = rows.to(device)
    for _ in range(80):
        loss = gpt["lm_loss"](model(rows), rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.equal(gpt["generate"](model, rows[:, :2], 8), rows)
    long = gpt["generate"](model, rows[:5, :2], 20)
    for n in (0, 1, 7, 19):
        assert torch.equal(gpt["generate"](model, rows[:5, :2], n), long[:, : 2 + n])
    sampled = gpt["generate"](model, rows[:, :2], 4, temperature=0.01)
    assert torch.equal(sampled, rows[:, :6])
    assert model.training


def test_mini_gpt_on_fewer_digits_through_a_file_and_a_copy(device):
    model = gpt["MiniGPT"](11, 6, 16, 2, 4).to(device)
    ids = torch.randint(11, (2, 6), device=device)
    want, file = model(ids), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    fresh = gpt["MiniGPT"](11, 6, 16, 2, 4)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    for other in (fresh.to(device), copy.deepcopy(model)):
        assert torch.equal(other(ids), want)
        assert other.head.weight is other.token.weight
    low = copy.deepcopy(model).to(torch.bfloat16)
    torch.testing.assert_close(low(ids).float(), want, rtol=0.1, atol=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(1, 9, 8, 1), (3, 6, 12, 4), (6, 6, 6, 6)])
def test_a_text_in_any_pieces_is_the_whole_text(device, dtype, sizes):
    b, length, d, heads = sizes
    attention = caching["KVCacheAttention"](d, heads).to(device, dtype)
    x = torch.randn(b, length, d, device=device, dtype=dtype)
    whole, kept = attention(x)
    for cuts in range(2 ** (length - 1)):
        ends = [i for i in range(1, length) if cuts >> (i - 1) & 1] + [length]
        if len(ends) > 3 and cuts % 7:
            continue  # a part of the many
        outs, cache, start = [], None, 0
        for end in ends:
            out, cache = attention(x[:, start:end], cache)
            outs.append(out)
            start = end
        torch.testing.assert_close(torch.cat(outs, 1), whole, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(cache, kept, rtol=1e-4, atol=1e-5)


def test_attention_over_slots_is_that_over_a_growing_cache(device):
    attention = caching["KVCacheAttention"](12, 3).to(device)
    slots = caching["StaticKVCache"](2, 3, 64, 4, torch.float32, device)
    x, cache = torch.randn(2, 20, 12, device=device), None
    for piece in x.split([7, 1, 1, 11], dim=1):
        _, cache = attention(piece, cache)
        new = [t[:, :, -piece.shape[1] :] for t in cache]
        assert all(map(torch.equal, slots.update(*new), cache))


def test_gradients_of_pieces_are_those_of_the_whole():
    attention = caching["KVCacheAttention"](6, 2).double()
    x = torch.randn(2, 5, 6, dtype=torch.float64, requires_grad=True)

    def pieces(x):
        first, cache = attention(x[:, :3])
        return torch.cat([first, attention(x[:, 3:], cache)[0]], 1)

    upstream = torch.randn(2, 5, 6, dtype=torch.float64)
    got, want = (
        torch.autograd.grad(f(x), x, upstream)[0] for f in (pieces, lambda x: attention(x)[0])
    )
    torch.testing.assert_close(got, want)
    assert torch.autograd.gradcheck(pieces, x, fast_mode=True)


@pytest.mark.parametrize(("heads", "kv"), [(8, 8), (8, 4), (8, 2), (6, 1), (12, 3)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_grouped_queries_are_the_librarys(device, heads, kv, dtype):
    module = gqa["GroupQueryAttention"](4 * heads, heads, kv).to(device, dtype)
    x = torch.randn(3, 9, 4 * heads, device=device, dtype=dtype)
    q, k, v = (module.heads(W(x)) for W in (module.W_q, module.W_k, module.W_v))
    for mask in (None, causal(9, device), padding([9, 4, 1], 9, device)):
        mixed = F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)
        want = module.W_o(mixed.transpose(1, 2).flatten(2))
        tol = 1e-12 if dtype == torch.float64 else 2e-2 if dtype.itemsize == 2 else 1e-5
        torch.testing.assert_close(module(x, mask), want, rtol=tol, atol=tol)


def test_pooled_heads_that_were_alike_change_nothing():
    whole, small = gqa["GroupQueryAttention"](24, 6, 6), gqa["GroupQueryAttention"](24, 6, 2)
    state = small.state_dict()
    for name in ("W_k.weight", "W_v.weight"):
        state[name] = state[name].view(2, 1, 4, 24).expand(-1, 3, -1, -1).reshape(24, 24)
    whole.load_state_dict(state)
    for name in ("W_k.weight", "W_v.weight"):
        state[name] = gqa["pool_kv_heads"](state[name], 6, 2)
    small.load_state_dict(state)
    x = torch.randn(2, 7, 24)
    torch.testing.assert_close(small(x, causal(7)), whole(x, causal(7)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (0, 7), (50,), (3, 2, 50)])
def test_filters_keep_the_set_of_a_plain_loop(device, dtype, shape):
    logits = (3 * torch.randn(shape)).to(device, dtype)
    for options in ({"top_k": 5}, {"top_p": 0.83}, {"min_p": 0.07}, {"top_k": 9, "top_p": 0.6}):
        out = sampling["filter_logits"](logits, **options)
        for got, row in zip(
            out.reshape(-1, shape[-1]).tolist(), logits.reshape(-1, shape[-1]).tolist(), strict=True
        ):
            best = sorted(range(len(row)), key=lambda i, row=row: (-row[i], i))
            best = best[: options.get("top_k") or None]
            weights = torch.tensor(row).double().softmax(0)
            total, left = sum(weights[i] for i in best), []
            for i in best:
                enough = sum(weights[j] for j in left) / total >= options.get("top_p", 1.1)
                if not enough and weights[i] >= options.get("min_p", 0.0) * weights[best[0]]:
                    left.append(i)
            assert [i for i, value in enumerate(got) if value > float("-inf")] == sorted(left)
            assert all(got[i] == row[i] for i in left)


def test_tokens_are_drawn_by_their_filtered_probabilities(device):
    logits = torch.tensor([0.05, 0.4, 0.25, 0.3], device=device).log()
    generator = torch.Generator(device).manual_seed(0)
    draws = torch.tensor(
        [
            sampling["sample_top_k_top_p"](logits, 3, 0.8, 2.0, 0.1, generator=generator)
            for _ in range(2000)
        ]
    )
    weights = torch.tensor([0, 0.4, 0.25, 0.3]).sqrt()
    shares = draws.bincount(minlength=4) / len(draws)
    torch.testing.assert_close(shares, weights / weights.sum(), rtol=0, atol=0.06)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_draft_never_changes_what_the_target_writes(device, dtype):
    """Texts of three more tokens, each drawn by the one before it."""
    target, draft = (torch.randn(2, 4, 4, device=device) * 1.5).softmax(-1).to(dtype)
    generator, texts = torch.Generator(device).manual_seed(0), []
    for _ in range(300):
        text = [0]
        while len(text) < 4:
            proposed = [text[-1]]
            for _ in range(2):
                row = draft[proposed[-1]]
                proposed.append(int(torch.multinomial(row, 1, generator=generator)))
            rows = torch.tensor(proposed, device=device)
            given = target[rows], draft[rows[:2]], rows[1:].int()
            text += speculative["speculative_decode"](*given, generator=generator)
        texts.append(text[:4])
    exact = target.double().cpu()
    for place, tokens in enumerate(torch.tensor(texts).T):
        got = tokens.bincount(minlength=4).double() / len(texts)
        want = torch.linalg.matrix_power(exact, place)[0]
        torch.testing.assert_close(got, want / want.sum(), rtol=0, atol=0.14)


def test_a_wider_beam_finds_what_a_search_over_all_finds(device):
    table = (2 * torch.randn(4, 4, device=device)).log_softmax(-1)  # the next token by the last
    totals = table[0]
    for _ in range(9):  # of the best sequence that ends in each token
        totals = (totals[:, None] + table).amax(dim=0)

    def total(tokens):
        return sum(table[a, b].item() for a, b in zip(tokens, tokens[1:], strict=False))

    def found(width):
        return searching["beam_search"](lambda t: table[t[-1].item()], 0, 10, width, 99)

    sums = [total(found(width)) for width in (1, 2, 4, 16, 200)]
    assert sums[-1] == pytest.approx(totals.max().item(), abs=1e-4)
    assert max(sums) == sums[-1]


@pytest.mark.parametrize(("size", "count"), [(0, 0), (3, 0), (4, 2), (1, 5), (50, 1)])
@pytest.mark.parametrize("pieces", [(1,) * 20, (12, 1, 3, 4), (2, 9, 9)])
def test_a_rolling_cache_gives_what_a_window_over_the_whole_gives(device, size, count, pieces):
    Q, K, V = torch.randn(3, 2, 3, 20, 8, device=device, dtype=torch.float64)
    want = sliding["sliding_window_attention"](Q, K, V, size, causal=True, num_sinks=count)
    cache, outs = sliding["RollingKVCache"](size, count), []
    for q, k, v in zip(*(t.split(pieces, dim=2) for t in (Q, K, V)), strict=True):
        keys, values, at = cache.update(k, v)
        ours = at[-q.shape[2] :, None]
        may = (at <= ours) & ((ours - at <= size) | (at < count))
        outs.append(F.scaled_dot_product_attention(q, keys, values, attn_mask=may))
    torch.testing.assert_close(torch.cat(outs, dim=2), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scaling", [None, ("linear", 4.0), ("ntk", 8.0)])
def test_rope_scores_depend_on_distances_only(device, scaling):
    q, k = torch.randn(2, 3, 4, 1, 16, device=device, dtype=torch.float64).expand(
        -1, -1, -1, 60, -1
    )
    q, k = rope["apply_rope"](q, k, scaling=scaling)
    scores = q @ k.mT
    for n in (-40, -1, 0, 1, 40):
        row = scores.diagonal(n, -2, -1)
        torch.testing.assert_close(row, row[..., :1].expand_as(row))
    torch.testing.assert_close(q.norm(dim=-1), q[..., :1, :].norm(dim=-1).expand(-1, -1, 60))


def test_sorted_rows_give_rotate_half_code_the_same_scores(device):
    """Rotate-half code as in Hugging Face's Llama: feature i with feature i + d / 2."""
    B, L, heads, d = 2, 7, 3, 8
    x = torch.randn(B, L, 20, device=device, dtype=torch.float64)
    weights = torch.randn(2, heads * d, 20, device=device, dtype=torch.float64)

    def split(weight):
        return (x @ weight.T).view(B, L, heads, d).transpose(1, 2)

    angles = torch.arange(L, device=device)[:, None] * 10000.0 ** (
        -torch.arange(0, d, 2, dtype=torch.float64, device=device) / d
    )
    cos, sin = torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()

    def rotate_half(t):
        return t * cos + torch.cat([-t[..., d // 2 :], t[..., : d // 2]], -1) * sin

    q, k = rope["apply_rope"](*map(split, weights))
    halves = [rotate_half(split(rope["to_half_layout"](w, heads))) for w in weights]
    torch.testing.assert_close(halves[0] @ halves[1].mT, q @ k.mT)


def test_rope_of_new_tokens_is_the_end_of_the_whole(device):
    q, k = torch.randn(2, 2, 4, 9, 6, device=device)
    whole = rope["apply_rope"](q, k)
    new = rope["apply_rope"](q[:, :, 6:], k[:, :, 6:], torch.arange(6, 9, device=device))
    for one, every in zip(new, whole, strict=True):
        torch.testing.assert_close(one, every[:, :, 6:])
    starts = torch.tensor([0, 3], device=device)  # two texts, left-padded by 0 and 3 tokens
    rows = (torch.arange(9, device=device) - starts[:, None]).clamp(min=0)
    mixed = rope["apply_rope"](q, k, rows)
    for one, alone in zip(mixed, rope["apply_rope"](q[1:, :, 3:], k[1:, :, 3:]), strict=True):
        torch.testing.assert_close(one[1:, :, 3:], alone)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_hundred_steps_with_a_cache_are_one_without(device, dtype):
    attention = decoding["Attention"](D, H).to(device, dtype)
    x, cache, outs = torch.randn(2, 100, D, device=device, dtype=dtype), None, []
    want, _ = decoding["decode_step"](attention, x)
    for at in range(100):
        out, cache = decoding["decode_step"](attention, x[:, at : at + 1], cache)
        outs.append(out)
    tol = 1e-12 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(torch.cat(outs, dim=1), want, rtol=tol, atol=tol)


def test_the_mended_tiny_gpt_is_as_good_prefix_by_prefix(device):
    torch.manual_seed(0)
    model = tiny["TinyGPT"](10, 12, 16).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    texts = torch.randint(1, 4, (31, 32, 12), device=device).cumsum(2) % 10
    for ids in texts[:-1]:
        loss = tiny["lm_loss"](model, ids)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ids = texts[-1]
    whole = tiny["lm_loss"](model, ids).item()
    last = [F.cross_entropy(model(ids[:, :n])[:, -1], ids[:, n]).item() for n in range(1, 12)]
    assert 1.05 < whole < 2
    assert abs(sum(last) / 11 - whole) < 1e-4


def test_the_mended_loss_teaches_the_next_id(device):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(26, 16), nn.GELU(), nn.Linear(16, 26)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        sizes = zip(torch.randint(26, (16,)), torch.randint(2, 13, (16,)), strict=True)
        ids, labels = shifting["collate"](
            [((first + torch.arange(n)) % 26).tolist() for first, n in sizes]
        )
        loss = shifting["lm_loss"](model(ids.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    letters = torch.arange(26, device=device)
    assert model(letters).argmax(-1).equal((letters + 1) % 26)


def test_the_mended_labels_stop_a_model_after_its_text(device):
    for length in (2, 5, 9, 40):
        sizes = torch.randint(1, length + 1, (200,))  # ids of a text, its end included
        ids = torch.randint(1, 7, (200, length)).masked_fill(torch.rand(200, length) < 0.3, 6)
        at = torch.arange(length)
        ids = torch.where(at < sizes[:, None] - 1, ids, 6)  # 6: the end, also inside
        ids[range(200), (sizes - 2).clamp(min=0)] = 3  # what stands before the end is no end
        sizes = sizes.clamp(min=2)
        labels = ending["make_labels"](ids.to(device), 6).cpu()
        assert labels.equal(ids.where(at < sizes[:, None], -100))


def test_a_mended_batch_of_prompts_is_each_prompt_alone(device):
    token, place = nn.Embedding(20, 16, device=device), nn.Embedding(12, 16, device=device)
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, device=device)

    def logits(prompts):
        ids, keep, positions = (t.to(device) for t in batching["prepare"](prompts, 0))
        length = ids.shape[1]
        hidden = torch.ones(length, length, dtype=torch.bool, device=device).triu(1)
        hidden = (hidden | ~keep[:, None]) & ~torch.eye(length, dtype=torch.bool, device=device)
        x = token(ids) + place(positions)
        return layer(x, src_mask=hidden.repeat_interleave(2, 0))[:, -1]

    prompts = [torch.randint(20, (n,)).tolist() for n in (3, 12, 1, 7, 7)]
    alone = torch.cat([logits([prompt]) for prompt in prompts])
    torch.testing.assert_close(logits(prompts), alone, rtol=1e-5, atol=1e-5)


def test_the_mended_beginning_keeps_what_the_library_shares(device):
    model = beginning["TinyLM"](64, 16).to(device)
    count = sum(p.numel() for p in model.parameters())
    assert model.head.weight is model.token.weight
    for copied in (copy.deepcopy(model), copy.deepcopy(model).double()):
        copied.apply(beginning["init_weights"])
        assert sum(p.numel() for p in copied.parameters()) == count == 3216
    weights = nn.TransformerEncoderLayer(8, 2).to(device).apply(beginning["init_weights"])
    assert weights.linear1.weight.std() < 0.03 < weights.self_attn.in_proj_weight.std()
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    assert buffer.tell() < 4 * 3216 + 6000


@pytest.mark.parametrize("length", [1, 2, 7])
def test_the_mended_mask_is_the_librarys(length):
    hidden = nn.Transformer.generate_square_subsequent_mask(length)
    assert torch.equal(tiny["causal_mask"](length), hidden == 0)


@pytest.mark.parametrize("tie", [True, False])
def test_llama_is_as_large_as_those_it_is_named_for(tie):
    with torch.device("meta"):
        model = llama["MiniLlama"](49152, 2048, 576, 30, 9, 1536, num_kv_heads=3, tie=tie)
    assert sum(p.numel() for p in model.parameters()) == 134_515_008 + (not tie) * 49152 * 576


@pytest.mark.parametrize("tie", [True, False])
def test_llama_goes_through_a_file_and_a_copy_and_writes(device, tie):
    model = llama["MiniLlama"](11, 12, D, 2, H, 24, num_kv_heads=2, tie=tie).to(device)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = llama["MiniLlama"](11, 12, D, 2, H, 24, num_kv_heads=2, tie=tie).to(device)
    other.load_state_dict(torch.load(file))
    ids = torch.randint(11, (3, 4), device=device)
    for one in (other, copy.deepcopy(model)):
        assert (one.head.weight is one.token.weight) == tie
        torch.testing.assert_close(one(ids), model(ids))
    text = gpt["generate"](model, ids, 20)
    assert text.shape == (3, 24)
    assert torch.equal(text[:, :4], ids)


def test_llama_learns_a_batch_by_heart(device):
    torch.manual_seed(0)
    model = llama["MiniLlama"](11, 8, 32, 1, 4, 64, num_kv_heads=2, tie=True).to(device)
    ids = torch.randint(11, (4, 8), device=device)
    ids[:, 0] = torch.arange(4)
    assert abs(gpt["lm_loss"](model(ids), ids).item() - 2.398) < 0.05  # ln 11
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for _ in range(60):
        loss = gpt["lm_loss"](model(ids), ids)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_llama_turns_as_the_page_on_rope_does(device, dtype):
    q, k = torch.randn(2, 2, 3, 9, 8, device=device, dtype=dtype)
    want = rope["apply_rope"](q, k, theta=500.0)
    for one, right in zip((q, k), want, strict=True):
        torch.testing.assert_close(llama["turned"](one, 500.0), right)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("causal", [False, True])
def test_flash_attention_is_the_librarys(device, dtype, causal):
    given = [torch.randn(2, 3, n, 16, device=device).to(dtype) for n in (90, 75, 75)]
    may = torch.ones(90, 75, device=device).tril(0 if causal else 75).bool()
    results = []
    for call in (
        lambda Q, K, V: F.scaled_dot_product_attention(Q, K, V, attn_mask=may),
        lambda Q, K, V: flash["flash_attention"](Q, K, V, 16, causal),
        lambda Q, K, V: flash["FlashAttentionFunction"].apply(Q, K, V, causal),
    ):
        leaves = [t.clone().requires_grad_() for t in given]
        out = call(*leaves)
        out.backward(torch.ones_like(out).cumsum(-1) / 16)
        results.append([out, *(t.grad for t in leaves)])
    tol = {torch.float32: 1e-4, torch.float64: 1e-12, torch.bfloat16: 5e-2}[dtype]
    for got in results[1:]:
        torch.testing.assert_close(got, results[0], rtol=tol, atol=tol)


def test_flash_attention_keeps_one_number_per_query(device):
    given = [torch.randn(4, 100, 8, device=device, requires_grad=True) for _ in range(3)]
    out = flash["FlashAttentionFunction"].apply(*given, True)
    lse = [t for t in out.grad_fn.saved_tensors if t.shape == (4, 100)]
    scores = (given[0] @ given[1].mT / 8**0.5).masked_fill(~causal(100, device), -torch.inf)
    torch.testing.assert_close(lse, [scores.logsumexp(-1).detach()])
    assert sum(t.numel() for t in out.grad_fn.saved_tensors) == 4 * 100 * (4 * 8 + 1)


def test_two_halves_of_the_keys_are_joined_by_their_lse(device):
    Q, K, V = (torch.randn(2, n, 8, device=device) for n in (7, 20, 20))
    parts = [
        flash["flash_attention"](Q, K[:, half], V[:, half], 3, return_lse=True)
        for half in (slice(0, 12), slice(12, 20))
    ]
    both = torch.logaddexp(parts[0][1], parts[1][1])
    joined = sum(out * (lse - both).exp()[..., None] for out, lse in parts)
    torch.testing.assert_close(joined, flash["flash_attention"](Q, K, V))


@pytest.mark.parametrize("k", [1, 2, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_experts_on_their_tokens_are_all_experts_masked(device, k, dtype):
    layer = moe["MixtureOfExperts"](D, 24, 8, k).to(device, dtype)
    x = torch.randn(3, 11, D, device=device, dtype=dtype)
    logits = layer.router(x)
    least = logits.topk(k).values[..., -1:]
    weights = logits.masked_fill(logits < least, float("-inf")).softmax(-1)
    every = torch.stack([net(x) for net in layer.experts], dim=-1)
    torch.testing.assert_close(layer(x), (every @ weights[..., None]).squeeze(-1))
    assert layer.tokens_per_expert.device == x.device
    assert layer.tokens_per_expert.sum() == 33 * k


@pytest.mark.parametrize("c", [0.1, 0.5, 1.0, 1.25, 8.0])
def test_no_expert_takes_more_than_its_room(device, c):
    layer = moe["MixtureOfExperts"](D, 24, 8, 2, c).to(device)
    layer(torch.randn(100, D, device=device))
    room = math.ceil(c * 25)
    assert layer.tokens_per_expert.max() <= room
    free = moe["MixtureOfExperts"](D, 24, 8, 2).to(device)
    free.load_state_dict(layer.state_dict())
    x = torch.randn(100, D, device=device)
    layer(x), free(x)
    assert torch.equal(layer.tokens_per_expert, free.tokens_per_expert.clamp(max=room))
    assert torch.equal(layer.aux_loss, free.aux_loss)


def test_the_balancing_loss_wakes_experts_that_got_no_tokens(device):
    torch.manual_seed(0)
    layer = moe["MixtureOfExperts"](D, 8, 4, 1).to(device)
    layer.router.bias.data[0] = 2.0
    x = torch.randn(256, D, device=device)
    layer(x)
    before = layer.aux_loss.item()
    optimizer = torch.optim.Adam(layer.router.parameters(), lr=0.05)
    for _ in range(40):
        layer(x)
        optimizer.zero_grad()
        layer.aux_loss.backward()
        optimizer.step()
    assert before > 2
    assert layer.aux_loss < 1.1
    assert layer.tokens_per_expert.min() > 30


@pytest.mark.parametrize("E", [2, 5, 16])
def test_the_balancing_loss_is_1_if_balanced_and_E_at_most(device, E):
    logits = 30.0 * torch.eye(E, device=device)
    torch.testing.assert_close(moe["moe_load_balance_loss"](logits, E).item(), 1.0)
    one = moe["moe_load_balance_loss"](logits[:1].expand(7, E), E).item()
    torch.testing.assert_close(one, float(E))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_three_forms_of_linear_attention_agree(device, dtype):
    Q, K, V = (torch.randn(2, 3, 150, n, device=device, dtype=dtype) for n in (8, 8, 5))
    weights = ((F.elu(Q) + 1) @ (F.elu(K) + 1).mT).tril()
    want = weights @ V / weights.sum(-1, keepdim=True)
    tol = 1e-4 if dtype == torch.float32 else 1e-10
    got = linear["linear_attention"](Q, K, V, causal=True)
    torch.testing.assert_close(got, want, rtol=tol, atol=tol)
    for size in (1, 7, 64, 150, 1000):
        got = linear["chunked_linear_attention"](Q, K, V, size)
        torch.testing.assert_close(got, want, rtol=tol, atol=tol)
    state = None
    for i in range(150):
        token = (t[..., i, :] for t in (Q, K, V))
        out, state = linear["linear_attention_step"](state, *token)
        torch.testing.assert_close(out, want[..., i, :], rtol=tol, atol=tol)


def test_linear_attention_goes_on_from_a_prompt(device):
    Q, K, V = (torch.randn(4, 40, n, device=device) for n in (6, 6, 3))
    state = linear["summed"](linear["feature"](K[:, :30]), V[:, :30])
    want = linear["linear_attention"](Q, K, V, causal=True)
    for i in range(30, 40):
        out, state = linear["linear_attention_step"](state, Q[:, i], K[:, i], V[:, i])
        torch.testing.assert_close(out, want[:, i])


@pytest.mark.parametrize("lengths", [[3, 7, 1, 4, 2, 2], [6], [1] * 9, [6, 6, 5]])
def test_a_packed_document_gets_what_it_gets_alone(device, lengths):
    """Logits and the gradient of the loss, through attention with learned positions."""
    table, places, W = (
        torch.randn(9, 8, device=device).double().requires_grad_() for _ in range(3)
    )

    def loss(ids, positions, mask, labels):
        x = table[ids] + places[positions]
        logits = F.scaled_dot_product_attention(x, x @ W[:8], x, attn_mask=mask) @ table.T
        return F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="sum")

    documents = [torch.randint(9, (n,), device=device) for n in lengths]
    ids, doc_ids, positions = packing["pack_sequences"](documents, 8)
    labels = packing["packed_labels"](ids, doc_ids)
    got = loss(ids, positions, packing["document_mask"](doc_ids), labels)
    want = sum(
        loss(d[:-1], torch.arange(len(d) - 1, device=device), causal(len(d) - 1, device), d[1:])
        for d in documents
        if len(d) > 1
    )
    torch.testing.assert_close(got, torch.as_tensor(want).to(got))
    assert (labels >= 0).sum() == sum(lengths) - len(lengths)
    if want:
        leaves = table, places, W
        for one, other in zip(*(torch.autograd.grad(t, leaves) for t in (got, want)), strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("stride", [1, 3, 8])
def test_a_gpt_is_evaluated_with_the_longest_context_of_its_windows(device, stride):
    model = gpt["MiniGPT"](11, 8, 8, 1, 2).to(device).double()
    ids = torch.randint(11, (29,), device=device)
    want = 0.0
    for t in range(1, 29):
        begin = next(b for b in range(0, 29, stride) if b < t <= b + 8)
        want += float(F.cross_entropy(model(ids[None, begin:t])[0, -1].detach(), ids[t]))
    got, tokens = evaluation["sequence_nll"](model, ids, 8, stride)
    assert (got, tokens) == (pytest.approx(want, rel=1e-9), 28)
    bits = evaluation["bits_per_byte"](got, 28)
    assert evaluation["perplexity"](model, ids, 8, stride) == pytest.approx(2**bits)


def test_a_markov_chain_has_the_perplexity_of_its_entropy():
    generator = torch.Generator().manual_seed(0)
    chain = torch.rand(5, 5, generator=generator).double().softmax(-1)
    model = nn.Embedding.from_pretrained(chain.log())
    text = [0]
    for _ in range(2000):
        text.append(int(torch.multinomial(chain[text[-1]], 1, generator=generator)))
    share = torch.linalg.matrix_power(chain, 200)[0]
    entropy = -(share[:, None] * chain * chain.log()).sum()
    got = evaluation["perplexity"](model, torch.tensor(text), 64, 64)
    assert got == pytest.approx(float(entropy.exp()), rel=0.05)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_pass_at_k_is_the_share_of_sets_with_a_right_sample(n):
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        hits = [min(one) < c for one in itertools.combinations(range(n), k)]
        assert evaluation["pass_at_k"](n, c, k) == pytest.approx(sum(hits) / len(hits))


def test_bpe_reads_again_only_the_words_that_hold_the_pair(monkeypatch):
    """200 merges on 100 kB: no word is read again without need."""
    prose = " ".join(str(getattr(torch, name).__doc__) for name in dir(torch))[:100_000]
    corpus, read = prose.split(), []
    names, joined = bpe["SimpleBPE"].train.__globals__, bpe["joined"]
    monkeypatch.setitem(names, "joined", lambda *a: read.append(a) or joined(*a))
    learner = bpe["SimpleBPE"]()
    learner.train(corpus, 200)
    assert len(learner.merges) == len(set(learner.merges)) == 200
    assert len(read) < 200 * len(set(corpus)) / 10
    some = " ".join(corpus[:300])
    tokens = learner.encode(some)
    assert "".join(tokens).replace("</w>", " ").split() == some.split()
    assert len(tokens) < 0.7 * len(some)


def test_bpe_agrees_with_counting_everything_anew():
    for seed in range(20, 26):
        corpus = slow.drawn(seed, "aab" if seed % 2 else "abcde").split()
        learner = bpe["SimpleBPE"]()
        learner.train(corpus, 25)
        assert learner.merges == slow.merges_of(tuple(corpus), 25)


def test_any_text_comes_back_from_its_ids_and_from_any_pieces():
    merges, vocab = slow.table("at; a;th;th/e; /the;\xc3\xa9;\xf0\x9f;  ;\n\n", -1)
    names = ["<|end|>", "<|end|><|end|>", "the", "\n"]
    tokenizer, draw = bpe["Tokenizer"](vocab, merges, names), random.Random(0)
    parts = ["the", " ", "at", "<|end|>", "<|", "end", "|>", "\n", "\u00e9", "\U0001f600", "\u0301"]
    for _ in range(300):
        some = draw.choices(parts, k=12) + [chr(draw.randrange(0xE000, 0x110000))]
        whole = "".join(some)
        ids = tokenizer.encode(whole)
        assert ids == slow.ids_of(whole, tokenizer.vocab, merges, names)
        assert tokenizer.decode(ids) == whole
        assert list(tokenizer.encode_iterable(some)) == ids
        assert list(tokenizer.encode_iterable(whole)) == ids


@pytest.mark.parametrize("room", [1, 3, 9])
def test_a_gpt_that_serves_many_writes_what_it_writes_alone(device, room):
    torch.manual_seed(0)
    model = gpt["MiniGPT"](11, 24, 16, 2, 2).to(device).double().eval()
    for p in model.parameters():
        nn.init.normal_(p)
    rows = []

    def last(ids, lengths):
        rows.append(len(ids))
        ids, lengths = ids.to(device), lengths.to(device)
        return model(ids)[torch.arange(len(ids), device=device), lengths - 1]

    scheduler = serving["ContinuousBatchScheduler"](room, 0, 11)
    requests = []
    for i in range(9):
        prompt = torch.randint(1, 11, (1 + i % 4,)).tolist()
        requests.append(serving["Request"](i, prompt, 1 + 5 * i % 13))
        scheduler.add_request(requests[-1])
    assert sorted(r.request_id for r in scheduler.run(last)) == list(range(9))
    steps = 0
    for r in requests:
        text = list(r.input_ids)
        for _ in range(r.max_gen_len):
            steps += 1
            token = model(torch.tensor([text], device=device))[0, -1].argmax().item()
            if token == 0:
                break
            text.append(token)
        assert r.generated == text[len(r.input_ids) :]
    assert sum(rows) == steps
    assert max(rows) == room
    assert room > 1 or len(rows) == steps
