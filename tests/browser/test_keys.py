"""By keyboard alone: focus stays on what was chosen, a group of radio buttons is one Tab stop, keys work wherever one is."""

import pytest
from playwright.sync_api import expect

FAMILY = ".lx-family"


def focused(view):
    """What has the focus, as (tag, text)."""
    return tuple(view.page.evaluate("[document.activeElement.tagName, document.activeElement.textContent]"))


def test_the_focus_stays_on_the_chapter_that_was_chosen(view):
    view.page.goto(f"{view.url}/?view=why-a-vae&chapter=linear")
    view.page.locator(f"{FAMILY}[data-ready=yes]").wait_for()
    radios = view.page.locator(f"{FAMILY} .lx-chapters [role=radio]")
    radios.first.focus()
    for key, name, words in (("n", "deeper", "2 Deeper"), ("ArrowRight", "denoising", "3 Denoising"), ("ArrowLeft", "deeper", "2 Deeper"),
                             ("p", "linear", "1 Linear is PCA")):  # fmt: skip
        view.page.keyboard.press(key)
        view.until("link.get('chapter') === argument", name)
        view.eventually(lambda w=words: focused(view) == ("BUTTON", w))
    view.page.keyboard.press("Shift+Tab")
    assert focused(view)[1] != "1 Linear is PCA"
    view.page.keyboard.press("Tab")
    view.page.keyboard.press("Tab")
    assert view.page.evaluate("!document.activeElement.closest('[role=radiogroup]')"), "one Tab leaves the group"


@pytest.mark.parametrize("name", ["latent-plane", "morph", "diffusion", "why-a-vae"])
def test_each_group_is_one_tab_stop(view, name):
    view.page.goto(f"{view.url}/?view={name}")
    view.page.locator(f"#{name} .lx[data-ready=yes]").wait_for()
    groups = view.page.eval_on_selector_all(f"#{name} [role=radiogroup]", """groups => groups.filter(group => group.offsetParent)
        .map(group => [...group.querySelectorAll('[role=radio]')].map(radio => [radio.tabIndex, radio.ariaChecked]))""")  # fmt: skip
    assert groups
    for radios in groups:
        assert sorted(radios) == sorted([[0, "true"], *[[-1, "false"]] * (len(radios) - 1)])


def test_the_focus_stays_on_a_model_and_on_a_class(view):
    view.open("model=mnist-vae")
    model = view.page.get_by_role("radio", name="Clothes · VAE", exact=True)
    model.focus()
    view.page.keyboard.press("Enter")
    view.until("link.get('model') === 'fashion-vae'")
    view.rest()
    expect(model).to_be_focused()
    boot = view.page.locator(".lx-legend button", has_text="Ankle boot")
    boot.press("Enter")
    expect(boot).to_have_attribute("aria-pressed", "false")
    expect(boot).to_be_focused()


def test_the_focus_never_falls_to_the_body(view):
    view.open("model=mnist-vae&from=-1,-1&to=1,1")
    view.page.locator("[data-do=dice]:visible").press("Enter")
    view.until("!$('#latent-plane [data-do=undo]').disabled")
    view.page.locator("[data-do=undo]:visible").press("Enter")
    view.until("$('#latent-plane [data-do=undo]').disabled")
    view.until("document.activeElement.closest('.lx-actions')")
    view.page.locator("[data-do=end-walk]").press("Enter")
    view.until("!link.has('to')")
    view.until("document.activeElement.closest('.lx-walk')")
    view.page.locator("[data-do=keep]:visible").press("Enter")
    view.page.locator(".lx-away").press("Enter")
    view.until("document.activeElement !== document.body")


def test_keys_work_right_after_the_page_is_loaded_and_on_a_slider(view):
    before = view.open("model=mnist-vae&z=0.5,0.5")
    assert focused(view)[0] == "BODY"
    view.page.keyboard.press("r")
    view.until("location.search.slice(1) !== argument", before)
    random = view.rest()
    slider = view.page.get_by_role("slider", name="z0")
    slider.press("ArrowRight")
    view.until("location.search.slice(1) !== argument", random)
    slider.press("Control+z")
    view.until("location.search.slice(1) === argument", random)
    view.rest()
    slider.press("Control+z")
    view.until("location.search.slice(1) === argument", before)
    view.rest()
    slider.press("r")
    view.until("location.search.slice(1) !== argument", before)


def test_undo_moves_the_slider_that_has_the_focus(view):
    view.page.goto(f"{view.url}/?view=diffusion&steps=1")
    view.page.locator(".lx-diffusion[data-done]").wait_for(state="attached")
    slider = view.page.locator(".lx-diffusion [data-set=epsilon_scale]")
    before = slider.input_value()
    slider.press("ArrowLeft")
    view.until("link.has('epsilon_scale')")
    view.until("!$('.lx-diffusion [data-do=undo]').disabled")
    slider.press("Control+z")
    view.until("!link.has('epsilon_scale')")
    assert slider.input_value() == before
