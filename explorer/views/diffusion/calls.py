"""The diffusion view: sampling watched step by step. The page's half is `view.js` and `stage.js`."""

import functools

import numpy as np

from explorer import checkpoints, imaging, views
from explorer.errors import InputError
from explorer.generators import samplers, schedules
from explorer.serving import questions, remote
from explorer.serving.calls import JOBS, LONG, answered, for_page, in_turn, pixels, shown_with
from explorer.state import parse_strictly, text
from explorer.views import inside
from explorer.views.diffusion import pictures

MOST_KEPT = 100  # steps of a lane that are sent to the page
PLOTTED = 101
FAR = 3  # standard deviations of noise from black to grey, and to white


def state_of(query):
    """The complete state of a query string of this view."""
    return views.state_of(query, "diffusion")


@answered
def open_diffusion(query: questions.Query):
    """What a page needs to show a query string: state, problems, what a link need not say, the model, the names of all such models,
    and the samplers: [name, in words, whether it takes eta]."""
    full, problems = views.opened(query, "diffusion")
    usual = pictures.complete({"model": full["model"]})
    usual = {key: value for key, value in usual.items() if key not in ("what", "model", "seed", "n")}  # these a link always says
    known = [[name, name.upper(), samplers.takes_eta(name)] for name in samplers.SAMPLERS]
    return {"problems": problems, "model": describe(full["model"]), "models": shown_with(pictures.samples), "state": for_page(full),
            "defaults": for_page(usual), "samplers": known}  # fmt: skip


@functools.lru_cache(maxsize=8)
def describe(name):
    """What the page needs of a model's card: its schedule's plot, its bounds, its Keras code."""
    card = checkpoints.card(name)
    schedule = schedules.of(**card["schedule"])
    noise_rates, signal_rates = schedule(np.linspace(0, 1, PLOTTED))
    return {
        "name": name, "title": card["title"], "image_shape": card["image_shape"], "sampling": card["sampling"],
        "most_steps": pictures.most_steps(card), "steps_of_schedule": schedule.steps, "most_samples": pictures.MOST_SAMPLES,
        "noise_rates": np.round(noise_rates, 4).tolist(), "signal_rates": np.round(signal_rates, 4).tolist(),
        "classes": card["classes"] if card.get("conditional") else [], "compared": pictures.COMPARED,
        "licence": card["licence"], "known_failures": card["known_failures"], "code": code(card),
    }  # fmt: skip


def code(card):
    """The few lines that make the picture; the page puts in noise and settings."""
    return f"""import explorer

model = explorer.load("{card["name"]}")  # a Keras model behind it: model.model.network
{{noise}}
picture = model.decode(noise, {{settings}})[0]  # float32 {tuple(card["image_shape"])} in [0, 1]
"""


@answered
def start_run(request: questions.Query | questions.Run):
    """Begin to sample: a query, or {"query", "picture": base64 of a file that is noised} -> {"job", "lanes": [...]}.

    The picture lives in this run only. `lanes`: title, steps, how many pictures and which steps are sent of each.
    """
    query, file = (request["query"], request.get("picture")) if isinstance(request, dict) else (request, None)
    state = state_of(query)
    shape = checkpoints.card(state["model"])["image_shape"]
    picture = _brought(file, shape) if file else None
    together = {"grid": state["n"], "strip": state["frames"]}.get(state["what"], 1)
    return {"job": JOBS.start(functools.partial(_sample, state=state, picture=picture), together * state["steps"] > LONG)}


def _sample(job, state, picture):
    generator = checkpoints.load(state["model"])
    drawing = remote.sampler(generator)
    if state["what"] == "forward" and picture is None:
        picture = pictures.source(generator, state)
    lanes = pictures.lanes(generator, state, picture)
    shown = [pictures.kept(lane.steps, MOST_KEPT) for lane in lanes]
    job.report({
        "lanes": [{"title": lane.title, "steps": lane.steps, "count": len(lane.noise), "kept": len(keep), "start": lane.start}
                  for lane, keep in zip(lanes, shown, strict=True)],
        "first": [pixels(image) for image in generator.model.denormalize(lanes[0].noise)],
        "picture": pixels(picture) if picture is not None else None,
    })  # fmt: skip

    for index, (lane, keep) in enumerate(zip(lanes, map(set, shown), strict=True)):

        def callback(step, index=index, keep=keep):
            event = {"lane": index, "step": step.index, "time": round(step.time, 4), "noise_rate": round(step.noise_rate, 4),
                     "signal_rate": round(step.signal_rate, 4)}  # fmt: skip
            if step.index in keep:
                event["x_0"] = [pixels(image) for image in generator.model.denormalize(step.x_0)]
                if len(step.x_t) == 1:
                    event["x_t"] = pixels(generator.model.denormalize(step.x_t)[0])
            job.report(event if step.index in keep else None)

        pictures.decode(drawing, lane, callback)


@in_turn
def _brought(file, shape):
    """A visitor's picture as `squared` makes it."""
    return squared(imaging.read_picture(imaging.of_data_url(file), imaging.LONGEST), shape)


def squared(rgba, shape):
    """A picture (h, w, 4) -> the largest square in its middle, over white, as `shape` wants it, float32 in [0, 1]."""
    height, width = rgba.shape[:2]
    small = imaging.cut(rgba, (width / 2, height / 2), min(height, width), 0.0, shape[0])
    return small if shape[-1] == 3 else imaging.grey(small)[..., None].astype("float32")


@answered
@in_turn
def noised_picture(request: questions.Noised):
    """{"query", "picture"} -> x_t of the state's time, without denoising: {"x_t", "noise_rate", "signal_rate"}."""
    state = state_of(request["query"])
    generator = checkpoints.load(state["model"])
    file = imaging.of_data_url(request["picture"])
    picture = squared(imaging.read_picture(file, imaging.LONGEST), generator.image_shape)
    time = pictures.whole_time(generator, state["time"])
    x_t = generator.noised(picture[None], time, seed=state["seed"] + 1)
    noise_rate, signal_rate = generator.schedule(time)
    return {"x_t": pixels(generator.model.denormalize(x_t)[0]), "noise_rate": round(float(noise_rate), 4),
            "signal_rate": round(float(signal_rate), 4), "picture": pixels(picture)}  # fmt: skip


@answered
@in_turn
def look_at_levels(query: questions.Query):
    """What each level of the network makes of the step nearest to the state's time (without one, the last): {"levels": see
    `inside.stages`, "step", "steps", "x_t" and "noise": what goes in, and what of it the network takes for noise, as pixels}."""
    state = state_of(query)
    if state["what"] not in ("trajectory", "picture"):
        raise InputError("the levels are shown of one run: ask for what=trajectory")
    if state["steps"] > MOST_KEPT:
        raise InputError(f"the levels are shown of a run of at most {MOST_KEPT} steps, got {state['steps']}: set fewer")
    generator = checkpoints.load(state["model"])
    apart = ("time", "inside", "to_sampler", "frames")
    seen = _seen(text({key: value for key, value in state.items() if key not in apart} | {"what": "trajectory"}))
    times = samplers.times(state["steps"])[:-1]
    index = int(np.abs(times - state.get("time", 0.0)).argmin())
    x_t, time = seen[index][None], float(times[index])
    asked = pictures.asked(generator, state, 1)
    label = asked["label"] if asked.get("guidance_scale") else None
    noise = generator.predict_noise(x_t, time, **asked)
    return {"levels": inside.stages(state["model"], "unet", generator.told_of(x_t, time, label)),
            "x_t": pixels(generator.model.denormalize(x_t)[0]), "noise": pixels(np.clip(0.5 + noise[0] / (2 * FAR), 0, 1)),
            "step": index, "steps": state["steps"]}  # fmt: skip


@functools.lru_cache(maxsize=4)
def _seen(query):
    """What the network sees at each step of a run: float32 (steps, h, w, c)."""
    seen = []
    pictures.run(parse_strictly(query), lambda lane, step, generator: seen.append(step.x_t[0].copy()))
    return np.stack(seen)


SERVER_FUNCTIONS = [open_diffusion, start_run, noised_picture, look_at_levels]
