"""What challenge_3_connecting.py requires.

`encoder` and `decoder` compute the parts by other means; for the model it is enough that its result
is that of its own parts, called by hand.
"""

import torch
from torch import nn

from checks.modules import (
    by_shape,
    drawn_as_linear,
    gradients_flow,
    has_parameters,
    keeps_dtypes,
    keeps_inputs,
    leading_sizes,
    on,
)
from checks.tools import close, names_are, result_of

D, H, OUT = 3, 7, 4
NAME = "FullModel(3, 7, 4)"
SIZES = ((3, 7, 4), (5, 5, 5))  # equal sizes hide what is connected wrongly


def encoder(Encoder):
    the_layer(Encoder, "features", lambda numbers: torch.where(numbers > 0, numbers, 0))


def decoder(Decoder):
    the_layer(Decoder, "result", lambda numbers: numbers)


def parameters(Encoder, Decoder):
    for kind in (Encoder, Decoder):
        name = kind.__name__
        has_parameters(f"{name}(3, 5)", kind(3, 5), {"weight": (5, 3), "bias": (5,)})
        drawn_as_linear(f"{name}(100, 200)", lambda kind=kind: kind(100, 200), 100)


def parts(Encoder, Decoder, FullModel):
    for sizes in SIZES:
        model, what = FullModel(*sizes), f"FullModel{sizes}"
        for i, (name, kind) in enumerate((("encoder", Encoder), ("decoder", Decoder))):
            part, inputs, outputs = getattr(model, name, None), *sizes[i : i + 2]
            mine, found = isinstance(part, kind), type(part).__name__
            assert mine, f"{what}.{name} is of type {found}, want your {kind.__name__}"
            shapes = [tuple(p.shape) for p in part.parameters()]
            fits = (outputs, inputs) in shapes
            assert fits, f"{what}.{name}: parameters {shapes}, want a weight {(outputs, inputs)}"
        names_are(model.state_dict(), names_of(model.encoder, model.decoder), f"{what}, state_dict")


def connection(FullModel):
    for sizes in SIZES:
        for mode in ("train", "eval"):
            model, x = FullModel(*sizes).train(mode == "train"), torch.randn(6, sizes[0])
            result_is_of_parts(f"FullModel{sizes}, {mode} mode", model, x)


def leading(Encoder, Decoder, FullModel):
    for sizes in ((D, H, OUT), (1, 1, 1)):
        leading_sizes(f"FullModel{sizes}", FullModel(*sizes), sizes[2], {"x": sizes[0]})
    leading_sizes("Encoder(3, 5)", Encoder(3, 5), 5, {"x": 3})
    leading_sizes("Decoder(3, 5)", Decoder(3, 5), 5, {"features": 3})


def gradients(Encoder, Decoder, FullModel):
    gradients_flow("Encoder(3, 5)", Encoder(3, 5), {"x": torch.randn(6, 3)})
    gradients_flow("Decoder(3, 5)", Decoder(3, 5), {"features": torch.randn(6, 3)})
    x = {"x": torch.randn(6, D)}
    gradients_flow(NAME, FullModel(D, H, OUT), x)
    for name in ("encoder", "decoder"):
        model = FullModel(D, H, OUT)
        part = getattr(model, name, nn.Identity())
        part.requires_grad_(False)
        gradients_flow(f"{NAME}, the {name} frozen", model, x)


def swap(FullModel):
    for new in (
        {"decoder": nn.Linear(H, 2)},
        {"encoder": nn.Linear(D, H)},
        {"encoder": nn.Sequential(nn.Linear(D, 9), nn.BatchNorm1d(9), nn.Linear(9, H))},
        {"encoder": nn.Sequential(nn.Linear(D, 9), nn.Tanh()), "decoder": nn.Linear(9, 2)},
        {"decoder": nn.Sequential(nn.Dropout(), nn.Linear(H, 2))},
        {"encoder": nn.Identity(), "decoder": nn.Identity()},
    ):
        model, what = FullModel(D, H, OUT).eval(), NAME
        call(f"{NAME}, x (6, 3)", model, torch.randn(6, D))  # used before, too
        for name, part in new.items():
            what += f", then {name} = {type(part).__name__}(...)"
            try:
                setattr(model, name, part)
            except (TypeError, ValueError, AttributeError, KeyError) as error:
                raise AssertionError(f"{what}: {error!r}, want it set") from error
        parts = [new.get(name, getattr(model, name, None)) for name in ("encoder", "decoder")]
        for name, part in zip(("encoder", "decoder"), parts, strict=True):
            assert getattr(model, name) is part, f"{what}: model.{name} is not what it was set to"
        names_are(model.state_dict(), names_of(*parts), f"{what}: state_dict")
        found = {id(p) for p in model.parameters()}
        left = [n for part in parts for n, p in part.named_parameters() if id(p) not in found]
        assert not left, f"{what}: model.parameters() lacks {', '.join(left)}"
        x = torch.randn(6, D)
        result_is_of_parts(what, model.eval(), x, parts)
        result_is_of_parts(f"{what}, then model.double()", model.double(), x.double(), parts)


def as_it_came(FullModel):
    for x, features in (
        (torch.randint(9, (2, 6)), torch.randn(2, 6, H)),
        (torch.randn(6, 2, 3, 4), torch.randn(6, H).double()),
        (torch.randn(D), torch.randn(H)),
        (torch.randn(1, 5, 1), torch.randn(1, 1, H)),
        (torch.randn(3, 2).bfloat16(), torch.randint(9, (3,))),
    ):
        model, got = FullModel(D, H, OUT), {}
        for name, gives in (("encoder", features), ("decoder", torch.zeros(2, 2))):
            setattr(model, name, Probe(got, name, gives))
        what = f"{NAME}, other parts, x {kind_of(x)}, features {kind_of(features)}"
        call(what, model, x)
        for name, want in (("encoder", x), ("decoder", features)):
            assert name in got, f"{what}: the {name} was not called"
            came = kind_of(got[name])
            assert came == kind_of(want), f"{what}: the {name} got {came}, want {kind_of(want)}"
            close(got[name], want, f"{what}: what the {name} got", 0)


def calls(FullModel):
    model, ran = FullModel(D, H, OUT), []
    for name in ("encoder", "decoder"):
        hook = getattr(model, name).register_forward_hook
        hook(lambda *_, name=name: ran.append(name))
    for _ in range(2):
        ran.clear()
        call(NAME, model, torch.randn(6, D))
        right = ran == ["encoder", "decoder"]
        assert right, f"{NAME}, one call: hooks ran on {ran}, want on ['encoder', 'decoder']"


def modes(FullModel):
    model = FullModel(D, H, OUT)
    model.encoder = nn.Sequential(nn.Linear(D, H), nn.Dropout())
    for name in ("eval", "train", "eval"):
        getattr(model, name)()
        for when in ("", ", and a call"):
            for part in ("encoder", "decoder"):
                got = {m.training for m in getattr(model, part).modules()}
                told = f"{NAME}, after model.{name}(){when}: {part} has training=%s, want %s"
                assert got == {name == "train"}, told % (
                    " and ".join(map(str, got)),
                    name == "train",
                )
            call(NAME, model, torch.randn(6, D))
    model.train()
    model.encoder.eval()  # as of a frozen backbone
    call(NAME, model, torch.randn(6, D))
    kept = model.decoder.training and not model.encoder.training
    assert kept, f"{NAME}, train mode, encoder.eval(): a call of the model has switched a mode"


def dtypes(FullModel):
    keeps_dtypes(NAME, FullModel(D, H, OUT), {"x": torch.randn(6, D)})


def inputs(Encoder, Decoder, FullModel):
    keeps_inputs("Encoder(3, 5)", Encoder(3, 5), {"x": torch.randn(6, 3)})
    keeps_inputs("Decoder(3, 5)", Decoder(3, 5), {"features": torch.randn(6, 3)})
    keeps_inputs(NAME, FullModel(D, H, OUT), {"x": torch.randn(6, D)})


CORE = (encoder, decoder, parameters, parts, connection, leading, gradients, swap)
EDGES = (as_it_came, calls, modes, dtypes, inputs)


def the_layer(kind, result, activation):
    """A part against its own weight and bias: a case by hand, then random ones."""
    part = kind(2, 3).eval()
    weight, bias = by_shape(part, (3, 2), (3,))
    with torch.no_grad():
        weight.copy_(torch.tensor([[1.0, 10.0], [0.0, -1.0], [0.5, 0.0]]))
        bias.zero_()
    what = f"{kind.__name__}(2, 3), weight [[1, 10], [0, -1], [0.5, 0]], bias zero, x [[2, 8]]"
    out = result_of(what, part, torch.tensor([[2.0, 8.0]]))
    close(out.detach(), activation(torch.tensor([[82.0, -8.0, 1.0]])), f"{what}: {result}")
    for mode in ("train", "eval"):
        part, x = kind(3, 5).double().train(mode == "train"), 10 * torch.randn(6, 3).double()
        weight, bias = (p.double() for p in by_shape(part, (5, 3), (5,)))
        what = on(f"{kind.__name__}(3, 5), {mode} mode", x=x)
        want = activation((x[:, None] * weight).sum(dim=2) + bias)
        close(result_of(what, part, x).double(), want, f"{what}: {result}")


def call(what, model, x):
    """What the model gives; where it asks a part for a first parameter, that may be missing."""
    try:
        return result_of(what, model, x)
    except StopIteration as error:
        raise AssertionError(f"{what}: StopIteration, want a result, of any part") from error


def result_is_of_parts(what, model, x, parts=None):
    first, second = parts or (model.encoder, model.decoder)
    want = second(first(x))
    close(call(what, model, x), want, f"{what}: model(x), against decoder(encoder(x))")


def names_of(encoder, decoder):
    parts = (("encoder", encoder), ("decoder", decoder))
    return [f"{name}.{key}" for name, part in parts for key in part.state_dict()]


def kind_of(t):
    return f"{tuple(t.shape)} {t.dtype} on {t.device}"


class Probe(nn.Module):
    """Notes what it got and gives what it was made to give. Its parameter is of another kind."""

    def __init__(self, got, name, gives):
        super().__init__()
        self.p = nn.Parameter(torch.zeros(1, dtype=torch.float16, device="meta"))
        self.got, self.name, self.gives = got, name, gives

    def forward(self, x):
        self.got[self.name] = x
        return self.gives
