"""The runs of all views: what visitors have under way, and how their pages follow it. The page's half is `run.js`."""

from explorer.ui.jobs import Jobs
from explorer.ui.latent_plane import answered

JOBS = Jobs()


@answered
def run_news(request):
    """[job, events seen] -> {"events": [...], "done"}; waits for the next one for a moment."""
    name, seen = request
    events, done = JOBS.since(str(name), int(seen))
    return {"events": events, "done": done}


@answered
def stop_run(name):
    """End a run."""
    JOBS.stop(str(name))
    return {}


LIVE_FUNCTIONS = [run_news]
