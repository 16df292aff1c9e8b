"""`python -m expert`: the same as the command `torchmedic`."""

from __future__ import annotations

import sys

from expert.cli import main

sys.exit(main())
