"""The endpoints through `gradio_client`, curl and an MCP client, of one server: `python app.py --mcp` on small models."""

import asyncio
import base64
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import gradio
import httpx
import numpy as np
import pytest
from common import REPOSITORY, awaited, lacking
from gradio.routes import App
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from explorer import api, checkpoints, imaging, page, paper, state, views

NAMES = ["list_models", "render", "film", "decode", "encode", "edit_face", "morph", "draw_prompt", "walk_prompts", "judge"]
README = (REPOSITORY / "README.md").read_text("utf-8")
SHIPPED = ("mnist-vae", "judges/digits", "judges/framing")


@pytest.fixture(scope="module")
def root(tmp_path_factory, face_root, text_root, diffusion_root, gan_root):
    """The shipped digits, and toys of the other kinds."""
    root = tmp_path_factory.mktemp("api")
    (root / "judges").mkdir()
    for name in SHIPPED:
        (root / name).symlink_to(REPOSITORY / "checkpoints" / name)
    toys = {"celeba-vae": face_root.root, "judges/faces": face_root.root, "words": text_root, "blots": diffusion_root,
            "garments": gan_root.root}  # fmt: skip
    for name, folder in toys.items():
        (root / name).symlink_to(folder / name)
    return root


@pytest.fixture(scope="module")
def server(root, tmp_path_factory):
    """The app: `url`, and what it has said on standard error, `log()`; its tools are served where the extra is installed."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"EXPLORER_CHECKPOINTS": str(root), "GRADIO_TEMP_DIR": str(folder / "files")}
    command = [sys.executable, str(REPOSITORY / "app.py"), "--port", str(port), *(["--mcp"] if find_spec("mcp") else [])]
    log = folder / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **places}, text=True, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        assert any(line.startswith("Latent Explorer:") for line in process.stdout), (
            log.read_text()
        )  # after what Gradio says of tools
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}", log=log.read_text, files=folder / "files")
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="module")
def client(server, tmp_path_factory):
    return Client(server.url, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def ask(client, server, root, monkeypatch):
    """`ask(endpoint, **arguments)` -> the bytes of the file and the state of its link, which must be a link of this server, stand in
    the file, and be what this process makes of it too."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))

    def asked(name, **arguments):
        *_, path, link = client.predict(api_name=f"/{name}", **arguments)
        address, _, query = link.partition("/?")
        assert address == server.url
        data = Path(path).read_bytes()
        assert imaging.state_of(data) == query
        assert data == views.render(state.parse_strictly(query), Path(path).suffix[1:])
        return data, query

    return asked


@pytest.fixture
def refused(client, server):
    """`refused(endpoint, **arguments)` -> the sentence of an error, which left no traceback in the log."""

    def sentence(name, **arguments):
        before = len(server.log())
        with pytest.raises(AppError) as error:
            client.predict(api_name=f"/{name}", **arguments)
        assert "Traceback" not in server.log()[before:]
        return error.value.message

    return sentence


def size_of(data):
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    return picture.size


def drawing(side=200):
    """A thick black bar on white, as the bytes of a file: a one."""
    pixels = np.full((side, side), 255, "uint8")
    pixels[40:160, 90:110] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(drawing())
    return path


# ---- what they say of themselves


def test_these_ten_are_all_that_is_offered(server):
    info = httpx.get(f"{server.url}/gradio_api/info", timeout=60).json()
    assert list(info["named_endpoints"]) == [f"/{name}" for name in NAMES]
    assert info["unnamed_endpoints"] == {}


def test_each_is_described_with_the_type_and_meaning_of_every_argument(client):
    for name, endpoint in client.view_api(return_format="dict", print_info=False)["named_endpoints"].items():
        assert endpoint["description"], name
        for parameter in endpoint["parameters"]:
            said = parameter["python_type"]
            assert said["type"] not in ("", "Any"), (name, parameter)
            assert 5 < len(said["description"]) < 200, (name, parameter)
            assert parameter["parameter_has_default"] == (parameter["parameter_name"] not in
                                                          ("link", "picture", "attributes", "corners", "prompt", "to_prompt", "by")
                                                          or (name, parameter["parameter_name"]) in
                                                          {("/edit_face", "picture"), ("/draw_prompt", "picture"), ("/judge", "link"), ("/judge", "picture")})  # fmt: skip
        kinds = [result["python_type"]["type"] for result in endpoint["returns"]]
        assert "Any" not in kinds
        assert ("filepath" in kinds) == (name not in ("/list_models", "/judge"))


@pytest.mark.parametrize("key", ["seed", "size", "guidance_scale", "frames"])
def test_the_ranges_that_they_name_are_those_of_a_state(key):
    for function in api.ENDPOINTS:
        _, words, _ = api.get_function_description(function)
        if key in words:
            low, high = re.search(r"(\d+) to (\d+)", words[key]).groups()
            for value in (low, high):
                state.KEYS[key].read(value)
            for value in (int(low) - 1, int(high) + 1):
                with pytest.raises(ValueError, match="must be"):
                    state.KEYS[key].read(str(value))


# ---- what they answer


def test_models_are_listed(client, root, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    found = {model["name"]: model for model in client.predict(api_name="/list_models")}
    assert list(found) == [card["name"] for card in checkpoints.models()]
    assert found["mnist-vae"]["latent_shape"] == [2]
    assert found["celeba-vae"]["attributes"][0] == "Smiling"
    assert found["garments"]["classes"] == ["a", "b", "c"]
    assert "classes" not in found["mnist-vae"]


def test_a_point_is_decoded_and_its_link_gives_the_same_bytes(ask):
    data, query = ask("decode", z=[0.5, -1], size=56)
    assert query == "model=mnist-vae&z=0.5,-1&size=56"
    assert size_of(data) == (56, 56)
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(data)))[::2, ::2],
        imaging.to_bytes(checkpoints.load("mnist-vae").decode([[0.5, -1]]))[0, ..., 0],
    )
    for link in (query, f"?{query}", f"https://elsewhere.example/demo/?{query}&__theme=dark"):
        assert ask("render", link=link) == (data, query)


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({"model": "blots", "seed": 3}, "model=blots&seed=3"),
        ({"model": "garments", "seed": 2, "label": 1}, "model=garments&seed=2&label=1"),
        ({"model": "words", "seed": 1}, "model=words&seed=1"),
    ],
)
def test_every_kind_decodes_by_seed(ask, arguments, query):
    data, found = ask("decode", **arguments)
    assert found == query
    size_of(data)


def test_a_drawing_is_encoded(ask, client, one):
    code, *_ = client.predict(handle_file(one), api_name="/encode")
    z_mean, _ = checkpoints.load("mnist-vae").encode(paper.framed(one.read_bytes(), (28, 28, 1), "mnist")[None])
    np.testing.assert_allclose(code["z"], z_mean[0], atol=2e-4)
    assert len(code["sigma"]) == 2
    assert 0 < code["lost"] < 0.5
    _, query = ask("encode", picture=handle_file(one))
    np.testing.assert_allclose([float(v) for v in parse_qs(query)["z"][0].split(",")], code["z"])


def test_a_face_is_changed(ask):
    plain, _ = ask("edit_face", attributes={}, face=3)
    data, query = ask("edit_face", attributes={"Smiling": 1.5, "Young": -1}, face=3, hold=["Male"])
    assert query == "view=faces&model=celeba-vae&face=3&attributes=Smiling:1.5,Young:-1&hold=Male"
    assert data != plain
    toward, query = ask("edit_face", attributes={"yours": 1.5}, face=3, more=["g1", 7], less=["g2"])
    assert query == "view=faces&model=celeba-vae&face=3&attributes=yours:1.5&more=g1;7&less=g2"
    assert toward != plain
    assert ask("edit_face", attributes={"Smiling": 1}, seed=7)[1] == "view=faces&model=celeba-vae&seed=7&attributes=Smiling:1"


def test_of_a_photo_the_owner_is_given_the_encoding(ask, client, one):
    code, *_ = client.predict(handle_file(one), model="celeba-vae", api_name="/encode")
    assert code["problem"], "a bar is no face, which is said; the middle is taken"
    _, query = ask("edit_face", attributes={"Smiling": 2}, picture=handle_file(one))
    assert [float(v) for v in parse_qs(query)["z"][0].split(",")] == pytest.approx(code["z"])


def test_pictures_are_morphed_and_their_links_make_films(ask, client):
    assert ask("morph", corners=[3, 7], t=0.25)[1].startswith(
        "view=morph&what=picture&model=celeba-vae&corners=3;7&t=0.25&kind=linear"
    )
    assert size_of(ask("morph", corners=["g0", "g5", "1", 2], what="grid")[0])[0] > 7 * 128
    _, query = ask(
        "morph", corners=["0,1", "2,-1"], model="mnist-vae", what="strip", frames=4, kind="slerp", even=True, closed=True
    )
    assert "corners=0,1;2,-1&kind=slerp&even=1&closed=1&frames=4" in query
    stopped, through = ask("morph", corners=["0,1", "2,-1"], model="mnist-vae", what="strip", frames=4, via=[3, "1,1"])
    assert "corners=0,1;2,-1&via=3;1,1&" in through
    assert stopped != ask("morph", corners=["0,1", "2,-1"], model="mnist-vae", what="strip", frames=4)[0]
    data, again = ask("film", link=query)
    assert again == query
    assert Image.open(io.BytesIO(data)).n_frames == 4
    path, _ = client.predict(query, "mp4", api_name="/film")
    assert Path(path).read_bytes()[4:8] == b"ftyp"


def test_prompts_are_drawn_and_walked(ask):
    data, query = ask("draw_prompt", prompt="a rose & ü", steps=2, seed=5, guidance_scale=2.5, size=64)
    assert query == "view=text-to-image&seed=5&prompt=a%20rose%20%26%20%C3%BC&guidance_scale=2.5&steps=2&size=64"
    assert size_of(data) == (64, 64)
    data, query = ask("walk_prompts", prompt="a rose", to_prompt="a man", frames=3, steps=2)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    _, through = ask("walk_prompts", prompt="a rose", to_prompt="a man", frames=3, steps=1, via_prompts=["a\nboot", "a bag"])
    assert "&via_prompts=a%20boot%0Aa%20bag&" in through
    strip, same = ask("walk_prompts", prompt="a rose", to_prompt="a man", frames=3, steps=2, ending="png")
    assert same == query
    assert size_of(strip)[0] > 3 * 128


def test_a_picture_is_drawn_over_and_one_that_was_sent_is_in_no_link(client, ask, one):
    data, query = ask("draw_prompt", prompt="a rose", steps=2, image="celeba-vae:g3", strength=0.5, size=32)
    assert query == "view=text-to-image&prompt=a%20rose&image=celeba-vae:g3&strength=0.5&steps=2&size=32"
    cut, path, link = client.predict(
        prompt="a rose", steps=2, strength=0, size=32, picture=handle_file(one), api_name="/draw_prompt"
    )
    assert (cut, link) == ("", "")
    assert Image.open(path).size == (32, 32)
    assert imaging.state_of(Path(path).read_bytes()) == ""
    black = io.BytesIO()
    Image.new("L", (100, 70)).save(black, "PNG")
    sent = "data:image/png;base64," + base64.b64encode(black.getvalue()).decode()
    path = client.predict(prompt="a rose", steps=2, size=32, picture=handle_file(one), mask=sent, api_name="/draw_prompt")[1]
    kept = imaging.to_bytes(imaging.fitted(Path(one).read_bytes(), (32, 32, 3)))
    assert np.abs(np.asarray(Image.open(path)).astype(int) - kept).max() <= 2


def test_where_a_prompt_was_cut_is_said(client):
    long = "a photo of a rose, and a photo of a man"
    drawn = client.predict(prompt=long, negative_prompt=long, steps=1, api_name="/draw_prompt")[0]
    assert drawn.startswith("prompt is read up to “of”, and “a man” is cut off: say it in fewer words. negative_prompt is read up")
    walked = client.predict(prompt="a rose", to_prompt=long, steps=1, frames=2, api_name="/walk_prompts")[0]
    assert walked == "to_prompt is read up to “of”, and “a man” is cut off: say it in fewer words."
    assert client.predict(prompt="a rose", steps=1, api_name="/draw_prompt")[0] == ""


def test_pictures_are_judged(client, root, monkeypatch, one):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    query = "model=mnist-vae&what=strip&from=0,0&to=2,1&frames=3"
    verdicts, link = client.predict("digits", query, api_name="/judge")
    judge, path = checkpoints.judge("digits"), np.linspace([0, 0], [2, 1], 3)
    for verdict, expected in zip(verdicts, judge(checkpoints.load("mnist-vae").decode(path)), strict=True):
        assert verdict == {judge.classes[i]: pytest.approx(p, abs=0.02) for i, p in enumerate(expected) if p >= 0.01}
        assert list(verdict.values()) == sorted(verdict.values(), reverse=True)
    assert views.state_of(urlsplit(link).query) == views.state_of(query)
    (verdict,), link = client.predict("digits", None, handle_file(one), api_name="/judge")
    assert (next(iter(verdict)), link) == ("1", "")
    (verdict,), _ = client.predict("faces", "view=faces&face=2", api_name="/judge")
    (expected,) = checkpoints.judge("faces")(views.of("faces").picture(views.state_of("view=faces&face=2"))[None])
    assert verdict["Smiling" if expected[0] > 0.5 else "Male"] >= 0.01


# ---- what they refuse


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("render", {"link": "model=nothing"}, "there are blots, celeba-vae"),
        ("render", {"link": "model=mnist-vae&z=1,2&nonsense=1"}, "there is no key 'nonsense'"),
        ("render", {"link": "model=mnist-vae&what=grid&n=60&size=1024"}, "at most 16000 pixels"),
        ("render", {"link": "view=models"}, "a card and no picture"),
        ("film", {"link": "model=mnist-vae"}, "what=strip"),
        ("film", {"link": "model=mnist-vae&what=strip&to=1,1", "ending": "exe"}, ".png, .gif, .mp4"),
        ("decode", {"z": [1, 2, 3]}, "z must be 2 numbers"),
        ("decode", {"z": [1e9, 0]}, "from -1000 to 1000"),
        ("decode", {"z": "many"}, "z must be numbers"),
        ("decode", {"z": [0, 1], "seed": 3}, "name one of z, seed, got z and seed"),
        ("edit_face", {"attributes": {}, "seed": 3, "face": 1}, "name one of picture, seed, face, got seed and face"),
        ("decode", {"seed": -1}, "seed must be a whole number"),
        ("decode", {"model": "blots", "z": [1]}, "z means nothing"),
        ("decode", {"model": 7}, "'7'"),
        ("decode", {"model": "../mnist-vae"}, "there are"),
        ("encode", {"picture": None}, "must be a file"),
        ("encode", {"picture": "junk"}, "not a picture"),
        ("encode", {"picture": "drawing", "model": "garments"}, "no encoder"),
        ("encode", {"picture": "drawing", "model": "nothing"}, "there are"),
        ("edit_face", {"attributes": {"Flying": 1}}, "no attribute 'Flying'"),
        ("edit_face", {"attributes": {"Smiling": 99}}, "from -10 to 10"),
        ("edit_face", {"attributes": {"yours": 1}, "more": 7, "less": ["g1"]}, "more must be a list, got 7"),
        ("edit_face", {"attributes": {"yours": 1}, "more": ["g1"]}, "no attribute 'yours'"),
        ("morph", {"corners": [1, 2], "via": ["g1"] * 11}, "via must be 1 to 10 places"),
        ("walk_prompts", {"prompt": "a rose", "to_prompt": "a man", "via_prompts": "a boot"}, "via_prompts must be a list"),
        ("morph", {"corners": None}, "2 to 4 places"),
        ("morph", {"corners": [1]}, "2 to 4 places"),
        ("morph", {"corners": [1, 2], "t": 3}, "t must be"),
        ("draw_prompt", {"prompt": "x" * 1001}, "at most 1,000 characters"),
        ("draw_prompt", {"prompt": "a rose", "steps": 101}, "steps must be a whole number from 1 to 100"),
        ("draw_prompt", {"prompt": "a rose", "model": "mnist-vae"}, "knows no words"),
        ("draw_prompt", {"prompt": "a rose", "model": "stable_diffusion_3_medium"}, "not been loaded"),
        ("walk_prompts", {"prompt": "a rose", "to_prompt": "a man", "frames": 600, "steps": 100}, "too much work"),
        ("judge", {"by": "digits"}, "either a link or a picture"),
        ("judge", {"by": "framed", "link": "model=mnist-vae"}, "there are"),
        ("judge", {"by": "digits", "link": "model=mnist-vae&what=grid"}, "what=picture or what=strip"),
        ("judge", {"by": "digits", "link": "model=blots"}, "images must be"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(refused, tmp_path, name, arguments, words):
    if arguments.get("picture"):
        path = tmp_path / "picture.png"
        path.write_bytes(drawing() if arguments["picture"] == "drawing" else b"junk")
        arguments = {**arguments, "picture": handle_file(path)}
    assert words in refused(name, **arguments)


def test_what_is_our_fault_is_said_plainly_and_logged(caplog):
    def broken(request):
        raise RuntimeError("secret")

    with pytest.raises(api.gr.Error) as error:
        api.asked(broken)(None)
    assert "our fault" in error.value.message
    assert "secret" not in error.value.message
    assert "RuntimeError: secret" in caplog.text


def test_who_asks_while_too_much_waits_is_told_so(monkeypatch):
    from explorer.serving import calls

    monkeypatch.setattr(calls._SHEETS, "waiting_of_address", 0)
    with pytest.raises(api.gr.Error) as error:
        api.asked(api.render)(None, "model=mnist-vae")
    assert "Many people" in error.value.message


def test_who_asks_for_the_same_at_once_gets_whole_files(client):
    def once(_):
        path, _ = client.predict("model=mnist-vae&z=1,1", api_name="/render")
        return Path(path).read_bytes()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(once, range(6)))) == 1


@pytest.mark.parametrize(
    ("headers", "address"),
    [({"x-forwarded-host": "there.example"}, "http://there.example"),
     ({"x-forwarded-host": "there.example", "x-forwarded-proto": "https"}, "https://there.example")],
)  # fmt: skip
def test_the_link_has_the_address_that_was_asked(server, headers, address):
    asked = {"data": ["model=mnist-vae"]}
    answer = httpx.post(f"{server.url}/gradio_api/run/render", json=asked, headers=headers, timeout=60).json()
    assert answer["data"][1] == f"{address}/?model=mnist-vae"


# ---- what the README says


def test_the_lines_of_the_readme_make_one_picture(server, tmp_path, root, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    passage = README.partition("## API and agents")[2].partition("\n## ")[0].replace("http://127.0.0.1:7860", server.url)
    code, shell, call = (re.search(rf"```{kind}\n(.*?)```", passage, re.DOTALL)[1] for kind in ("python", "sh", "json"))
    query = re.search(r"\?(\S+)\)", passage)[1]
    expected = views.render(state.parse_strictly(query), "png")
    assert len([line for line in code.splitlines() if line and not line.startswith("from ")]) == 1
    found = {}
    exec(code, found)
    assert Path(found["picture"]).read_bytes() == expected
    assert found["link"] == f"{server.url}/?{query}"
    assert shutil.which("curl") or lacking("curl")
    assert shell.count("\n") == 1
    subprocess.run(["bash", "-c", shell], cwd=tmp_path, check=True, timeout=300)
    assert (tmp_path / "picture.png").read_bytes() == expected
    call = json.loads(call)
    assert agent(server, lambda session: session.call_tool(call["name"], call["arguments"])).content[0].type == "image"


# ---- agents


def agent(server, work):
    """What `work(session)` of an MCP session with the server comes to."""
    if not find_spec("mcp"):
        lacking("the package mcp")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk():
        async with (
            streamable_http_client(f"{server.url}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            return await work(session)

    return awaited(asyncio.wait_for(talk(), 120))


def test_an_agent_is_told_what_the_tools_do(server):
    tools = {tool.name: tool for tool in agent(server, lambda session: session.list_tools()).tools}
    assert list(tools) == NAMES
    for tool in tools.values():
        assert "Returns:" in tool.description
        for name, schema in tool.inputSchema["properties"].items():
            assert schema["description"], (tool.name, name)
    assert tools["draw_prompt"].inputSchema["required"] == ["prompt"]
    assert "0 to 30" in tools["draw_prompt"].inputSchema["properties"]["guidance_scale"]["description"]
    assert "a photo of a sunflower" in tools["draw_prompt"].description


def test_an_agent_draws_a_prompt_and_gets_a_png_and_its_link(server, root, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    answer = agent(server, lambda session: session.call_tool("draw_prompt", {"prompt": "a rose", "steps": 2, "seed": 1}))
    assert not answer.isError
    picture = next(part for part in answer.content if part.type == "image")
    texts = [part.text for part in answer.content if part.type == "text"]
    assert picture.mimeType == "image/png"
    link = texts[-1]
    assert link == f"{server.url}/?view=text-to-image&seed=1&prompt=a%20rose&steps=2"
    expected = views.render(state.parse_strictly(link), "png")
    sent = base64.b64decode(picture.data)
    assert sent.startswith(b"\x89PNG")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(sent))), np.asarray(Image.open(io.BytesIO(expected))))
    address = next(text for text in texts if "URL: " in text)
    assert httpx.get(address.partition("URL: ")[2], timeout=60).content == expected  # the file itself, with its state


# what each of the ten is asked, and what is in the answer: a picture, a film's address, or words
CALLS = [
    ("list_models", {}, "celeba-vae"),
    ("render", {"link": "model=mnist-vae&z=0.5,-1"}, "image"),
    ("film", {"link": "model=mnist-vae&what=strip&from=0,0&to=2,1&frames=3", "ending": "mp4"}, ".mp4"),
    ("decode", {"model": "garments", "seed": 2, "label": 1}, "image"),
    ("encode", {"picture": "ONE"}, "image"),
    (
        "edit_face",
        {"attributes": {"yours": 1, "Male": -1}, "face": 3, "more": ["g1", 7], "less": ["g2"], "hold": ["Young"]},
        "image",
    ),
    ("morph", {"corners": [3, "g7"], "via": ["g1", 5], "what": "strip", "frames": 4}, "image"),
    ("draw_prompt", {"prompt": "a rose", "steps": 1}, "image"),
    (
        "walk_prompts",
        {"prompt": "a rose", "to_prompt": "a man", "via_prompts": ["a boot", "a bag"], "frames": 4, "steps": 1},
        ".gif",
    ),
    ("judge", {"by": "digits", "link": "model=mnist-vae&z=0.5,-1"}, "'6': "),
]


@pytest.mark.parametrize(("name", "arguments", "seen"), CALLS)
def test_every_tool_answers_an_agent(server, root, monkeypatch, one, name, arguments, seen):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    assert [call[0] for call in CALLS] == NAMES
    sent = "data:image/png;base64," + base64.b64encode(one.read_bytes()).decode()
    arguments = {key: sent if value == "ONE" else value for key, value in arguments.items()}
    answer = agent(server, lambda session: session.call_tool(name, arguments))
    texts = [part.text for part in answer.content if part.type == "text"]
    assert not answer.isError, texts
    if seen == "image":
        assert [part.mimeType for part in answer.content if part.type == "image"] == ["image/png"]
    else:
        assert any(seen in text for text in texts), texts
    if name != "list_models":
        address, _, query = texts[-1].partition("/?")
        assert address == server.url
        views.state_of(query)  # which raises what render would
    if name == "walk_prompts":
        assert "via_prompts=a%20boot%0Aa%20bag" in query


def test_an_agent_encodes_a_picture_and_is_told_what_is_wrong(server, one):
    address = "data:image/png;base64," + base64.b64encode(one.read_bytes()).decode()
    answer = agent(server, lambda session: session.call_tool("encode", {"picture": address}))
    assert "'z': [" in answer.content[0].text
    answer = agent(server, lambda session: session.call_tool("decode", {"model": "nothing"}))
    assert answer.isError
    assert answer.content[0].text.startswith("no checkpoint 'nothing'; there are blots")


def test_without_the_extra_one_sentence_says_what_to_install(fresh_python):
    code = "import sys; sys.modules['mcp'] = None; import importlib.util as util; find = util.find_spec; util.find_spec = lambda name, *package: None if name == 'mcp' else find(name, *package); import app; sys.exit(app.main(['serve', '--mcp']))"
    finished = fresh_python(code)
    assert (finished.returncode, finished.stdout, finished.stderr.count("\n")) == (2, "", 1)
    assert "pip install 'gradio[mcp]'" in finished.stderr


# ---- anything, at every door

REQUESTS, AT_ONCE, PATIENT = 1000, 8, 30.0  # seconds that an answer may take on a busy machine
JUNK = [
    "x",
    "-1",
    "9" * 40,
    "nan",
    "%00",
    "%ff",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cx",
    "%C3%A9" * 200,
    "render",
    "/etc/passwd",
    "%7B7*7%7D",
]
VALUES = [None, True, -1, 10**30, 1e308, "", "\ud800", "\0", "../x", "mnist-vae", "z=nan", "view=faces&face=1", {"path": "/etc/passwd"},
          {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, [[[]]], {"query": "model=blots&steps=1"}, "x" * 3000]  # fmt: skip


def every_door(routes=None, above=""):
    """[(method, path)] of all that Gradio and the app serve by HTTP."""
    if routes is None:
        ours = [("POST", "/gradio_api/mcp/"), ("GET", "/gradio_api/mcp/sse"), ("GET", "/no/such/door")]
        return sorted({*every_door(App.create_app(gradio.Blocks()).routes), *every_door(page.routes()), *ours})
    found = []
    for route in routes:
        path = above + getattr(route, "path", "")
        inner = getattr(route, "original_router", route)
        found += [(method, path) for method in getattr(route, "methods", None) or ()]
        found += every_door(inner.routes, path) if hasattr(inner, "routes") else []
    return found


def anything(random, method, path):
    """A request for a door that no page would make."""
    path = re.sub(r"\{[^}]*\}", lambda _: random.choice(JUNK), path)
    query = random.choice(
        ["", "", f"?session_hash={random.choice(JUNK)}", f"?{random.choice(JUNK)}={random.choice(JUNK)}", "?" + "a=1&" * 500]
    )
    headers = random.choice([{}, {}, {"range": "bytes=9-1"}, {"cookie": "lx_visitor=" + "x" * 3000}, {"content-type": "multipart/form-data; boundary="},
                             {"accept-encoding": "x;q=9"}, {"content-type": "text/\\"}, {"x-forwarded-proto": "javascript"}, {"if-none-match": "W/"}])  # fmt: skip
    if method not in ("POST", "PUT", "DELETE", "PATCH"):
        return {"method": method, "url": path + query, "headers": headers}
    keys = ["data", "session_hash", "fn_index", "component_id", "fn_name", "event_id", "method", "id"]
    value = lambda: random.choice([*VALUES, [random.choice(VALUES) for _ in range(random.randrange(9))], random.randrange(60)])  # noqa: E731
    asked = random.choice([value(), {key: value() for key in keys if random.random() < 0.7}])
    body = random.choice([b"", random.randbytes(200), b"[" * 5000, *[json.dumps(asked).encode()] * 4])
    return {"method": method, "url": path + query, "headers": headers, "content": body}


def test_a_thousand_requests_of_anything_find_no_fault_and_learn_nothing_of_the_disk(server):
    random, before, problems, asked = Random(19), len(server.log()), [], []
    doors = every_door()
    assert len(doors) > 40

    async def ask(client, queue):
        while queue:
            request = queue.pop()
            async with client.stream(**request) as answer:
                text, endless = b"", "event-stream" in answer.headers.get("content-type", "")
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05 if endless else PATIENT):
                        async for part in answer.aiter_raw():
                            text += part
            asked.append(answer.status_code)
            told = [
                word
                for word in (b"Traceback", b"site-packages", str(REPOSITORY).encode(), str(server.files.parent).encode())
                if word in text
            ]
            if answer.status_code >= 500 or told:
                problems.append((answer.status_code, told, text[:200], request))

    async def all_of_them():
        queue = [anything(random, *random.choice(doors)) for _ in range(REQUESTS)]
        async with httpx.AsyncClient(
            base_url=server.url, timeout=PATIENT, limits=httpx.Limits(max_keepalive_connections=0)
        ) as client:
            await asyncio.gather(*(ask(client, queue) for _ in range(AT_ONCE)))

    awaited(all_of_them())
    assert problems == []
    assert len(asked) == REQUESTS
    assert len(set(asked)) > 4  # not all of them turned away at the first door
    assert "Traceback" not in server.log()[before:]
