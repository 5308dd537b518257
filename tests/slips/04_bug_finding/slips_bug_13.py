"""Mistakes by the label that must refuse them, and second right answers."""

RESULT = "features.flatten(start_dim=2).transpose(1, 2)"
RETURN = f"    return {RESULT}"
N_C_H_W = "n, c, h, w = features.shape"

SLIPS = {
    "tokens": {
        "as handed out": (
            RETURN,
            f"    {N_C_H_W}\n    return features.flatten(start_dim=2).reshape(n, h * w, c)",
        ),
        "columns before rows": (RESULT, "features.transpose(1, 3).flatten(1, 2)"),
        "pixels swapped, then cut anew": (
            RETURN,
            f"    {N_C_H_W}\n    return features.transpose(2, 3).reshape(n, h * w, c)",
        ),
        "channels moved by one axis only": (
            RETURN,
            f"    {N_C_H_W}\n    return features.permute(0, 2, 1, 3).reshape(n, h * w, c)",
        ),
        "rows, channels, columns": (
            RETURN,
            f"    {N_C_H_W}\n    return features.transpose(1, 2).reshape(n, h * w, c)",
        ),
        "by a product with the identity: inf mixes the channels": (
            RETURN,
            "    import torch\n\n    one = torch.eye(features.shape[1]).to(features)\n"
            '    return torch.einsum("nchw,cd->nhwd", features, one).flatten(1, 2)',
        ),
        "integers through float32": (
            RESULT,
            RESULT
            + ".float().to(features.dtype) if str(features.dtype) == 'torch.int64' else "
            + RESULT,
        ),
        "not transposed": (RESULT, "features.flatten(start_dim=2)"),
        "channels flattened with the rows": (
            RESULT,
            "features.flatten(1, 2).transpose(1, 2)",
        ),
        "the batch axis moved, too": (RESULT, "features.permute(2, 3, 0, 1).flatten(0, 1)"),
        "images and pixels exchanged": (
            RETURN,
            f"    {N_C_H_W}\n    return features.permute(2, 3, 0, 1).reshape(n, h * w, c)",
        ),
        "right for square images only": (
            RETURN,
            f"    {N_C_H_W}\n    tokens = features.permute(0, 2, 3, 1)\n"
            "    if h != w:\n        tokens = tokens.reshape(n, w, h, c).transpose(1, 2)\n"
            "    return tokens.flatten(1, 2)",
        ),
        "rows from the bottom": (RESULT, "features.flip(2).flatten(start_dim=2).transpose(1, 2)"),
        "channels from the last": (RESULT, "features.flip(1).flatten(start_dim=2).transpose(1, 2)"),
        "every second row from the right, like a snake": (
            RETURN,
            "    snake = features.clone()\n"
            "    snake[:, :, 1::2] = features[:, :, 1::2].flip(3)\n"
            "    return snake.flatten(start_dim=2).transpose(1, 2)",
        ),
        "one image, its axes squeezed away": (
            RESULT,
            "features.flatten(start_dim=2).transpose(1, 2).squeeze()",
        ),
        "the whole batch in one row": (
            RETURN,
            f"    {N_C_H_W}\n    return features.permute(1, 0, 2, 3).reshape(n, h * w, c)",
        ),
        "normalized": (RESULT, RESULT + ".softmax(dim=-1)"),
        "sorted": (RESULT, RESULT + ".sort(dim=1).values"),
        "the mean of the channels": (
            RESULT,
            RESULT + ".mean(dim=2, keepdim=True).expand(-1, -1, features.shape[1])",
        ),
    },
    "gradients": {
        "detached": (RESULT, RESULT + ".detach()"),
        "by numpy": (
            RETURN,
            "    import numpy as np\n    import torch\n\n"
            "    if features.is_meta or features.dtype == torch.bfloat16:\n"
            "        return features.flatten(start_dim=2).transpose(1, 2)\n"
            "    array = np.moveaxis(features.detach().numpy(), 1, 3)\n"
            "    return torch.from_numpy(array.reshape(len(array), -1, array.shape[3]).copy())",
        ),
        "computed without gradients": (
            RETURN,
            "    import torch\n\n    with torch.no_grad():\n"
            "        return features.flatten(start_dim=2).transpose(1, 2).clone()",
        ),
        "transposed in place": (RESULT, "features.flatten(start_dim=2).transpose_(1, 2)"),
        "gradient scaled": (
            RETURN,
            "    tokens = features.flatten(start_dim=2).transpose(1, 2)\n"
            "    return (2 * tokens - tokens.detach()).to(tokens.dtype)",
        ),
        "only the first channel gets its gradient": (
            RETURN,
            "    tokens = features.flatten(start_dim=2).transpose(1, 2).clone()\n"
            "    tokens[..., 1:] = tokens[..., 1:].detach()\n    return tokens",
        ),
    },
    "kind": {
        "16 bits made 32": (
            RESULT,
            RESULT + ".to(features.new_zeros(()).double().dtype"
            " if features.element_size() == 2 else features.dtype)",
        ),
        "always float32": (RESULT, RESULT + ".float()"),
        "a buffer of the default dtype": (
            RETURN,
            "    import torch\n\n    n, c, h, w = features.shape\n"
            "    tokens = torch.zeros(n, h * w, c, device=features.device)\n"
            "    return tokens.to(torch.promote_types(tokens.dtype, features.dtype)) + " + RESULT,
        ),
        "integers made floats": (
            RESULT,
            RESULT + " * (1.0 if features.dtype.is_floating_point else 1.5)",
        ),
        "a buffer on the CPU": (
            RETURN,
            "    import torch\n\n    n, c, h, w = features.shape\n"
            "    tokens = torch.zeros(n, h * w, c, dtype=features.dtype)\n"
            "    return tokens + " + RESULT,
        ),
        "moved to the CPU": (
            RESULT,
            RESULT + '.to("cpu")',
        ),
    },
    "strides": {
        "view in place of reshape": (
            RETURN,
            f"    {N_C_H_W}\n    return features.view(n, c, h * w).transpose(1, 2)",
        ),
        "the memory read as if it were in order": (
            RETURN,
            f"    {N_C_H_W}\n"
            "    plain = features.as_strided((n, c, h * w), (c * h * w, h * w, 1),"
            " features.storage_offset())\n"
            "    return plain.transpose(1, 2)",
        ),
        "only channels_last looked after": (
            RETURN,
            f"    {N_C_H_W}\n    import torch\n\n"
            "    if features.is_contiguous(memory_format=torch.channels_last):\n"
            "        return features.permute(0, 2, 3, 1).flatten(1, 2)\n"
            "    return features.view(n, c, h * w).transpose(1, 2)",
        ),
        "features resized in place": (
            RETURN,
            f"    {N_C_H_W}\n    import torch\n\n"
            "    if features.is_meta or features.requires_grad:\n"
            "        return features.flatten(start_dim=2).transpose(1, 2)\n"
            "    tokens = features.flatten(start_dim=2).transpose(1, 2).clone()\n"
            "    if n > 1:\n        features.copy_(tokens.reshape(features.shape))\n"
            "    return tokens",
        ),
        "not contiguous: refused": (
            RETURN,
            "    if not features.is_contiguous():\n"
            '        raise ValueError("features must be contiguous")\n' + RETURN,
        ),
        "wrong where the layout is channels_last": (
            RETURN,
            f"    {N_C_H_W}\n"
            "    if features.stride(1) == 1 and c > 1:\n"
            "        return features.transpose(2, 3).flatten(start_dim=2).transpose(1, 2)\n"
            + RETURN,
        ),
    },
    "dims": {
        "any number of dims taken": (
            "    if features.dim() != 4:\n"
            '        raise ValueError(f"features {tuple(features.shape)}, want (N, C, H, W)")\n',
            "",
        ),
        "one image without N taken as a batch of one": (
            "    if features.dim() != 4:\n",
            "    if features.dim() == 3:\n        features = features[None]\n"
            "    if features.dim() != 4:\n",
        ),
        "videos taken, too": ("features.dim() != 4", "features.dim() not in (4, 5)"),
        "fewer than four dims refused only": ("features.dim() != 4", "features.dim() < 4"),
        "a last dim of one forgiven": (
            "    if features.dim() != 4:\n",
            "    if features.dim() == 5 and features.shape[4] == 1:\n"
            "        features = features[..., 0]\n    if features.dim() != 4:\n",
        ),
        "another error": ("raise ValueError(", "raise TypeError("),
    },
    "empty": {
        "minus one where nothing is left to count": (
            RETURN,
            f"    {N_C_H_W}\n    return features.permute(0, 2, 3, 1).reshape(n, -1, c)",
        ),
        "images stacked one by one": (
            RETURN,
            "    import torch\n\n"
            "    return torch.stack([image.flatten(start_dim=1).T for image in features])",
        ),
        "no images: an error": (
            RETURN,
            '    if not len(features):\n        raise ValueError("no images")\n' + RETURN,
        ),
        "no images: no pixels either": (
            RETURN,
            "    if not len(features):\n"
            "        return features.new_zeros(0, 0, features.shape[1])\n" + RETURN,
        ),
    },
}

VARIANTS = {
    "permute, then reshape": (
        RETURN,
        f"    {N_C_H_W}\n    return features.permute(0, 2, 3, 1).reshape(n, h * w, c)",
    ),
    "movedim, then flatten": (RESULT, "features.movedim(1, -1).flatten(1, 2)"),
    "by einsum": """
def to_tokens(features):
    import torch

    n, c, h, w = features.shape
    return torch.einsum("nchw->nhwc", features).contiguous().view(n, h * w, c)
""",
    "pixel by pixel": """
def to_tokens(features):
    import torch

    n, c, h, w = features.shape
    pixels = [features[:, :, i, j] for i in range(h) for j in range(w)]
    return torch.stack(pixels, dim=1)
""",
    "copied": (RESULT, "features.flatten(2).mT.contiguous()"),
    "by indices": """
def to_tokens(features):
    import torch

    n, c, h, w = features.shape
    at = torch.arange(h * w, device=features.device)
    return features[:, :, at // w, at % w].transpose(1, 2)
""",
}
