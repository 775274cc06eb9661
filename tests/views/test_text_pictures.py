"""From states of the text-to-image view to pictures, of an untrained model: the same as by hand."""

import io

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, views
from explorer.state import StateError, parse_strictly
from explorer.views.text_to_image import pictures as prompting


def state(query):
    return views.complete(parse_strictly(query))


def drawn(query):
    return prompting.run(state(query))


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=3e-3)


def test_one_picture_is_its_prompt_seed_and_settings(text_registry):
    g = explorer.load("words")
    close(drawn("view=text-to-image&prompt=a+man&seed=5"), g.decode(g.prior(1, 5), "a man"))
    close(drawn("view=text-to-image"), g.decode(g.prior(1, 0), "a rose", steps=4, guidance_scale=3.0))
    found = drawn("view=text-to-image&prompt=a+man&negative_prompt=glasses&steps=3&guidance_scale=5")
    close(found, g.decode(g.prior(1, 0), "a man", "glasses", steps=3, guidance_scale=5))


def test_a_walk_begins_and_ends_with_the_prompts_own_pictures(text_registry):
    frames = drawn("view=text-to-image&what=strip&prompt=a+man&to_prompt=7&frames=11&seed=2")
    assert len(frames) == 11  # two batches
    close(frames[:1], drawn("view=text-to-image&prompt=a+man&seed=2"))
    close(frames[-1:], drawn("view=text-to-image&prompt=7&seed=2"))
    close(frames[5:6], drawn("view=text-to-image&prompt=a+man&to_prompt=7&seed=2&t=0.5"))
    assert np.abs(frames[5] - frames[0]).max() > 0.01
    part = drawn("view=text-to-image&what=strip&prompt=a+man&to_prompt=7&frames=2&start=0.4&stop=0.6&seed=2")
    close(part, frames[[4, 6]])
    loop = drawn("view=text-to-image&what=strip&prompt=a+man&to_prompt=7&frames=4&closed=1&seed=2")
    close(loop[[1, 3]], frames[[5, 5]])


def test_the_noise_can_walk_too(text_registry):
    g = explorer.load("words")
    frames = drawn("view=text-to-image&what=strip&prompt=a+man&to_prompt=a+man&seed=1&to=8&frames=3")
    noise = explorer.Path(*g.prior(1, 1), *g.prior(1, 8), kind="slerp").points(3)
    close(frames, g.decode(noise, "a man"))


def test_four_prompts_stand_at_the_corners(text_registry):
    grid = drawn("view=text-to-image&what=plane&n=3")
    g = explorer.load("words")
    close(grid[[0, 2, 6, 8]], g.decode(g.prior(1).repeat(4, 0), ["a rose", "a bag", "digit seven", "glasses"]))
    with pytest.raises(StateError, match="2 to 7"):
        state("view=text-to-image&what=plane&n=30")


def test_a_grid_has_one_seed_after_the_other(text_registry):
    g = explorer.load("words")
    grid = drawn("view=text-to-image&what=grid&n=2&prompt=a+man&negative_prompt=glasses&seed=3")
    close(grid, np.concatenate([g.decode(g.prior(1, seed), "a man", "glasses") for seed in range(3, 7)]))
    full = state("view=text-to-image&what=grid&n=3&seed=4294967290")
    assert prompting.seeds_of(full)[5:7] == [4294967295, 0]
    assert (prompting.pictures(full).count, prompting.pictures(full).columns) == (9, 3)
    assert prompting.evaluations(full) == 2 * 9 * full["steps"]


def test_few_steps_and_many_from_one_noise(text_registry):
    g = explorer.load("words")
    found = drawn("view=text-to-image&what=steps&prompt=a+man&seed=3&steps=9")
    close(found, np.concatenate([g.decode(g.prior(1, 3), "a man", steps=steps) for steps in (5, 10, 15, 20, 25)]))


def test_every_step_is_shown_in_a_film(text_registry):
    assert prompting.film(state("view=text-to-image&what=trajectory&steps=6")).shape == (6, 32, 32, 3)


def test_one_picture_at_a_step_is_that_frame_of_its_film(text_registry):
    g, rates = explorer.load("words"), []
    g.decode(g.prior(1, 2), "a man", steps=6, callback=lambda step: rates.append(step.noise_rate))
    film = prompting.film(state("view=text-to-image&what=trajectory&prompt=a+man&seed=2&steps=6"))
    for at in (0, 3, 5):
        found = views.render(parse_strictly(f"view=text-to-image&prompt=a+man&seed=2&steps=6&size=32&time={rates[at]:.3f}"), "png")
        np.testing.assert_allclose(np.asarray(Image.open(io.BytesIO(found))).astype(int), film[at], atol=1)
    assert np.abs(film[0].astype(int) - film[5]).max() > 2


@pytest.mark.parametrize(
    ("query", "words"),
    [("what=strip&time=0.5", "goes with what=picture"), ("steps=0", "steps must be"), ("steps=400", "1 to 100 for words"), ("steps=abc", "steps must be"), ("guidance_scale=1e9", "from 0 to 30"),
     ("what=strip&frames=64&steps=90", "too much work"), ("prompt=" + "x" * 5000, "at most 1,000 characters"), ("what=forward", "what must be one of picture, "),
     ("to=1.5", "to must be one seed"), ("t=-1", "t must be one number")],
)  # fmt: skip
def test_bad_states_say_what_was_expected(text_registry, query, words):
    with pytest.raises(StateError, match=words):
        state(f"view=text-to-image&{query}")


CORNERS = "prompt=a+man&to_prompt=7&below_prompt=a+bag&below_to_prompt=glasses"


@pytest.mark.parametrize(
    ("query", "words"),
    [("what=strip&prompt=a+man", "a second one: to_prompt"), ("t=0.5&prompt=a+man", "a second one: to_prompt"),
     ("what=trajectory&t=0.5&prompt=a+man", "a second one: to_prompt"), ("what=strip&model=words&prompt=a+man", "to_prompt"),
     ("what=plane&prompt=a+man", "to_prompt, below_prompt, below_to_prompt is missing"), ("what=plane&below_prompt=7", "prompt, to_prompt"),
     ("what=plane&" + CORNERS.replace("prompt=a+man&", "", 1), "own: prompt is missing")],
)  # fmt: skip
def test_a_way_with_one_end_given_needs_the_other(text_registry, query, words):
    with pytest.raises(StateError, match=words):
        state(f"view=text-to-image&{query}")
    found, problems = views.opened(query, "text-to-image")  # the page says it, and draws what was given
    assert words in problems[0]
    assert found["what"] in ("picture", "trajectory")
    assert found["prompt"] == parse_strictly(query).get("prompt", "a rose")


@pytest.mark.parametrize(
    ("query", "prompts"),
    [("what=strip", ["a rose", "a bag"]), ("what=plane", ["a rose", "a bag", "digit seven", "glasses"]), ("", ["a rose"]),
     ("prompt=a+man", ["a man"]), ("what=steps&prompt=a+man", ["a man"]), ("t=0.5", ["a rose", "a bag"]),
     ("what=strip&prompt=a+man&to_prompt=7", ["a man", "7"]), (f"what=plane&{CORNERS}", ["a man", "7", "a bag", "glasses"]),
     ("what=strip&model=words&seed=0&prompt=a+man", ["a man", "a bag"])],  # as the page once wrote it
)  # fmt: skip
def test_with_both_ends_or_none_it_is_drawn(text_registry, query, prompts):
    full = state(f"view=text-to-image&{query}")
    assert [full[key] for key in prompting.PROMPTS][: len(prompts)] == prompts


def test_another_kind_of_model_is_refused(text_registry):
    with pytest.raises(StateError, match="knows no words"):
        prompting.complete({"model": "mnist-vae"})


def test_files_are_what_the_page_shows(text_registry):
    import io

    from PIL import Image

    one = Image.open(io.BytesIO(views.render(parse_strictly("model=words&size=32"), "png")))
    close(np.asarray(one)[None] / 255, drawn("view=text-to-image"))
    row = Image.open(io.BytesIO(views.render(parse_strictly("model=words&what=strip&frames=3&size=32"), "png")))
    assert row.size == (3 * 32 + 2 * 4, 32)
    film = Image.open(io.BytesIO(views.render(parse_strictly("model=words&what=strip&frames=3&size=32"), "gif")))
    assert film.n_frames == 3


def test_the_norms_say_why_slerp(text_registry):
    g = explorer.load("words")
    norms, angle = prompting.norms(g, state("view=text-to-image&prompt=a+man&to_prompt=sunflower"), 3)
    a, b = (g.embed(text).sequence[0].astype("float64").ravel() for text in ("a man", "sunflower"))
    length = np.linalg.norm(a)
    assert norms["linear"] == pytest.approx([1, np.linalg.norm(a + b) / 2 / length, np.linalg.norm(b) / length], rel=1e-4)
    assert norms["slerp"][1] == pytest.approx((1 + np.linalg.norm(b) / length) / 2, rel=1e-4)
    assert angle == pytest.approx(np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))), abs=0.01)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a photo of a rose", []), ("A Zebra, and a ZEBRA in the grass!", ["zebra"]), ("zebra's", ["zebra's"]), ("colt's foot", []),
     ("🦩 وردة", ["وردة"]), ("", []), ("digit 7", []), ("smiling-woman", [])],
)  # fmt: skip
def test_words_that_a_model_never_saw_are_named(text, expected):
    from explorer.training import captions

    assert prompting.strange(text, captions.vocabulary()) == expected


def test_a_damaged_part_of_a_preset_is_named(text_root, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(text_root, tmp_path / "registry")
    file = tmp_path / "registry" / "words" / "assets" / "tokenizer" / "merges.txt"
    file.write_text(file.read_text("utf-8") + "x y\n", "utf-8")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "registry"))
    with pytest.raises(checkpoints.CheckpointError, match=r"assets/tokenizer/merges.txt is damaged \(expected SHA-256"):
        explorer.load("words")
    assert explorer.load("mnist-vae")
