"""Bug hunt 6: the checkpoint grew by the vocabulary, and nobody changed the model.

A colleague: "Only how the weights begin has changed: torch's Embedding begins at a standard
deviation of 1, which is too much for a head. Since then the checkpoint is larger."

    init_weights(module)          for model.apply: a module begins anew
    TinyLM(vocab_size, d_model)   ids (B, L) -> logits (B, L, V)

Core, what an interview asks:

    model      After model.apply(init_weights) any model has as many parameters as before. A new
               TinyLM has been through it, and its parameters keep their names.
    optimizer  An optimizer that was built before trains the model as it is after.
    values     Each weight of nn.Linear and nn.Embedding comes from N(0, 0.02²), by torch's global
               generator. Each bias of nn.Linear is 0. A Linear may have none.
    others     All else stays as it is: other modules, names, train or eval mode.

Edges, what a strict interviewer asks next; a pass of the core does not need them:

    frozen     A parameter that asks for no gradient asks for none afterwards. dtypes stay. No graph
               is kept, and no gradient is lost.
    kinds      Subclasses of the two begin anew likewise. init_weights(module) changes no module but
               this one.

Run the file, fix what is wrong, run it again.

Easy, 10 minutes. Try one alone: python FILE model
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        module.weight = nn.Parameter(0.02 * torch.randn_like(module.weight))
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


class TinyLM(nn.Module):
    def __init__(self, vocab_size: int, d_model: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.mlp = nn.Sequential(
            nn.LayerNorm(d_model),
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(),
            nn.Linear(4 * d_model, d_model),
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.head.weight = self.token.weight
        self.apply(init_weights)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.token(ids)
        return self.head(self.norm(x + self.mlp(x)))


def evidence() -> None:
    """What the colleague saw: sizes, and 30 steps on texts that count up."""
    torch.manual_seed(0)
    model = TinyLM(64, 16)
    count = sum(p.numel() for p in model.parameters())
    print(f"parameters {count} (want 3216: 64 x 16 for the vocabulary, 2192 for the rest)")
    spread = [model.token.weight.std().item(), model.head.weight.std().item()]
    print("standard deviation of table and head", *(f"{s:.3f}" for s in spread), " (want 0.020)")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    ids = (torch.randint(64, (32, 1)) + torch.arange(9)) % 64
    for _ in range(30):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    off = (model.token.weight - model.head.weight).abs().max().item()
    print(f"after 30 steps: loss {loss:.2f}, table and head differ by up to {off:.2f} (want 0.00)")


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
