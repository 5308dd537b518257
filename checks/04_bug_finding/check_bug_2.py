"""What buggy_code_2.py requires.

patients compares a batch with its rows alone, logits is tried on one patient at a time, gradients
compares with the slope of the answer's own logits.
"""

import torch

from checks.hunts import gives_there, gradients_of_modes, on
from checks.tools import close, filled, names_are, numbers, refuses, strided

N, V, B, H, K = 7, 5, 4, 6, 3
CALL = f"RiskModel{V, B, H, K}"


def patients(RiskModel):
    model = filled(RiskModel(V, B, H, K))
    vitals, labs = strided(N, V), strided(N, B)
    for training in (True, False):
        rows = [on(model, training, vitals[i : i + 1], labs[i : i + 1]) for i in range(N)]
        mode = "train mode" if training else "eval mode"
        for n in (2, 4, N):
            batch = on(model, training, vitals[:n], labs[:n])
            shape = tuple(batch.shape)
            assert shape == (n, K), f"a batch of {n}, {mode}: logits {shape}, want {(n, K)}"
            for i in range(n):
                got, alone = batch[i], rows[i][0]
                assert torch.allclose(got, alone, rtol=1e-4, atol=1e-5), (
                    f"patient {i}, {mode}: logits {numbers(got)} in a batch of {n}, "
                    f"{numbers(alone)} alone, want the same"
                )


def logits(RiskModel):
    sizes = {"vitals.0.weight": (H, V), "vitals.0.bias": (H,), "labs.0.weight": (H, B)}
    sizes |= {"labs.0.bias": (H,), "head.weight": (K, 2 * H), "head.bias": (K,)}
    model = filled(RiskModel(V, B, H, K))
    state = model.state_dict()
    names_are(state, sizes, f"state_dict of {CALL}")
    for name, size in sizes.items():
        shape = tuple(state[name].shape)
        assert shape == size, f"{CALL}: {name} has shape {shape}, want {size}"
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 5e-2)):
        model.to(dtype)
        for training in (True, False):
            vitals, labs = strided(N, V, dtype=dtype), strided(N, B, dtype=dtype)
            for v, b in zip(vitals.split(1), labs.split(1), strict=True):
                mode = "train" if training else "eval"
                close(
                    on(model, training, v, b),
                    one_patient(model, v, b),
                    f"one patient, {dtype}, {mode} mode: logits",
                    tol,
                )
    gives_there(f"{CALL} and one patient", model, v, b)


def gradients(RiskModel):
    model = filled(RiskModel(V, B, H, K)).double()
    vitals, labs = (strided(N, size, dtype=torch.float64) for size in (V, B))
    gradients_of_modes(f"{CALL}, {N} patients", model, {"vitals": vitals, "labs": labs})


def sizes(RiskModel):
    model = RiskModel(V, B, H, K)
    for training in (True, False):
        model.train(training)
        for n, m in ((N, 1), (1, N), (N, N + 1), (2, 4), (4, 2)):
            inputs = torch.randn(n, V), torch.randn(m, B)
            refuses(model, *inputs, errors=(RuntimeError, ValueError))


CORE = (patients, logits, gradients)
EDGES = (sizes,)


def one_patient(model, vitals, labs):
    """Branch by branch, in float64; each half of the head's weight meets one branch."""
    p = {name: value.double() for name, value in model.state_dict().items()}
    v = (p["vitals.0.weight"] @ vitals[0].double() + p["vitals.0.bias"]).clamp(min=0)
    b = (p["labs.0.weight"] @ labs[0].double() + p["labs.0.bias"]).clamp(min=0)
    out = p["head.weight"][:, :H] @ v + p["head.weight"][:, H:] @ b + p["head.bias"]
    return out.to(vitals.dtype)[None]
