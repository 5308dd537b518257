"""Left of the ridge, memory limits the speed; right of it, arithmetic does. An A100 in bfloat16."""

from style import BLUE, GRAY, ORANGE, Data, rounded, save, start

# NVIDIA A100 80GB data sheet: 312 TFLOP/s dense in bfloat16, 2.0 TB/s (2,039 GB/s in its SXM form).
FLOPS, BANDWIDTH = 312e12, 2.0e12
WORK = {  # operations and bytes, two bytes for each number read or written
    "adding two vectors": (1, 6),
    "4,096 x 4,096 matrix times a vector": (2 * 4096**2, 2 * (4096**2 + 2 * 4096)),
    "times 16 vectors": (2 * 16 * 4096**2, 2 * (4096**2 + 2 * 16 * 4096)),
    "times 4,096 vectors": (2 * 4096**3, 2 * 3 * 4096**2),
}


def data() -> Data:
    intensity = [done / moved for done, moved in WORK.values()]
    return rounded(
        {
            "flops": [FLOPS],
            "bandwidth": [BANDWIDTH],
            "ridge": [FLOPS / BANDWIDTH],
            "names": list(WORK),
            "intensity": intensity,
            "attainable": [min(FLOPS, BANDWIDTH * one) for one in intensity],
        }
    )


def draw(data: Data, folder: str | None = None) -> None:
    figure = start(8, 3.5)
    axes = figure.add_subplot()
    flops, bandwidth, ridge = (data[key][0] for key in ("flops", "bandwidth", "ridge"))
    axes.plot([0.05, ridge], [0.05 * bandwidth / 1e12, flops / 1e12], color=BLUE)
    axes.plot([ridge, 1e4], [flops / 1e12] * 2, color=BLUE)
    axes.plot([ridge] * 2, [0.1, flops / 1e12], color=GRAY, linewidth=1, linestyle="--")
    axes.text(ridge * 1.1, 0.16, f"ridge: {ridge:.0f} operations per byte")
    axes.text(2e3, flops / 1e12 * 1.25, f"{flops / 1e12:.0f} TFLOP/s", ha="center")
    axes.text(0.35, 1.35, f"slope: {bandwidth / 1e12:.1f} TB/s", ha="right")
    for name, x, y in zip(data["names"], data["intensity"], data["attainable"], strict=True):
        axes.plot(x, y / 1e12, "o", color=ORANGE)
        low = y == flops
        place = (0, -14) if low else (8, -4)
        side = "center" if low else "left"
        axes.annotate(name, (x, y / 1e12), place, textcoords="offset points", ha=side)
    axes.set(xscale="log", yscale="log", xlim=(0.05, 1e4), ylim=(0.1, 1e3))
    axes.set(xlabel="operations per byte moved", ylabel="attainable TFLOP/s")
    save(figure, __file__, data, folder)


if __name__ == "__main__":
    draw(data())
