"""The registry of views, and the one way from a state to its pictures that the page, its downloads and `render` share.

A view's name in the address is the name of its folder, with - for _. In it `pictures.py` is the view without its page, see `View`;
`calls.py` is what its page asks the server: `SERVER_FUNCTIONS`, each of one JSON value whose annotation (`serving.questions`) says
what it may be, `LIVE_FUNCTIONS`, those that must answer within a drag, `PROPS`, what its script is given besides, and
`below(blocks, tab)` for components of Gradio's own. `words.py` has its tagline and the tour of a first visit. `view.html`,
`view.css` and `view.js`, which exports `start`, are the page.
Whoever adds a view adds a folder, and its name here.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from explorer import checkpoints, presets
from explorer.errors import ExplorerError, UnknownName, some_of
from explorer.state import StateError, parse, parse_strictly, text

NAMES = ("latent-plane", "faces", "morph", "diffusion", "text-to-image", "why-a-vae", "models")  # in the order of the tabs
EVERYWHERE = frozenset({"view", "what", "model", "size"})  # keys that each view knows
State = dict[str, Any]


class View(Protocol):
    """What a view's `pictures.py` has; it imports no Gradio, and Keras only where it decodes."""

    TITLE: str  # of its tab
    KEYS: frozenset[str]  # of a state, beside those that every view knows
    WHATS: tuple[str, ...]  # what its files may show

    def is_here(self) -> bool:
        """Whether there is a model to show."""

    def complete(self, state: State) -> State:
        """A state with the defaults of its model filled in.

        Raises StateError for what does not fit the model, UnknownName for an unknown model, CheckpointError for a damaged card.
        """

    def pictures(self, state: State, moving: bool) -> Any:
        """What a complete state shows, as `drawn.Drawn`, which makes the pictures when they are needed; `moving`: as a film."""


def of(name: str) -> View:
    """A view by its name in the address; StateError naming the known ones."""
    if name not in NAMES:
        raise StateError(_no_view(name), "view")
    return import_module(f"{__name__}.{folder(name)}.pictures")


def _no_view(name: str) -> str:
    return f"view must be one of {', '.join(NAMES)}, got {name!r}"


def folder(name: str) -> str:
    """The folder of a view."""
    return name.replace("-", "_")


def view_of(state: State) -> str:
    """The view that a state names, or else the first that its model has; raises as `View.complete` does."""
    if "view" in state or "model" not in state:
        name = state.get("view", NAMES[0])
        of(name)
        return name
    model = state["model"]
    if presets.known(model) and model not in checkpoints.names():
        return "text-to-image"
    return checkpoints.card(model).get("views", NAMES)[0]


def complete(state: State) -> State:
    """A state completed by its view; raises as `View.complete` does, and StateError for a key that the view does not know."""
    name = view_of(state)
    view = of(name)
    for key in state:
        if key not in view.KEYS | EVERYWHERE:
            known = some_of(sorted(view.KEYS))
            raise StateError(f"{key} means nothing with view={name}, which knows {known or 'no keys of its own'}", key)
    if state.get("what", view.WHATS[0]) not in view.WHATS:
        raise StateError(f"what must be one of {', '.join(view.WHATS)} with view={name}, got {state['what']}", "what")
    return view.complete({**state, "view": name})


def checked(state: State) -> State:
    """As `complete`, of a state that `render` would write as a picture or as a film; raises as `render` does, and draws nothing."""
    from explorer.views import drawn, films

    full = complete(state)
    view, size = of(full["view"]), full.get("size")
    try:
        try:
            drawn.check(view.pictures(full, False), size)
        except drawn.NoPicture:
            pass
        except StateError as error:
            film = films.filmed(view, full)
            if error.key != "size" or not film.moves:
                raise
            drawn.check(film, size)
    except StateError as error:
        if error.key == "size":  # what the state says itself, of all that makes it large
            error.key = next((key for key in ("size", "between", "pause", "frames", "n", "steps", "what") if key in state), None)
        raise
    return full


def state_of(query: str, name: str | None = None) -> State:
    """The complete state of a query string, of the view `name` if it names none; StateError for the first bad value."""
    if not isinstance(query, str):
        raise StateError("a state is a string, as it stands after ? in the address")
    state = parse_strictly(query)
    return complete({"view": name, **state} if name else state)


def opened(query: str, name: str, complete=checked) -> tuple[State, list[str]]:
    """The complete state that a view's page shows for a query string, and what was wrong with it (list of str).

    Each key that does not fit is left out, so that its default is shown, and the rest of the state kept; `render` would write what
    is left. `complete`: instead of `checked`.
    """
    state, problems = parse(str(query))
    if state.get("view", name) not in NAMES:
        problems.append(f"There is no view {state['view']!r} here. This is {of(name).TITLE}; the tabs above have the others.")
    state["view"] = name
    while True:
        try:
            return complete(state), problems
        except (StateError, UnknownName) as error:
            unknown = isinstance(error, UnknownName) and "model" in state
            # the names that there are stand beside it, in the page's own choice
            problems.append(f"There is no model {state['model']!r} here: another one is shown." if unknown else str(error))
            key = "model" if isinstance(error, UnknownName) else error.key
            kept = getattr(error, "kept", None)
            if kept:
                state[key] = kept
            elif key in state and key != "view":
                del state[key]
            elif set(state) - {"view", "model"}:
                state = {key: state[key] for key in ("view", "model") if key in state}
            elif "model" in state:
                del state["model"]
            else:
                raise


def render(state: State, ending: str, judge: Callable[[State, Any], None] | None = None) -> bytes:
    """The bytes of the file that a state stands for, with the state inside; `ending`: one of `drawn.ENDINGS`.

    `judge(complete state, what it shows)` may refuse it before it is begun. Raises StateError for what does not go together.
    """
    from explorer.views import drawn, films

    moving = drawn.is_film(ending)
    full = complete(state)
    view = of(full["view"])
    shown = films.filmed(view, full) if moving else view.pictures(full, False)
    if judge:
        judge(full, shown)
    return drawn.file(shown, full.get("size"), ending, text(state))


__all__ = ["NAMES", "ExplorerError", "View", "checked", "complete", "folder", "of", "opened", "render", "state_of", "view_of"]
