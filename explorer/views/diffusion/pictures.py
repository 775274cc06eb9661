"""The diffusion view's state -> what is sampled: the one way that the page, its downloads and `render` share.

A state asks for one or more `Lane`s, each one call of a sampler for a batch of noises; `run` goes through them and hands every
step to a callback.
"""

from dataclasses import dataclass, field

import numpy as np

from explorer import checkpoints, geometry, imaging, places
from explorer.generators import samplers, schedules
from explorer.state import StateError

VIEWS = ("diffusion",)
COMPARED = (5, 10, 15, 20, 25)
MOST_SAMPLES = 18
MOST_STEPS = 100  # of a schedule without steps of its own
MOST_WORK = 8000  # pictures times steps of one run
COLUMNS = 6


@dataclass(frozen=True)
class Lane:
    """One call of a sampler: from `noise` (n, h, w, c) at time `start`."""

    title: str
    noise: np.ndarray
    sampler: str
    steps: int
    eta: float
    epsilon_scale: float
    seed: int
    start: float = 1.0
    asked: dict = field(default_factory=dict)  # of a model that knows classes: `label` (n,) and `guidance_scale`


def default_model():
    """The first diffusion model; KeyError if none is there."""
    for card in checkpoints.models():
        if card["kind"] == "diffusion":
            return card["name"]
    raise KeyError("there is no diffusion model in checkpoints/: train one with `python -m explorer train flowers-diffusion`")


def complete(state):
    """A state with the defaults of its model filled in; StateError says what does not fit it.

    Raises KeyError for an unknown model or one of another kind, CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model") or default_model())
    if card["kind"] != "diffusion":
        raise KeyError(f"{card['name']} does not sample from noise: the diffusion view needs a diffusion model")
    full = {"view": "diffusion", "what": "picture", "model": card["name"], "eta": 0.0, "epsilon_scale": 1.0,
            "seed": card.get("start_seed", 0), "n": MOST_SAMPLES,
            "frames": 20 if state.get("what") == "trajectory" else 9, **card["sampling"]} | state  # fmt: skip
    places.check_label(full, card)
    most = most_steps(card)
    if not 1 <= full["steps"] <= most:
        raise StateError(f"steps must be a whole number from 1 to {most} for {card['name']}, got {full['steps']}")
    if full["n"] > MOST_SAMPLES:
        raise StateError(f"n must be a whole number from 1 to {MOST_SAMPLES} samples, got {full['n']}")
    together = {"grid": full["n"], "strip": full["frames"]}.get(full["what"], 1)
    if together * full["steps"] > MOST_WORK:
        raise StateError(f"{together} pictures of {full['steps']} steps are too much work: at most {MOST_WORK} steps in all")
    if full["what"] == "strip" and "to" not in full:
        raise StateError("a strip needs a second noise: to=SEED")
    if "to" in full and (len(full["to"]) != 1 or full["to"][0] < 0 or full["to"][0] % 1):
        raise StateError("to must be one seed, a whole number from 0, in the diffusion view")
    if len(full.get("t", (0,))) != 1 or full.get("t", (0,))[0] < 0:
        raise StateError("t must be one number from 0 to 1, between the noise of seed and that of to")
    if full["what"] == "forward":
        full.setdefault("time", 0.5)
    if full.get("time", 1.0) <= 0:
        raise StateError("time must be above 0, where the picture would have no noise, and at most 1")
    return full


def most_steps(card):
    """The most steps that a model is sampled in: all that its schedule has."""
    return schedules.of(**card["schedule"]).steps or MOST_STEPS


def noise(generator, state):
    """The noise that a state starts from, (1, h, w, c): its seed's, or what lies at t on the way to that of `to`."""
    here = generator.prior(1, state["seed"])
    if "to" not in state or not state.get("t", (0.0,))[0]:
        return here
    return way(generator, state).at(state["t"])


def way(generator, state):
    """The path of noises from `seed` to `to`: spherical, since a mean of two noises is too quiet to be noise."""
    return geometry.Path(*(generator.prior(1, seed)[0] for seed in (state["seed"], int(state["to"][0]))), "slerp")


def source(generator, state):
    """The picture that the seed's own noise becomes, float32 (h, w, c): what "forward" noises if there is no other."""
    (lane,) = lanes(generator, {**state, "what": "picture"})
    return decode(generator, lane)[0]


def lanes(generator, state, picture=None):
    """What a complete state samples. `picture` float32 (h, w, c) in [0, 1]: what "forward" noises, instead of its `source`."""
    what = state["what"]

    def lane(title, noise, **settings):
        told = asked(generator, state, len(noise))
        if told and len(set(told["label"])) == 1 and told["guidance_scale"] and what != "steps":
            title += f" · {generator.card['classes'][told['label'][0]]}"
        own = {key: settings.get(key, state[key]) for key in ("sampler", "steps", "eta", "epsilon_scale", "seed")}
        return Lane(title, noise, **own, start=settings.get("start", 1.0), asked=told)

    if what == "steps":
        return [lane(f"{steps} steps", noise(generator, state), steps=steps) for steps in COMPARED]
    if what == "grid":
        return [lane("samples", generator.prior(state["n"], state["seed"]))]
    if what == "strip":
        return [lane("between two noises", way(generator, state).points(state["frames"]))]
    if what == "forward":
        picture = source(generator, state) if picture is None else picture
        start = whole_time(generator, state["time"])
        x_t = generator.noised(picture[None], start, seed=state["seed"] + 1)  # not the noise that made it
        return [lane("noised and denoised", x_t, start=start)]
    start = noise(generator, state)
    first = lane(title_of(state["sampler"], state["eta"]), start)
    if what == "trajectory" and "to_sampler" in state:
        return [first, lane(title_of(state["to_sampler"], state["eta"]), start, sampler=state["to_sampler"])]
    return [first]


def asked(generator, state, n):
    """What a model that knows classes is asked for, {"label": (n,), "guidance_scale"}; of others {}.

    Where the state names no class each of many samples has one of its own, drawn by the seed, and all that belong to one noise
    have one; a picture that is noised is repaired as what it is, so nothing is asked for then.
    """
    if "guidance_scale" not in state:
        return {}
    label = [state["label"]] * n if "label" in state else generator.labels(n if state["what"] == "grid" else 1, state["seed"])
    free = state["what"] == "forward" and "label" not in state
    return {"label": np.resize(label, n), "guidance_scale": 0.0 if free else state["guidance_scale"]}


def whole_time(generator, time):
    """The time, on a whole step where the schedule has such."""
    steps = generator.schedule.steps
    return max(1, round(time * steps)) / steps if steps else time


def title_of(sampler, eta):
    """A sampler in words."""
    return "DDPM" if sampler == "ddpm" else f"DDIM, η {eta:g}"


def decode(generator, lane, callback=None):
    """The pictures of a lane, float32 (n, h, w, c); `callback(step)` as `samplers.ddim`."""
    return generator.decode(lane.noise, steps=lane.steps, sampler=lane.sampler, eta=lane.eta, epsilon_scale=lane.epsilon_scale,
                            seed=lane.seed, callback=callback, start=lane.start, **lane.asked)  # fmt: skip


def run(state, callback=None, picture=None):
    """Sample all lanes of a complete state: a list of pictures (n, h, w, c), lane by lane.

    `callback(lane index, step, generator)` is called at every step; what it raises ends the run.
    """
    generator = checkpoints.load(state["model"])
    found = []
    for index, lane in enumerate(lanes(generator, state, picture)):
        step_of = None if callback is None else (lambda step, index=index: callback(index, step, generator))
        found.append(decode(generator, lane, step_of))
    return found


def kept(steps, most):
    """Which of so many steps are shown where there is room for `most`: evenly spread indices, first and last among them."""
    return sorted({round(i) for i in np.linspace(0, steps - 1, min(steps, most))})


def film(state):
    """x_t and the predicted x_0 of every lane as sampling goes on: uint8 (lanes, 2, frames, h, w, c)."""
    full = {**state, "what": "trajectory"}
    shown = kept(state["steps"], state["frames"])
    rows = {}

    def keep(index, step, generator):
        if step.index in shown:
            both = [imaging.to_bytes(generator.model.denormalize(x[0])) for x in (step.x_t, step.x_0)]
            rows.setdefault(index, []).append(both)

    run(full, keep)
    return np.stack([np.stack(rows[index]).swapaxes(0, 1) for index in sorted(rows)])


def pictures(state):
    """What a complete state shows: (pictures uint8 (n, h, w, c), columns), by `what`."""
    what = state["what"]
    if what == "trajectory":
        rows = film(state)
        return rows.reshape(-1, *rows.shape[3:]), rows.shape[2]
    if what == "forward":
        generator = checkpoints.load(state["model"])
        before = source(generator, state)
        (lane,) = lanes(generator, state, before)
        three = [before[None], generator.model.denormalize(lane.noise), decode(generator, lane)]
        return imaging.to_bytes(np.concatenate(three)), 3
    if what == "picture" and "time" in state:
        return imaging.to_bytes(at_time(state)[None]), 1
    if what not in ("picture", "grid", "strip", "steps"):
        raise StateError(f"the diffusion view has no what={what}: it has picture, trajectory, steps, grid, strip, forward")
    found = imaging.to_bytes(np.concatenate(run(state)))
    return found, {"picture": 1, "grid": min(COLUMNS, len(found))}.get(what, len(found))


def at_time(state):
    """The predicted picture at the step whose time is nearest: float32 (h, w, c)."""
    nearest = int(np.abs(samplers.times(state["steps"])[:-1] - state["time"]).argmin())
    found = []

    def keep(index, step, generator):
        if step.index == nearest:
            found.append(generator.model.denormalize(step.x_0[0]))

    run({**state, "what": "picture"}, keep)
    return found[0]
