"""The latent plane's server functions, called as a script would call them."""

import base64
import io
import threading
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from explorer import checkpoints, presets
from explorer.serving import calls, visitors
from explorer.views.calls import export_file
from explorer.views.faces.calls import encode_photo
from explorer.views.latent_plane import calls as plane
from explorer.views.latent_plane.pictures import DEFAULT_MODEL

WITHOUT_A_PLANE = [card["name"] for card in checkpoints.models() if "views" in card]


@pytest.mark.parametrize("name", WITHOUT_A_PLANE)
def test_a_model_without_a_plane_is_said_to_have_none(name):
    answer = plane.open_view(f"model={name}")
    assert f"{name} has no plane" in answer["problems"][0]
    assert answer["model"]["name"] == DEFAULT_MODEL


def test_the_plane_opens_with_its_own_model_where_a_link_wants_nothing_of_it():
    answer = plane.open_view("")  # what the page asks behind the models view, whose link is that view's
    assert answer["problems"] == []
    assert answer["model"]["name"] == DEFAULT_MODEL


def test_lists_travel_as_json_knows_them():
    state = plane.open_view("model=mnist-vae&z=0.5,-1&axes=1,0")["state"]
    assert (state["z"], state["axes"]) == ([0.5, -1], [1, 0])


@pytest.mark.parametrize("name", ["hf://anyone/huge", "stable_diffusion_3_medium", "judges/digits", "../mnist-vae"])
@pytest.mark.parametrize("function", [plane.draw_prior, plane.encode_picture, encode_photo])
def test_on_a_visitors_word_nothing_is_fetched_from_elsewhere(function, name, monkeypatch):
    monkeypatch.setattr(presets, "load", lambda *_: pytest.fail("it was loaded"))
    assert "error" in function({"model": name, "seed": 0, "picture": "data:image/png;base64,AAAA"})


def test_where_a_digit_was_found_is_told_and_the_square_chooses_another():
    page = Image.new("L", (600, 400), 220)
    for left in (100, 400):
        ImageDraw.Draw(page).line([(left, 100), (left + 90, 100), (left + 30, 260)], fill=30, width=18, joint="curve")
    noisy = np.clip(np.asarray(page) + np.random.default_rng(0).normal(0, 3, (400, 600)), 0, 255).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "PNG")
    request = {"model": "mnist-vae", "picture": base64.b64encode(file.getvalue()).decode()}
    first = plane.encode_picture(request)["page"]
    assert (first["width"], first["height"], first["plain"], len(first["things"])) == (600, 400, False, 2)
    for left in (100, 400):
        square = {"x": left + 45, "y": 180, "side": 240}
        told = plane.encode_picture({**request, "square": square})["page"]
        kept = np.frombuffer(base64.b64decode(told["kept"]), "uint8").reshape(told["kept_height"], told["kept_width"])
        columns = np.flatnonzero(kept.any(0)) * 600 / told["kept_width"]
        assert left - 20 < columns.min() < columns.max() < left + 110
        assert told["square"] == square
    assert "within the square" in plane.encode_picture({**request, "square": {"x": 300, "y": 40, "side": 40}})["error"]


def test_a_file_of_each_view_has_a_name():
    queries = {"model=mnist-vae&what=picture": "mnist-vae-picture.png", "view=why-a-vae&chapter=linear": "why-a-vae-linear.png",
               "view=why-a-vae&chapter=gans&model=fashion-gan": "fashion-gan-gans.png"}  # fmt: skip
    assert [export_file({"query": query, "ending": "png"})["name"] for query in queries] == list(queries.values())


def test_nobody_who_waits_for_his_turn_is_refused_but_one_who_asks_for_more_than_his_share():
    end, waiting, found = threading.Event(), [], []

    def ask(name):
        visitors.keep(visitors.Asker(name, "a school"))
        found.append(slow(None))

    slow = calls.answered(calls.in_turn(lambda _: end.wait(60)))
    for name in [*"abcdefghijklmnopqrst", *["greedy"] * 12]:
        waiting.append(threading.Thread(target=ask, args=[name]))
        waiting[-1].start()
    deadline = time.monotonic() + 30
    while len(calls._SHEETS._tickets) < len(waiting) and time.monotonic() < deadline:
        time.sleep(0.01)
    ask("greedy")
    assert "You have 12 of these" in found.pop()["error"]
    end.set()
    for thread in waiting:
        thread.join(20)
    assert found == [True] * len(waiting)
    visitors.keep(visitors.Asker())


def test_who_hangs_up_gets_no_turn():
    end, begun = threading.Event(), []
    slow = calls.answered(calls.in_turn(lambda _: (begun.append(1), end.wait(60))))
    gone = threading.Event()

    def ask(who):
        visitors.keep(who)
        slow(None)

    threads = [threading.Thread(target=ask, args=[visitors.Asker(name)]) for name in "aabbccdd"]
    threads.append(threading.Thread(target=ask, args=[visitors.Asker("late", gone=gone)]))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(begun) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    gone.set()
    threads[-1].join(20)
    assert not threads[-1].is_alive()
    end.set()
    for thread in threads:
        thread.join(20)
    assert len(begun) == 8
