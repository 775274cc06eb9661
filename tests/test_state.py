import itertools
import random

import pytest

from explorer import state

EXAMPLES = {
    "view": "models",
    "what": "strip",
    "model": "mnist-vae-kl-0.5",
    "image_size": 512,
    "z": (0.5, -1.25),
    "seed": 12,
    "truncation": 0.7,
    "face": 7,
    "attributes": (("Smiling", 1.5), ("Young", -1.0)),
    "hold": ("Male", "Young"),
    "direction": "Fröhlich",
    "more": (7, "g12", (0.5, -1.0)),
    "less": ("g3",),
    "how": "plain",
    "along": "Smiling",
    "pair": ("Young", "Male"),
    "corners": (7, "g12", (0.5, -1.0)),
    "via": (3, "g4"),
    "t": (0.25,),
    "from": (-1.0, 0.0),
    "to": (0.0001, 99.9999),
    "kind": "slerp",
    "prompt": 'a rose, "smiling" & 50 % ü?',
    "to_prompt": "a bag\nand #2",
    "below_prompt": "",
    "below_to_prompt": "🌻",
    "via_prompts": ("a boot", "", "50 % ü"),
    "negative_prompt": "glasses=1",
    "guidance_scale": 4.5,
    "guidance_rescale": 0.7,
    "guidance_interval": (0.2, 0.9),
    "image": "celeba-vae:g12",
    "strength": 0.6,
    "mask": (66, 4, 28, 4),
    "margin": 0.25,
    "steps": 25,
    "sampler": "ddpm",
    "to_sampler": "ddim",
    "eta": 0.5,
    "epsilon_scale": 0.995,
    "time": 0.25,
    "refined": False,
    "noise_seed": 7,
    "even": True,
    "closed": False,
    "start": 0.25,
    "stop": 0.75,
    "frames": 9,
    "between": 11,
    "fps": 24,
    "pause": 0.5,
    "axes": (0, 7),
    "scale": "p",
    "center": (0.5, 0.5),
    "extent": 0.125,
    "n": 30,
    "size": 280,
    "veil": "data",
    "points": False,
    "hidden": (1, 9),
    "inside": True,
    "quiz": 7,
    "beside": "fashion-ae",
    "label": 3,
    "chapter": "denoising",
    "source": "test",
    "noise": "gaussian",
    "amount": 0.35,
    "epoch": 12,
}


def test_every_key_survives_the_link_in_every_combination_with_another():
    assert set(EXAMPLES) == set(state.KEYS)
    for pair in itertools.combinations(EXAMPLES, 2):
        part = {key: EXAMPLES[key] for key in pair}
        assert state.parse(state.text(part)) == (part, [])
    assert state.parse("?" + state.text(EXAMPLES)) == (EXAMPLES, [])


def test_a_whole_state_as_text():
    assert state.text({"to": (1.0,), "what": "strip", "z": (-0.5, 0.25), "even": True}) == "what=strip&z=-0.5,0.25&to=1&even=1"


def test_the_order_in_which_keys_were_set_changes_nothing():
    keys = list(EXAMPLES)
    random.Random(0).shuffle(keys)
    assert state.text({key: EXAMPLES[key] for key in keys}) == state.text(EXAMPLES)


def test_what_is_written_once_is_written_so_forever():
    numbers = random.Random(1)
    for _ in range(300):
        z = tuple(numbers.choice((numbers.uniform(-100, 100), numbers.gauss(0, 1), numbers.gauss(0, 1e-4))) for _ in range(3))
        once = state.text({"z": z})
        read, problems = state.parse(once)
        assert not problems
        assert state.text(read) == once
        assert all(abs(a - b) <= 0.5e-4 + 1e-12 for a, b in zip(read["z"], z, strict=True))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (-0.0, "0"),
        (-0.00001, "0"),
        (100, "100"),
        (-10.5, "-10.5"),
        (1e-4, "0.0001"),
        (0.00005001, "0.0001"),
        (1 / 3, "0.3333"),
        (20.0, "20"),
        (99.99999, "100"),
    ],
)
def test_numbers_are_short(value, written):
    assert state.number_text(value) == written


def test_a_walk_may_have_its_end_alone_and_a_sum_open_places():
    for text in ("from=&to=1,2", "corners=g1;;g3", "corners=;;7"):
        read, problems = state.parse(text)
        assert (state.text(read), problems) == (text, [])
    assert state.parse("from=&corners=;7")[0] == {"from": (), "corners": ("", 7)}


def test_minus_zero_is_zero():
    read, _ = state.parse("z=-0,-0.00001")
    assert [str(c) for c in read["z"]] == ["0.0", "0.0"]


BAD = [
    "seed=1_0",
    "seed=%2B7",
    "seed=%D9%A3",
    "seed=7.0",
    "z=%2B7",
    "z=1_0,0",
    "z=%D9%A3,0",
    "eta=%2B0.5",
    "eta=0_1",
    "hidden=%D9%A3",
    "hidden=%2B1",
    "axes=0_1,2",
    "corners=%D9%A3;1",
    "corners=1_0;1",
    "corners=%2B7;1",
    "to=%D9%A3",
    "attributes=Smiling:1_0",
    "attributes=Smiling:%2B1",
    "z=nan,0",
    "z=NaN",
    "z=inf,0",
    "z=-inf",
    "z=1e9,0",
    "z=1000000000",
    "z=1e999",
    "z=",
    "z=,",
    "z=1,,2",
    "z=one",
    "z=1;2",
    "z=0x10",
    "z=1000.1",
    "z=" + ",".join(["0"] * 5000),
    "z=" + "9" * 10_000,
    "from=nan",
    "to=1e9",
    "to=4294967296",
    "to=5000,0",
    "start=-0.1",
    "start=2",
    "stop=nan",
    "stop=",
    "frames=1",
    "frames=601",
    "frames=2.5",
    "frames=1e1",
    "frames=-3",
    "frames=" + "9" * 10_000,
    "axes=0,1,2",
    "axes=-1,0",
    "axes=a,b",
    "axes=0,5000",
    "axes=0,1.5",
    "axes=²,0",
    "axes=0," + "9" * 10_000,
    "kind=cubic",
    "kind=",
    "kind=LINEAR",
    "scale=q",
    "center=0",
    "center=0,0,0",
    "center=nan,0",
    "extent=0",
    "extent=-1",
    "extent=1e9",
    "extent=nan",
    "n=0",
    "n=61",
    "n=1000000000",
    "size=15",
    "size=1025",
    "size=nan",
    "veil=grey",
    "points=2",
    "points=yes",
    "even=",
    "closed=true",
    "hidden=256",
    "hidden=1,",
    "model=",
    "model=" + "m" * 201,
    "beside=",
    "label=-1",
    "label=1001",
    "view=Castles!",
    "sampler=",
    "what=film",
    "what=",
    "z=%FF%FE",
    "z=\0",
]


@pytest.mark.parametrize("query", BAD, ids=lambda query: query[:24])
def test_a_bad_value_is_left_out_and_named_and_the_rest_is_kept(query):
    key, value = query.split("=", 1)
    read, problems = state.parse(f"{query}&unheard=7&unknown=nan&" + ("model=mnist-vae" if key != "model" else "n=5"))
    assert key not in read
    assert read == ({"model": "mnist-vae"} if key != "model" else {"n": 5})
    (problem,) = problems
    assert problem.startswith(f"{key} must be ")
    assert "got '" in problem
    assert len(problem) < 300
    assert "\n" not in problem
    with pytest.raises(state.StateError, match=f"^{key} must be "):
        state.parse_strictly(query)


@pytest.mark.parametrize(("key", "example"), [("view", "latent-plane"), ("sampler", "ddim"), ("to_sampler", "ddim")])
def test_a_name_that_cannot_be_is_told_by_an_example_of_its_own_kind(key, example):
    (problem,) = state.parse(f"{key}=Castles!")[1]
    assert problem == f"{key} must be a name in small letters, as in {example}, got 'Castles!'"


@pytest.mark.parametrize(
    ("written", "number"), [("7", 7), ("007", 7), (" 7", 7), ("0.5", 0.5), ("-.5", -0.5), ("5.", 5), ("1e-4", 0.0001), ("2E1", 20)]
)
def test_numbers_are_read_as_they_are_written_in_ascii(written, number):
    assert state.decimal(written) == number
    if isinstance(number, int) and written.strip().isdigit():
        assert state.whole(written) == number


@pytest.mark.parametrize("address", ["http://host/", "https://example.org/demo/#top", "#top", "/", "/demo/", "HTTP://HOST"])
def test_an_address_without_a_state_says_so(address):
    with pytest.raises(state.StateError, match="holds no state: it stands after \\? in the address"):
        state.parse_strictly(address)


@pytest.mark.parametrize("before", ["http://host/?", "?", "/demo/?"])
def test_what_stands_after_an_addresss_hash_is_no_part_of_its_state(before):
    assert state.parse_strictly(f"{before}z=0,1#top") == {"z": (0.0, 1.0)}


def test_each_bad_value_is_said_once_in_order():
    read, problems = state.parse("z=nan,0&n=7&frames=1&extent=-1")
    assert read == {"n": 7}
    assert [problem.split()[0] for problem in problems] == ["z", "frames", "extent"]


@pytest.mark.parametrize("query", ["", "?", "&&", "=", "__class__=x"])
def test_empty_links_and_the_servers_own_keys_are_no_problem(query):
    assert state.parse(query) == ({}, [])
    assert state.parse_strictly(query) == {}


@pytest.mark.parametrize("query", ["nonsense", "unheard=1&say=a+b", "Z=1,2"])
def test_a_page_ignores_unknown_keys_and_render_names_them(query):
    assert state.parse(query) == ({}, [])
    with pytest.raises(state.StateError, match=f"there is no key '{query.split('=')[0]}'"):
        state.parse_strictly(query)


def test_links_as_browsers_and_chats_encode_them():
    assert state.parse("z=0.5%2C-1&hidden=1%2C2&model=mnist%2Dvae")[0] == {"z": (0.5, -1.0), "hidden": (1, 2), "model": "mnist-vae"}


def test_a_walk_may_end_at_any_seed():
    assert state.parse_strictly("to=4294967295") == {"to": (4294967295.0,)}
    assert state.text({"to": (4294967295.0,)}) == "to=4294967295"
    assert state.parse_strictly("to=-0.5,900") == {"to": (-0.5, 900.0)}


def test_no_class_hidden_is_a_value_too():
    assert state.parse("hidden=") == ({"hidden": ()}, [])
    assert state.text({"hidden": ()}) == "hidden="


def test_odd_names_are_quoted():
    name = "a&b=c d/é#?"
    written = state.text({"model": name, "n": 3})
    assert written.count("&") == 1
    assert state.parse(written)[0] == {"model": name, "n": 3}


def test_a_state_with_keys_that_no_link_has_is_refused():
    with pytest.raises(state.StateError, match="colour, size_of_hat"):
        state.text({"size_of_hat": 3, "colour": 1, "n": 2})


@pytest.mark.parametrize(
    "key", ["prompt", "to_prompt", "below_prompt", "below_to_prompt", "negative_prompt", "model", "beside", "along"]
)
@pytest.mark.parametrize("bytes_", ["%ff", "caf%E9", "%ED%A0%80", "a%C3", "\udcff"])
def test_bytes_that_are_no_text_are_said_in_a_sentence(key, bytes_):
    read, problems = state.parse(f"{key}={bytes_}&n=5")
    assert read == {"n": 5}
    (problem,) = problems
    assert problem.startswith(f"{key} must be text in UTF-8, of which no byte is %FF and ü is %C3%BC, got '")
    assert problem.encode()
    with pytest.raises(state.StateError, match=f"^{key} must be text in UTF-8"):
        state.parse_strictly(f"http://localhost:7860/?{key}={bytes_}")


def test_what_is_text_stays_so():
    assert state.parse("prompt=caf%C3%A9+%F0%9F%8C%BB&negative_prompt=%EF%BF%BD") == (
        {"prompt": "café 🌻", "negative_prompt": "\ufffd"},
        [],
    )
    with pytest.raises(state.StateError, match="there is no key 'prompt\ufffd'"):
        state.parse_strictly("prompt%ff=a")


@pytest.mark.parametrize("option", state.OPTIONS)
def test_how_a_page_is_shown_is_no_part_of_its_state(option):
    assert state.parse_strictly(f"model=mnist-vae&{option}&z=0,1") == {"model": "mnist-vae", "z": (0.0, 1.0)}
    assert option not in state.KEYS


def test_a_question_mark_within_a_state_is_one_and_what_stands_before_an_address_is_left_out():
    asked = {"view": "text-to-image", "prompt": "why?", "steps": 2}
    text = "view=text-to-image&prompt=why?&steps=2"
    for before in ("", "?", "/?", "https://example.org/demo/?"):
        assert state.parse_strictly(before + text) == asked
