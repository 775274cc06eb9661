"""Entry point of the Space and of `python app.py`: the command line's `serve`."""

import sys

from explorer.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
