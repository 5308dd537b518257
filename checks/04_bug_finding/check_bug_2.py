"""What buggy_code_2.py requires.

patients compares a batch with its rows alone, logits is tried on one patient at a time.
"""

import torch
from torch.nn.functional import linear

from checks.hunts import gives_there, gradients_of_modes, mode, on, state_is
from checks.tools import close, equal, filled, refuses, strided

N, V, B, H, K = 7, 5, 4, 6, 3
CALL = f"RiskModel{V, B, H, K}"


def patients(RiskModel):
    model, vitals, labs = filled(RiskModel(V, B, H, K)), strided(N, V), strided(N, B)
    for training in (True, False):
        rows = [on(model, training, vitals[i : i + 1], labs[i : i + 1])[0] for i in range(N)]
        for n in (2, N):
            batch, what = on(model, training, vitals[:n], labs[:n]), mode(training)
            equal(f"a batch of {n}, {what}: logits", tuple(batch.shape), (n, K))
            for i, (got, alone) in enumerate(zip(batch, rows, strict=False)):
                close(
                    got,
                    alone,
                    f"patient {i}, {what}: logits in a batch of {n}, against alone",
                    1e-4,
                )


def logits(RiskModel):
    model = filled(RiskModel(V, B, H, K))
    want = {"vitals.0.weight": (H, V), "vitals.0.bias": (H,), "labs.0.weight": (H, B)}
    want |= {"labs.0.bias": (H,), "head.weight": (K, 2 * H), "head.bias": (K,)}
    state_is(f"state_dict of {CALL}", model.state_dict(), want)
    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 5e-2)):
        model.to(dtype)
        for training in (True, False):
            v, b = strided(1, V, dtype=dtype), strided(1, B, dtype=dtype)
            what = f"one patient, {dtype}, {mode(training)}: logits"
            close(on(model, training, v, b), half_by_half(model, v, b), what, tol)
    gives_there(f"{CALL} and one patient", model, v, b)


def gradients(RiskModel):
    model = filled(RiskModel(V, B, H, K)).double()
    vitals, labs = (strided(N, size, dtype=torch.float64) for size in (V, B))
    gradients_of_modes(f"{CALL}, {N} patients", model, {"vitals": vitals, "labs": labs})


def sizes(RiskModel):
    model = RiskModel(V, B, H, K)
    for training in (True, False):
        for n, m in ((N, 1), (1, N), (N, N + 1), (4, 2)):
            refuses(model.train(training), torch.randn(n, V), torch.randn(m, B))


CORE = (patients, logits, gradients)
EDGES = (sizes,)


def half_by_half(model, vitals, labs):
    """In float64; each half of the head's weight meets one branch."""
    p = {name: value.double() for name, value in model.state_dict().items()}
    v = linear(vitals.double(), p["vitals.0.weight"], p["vitals.0.bias"]).clamp(min=0)
    b = linear(labs.double(), p["labs.0.weight"], p["labs.0.bias"]).clamp(min=0)
    out = v @ p["head.weight"][:, :H].T + b @ p["head.weight"][:, H:].T + p["head.bias"]
    return out.to(vitals.dtype)
