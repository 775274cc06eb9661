"""TensorFlow's notes are left out of what is written to standard error, and nothing else is."""

import os

import pytest

from explorer.quiet import without_notes

NOTES = b"""WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795838537.897104    8503 port.cc:153] oneDNN custom operations are on.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
"""


def test_notes_go_and_errors_stay(capfd):
    with without_notes():
        os.write(2, NOTES + b"E0000 00:00:1795838537.897104 8503 cuda.cc:1] no driver\n")
        os.write(2, b"of ours\n")
    os.write(2, NOTES.splitlines(keepends=True)[1])
    written = capfd.readouterr().err.splitlines()
    assert written[0].startswith("E0000")
    assert written[1] == "of ours"
    assert written[2].startswith("I0000")  # outside nothing is held back
    assert len(written) == 3


def test_what_was_written_before_an_error_is_not_lost(capfd):
    with pytest.raises(ValueError, match="broken"), without_notes():  # noqa: PT012
        os.write(2, b"half a word\n")
        raise ValueError("broken")
    assert capfd.readouterr().err == "half a word\n"


@pytest.mark.parametrize(("asked", "quiet"), [(None, True), ("3", True), ("0", False)])
def test_tensorflow_is_silent_unless_asked(fresh_python, monkeypatch, tmp_path, asked, quiet):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    package = tmp_path / "tensorflow"  # a stand-in, which writes as the real one does
    package.mkdir()
    (package / "__init__.py").write_text(f"import os\nos.write(2, {NOTES!r})\n")
    code = "import sys; sys.path.insert(0, sys.argv[1])\nfrom explorer import quiet\nquiet.hush()\nimport tensorflow\nprint(tensorflow.__file__)"
    finished = fresh_python(code, tmp_path, **({"TF_CPP_MIN_LOG_LEVEL": asked} if asked else {}))
    assert finished.stdout == f"{package / '__init__.py'}\n", finished.stderr
    assert (finished.stderr == "") is quiet
