"""What challenge_3_connecting.py requires; the model's result is that of its own parts."""

import torch
from torch import nn

from checks import modules
from checks.tools import close, equal, names_are, result_of, same

D, H, OUT = 3, 7, 4
NAME = "FullModel(3, 7, 4)"
PARTS = ("encoder", "decoder")


def encoder(Encoder):
    the_layer(Encoder, "features", lambda numbers: numbers.clamp(min=0))


def decoder(Decoder):
    the_layer(Decoder, "result", lambda numbers: numbers)


def parameters(Encoder, Decoder):
    for kind in (Encoder, Decoder):
        modules.has_parameters(f"{kind.__name__}(3, 5)", kind(3, 5), (5, 3), (5,))
        modules.drawn_as_linear(kind, (100, 200), 100)


def parts(Encoder, Decoder, FullModel):
    model = FullModel(D, H, OUT)
    for name, kind in zip(PARTS, (Encoder, Decoder), strict=True):
        part, want = getattr(model, name, None), kind.__name__
        assert isinstance(part, kind), f"{NAME}.{name} is a {type(part).__name__}, want your {want}"
    names_are(model.state_dict(), names_of(model), f"{NAME}, state_dict")


def connection(FullModel):
    for sizes in ((D, H, OUT), (5, 5, 5)):  # equal sizes hide what is connected wrongly
        for mode in ("train", "eval"):
            model, x = FullModel(*sizes).train(mode == "train"), modules.ramp(6, sizes[0])
            for top, name in enumerate(PARTS, 1):
                for p in getattr(model, name, nn.Identity()).parameters():
                    p.data = modules.ramp(*p.shape, top=top)
            result_is_of_parts(f"FullModel{sizes}, {mode} mode", model, x)


def leading(Encoder, Decoder, FullModel):
    kinds = (FullModel, (D, H, OUT)), (FullModel, (1, 1, 1)), (Encoder, (3, 5)), (Decoder, (3, 5))
    for kind, sizes in kinds:
        what, module, _ = modules.case(kind, sizes)
        modules.leading_sizes(what, module, sizes[-1], {"x": sizes[0]})


def gradients(Encoder, Decoder, FullModel):
    for case in cases(Encoder, Decoder, FullModel):
        modules.gradients_flow(*case)
    for name in PARTS:
        what, model, inputs = modules.case(FullModel, (D, H, OUT), x=D)
        getattr(model, name, nn.Identity()).requires_grad_(False)
        modules.gradients_flow(f"{what}, the {name} frozen", model, inputs)


def swap(FullModel):
    norm = nn.Sequential(nn.Linear(D, 9), nn.BatchNorm1d(9), nn.Linear(9, H))
    for new in (
        {"decoder": nn.Linear(H, 2)},
        {"encoder": nn.Linear(D, H)},
        {"encoder": norm},
        {"encoder": nn.Sequential(nn.Linear(D, 9), nn.Tanh()), "decoder": nn.Linear(9, 2)},
        {"decoder": nn.Sequential(nn.Dropout(), nn.Linear(H, 2))},
        {"encoder": nn.Identity(), "decoder": nn.Identity()},
    ):
        model, what, x = FullModel(D, H, OUT).eval(), NAME, torch.randn(6, D)
        result_of(f"{NAME}, x (6, 3)", model, x)  # used before, too
        for name, part in new.items():
            what += f", then {name} = {type(part).__name__}(...)"
            setattr(model, name, part)
            assert getattr(model, name) is part, f"{what}: model.{name} is not what it was set to"
        names_are(model.state_dict(), names_of(model), f"{what}: state_dict")
        result_is_of_parts(what, model.eval(), x)
        result_is_of_parts(f"{what}, then model.double()", model.double(), x.double())


def as_it_came(FullModel):
    for x, features in (
        (torch.randint(9, (2, 6)), torch.randn(2, 6, H)),
        (torch.randn(6, 2, 3, 4), torch.randn(6, H).double()),
        (torch.randn(D), torch.randn(H)),
        (torch.randn(1, 5, 1), torch.randn(1, 1, H)),
        (torch.randn(3, 2).bfloat16(), torch.randint(9, (3,))),
    ):
        model, came = FullModel(D, H, OUT), {}
        model.encoder = Probe(came, "encoder", features)
        model.decoder = Probe(came, "decoder", torch.zeros(2, 2))
        shown = [f"{tuple(t.shape)} {t.dtype}" for t in (x, features)]
        what = f"{NAME}, other parts, x {shown[0]}, features {shown[1]}"
        result_of(what, model, x)
        for name, want in zip(PARTS, (x, features), strict=True):
            got, what_came = came.get(name, torch.empty(0)), f"{what}: what came to the {name}"
            assert got.device == want.device, f"{what_came} is on {got.device}, want {want.device}"
            same(got, want, what_came)


def calls(FullModel):
    model, ran = FullModel(D, H, OUT), []
    for name in PARTS:
        getattr(model, name).register_forward_hook(lambda *_, name=name: ran.append(name))
    for _ in range(2):
        ran.clear()
        result_of(NAME, model, torch.randn(6, D))
        equal(f"{NAME}, one call: hooks ran on", ran, [*PARTS])


def modes(FullModel):
    model = FullModel(D, H, OUT)
    model.encoder = nn.Sequential(nn.Linear(D, H), nn.Dropout())
    for what, switch, want in (
        ("model.eval()", model.eval, [{False}, {False}]),
        ("model.train()", model.train, [{True}, {True}]),
        ("model.train(), model.encoder.eval()", model.encoder.eval, [{False}, {True}]),
    ):
        switch()
        for when in ("", " and a call"):
            got = [{m.training for m in getattr(model, name).modules()} for name in PARTS]
            told = f"{NAME}, after {what}{when}: training in encoder and decoder is"
            equal(told, got, want)
            result_of(NAME, model, torch.randn(6, D))


def dtypes(Encoder, Decoder, FullModel):
    for case in cases(Encoder, Decoder, FullModel):
        modules.keeps_dtypes(*case)


def inputs(Encoder, Decoder, FullModel):
    for case in cases(Encoder, Decoder, FullModel):
        modules.keeps_inputs(*case)


CORE = (encoder, decoder, parameters, parts, connection, leading, gradients, swap)
EDGES = (as_it_came, calls, modes, dtypes, inputs)


def cases(Encoder, Decoder, FullModel):
    yield modules.case(Encoder, (3, 5), x=3)
    yield modules.case(Decoder, (3, 5), features=3)
    yield modules.case(FullModel, (D, H, OUT), x=D)


def the_layer(kind, result, activation):
    """A part with known weight and bias."""
    weight, bias = [[1.0, 10.0], [0.0, -1.0], [0.5, 0.0]], [0.0, 0.0, 3.0]
    x, want = torch.tensor([[2.0, 8.0], [-4.0, 20.0]]), [[82.0, -8.0, 4.0], [196.0, -20.0, 1.0]]
    for mode in ("train", "eval"):
        part = modules.put(kind(2, 3), {(3, 2): weight, (3,): bias}).train(mode == "train")
        what = f"{kind.__name__}(2, 3), {mode} mode, weight [[1, 10], [0, -1], [0.5, 0]], "
        what += "bias [0, 0, 3], x [[2, 8], [-4, 20]]"
        out = result_of(what, part, x.clone())
        close(out.detach(), activation(torch.tensor(want)), f"{what}: {result}")


def result_is_of_parts(what, model, x):
    got, want = result_of(what, model, x), model.decoder(model.encoder(x))
    close(got, want, f"{what}: model(x), against decoder(encoder(x))")


def names_of(model):
    return [f"{name}.{key}" for name in PARTS for key in getattr(model, name).state_dict()]


class Probe(nn.Module):
    """Notes what came and gives what it was made to give. Its parameter is of another kind."""

    def __init__(self, came, name, gives):
        super().__init__()
        self.p = nn.Parameter(torch.zeros(1, dtype=torch.float16, device="meta"))
        self.came, self.name, self.gives = came, name, gives

    def forward(self, x):
        self.came[self.name] = x
        return self.gives
