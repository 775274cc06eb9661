"""The page's words in other languages: each catalogue says something of each thing that the English page says, and of nothing else."""

import html
import json
import re
from collections import Counter
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest

from explorer import checkpoints, page, views

HERE = Path(page.__file__).parent
PLACES = re.compile(r"\{\w?\}")
SOURCES = [
    *(HERE / "publishing").rglob("*.html"),
    *(HERE / "publishing").rglob("*.js"),
    *(HERE / "serving").glob("*.js"),
    *HERE.glob("views/**/*.js"),
    *HERE.glob("views/**/*.html"),
    *HERE.rglob("*.py"),
]


def pairs(path):
    """The entries of a catalogue, those that stand twice twice."""
    return json.loads((HERE / path).read_text("utf-8"), object_pairs_hook=list)


def words_of(language):
    return {key: value for path in page.languages()[language] for key, value in pairs(path)}


def test_each_view_and_the_frame_have_a_catalogue():
    rooms = ["serving", *(f"views/{views.folder(name)}" for name in views.NAMES)]
    assert {language: sorted(paths) for language, paths in page.languages().items()} == {
        "de": sorted(f"{room}/de.json" for room in rooms)
    }


@pytest.mark.parametrize("path", page.languages()["de"])
def test_a_catalogue_says_the_same_with_the_same_places_and_tags(path):
    found = pairs(path)
    assert [key for key, times in Counter(key for key, _ in found).items() if times > 1] == []
    for key, value in found:
        assert key == key.strip()
        assert value.strip(), key
        named = [place for place in PLACES.findall(value) if place[1:-1].isdigit()]
        places, said = len(PLACES.findall(key)), PLACES.findall(value)
        assert all(1 <= int(place[1:-1]) <= places for place in named) if named else len(said) == places, key
        assert sorted(re.findall(r"</?\w+", key)) == sorted(re.findall(r"</?\w+", value)), key


def test_no_key_means_two_things():
    found = {}
    for path in page.languages()["de"]:
        for key, value in pairs(path):
            assert found.setdefault(key, value) == value, f"{key!r} of {path}"


def test_no_sentence_is_kept_that_the_page_no_longer_says():
    """Told by its longest run of words between places and tags: labels of a word or two stand everywhere."""
    text = " ".join(path.read_text("utf-8") for path in (*SOURCES, *checkpoints.root().rglob("card.json")))
    text = re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*\+?\s*f?"|`\s*\n\s*\+\s*[`"]', "", html.unescape(text)))
    gone = []
    for key in words_of("de"):
        runs = re.split(r"\{\w?\}|<[^>]*>|[,;:.·]", html.unescape(key))
        longest = max(runs, key=len).strip()
        if len(longest) > 25 and longest.lower() not in text.lower():
            gone.append(key)
    assert gone == []


class Texts(HTMLParser):
    """What a template says: its texts, and what readers aloud and pointers are told."""

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("input", "br", "img"):
            self.inside.append((tag, dict(attributes).get("class") or ""))
        written = [text for name, text in attributes if name in ("title", "aria-label", "placeholder", "alt") and text]
        self.found += [" ".join(text.split()) for text in written]

    def handle_endtag(self, tag):
        if tag not in ("input", "br", "img"):
            self.inside.pop()

    def handle_data(self, text):
        left = any(tag in ("pre", "code", "kbd") or "lx-formula" in name for tag, name in self.inside)
        if not left:
            self.found.append(" ".join(text.split()))


@pytest.mark.parametrize("name", ["frame", *views.NAMES])
def test_no_word_of_a_template_is_missing(name):
    template = HERE / "views" / views.folder(name) / "view.html"
    text = page.HEADER if name == "frame" else template.read_text("utf-8") if template.is_file() else ""
    texts = Texts()
    texts.feed(text)
    known = words_of("de")
    within = [key for key in known if "<" in key]  # paragraphs with tags
    names = re.compile(r"[A-Z\d/:…. -]+|hf://…")
    missing = [said for said in texts.found if re.search(r"[^\W\d_]{2}", said) and said not in known and not names.fullmatch(said)
               and not any(said in html.unescape(re.sub(r"\s+", " ", key)) for key in within)]  # fmt: skip
    assert missing == []


def matched(text, known):
    patterns = [re.escape(key).replace(r"\{n\}", r"[\d.,]+").replace(r"\{\}", ".+") for key in known if "{" in key]
    return text in known or any(re.fullmatch(pattern, text) for pattern in patterns)


def test_taglines_tours_titles_and_cards_are_all_said():
    known, said = words_of("de"), [views.of(name).TITLE for name in views.NAMES]
    for name in views.NAMES:
        words = import_module(f"explorer.views.{views.folder(name)}.words")
        said += [words.TAGLINE, *(text for title, told, _ in words.TOUR for text in (title, told))]
    for name in checkpoints.names():
        card = checkpoints.card(name)
        said += [card["title"], *card.get("known_failures", ())]
    said += import_module("explorer.views.models.calls").WORDS.values()
    assert [text for text in dict.fromkeys(said) if not matched(text, known)] == []
