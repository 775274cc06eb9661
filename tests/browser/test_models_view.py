"""The Models view: a card for each model, its numbers and its curves, from card.json."""

import json
import re

import pytest
from playwright.sync_api import expect

import explorer
from explorer import checkpoints


def open_models(view, name):
    view.page.goto(f"{view.url}/?view=models&model={name}")
    expect(view.page.locator("#models-card h2")).to_have_text(card(name)["title"])


def card(name):
    return json.loads((checkpoints.root() / name / "card.json").read_text("utf-8"))


def drawn(view):
    """The curves of the chart on screen: name -> values."""
    plot = view.page.locator("#models-curves .js-plotly-plot")
    plot.locator(".scatterlayer").wait_for(state="attached")
    return dict(plot.evaluate("plot => plot._fullData.map(curve => [curve.name, Array.from(curve.y)])"))


@pytest.mark.parametrize("name", ["mnist-vae", "fashion-ae"])
def test_a_card_shows_its_numbers_and_its_curves(view, name):
    open_models(view, name)
    expect(view.page.get_by_role("tab", name="Models")).to_have_attribute("aria-selected", "true")
    text, facts = view.page.locator("#models-card").inner_text(), card(name)
    for i, (part, layers) in enumerate(facts["architecture"].items()):
        table = view.page.locator("#models-card .lx-layers").nth(i)
        assert table.locator("caption").inner_text() == part
        rows = [row.split("\t") for row in table.locator("tbody tr").all_inner_texts()]
        assert [row[-1] for row in rows] == [f"{parameters:,}" for *_, parameters in layers]
        sides = [re.findall(r"\d+", shape.replace("None", "")) for _, _, shape, _ in layers]
        assert [re.findall(r"\d+", row[1].replace(",", "")) for row in rows] == sides
        assert rows[1][0] == "convolution, 3 × 3, stride 2, ReLU" if part == "encoder" else rows[1][0].startswith("dense")
        assert f"{facts['parameters'][part]:,}" == table.locator("tfoot td").last.inner_text()
        assert f"{part} {facts['parameters'][part]:,}" in text
    for word in (facts["source"], facts["licence"], facts["data"], *facts["known_failures"]):
        assert word in text
    for value in facts["metrics"].values():
        if isinstance(value, (int, float)):
            assert f"{value:,g}" in text
    curves = drawn(view)
    for key in ("loss", "reconstruction"):
        assert curves[key] == pytest.approx(facts["history"][key])
    view.until("location.search.slice(1) === argument", f"view=models&model={name}")


def test_another_model_can_be_chosen_and_is_in_the_link(view):
    open_models(view, "mnist-vae")
    first = drawn(view)
    view.page.get_by_role("combobox", name="Model").click()
    view.page.get_by_role("option", name="fashion-vae", exact=True).click()
    expect(view.page.locator("#models-card h2")).to_have_text(card("fashion-vae")["title"])
    view.until("location.search.slice(1) === 'view=models&model=fashion-vae'")
    view.eventually(lambda: drawn(view)["loss"] == pytest.approx(card("fashion-vae")["history"]["loss"]))
    assert drawn(view)["loss"] != first["loss"]


def test_every_model_and_judge_is_offered(view):
    open_models(view, "mnist-vae")
    view.page.get_by_role("combobox", name="Model").click()
    options = view.page.get_by_role("listbox").get_by_role("option")
    judges = {f"judges/{name}" for name in ("digits", "fashion", "faces", "faces_second", "flowers", "framing")}
    expected = {model["name"] for model in explorer.models()} | judges
    view.eventually(lambda: {name.strip(" ✓\n") for name in options.all_inner_texts()} == expected)


@pytest.mark.parametrize("link", [True, False])
def test_the_page_names_backend_and_device(app, page_of, link):
    page = page_of(app).page
    page.goto(f"{app.url}/?view=models" if link else app.url)
    if not link:
        page.get_by_role("tab", name="Models").click()
    expect(page.locator("#models-device")).to_contain_text(
        re.compile(r"Computed by TensorFlow on (the CPU \(\d+ cores\)|a GPU|\d)")
    )


def test_the_gallery_draws_what_is_in_sight_and_opens_a_card(view):
    view.page.goto(f"{view.url}/?view=models")
    first = view.page.locator("[data-samples=mnist-vae]")
    expect(first.locator("img")).to_be_visible()
    assert first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth / image.naturalHeight)") == 6
    item = view.page.locator("#models-gallery [data-model=fashion-vae]")
    expect(item).to_contain_text("real pictures")
    item.focus()
    view.page.keyboard.press("Enter")
    expect(view.page.locator("#models-card h2")).to_have_text(card("fashion-vae")["title"])
    expect(item).to_have_attribute("aria-current", "true")
    view.until("location.search.slice(1) === 'view=models&model=fashion-vae'")
    open_models(view, "fashion-ae")
    expect(view.page.locator("#models-gallery [data-model=fashion-ae]")).to_be_hidden()  # a link's card comes first
    view.page.get_by_text(re.compile(r"All \d+ models")).click()
    expect(view.page.locator("#models-gallery [data-model=fashion-ae]")).to_have_attribute("aria-current", "true")
