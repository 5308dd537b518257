"""FSDP by hand: every rank keeps 1/W of each large weight and borrows the rest for a moment.

Why it works: what a Linear needs is its whole weight, twice, and only while it runs. Gather puts
the slices together; its backward gets the gradient of the whole weight and gives each rank the mean
of its slice alone. With 3 x 5 numbers on 2 ranks a slice has 8, the last with a zero at its end.
Autograd would keep the weight for backward, so the saved tensor is replaced by a note of how it
looked; backward gathers it anew.
Say in the interview:
- Memory: parameters, gradients and the two states of AdamW are 1/W each, in float32 16 bytes per
  parameter / W. What is whole at one moment is one layer.
- Traffic: all_gather, all_gather, reduce_scatter, each (W - 1)/W of the weights; DDP's all_reduce
  is two of these, so FSDP sends 1.5 times as much.
- The optimizer is made after wrapping and sees slices: it must not mix the numbers of a weight
  (Muon does), and the norm for clipping needs an all_reduce.
- compute_dtype is for what is gathered and multiplied. The slices stay float32, or small steps are
  lost; gradients are added in float32, for a sum over ranks loses digits, too.
- Real FSDP gathers the next layer while this one computes, and groups the weights of a block.
Asked next: "What else shards?" ZeRO-1 the optimizer's state, ZeRO-2 the gradients, too, ZeRO-3
(this) the weights. "How do you save?" Gather, rank 0 writes; or each rank writes its slices.
Common slips: a slice per rank of different first weights; freed in forward only, while the graph
keeps the weight; the padding trained; the sum instead of the mean; rank 0 alone gathers.
May be left out if you say so: tied weights, compute_dtype.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks


class Gather(torch.autograd.Function):
    """This rank's slice -> the whole weight; backward: its gradient -> the mean of the slice."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, shape: torch.Size, dtype: torch.dtype, dist: Any) -> Tensor:
        ctx.part, ctx.dtype, ctx.dist = part.shape, part.dtype, dist
        return gathered(part, shape, dtype, dist)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        W = ctx.dist.get_world_size()
        mine = grad.new_empty(ctx.part, dtype=ctx.dtype)
        ctx.dist.reduce_scatter_tensor(mine, padded(grad.to(ctx.dtype), W))
        return mine.div_(W), None, None, None


def gathered(part: Tensor, shape: torch.Size, dtype: torch.dtype, dist: Any) -> Tensor:
    whole = part.new_empty(part.numel() * dist.get_world_size(), dtype=dtype)
    dist.all_gather_into_tensor(whole, part.detach().to(dtype))
    return whole[: shape.numel()].view(shape)


def padded(whole: Tensor, W: int) -> Tensor:
    """Flat, with zeros at the end, for W equal slices."""
    return nn.functional.pad(whole.flatten(), (0, -whole.numel() % W))


class FSDP(nn.Module):
    """The module, with slices in the place of the weights of its Linears and Embeddings."""

    def __init__(
        self,
        module: nn.Module,
        compute_dtype: torch.dtype | None = None,
        dist: Any = torch.distributed,
    ) -> None:
        super().__init__()
        self.module, self.compute_dtype, self.dist = module, compute_dtype, dist
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.detach(), src=0)
        named = dict(module.named_parameters())
        self.shapes = {name: p.shape for name, p in named.items()}
        parts = dict[Tensor, nn.Parameter]()  # a weight of two layers has one slice
        for layer in module.modules():
            if isinstance(layer, nn.Linear | nn.Embedding):
                if layer.weight not in parts:
                    parts[layer.weight] = self.slice_of(layer.weight)
                self.shard(layer, parts[layer.weight])
        self.kept = {name: parts.get(p, p) for name, p in named.items()}
        self.sliced = set(parts.values())

    def slice_of(self, weight: Tensor) -> nn.Parameter:
        W, rank = self.dist.get_world_size(), self.dist.get_rank()
        mine = padded(weight.detach(), W).chunk(W)[rank].clone()  # no view: that keeps the whole
        return nn.Parameter(mine, requires_grad=weight.requires_grad)

    def shard(self, layer: nn.Module, part: nn.Parameter) -> None:
        """weight, and a bias, become plain attributes that are there in forward only."""
        shape, bias = layer.weight.shape, getattr(layer, "bias", None)
        running = list[saved_tensors_hooks]()
        del layer.weight
        layer.part = part
        if bias is not None:
            del layer.bias
            layer.own_bias = bias

        def whole() -> tuple[Any, ...]:
            return part, shape, self.compute_dtype or part.dtype, self.dist

        def before(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            layer.weight = weight = Gather.apply(*whole())
            if bias is not None:
                layer.bias = self.cast(bias)
            address = weight.untyped_storage().data_ptr()

            def pack(t: Tensor) -> Any:
                is_weight = t.untyped_storage().data_ptr() == address
                return (t.size(), t.stride(), t.storage_offset()) if is_weight else t

            def unpack(kept: Any) -> Tensor:
                if isinstance(kept, Tensor):
                    return kept
                return gathered(*whole()).as_strided(*kept)

            running.append(saved_tensors_hooks(pack, unpack))
            running[-1].__enter__()
            return tuple(map(self.cast, inputs))

        def after(layer: nn.Module, inputs: Any, output: Any) -> None:
            running.pop().__exit__()
            del layer.weight
            if bias is not None:
                del layer.bias

        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after, always_call=True)

    def cast(self, x: Tensor) -> Tensor:
        return x.to(self.compute_dtype) if self.compute_dtype and x.is_floating_point() else x

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.module(*inputs, **named)

    def finish_gradient_synchronization(self) -> None:
        """Each .grad is the mean over the ranks; those of slices are already."""
        whole = [p for p in self.kept.values() if p not in self.sliced]
        grads = [p.grad for p in whole if p.grad is not None]
        works = [self.dist.all_reduce(grad, async_op=True) for grad in grads]
        for grad, work in zip(grads, works, strict=True):
            work.wait()
            grad.div_(self.dist.get_world_size())


def gather_full_params(fsdp: FSDP) -> dict[str, Tensor]:
    """Copies of all parameters, named and shaped as before; all ranks must call it."""
    return {
        name: gathered(p, fsdp.shapes[name], p.dtype, fsdp.dist)
        if p in fsdp.sliced
        else p.detach().clone()
        for name, p in fsdp.kept.items()
    }


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
