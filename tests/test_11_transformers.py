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
