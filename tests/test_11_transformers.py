"""What the solutions of level 11 keep beyond their checks."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from practice.exercises import ROOT, load

LEVEL = ROOT / "11_transformers"
attention = load(LEVEL / "solution_scaled_dot_product_attention.py")["scaled_dot_product_attention"]
MultiHeadAttention = load(LEVEL / "solution_multihead_attention.py")["MultiHeadAttention"]
TransformerEncoderBlock = load(LEVEL / "solution_encoder_block.py")["TransformerEncoderBlock"]
gpt = load(LEVEL / "solution_mini_gpt.py")
masking = load(LEVEL / "solution_bert_masking.py")
decoder = load(LEVEL / "solution_decoder_block.py")
positions = load(LEVEL / "solution_positional_encoding.py")
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
