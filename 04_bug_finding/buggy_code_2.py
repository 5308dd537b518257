"""Bug hunt 2: a patient's score depends on who else is in the batch.

A colleague: "The demo scores patients one by one and looks sensible. The nightly job scores the
same patients in batches and gets other numbers. There is no BatchNorm and no Dropout anywhere."

RiskModel(num_vitals, num_labs, hidden, num_classes) joins two branches, one for the vital signs and
one for the lab values: a Linear layer and a ReLU each, `hidden` features each.

    vitals   (N, num_vitals)   of the model's dtype and on its device
    labs     (N, num_labs)     row i is the same patient as row i of vitals
    returns  (N, num_classes)  logits: row i is what the linear head makes of the 2 * hidden
                               features of patient i, those of the vital signs first

A patient's row is the same in every batch, in train and in eval mode. Batches of different size
raise RuntimeError or ValueError, 1 beside N included. vitals and labs stay as they are; gradients
reach them and all parameters. Checkpoints exist: names and shapes in the state_dict stay.

Run this file to see the numbers, fix the class, run it again.
Guide: https://docs.pytorch.org/docs/stable/notes/modules.html
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class RiskModel(nn.Module):
    def __init__(self, num_vitals: int, num_labs: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.vitals = nn.Sequential(nn.Linear(num_vitals, hidden), nn.ReLU())
        self.labs = nn.Sequential(nn.Linear(num_labs, hidden), nn.ReLU())
        self.head = nn.Linear(2 * hidden, num_classes)

    def forward(self, vitals: Tensor, labs: Tensor) -> Tensor:
        features = torch.cat([self.vitals(vitals), self.labs(labs)])
        return self.head(features.view(len(vitals), -1))


def check(RiskModel):
    torch.manual_seed(0)
    N, V, B, H, K = 7, 5, 4, 6, 3
    model, vitals, labs = RiskModel(V, B, H, K), torch.randn(N, V), torch.randn(N, B)
    shapes = {name: tuple(p.shape) for name, p in model.state_dict().items()}
    want = {"vitals.0.weight": (H, V), "vitals.0.bias": (H,), "labs.0.weight": (H, B)}
    want |= {"labs.0.bias": (H,), "head.weight": (K, 2 * H), "head.bias": (K,)}
    assert shapes == want, f"RiskModel{V, B, H, K}: state_dict of {shapes}, want {want}"

    alone = torch.cat([model(vitals[i : i + 1], labs[i : i + 1]) for i in range(N)])
    assert alone.shape == (N, K), f"{N} batches of 1: logits {tuple(alone.shape)}, want {(N, K)}"
    for size in (1, 2, 4, N):
        pairs = zip(vitals.split(size), labs.split(size), strict=True)
        moved = (torch.cat([model(v, b) for v, b in pairs]) - alone).abs().max()
        print(f"batches of {size}: logits up to {moved:.4f} away from those of one patient alone")
    whole = model(vitals, labs)
    assert whole.shape == (N, K), f"a batch of {N}: logits {tuple(whole.shape)}, want {(N, K)}"
    for i in range(N):
        both = [[round(v, 3) for v in logits[i].tolist()] for logits in (alone, whole)]
        assert torch.allclose(alone[i], whole[i], atol=1e-5), (
            f"patient {i}: logits {both[0]} alone, {both[1]} in a batch of {N}, want the same"
        )

    for dtype, tol in ((torch.float32, 1e-5), (torch.float64, 1e-12), (torch.bfloat16, 5e-2)):
        model = RiskModel(V, B, H, K).to(dtype)
        for n, training in ((N, True), (N, False), (1, False)):
            model.train(training)
            what = f"{dtype}, training={training}, {n} patients: "
            inputs = [torch.randn(s, n, dtype=dtype).t().requires_grad_() for s in (V, B)]
            before = [t.detach().clone() for t in inputs]
            outs = model(*inputs), patient_by_patient(model, *inputs)
            assert outs[0].dtype == dtype, f"{what}the logits are {outs[0].dtype}, want {dtype}"
            compare(outs[0], outs[1], tol, f"{what}wrong logits")
            assert outs[0].requires_grad, f"{what}no gradient flows back from the logits"
            upstream = torch.randn(n, K).to(dtype)
            leaves = {**dict(model.named_parameters()), "vitals": inputs[0], "labs": inputs[1]}
            grads = (gradients(out, list(leaves.values()), upstream) for out in outs)
            for name, got, right in zip(leaves, *grads, strict=True):
                assert got is not None, f"{what}no gradient reaches {name}"
                compare(got, right, tol, f"{what}wrong gradient of {name}")
            for name, old in zip(("vitals", "labs"), before, strict=True):
                assert torch.equal(leaves[name], old), f"{what}forward changed {name}"
    out = outcome(model.to("meta"), vitals.to("meta", dtype), labs.to("meta", dtype))
    want = "want logits on that device"
    assert getattr(out, "is_meta", False), f"model and inputs on the meta device: {out!r}, {want}"

    model, want = RiskModel(V, B, H, K), "want RuntimeError or ValueError"
    for n, m in ((N, 1), (1, N), (N, N + 1), (2, 4), (4, 2)):
        for training in (True, False):
            out = outcome(model.train(training), torch.randn(n, V), torch.randn(m, B))
            got = out if isinstance(out, Exception) else out.shape
            what = f"training={training}, vitals {(n, V)}, labs {(m, B)}: "
            assert isinstance(out, (RuntimeError, ValueError)), f"{what}{got!r}, {want}"


def outcome(model: nn.Module, *inputs: Tensor) -> Tensor | Exception:
    try:
        return model(*inputs)
    except Exception as error:
        return error


def patient_by_patient(model: nn.Module, vitals: Tensor, labs: Tensor) -> Tensor:
    p = {name: v.double() for name, v in model.named_parameters()}
    left, right = p["head.weight"].chunk(2, dim=1)
    rows = []
    for v, b in zip(vitals.double(), labs.double(), strict=True):
        v = linear(v, p["vitals.0.weight"], p["vitals.0.bias"]).relu()
        b = linear(b, p["labs.0.weight"], p["labs.0.bias"]).relu()
        rows.append(left @ v + right @ b + p["head.bias"])
    return torch.stack(rows).to(vitals.dtype)


def gradients(out: Tensor, leaves: list[Tensor], upstream: Tensor) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(out, leaves, upstream, allow_unused=True)


def compare(got: Tensor, want: Tensor, tol: float, what: str) -> None:
    torch.testing.assert_close(got, want, atol=tol, rtol=tol, msg=lambda m: f"{what}\n{m}")


if __name__ == "__main__":
    try:
        check(RiskModel)
    except (NotImplementedError, AssertionError) as verdict:
        raise SystemExit(f"NOT YET: {str(verdict) or repr(verdict)}") from None
    print("PASS: now read solution_bug_2.py")
