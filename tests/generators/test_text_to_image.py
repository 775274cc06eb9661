"""Stable Diffusion 3 of any size, and our steps against KerasHub's own."""

import keras
import numpy as np
import pytest

from explorer.errors import PromptCut
from explorer.generators import samplers, stable_diffusion_3
from explorer.generators.text_to_image import TextToImageGenerator
from explorer.geometry import Embeddings, Path
from explorer.training import captions, recipes


@pytest.fixture(scope="module")
def small(text_model):
    card, task = text_model.make()
    return TextToImageGenerator(card, task)


def kerashubs(generator, noise, prompts, negative_prompt, steps, guidance_scale):
    """KerasHub's own way, its scheduler set anew and nothing compiled: (n, h, w, 3) in [0, 255]."""
    task = generator.model
    ids, negative = (task.preprocessor.generate_preprocess(texts) for texts in (prompts, [negative_prompt] * len(prompts)))
    task.backbone.configure_scheduler(steps)
    latents, embeddings = keras.ops.convert_to_tensor(noise), task.backbone.encode_text_step(ids, negative)
    for step in range(steps):
        latents = task.backbone.denoise_step(latents, embeddings, step, steps, guidance_scale)
    images = keras.ops.convert_to_numpy(task.backbone.decode_step(latents))
    return 255 * np.clip(images / 2 + 0.5, 0, 1)


@pytest.mark.parametrize("steps", [5, 2, 9])  # one after another: another number must not need, or spoil, what is compiled
def test_the_pictures_are_kerashubs_for_any_number_of_steps(small, steps):
    noise, prompts = small.prior(2, seed=3), ["a handwritten digit seven", "glasses"]
    expected = kerashubs(small, noise, prompts, "a rose", steps, 3.0)
    found = small.decode(noise, prompts, "a rose", steps)
    assert expected.std() > 5
    assert np.abs(255 * found - expected).max() < 1
    np.testing.assert_allclose(small.decode(noise[1:], prompts[1:], "a rose", steps), found[1:], atol=2e-3)


def test_without_guidance_the_negative_prompt_plays_no_part(small):
    noise = small.prior(1)
    plain = small.decode(noise, "a rose", "glasses", guidance_scale=1)
    np.testing.assert_array_equal(plain, small.decode(noise, "a rose", "a bag", guidance_scale=0))
    guided = small.decode(noise, "a rose", "glasses", guidance_scale=3)
    assert np.abs(guided - plain).max() > 0.01
    assert np.abs(guided - small.decode(noise, "a rose", "a bag", guidance_scale=3)).max() > 1e-3


def test_guidance_is_rescaled_and_kept_to_its_interval(small):
    noise, embeddings = small.prior(2), small.embed("a rose")
    plain, guided, rescaled = (
        small.velocity(embeddings, 2, scale, rescale)(noise, 0.7) for scale, rescale in ((1, 0), (6, 0), (6, 1))
    )
    spread = lambda velocity: velocity.std((1, 2, 3))  # noqa: E731
    assert np.abs(spread(guided) / spread(plain) - 1).min() > 1e-3
    np.testing.assert_allclose(spread(rescaled), spread(plain), rtol=1e-4)
    np.testing.assert_allclose(rescaled * (spread(guided) / spread(plain))[:, None, None, None], guided, atol=1e-3)
    within = small.velocity(embeddings, 2, 6, 0, (0.2, 0.8))
    np.testing.assert_allclose(within(noise, 0.7), guided, atol=1e-5)
    np.testing.assert_allclose(within(noise, 0.9), small.velocity(embeddings, 2, 1)(noise, 0.9), atol=1e-5)
    never = small.decode(noise, "a rose", steps=2, guidance_scale=6, guidance_interval=(0, 0))
    np.testing.assert_allclose(never, small.decode(noise, "a rose", steps=2, guidance_scale=1), atol=1e-5)


def test_every_step_is_told_and_the_last_picture_is_the_result(small):
    told = []
    image = small.decode(small.prior(1, seed=1), "a rose", steps=7, callback=told.append)
    assert [(step.index, step.steps) for step in told] == [(i, 7) for i in range(7)]
    assert told[0].noise_rate == 1
    assert all(step.noise_rate + step.signal_rate == pytest.approx(1) for step in told)
    np.testing.assert_allclose(small.pictures(told[-1].x_0), image, atol=2e-3)


def test_the_noise_levels_are_kerashubs(small):
    for steps in (1, 4, 28):
        small.backbone.configure_scheduler(steps)
        np.testing.assert_allclose(small.sigmas(steps), keras.ops.convert_to_numpy(small.backbone.scheduler.sigmas), atol=1e-6)


def test_embeddings_stand_for_their_prompts_and_a_walk_ends_at_them(small):
    a, b = small.embed("a rose", "glasses"), small.embed("a bag", "glasses")
    assert isinstance(a, Embeddings)
    assert [part.shape for part in a] == [(1, 24, 4096)] * 2 + [(1, 64)] * 2
    noise = np.repeat(small.prior(1), 3, 0)
    frames = small.decode(noise, Path(a, b, "slerp").points(3))
    np.testing.assert_allclose(frames[:1], small.decode(noise[:1], "a rose", "glasses"), atol=2e-3)
    np.testing.assert_allclose(frames[2:], small.decode(noise[:1], "a bag", "glasses"), atol=2e-3)
    assert np.abs(frames[1] - frames[0]).max() > 1e-3


@pytest.mark.filterwarnings("ignore::explorer.errors.PromptCut")
@pytest.mark.parametrize("prompt", ["", "x" * 5000, "🦩🌻", "وردة في الحديقة", "'s <|endoftext|> \x00"])
def test_any_text_is_a_prompt(small, prompt):
    image = small.decode(small.prior(1), prompt, steps=1)
    assert image.shape == (1, 32, 32, 3)
    assert np.isfinite(image).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [({"guidance_rescale": 1.5}, "guidance_rescale must be"), ({"guidance_interval": (0.8, 0.2)}, "guidance_interval must be"),
     ({"guidance_interval": 3}, "guidance_interval must be"), ({"prompt": 7}, "must be a string"), ({"prompt": []}, "must be a string"), ({"prompt": ["a", 3]}, "must be a string"),
     ({"prompt": ["a", "b", "c"]}, "of 1 or 2 prompts"), ({"steps": 0}, "steps must be"), ({"steps": 10**6}, "steps must be"),
     ({"guidance_scale": np.nan}, "guidance_scale must be"), ({"prompt": "a", "negative_prompt": ["b", "c"]}, "as many negative")],
)  # fmt: skip
def test_bad_settings_say_what_was_expected(small, given, words):
    with pytest.raises(ValueError, match=words):
        small.decode(small.prior(2), **given)


def test_every_word_of_a_caption_is_one_token():
    tokenizer = stable_diffusion_3.build_tokenizer(captions.vocabulary())
    prompt = "a portrait of a smiling young woman with blond hair and glasses"
    assert [tokenizer.id_to_token(i) for i in np.asarray(tokenizer(prompt))] == [f"{word}</w>" for word in prompt.split()]
    assert len(np.asarray(tokenizer("zebra"))) > 1
    assert tokenizer.end_token_id == tokenizer.vocabulary_size() - 1


def test_the_merges_in_their_order_make_every_word_one_token():
    words = ["low"] * 5 + ["lowest"] * 2 + ["newer"] * 6 + ["wider"] * 3
    merges = stable_diffusion_3.learn_merges(words)
    parts = {word: [*word[:-1], word[-1] + "</w>"] for word in set(words)}
    for a, b in merges:
        for spelled in parts.values():
            while (a, b) in (pairs := list(zip(spelled, spelled[1:], strict=False))):
                spelled[pairs.index((a, b)) : pairs.index((a, b)) + 2] = [a + b]
    assert {word: spelled for word, spelled in parts.items() if spelled != [word + "</w>"]} == {}
    assert len(merges) == len(set(merges))


def test_the_shipped_size_keeps_within_its_parameters():
    recipe = recipes.recipe("stable_diffusion_3_tiny")
    task = stable_diffusion_3.build(recipe, captions.vocabulary())
    assert 8e6 < task.backbone.count_params() <= 9e6
    assert not np.any(keras.ops.convert_to_numpy(task.backbone.diffuser.output_dense.kernel))


def test_eulers_steps_follow_a_straight_flow_exactly():
    x_0, noise = np.random.default_rng(0).standard_normal((2, 1, 2, 2, 1)).astype("float32")
    for sigmas in ([1, 0], [1, 0.7, 0.2, 0]):
        found = samplers.euler(lambda x, sigma: noise - x_0, noise, sigmas)
        np.testing.assert_allclose(found, x_0, atol=1e-6)


@pytest.mark.parametrize("given", [("a rose\udcff",), ("a rose", "\ud83c")])
def test_what_is_no_text_is_no_prompt(small, given):
    with pytest.raises(ValueError, match="a prompt must be text"):
        small.embed(*given)


LONG = (
    "a photo of a rose, and a photo of a man with a sunflower"  # 24 tokens are read; of the small one 12, two of which are its ends
)


@pytest.mark.parametrize(
    ("text", "read"),
    [("a photo of a rose", "a photo of a rose"), (LONG, "a photo of a rose, and a photo of"), ("", ""), ("x" * 999, ""), ("  ", "  "),
     ("a rose " * 5, "a rose " * 5), ("a rose " * 5 + "7", "a rose " * 4 + "a rose"), ("digit 4567890 7 7 a", "digit 4567890 7 7"),
     ("a photo of a rose and a xyzzyq a rose", "a photo of a rose and a")],
)  # fmt: skip
def test_a_prompt_is_read_as_far_as_its_whole_words_fit(small, text, read):
    """A letter that is in no word of the vocabulary is a token by itself, and so is a digit."""

    def ids(text):
        return [part[0] for part in map(np.asarray, small.model.preprocessor.generate_preprocess([text]).values())]

    assert small.read_part(text) == read
    whole, part = ids(text), ids(read)
    if text != read and read:  # KerasHub's own: what was read is all there, and there is no room for one word more
        taken = np.flatnonzero(part[0] == part[0][-1])[0]
        np.testing.assert_array_equal(whole[0][:taken], part[0][:taken])
        more = ids(text[: len(read) + 1 + len(text[len(read) :].split()[0])])
        np.testing.assert_array_equal(more[0], whole[0])
    else:
        assert (text == read) == (len(small.model.preprocessor.clip_l_preprocessor.tokenizer(text)) <= 10)


def test_another_length_reads_further_and_so_does_the_encoder_that_reads_furthest(small, monkeypatch):
    given = small.model.preprocessor
    monkeypatch.setattr(given.clip_g_preprocessor, "sequence_length", 16)
    assert small.read_part(LONG) == "a photo of a rose, and a photo of a man with a"
    monkeypatch.setattr(given.clip_g_preprocessor, "sequence_length", 24)
    assert small.read_part(LONG) == LONG


def test_what_is_cut_off_is_warned_of_for_every_prompt(small, recwarn):
    cut = small.embed(LONG)
    (said,) = recwarn
    assert said.category is PromptCut
    assert issubclass(PromptCut, UserWarning)
    assert said.filename == __file__
    assert "words reads at most 10 tokens: a prompt is read up to “of”, and “a man with a sunflower” is cut off" in str(
        said.message
    )
    recwarn.clear()
    np.testing.assert_array_equal(cut.sequence, small.embed("a photo of a rose, and a photo of").sequence)
    assert not recwarn.list
    small.embed(["a rose", LONG], "x" * 300)
    assert ["“of”" in str(said.message) for said in recwarn] == [True, False]
    assert "cut within its first word" in str(recwarn[1].message)
