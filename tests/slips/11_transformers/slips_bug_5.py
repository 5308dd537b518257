"""Mistakes by the label that must refuse them, and second right answers."""

OLD = "    old = 0 if cache is None else cache[0].shape[2]\n"
PLACES = "    positions = torch.arange(old, old + x.shape[1], device=x.device)\n"
TURN = "    q, k = attention.rotate(q, positions), attention.rotate(k, positions)\n"
FROM_0 = "torch.arange(x.shape[1], device=x.device)"
JOIN = (
    "    if cache is not None:\n"
    "        k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)\n"
)
MAY = "    may = torch.ones(new, total, dtype=torch.bool, device=x.device).tril(total - new)\n"
MIXED = "    mixed = F.scaled_dot_product_attention(q, k, v, may)  # (B, H, N, d)\n"
RETURN = "    return attention.W_o(mixed.transpose(1, 2).flatten(2)), (k, v)\n"
PROJECT = (
    "    q, k, v = (attention.heads(W(x)) for W in (attention.W_q, attention.W_k, attention.W_v))\n"
)

AGAIN = """
def decode_step(attention, x, cache=None):
    old = 0 if cache is None else cache[0].shape[2]
    {store}
    q, k, v = (attention.heads(W(text)) for W in (attention.W_q, attention.W_k, attention.W_v))
    positions = torch.arange(text.shape[1], device=x.device)
    q, k = attention.rotate(q, positions), attention.rotate(k, positions)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    out = attention.W_o(mixed.transpose(1, 2).flatten(2))
    return out[:, old:], {cache}
"""

SLIPS = {
    "whole": {
        "no rotation at all": (TURN, ""),
        "every position 0": (PLACES, "    positions = 0 * torch.arange(x.shape[1]).to(x.device)\n"),
        "the values rotated, too": (TURN, TURN + "    v = attention.rotate(v, positions)\n"),
        "the queries alone rotated": (TURN, "    q = attention.rotate(q, positions)\n"),
        "the keys alone rotated": (TURN, "    k = attention.rotate(k, positions)\n"),
        "backwards": (PLACES, PLACES.replace("torch.arange", "-torch.arange")),
        "positions of twice the size": (PLACES, PLACES.replace("torch.arange", "2 * torch.arange")),
        "a rotation before the heads": (
            PROJECT + OLD + PLACES + TURN,
            OLD + PLACES + "    q, k = (attention.heads(attention.rotate(W(x), positions))"
            " for W in (attention.W_q, attention.W_k))\n"
            "    v = attention.heads(attention.W_v(x))\n",
        ),
        "old tokens alone are seen": (
            MAY,
            MAY.replace("total - new", "total - new - 1") + "    may[:, :1] = True\n",
        ),
        "a window of the last four tokens": (MAY, MAY + "    may = may.triu(total - new - 3)\n"),
        "the output not projected": (RETURN, RETURN.replace("attention.W_o(", "(")),
        "another scale": (MIXED, MIXED.replace("may)", "may, scale=0.5)")),
        "a fresh start after 16 tokens": (PLACES, PLACES + "    positions = positions % 16\n"),
    },
    "pieces": {
        "as handed out": (OLD + PLACES, f"    positions = {FROM_0}\n"),
        "one token alone counts on": (
            PLACES,
            "    old = old if x.shape[1] == 1 else 0\n" + PLACES,
        ),
        "several tokens alone count on": (
            PLACES,
            "    old = old if x.shape[1] > 1 else 0\n" + PLACES,
        ),
        "all new tokens at one position": (
            PLACES,
            f"    positions = {FROM_0} if cache is None else torch.full((x.shape[1],), old)\n",
        ),
        "the queries alone count on": (
            TURN,
            f"    q, k = attention.rotate(q, positions), attention.rotate(k, {FROM_0})\n",
        ),
        "the keys alone count on": (
            TURN,
            f"    q, k = attention.rotate(q, {FROM_0}), attention.rotate(k, positions)\n",
        ),
        "counted on in train mode alone": (
            OLD,
            OLD.replace("cache is None", "cache is None or not attention.training"),
        ),
        "one too few": (OLD, OLD.replace("shape[2]", "shape[2] - 1")),
        "one too many": (OLD, OLD.replace("shape[2]", "shape[2] + 1")),
        "the number of heads": (OLD, OLD.replace("shape[2]", "shape[1]")),
        "the batch": (OLD, OLD.replace("shape[2]", "shape[0]")),
        "the features": (OLD, OLD.replace("shape[2]", "shape[3]")),
        "new tokens instead of old ones": (OLD, OLD.replace("cache[0].shape[2]", "x.shape[1]")),
        "counted up to 256": (OLD, OLD + "    old = min(old, 256)\n"),
        "no further than 4": (OLD, OLD + "    old = min(old, 4)\n"),
        "positions of whole calls": (
            PLACES,
            PLACES.replace("old, old + x.shape[1]", "old // 2, old // 2 + x.shape[1]"),
        ),
        "the cache's keys rotated again": (
            JOIN,
            JOIN + "    if cache is not None:\n"
            "        again = 0.1 * torch.arange(total_ := k.shape[2], device=x.device)\n"
            "        k = attention.rotate(k, again[:total_])\n",
        ),
        "new tokens alone attended": (
            MIXED,
            "    last = slice(total - new, total)\n"
            "    mixed = F.scaled_dot_product_attention(\n"
            "        q, k[:, :, last], v[:, :, last], is_causal=True)\n",
        ),
        "the triangle at the wrong corner": (MAY, MAY.replace("tril(total - new)", "tril()")),
        "the cache unseen by several new tokens": (
            MIXED,
            "    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=new > 1)\n",
        ),
        "no mask where there is a cache": (
            MIXED,
            MIXED.replace("may)", "may if cache is None else None)"),
        ),
        "the new keys in front": (
            JOIN,
            JOIN.replace("[cache[0], k]", "[k, cache[0]]").replace(
                "[cache[1], v]", "[v, cache[1]]"
            ),
        ),
        "the values in front": (JOIN, JOIN.replace("[cache[1], v]", "[v, cache[1]]")),
    },
    "cache": {
        "all of the text kept and read again": AGAIN.format(
            store="text = x if cache is None else torch.cat([cache[0].flatten(1, 1)"
            ".transpose(1, 2).flatten(2), x], 1)",
            cache="(attention.heads(text), attention.heads(text))",
        ),
        "the tokens in place of the keys": AGAIN.format(
            store="text = x if cache is None else torch.cat([cache[0], x], 1)\n"
            "    old = text.shape[1] - x.shape[1]",
            cache="(text, text)",
        ),
        "each projection called twice": (PROJECT, PROJECT + PROJECT),
        "keys made anew, where they are needed": (
            PROJECT,
            PROJECT + "    attention.W_k(x if cache is None else x.repeat(1, 2, 1))\n",
        ),
        "the old tokens' outputs projected again": (
            RETURN,
            "    every = F.pad(mixed, (0, 0, total - new, 0)).transpose(1, 2).flatten(2)\n"
            "    return attention.W_o(every)[:, total - new :], (k, v)\n",
        ),
        "the values rounded": (RETURN, RETURN.replace("(k, v)", "(k, v + 1e-7)")),
    },
    "branches": {
        "positions kept in attention": (
            OLD,
            "    if cache is None:\n        attention.at = 0\n"
            "    old, attention.at = attention.at, attention.at + x.shape[1]\n",
        ),
        "the cache kept in attention": (
            JOIN,
            "    if cache is not None:\n"
            "        cache = attention.kept\n"
            + JOIN.partition("\n")[2]
            + "    attention.kept = k, v\n",
        ),
        "the old values zeroed in place": (
            RETURN,
            "    if cache is not None:\n        cache[1].detach().zero_()\n" + RETURN,
        ),
        "attention left in eval mode": (PROJECT, "    attention.eval()\n" + PROJECT),
        "the new keys left on attention": (RETURN, "    attention.last = k\n" + RETURN),
        "x changed": (RETURN, "    x.detach().mul_(1.001)\n" + RETURN),
        "a weight scaled": (
            RETURN,
            "    attention.W_v.weight.detach().mul_(1 + 1e-7)\n" + RETURN,
        ),
    },
    "exact": {
        "the cache detached": (RETURN, RETURN.replace("(k, v)", "(k.detach(), v.detach())")),
        "the keys detached": (RETURN, RETURN.replace("(k, v)", "(k.detach(), v)")),
        "without gradients where there is a cache": (
            PROJECT,
            "    x = x if cache is None else x.detach()\n" + PROJECT,
        ),
        "a cache in float32": (RETURN, RETURN.replace("(k, v)", "(k.float().to(k), v)")),
        "positions on the CPU": (PLACES, PLACES.replace(", device=x.device", "")),
        "the mask on the CPU": (MAY, MAY.replace(", device=x.device", "")),
        "positions a little off": (PLACES, PLACES + "    positions = positions + 1e-7 * old\n"),
    },
}

VARIANTS = {
    "one projection with all three weights": (
        PROJECT,
        "    weights = attention.W_q.weight, attention.W_k.weight, attention.W_v.weight\n"
        "    q, k, v = (\n"
        "        attention.heads(t) for t in F.linear(x, torch.cat(weights)).chunk(3, dim=-1)\n"
        "    )\n",
    ),
    "the mask from positions, a fill by hand": """
def decode_step(attention, x, cache=None):
    S = cache[0].size(2) if cache else 0
    N = x.size(1)
    place = torch.arange(S + N, device=x.device)
    q = attention.rotate(attention.heads(attention.W_q(x)), place[S:])
    k = attention.rotate(attention.heads(attention.W_k(x)), place[S:])
    v = attention.heads(attention.W_v(x))
    if cache:
        k = torch.cat((cache[0], k), -2)
        v = torch.cat((cache[1], v), -2)
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(place > place[S:, None], float("-inf"))
    out = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
    return attention.W_o(out), (k, v)
""",
    "counted on in place": (
        OLD + PLACES,
        f"    positions = {FROM_0}\n"
        "    if cache is not None:\n        positions += cache[0].size(-2)\n",
    ),
    "the end of a longer range": (
        PLACES,
        "    positions = torch.arange(old + x.shape[1], device=x.device)[old:]\n",
    ),
    "keys kept before the rotation, all rotated anew": """
def decode_step(attention, x, cache=None):
    q, k, v = (attention.heads(W(x)) for W in (attention.W_q, attention.W_k, attention.W_v))
    if cache is not None:
        k, v = (torch.cat(pair, dim=2) for pair in zip(cache, (k, v)))
    places = torch.arange(k.shape[2], device=x.device)
    new = x.shape[1]
    may = places <= places[-new:, None]
    q, turned = attention.rotate(q, places[-new:]), attention.rotate(k, places)
    mixed = F.scaled_dot_product_attention(q, turned, v, attn_mask=may)
    return attention.W_o(mixed.transpose(1, 2).flatten(2)), (k, v)
""",
}
