"""A stand-in for ZeroGPU's package, as it is seen from a Space: a generator's arguments and events go through pickle to a forked
process and back, the visitor is taken from Gradio's request in the caller's context, and a quota may be exceeded."""

import multiprocessing
import pickle
import sys

if "gradio" in sys.modules or "torch" in sys.modules:
    raise ImportError("spaces must be imported first")

asked, quota = [], None
_forks = multiprocessing.get_context("fork")


def GPU(duration):
    def decorate(task):
        def borrowed(*given):
            import gradio as gr
            from gradio.context import LocalContext

            if quota:
                raise gr.Error(quota)
            request = LocalContext.request.get(None)
            asked.append(f"{request.headers['x-ip-token'] if request else 'nobody'}:{duration(*given):.0f}s")
            here, there = _forks.Pipe()
            process = _forks.Process(target=_run, args=(task, pickle.dumps(given), there), daemon=True)
            process.start()
            there.close()
            try:
                while True:
                    kind, event = pickle.loads(here.recv_bytes())
                    if kind == "end":
                        return
                    if kind == "error":
                        raise gr.Error(event)
                    yield event
            finally:
                process.terminate()
                process.join()

        return borrowed

    return decorate


def _run(task, given, pipe):
    try:
        for event in task(*pickle.loads(given)):
            pipe.send_bytes(pickle.dumps(("event", event)))
        pipe.send_bytes(pickle.dumps(("end", None)))
    except BaseException as error:
        pipe.send_bytes(pickle.dumps(("error", repr(error))))
