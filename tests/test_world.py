"""checks/world.py: ranks in threads do what torch.distributed's processes do, and never hang."""

import pytest
import torch
from torch import nn

from checks.world import World


def test_collectives_give_what_torch_distributed_promises():
    world = World(3)

    def everything():
        rank = world.get_rank()
        mine = torch.tensor([1.0, 10.0]) * (rank + 1)
        out = {"size": world.get_world_size()}
        out["sum"], out["max"], out["from 1"], out["to 2"] = (mine.clone() for _ in range(4))
        world.all_reduce(out["sum"])
        world.all_reduce(out["max"], op=world.ReduceOp.MAX)
        world.broadcast(out["from 1"], src=1)
        world.reduce(out["to 2"], dst=2)
        world.all_gather(out.setdefault("list", [torch.zeros(2) for _ in range(3)]), mine)
        world.all_gather_into_tensor(out.setdefault("rows", torch.zeros(3, 2)), mine)
        world.reduce_scatter_tensor(out.setdefault("part", torch.zeros(1)), torch.arange(3.0))
        world.all_gather_object(out.setdefault("objects", [None] * 3), f"rank {rank}")
        world.broadcast_object_list(names := [rank, "x"], src=2)
        world.barrier()
        return out | {"names": names}

    for rank, out in enumerate(world.run(everything)):
        rows = [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]
        assert out["size"] == 3
        assert out["sum"].tolist() == [6.0, 60.0]
        assert out["max"].tolist() == rows[2]
        assert out["from 1"].tolist() == rows[1]
        assert out["to 2"].tolist() == ([6.0, 60.0] if rank == 2 else rows[rank])
        assert [t.tolist() for t in out["list"]] == rows
        assert out["rows"].tolist() == rows
        assert out["part"].tolist() == [3.0 * rank]
        assert out["objects"] == ["rank 0", "rank 1", "rank 2"]
        assert out["names"] == [2, "x"]


def test_asynchronous_results_come_at_wait():
    world = World(2)

    def early_and_late():
        tensor = torch.ones(2)
        work = world.all_reduce(tensor, async_op=True)
        early = tensor.tolist()
        work.wait()
        work.wait()  # again, and nothing more
        return early, tensor.tolist()

    assert world.run(early_and_late) == [([1.0, 1.0], [2.0, 2.0])] * 2


def test_messages_keep_their_order_and_are_counted():
    world = World(2)

    def exchange():
        if world.get_rank() == 0:
            for value in (1.0, 2.0):
                world.send(torch.full((3,), value), dst=1)
            return []
        first, second = torch.zeros(3), torch.zeros(3)
        works = [world.irecv(first, src=0), world.irecv(second, src=0)]
        for work in reversed(works):  # the order of the calls counts, not that of the waits
            work.wait()
        return [first[0].item(), second[0].item()]

    assert world.run(exchange)[1] == [1.0, 2.0]
    assert (world.sent, world.messages) == ([6, 0], [2, 0])
    assert world.calls[1] == [("recv", 3), ("recv", 3)]


@pytest.mark.parametrize(("synchronous", "ends"), [(False, True), (True, False)])
def test_all_send_first_is_a_deadlock_where_sends_wait(synchronous, ends):
    world = World(3, synchronous)

    def ring():
        rank, box = world.get_rank(), torch.zeros(1)
        world.send(torch.tensor([float(rank)]), (rank + 1) % 3)
        world.recv(box, (rank - 1) % 3)
        return box.item()

    if ends:
        assert world.run(ring) == [2.0, 0.0, 1.0]
    else:
        with pytest.raises(AssertionError, match=r"deadlock: rank 0 waits in send\(1,\) to rank 1"):
            world.run(ring)


def test_a_rank_that_left_others_waiting_is_told():
    world = World(2)
    with pytest.raises(AssertionError, match="rank 1 waits in barrier, 1 of 2 ranks have ended"):
        world.run(lambda: world.get_rank() == 0 or world.barrier())


@pytest.mark.parametrize(
    "given", [[torch.ones(2), torch.ones(3)], [torch.ones(2), torch.ones(2).long()]]
)
def test_different_collectives_are_told(given):
    world = World(2)
    with pytest.raises(RuntimeError, match=r"all_reduce\(SUM\) of .* calls all_reduce\(SUM\) of"):
        world.run(world.all_reduce, each=given)


def test_the_error_of_a_rank_ends_the_others():
    world = World(3)

    def one_fails():
        if world.get_rank() == 1:
            raise NotImplementedError("DDP.forward")
        try:
            world.barrier()
        except Exception:  # an answer that goes on whatever happens
            return "went on"

    with pytest.raises(NotImplementedError, match=r"DDP\.forward"):
        world.run(one_fails)
    assert world.run(world.get_rank) == [0, 1, 2]  # usable again


def test_hooks_run_in_the_thread_of_their_rank():
    world = World(2)
    models = [nn.Linear(2, 1, bias=False) for _ in range(2)]

    def step(model):
        for p in model.parameters():
            p.register_post_accumulate_grad_hook(lambda p: world.all_reduce(p.grad))
        model(torch.ones(1, 2) * (world.get_rank() + 1)).sum().backward()
        return model.weight.grad.tolist()

    assert world.run(step, each=models) == [[[3.0, 3.0]]] * 2
