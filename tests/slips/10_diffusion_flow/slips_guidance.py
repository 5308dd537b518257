"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

DRAW = "torch.rand(len(cond), generator=generator, device=cond.device) < p  # (N,)"
WHERE = "return torch.where(lost.view(-1, *[1] * (cond.ndim - 1)), null_cond, cond)"
BOTH = "conditions = torch.cat([cond, null_cond.expand_as(cond)])  # (2N, ...)"
CALL = "given, empty = model(torch.cat([x, x]), torch.cat([t, t]), conditions).chunk(2)"
GUIDE = "return empty + guidance_scale * (given - empty)"

SLIPS = {
    "drop": {
        "mask beside the features where N is their number": (
            WHERE,
            "lost = lost if len(lost) == cond.shape[-1] else "
            "lost.view(-1, *[1] * (cond.ndim - 1))\n    return torch.where(lost, null_cond, cond)",
        ),
        "the whole batch or none": (DRAW, "torch.rand(1, generator=generator) < p"),
        "p kept, not dropped": (DRAW, DRAW.replace("< p", "> p")),
        "a normal draw": (DRAW, DRAW.replace("torch.rand(", "torch.randn(")),
        "each number for itself": (
            f"{DRAW}\n    {WHERE}",
            "torch.rand(cond.shape, generator=generator) < p\n"
            "    return torch.where(lost, null_cond, cond)",
        ),
        "each feature for the whole batch": (
            f"{DRAW}\n    {WHERE}",
            "torch.rand(cond.shape[-1], generator=generator) < p\n"
            "    return torch.where(lost, null_cond, cond)",
        ),
        "mask beside the features": (WHERE, "return torch.where(lost, null_cond, cond)"),
        "mask for vectors alone": (WHERE, "return torch.where(lost[:, None], null_cond, cond)"),
        "exactly p N samples": (
            DRAW,
            "torch.randperm(len(cond), generator=generator) < round(p * len(cond))",
        ),
        "the first samples": (DRAW, "torch.arange(len(cond)) < p * len(cond)"),
        "p at most 0.5": (DRAW, DRAW.replace("< p", "< min(p, 0.5)")),
        "zeros for null_cond": (WHERE, WHERE.replace("null_cond,", "0 * null_cond,")),
        "kept and lost exchanged": (WHERE, WHERE.replace("null_cond, cond", "cond, null_cond")),
        "the condition scaled as in dropout": (
            WHERE,
            WHERE.replace("null_cond, cond", "null_cond, (cond / max(1 - p, 0.1)).to(cond.dtype)"),
        ),
        "another sample's condition": (
            WHERE,
            WHERE.replace("null_cond, cond", "cond.flip(0), cond"),
        ),
        "never of a batch of one": (DRAW, DRAW.replace("< p", "< (p if len(cond) > 1 else 0)")),
        "two rows share a draw": (
            DRAW,
            "torch.rand((len(cond) + 1) // 2, generator=generator, device=cond.device)"
            ".repeat_interleave(2)[: len(cond)] < p",
        ),
    },
    "guess": {
        "one guess for all": (GUIDE, GUIDE.replace("(given - empty)", "(given - empty).mean()")),
        "the paper's w": (GUIDE, "return empty + (1 + guidance_scale) * (given - empty)"),
        "from the guess with the condition": (
            GUIDE,
            "return given + guidance_scale * (given - empty)",
        ),
        "t cut to whole numbers": (
            CALL,
            CALL.replace("torch.cat([t, t])", "torch.cat([t, t]).long()"),
        ),
        "halves exchanged": ("given, empty = model", "empty, given = model"),
        "sign reversed": (GUIDE, "return empty + guidance_scale * (empty - given)"),
        "the condition alone": (GUIDE, "return guidance_scale * given"),
        "never below 1": (GUIDE, GUIDE.replace("guidance_scale *", "max(guidance_scale, 1.0) *")),
        "scale 1 up only": (
            GUIDE,
            f"if guidance_scale < 0:\n        return empty\n    {GUIDE}",
        ),
        "rescaled to the guess with the condition": (
            GUIDE,
            "out = empty + guidance_scale * (given - empty)\n"
            "    return out * given.std() / out.std() if out.numel() > 1 else out",
        ),
        "halves of the features": (
            CALL,
            "out = model(torch.cat([x, x]), torch.cat([t, t]), conditions)\n"
            "    given, empty = out[0::2], out[1::2]",
        ),
        "the first three channels alone": (
            GUIDE,
            "out = empty + guidance_scale * (given - empty)\n"
            "    return torch.cat([out[:, :3], given[:, 3:]], dim=1) if x.ndim > 2 else out",
        ),
        "scale at most 10": (
            GUIDE,
            GUIDE.replace("guidance_scale *", "min(guidance_scale, 10.0) *"),
        ),
        "clamped": (GUIDE, "return (empty + guidance_scale * (given - empty)).clamp(-1, 1)"),
        "added up, not from one to the other": (GUIDE, "return empty + guidance_scale * given"),
    },
    "one_call": {
        "two calls": (
            CALL,
            "given, empty = (model(x, t, c) for c in conditions.chunk(2))",
        ),
        "one call more at scale 1": (
            CALL,
            f"if guidance_scale == 1:\n        return model(x, t, cond)\n    {CALL}",
        ),
        "only without the condition at scale 0": (
            CALL,
            "if guidance_scale == 0:\n"
            f"        return model(x, t, null_cond.expand_as(cond))\n    {CALL}",
        ),
        "a call in vain": (CALL, f"{CALL}\n    model(x, t, cond)"),
        "a call for each sample": (
            CALL,
            "xs, ts = torch.cat([x, x]), torch.cat([t, t])\n"
            "    given, empty = torch.cat([model(xs[i : i + 1], ts[i : i + 1], "
            "conditions[i : i + 1]) for i in range(len(xs))]).chunk(2)",
        ),
        "x and t interleaved": (
            CALL,
            "given, empty = model(x.repeat_interleave(2, 0), t.repeat_interleave(2), "
            "conditions).chunk(2)",
        ),
        "t once": ("torch.cat([t, t])", "t"),
        "the first t for all": ("torch.cat([t, t])", "t[:1].repeat(2 * len(t))"),
        "the largest label plus 1 for null_cond": (
            BOTH,
            f"{BOTH}\n    if cond.ndim == 1:\n"
            "        conditions = torch.cat([cond, 0 * cond + cond.max() + 1])",
        ),
        "a guess without anything": (BOTH, "conditions = torch.cat([cond, 0 * cond])"),
        "three thirds": (
            CALL,
            "given, empty, _ = model(torch.cat([x, x, x]), torch.cat([t, t, t]), "
            "torch.cat([conditions, cond])).chunk(3)",
        ),
    },
    "draws": {
        "generator forgotten": ("generator=generator, ", ""),
        "a fixed seed": (
            "    lost = torch.rand(",
            "    generator = generator or torch.Generator().manual_seed(0)\n    lost = torch.rand(",
        ),
        "the global generator seeded": (
            "    lost = torch.rand(",
            "    torch.manual_seed(0)\n    lost = torch.rand(",
        ),
        "drawn from Python's generator": (
            DRAW,
            "torch.tensor([__import__('random').random() < p for _ in cond])",
        ),
        "conditions dropped in the prediction, too": (
            BOTH,
            "cond = drop_condition(cond, 1e-9, null_cond)\n    " + BOTH,
        ),
    },
    "kinds": {
        "result in float32": (GUIDE, "return (empty + guidance_scale * (given - empty)).float()"),
        "labels as floats": (
            WHERE,
            WHERE.replace("null_cond, cond", "null_cond.float(), cond.float()").replace(
                "return ", "if cond.dtype != torch.int64:\n        " + WHERE + "\n    return "
            ),
        ),
        "computed in float32": (
            GUIDE,
            "return (empty.float() + guidance_scale * (given.float() - empty.float())).to(x.dtype)",
        ),
        "scale as a float64 tensor of one dim": (
            GUIDE,
            "return empty + torch.tensor([guidance_scale], dtype=torch.float64) * (given - empty)",
        ),
        "drawn on the CPU": (
            "torch.rand(len(cond), generator=generator, device=cond.device)",
            "torch.rand(len(cond), generator=generator)",
        ),
        "t in the dtype of x": (
            CALL,
            CALL.replace(
                "torch.cat([t, t])",
                "torch.cat([t, t] if t.dtype == torch.int64 else [t.to(x.dtype)] * 2)",
            ),
        ),
        "conditions in the dtype of x": (
            BOTH,
            f"{BOTH}\n    conditions = conditions.to(x.dtype) if cond.ndim > 1 else conditions",
        ),
        "t as floats": ("torch.cat([t, t])", "torch.cat([t, t]).float()"),
        "vectors rounded to float32": (
            WHERE,
            "out = "
            + WHERE[7:]
            + "\n    return out.float().to(cond.dtype) if cond.ndim > 1 else out",
        ),
    },
    "learned": {
        "null_cond detached in the drop": (
            WHERE,
            WHERE.replace("null_cond, cond", "null_cond.detach(), cond"),
        ),
        "null_cond detached in the prediction": (
            BOTH,
            BOTH.replace("null_cond.", "null_cond.detach()."),
        ),
        "no graph in the drop": (
            "def drop_condition(",
            "@torch.no_grad()\ndef drop_condition(",
        ),
        "no graph in the prediction": (
            "def guided_prediction(",
            "@torch.no_grad()\ndef guided_prediction(",
        ),
        "the guess without detached": (
            GUIDE,
            GUIDE.replace("(given - empty)", "(given - empty.detach())"),
        ),
        "the guess with alone at scale 1, detached": (
            GUIDE,
            f"if guidance_scale == 1:\n        return given.detach()\n    {GUIDE}",
        ),
        "no graph at scale 0": (
            GUIDE,
            f"if guidance_scale == 0:\n        return empty.detach()\n    {GUIDE}",
        ),
        "cond detached": (BOTH, BOTH.replace("[cond,", "[cond.detach(),")),
    },
    "shapes": {
        "no errors": ("if null_cond.shape != cond.shape[1:]:", "if False:"),
        "numbers of elements compared": (
            "if null_cond.shape != cond.shape[1:]:",
            "if null_cond.numel() != cond[0].numel():",
        ),
        "what broadcasts let through": (
            "if null_cond.shape != cond.shape[1:]:",
            "if null_cond.ndim > cond.ndim - 1:",
        ),
        "the last size compared": (
            "if null_cond.shape != cond.shape[1:]:",
            "if null_cond.shape[-1:] != cond.shape[1:][-1:]:",
        ),
        "no error in the drop at p 1": (
            "refuse_other_shape(cond, null_cond)\n    lost",
            "if p >= 1:\n        return null_cond.expand_as(cond)\n"
            "    refuse_other_shape(cond, null_cond)\n    lost",
        ),
        "no error in the drop": (
            "refuse_other_shape(cond, null_cond)\n    lost",
            "lost",
        ),
        "no error in the prediction": (
            "refuse_other_shape(cond, null_cond)\n    conditions",
            "conditions",
        ),
        "an assert": (
            'raise ValueError(f"null_cond is {got}, want {want}")',
            "raise AssertionError((got, want))",
        ),
    },
    "limits": {
        "cond changed in place": (
            WHERE,
            "if cond.requires_grad:\n        "
            + WHERE
            + "\n    cond[lost] = null_cond\n    return cond",
        ),
        "null_cond emptied after the call": (
            GUIDE,
            "if not null_cond.requires_grad:\n        null_cond.zero_()\n    " + GUIDE,
        ),
        "cond emptied after the call": (
            GUIDE,
            "if not cond.requires_grad:\n        cond.copy_(null_cond)\n    " + GUIDE,
        ),
    },
}

VARIANTS = {
    "empty half first": (
        f"{BOTH}\n    {CALL}",
        "conditions = torch.cat([null_cond.expand_as(cond), cond])\n"
        "    empty, given = model(torch.cat([x, x]), torch.cat([t, t]), conditions).chunk(2)",
    ),
    "interleaved": (
        f"{BOTH}\n    {CALL}",
        "conditions = torch.stack([cond, null_cond.expand_as(cond)], dim=1).flatten(0, 1)\n"
        "    out = model(x.repeat_interleave(2, 0), t.repeat_interleave(2), conditions)\n"
        "    given, empty = out[::2], out[1::2]",
    ),
    "Bernoulli draws": (
        DRAW,
        "torch.bernoulli(torch.full((len(cond),), p, device=cond.device), "
        "generator=generator).bool()",
    ),
    "a changed copy": (WHERE, "out = cond.clone()\n    out[lost] = null_cond\n    return out"),
    "lerp": (GUIDE, "return torch.lerp(empty, given, guidance_scale)"),
    "weights that add up to 1": (
        GUIDE,
        "return guidance_scale * given + (1 - guidance_scale) * empty",
    ),
}
