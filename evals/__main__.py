"""``python -m evals``: see `evals.run`."""

import sys

from evals.run import main

sys.exit(main())
