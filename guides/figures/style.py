"""What the figures share: size, colors, fonts, and how one is saved so that the same data gives the
same file. matplotlib is a tool of whoever changes a figure (requirements-dev.txt), not of a reader.

python guides/figures/NAME.py        draws guides/figures/NAME.svg anew
"""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Data = dict[str, list[Any]]  # plain numbers and words

# A light ground of its own: so a figure reads the same in GitHub's light and dark mode.
GROUND, INK, GRAY, PALE = "#f7f7f4", "#1f2328", "#6e7781", "#dfe1dc"
BLUE, ORANGE, GREEN, PURPLE = "#0b5cad", "#c4501b", "#2a7f4f", "#7a4fa3"
COLORS = [BLUE, ORANGE, GREEN, PURPLE]
FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"
LOOK: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay letters, in the first of FONTS that a reader has
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "svg.hashsalt": "guides",  # ids that do not change from run to run
    "font.size": 10,
    "axes.titlesize": 10,
    "text.color": INK,
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": GROUND,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
}


def rounded(value: Any, digits: int = 4) -> Any:
    """Numbers with so many digits that matter: what a figure shows, and little more."""
    if isinstance(value, dict):
        return {key: rounded(one, digits) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one, digits) for one in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def start(width: float = 8, height: float = 3.4) -> "Figure":
    """An empty figure; sizes in inches, 8 of them are the width of a page on GitHub."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    matplotlib.rcParams.update(LOOK)
    edge = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    return Figure((width, height), facecolor=GROUND, layout=edge)


def save(figure: "Figure", script: str, data: Data, folder: str | Path | None = None) -> None:
    """Beside its script, or into the folder; the data goes with it, for the test to compare."""
    file = Path(folder or Path(script).parent) / Path(script).with_suffix(".svg").name
    told = {
        "Date": None,
        "Title": file.stem,
        "Description": json.dumps(data, separators=(",", ":")),
    }
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=told)
    lines = text.getvalue().replace("'DejaVu Sans'", FONTS).splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def cells(
    axes: "Axes",
    values: list[list[Any]],
    at: tuple[float, float] = (0, 0),
    colors: list[list[str]] | None = None,
    faint: list[list[bool]] | None = None,
    size: float = 10,
) -> None:
    """A grid of square cells with a number in each; `at` is its upper left corner, y down."""
    from matplotlib.patches import Rectangle

    for i, row in enumerate(values):
        for j, value in enumerate(row):
            color = colors[i][j] if colors else PALE
            dark = color not in (PALE, GROUND)
            if faint and faint[i][j]:
                color, dark = mixed(color), False
            box = Rectangle((at[0] + j, at[1] + i), 1, 1, facecolor=color, edgecolor=GROUND)
            box.set(linewidth=1.5, clip_on=False)
            axes.add_patch(box)
            axes.text(
                at[0] + j + 0.5,
                at[1] + i + 0.5,
                str(value),
                ha="center",
                va="center",
                color="white" if dark else INK,
                fontsize=size,
            )


def mixed(color: str, share: float = 0.25) -> str:
    """A color thinned with the ground's."""
    pairs = zip(bytes.fromhex(color[1:]), bytes.fromhex(GROUND[1:]), strict=True)
    return "#" + bytes(round(share * a + (1 - share) * b) for a, b in pairs).hex()


def board(axes: "Axes", width: float, height: float) -> None:
    """Axes for cells: equal sides, y down, nothing around them."""
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    axes.axis("off")
