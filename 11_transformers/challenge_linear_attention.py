"""Linear attention: keys and values in one sum of fixed size.

With f(x) = elu(x) + 1, and sums over the tokens j that i sees:

    out_i = f(q_i) S / (f(q_i) . z),    S = sum_j f(k_j) v_j^T,    z = sum_j f(k_j)

    linear_attention(Q, K, V, causal=False) -> out
    chunked_linear_attention(Q, K, V, chunk_size) -> out, causal
        Q       (*, L_q, D)    * any leading sizes, or none
        K       (*, L_k, D)    causal: L_k = L_q
        V, out  (*, L_k, E), (*, L_q, E)
    linear_attention_step(state, q, k, v) -> (out, state)
        q, k    (*, D)
        v, out  (*, E)
        state   (S, z): (*, D, E), (*, D); None before the first token

Core, what an interview asks:

    full       Each query sees all keys.
    causal     Token i sees tokens 0 to i.
    step       Gives the same, token by token. A given state is not changed.
    chunked    Gives the same for any chunk_size.
    gradients  They reach Q, K and V, and by steps the earlier tokens.
    linear     No tensor has L*L or L*D*E elements, in backward either, if chunk_size is small.
               Twice the tokens take twice the mult-adds.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    exact      No epsilon: to 1e-12 in float64, to 1e-4 in float32, for Q and K from -30 to 1e3.
               Gradients are finite there.
    kinds      float16, bfloat16: sums and state in float32, out in Q's dtype. Any strides, any
               device. Inputs are not changed.

Medium, 30 minutes. Try one alone: python FILE causal
Paper: Transformers are RNNs, https://arxiv.org/abs/2006.16236
"""

import torch
from torch import Tensor

State = tuple[Tensor, Tensor]


def linear_attention(Q: Tensor, K: Tensor, V: Tensor, causal: bool = False) -> Tensor:
    raise NotImplementedError("linear_attention")


def linear_attention_step(
    state: State | None, q: Tensor, k: Tensor, v: Tensor
) -> tuple[Tensor, State]:
    raise NotImplementedError("linear_attention_step")


def chunked_linear_attention(Q: Tensor, K: Tensor, V: Tensor, chunk_size: int) -> Tensor:
    raise NotImplementedError("chunked_linear_attention")


def examples() -> None:
    """Small enough to do by hand; add your own. They run first and do not count."""
    Q, K = torch.zeros(3, 1), torch.tensor([[0.0], [1.0], [4.0]])  # f: 1, 2, 5
    V = torch.tensor([[8.0], [2.0], [4.0]])
    out = linear_attention(Q, K, V)  # (8 + 4 + 20) / (1 + 2 + 5)
    assert out.flatten().tolist() == [4, 4, 4], out.tolist()
    out = linear_attention(Q, K, V, causal=True)
    assert out.flatten().tolist() == [8, 4, 4], out.tolist()
    out = chunked_linear_attention(Q, K, V, chunk_size=2)
    assert out.flatten().tolist() == [8, 4, 4], out.tolist()

    state = None
    for q, k, v, want in zip(Q, K, V, [8, 4, 4], strict=True):
        out, state = linear_attention_step(state, q, k, v)
        assert out.tolist() == [want], out.tolist()
    assert state is not None and state[1].tolist() == [8], state


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
