"""What every view has: headings in their order, titles, tabs in sight, nothing on what one reads, controls that axe finds no fault
with, light and dark, and a focus that is never lost."""

import json

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# each view, in its cheapest state, and what must be there; what else there is to see in it, by the selector of its button
VIEWS = {
    "latent-plane": ("model=mnist-vae&from=-1,-1&to=1,1&frames=3", []),
    "faces": ("face=0", []),
    "morph": ("frames=3&n=2", ["[data-count='4']", "[data-count='3']"]),
    "diffusion": ("model=fashion-ddpm&steps=1", ["[data-what=samplers]", "[data-what=strip]", "[data-what=forward]", "[data-what=grid]"]),
    "text-to-image": ("steps=1&frames=2&what=picture&prompt=a%20rose", ["[data-what=strip]", "[data-what=plane]"]),
    "why-a-vae": ("chapter=linear", [f"button[data-chapter={name}]" for name in
                  ("deeper", "denoising", "sparse", "codings", "holes", "labels", "gans", "arithmetic")]),
    "models": ("model=mnist-vae", []),
}  # fmt: skip
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .filter(heading => heading.checkVisibility()).map(heading => [+heading.tagName[1], heading.innerText.trim()])"""
UNTITLED = """view => [...document.querySelectorAll(`#${view} .lx-input, #${view} .lx-output`)]
    .filter(box => box.checkVisibility() && box.innerText.trim() && ![...box.querySelectorAll('h2')].some(title =>
        title.checkVisibility() && title.innerText.trim())).map(box => box.getAttribute('aria-label'))"""
# Buttons that touch the next one, and menus whose choice is cut off.
CRAMPED = """view => {
    const seen = [...document.querySelectorAll(`#${view} :is(.lx-buttons, .lx-tools, .lx-actions) :is(button, .lx-button)`)]
        .filter(one => one.checkVisibility({ visibilityProperty: true })).map(one => [one.innerText.trim(), one.getBoundingClientRect()]);
    const apart = (a, b) => Math.max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom);
    const touching = seen.flatMap(([words, box], i) => seen.slice(i + 1).filter(other => apart(box, other[1]) < 3)
        .map(other => `${words} / ${other[0]}`));
    const brush = document.createElement('canvas').getContext('2d');
    const cut = [...document.querySelectorAll(`#${view} select`)].filter(one => one.checkVisibility() && one.selectedOptions[0]).filter(one => {
        const { font, paddingLeft, paddingRight } = getComputedStyle(one);
        brush.font = font;
        return brush.measureText(one.selectedOptions[0].text).width > one.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) + 2;
    }).map(one => one.selectedOptions[0].text);
    return [...touching, ...cut];
}"""


def open_view(view, name, more=""):
    """Go to a view's cheapest state; back when it is there."""
    view.page.goto(f"{view.url}/?view={name}&{VIEWS[name][0]}{more}")
    if name == "models":
        expect(view.page.locator("#models-curves .js-plotly-plot")).to_be_visible()
    else:
        view.page.locator(f"#{name} .lx[data-ready=yes]").wait_for(state="attached")


def parts(view, name):
    """Each thing that there is to see in a view, one after the other."""
    open_view(view, name)
    yield VIEWS[name][0]
    for button in VIEWS[name][1]:
        view.page.locator(f"#{name} {button}").click()
        expect(view.page.locator(f"#{name} {button}")).to_have_attribute("aria-checked", "true")
        view.until("document.querySelector(argument).dataset.ready === 'yes'", f"#{name} .lx")
        yield button


@pytest.mark.parametrize("name", VIEWS)
def test_headings_titles_and_axe(app, page_of, axe, name):
    view = page_of(app)
    for part in parts(view, name):
        check(view, axe, part)
        assert view.page.evaluate(UNTITLED, name) == [], part
        assert view.page.evaluate(CRAMPED, name) == [], part


def check(view, axe, part):
    """Headings in their order, and no fault that axe finds, light and dark."""
    levels = [level for level, _ in view.page.evaluate(HEADINGS)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), (part, levels)
    for scheme, found in view.faults(axe):
        assert found == [], f"{part}, {scheme}: {json.dumps(found, indent=1)}"


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("view=latent-plane&model=mnist-vae&inside=1", ".lx-inside[data-shown]"),
        ("view=latent-plane&model=mnist-vae&quiz=7", ".lx-answers button"),
        ("view=diffusion&model=fashion-ddpm&steps=2&inside=1", ".lx-levels[data-shown]"),
        ("view=models", "#models-gallery [data-drawn]"),
    ],
)
def test_axe_finds_no_fault_with_what_is_unfolded_either(app, page_of, axe, query, there):
    view = page_of(app)
    view.page.goto(f"{view.url}/?{query}")
    expect(view.page.locator(there).first).to_be_visible()
    check(view, axe, query)


def test_cards_beside_each_other_begin_at_one_height(app, page_of):
    view = page_of(app, viewport={"width": 1920, "height": 1080})
    view.page.goto(f"{view.url}/?view=models")
    expect(view.page.locator("#models-gallery .lx-catalogue section button").first).to_be_visible()
    rows = view.page.evaluate("""() => Object.values(Object.groupBy(document.querySelectorAll('.lx-catalogue section'),
        section => section.getBoundingClientRect().top)).map(row => row.map(one => one.querySelector('button').getBoundingClientRect().top))""")
    assert max(len(row) for row in rows) > 3
    assert all(len(set(row)) == 1 for row in rows), rows


def test_what_is_told_late_moves_no_picture(app, page_of):
    view = page_of(app)
    open_view(view, "faces")
    top = "document.querySelector('#faces .lx-output .lx-picture').getBoundingClientRect().top"
    before = view.page.evaluate("document.querySelector('#faces .lx-sharp').textContent = '';" + top)
    view.page.evaluate("document.querySelector('#faces .lx-speed').textContent = 'in this browser, 1234.5 ms'")
    assert view.page.evaluate("document.querySelector('#faces .lx-sharp').textContent = '· sharp in 12345 ms';" + top) == before


def test_all_tabs_are_in_sight_on_a_phone(app, page_of):
    view = page_of(app, **PHONE)
    open_view(view, "latent-plane")
    tabs = view.page.get_by_role("tab")
    assert tabs.count() == len(VIEWS)
    for tab in tabs.all():
        box = tab.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    expect(view.page.locator("#views .overflow-menu:visible")).to_have_count(0)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_the_colours_mean_is_in_sight_with_the_points(app, page_of):
    view = page_of(app, viewport={"width": 1280, "height": 720})
    for name, more in (("latent-plane", ""), ("why-a-vae", "&chapter=codings")):
        view.page.goto(f"{view.url}/?view={name}{more}")
        legend = view.page.locator(f"#{name} .lx-legend button").last
        expect(legend).to_be_visible()
        plane = view.page.locator(f"#{name} .lx-plane").first.bounding_box()
        assert legend.bounding_box()["y"] + legend.bounding_box()["height"] <= 720
        assert plane["y"] + plane["height"] <= 720
        assert plane["width"] >= 480


def test_pictures_are_as_large_as_there_is_room(app, page_of):
    view = page_of(app, viewport={"width": 1280, "height": 720})
    for mode, widest in (("strip&to=1&frames=9&steps=1", 150), ("grid&n=12&steps=1", 120), ("steps", 150)):
        view.page.goto(f"{view.url}/?view=diffusion&model=fashion-ddpm&what={mode}")
        picture = view.page.locator(".lx-diffusion .lx-shown canvas").first
        expect(picture).to_be_visible()
        view.eventually(lambda p=picture, w=widest: p.bounding_box()["width"] >= w)


@pytest.mark.parametrize(
    ("query", "figure"), [("view=why-a-vae&chapter=linear", "#family-toy"), ("view=models&model=mnist-vae", "#models-curves")]
)
def test_nothing_lies_on_a_figure_and_its_symbols_are_no_letters(app, page_of, query, figure):
    view = page_of(app, **PHONE)
    view.page.goto(f"{view.url}/?{query}")
    plot = view.page.locator(f"{figure} .js-plotly-plot")
    expect(plot).to_be_visible()
    plot.scroll_into_view_if_needed()
    plot.hover(position={"x": 150, "y": 150})
    expect(plot.locator(".modebar:visible")).to_have_count(0)
    traces = plot.evaluate("plot => plot.data.map(({ type, mode }) => [type, mode])")
    assert traces
    assert [trace for trace in traces if trace[0] == "scatter3d" and trace[1] != "lines"] == []  # markers in space are letters


def test_the_place_of_a_drawing_is_a_press_away_on_a_phone(app, page_of):
    view = page_of(app, **PHONE)
    view.open("model=mnist-vae")
    pad = view.page.locator(".lx-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200, steps=6)
    view.page.mouse.up()
    view.page.get_by_role("button", name="Show the place on the plane").click()
    expect(view.plane).to_be_focused()
    view.until(
        "$('.lx-first .lx-plane').getBoundingClientRect().top >= 0 && $('.lx-first .lx-plane').getBoundingClientRect().bottom <= innerHeight"
    )


REACHED = """() => {
    (window.reached ??= []).push(document.activeElement);
    return document.activeElement === document.body;
}"""
MISSED = """() => [...document.querySelectorAll('button, select, textarea, input, summary, a[href], [tabindex="0"]')]
    .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0 && one.type !== 'file')
    .filter(one => !window.reached.includes(one)).map(one => one.outerHTML.slice(0, 140))"""
MOST_STOPS = 250


@pytest.mark.parametrize("name", VIEWS)
def test_every_control_by_the_tab_key_alone_and_back(app, page_of, name):
    view = page_of(app)
    for key in ("Tab", "Shift+Tab"):
        open_view(view, name)  # anew: a list that closes by itself leaves the place where Tab goes on from
        view.page.wait_for_load_state("networkidle")
        view.page.evaluate("window.reached = []")
        for _ in range(MOST_STOPS):
            view.page.keyboard.press(key)
            if view.page.evaluate(REACHED):
                break
        else:
            pytest.fail("the end of the page is never reached")
        assert view.page.evaluate(MISSED) == [], key


# What a key does to the control that has the focus, each of a kind once: [key, what it is], or none where it is left alone
ACT = """() => {
    const one = document.activeElement, { tagName, dataset, title, ariaLabel, textContent, type } = one;
    if (one.matches('[data-save], [data-do=link], [data-do=camera], [data-do=share], [data-present], [role=tab], a, label, [data-do=fetch]'))
        return null;
    const group = one.closest('[role=radiogroup], [role=group], .lx-legend, .lx-shelf, .lx-examples, .lx-sliders');
    const name = [tagName, type, dataset.do, dataset.set, group ? group.className + group.ariaLabel : ariaLabel || title || textContent].join(' ');
    if ((window.acted ??= new Set()).has(name)) return null;
    window.acted.add(name);
    const key = one.role === 'radio' || type === 'range' || one.role === 'application' ? 'ArrowRight' : type === 'checkbox' ? 'Space'
        : tagName === 'SELECT' ? 'ArrowDown' : 'Enter';
    return [key, name.slice(0, 90)];
}"""
# ... and whether the focus is on the body then, and stays there: for a moment it may be, while what has it is built anew
DROPPED = """async () => {
    const passed = time => new Promise(done => requestAnimationFrame(() => setTimeout(done, time)));
    for (const time of [30, 100, 300, 1000, 2000]) {
        await passed(time);
        if (document.activeElement !== document.body) return false;
    }
    return true;
}"""


@pytest.mark.parametrize("name", VIEWS)
def test_no_key_drops_the_focus(app, page_of, name):
    """Tab through all of a view, folds opened on the way, and each control used where one comes to it."""
    view = page_of(app, locale="en-GB")  # a context of its own, which may remember another language
    open_view(view, name)
    dropped, used = [], []
    for _ in range(MOST_STOPS):
        view.page.keyboard.press("Tab")
        if view.page.evaluate("document.activeElement === document.body"):
            break
        if act := view.page.evaluate(ACT):
            key, what = act
            view.page.keyboard.press(key)
            used.append(what)
            if view.page.evaluate(DROPPED):
                dropped.append(f"{key} on {what}")
    assert dropped == []
    assert len(used) > 5
