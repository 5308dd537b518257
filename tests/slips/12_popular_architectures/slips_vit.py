"""Mistakes by the label that must refuse them, and second right answers.

An edit is (text in the solution, text in its place), or Python text that defines names anew.
"""

PROJ = "nn.Conv2d(in_channels, embed_dim, patch_size, stride=patch_size)"
OUT = "self.proj(x).flatten(2).mT"
IN = "torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed"
LAST = "self.head(self.norm(x[:, 0]))"
POS = "nn.Parameter(0.02 * torch.randn(1, tokens, embed_dim))"
LOOP = "        for block in self.blocks:\n            x = block(x)  # (B, 1 + num_patches, D)\n"
BATCH = "                batch_first=True,\n"
SIDES = "height != self.img_size or width != self.img_size"
FORWARD = "        x = self.patch_embed(x)  # (B, num_patches, D)\n"
NORM = "self.norm = nn.LayerNorm(embed_dim, eps=1e-6)"
HEAD = "self.head = nn.Linear(embed_dim, num_classes)"
CHECK = "        if img_size % patch_size:\n"
LINEAR = """
class PatchEmbedding(nn.Module):
    def __init__(self, img_size: int, patch_size: int, in_channels: int, embed_dim: int) -> None:
        super().__init__()
        if img_size % patch_size:
            raise ValueError("sizes")
        self.p, self.n = patch_size, img_size // patch_size
        self.num_patches = self.n**2
        self.proj = nn.Linear(in_channels * patch_size**2, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        if H != self.n * self.p or W != self.n * self.p:
            raise ValueError("sizes")
        x = x.reshape(B, C, self.n, self.p, self.n, self.p)
        return self.proj(x.permute(0, 2, 4, 1, 3, 5).reshape(B, self.num_patches, -1))
"""

SLIPS = {
    "patches": {
        "patches column by column": (OUT, "self.proj(x).mT.flatten(2).mT"),
        "view instead of a transpose": (OUT, "self.proj(x).reshape(len(x), self.num_patches, -1)"),
        "tokens last": (OUT, "self.proj(x).flatten(2)"),
        "no bias": (PROJ, PROJ[:-1] + ", bias=False)"),
        "overlapping patches": (
            PROJ,
            "nn.Conv2d(in_channels, embed_dim, 2 * patch_size - 1, patch_size, patch_size // 2)",
        ),
        "patches of the flat image": LINEAR.replace(
            "self.proj(x.permute(0, 2, 4, 1, 3, 5).reshape(B, self.num_patches, -1))",
            "self.proj(x.reshape(B, self.num_patches, -1))",
        ),
        "channels mixed with places": LINEAR.replace("0, 2, 4, 1, 3, 5", "0, 1, 2, 4, 3, 5"),
        "rows of the grid and of the patch swapped": LINEAR.replace(
            "0, 2, 4, 1, 3, 5", "0, 3, 5, 1, 2, 4"
        ),
        "ReLU on the tokens": (OUT, OUT + ".relu()"),
        "pixels scaled by 255": ("self.proj(x)", "self.proj(x / 255)"),
        "patches of the first image only": (
            OUT,
            "self.proj(x[:1]).flatten(2).mT.repeat(len(x), 1, 1)",
        ),
        "the last patch repeats the first": (
            f"return {OUT}",
            f"out = {OUT}\n        return torch.cat([out[:, :-1], out[:, :1]], 1)",
        ),
        "positions within the patch embedding": (
            f"return {OUT}",
            f"out = {OUT}\n        return out + torch.arange(out.shape[1]).to(out)[:, None] / 100",
        ),
        "squeezed at one patch": (OUT, "self.proj(x).flatten(2).mT.squeeze(1)"),
        "number of patches as a tensor": (
            "(img_size // patch_size) ** 2",
            "torch.tensor((img_size // patch_size) ** 2)",
        ),
    },
    "parts": {
        "hidden size rounded up": (
            "int(embed_dim * mlp_ratio)",
            "-int(-embed_dim * mlp_ratio // 1)",
        ),
        "hidden size fixed at 4 D": ("int(embed_dim * mlp_ratio)", "4 * embed_dim"),
        "mlp_ratio 2 by default": ("mlp_ratio: float = 4.0", "mlp_ratio: float = 2.0"),
        "blocks in a plain list": ("nn.ModuleList(", "list("),
        "one block for all depths": (
            f"        {NORM}\n",
            f"        self.blocks = nn.ModuleList([self.blocks[0]] * depth)\n        {NORM}\n",
        ),
        "one block too many": ("range(depth)", "range(depth + 1)"),
        "positions as a buffer": (
            f"self.pos_embed = {POS}",
            'self.register_buffer("pos_embed", 0.02 * torch.randn(1, tokens, embed_dim))',
        ),
        "positions frozen": (
            POS,
            "nn.Parameter(0.02 * torch.randn(1, tokens, embed_dim), requires_grad=False)",
        ),
        "class token of shape (D,)": (
            "nn.Parameter(torch.zeros(1, 1, embed_dim))",
            "nn.Parameter(torch.zeros(embed_dim))",
        ),
        "head without bias": ("embed_dim, num_classes)", "embed_dim, num_classes, bias=False)"),
        "a second norm before the blocks": (
            f"        {NORM}\n",
            f"        {NORM}\n        self.norm_pre = nn.LayerNorm(embed_dim)\n",
        ),
    },
    "tokens": {
        "class token without position": (
            IN,
            "torch.cat([self.cls_token.expand(len(x), -1, -1), x + self.pos_embed[:, 1:]], dim=1)",
        ),
        "class token last": (
            IN,
            "torch.cat([x, self.cls_token.expand(len(x), -1, -1)], dim=1) + self.pos_embed",
        ),
        "no positions": (IN, IN.removesuffix(" + self.pos_embed")),
        "no class token, the mean of the patches": (
            IN,
            "torch.cat([x.mean(1, keepdim=True), x], dim=1) + self.pos_embed",
        ),
        "a class token for a batch of one": (
            IN,
            "torch.cat([self.cls_token, x], 1) + self.pos_embed",
        ),
        "dropout behind the positions": (IN, f"nn.functional.dropout({IN}, 0.1, self.training)"),
    },
    "blocks": {
        "norm last": ("                norm_first=True,\n", ""),
        "ReLU": ('activation="gelu"', 'activation="relu"'),
        "GELU by tanh": (
            'activation="gelu"',
            'activation=lambda x: nn.functional.gelu(x, approximate="tanh")',
        ),
        "dropout of 0.1": ("dropout=0.0,\n", ""),
        "the batch as the sequence": (BATCH, ""),
        "eps of the blocks 1e-5": ("                layer_norm_eps=1e-6,\n", ""),
        "eps of the last norm 1e-5": (NORM, "self.norm = nn.LayerNorm(embed_dim)"),
        "one head": ("                num_heads,\n", "                1,\n"),
        "heads of 4 numbers": ("                num_heads,\n", "                embed_dim // 4,\n"),
        "a causal mask": (
            "x = block(x)",
            "x = block(x, torch.ones(x.shape[1], x.shape[1]).triu(1).bool())",
        ),
    },
    "head": {
        "mean instead of the class token": (LAST, "self.head(self.norm(x).mean(1))"),
        "torch's eps in the last norm by F.layer_norm": (
            LAST,
            "self.head(nn.functional.layer_norm(x[:, 0], (x.shape[2],), self.norm.weight,"
            " self.norm.bias))",
        ),
        "no final norm": (LAST, "self.head(x[:, 0])"),
        "last token": (LAST, "self.head(self.norm(x[:, -1]))"),
        "softmax in the model": (LAST, LAST + ".softmax(-1)"),
        "squeezed for one image": (LAST, LAST + ".squeeze(0)"),
        "squeezed for one class": (LAST, LAST + ".squeeze(-1)"),
        "blocks in reverse": ("in self.blocks:", "in reversed(self.blocks):"),
        "the last block left out": ("in self.blocks:", "in self.blocks[:-1]:"),
        "blocks left out by chance in training": (
            LOOP,
            LOOP.replace(
                "            x",
                "            if not self.training or torch.rand(()) > 0.1:\n" + 16 * " " + "x",
            ),
        ),
        "the first block as often as there are blocks": (
            "in self.blocks:",
            "in [self.blocks[0]] * len(self.blocks):",
        ),
        "dropout on the class token": (
            LAST,
            "self.head(nn.functional.dropout(self.norm(x[:, 0]), 0.1, self.training))",
        ),
        "a residual around each block": ("x = block(x)", "x = x + block(x)"),
        "tokens shrink between blocks": (
            "x = block(x)",
            "x = block(x * (1 if block is self.blocks[0] else 0.99))",
        ),
    },
    "start": {
        "positions of zeros": (POS, "nn.Parameter(torch.zeros(1, tokens, embed_dim))"),
        "positions from N(0, 1)": (POS, POS.replace("0.02 * ", "")),
        "Xavier's size for positions": (
            POS,
            "nn.Parameter(nn.init.xavier_normal_(torch.empty(1, tokens, embed_dim)))",
        ),
        "positions alike": (
            POS,
            "nn.Parameter(0.02 * torch.randn(1, 1, embed_dim).repeat(1, tokens, 1))",
        ),
        "uniform from 0 on": (POS, "nn.Parameter(0.02 * torch.rand(1, tokens, embed_dim))"),
        "the same numbers in each model": (
            POS,
            POS.replace("embed_dim))", "embed_dim, generator=torch.Generator().manual_seed(0)))"),
        ),
        "class position of zeros": (
            f"        {NORM}\n",
            f"        {NORM}\n        self.pos_embed.data[:, 0] = 0\n",
        ),
    },
    "errors": {
        "a rest of pixels cut off": (CHECK, "        if img_size < patch_size:\n"),
        "larger patches than the image": (
            CHECK,
            "        if img_size > patch_size > 0 != img_size % patch_size:\n",
        ),
        "any size of images": (SIDES, "False"),
        "area instead of sides": (SIDES, "height * width != self.img_size**2"),
        "height only": (SIDES, "height != self.img_size"),
        "width only": (SIDES, "width != self.img_size"),
        "sizes by an assert": (
            f"        if {SIDES}:\n",
            f"        assert not ({SIDES})\n        if False:\n",
        ),
        "number of patches compared": (
            SIDES,
            "height // self.proj.stride[0] * (width // self.proj.stride[0]) != self.num_patches",
        ),
    },
    "anywhere": {
        "class token made on the CPU": (
            "self.cls_token.expand(len(x), -1, -1)",
            "torch.zeros(len(x), 1, x.shape[-1], dtype=x.dtype) + self.cls_token",
        ),
        "float32 inside": (FORWARD, FORWARD.replace("(x)", "(x.float())")),
        "logits in float32": (LAST, LAST + ".float()"),
        "patches detached": (FORWARD, FORWARD.replace("_embed(x)", "_embed(x).detach()")),
        "positions detached": (IN, IN + ".detach()"),
        "no gradient in eval mode": (
            FORWARD,
            FORWARD + "        x = x if self.training else x.detach()\n",
        ),
        "x clamped in place": (FORWARD, FORWARD.replace("(x)", "(x.clamp_(min=-1))")),
        "x needs to be contiguous": (
            FORWARD,
            FORWARD.replace("(x)", "(x.view(len(x), -1).view(x.shape))"),
        ),
        "result rounded": (LAST, f"({LAST} * 1e6).round() / 1e6"),
    },
}

VARIANTS = {
    "a linear layer over flattened patches": LINEAR,
    "pixels of a patch row by row, channels last": LINEAR.replace(
        "0, 2, 4, 1, 3, 5", "0, 2, 4, 3, 5, 1"
    ),
    "unfold": (
        LINEAR.replace("        x = x.reshape(B, C, self.n, self.p, self.n, self.p)\n", "").replace(
            "x.permute(0, 2, 4, 1, 3, 5).reshape(B, self.num_patches, -1)",
            "nn.functional.unfold(x, self.p, stride=self.p).mT",
        )
    ),
    "positions truncated": (
        POS,
        "nn.Parameter(torch.nn.init.trunc_normal_(torch.empty(1, tokens, embed_dim), std=0.02))",
    ),
    "each plus its position, then joined; blocks called by keyword; all tokens normed": (
        f"        x = {IN}\n{LOOP}        return {LAST}",
        "        start = self.cls_token + self.pos_embed[:, :1]\n"
        "        x = torch.cat([start.repeat(len(x), 1, 1), x + self.pos_embed[:, 1:]], dim=1)\n"
        "        for i in range(len(self.blocks)):\n"
        "            x = self.blocks[i](src=x)\n"
        "        return self.head(self.norm(x)[:, 0])",
    ),
    "activation as a module or a function": (
        'activation="gelu"',
        "activation=[nn.GELU(), nn.functional.gelu][_ % 2]",
    ),
    "error by the constructor of ViT": (
        "        super().__init__()\n        self.patch_embed",
        "        super().__init__()\n        if img_size % patch_size:\n"
        '            raise ValueError("sizes")\n        self.patch_embed',
    ),
}
