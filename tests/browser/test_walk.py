"""The walk from A to B: its frames are the decoded points of the path, worked out here."""

import numpy as np
import pytest
from playwright.sync_api import expect

import explorer
from explorer import checkpoints


@pytest.fixture
def strip(view):
    """`strip(n)`: the walk's frames once there are n of them, uint8 (n, h, w)."""

    def read(n, settled=lambda pictures: True):
        found = []

        def there():
            found[:] = view.page.evaluate(
                """() => [...document.querySelectorAll('.lx-strip canvas')].map(canvas =>
                    [canvas.height, canvas.width, ...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
                        .filter((_, i) => i % 4 === 0)])"""
            )
            return len(found) == n and settled(pictures())

        def pictures():
            return np.array([np.reshape(values[2:], values[:2]) for values in found])

        view.eventually(there)
        return pictures()

    return read


def close(one, other):
    """Equal but for the batch they were decoded in."""
    return np.abs(np.asarray(one, int) - np.asarray(other, int)).max() <= 1


def on_the_line(a, b, n):
    return np.round(np.linspace(a, b, n), 4)


def test_a_walk_between_two_points_that_were_chosen(view, strip, decoded):
    view.open("model=mnist-vae")
    a = view.drag((0, 0), (-1.5, -0.5))
    view.until_z(a, 1e-4)
    a = view.z
    view.do("set-a")
    b = view.drag((0, 0), (1.5, 1))
    view.until_z(b, 1e-4)
    b = view.z
    view.do("set-b")
    pictures = strip(9)
    assert (pictures[0] != pictures[-1]).any()
    for picture, z in zip(pictures, on_the_line(a, b, 9), strict=True):
        assert close(picture, decoded("mnist-vae", z))
    view.until(
        "link.get('from') === argument[0] && link.get('to') === argument[1]", [",".join(f"{v:g}" for v in z) for z in (a, b)]
    )
    view.page.get_by_role("button", name="4 of 9: go to this point").click()
    view.until_z(on_the_line(a, b, 9)[3].tolist(), 2e-4)
    assert close(view.shown(), pictures[3])
    view.do("end-walk")
    expect(view.page.locator(".lx-strip button")).to_have_count(0)
    view.until("!link.has('from') && !link.has('to')")


def test_the_number_of_frames_and_the_spherical_way(view, strip, decoded):
    view.open("model=mnist-vae&from=1.5,0&to=0,1.5")
    strip(9)
    view.page.get_by_role("textbox", name="frames").fill("220")
    view.page.get_by_role("textbox", name="frames").blur()
    assert close(strip(220)[-1], decoded("mnist-vae", [0, 1.5]))
    view.page.get_by_role("textbox", name="frames").fill("5")
    view.page.get_by_role("textbox", name="frames").blur()
    assert close(strip(5)[2], decoded("mnist-vae", [0.75, 0.75]))
    view.page.locator("#latent-plane [data-set=kind]").select_option("slerp")
    half = round(1.5 * np.sqrt(0.5), 4)  # a quarter circle of radius 1.5
    round_the_corner = decoded("mnist-vae", [half, half])
    pictures = strip(5, lambda pictures: close(pictures[2], round_the_corner))
    assert close(pictures[0], decoded("mnist-vae", [1.5, 0]))
    assert close(pictures[-1], decoded("mnist-vae", [0, 1.5]))
    view.until("link.get('kind') === 'slerp' && link.get('frames') === '5'")


def test_even_steps_change_the_picture_evenly(view, strip, decoded):
    view.open("model=mnist-vae&from=-2.5,-1.5&to=2.5,1.5")

    def spread(pictures):
        steps = np.sqrt(np.square(np.diff(pictures / 255, axis=0)).mean((1, 2)))
        return steps.std() / steps.mean()

    plain = strip(9)
    view.page.get_by_label("even steps in the picture").check()
    even = strip(9, lambda pictures: (pictures != plain).any())
    assert spread(even) < 0.75 * spread(plain)
    assert close(even[0], decoded("mnist-vae", [-2.5, -1.5]))
    assert close(even[-1], decoded("mnist-vae", [2.5, 1.5]))


def test_there_and_back_is_a_loop(view, strip, decoded):
    view.open("model=mnist-vae&from=-1,-1&to=1,1&frames=8")
    plain = strip(8)
    view.page.get_by_label("there and back").check()
    loop = strip(8, lambda pictures: (pictures != plain).any())
    for picture, part in zip(loop, (0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25), strict=True):
        assert close(picture, decoded("mnist-vae", [2 * part - 1] * 2))


def test_playing_shows_the_frames_and_stopping_the_point_again(view, strip, decoded):
    query = view.open("model=mnist-vae&z=0.5,0.5&from=-2,-1&to=1,1")
    pictures = strip(9)
    view.do("play")
    view.until("$('.lx-strip :nth-child(3).lx-now')")
    view.eventually(lambda: any((view.shown() == picture).all() for picture in pictures))
    view.do("play")
    point = decoded("mnist-vae", [0.5, 0.5])
    view.eventually(lambda: (view.shown() == point).all())
    assert view.page.locator(".lx-now").count() == 0
    assert view.query() == query


def test_a_drag_ends_the_film(view, strip, decoded):
    view.open("model=mnist-vae&z=0.5,0.5&from=-2,-1&to=1,1")
    strip(9)
    view.do("play")
    view.until("$('.lx-now')")
    view.until_z(view.drag((0, -1), (2, -2)), 1e-4)
    expect(view.page.locator("[data-do=play]")).to_have_text("Play")
    assert (view.shown() == decoded("mnist-vae", view.z)).all()


def test_the_ends_of_a_walk_can_be_dragged(view, strip, decoded):
    view.open("model=mnist-vae&z=2,2&from=-1,-1&to=1,1")
    strip(9)
    end = view.drag((1, 1), (1.5, -1))
    expected = decoded("mnist-vae", np.round(end, 4))
    view.until("link.get('to')?.split(',').every((value, i) => Math.abs(value - argument[i]) < 1e-3)", list(end))
    strip(9, lambda pictures: np.abs(pictures[-1] - expected.astype(int)).max() <= 2)
    assert view.z == [2, 2], "the point stays"


def test_the_walk_from_trousers_to_sweaters(view, strip, decoded):
    view.open("model=fashion-vae-10d")
    named = checkpoints.card("fashion-vae-10d")["walks"][0]
    assert named["title"] == "From trousers to sweaters"
    assert [i for i in range(10) if named["z"][i] != named["to"][i]] == [named["axis"]], "one axis, all else still"
    view.page.get_by_role("button", name=named["title"]).click()
    pictures = strip(9)
    for picture, z in zip(pictures, on_the_line(named["z"], named["to"], 9), strict=True):
        assert close(picture, decoded("fashion-vae-10d", z))
    view.until("link.get('axes')?.startsWith(argument)", f"{named['axis']},")
    ends = pictures[[0, -1]][..., None] / 255
    judge = explorer.judge("fashion")
    seen = judge(ends.astype("float32")).argmax(-1)
    assert [judge.classes[i] for i in seen] == ["Trouser", "Pullover"]


def test_a_link_to_a_walk_without_a_beginning_shows_its_end_alone(view, page_of, app):
    view.open("model=mnist-vae&z=1,0.5")
    view.do("set-b")
    view.until("link.get('to') === '1,0.5'")
    view.drag((0, 0), (-1, -1))
    view.until("link.get('z')?.startsWith('-1,')")
    other = page_of(app)
    assert other.open(view.query()) == view.query()
    expect(other.page.locator(".lx-walk-hint")).to_be_visible()
    expect(other.page.locator(".lx-strip button")).to_have_count(0)
    view.eventually(lambda: (other.marks() == view.marks()).all())


def test_undo_goes_on_past_a_walk_without_a_beginning(view):
    view.open("model=mnist-vae&z=1,0.5")
    view.do("set-b")
    view.until("link.get('to') === '1,0.5'")
    view.drag((0, 0), (-1, -1))
    view.until("link.get('z')?.startsWith('-1,')")
    for _ in range(3):
        view.page.locator("[data-do=undo]:visible").evaluate("button => button.click()")  # nothing happens once it is disabled
        view.rest()
    view.until("!link.has('to') && link.get('z') === '1,0.5'")
