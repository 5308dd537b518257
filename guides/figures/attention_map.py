"""Row by row: the weights of one query add up to 1, and no query looks at a later key."""

import torch
from style import GRAY, GROUND, INK, Data, save, start

WORDS = ["the", "cat", "saw", "the", "dog", "run"]


def data() -> Data:
    names = sorted(set(WORDS))
    table = torch.randn(len(names), 8, generator=torch.Generator().manual_seed(3))
    x = table[[names.index(word) for word in WORDS]]  # both "the" are the same vector
    scores = x @ x.T / 8**0.5
    later = torch.ones(len(WORDS), len(WORDS)).triu(1).bool()
    weights = scores.masked_fill(later, -torch.inf).softmax(1)
    return {"words": WORDS, "weights": [[round(v, 3) for v in row] for row in weights.tolist()]}


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(5.4, 4.0)
    axes = figure.add_subplot()
    count = len(data["words"])
    drawn = axes.pcolormesh(
        data["weights"], cmap="Blues", vmin=0, vmax=1, edgecolors=GROUND, linewidth=1.5
    )
    axes.invert_yaxis()
    axes.set_aspect("equal")
    middles = [n + 0.5 for n in range(count)]
    axes.set_xticks(middles, data["words"])
    axes.set_yticks(middles, data["words"])
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set(xlabel="key: looked at", ylabel="query: looks")
    for i, row in enumerate(data["weights"]):
        for j, weight in enumerate(row):
            hidden = j > i
            color = GRAY if hidden else "white" if weight > 0.5 else INK
            text = "-" if hidden else f"{weight:.2f}"
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=color, fontsize=9)
    axes.spines[:].set_visible(False)
    figure.colorbar(drawn, ax=axes, label="weight", shrink=0.9).outline.set_visible(False)
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
