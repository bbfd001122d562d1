"""python -m mlcore"""

import sys

from mlcore import threads
from mlcore.cli import main

if __name__ == "__main__":
    # Before any command loads torch.
    threads.settle(passive=sys.argv[1:2] == ["train"])
    sys.exit(main())
