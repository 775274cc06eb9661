"""Model cards for the Hub: front matter that YAML reads, terms that agree with the card's, and every figure of it."""

import re

import pytest
import yaml

from explorer import checkpoints
from explorer.__main__ import main
from explorer.publishing.model_card import markdown
from explorer.views.models.calls import in_words


def taken_apart(text):
    """(front matter as a dict, what is below it)."""
    _, front, body = re.split(r"^---$", text, maxsplit=2, flags=re.MULTILINE)
    return yaml.safe_load(front), body


@pytest.mark.parametrize("name", ["mnist-vae", "fashion-cgan", "celeba-vae", "stable_diffusion_3_tiny", "judges/digits"])
def test_a_card_says_what_is_measured_and_on_what_terms(name):
    card = checkpoints.card(name)
    front, body = taken_apart(markdown(name))
    assert front["license"] == ("other" if "non-commercial" in card["licence"] else "apache-2.0")
    assert ("license_name" in front) == ("license_link" in front) == (front["license"] == "other")
    assert card["licence"] in body
    assert card["title"] in body
    assert all(failure in body for failure in card["known_failures"])
    table = body.partition("| measure | |\n| --- | --- |\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", table, re.MULTILINE)
    for (words, said), (key, value) in zip(rows, card["metrics"].items(), strict=True):
        assert words == in_words(key)
        if isinstance(value, (int, float)):
            assert float(said.replace(",", "")) == pytest.approx(value, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", ["mnist-vae", "fashion-cgan"])
def test_its_lines_of_python_run(name):
    told = {}
    exec(re.search(r"```python\n(.*?)```", markdown(name), re.DOTALL)[1], told)
    assert told["pictures"].shape == (4, *checkpoints.card(name)["image_shape"])


def test_nothing_of_a_card_breaks_its_table(toys, monkeypatch):
    odd = checkpoints.card("flat") | {"licence": "a | b\nc", "title": "x"}
    monkeypatch.setattr(checkpoints, "card", lambda name: odd)
    assert "| Terms | a \\| b c |" in markdown("flat")


def test_the_verb_prints_it(capsys, toys):
    assert main(["card", "flat"]) == 0
    assert capsys.readouterr().out == markdown("flat")
