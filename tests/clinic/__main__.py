"""`python -m tests.clinic`: the same as `torchmedic clinic`."""

import sys

from expert.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["clinic", *sys.argv[1:]]))
