"""One bad checkpoint keeps none from working: it is named in the Models view, and the rest is served."""

import shutil

import pytest

from explorer import checkpoints, page
from explorer.views.latent_plane import calls as plane
from explorer.views.models import calls as models


@pytest.mark.parametrize(
    "card", [b"\xff\x00junk", b"[" * 20_000, b"{}", b"null", b'{"kind": [], "title": 7, "latent_shape": "wide"}', b'{"order": NaN}', None],
    ids=["bytes", "deep", "empty", "null", "other types", "no number", "an emptied folder"],
)  # fmt: skip
def test_garbage_whose_sums_fit_is_named_and_the_rest_works(card, toy_root, tmp_path, monkeypatch):
    shutil.copytree(toy_root.root / "flat", tmp_path / "flat")
    bad = tmp_path / "bad"
    bad.mkdir()
    if card is not None:
        shutil.copy(tmp_path / "flat" / checkpoints.MODEL, bad)
        (bad / checkpoints.CARD).write_bytes(card)
        checkpoints.seal(bad)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    page.build()
    known, damaged = [found["name"] for found in checkpoints.models()], models.damaged()
    assert "flat" in known
    assert ("bad" in known) != any("bad" in line for line in damaged)
    assert card == b"{}" or len(damaged) == 1
    assert plane.open_view("model=flat")["model"]["name"] == "flat"
    assert "pixels" in plane.decode_point("model=flat&z=0,1")
    assert "error" in plane.decode_point("model=bad&z=0,1") or "bad" in known
