"""Bug hunt 3: the padding was taken out of the loss, and the true end went with it.

Symptom  the text is right, and the model does not stop; the loss is 0.
Cause    pad_id is the end id, and every label with this id became -100. So no label ever said
         "stop here". In all other places the model learned that the end does not come: after 1
         its chance was 0.00014.
Fix      find the padding by its place, not by its id: of the end ids that close a row the first is
         the text's own; -100 begins with the second. An end inside a text is a label like any
         other. In a row of 3 2 1 0 0 0 the labels are 3 2 1 0 -100 -100.
Spot it  count the labels that say "end": one per text is right, and here there were none. Or print
         one row of labels beside its ids. The loss says nothing: what is not judged costs nothing.

Asked next
    "Why not unmask all of the padding?" Then most labels say that an end follows an end. That costs
    compute, and in a mean it makes the loss look small while the text is hardly learned.
    "Is there a way that cannot go wrong?" Keep the lengths, or a mask from the tokenizer, and make
    the labels from these; or give the padding an id of its own.
    "And in chats?" The end of each answer must be judged. The prompts are mostly left out.
Common slips: the first end id of a row taken for the end of its text (in chats it ends a turn); a
    full row whose last id, or whose missing end, is masked.
Left out here, if you say so: rows that are padded on the left.
"""

from torch import Tensor


def make_labels(ids: Tensor, pad_id: int) -> Tensor:
    """Ids (B, L) -> labels (B, L), -100 behind the end of each text."""
    is_pad = ids == pad_id
    closing = is_pad.flip(1).cumprod(1).flip(1)  # (B, L): 1 where only pad_id comes from here on
    return ids.masked_fill(closing.cumsum(1) > 1, -100)


# Nothing to do here: this runs the examples, then tries each label of the statement.
if __name__ == "__main__":
    import pathlib
    import sys

    sys.path[:0] = [str(p) for p in pathlib.Path(__file__).parents if (p / "checks").is_dir()][:1]
    from practice.judge import judge

    judge(globals())
