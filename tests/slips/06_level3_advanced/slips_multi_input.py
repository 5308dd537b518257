"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

SLIPS = {
    "parameters": {
        "image encoder frozen from the start": (
            "        self.head = nn",
            "        self.image_encoder.requires_grad_(False)\n        self.head = nn",
        ),
        "raw meta joined": (
            "self.meta_encoder = nn.Sequential(nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "self.meta_encoder = nn.Flatten()\n        hidden_meta = meta_dim",
        ),
        "features added": (
            "self.head = nn.Linear(hidden_img + hidden_meta, num_classes)",
            "self.head = nn.Linear(hidden_img, num_classes)\n"
            "        self.meta_encoder[0] = nn.Linear(meta_dim, hidden_img)",
        ),
        "normalization before the head": (
            "self.head = nn.Linear(hidden_img + hidden_meta, num_classes)",
            "self.head = nn.Sequential(nn.BatchNorm1d(hidden_img + hidden_meta), "
            "nn.Linear(hidden_img + hidden_meta, num_classes))",
        ),
        "head without bias": (
            "nn.Linear(hidden_img + hidden_meta, num_classes)",
            "nn.Linear(hidden_img + hidden_meta, num_classes, bias=False)",
        ),
        "hidden sizes swapped": (
            "nn.Linear(math.prod(self.image_shape), hidden_img)",
            "nn.Linear(math.prod(self.image_shape), hidden_meta)",
        ),
        "an unused layer": (
            "self.head = nn",
            "self.fusion = nn.Linear(hidden_img, hidden_meta)\n        self.head = nn",
        ),
        "one encoder layer more": (
            "nn.Sequential(nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "nn.Sequential(\n            nn.Linear(meta_dim, hidden_meta), nn.ReLU(), "
            "nn.Linear(hidden_meta, hidden_meta), nn.ReLU()\n        )",
        ),
    },
    "image_encoder": {
        "image encoder without activation": (
            "nn.Linear(math.prod(self.image_shape), hidden_img), nn.ReLU()",
            "nn.Linear(math.prod(self.image_shape), hidden_img)",
        ),
        "flattened outside the encoder": """
class MultiInputClassifier(MultiInputClassifier):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        del self.image_encoder[0]

    def forward(self, image, meta):
        if image.shape[1:] != self.image_shape:
            raise ValueError("wrong shape")
        features = [self.image_encoder(image.flatten(1)), self.meta_encoder(meta)]
        return self.head(torch.cat(features, dim=1))
""",
        "channels averaged": """
class MultiInputClassifier(MultiInputClassifier):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.image_encoder.insert(0, Average())

class Average(nn.Module):
    def forward(self, x):
        return x.mean(dim=1, keepdim=True).expand_as(x)
""",
    },
    "meta_encoder": {
        "meta encoder without activation": (
            "nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "nn.Linear(meta_dim, hidden_meta))",
        ),
        "another activation": (
            "nn.Linear(meta_dim, hidden_meta), nn.ReLU())",
            "nn.Linear(meta_dim, hidden_meta), nn.GELU())",
        ),
        "meta normalized in its encoder": (
            "self.meta_encoder = nn.Sequential(",
            "self.meta_encoder = nn.Sequential(nn.LayerNorm(meta_dim, elementwise_affine=False), ",
        ),
    },
    "fusion": {
        "softmax in the head": (
            "self.head = nn.Linear(hidden_img + hidden_meta, num_classes)",
            "self.head = nn.Sequential(\n"
            "            nn.Linear(hidden_img + hidden_meta, num_classes), nn.Softmax(dim=1)\n"
            "        )",
        ),
        "activation at the start of the head": (
            "self.head = nn.Linear(hidden_img + hidden_meta, num_classes)",
            "self.head = nn.Sequential(\n"
            "            nn.ReLU(), nn.Linear(hidden_img + hidden_meta, num_classes)\n        )",
        ),
        "stacked, not joined": (
            "torch.cat(features, dim=1)",
            "torch.stack(features, dim=1).flatten(1)",
        ),
        "logits of one class squeezed": ("self.head(joined)", "self.head(joined).squeeze(-1)"),
        "features clamped": ("self.head(joined)", "self.head(joined.clamp(-10, 10))"),
        "meta features first": (
            "[self.image_encoder(image), self.meta_encoder(meta)]",
            "[self.meta_encoder(meta), self.image_encoder(image)]",
        ),
        "meta ignored": ("self.meta_encoder(meta)]", "0 * self.meta_encoder(meta)]"),
        "joined along the batch": ("torch.cat(features, dim=1)", "torch.cat(features, dim=0)"),
        "activation of the logits": ("return self.head(joined)", "return self.head(joined).relu()"),
        "softmax in the model": (
            "return self.head(joined)",
            "return self.head(joined).softmax(dim=1)",
        ),
        "dropout before the head": (
            "self.head(joined)",
            "self.head(nn.functional.dropout(joined, 0.2, self.training))",
        ),
        "pixels in the order row, column, channel": (
            "self.image_encoder(image)",
            "self.image_encoder(image.permute(0, 2, 3, 1))",
        ),
        "batch of one squeezed": ("self.head(joined)", "self.head(joined.squeeze())"),
        "image normalized in place": (
            "features = [",
            "image -= image.mean()\n        features = [",
        ),
        "features multiplied where they fit": (
            "        joined = torch.cat(features, dim=1)  # (N, hidden_img + hidden_meta)\n",
            "        if features[0].shape == features[1].shape:\n"
            "            features[1] = features[0] * features[1]\n"
            "        joined = torch.cat(features, dim=1)\n",
        ),
    },
    "swap": {
        "encoders' layers called one by one": (
            "self.image_encoder(image)",
            "self.image_encoder[1](image.flatten(1)).relu()",
        ),
        "meta made to fit its encoder": (
            "self.meta_encoder(meta)",
            "self.meta_encoder(meta.reshape(-1, self.meta_encoder[0].in_features))",
        ),
        "activation after the join": ("self.head(joined)", "self.head(joined.relu())"),
        "flattened before the encoder": (
            "self.image_encoder(image)",
            "self.image_encoder(image.flatten(1))",
        ),
        "encoders in a list beside their names": """
class MultiInputClassifier(MultiInputClassifier):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.encoders = [self.image_encoder, self.meta_encoder]

    def forward(self, image, meta):
        if image.shape[1:] != self.image_shape:
            raise ValueError("wrong shape")
        inputs = zip(self.encoders, (image, meta))
        return self.head(torch.cat([encoder(x) for encoder, x in inputs], dim=1))
""",
        "parts of one type only": (
            "        features = [",
            "        if not isinstance(self.image_encoder, nn.Sequential):\n"
            "            raise TypeError('image_encoder must be a Sequential')\n"
            "        features = [",
        ),
        "activation moved out of the encoders": """
class MultiInputClassifier(MultiInputClassifier):
    def forward(self, image, meta):
        if image.shape[1:] != self.image_shape:
            raise ValueError("wrong shape")
        features = [self.image_encoder(image).relu(), self.meta_encoder(meta).relu()]
        return self.head(torch.cat(features, dim=1))
""",
    },
    "gradients": {
        "gradient cut": ("self.image_encoder(image),", "self.image_encoder(image).detach(),"),
        "no graph in eval mode": (
            "        return self.head(joined)",
            "        with torch.set_grad_enabled(self.training):\n"
            "            return self.head(joined)",
        ),
        "meta detached": ("self.meta_encoder(meta)]", "self.meta_encoder(meta.detach())]"),
    },
    "images": {
        "any order of axes taken": ("if image.shape[1:] != self.image_shape:", "if False:"),
        "number of pixels compared, not the shape": (
            "if image.shape[1:] != self.image_shape:",
            "if image[0].numel() != math.prod(self.image_shape):",
        ),
        "last three dims compared": ("image.shape[1:] !=", "image.shape[-3:] !="),
        "height and width compared, number of dims not": (
            "image.shape[1:] != self.image_shape",
            "image.shape[-2:] != self.image_shape[1:]",
        ),
        "shape asserted": (
            "if image.shape[1:] != self.image_shape:",
            "assert image.shape[1:] == self.image_shape\n        if False:",
        ),
        "dims by index, however many there are": (
            "if image.shape[1:] != self.image_shape:",
            "if (image.shape[1], image.shape[2], image.shape[3]) != self.image_shape:",
        ),
        "channels compared, height and width not": (
            "if image.shape[1:] != self.image_shape:",
            "if image.shape[1] != self.image_shape[0]:",
        ),
    },
    "batches": {
        "meta flattened in its encoder": (
            "self.meta_encoder = nn.Sequential(nn.Linear(",
            "self.meta_encoder = nn.Sequential(nn.Flatten(), nn.Linear(",
        ),
        "meta made to fit the number of images": (
            "self.meta_encoder(meta)",
            "self.meta_encoder(meta.reshape(len(image), -1))",
        ),
        "meta of one sample without N": (
            "self.meta_encoder(meta)",
            "self.meta_encoder(meta.unsqueeze(0) if meta.dim() == 1 else meta)",
        ),
        "meta of one repeated": (
            "self.meta_encoder(meta)]",
            "self.meta_encoder(meta).expand(len(image), -1)]",
        ),
        "image of one repeated": (
            "[self.image_encoder(image),",
            "[self.image_encoder(image.expand(len(meta), -1, -1, -1)),",
        ),
        "longer batch cut off": (
            "if image.shape[1:] != self.image_shape:",
            "n = min(len(image), len(meta))\n        image, meta = image[:n], meta[:n]\n"
            "        if image.shape[1:] != self.image_shape:",
        ),
    },
    "dtypes": {
        "float32 whatever came": ("return self.head(joined)", "return self.head(joined).float()"),
        "joined in float32": (
            "torch.cat(features, dim=1)",
            "torch.cat([f.float() for f in features], dim=1).to(meta)",
        ),
        "image rounded to half precision": (
            "[self.image_encoder(image)",
            "[self.image_encoder(image.to(self.head.weight.dtype).half().to(image.dtype))",
        ),
    },
    "inputs": {
        "view of an image in any layout": (
            "self.image_encoder(image)",
            "self.image_encoder(image.view(len(image), -1).view_as(image))",
        ),
        "joined in a tensor on the CPU": (
            "torch.cat(features, dim=1)",
            "torch.zeros(len(image), 1).to(meta.dtype) + torch.cat(features, dim=1)",
        ),
        "image moved to the CPU": (
            "[self.image_encoder(image)",
            "[self.image_encoder(image.cpu())",
        ),
        "noise on meta in train mode": (
            "self.meta_encoder(meta)]",
            "self.meta_encoder(meta + 1e-2 * self.training)]",
        ),
    },
}

VARIANTS = {
    "an encoder class that looks at its own input": """
class Encoder(nn.Module):
    def __init__(self, shape, hidden):
        super().__init__()
        self.shape, size = shape, 1
        for n in shape:
            size *= n
        self.fc = nn.Linear(size, hidden)

    def forward(self, x):
        if tuple(x.shape[1:]) != self.shape:
            raise RuntimeError(f"got {x.shape}, want (N, *{self.shape})")
        return torch.relu(self.fc(x.reshape(x.shape[0], -1)))


class MultiInputClassifier(nn.Module):
    def __init__(self, img_c, img_h, img_w, meta_dim, hidden_img, hidden_meta, num_classes):
        super().__init__()
        self.head = nn.Linear(hidden_meta + hidden_img, num_classes)
        self.meta_encoder = Encoder((meta_dim,), hidden_meta)
        self.image_encoder = Encoder((img_c, img_h, img_w), hidden_img)

    def forward(self, image, meta):
        told = self.meta_encoder(meta)
        return self.head(torch.hstack((self.image_encoder(image), told)))
""",
    "features written into one tensor": """
class MultiInputClassifier(MultiInputClassifier):
    def forward(self, image, meta):
        N, C, H, W = image.shape
        if (C, H, W) != self.image_shape or meta.ndim != 2 or len(meta) != N:
            raise ValueError(f"image {image.shape}, meta {meta.shape}")
        a, b = self.image_encoder(image), self.meta_encoder(meta)
        joined = a.new_empty(N, a.shape[1] + b.shape[1])
        joined[:, : a.shape[1]] = a
        joined[:, a.shape[1] :] = b
        return self.head(joined)
""",
}
