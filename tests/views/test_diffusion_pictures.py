"""From states of the diffusion view to pictures, against the closed form of a network that is exact for standard normal data."""

import io

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import geometry, imaging, views
from explorer.generators import diffusion as networks
from explorer.state import StateError, parse_strictly, text
from explorer.views.diffusion import pictures as diffusion

START, END = np.arccos(0.95), np.arccos(0.02)


def state(query):
    return views.complete(parse_strictly(query))


def noise(*seeds):
    """Standard normal numbers of seeds, as NumPy draws them: (n, 16, 16, 1)."""
    return np.stack([np.random.default_rng(seed).standard_normal((1, 16, 16, 1), dtype="float32")[0] for seed in seeds])


def gain(steps, until=None):
    """What deterministic sampling makes of noise, worked out by hand: each step turns by the angle between its ends, so x shrinks
    by its cosine; the predicted picture is the signal rate times x. `until`: the step whose prediction is meant."""
    until = steps - 1 if until is None else until
    width = END - START
    return np.cos(width / steps) ** until * np.cos(START + width * (1 - until / steps))


def close(pictures, x):
    np.testing.assert_allclose(pictures, np.clip(0.5 + 0.1 * x, 0, 1), atol=1e-5)


def decoded(query):
    return np.concatenate(diffusion.run(state(query)))


def test_a_seed_and_its_steps(diffusion_registry):
    assert diffusion.default_model() == "blots"
    for steps in (1, 7, 20, 100):
        close(decoded(f"view=diffusion&seed=3&steps={steps}"), gain(steps) * noise(3))
    close(decoded("view=diffusion"), gain(20) * noise(0))  # the card's steps and sampler


def scaled_gain(steps, scale):
    """As `gain`, where only `scale` of the noise that is found, the noise rate times x, is taken for noise."""
    angles, x = END + (START - END) * np.arange(steps + 1) / steps, 1.0
    for angle, then in zip(angles[:-1], angles[1:], strict=True):
        x_0 = x * (1 - scale * np.sin(angle) ** 2) / np.cos(angle)
        x = np.cos(then) * x_0 + np.sin(then) * scale * np.sin(angle) * x
    return x_0


def test_less_of_the_noise_is_taken_away_where_the_link_says_so_or_the_card(diffusion_registry):
    assert scaled_gain(12, 1.0) == pytest.approx(gain(12))
    assert state("view=diffusion")["epsilon_scale"] == 1
    close(decoded("view=diffusion&seed=3&steps=12&epsilon_scale=0.995"), scaled_gain(12, 0.995) * noise(3))
    shipped = explorer.load("blots")
    carded = networks.DiffusionGenerator(
        shipped.card | {"sampling": shipped.card["sampling"] | {"epsilon_scale": 0.99}}, shipped.model
    )
    close(carded.decode(noise(3), steps=12), scaled_gain(12, 0.99) * noise(3))
    close(carded.decode(noise(3), steps=12, epsilon_scale=1), gain(12) * noise(3))


def test_the_same_noise_in_few_steps_and_many(diffusion_registry):
    found = decoded("view=diffusion&what=steps&seed=2&steps=99")
    close(found, np.array([gain(steps) for steps in (5, 10, 15, 20, 25)])[:, None, None, None] * noise(2))


def of_kind(mean, noise, steps=20):
    """What deterministic sampling makes of noise where pictures are normal around `mean`: as `gain`, around the mean's own way."""
    return mean + gain(steps) * (noise - 0.02 * mean)


def test_a_class_is_asked_for_and_guided_past(diffusion_registry):
    for label, mean in enumerate((-1.0, 0.5, 2.0)):
        for scale in (0, 0.5, 1, 1.5):
            found = decoded(f"view=diffusion&model=kinds&seed=3&label={label}&guidance_scale={scale}")
            close(found, of_kind(scale * mean, noise(3)))
        close(decoded(f"view=diffusion&model=kinds&seed=3&label={label}"), of_kind(2 * mean, noise(3)))  # the card's guidance


def test_a_class_that_is_not_named_is_drawn_by_the_seed(diffusion_registry):
    generator, means = explorer.load("kinds"), np.array([-1.0, 0.5, 2.0])
    drawn = generator.labels(3000)
    assert np.bincount(drawn) == pytest.approx(1000, abs=120)
    counted = networks.DiffusionGenerator({**generator.card, "class_counts": [0, 10, 30]}, generator.model)
    assert np.bincount(counted.labels(2000)) / 2000 == pytest.approx([0, 0.25, 0.75], abs=0.04)
    kinds = {int(generator.labels(1, seed)[0]) for seed in range(9)}
    assert kinds == {0, 1, 2}
    for seed in range(4):
        (kind,) = generator.labels(1, seed)
        close(decoded(f"view=diffusion&model=kinds&seed={seed}"), of_kind(2 * means[kind], noise(seed)))
        close(generator.decode(noise(seed), seed=seed), of_kind(2 * means[kind], noise(seed)))
        (lane,) = diffusion.lanes(generator, state(f"view=diffusion&model=kinds&seed={seed}"))
        assert lane.title == f"DDIM, η 0 · kind {kind}"
    of_grid = 2 * means[generator.labels(6, seed=4)][:, None, None, None]
    grid = np.random.default_rng(4).standard_normal((6, 16, 16, 1), dtype="float32")
    close(decoded("view=diffusion&model=kinds&what=grid&n=6&seed=4"), of_kind(of_grid, grid))
    strip = decoded("view=diffusion&model=kinds&what=strip&seed=1&to=9&frames=5")
    (kind,) = generator.labels(1, 1)
    close(strip[[0, -1]], of_kind(2 * means[kind], noise(1, 9)))  # one class all along the way


@pytest.mark.parametrize("settings", ["sampler=ddpm", "sampler=ddim&eta=1"])
@pytest.mark.parametrize("model", ["blots", "kinds"])
def test_a_picture_is_the_same_alone_in_any_grid_and_on_any_walk(diffusion_registry, model, settings):
    """Fresh noise belongs to a place: in a grid each has its own, on a walk all have that of the picture at its start."""
    link = f"view=diffusion&model={model}&seed=3&steps=6&{settings}"
    nine, four = (decoded(f"{link}&what=grid&n={n}") for n in (9, 4))
    np.testing.assert_allclose(four, nine[:4], atol=1e-5)
    np.testing.assert_allclose(decoded(link), nine[:1], atol=1e-5)
    walk = decoded(f"{link}&to=9&what=strip&frames=5")
    for t, frame in zip((0, 0.25, 0.5, 0.75, 1), walk, strict=True):
        np.testing.assert_allclose(decoded(f"{link}&to=9&t={t}")[0], frame, atol=1e-5)
    np.testing.assert_allclose(decoded(f"{link}&to=9&what=strip&frames=3"), walk[::2], atol=1e-5)


def test_a_picture_that_is_noised_is_repaired_as_what_it_is(diffusion_registry):
    generator = explorer.load("kinds")
    full = state("view=diffusion&model=kinds&what=forward&time=0.5")
    assert diffusion.lanes(generator, full)[0].asked["guidance_scale"] == 0
    full = state("view=diffusion&model=kinds&what=forward&time=0.5&label=2")
    assert diffusion.lanes(generator, full)[0].asked == {
        "label": [2], "guidance_scale": 2.0, "guidance_rescale": 0.0, "guidance_interval": (0.0, 1.0)}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [("model=kinds&label=3", "label must be a whole number from 0 to 2 for kinds, got 3"), ("model=blots&label=0", "leave label out"),
     ("epsilon_scale=0.5", "epsilon_scale must be a number from 0.9 to 1.1"), ("model=blots&guidance_scale=2", "leave guidance_scale out"), ("model=kinds&guidance_scale=-1", "guidance_scale must be")],
)  # fmt: skip
def test_classes_that_a_model_does_not_know_are_refused(diffusion_registry, query, words):
    with pytest.raises(StateError, match=words):
        state(f"view=diffusion&{query}")


def test_decode_says_what_is_wrong_with_a_class(diffusion_registry):
    kinds, blots = explorer.load("kinds"), explorer.load("blots")
    with pytest.raises(ValueError, match="label must be one of 0 kind 0, 1 kind 1, 2 kind 2, got 7"):
        kinds.decode(noise(0), label=7)
    with pytest.raises(ValueError, match="guidance_scale must be a number from 0, got nan"):
        kinds.decode(noise(0), guidance_scale=np.nan)
    with pytest.raises(ValueError, match="blots was trained without classes"):
        blots.decode(noise(0), label=1)


def test_many_samples_are_those_of_one_batch_of_noise(diffusion_registry):
    found = decoded("view=diffusion&what=grid&n=5&seed=4")
    close(found, gain(20) * np.random.default_rng(4).standard_normal((5, 16, 16, 1), dtype="float32"))
    assert len(decoded("view=diffusion&what=grid&steps=2")) == 18


def test_between_two_noises_the_way_is_spherical(diffusion_registry):
    found = decoded("view=diffusion&what=strip&seed=1&to=9&frames=5")
    a, b = noise(1)[0], noise(9)[0]
    close(found, gain(20) * geometry.slerp(a, b, np.linspace(0, 1, 5)))
    spread = found.std((1, 2, 3))
    assert (np.diff(spread) > 0).all()  # from the quieter to the louder one, with no quiet middle
    close(decoded("view=diffusion&seed=1&to=9&t=0.25"), gain(20) * geometry.slerp(a, b, np.array([0.25])))


def test_two_samplers_start_from_the_same_noise(diffusion_registry):
    generator = explorer.load("blots")
    first, second = diffusion.lanes(generator, state("view=diffusion&what=trajectory&to_sampler=ddpm&eta=0.5&seed=6"))
    np.testing.assert_array_equal(first.noise, second.noise)
    assert (first.sampler, second.sampler, first.eta, first.steps) == ("ddim", "ddpm", 0.5, 20)
    assert (first.title, second.title) == ("DDIM, η 0.5", "DDPM")
    pictures = diffusion.run(state("view=diffusion&what=trajectory&to_sampler=ddpm&seed=6"))
    close(pictures[0], gain(20) * noise(6))
    assert np.abs(pictures[1] - pictures[0]).mean() > 0.01
    assert len(diffusion.lanes(generator, state("view=diffusion&what=trajectory"))) == 1


def test_a_picture_is_noised_and_denoised(diffusion_registry):
    generator = explorer.load("blots")
    picture = np.full((16, 16, 1), 0.7, "float32")  # x = 2
    full = state("view=diffusion&what=forward&time=0.3&seed=8&steps=1")
    (lane,) = diffusion.lanes(generator, full, picture)
    angle = START + 0.3 * (END - START)
    np.testing.assert_allclose(lane.noise, 2 * np.cos(angle) + np.sin(angle) * noise(9), atol=1e-5)
    assert lane.start == 0.3
    close(diffusion.run(full, picture=picture)[0], np.cos(angle) * lane.noise)
    own = diffusion.source(generator, full)
    close(own, gain(1) * noise(8)[0])
    drawn = diffusion.pictures(full)
    shown, columns = drawn.make(), drawn.columns
    assert (len(shown), columns) == (3, 3)
    np.testing.assert_array_equal(shown[0], imaging.to_bytes(own))
    assert diffusion.complete(parse_strictly("view=diffusion&what=forward"))["time"] == 0.5


def test_times_are_whole_where_the_schedule_has_steps(diffusion_registry):
    assert diffusion.whole_time(explorer.load("specks"), 0.33337) == 1333 / 4000
    assert diffusion.whole_time(explorer.load("specks"), 1e-9) == 1 / 4000
    assert diffusion.whole_time(explorer.load("blots"), 0.33337) == 0.33337


def test_the_callback_sees_every_lane_and_step(diffusion_registry):
    seen = []
    diffusion.run(state("view=diffusion&what=steps"), lambda lane, step, generator: seen.append((lane, step.index, step.steps)))
    assert seen == [(lane, i, steps) for lane, steps in enumerate((5, 10, 15, 20, 25)) for i in range(steps)]


@pytest.mark.parametrize(
    ("steps", "most", "expected"), [(5, 9, [0, 1, 2, 3, 4]), (100, 5, [0, 25, 50, 74, 99]), (1, 5, [0]), (7, 7, list(range(7)))]
)
def test_steps_are_kept_evenly_with_both_ends(steps, most, expected):
    assert diffusion.kept(steps, most) == expected


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("steps=101", "steps must be a whole number from 1 to 100 for blots, got 101"),
        ("steps=0", "steps must be a whole number from 1 to 4000"),
        ("steps=-3", "steps must be"),
        ("steps=1000000", "steps must be"),
        ("steps=abc", "steps must be a whole number from 1 to 4000, got 'abc'"),
        ("eta=2", "eta must be a number from 0 to 1"),
        ("sampler=euler", "sampler must be one of ddim, ddpm"),
        ("what=grid&n=19", "n must be a whole number from 1 to 18"),
        ("what=strip", "needs a second noise"),
        ("what=strip&to=1&frames=241", "2 to 240 between two noises"),
        ("t=0.5", "on the way to a second noise"),
        ("what=strip&to=1,2", "to must be one seed"),
        ("what=strip&to=1.5", "to must be one seed"),
        ("to=3&t=-0.5", "t must be one number from 0 to 1"),
        ("what=forward&time=0", "time must be above 0"),
        ("what=forward&time=1.5", "time must be a number from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_said(diffusion_registry, query, words):
    with pytest.raises(StateError, match=words):
        state(f"view=diffusion&{query}")


def test_the_work_of_one_run_is_bounded(diffusion_registry):
    with pytest.raises(StateError, match="18 pictures of 4000 steps are too much work: at most 8000"):
        state("model=specks&what=grid&steps=4000")
    assert state("model=specks&what=grid&steps=4000&n=2")["n"] == 2
    with pytest.raises(StateError, match="9 pictures of 1000 steps"):
        state("model=specks&what=strip&to=1&steps=1000")


def test_4000_steps_are_for_schedules_that_have_them(diffusion_registry):
    assert state("model=specks&steps=4000")["steps"] == 4000


def test_other_models_are_refused_in_either_direction(diffusion_registry, toys, monkeypatch, diffusion_root):
    with pytest.raises(KeyError, match="there is no diffusion model.*train flowers-diffusion"):
        diffusion.complete({})
    with pytest.raises(StateError, match="flat does not sample from noise"):
        diffusion.complete({"model": "flat"})
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(diffusion_root))
    with pytest.raises(StateError, match="blots has no plane to drag across: it is shown with view=diffusion"):
        views.complete({"model": "blots", "view": "latent-plane"})
    assert views.complete({"model": "blots"})["view"] == "diffusion"


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def render(query, ending="png"):
    return views.render(parse_strictly(query), ending)


def test_files_show_what_the_state_says_and_carry_it(diffusion_registry):
    query = "view=diffusion&model=blots&seed=3&size=16"
    data = render(query)
    np.testing.assert_array_equal(opened(data), imaging.to_bytes(0.5 + 0.1 * gain(20) * noise(3)[0])[..., 0])
    assert parse_strictly(imaging.state_of(data)) == parse_strictly(query)
    assert render(query) == data  # byte for byte
    assert opened(render("view=diffusion&what=grid&n=8&size=16&steps=2")).shape == (2 * 16 + 4, 6 * 16 + 5 * 4)
    assert opened(render("view=diffusion&what=steps&size=16")).shape == (16, 5 * 16 + 4 * 4)
    assert opened(render("view=diffusion&what=forward&size=16&steps=2")).shape == (16, 3 * 16 + 2 * 4)
    assert opened(render("view=diffusion&what=trajectory&size=16&steps=6&to_sampler=ddpm")).shape == (
        4 * 16 + 3 * 4,
        6 * 16 + 5 * 4,
    )


def test_a_picture_at_a_time_is_the_prediction_of_the_nearest_step(diffusion_registry):
    found = opened(render("view=diffusion&seed=3&size=16&steps=10&time=0.42"))
    np.testing.assert_array_equal(found, imaging.to_bytes(0.5 + 0.1 * gain(10, until=6) * noise(3)[0])[..., 0])


def test_rows_hold_x_t_above_its_prediction(diffusion_registry):
    rows = diffusion.film(state("view=diffusion&what=trajectory&seed=3&steps=4"))
    assert rows.shape == (1, 2, 4, 16, 16, 1)
    shrink = np.cos((END - START) / 4)
    for i in range(4):
        np.testing.assert_allclose(rows[0, 0, i] / 255, np.clip(0.5 + 0.1 * shrink**i * noise(3)[0], 0, 1), atol=2 / 255)
        np.testing.assert_allclose(rows[0, 1, i] / 255, np.clip(0.5 + 0.1 * gain(4, until=i) * noise(3)[0], 0, 1), atol=2 / 255)


def test_films(diffusion_registry):
    film = Image.open(io.BytesIO(render("view=diffusion&what=trajectory&steps=6&size=16", "gif")))
    durations = []
    for i in range(film.n_frames):
        film.seek(i)
        durations.append(film.info["duration"])
    assert film.size == (32, 16)
    assert sum(durations) == (6 + 8) * 120  # the last one stays for a moment
    walk = Image.open(io.BytesIO(render("model=specks&what=strip&to=4&frames=3&steps=5&size=24", "gif")))
    assert (walk.n_frames, walk.size) == (3, (24, 24))
    assert render("view=diffusion&what=trajectory&steps=6&size=16", "mp4")[4:8] == b"ftyp"
    for what in ("picture", "grid", "steps", "forward"):
        with pytest.raises(StateError, match="a GIF shows a walk"):
            render(f"view=diffusion&what={what}&steps=2", "gif")
    with pytest.raises(StateError, match="what must be one of picture, trajectory"):
        render("view=diffusion&what=plane")


@pytest.mark.parametrize("steps", [1, 2])
def test_a_trajectory_of_hardly_any_steps_has_a_link_that_opens_again(diffusion_registry, steps):
    query = f"view=diffusion&what=trajectory&steps={steps}&size=16"
    film = Image.open(io.BytesIO(render(query, "gif")))
    assert film.n_frames == steps + 8
    full = state(query)
    assert views.opened(text(full), "diffusion") == (full, [])
    np.testing.assert_array_equal(opened(render(text(full))), opened(render(query)))
