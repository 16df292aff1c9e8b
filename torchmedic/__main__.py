"""`python -m torchmedic`: the command line; `torchrun -m torchmedic run x.py` watches all ranks."""

from expert.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
