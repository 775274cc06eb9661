"""The text-to-image view's server functions, called as a script would call them."""

import time
from urllib.parse import quote

import pytest

from explorer import presets
from explorer.serving import calls as serving
from explorer.views import calls as common
from explorer.views.text_to_image import calls


@pytest.fixture(autouse=True)
def _registry(text_registry):
    yield
    assert serving.JOBS.running() == 0, "nothing is left running"


@pytest.mark.parametrize(
    ("request_", "words"),
    [("view=text-to-image&steps=0", "steps must be"), ("view=text-to-image&frames=1", "frames must be"), (7, "a state is a string"),
     ("view=text-to-image&model=nobody", "no checkpoint 'nobody'"), ("view=text-to-image&model=mnist-vae", "knows no words")],
)  # fmt: skip
def test_bad_requests_are_answered_and_nothing_begins(request_, words):
    assert words in calls.start_drawing(request_)["error"]
    assert serving.JOBS.running() == 0


def test_a_walk_tells_its_titles_then_every_step_of_every_batch(follow):
    answer = calls.start_drawing("view=text-to-image&what=strip&frames=11&steps=3&to_prompt=a+zebra")
    assert answer["strange"]["to_prompt"] == ["zebra"]
    first, *rest = follow(answer["job"])
    assert (len(first["titles"]), first["total"], len(first["norms"]["slerp"])) == (11, 6, 33)
    assert [(event["first"], event["at"], len(event["pictures"])) for event in rest] == [
        (0, 1, 9), (0, 2, 9), (0, 3, 9), (0, 3, 9), (9, 4, 2), (9, 5, 2), (9, 6, 2), (9, 6, 2),
    ]  # fmt: skip
    assert [event.get("drawn", False) for event in rest] == [False] * 3 + [True] + [False] * 3 + [True]
    assert rest[2]["pictures"] == rest[3]["pictures"]  # the last preview is the result


@pytest.mark.filterwarnings("ignore::explorer.errors.PromptCut")  # as the page does
def test_what_is_cut_off_of_each_prompt_is_told(follow):
    long = "a photo of a rose, and a photo of a man"
    keys = ("prompt", "to_prompt", "below_prompt", "below_to_prompt", "negative_prompt")
    query = "view=text-to-image&what=plane&n=2&steps=1&" + "&".join(f"{key}={quote(long)}" for key in keys)
    first, *_ = follow(calls.start_drawing(query)["job"])
    assert first["cut"] == dict.fromkeys(keys, ("of", "a man"))
    first, *_ = follow(calls.start_drawing(f"view=text-to-image&steps=1&negative_prompt={'x' * 99}")["job"])
    assert first["cut"] == {"negative_prompt": ("", "x" * 99)}


@pytest.mark.filterwarnings("ignore::explorer.errors.PromptCut")
def test_what_is_cut_off_and_strange_in_the_stops_of_a_walk_is_told(follow):
    stops = quote("a rose\na zebra and a photo of a rose, and a photo of a man")
    answer = calls.start_drawing(f"view=text-to-image&what=strip&frames=2&steps=1&to_prompt=a+man&via_prompts={stops}")
    assert answer["strange"]["via_prompts 1"] == []
    assert answer["strange"]["via_prompts 2"] == ["zebra"]
    first, *_ = follow(answer["job"])
    assert list(first["cut"]) == ["via_prompts 2"]
    elsewhere = calls.start_drawing(f"view=text-to-image&what=plane&n=2&steps=1&via_prompts={stops}")
    assert follow(elsewhere["job"])[0]["cut"] == {}, "a plane has no stops"


def test_the_norms_are_those_of_the_way_through_the_stops(follow):
    whole = "view=text-to-image&what=strip&frames=2&steps=1&prompt=a+rose&to_prompt=a+man"
    straight, stopped = (follow(calls.start_drawing(whole + more)["job"])[0] for more in ("", "&via_prompts=a+boot"))
    last = lambda told: told["norms"]["slerp"][-1]  # noqa: E731
    assert last(straight) == pytest.approx(last(stopped), rel=1e-5)
    assert straight["angle"] == pytest.approx(stopped["angle"], rel=1e-5)
    half = follow(calls.start_drawing(whole.replace("a+man", "a+boot"))["job"])[0]
    assert stopped["norms"]["linear"][16] == pytest.approx(half["norms"]["linear"][-1], rel=1e-5)


def test_a_stopped_drawing_ends_soon():
    name = calls.start_drawing("view=text-to-image&what=strip&frames=30&steps=100")["job"]
    serving.run_news([name, 0])
    serving.stop_run(name)
    end = time.monotonic() + 60  # the step under way may be the first of its kind, which is compiled
    while serving.JOBS.running() and time.monotonic() < end:
        time.sleep(0.02)
    assert serving.JOBS.running() == 0


def test_a_link_that_asks_for_nonsense_opens_with_the_defaults():
    answer = calls.open_prompts("view=text-to-image&steps=900&prompt=a+man")
    assert "1 to 100" in answer["problems"][0]
    assert (answer["state"]["prompt"], answer["state"]["steps"]) == ("a man", 4), "it loses what does not fit, and that alone"
    answer = calls.open_prompts("view=text-to-image&guidance_scale=x&prompt=a+man")
    assert "guidance_scale must be" in answer["problems"][0]
    assert (answer["state"]["prompt"], answer["state"]["guidance_scale"]) == ("a man", 3.0)


def test_links_say_every_prompt():
    """What is among the defaults a page leaves out of its links, and a walk with one prompt left out is refused."""
    assert not {"prompt", "to_prompt", "below_prompt", "below_to_prompt"} & set(calls.open_prompts("what=strip")["defaults"])


@pytest.mark.filterwarnings("ignore::explorer.errors.PromptCut")  # as the page does
def test_a_preset_is_loaded_where_that_is_permitted_and_told_of(text_root, monkeypatch, follow):
    folder = str(text_root / "words")
    monkeypatch.setattr(presets, "_loaded", {})
    query = f"view=text-to-image&steps=1&model={quote(folder)}"
    request = {"name": folder, "image_size": None}
    monkeypatch.setenv(presets.PERMISSION, "another")
    assert "may not have" in calls.load_preset(request)["error"]
    monkeypatch.setenv(presets.PERMISSION, f"another, {folder}")
    assert "nothing is downloaded" in calls.start_drawing(query)["error"]
    assert calls.open_prompts(query)["wanted"] == {"model": folder, "image_size": None}
    assert calls.ask_preset(folder)["permitted"] is True
    events = follow(calls.load_preset(request)["job"])
    assert events[0] == {"fetched": 0}
    assert events[-1] == {"loaded": True}
    assert calls.open_prompts(query)["model"]["name"] == folder
    assert follow(calls.start_drawing(query)["job"])[-1]["drawn"]


def test_of_a_folder_that_may_not_be_loaded_nothing_is_told(text_root, monkeypatch):
    there, nowhere = str(text_root / "words"), str(text_root / "sword")
    monkeypatch.setattr(presets, "_loaded", {})
    monkeypatch.delenv(presets.PERMISSION, raising=False)
    for call in (calls.ask_preset, lambda name: calls.start_drawing(f"view=text-to-image&model={quote(name)}"),
                 lambda name: calls.open_prompts(f"model={quote(name)}")["problems"][0],
                 lambda name: calls.load_preset({"name": name}), lambda name: common.view_of(f"model={quote(name)}")):  # fmt: skip
        assert str(call(there)).replace(there, "X") == str(call(nowhere)).replace(nowhere, "X")


def test_what_keeps_a_preset_from_loading_is_said_and_the_one_before_stays(text_root, monkeypatch):
    monkeypatch.setenv(presets.PERMISSION, "any")
    before = presets.load(str(text_root / "words"))
    job = calls.load_preset({"name": str(text_root / "words"), "image_size": 65})["job"]
    news = {"done": False}
    while "error" not in news and not news["done"]:
        news = serving.run_news([job, 0])
    assert "multiple of 16" in news["error"]
    assert presets.opened(str(text_root / "words")) is before


def test_too_many_runs_are_said_to_be_too_many(monkeypatch):
    monkeypatch.setattr(serving.JOBS.places, "waiting", 0)
    assert "stop some" in calls.start_drawing("view=text-to-image&steps=1")["error"]
