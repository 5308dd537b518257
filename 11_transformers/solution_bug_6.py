"""Bug hunt 6: a new Parameter was put in the place of a shared one, and the sharing was over.

Symptom  64 x 16 parameters more. The model runs, and it learns; table and head drift apart.
Cause    two modules share a weight when both hold the same Parameter object. module.weight =
         nn.Parameter(...) puts another object into one of them: apply visits the table, then the
         head, and each got its own. TinyLM(64, 16) had 3216 parameters and then 4240.
Fix      write into the tensor that is there: nn.init.normal_(module.weight, std=0.02). What is
         shared is drawn twice, and stays shared.
Spot it  count the parameters, or ask `head.weight is token.weight`, after everything that touches a
         model: initialization, loading, moving, wrapping, quantizing.

Asked next
    "Why not tie again at the end?" It mends this model; the next one that calls apply has the bug.
    And an optimizer that was built in between holds tensors that the model has no longer: it
    trains nothing, and says nothing.
    "Why does torch not warn?" It is legal: to replace a Parameter is how layers are swapped.
    "Does load_state_dict untie?" No, it copies into what is there. With assign=True it replaces.
Common slips: a clone where the weights are shared; requires_grad set to True again; `type(m) is
    nn.Linear`, which misses subclasses.
Left out here, if you say so: a row of padding_idx that should stay 0.
"""

from torch import Tensor, nn


def init_weights(module: nn.Module) -> None:
    """For model.apply: N(0, 0.02²) into the weights, 0 into the biases, in place."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


class TinyLM(nn.Module):
    """Token by token: ids (B, L) -> logits (B, L, V); head and table are one."""

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


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
