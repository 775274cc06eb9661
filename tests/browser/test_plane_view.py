"""Dragging, sliders, the wheel, axes, veil and legend. The oracle is this process's own decoder and its own arithmetic."""

from statistics import NormalDist

import numpy as np
import pytest
from driver import count
from playwright.sync_api import expect

import explorer
from explorer import checkpoints, state, views
from explorer.views.latent_plane import pictures as plane_pictures

SAME, OTHER = 3, 7  # of `apart`: less is JPEG and the browser's own scaling, more is another picture


def blocks(picture, n=90):
    """Means over n x n blocks, those at the edges (where the axes are labelled) left out."""
    edges = np.linspace(0, len(picture), n + 1).round().astype(int)
    sums = np.add.reduceat(np.add.reduceat(picture.astype("float64"), edges[:-1], 0), edges[:-1], 1)
    return (sums / np.outer(np.diff(edges), np.diff(edges)).reshape(n, n, *[1] * (picture.ndim - 2)))[6:-6, 6:-6]


def apart(one, other):
    """How different two pictures of the plane are: root mean square of their blocks, in 1/255."""
    return float(np.sqrt(np.square(blocks(one) - blocks(other)).mean()))


def figure(view, query):
    """The plane as `render` draws it, as large as the one on screen."""
    return plane_pictures.figure(views.complete(state.parse_strictly(query)), len(view.base())).astype(int)


def test_dragging_decodes_the_point_under_the_pointer(view, decoded):
    view.open("model=mnist-vae")
    before = view.shown()
    end = view.drag((-1.5, -1.0), (0.2, 0.3), (0.9, -0.4))
    view.until_z(end, 1e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert (view.shown() != before).mean() > 0.1


def test_the_picture_follows_while_the_button_is_still_down(view, decoded):
    view.open("model=fashion-vae")
    view.page.mouse.move(*view.at(-1.5, 0))
    view.page.mouse.down()
    seen = []
    for x in (-1.0, 0.0, 1.0, 1.8):
        place = view.at(x, 0.5)
        view.page.mouse.move(*place)
        view.until_z(view.under(*place), 1e-4)
        seen.append(view.shown(32))
        assert (seen[-1] == decoded("fashion-vae", view.z)).all()
    assert all((one != other).any() for one, other in zip(seen, seen[1:], strict=False))
    view.page.mouse.up()


def test_sliders_fields_and_plane_show_one_point(view, decoded):
    view.open("model=mnist-vae&z=0.5,-0.5")
    slider, field = view.page.get_by_label("z0", exact=True), view.page.get_by_label("z1 as a number")
    expect(slider).to_have_value("0.5")
    expect(field).to_have_value("-0.500")
    slider.fill("-1.25")
    view.until_z([-1.25, -0.5])
    assert (view.shown() == decoded("mnist-vae", [-1.25, -0.5])).all()
    field.fill("1.5")
    view.until_z([-1.25, 1.5])
    assert (view.shown() == decoded("mnist-vae", [-1.25, 1.5])).all()
    end = view.drag((0, 0), (2, 1))
    view.until_z(end, 1e-4)
    expect(slider).to_have_value(f"{end[0]:.2f}".rstrip("0").rstrip("."))
    expect(field).to_have_value(f"{view.z[1]:.3f}")


def test_the_cursor_stands_at_the_point(view):
    view.open("model=mnist-vae&z=1.5,-0.75")
    side = view.plane.bounding_box()["width"]
    assert view.cursor() == pytest.approx(((1.5 / 3 + 1) * side / 2, (0.75 / 3 + 1) * side / 2), abs=1.5)


def test_the_cursor_goes_with_the_pointer_and_nothing_else_is_painted(view):
    view.open("model=mnist-vae&z=1.5,-0.75")
    view.eventually(lambda: view.calls("plane_backdrop"))
    view.page.evaluate("""() => {
        window.painted = [];
        for (const name of ["clearRect", "fillRect", "arc"]) {
            const paint = CanvasRenderingContext2D.prototype[name];
            CanvasRenderingContext2D.prototype[name] = function (...where) { painted.push(this.canvas.className || name); return paint.apply(this, where); };
        }
    }""")  # fmt: skip
    box = view.plane.bounding_box()
    for _ in range(3):  # what was still on its way may be painted during a first drag
        view.page.mouse.move(*view.at(0, 0))
        view.page.evaluate("painted.length = 0")
        view.page.mouse.down()
        for point in ((-2, 1), (0.3, 0.3), (2.5, -2.5)):
            x, y = view.at(*point)
            view.page.mouse.move(x, y, steps=5)
            view.until_z(view.under(x, y), 1e-4)
            assert view.cursor() == pytest.approx((x - box["x"], y - box["y"]), abs=1.5)
        view.page.mouse.up()
        if not view.page.evaluate("painted.length"):
            break
    assert view.page.evaluate("painted") == []
    assert not view.marks().any()
    view.do("zoom-out")  # the map shrinks under the cursor, which stays at its point
    view.until("Math.abs(link.get('extent') - argument) < 1e-3", 3 / 0.7)
    half = box["width"] / 2
    expected = half * (1 + view.z[0] * 0.7 / 3), half * (1 - view.z[1] * 0.7 / 3)
    view.eventually(lambda: view.cursor() == pytest.approx(expected, abs=1.5))


def test_the_backdrop_is_the_decoded_plane(view):
    query = view.open("model=mnist-vae&points=0")
    expected = figure(view, query)
    view.eventually(lambda: apart(view.base(), expected) < SAME)
    assert apart(expected, 0 * expected) > OTHER, "there is something to compare"


def test_the_wheel_zooms_about_the_pointer_and_the_plane_is_decoded_anew(view):
    view.open("model=mnist-vae&points=0")
    view.eventually(lambda: view.base().max() > 100)
    place = view.at(1, 0.5)
    x, y = view.under(*place)
    view.page.mouse.move(*place)
    for _ in range(4):
        view.page.mouse.wheel(0, -60)
    extent = 3 * np.exp(-0.96)
    center = x - x * extent / 3, y - y * extent / 3
    view.until("Math.abs(link.get('extent') - argument) < 1e-3", extent)
    assert [float(c) for c in view.link("center").split(",")] == pytest.approx(center, abs=2e-3)
    query = view.query()
    view.eventually(lambda: any(f"extent={view.link('extent')}&" in asked for asked in view.calls("plane_backdrop")))
    expected = figure(view, query)
    view.eventually(lambda: apart(view.base(), expected) < SAME)
    assert apart(figure(view, "model=mnist-vae&points=0"), expected) > OTHER, "the zoomed plane is another picture"
    view.do("home")
    view.until("!link.has('extent') && !link.has('center')")


def test_shift_drag_moves_the_map_and_not_the_point(view):
    view.open("model=mnist-vae&z=0.5,0.5")
    start, stop = view.at(0, 0), view.at(-1, 0.5)
    view.page.keyboard.down("Shift")
    view.page.mouse.move(*start)
    view.page.mouse.down()
    view.page.mouse.move(*stop, steps=5)
    view.page.mouse.up()
    view.page.keyboard.up("Shift")
    (x0, y0), (x1, y1) = view.under(*start), view.under(*stop)
    view.until("link.get('center')?.split(',').every((value, i) => Math.abs(value - argument[i]) <= 2e-3)", [x0 - x1, y0 - y1])
    assert view.z == [0.5, 0.5]


def test_axes_in_p_values(view, decoded):
    view.open("model=mnist-vae&z=0.5,-1")
    view.page.get_by_label("axes in").select_option("p")
    view.until("link.get('scale') === 'p'")
    assert view.z == [0.5, -1], "the point stays where it is"
    place = view.at(0.2, 0.9, (0.5, 0.5), 0.5)
    p = view.under(*place, (0.5, 0.5), 0.5)
    view.page.mouse.click(*place)
    view.until_z([NormalDist().inv_cdf(share) for share in p], 2e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    view.page.get_by_role("button", name="hide points").click()
    view.until("link.get('points') === '0'")
    expected = figure(view, view.query())
    view.eventually(lambda: apart(view.base(), expected) < SAME)


@pytest.mark.parametrize("veil", ["data", "normal"])
def test_the_veil_darkens_where_the_model_guesses(view, veil):
    bare = view.open("model=mnist-vae&points=0")
    view.page.get_by_label("veil").select_option(veil)
    view.until("link.get('veil') === argument", veil)
    veiled = figure(view, view.query())
    view.eventually(lambda: apart(view.base(), veiled) < SAME)
    unveiled = figure(view, bare)
    assert apart(unveiled, veiled) > OTHER
    view.page.get_by_label("veil").select_option("none")
    view.eventually(lambda: apart(view.base(), unveiled) < SAME)
    view.until("!link.has('veil')")


def test_the_legend_hides_and_shows_classes(view):
    view.open("model=mnist-vae")
    names = explorer.models()[0]["classes"]
    legend = view.page.get_by_role("group", name="Classes of the encodings")
    coloured = [
        i for i, colour in enumerate(plane_pictures.PALETTE) if len({colour[1:3], colour[3:5], colour[5:]}) > 1
    ]  # digits are grey

    def counts():
        base = view.base()
        return {i: count(base, plane_pictures.PALETTE[i]) for i in coloured}

    view.eventually(lambda: min(counts().values()) > 0)
    before = counts()
    legend.get_by_role("button", name=names[3], exact=True).click()
    view.eventually(lambda: counts()[3] == 0)
    assert all(now > 0.97 * before[i] for i, now in counts().items() if i != 3)
    view.until("link.get('hidden') === '3'")
    expect(legend.get_by_role("button", name=names[3], exact=True)).to_have_attribute("aria-pressed", "false")
    legend.get_by_role("button", name="hide points").click()
    view.eventually(lambda: max(counts().values()) == 0)
    legend.get_by_role("button", name="show points").click()
    view.eventually(lambda: counts() == before)


def test_points_stand_where_the_encodings_are(view):
    """Of one class alone: every coloured pixel is near an encoding of it, and every encoding in sight has one."""
    view.open("model=mnist-vae&hidden=1,2,3,4,5,6,7,8,9&center=0,0&extent=2")
    view.eventually(lambda: count(view.base(), plane_pictures.PALETTE[0]) > 0)
    base = view.base()
    codes = checkpoints.encodings("mnist-vae")
    at = (codes.z_mean[codes.labels == 0] * (1, -1) / 2 + 1) * len(base) / 2
    inside = at[((at > 40) & (at < len(base) - 40)).all(1)]
    pixels = np.argwhere((base == [0x56, 0xB4, 0xE9]).all(-1))[:, ::-1] + 0.5
    gaps = np.abs(inside[:, None] - pixels[None]).max(-1)
    assert len(inside) > 5
    assert gaps.min(1).max() < 4
    assert np.abs(at[:, None] - pixels[None]).max(-1).min(0).max() < 4


def test_a_second_model_beside(view, decoded):
    view.open("model=fashion-vae")
    view.page.get_by_label("beside the plain autoencoder").check()
    second = view.page.locator(".lx-second [role=application]")
    expect(second).to_be_visible()
    view.until("link.get('beside') === 'fashion-ae'")
    card = checkpoints.card("fashion-ae")
    small = ".lx-second .lx-caption canvas"
    view.eventually(lambda: (view.shown(32, small) == decoded("fashion-ae", card["view"]["z"])).all())
    expect(view.page.locator(".lx-second .lx-caption span")).to_have_text(card["title"])
    second.focus()
    view.page.keyboard.press("ArrowRight")
    moved = [round(card["view"]["z"][0] + 0.02 * card["view"]["extent"], 4), card["view"]["z"][1]]
    view.eventually(lambda: (view.shown(32, small) == decoded("fashion-ae", moved)).all())
    assert view.link("model") == "fashion-vae"
    view.page.get_by_label("beside the plain autoencoder").uncheck()
    expect(second).to_be_hidden()


def test_the_sliders_of_a_series_change_the_model_and_keep_the_point(view, decoded):
    view.open("model=mnist-vae&z=0.4,0.8")
    weights = sorted((card["series"][1], card["name"]) for card in explorer.models() if (card["series"] or [""])[0] == "KL weight")
    assert [weight for weight, _ in weights] == [0, 0.5, 1, 4]
    for position, (weight, other) in reversed(list(enumerate(weights))):
        name = "mnist-vae" if weight == 1 else other  # moved back, it is at the model that it left
        slider = view.page.get_by_role("slider", name="KL weight in the loss")
        slider.fill(str(position))
        view.until_z([0.4, 0.8])
        view.until("link.get('model') === argument", name)
        view.rest()
        expect(slider).to_have_attribute("aria-valuetext", f"{weight:g}")
        assert (view.shown() == decoded(name, [0.4, 0.8])).all()
        expect(view.page.get_by_role("radio", name="Digits · VAE")).to_be_checked()


def test_the_slider_over_the_epochs_of_a_training_run(view, decoded):
    view.open("model=mnist-vae&z=0.4,0.8")
    epochs = sorted((card["series"][1], card["name"]) for card in explorer.models() if (card["series"] or [""])[0] == "epoch")
    assert len(epochs) >= 5
    assert epochs[0] == (0, "mnist-vae-epoch-00")
    pictures = []
    for position in (0, len(epochs) // 2, len(epochs)):
        view.page.get_by_role("slider", name="epochs of training").fill(str(position))
        name = epochs[position][1] if position < len(epochs) else "mnist-vae"
        view.until("link.get('model') === argument", name)
        view.rest()
        pictures.append(view.shown())
        assert (pictures[-1] == decoded(name, [0.4, 0.8])).all()
    assert (pictures[0] != pictures[2]).mean() > 0.5


def test_ten_dimensions_on_two_axes(view, decoded):
    view.open("model=fashion-vae-10d")
    card = checkpoints.card("fashion-vae-10d")
    z = card["view"]["z"]
    alive = [axis for axis in range(10) if axis not in card["dead_axes"]]
    options = view.page.get_by_label("across").locator("option")
    assert options.all_inner_texts() == [f"z{i} (dead)" if i in card["dead_axes"] else f"z{i}" for i in range(10)]
    i, j = alive[-1], alive[-2]
    view.page.get_by_label("across").select_option(str(i))
    view.page.get_by_role("combobox", name="up", exact=True).select_option(str(j))
    view.until("link.get('axes') === argument", f"{i},{j}")
    center, extent = card["view"]["center"], card["view"]["extent"]
    place = view.at(center[0] + 1, center[1] - 1, center, extent)
    view.page.mouse.click(*place)
    expected = list(z)
    expected[i], expected[j] = view.under(*place, center, extent)
    view.until_z(expected, 1e-4)
    assert (view.shown() == decoded("fashion-vae-10d", view.z)).all()


def test_two_axes_chosen_before_the_server_answers_are_both_kept_and_who_is_overtaken_changes_nothing(view):
    view.open("model=fashion-vae-10d&axes=0,1")
    held = []
    view.page.route("**/component_server/", lambda route: held.append(route) if "open_view" in route.request.post_data else
                    route.continue_())  # fmt: skip
    across = view.page.get_by_label("across")
    across.select_option("3")
    view.page.get_by_role("combobox", name="up", exact=True).select_option("4")
    view.eventually(lambda: len(held) == 2)
    for route in reversed(held):
        route.continue_()
        view.until("link.get('axes') === '3,4'")
    view.quiet(500)
    assert view.link("axes") == "3,4"
    expect(across).to_have_value("3")


def test_the_plane_of_ten_dimensions_goes_through_the_point(view):
    query = view.open("model=fashion-vae-10d&points=0&axes=0,1")
    before = figure(view, query)
    view.eventually(lambda: apart(view.base(), before) < SAME)
    alive = [i for i in range(2, 10) if i not in checkpoints.card("fashion-vae-10d")["dead_axes"]]
    view.page.get_by_text("the other 8 dimensions").click()
    view.page.get_by_label(f"z{alive[0]}", exact=True).fill("2.5")
    view.until("+link.get('z').split(',')[argument] === 2.5", alive[0])
    after = figure(view, view.rest())
    view.eventually(lambda: apart(view.base(), after) < SAME)
    assert apart(after, before) > OTHER


def test_examples_lead_where_they_say(view, decoded):
    view.open("model=mnist-vae")
    examples = checkpoints.card("mnist-vae")["examples"]
    chips = view.page.get_by_role("region", name="Good places to start").get_by_role("button")
    assert 4 <= len(examples) <= 6
    expect(chips).to_have_text([example["title"] for example in examples])
    for i, example in enumerate(examples):
        chips.nth(i).click()
        view.until("argument[1] ? link.get('to') === argument[1] : link.get('z') === argument[0] && !link.has('to')",
                   [state.KEYS["z"].write(example["z"]), example.get("to") and state.KEYS["z"].write(example["to"])])  # fmt: skip
        view.until_z(example["z"])
        assert (view.shown() == decoded("mnist-vae", example["z"])).all()
        chip, picture = f".lx-chip:nth-child({i + 1}) canvas", decoded("mnist-vae", example["z"])
        view.eventually(lambda c=chip, p=picture: (view.canvas(c)[..., 0] == p).all())


def test_surprise_me_draws_from_the_prior(view, decoded):
    view.open("model=mnist-vae&z=0,0")
    points = []
    for n in (1, 2):
        view.do("dice")
        view.eventually(lambda n=n: len(view.calls("draw_prior")) == n)
        points.append(np.round(explorer.load("mnist-vae").prior(1, seed=view.calls("draw_prior")[-1]["seed"])[0], 4))
        view.until_z(points[-1].tolist(), 1e-6)
        assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert (points[0] != points[1]).all()


def test_undo_goes_back_step_by_step(view, decoded):
    view.open("model=mnist-vae&z=0.5,0.5")
    undo = view.page.locator("[data-do=undo]")
    expect(undo).to_be_disabled()
    first = view.until_z(view.drag((0, 0), (1, 1)), 1e-4)
    view.until_z(view.drag((1, 1), (-1, 1)), 1e-4)
    view.page.get_by_role("radio", name="Clothes · VAE", exact=True).click()
    view.until("link.get('model') === 'fashion-vae'")
    view.rest()
    view.do("undo")
    view.until("link.get('model') === 'mnist-vae'")
    view.rest()
    view.do("undo")
    view.until("location.search.slice(1) === argument", first)
    view.rest()
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    view.do("undo")
    view.until_z([0.5, 0.5])
    assert (view.shown() == decoded("mnist-vae", [0.5, 0.5])).all()
    expect(undo).to_be_disabled()


def test_a_point_that_was_kept_can_be_come_back_to(view, decoded):
    view.open("model=mnist-vae&z=0.25,-0.75")
    view.do("keep")
    kept = view.page.get_by_role("region", name="Points you kept")
    expect(kept).to_be_visible()
    assert (view.canvas(".lx-kept canvas")[..., 0] == decoded("mnist-vae", [0.25, -0.75])).all()
    view.page.get_by_role("radio", name="Clothes · VAE", exact=True).click()
    view.until("link.get('model') === 'fashion-vae'")
    view.rest()
    kept.get_by_role("button", name="Go back to mnist-vae, z 0.25, −0.75").click()
    view.until("link.get('model') === 'mnist-vae'")
    view.until_z([0.25, -0.75])
    assert (view.shown() == decoded("mnist-vae", [0.25, -0.75])).all()
    kept.get_by_role("button", name="Remove mnist-vae, z 0.25, −0.75").click()
    expect(kept).to_be_hidden()


def test_the_keras_code_on_the_page_makes_the_picture_on_the_page(view, tmp_path, fresh_python, monkeypatch):
    view.open("model=mnist-vae&z=0.31,-0.62")
    view.page.get_by_text("As Keras code").click()
    code = view.page.locator(".lx-folds code").inner_text()
    assert "0.31, -0.62" in code
    folder = tmp_path / "checkpoints"
    folder.symlink_to(checkpoints.root().resolve())
    ran = fresh_python(f"import os; os.chdir({str(tmp_path)!r})\n{code.replace('# the same', 'first = picture  # the same')}\n"
                       f"np.savez('pictures.npz', first=first, second=picture)")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    pictures = np.load(tmp_path / "pictures.npz")
    for name in ("first", "second"):
        assert np.abs(np.rint(pictures[name][..., 0] * 255) - view.shown()).max() <= 1
