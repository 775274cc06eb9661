"""Entry point of the Space and of `python app.py`: arguments, build, launch."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no telemetry
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's notes about missing GPUs


def main():
    parser = argparse.ArgumentParser(description="Latent Explorer: see, touch and steer the latent spaces of image generators.")
    parser.add_argument("--host", help="address to listen on (default: this machine only; 0.0.0.0: the whole network)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    parser.add_argument("--open", action="store_true", help="open the browser")
    parser.add_argument("--model", action="append", default=[], metavar="PATH", help="a model of yours: see README; repeatable")
    options = parser.parse_args()
    host = options.host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    if host in ("127.0.0.1", "localhost", "::1") and "SPACE_ID" not in os.environ:
        os.environ.setdefault("EXPLORER_PRESETS", "any")  # who runs it is its visitor, and may have any model fetched

    if options.model:
        from explorer import own_models

        own_models.show(options.model, parser.error)

    from explorer.page import launch

    launch(options.host, options.port, options.open)


if __name__ == "__main__":
    main()
