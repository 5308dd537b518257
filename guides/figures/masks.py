"""A query (row) may look at the colored keys (columns): the causal mask hides what is later, the
padding mask hides columns of padding, and both together hide what either hides."""

import torch
from style import BLUE, GROUND, PALE, Data, board, save, start

LENGTH, REAL = 6, 4  # tokens, of which the last two are padding


def data() -> Data:
    causal = torch.ones(LENGTH, LENGTH).tril().bool()
    padding = (torch.arange(LENGTH) < REAL).expand(LENGTH, LENGTH)
    return {
        "causal": causal.int().tolist(),
        "padding": padding.int().tolist(),
        "both": (causal & padding).int().tolist(),
    }


def draw(data: Data, folder: str | None = None) -> None:
    from matplotlib.colors import ListedColormap

    figure = start(8, 3.1)
    for n, (name, mask) in enumerate(data.items()):
        axes = figure.add_subplot(1, 3, n + 1)
        board(axes, LENGTH + 1.2, LENGTH + 1.6)
        tokens = [f"{k}" if k < REAL or name == "causal" else "pad" for k in range(LENGTH)]
        axes.set_title(name)
        for k, token in enumerate(tokens):
            axes.text(k + 1.6, 0.6, token, ha="center", va="center", fontsize=9)
            axes.text(0.9, k + 1.5, token, ha="right", va="center", fontsize=9)
        edges = [n + 1.1 for n in range(LENGTH + 1)], [n + 1 for n in range(LENGTH + 1)]
        drawn = axes.pcolormesh(*edges, mask, cmap=ListedColormap([PALE, BLUE]), vmin=0, vmax=1)
        drawn.set(edgecolor=GROUND, linewidth=1.5)
        axes.text(LENGTH / 2 + 1.1, LENGTH + 1.3, "key", ha="center", va="center")
        if n == 0:
            axes.text(-0.1, LENGTH / 2 + 1, "query", rotation=90, ha="center", va="center")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
