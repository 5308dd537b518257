"""Weights, gradients and Adam stay the same; the activations grow with the batch, and two methods
shrink them. GPT-2 small under autocast to bfloat16, 1,024 tokens in a sequence."""

from style import BLUE, GRAY, GREEN, ORANGE, PURPLE, Data, save, start

LAYERS, WIDTH, HEADS, LENGTH, VOCABULARY = 12, 768, 12, 1024, 50257


def parameters() -> int:
    block = 12 * WIDTH**2 + 13 * WIDTH
    return (VOCABULARY + LENGTH) * WIDTH + LAYERS * block + 2 * WIDTH  # the head is the embedding


def data() -> Data:
    """In GB. Of activations those of the blocks: 34 d + 5 H L bytes a token (2205.05198, 4.1)."""
    scores = 5 * HEADS * LENGTH  # bytes of a token in a block; FlashAttention keeps none of them
    whole = 34 * WIDTH + scores
    cases = {
        "1 sequence": (1, whole),
        "8 sequences": (8, whole),
        "8, FlashAttention": (8, 34 * WIDTH),
        "8, checkpointed blocks": (8, 2 * WIDTH),  # each block's input
    }
    count = parameters()
    gigabytes = {"weights": 4 * count, "gradients": 4 * count, "Adam's moments": 8 * count}
    found: Data = {"cases": list(cases), "parameters": [count]}
    for name, size in gigabytes.items():
        found[name] = [round(size / 1e9, 3)] * len(cases)
    found["activations"] = [
        round(batch * LENGTH * LAYERS * size / 1e9, 3) for batch, size in cases.values()
    ]
    return found


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 3.0)
    axes = figure.add_subplot()
    left = [0.0] * len(data["cases"])
    parts = list(data)[2:]
    for name, color in zip(parts, (BLUE, GREEN, PURPLE, ORANGE), strict=True):
        told = f"{name} of the blocks" if name == "activations" else name
        axes.barh(data["cases"], data[name], left=left, color=color, label=told, height=0.6)
        left = [a + b for a, b in zip(left, data[name], strict=True)]
    for row, total in enumerate(left):
        axes.text(total + 0.1, row, f"{total:.1f} GB", va="center")
    axes.invert_yaxis()
    axes.set(xlabel="GB", xlim=(0, max(left) * 1.12))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRAY, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(frameon=False, ncols=4, loc="outside upper left")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
