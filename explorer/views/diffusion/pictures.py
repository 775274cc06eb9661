"""The diffusion view: from its state to what is sampled.

A state asks for one or more `Lane`s, each one call of a sampler for a batch of noises; `run` goes through them and hands every
step to a callback.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from explorer import checkpoints, geometry, imaging
from explorer.errors import UnknownName
from explorer.generators import samplers, schedules
from explorer.state import StateError
from explorer.views import films, points
from explorer.views.drawn import Drawn

TITLE = "Diffusion"
KEYS = frozenset({"seed", "to", "t", "frames", "n", "steps", "sampler", "to_sampler", "label", "guidance_scale", "eta",
                  "epsilon_scale", "time", "closed", "via", "inside", *points.GUIDANCE}) | films.KEYS  # fmt: skip
WHATS = ("picture", "trajectory", "steps", "grid", "strip", "forward")
COMPARED = (5, 10, 15, 20, 25)
MOST_SAMPLES = 18
MOST_FRAMES = 240  # of a strip
TOGETHER = 64  # ... of which so many are sampled together
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
    places: tuple = (0,)  # whose noise is added on the way: those of a grid have one each, all frames of a walk the first
    asked: dict = field(default_factory=dict)  # of a model that knows classes: `label` (n,) and `guidance_scale`


def is_here():
    """Whether there is a model that samples from noise."""
    return any(map(samples, checkpoints.models()))


def samples(card):
    """Whether a card's model is shown in this view."""
    return "diffusion" in card.get("views", ())


def default_model():
    """The first diffusion model; UnknownName if none is there."""
    for card in checkpoints.models():
        if samples(card):
            return card["name"]
    raise UnknownName("there is no diffusion model in checkpoints/: train one with `python -m explorer train flowers-diffusion`")


def complete(state):
    """A state with the defaults of its model filled in; StateError says what does not fit it.

    Raises UnknownName for an unknown model, CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model") or default_model())
    if not samples(card):
        raise StateError(f"{card['name']} does not sample from noise: the diffusion view needs a diffusion model", "model")
    full = {"view": "diffusion", "what": "picture", "model": card["name"], "eta": 0.0, "epsilon_scale": 1.0,
            "seed": card.get("start_seed", 0), "n": MOST_SAMPLES,
            "frames": 9, "closed": False, **card["sampling"]} | state  # fmt: skip
    if full["what"] == "trajectory" and "frames" not in state:
        full["frames"] = max(2, min(20, full["steps"]))
    points.check_label(full, card)
    if card.get("conditional"):
        full = points.with_guidance(full)
    for key in ("sampler", "to_sampler"):
        if full.get(key, samplers.DDIM) not in samplers.SAMPLERS:
            raise StateError(f"{key} must be one of {', '.join(samplers.SAMPLERS)}, got {full[key]!r}", key)
    most = most_steps(card)
    if not 1 <= full["steps"] <= most:
        raise StateError(f"steps must be a whole number from 1 to {most} for {card['name']}, got {full['steps']}", "steps")
    if full["n"] > MOST_SAMPLES:
        raise StateError(f"n must be a whole number from 1 to {MOST_SAMPLES} samples, got {full['n']}", "n")
    together = {"grid": full["n"], "strip": full["frames"]}.get(full["what"], 1)
    if together * full["steps"] > MOST_WORK:
        raise StateError(
            f"{together} pictures of {full['steps']} steps are too much work: at most {MOST_WORK} steps in all",
            next((key for key in ("steps", "frames", "n") if key in state), "what"),
        )
    if full["what"] == "strip" and full["frames"] > MOST_FRAMES:
        raise StateError(
            f"frames must be a whole number from 2 to {MOST_FRAMES} between two noises, got {full['frames']}", "frames"
        )
    if full["what"] == "trajectory" and state.get("frames", 0) > max(2, full["steps"]):
        raise StateError(f"frames must be at most the {full['steps']} steps of a trajectory, got {full['frames']}", "frames")
    if full["what"] == "strip" and "to" not in full:
        raise StateError("a strip needs a second noise: to=SEED", "what")
    if "to" in full and (len(full["to"]) != 1 or full["to"][0] < 0 or full["to"][0] % 1):
        raise StateError("to must be one seed, a whole number from 0, in the diffusion view", "to")
    for key in ("t", "via"):
        if key in full and "to" not in full:
            raise StateError(f"{key} lies on the way to a second noise: to=SEED", key)
    if any(not isinstance(seed, int) for seed in full.get("via", ())):
        raise StateError("via must be seeds, whole numbers from 0 with ; between, in the diffusion view", "via")
    if len(full.get("t", (0,))) != 1 or full.get("t", (0,))[0] < 0:
        raise StateError("t must be one number from 0 to 1, between the noise of seed and that of to", "t")
    if full["what"] == "forward":
        full.setdefault("time", 0.5)
    if full.get("time", 1.0) <= 0:
        raise StateError("time must be above 0, where the picture would have no noise, and at most 1", "time")
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
    """The path of noises from `seed` through `via` to `to`: spherical, since a mean of two noises is too quiet to be noise."""
    seeds = (state["seed"], *state.get("via", ()), int(state["to"][0]))
    return geometry.Path.through([generator.prior(1, seed)[0] for seed in seeds], "slerp", state["closed"])


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
        places = tuple(range(len(noise))) if what == "grid" else (0,) * len(noise)
        return Lane(title, noise, **own, start=settings.get("start", 1.0), places=places, asked=told)

    if what == "steps":
        return [lane(f"{steps} steps", noise(generator, state), steps=steps) for steps in COMPARED]
    if what == "grid":
        return [lane("samples", generator.prior(state["n"], state["seed"]))]
    if what == "strip":
        noises = way(generator, state).points(state["frames"])
        return [lane("between two noises", noises[i : i + TOGETHER]) for i in range(0, len(noises), TOGETHER)]
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
    """What a model that knows classes is asked for, {"label": (n,), "guidance_scale", and how it is guided}; of others {}.

    Where the state names no class each of many samples has one of its own, drawn by the seed, and all that belong to one noise
    have one; a picture that is noised is repaired as what it is, so nothing is asked for then.
    """
    if "guidance_scale" not in state:
        return {}
    label = [state["label"]] * n if "label" in state else generator.labels(n if state["what"] == "grid" else 1, state["seed"])
    free = state["what"] == "forward" and "label" not in state
    told = {key: state[key] for key in points.GUIDANCE}
    return {"label": np.resize(label, n), "guidance_scale": 0.0 if free else state["guidance_scale"], **told}


def whole_time(generator, time):
    """The time, on a whole step where the schedule has such."""
    steps = generator.schedule.steps
    return max(1, round(time * steps)) / steps if steps else time


def title_of(sampler, eta):
    """A sampler in words."""
    return f"{sampler.upper()}, η {eta:g}" if samplers.takes_eta(sampler) else sampler.upper()


def decode(generator, lane, callback=None):
    """The pictures of a lane, float32 (n, h, w, c); `callback(step)` as `samplers.ddim`."""
    return generator.decode(lane.noise, steps=lane.steps, sampler=lane.sampler, eta=lane.eta, epsilon_scale=lane.epsilon_scale,
                            seed=lane.seed, callback=callback, start=lane.start, places=lane.places, **lane.asked)  # fmt: skip


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


def film(state, show=lambda generator, x: imaging.to_bytes(generator.model.denormalize(x))):
    """x_t and the predicted x_0 of every lane as sampling goes on: uint8 (lanes, 2, frames, h, w, c), or as
    `show` has them."""
    full = {**state, "what": "trajectory"}
    shown = kept(state["steps"], state["frames"])
    rows = {}

    def keep(index, step, generator):
        if step.index in shown:
            rows.setdefault(index, []).append([show(generator, x[0]) for x in (step.x_t, step.x_0)])

    run(full, keep)
    return np.stack([np.stack(rows[index]).swapaxes(0, 1) for index in sorted(rows)])


def start_points(state):
    """The noise that each picture of a complete state is sampled from: {"z": float32 (n, h, w, c)}."""
    return {"z": np.concatenate([lane.noise for lane in lanes(checkpoints.load(state["model"]), state)])}


def latents_of_film(state):
    """What the network sees and expects in `film`: {"x_t", "x_0"}, each float32 (lanes, frames, h, w, c)."""
    return dict(zip(("x_t", "x_0"), film(state, lambda _, x: x).swapaxes(0, 1), strict=True))


def pictures(state, moving=False):
    """What a complete state shows, as `Drawn`."""
    return replace(_drawn(state, moving), evaluations=evaluations(state))


def evaluations(state):
    """How often the network is asked for what a complete state shows, each picture for itself; with a class twice."""
    pictures = {"grid": state["n"], "strip": state["frames"], "forward": 2, "trajectory": 1 + ("to_sampler" in state)}
    steps = sum(COMPARED) if state["what"] == "steps" else state["steps"] * pictures.get(state["what"], 1)
    return steps * (2 if state.get("guidance_scale") else 1)


def _drawn(state, moving):
    shape, what = tuple(checkpoints.card(state["model"])["image_shape"]), state["what"]
    if what == "trajectory":
        return _trajectory(state, shape, moving)
    if what == "forward":
        return Drawn(lambda: forward(state), 3, shape, 3, size=128)
    if what == "picture":
        make = lambda: at_time(state)[None] if "time" in state else np.concatenate(run(state))  # noqa: E731
        return Drawn(make, 1, shape, latents=lambda: start_points(state))
    count = {"grid": state["n"], "strip": state["frames"], "steps": len(COMPARED)}[what]
    columns = min(COLUMNS, count) if what == "grid" else count
    size = 256 if moving else 512 if columns == 1 else 128
    make, latents = lambda: np.concatenate(run(state)), lambda: start_points(state)
    return Drawn(make, count, shape, columns, size=size, moves=what == "strip", latents=latents)


def _trajectory(state, shape, moving):
    """Rows of x_t and of the predicted x_0 of each lane; a film has them beside each other, lane by lane."""
    lanes, frames = 1 + ("to_sampler" in state), min(state["frames"], state["steps"])
    latents = lambda: latents_of_film(state)  # noqa: E731
    if not moving:
        rows = lambda: film(state).reshape(-1, *shape)  # noqa: E731
        return Drawn(rows, 2 * lanes * frames, shape, frames, size=128, moves=True, latents=latents)

    def pairs():
        rows = film(state)
        return np.stack([imaging.grid(frame.reshape(-1, *shape), 2) for frame in rows.transpose(2, 0, 1, 3, 4, 5)])

    h, w, c = shape
    return Drawn(pairs, frames, (lanes * h, 2 * w, c), size=256, cells=2, moves=True, held=((-1, 8),), latents=latents)


def forward(state):
    """A picture, the same noised, and what the model makes of that: uint8 (3, h, w, c)."""
    generator = checkpoints.load(state["model"])
    before = source(generator, state)
    (lane,) = lanes(generator, state, before)
    return imaging.to_bytes(np.concatenate([before[None], generator.model.denormalize(lane.noise), decode(generator, lane)]))


def at_time(state):
    """The predicted picture at the step whose time is nearest: float32 (h, w, c)."""
    nearest = int(np.abs(samplers.times(state["steps"])[:-1] - state["time"]).argmin())
    found = []

    def keep(index, step, generator):
        if step.index == nearest:
            found.append(generator.model.denormalize(step.x_0[0]))

    run({**state, "what": "picture"}, keep)
    return found[0]
