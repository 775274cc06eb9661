"""What the views have in common on the server: how a query string becomes a state, and a component is made of a view's files."""

from pathlib import Path

import gradio as gr

from explorer import checkpoints
from explorer.state import StateError, parse, parse_strictly

HERE = Path(__file__).parent


def state_of(query, complete):
    """The state of a query string, completed; StateError for the first bad value."""
    if not isinstance(query, str):
        raise StateError("a state is a string, as it stands after ? in the address")
    return complete(parse_strictly(query))


def opened(query, view, complete):
    """The complete state that a page shows for a query string, the view's defaults if it does not fit, and what was wrong."""
    state, problems = parse(str(query))
    try:
        return complete({**state, "view": view}), problems
    except (KeyError, ValueError) as error:
        return complete({"view": view}), [*problems, str(error.args[0])]


def for_page(state):
    """A state as the page takes it: lists for tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in state.items()}


def of_kind(kind):
    """Names and short titles of all models of a kind."""
    return [{"name": card["name"], "short": card["short"]} for card in checkpoints.models() if card["kind"] == kind]


def component(name, template, scripts, server_functions, **props):
    """A view as one component: its HTML file, its JavaScript files as one script, and the functions that these call."""
    script = "\n".join((HERE / file).read_text("utf-8") for file in scripts)
    return gr.HTML(
        html_template=(HERE / template).read_text("utf-8"), js_on_load=f"{script}\nstart();", apply_default_css=False,
        elem_id=name, server_functions=server_functions, **props,
    )  # fmt: skip
