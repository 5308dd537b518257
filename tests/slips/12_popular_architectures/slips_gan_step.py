"""Mistakes by the label that must refuse them, and second right answers.

The names say the mistake as a teacher would: practice.why shows them. An edit is (text in the
solution, text in its place), or Python text that defines some of the solution's names anew.
"""

HEAD = """
def gan_step(G, D, opt_g, opt_d, real, z):
"""
LOSS_D = "softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()"
LOSS_G = "loss_g = softplus(-D(fake)).mean()"
D_STEP = """    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
"""
G_STEP = """    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
"""
OFF = "    for p in trained:\n        p.requires_grad_(False)\n"
ON = "    for p in trained:\n        p.requires_grad_(True)\n"
TRAINED = "[p for p in D.parameters() if p.requires_grad]"
RETURN = "return loss_d.item(), loss_g.item()"

SLIPS = {
    "losses": {
        "losses in float32": (RETURN, "return loss_d.float().item(), loss_g.float().item()"),
        "labels swapped": (LOSS_D, "softplus(D(real)).mean() + softplus(-D(fake.detach())).mean()"),
        "saturating loss": (LOSS_G, "loss_g = -softplus(D(fake)).mean()"),
        "G helps D": (LOSS_G, "loss_g = softplus(D(fake)).mean()"),
        "half of both means": (LOSS_D, f"({LOSS_D}) / 2"),
        "real ones only": (LOSS_D, "softplus(-D(real)).mean()"),
        "fakes only": (LOSS_D, "softplus(D(fake.detach())).mean()"),
        "sum over the batch": (LOSS_D, LOSS_D.replace("mean", "sum")),
        "labels smoothed": (LOSS_D, LOSS_D.replace("mean() +", "mean() + 0.1 * D(real).mean() +")),
        "Wasserstein": (LOSS_D, "D(fake.detach()).mean() - D(real).mean()"),
        "least squares": (LOSS_D, "((D(real) - 1) ** 2).mean() + (D(fake.detach()) ** 2).mean()"),
        "what D maximizes comes back": (RETURN, "return -loss_d.item(), loss_g.item()"),
        "losses in the other order": (RETURN, "return loss_g.item(), loss_d.item()"),
        "tensors": (RETURN, "return loss_d, loss_g"),
        "tensors without a graph": (RETURN, "return loss_d.detach(), loss_g.detach()"),
        "one sum": (RETURN, "return loss_d.item() + loss_g.item()"),
        "losses rounded": (RETURN, "return round(loss_d.item(), 6), round(loss_g.item(), 6)"),
        "mean of probabilities, then the log": (
            LOSS_D,
            "-D(real).sigmoid().mean().log() + softplus(D(fake.detach())).mean()",
        ),
    },
    "order": {
        "loss of G by the D of before": f"""{HEAD}    fake = G(z)
    loss_d = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
    loss_g = softplus(-D(fake.detach())).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    opt_g.zero_grad()
    softplus(-D(fake)).mean().backward(inputs=[p for p in G.parameters() if p.requires_grad])
    opt_g.step()
    return loss_d.item(), loss_g.item()
""",
        "zeroed after backward": (
            "    opt_d.zero_grad()\n    loss_d.backward()\n",
            "    loss_d.backward()\n    opt_d.zero_grad()\n",
        ),
        "G first": f"""{HEAD}    trained = [p for p in D.parameters() if p.requires_grad]
    for p in trained:
        p.requires_grad_(False)
    loss_g = softplus(-D(G(z))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    for p in trained:
        p.requires_grad_(True)
    loss_d = softplus(-D(real)).mean() + softplus(D(G(z).detach())).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    return loss_d.item(), loss_g.item()
""",
        "new noise for G": (LOSS_G, "loss_g = softplus(-D(G(torch.randn_like(z)))).mean()"),
        "noise reversed for G": (LOSS_G, "loss_g = softplus(-D(G(z.flip(0) + 0.1))).mean()"),
        "two steps of D": (D_STEP, D_STEP + "    opt_d.step()\n"),
        "two steps of G": (G_STEP, G_STEP + "    opt_g.step()\n"),
        "D does not step": (D_STEP, D_STEP.replace("    opt_d.step()\n", "")),
        "D steps again after G": (G_STEP, G_STEP + "    opt_d.step()\n"),
        "one backward of both losses": f"""{HEAD}    fake = G(z)
    loss_d = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
    loss_g = softplus(-D(fake)).mean()
    of_d = torch.autograd.grad(loss_d, [*D.parameters()], retain_graph=True)
    of_g = torch.autograd.grad(loss_g, [*G.parameters()])
    for p, g in zip([*D.parameters(), *G.parameters()], [*of_d, *of_g]):
        p.grad = g
    opt_d.step()
    opt_g.step()
    return loss_d.item(), loss_g.item()
""",
        "an optimizer of its own for D": (
            "    opt_d.step()\n",
            "    lr = opt_d.param_groups[0]['lr']\n"
            "    torch.optim.SGD(D.parameters(), lr).step()\n",
        ),
        "loss of D measured after its step": (
            "    opt_d.step()\n",
            f"    opt_d.step()\n    loss_d = {LOSS_D}\n",
        ),
        "loss of G measured after its step": (
            RETURN,
            "return loss_d.item(), softplus(-D(G(z))).mean().item()",
        ),
    },
    "detached": {
        "fake not detached": (
            f"    loss_d = {LOSS_D}\n    opt_d.zero_grad()\n    loss_d.backward()\n",
            "    loss_d = softplus(-D(real)).mean() + softplus(D(fake)).mean()\n"
            "    opt_d.zero_grad()\n    loss_d.backward()\n    fake = G(z)\n",
        ),
        "graph kept for G": (
            f"    loss_d = {LOSS_D}\n    opt_d.zero_grad()\n    loss_d.backward()\n",
            "    loss_d = softplus(-D(real)).mean() + softplus(D(fake)).mean()\n"
            "    opt_d.zero_grad()\n    loss_d.backward(retain_graph=True)\n",
        ),
        "gradients of G zeroed in place of detaching": (
            f"    loss_d = {LOSS_D}\n    opt_d.zero_grad()\n    loss_d.backward()\n",
            "    loss_d = softplus(-D(real)).mean() + softplus(D(G(z))).mean()\n"
            "    opt_d.zero_grad()\n    loss_d.backward()\n    opt_g.zero_grad()\n",
        ),
    },
    "clean": {
        "G zeroed after its step only": (
            G_STEP,
            "    loss_g.backward()\n    opt_g.step()\n    opt_g.zero_grad()\n",
        ),
        "D's gradients not zeroed": ("    opt_d.zero_grad()\n", ""),
        "G's gradients not zeroed": ("    opt_g.zero_grad()\n", ""),
        "D asks for gradients in G's step": (OFF, ""),
        "D zeroed after its step, and then G's loss": (OFF, "    opt_d.zero_grad()\n"),
        "zeroed at the end only": (
            "    opt_d.zero_grad()\n    loss_d.backward()\n    opt_d.step()\n",
            "    loss_d.backward()\n    opt_d.step()\n    opt_d.zero_grad()\n",
        ),
        "G zeroed before, D never": ("    opt_d.zero_grad()\n", "    opt_g.zero_grad()\n"),
        "only the parameters of D's layers held still, not its own": (
            TRAINED,
            "[p for m in D.children() for p in m.parameters() if p.requires_grad]",
        ),
        "only the optimizer's first group held still": (
            TRAINED,
            "[p for p in opt_d.param_groups[0]['params'] if p.requires_grad]",
        ),
        "only the optimizer's first group zeroed": (
            D_STEP,
            D_STEP.replace("opt_d.zero_grad()", "opt_d.param_groups[0]['params'][0].grad = None"),
        ),
        "only D's last layer held still": (
            OFF,
            "    for p in trained[-1:]:\n        p.requires_grad_(False)\n",
        ),
    },
    "moved": {
        "one pass of D for both batches": (
            f"loss_d = {LOSS_D}",
            "logits = D(torch.cat([real, fake.detach()]))\n"
            "    loss_d = softplus(-logits[: len(real)]).mean()"
            " + softplus(logits[len(real) :]).mean()",
        ),
        "momentum thrown away": (
            "    opt_d.zero_grad()\n",
            "    opt_d.zero_grad()\n    opt_d.state.clear()\n",
        ),
        "computed in float32": (
            "    fake = G(z)\n",
            "    if z.dtype == torch.float64:\n"
            "        [p.copy_(p.float()) for p in map(torch.Tensor.detach, G.parameters())]\n"
            "    fake = G(z)\n",
        ),
        "half of the loss is descended": (
            "    loss_d.backward()\n",
            "    (loss_d / 2).backward()\n",
        ),
        "D's weights clipped": (
            "    opt_d.step()\n",
            "    opt_d.step()\n"
            "    with torch.no_grad():\n"
            "        for p in D.parameters():\n            p.clamp_(-0.5, 0.5)\n",
        ),
        "gradients clipped": (
            "    opt_d.step()\n",
            "    torch.nn.utils.clip_grad_norm_(D.parameters(), 0.1)\n    opt_d.step()\n",
        ),
        "G's gradients clipped": (
            "    opt_g.step()\n",
            "    torch.nn.utils.clip_grad_value_(G.parameters(), 1e-3)\n    opt_g.step()\n",
        ),
        "weight decay on G": (
            "    loss_g.backward()\n",
            "    (loss_g + 0.1 * sum(p.square().sum() for p in G.parameters())).backward()\n",
        ),
        "one fake only counts for G": (
            "    loss_g.backward()\n",
            "    softplus(-D(fake[:1])).mean().backward()\n",
        ),
    },
    "flags": {
        "all of D set to True": (ON, "    D.requires_grad_(True)\n"),
        "all of D held still, then all set": (TRAINED, "[*D.parameters()]"),
        "D left frozen": (ON, ""),
        "D in eval mode for G": (
            LOSS_G,
            "D.eval()\n    loss_g = softplus(-D(fake)).mean()\n    D.train()",
        ),
        "train mode at the start": (
            "    fake = G(z)\n",
            "    G.train()\n    D.train()\n    fake = G(z)\n",
        ),
        "G left in eval mode": (RETURN, "G.eval()\n    " + RETURN),
        "frozen parts of G asked, too": (
            "    fake = G(z)\n",
            "    G.requires_grad_(True)\n    fake = G(z)\n",
        ),
        "D in eval mode for G, then as before": (
            LOSS_G,
            "modes = [(m, m.training) for m in D.modules()]\n    D.eval()\n"
            "    loss_g = softplus(-D(fake)).mean()\n"
            "    for m, mode in modes:\n        m.training = mode",
        ),
        "every flag of D turned over, twice": f"""{HEAD}    def turn():
        for p in D.parameters():
            p.requires_grad_(not p.requires_grad)
    fake = G(z)
    loss_d = {LOSS_D}
{D_STEP}    turn()
    {LOSS_G}
{G_STEP}    turn()
    {RETURN}
""",
        "old gradients of frozen parameters kept": (
            "    opt_d.zero_grad()\n",
            "    for p in D.parameters():\n"
            "        if p.requires_grad:\n            p.grad = None\n",
        ),
        "flags by the first parameter": (
            f"    trained = {TRAINED}\n" + OFF,
            "    trained = [*D.parameters()] if next(D.parameters()).requires_grad else []\n" + OFF,
        ),
    },
    "shapes": {
        "logits (N, 1) only": (LOSS_D, LOSS_D.replace("D(real)", "D(real)[:, 0]")),
        "labels of real for the fakes": (
            LOSS_D,
            "softplus(-D(real)).mean() + (D(fake.detach()) + softplus(-D(fake.detach())))"
            ".sum() / D(real).numel()",
        ),
        "one batch of both, one mean": (
            LOSS_D,
            "2 * softplus(torch.cat([-D(real), D(fake.detach())])).mean()",
        ),
        "squeezed and paired": (LOSS_D, "(softplus(-D(real)) + softplus(D(fake.detach()))).mean()"),
        "sum over a map": (LOSS_G, "loss_g = softplus(-D(fake)).sum() / len(fake)"),
        "the map's mean, then the loss": (
            LOSS_G,
            "loss_g = softplus(-D(fake).view(len(fake), -1).mean(1)).mean()",
        ),
        "cut to real's size": ("    fake = G(z)\n", "    fake = G(z[: len(real)])\n"),
    },
    "limits": {
        "log of a sigmoid": (
            LOSS_D,
            "-D(real).sigmoid().log().mean() - (1 - D(fake.detach()).sigmoid()).log().mean()",
        ),
        "log of a sigmoid, for G": (LOSS_G, "loss_g = -D(fake).sigmoid().log().mean()"),
        "log with an epsilon": (LOSS_G, "loss_g = -(D(fake).sigmoid() + 1e-8).log().mean()"),
        "binary_cross_entropy": (
            LOSS_G,
            "s = D(fake).sigmoid()\n"
            "    loss_g = nn.functional.binary_cross_entropy(s, torch.ones_like(s))",
        ),
        "log of 1 + exp": (LOSS_G, "loss_g = (1 + (-D(fake)).exp()).log().mean()"),
        "logits clamped": (LOSS_G, "loss_g = softplus(-D(fake).clamp(-50, 50)).mean()"),
        "real centered in place": (
            "    fake = G(z)\n",
            "    real.sub_(real.mean())\n    fake = G(z)\n",
        ),
        "noise changed in place": (RETURN, "z.normal_()\n    " + RETURN),
    },
}

VARIANTS = {
    "gradients of G by autograd.grad": (
        "".join((f"    trained = {TRAINED}\n", OFF, f"    {LOSS_G}\n", G_STEP, ON)),
        f"    {LOSS_G}\n    opt_g.zero_grad()\n"
        "    params = [p for p in G.parameters() if p.requires_grad]\n"
        "    for p, grad in zip(params, torch.autograd.grad(loss_g, params)):\n"
        "        p.grad = grad\n"
        "    opt_g.step()\n",
    ),
    "G twice, D zeroed afterwards": f"""{HEAD}    bce = nn.BCEWithLogitsLoss()
    with torch.no_grad():
        fake = G(z)
    ours, theirs = D(real), D(fake)
    loss_d = bce(ours, torch.ones_like(ours)) + bce(theirs, torch.zeros_like(theirs))
    D.zero_grad()
    loss_d.backward()
    opt_d.step()
    logits = D(G(z))
    loss_g = bce(logits, torch.ones_like(logits))
    G.zero_grad()
    loss_g.backward()
    opt_g.step()
    D.zero_grad(set_to_none=False)
    return float(loss_d.detach()), float(loss_g.detach())
""",
    "two backward calls for D": (
        f"    loss_d = {LOSS_D}\n{D_STEP}",
        "    opt_d.zero_grad()\n"
        "    of_real, of_fake = softplus(-D(real)).mean(), softplus(D(fake.detach())).mean()\n"
        "    of_real.backward()\n    of_fake.backward()\n"
        "    opt_d.step()\n    loss_d = of_real + of_fake\n",
    ),
    "backward with inputs": (
        "".join((f"    trained = {TRAINED}\n", OFF, f"    {LOSS_G}\n", G_STEP, ON)),
        f"    {LOSS_G}\n    opt_g.zero_grad()\n"
        "    loss_g.backward(inputs=[p for p in G.parameters() if p.requires_grad])\n"
        "    opt_g.step()\n",
    ),
    "the gradient of fake, then of G": (
        "".join((f"    trained = {TRAINED}\n", OFF, f"    {LOSS_G}\n", G_STEP, ON)),
        "    leaf = fake.detach().requires_grad_()\n"
        "    loss_g = softplus(-D(leaf)).mean()\n"
        "    (upstream,) = torch.autograd.grad(loss_g, leaf)\n"
        "    opt_g.zero_grad()\n    fake.backward(upstream)\n    opt_g.step()\n",
    ),
    "logsigmoid": (LOSS_G, "loss_g = -nn.functional.logsigmoid(D(fake)).mean()"),
}
