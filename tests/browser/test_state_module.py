"""A state is written by the page's script exactly as Python writes it, by the schema that the server sends."""

import random
import string

import pytest

from explorer import state

STATES = 300
TEXTS = ("", "a rose & a \"bag\"", "50 % of {it}", "ü, é; ñ: ß!", "🌻 and 👩‍🚀", "glasses=1#2?", "it's (not) *so* ~ bad_", "a\nb\tc\\d", "+ %2C %252C",
         "<img src=x>", "日本語", "/path/../x", "`^|[]$@")  # fmt: skip
WRITE = """async ({ schema, states }) => {
    const { stateText } = await import("/lx/serving/state.js");
    return states.map(([state, defaults]) => stateText(schema, state, defaults));
}"""


@pytest.fixture(scope="module")
def page(app, browser):
    page = browser.new_page()
    page.goto(f"{app.url}/lx/serving/state.js")  # as good as any page of the app's own origin
    yield page
    page.close()


def number(chance, low=-1000, high=1000):
    """A number as a state holds it: quantised, often a whole one or one near 0."""
    value = chance.choice((chance.uniform(low, high), chance.gauss(0, 1), chance.gauss(0, 1e-3), chance.randint(low, high), 0.0))
    return round(max(low, min(high, value)), state.DECIMALS) + 0.0


def numbers(chance, count=None):
    return tuple(number(chance) for _ in range(count or chance.randint(1, 12)))


def word(chance):
    return "".join(chance.choices(string.ascii_letters + string.digits + "_", k=chance.randint(1, 12)))


def words(chance, most):
    return tuple(dict.fromkeys(word(chance) for _ in range(chance.randint(0, most))))


def place(chance):
    """A place of `corners`, of each of the three kinds."""
    return chance.choice((chance.randint(0, 2**32 - 1), f"g{chance.randint(0, 9999)}", numbers(chance)))


def value(key, chance):
    """A value of a key, by a sample of what `explorer.state` reads for it."""
    match key:
        case "z" | "from" | "to" | "t" | "center" | "guidance_interval":
            return numbers(chance, 2 if key in ("center", "guidance_interval") else None)
        case "attributes":
            return tuple((name, number(chance, -10, 10)) for name in words(chance, 8))
        case "direction":
            return word(chance)
        case "hold" | "pair":
            return words(chance, 5)
        case "corners":
            return tuple(place(chance) for _ in range(chance.randint(2, 4)))
        case "via" | "more" | "less":
            return tuple(place(chance) for _ in range(chance.randint(1, 4)))
        case "via_prompts":
            return tuple(chance.choices(TEXTS, k=chance.randint(0, 3)))
        case "even" | "closed" | "points" | "refined" | "inside":
            return chance.random() < 0.5
        case "axes" | "hidden" | "mask":
            return tuple(chance.randint(0, 255) for _ in range(chance.randint(0, 9)))
        case (
            "seed"
            | "noise_seed"
            | "quiz"
            | "epoch"
            | "face"
            | "image_size"
            | "steps"
            | "frames"
            | "between"
            | "fps"
            | "n"
            | "size"
            | "label"
        ):
            return chance.randint(0, 2**32 - 1)
        case "guidance_scale" | "guidance_rescale" | "eta" | "epsilon_scale" | "time" | "start" | "stop":
            return number(chance, 0, 30)
        case "extent" | "amount" | "strength" | "margin" | "pause" | "truncation":
            return number(chance, 0, 30)
        case _:
            return chance.choice((word(chance), "".join(chance.choices(string.printable, k=20)), *TEXTS))


def for_page(value):
    """As JSON has it."""
    return [for_page(part) for part in value] if isinstance(value, tuple) else value


def test_the_page_writes_a_state_as_python_does(page):
    chance, states = random.Random(7), []
    for _ in range(STATES):
        states.append({key: value(key, chance) for key in state.KEYS if chance.random() < 0.4})
    assert {key for one in states for key in one} == set(state.KEYS)
    asked = [[{key: for_page(one[key]) for key in one}, {}] for one in states]
    written = page.evaluate(WRITE, {"schema": state.schema(), "states": asked})
    assert written == [state.text(one) for one in states]


def test_what_a_link_need_not_say_is_left_out(page):
    chance, states = random.Random(8), []
    for _ in range(STATES):
        one = {key: value(key, chance) for key in state.KEYS}
        usual = {key: one[key] if chance.random() < 0.5 else value(key, chance) for key in state.KEYS if chance.random() < 0.7}
        states.append((one, usual))
    asked = [[{key: for_page(part[key]) for key in part} for part in pair] for pair in states]
    written = page.evaluate(WRITE, {"schema": state.schema(), "states": asked})
    told = [{key: one[key] for key in one if key not in usual or text(key, one) != text(key, usual)} for one, usual in states]
    assert written == [state.text(one) for one in told]
    assert any(len(one) < len(state.KEYS) / 2 for one in told)


def text(key, one):
    return state.KEYS[key].write(one[key])


def test_keys_without_a_value_are_left_out_and_no_key_is_made_up(page):
    asked = [[{"z": [0.5, -0.0], "to": None, "unknown": 1, "hidden": []}, {}], [{}, {"n": 30}]]
    written = page.evaluate(WRITE, {"schema": state.schema(), "states": asked})
    assert written == ["z=0.5,0&hidden=", ""]


def test_numbers_that_were_quantised_are_equal_to_the_last_digit(page):
    """Half-way cases are rounded otherwise in Python than in JavaScript: so both quantise what people point at before it is written,
    and write it as it is."""
    chance = random.Random(9)
    wholes = [*range(-60, 60), *(chance.randint(-(10**7), 10**7) for _ in range(3000))]
    values = [whole / 10**state.DECIMALS for whole in wholes]
    [written] = page.evaluate(WRITE, {"schema": state.schema(), "states": [[{"z": values}, {}]]})
    assert written == state.text({"z": tuple(values)})
    assert state.parse(written) == ({"z": tuple(value + 0.0 for value in values)}, [])
