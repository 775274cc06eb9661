"""What models may take: as it is set, or by what the machine and its container say."""

import pytest

from explorer import memory
from explorer.errors import InputError


@pytest.mark.parametrize(("said", "expected"), [("2GB", 2e9), ("800 MB", 8e8), ("1.5g", 1.5e9), ("3GiB", 3e9), ("1000", 1000)])
def test_the_limit_as_it_is_set(said, expected, monkeypatch):
    monkeypatch.setenv(memory.LIMIT, said)
    assert memory.limit() == expected


@pytest.mark.parametrize("said", ["much", "-1GB", "2 elephants", "GB"])
def test_what_is_no_size_is_said(said, monkeypatch):
    monkeypatch.setenv(memory.LIMIT, said)
    with pytest.raises(InputError, match="2GB or 800MB"):
        memory.limit()


def test_what_is_free_is_what_the_kernel_and_the_container_say(tmp_path, monkeypatch):
    machine, container = tmp_path / "meminfo", tmp_path / "max"
    machine.write_text("MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    2000 kB\n")
    monkeypatch.setattr(memory, "MEASURED", str(machine))
    monkeypatch.setattr(memory, "CONTAINER", (str(tmp_path / "none"), str(container)))
    assert memory.available() == 2_048_000
    container.write_text("max\n")
    assert memory.available() == 2_048_000
    container.write_text("1000000\n")
    assert memory.available() == 1_000_000
    monkeypatch.setattr(memory, "MEASURED", str(tmp_path / "none"))
    container.unlink()
    assert memory.available() == float("inf")


def test_a_large_model_is_counted_as_more_than_a_small_one():
    small, large = ({"parameters": {"decoder": count}} for count in (1e4, 1e7))
    assert 0 < memory.estimated(small) < memory.estimated(large)
    assert memory.estimated(large) > 4e7, "at least its weights"
