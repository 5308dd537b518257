"""practice/pages.zip: every exercise's page as it is handed out.

python tests/pages.py        writes it anew; the suite says when that is due
"""

import io
import sys
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from practice.exercises import ROOT, find
from practice.study import PAGES, plain


def pages(root: Path = ROOT) -> dict[str, bytes]:
    """The pages on disk by name, in the order of their names."""
    files = {path.relative_to(root).as_posix(): plain(path.read_bytes()) for path in find(root)}
    return dict(sorted(files.items()))


def packed(files: dict[str, bytes]) -> bytes:
    """A ZIP file, the same on every machine; uncompressed, so git packs what versions share."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, page in files.items():
            info = zipfile.ZipInfo(name)  # of 1980, whatever today is
            info.create_system = 3
            info.external_attr = 0o644 << 16
            file.writestr(info, page)
    return content.getvalue()


if __name__ == "__main__":
    (ROOT / PAGES).write_bytes(packed(pages()))
