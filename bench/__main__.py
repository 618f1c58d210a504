"""`./dev bench [names]`."""

import importlib
import sys

ALL = ("consume",)


def main() -> None:
    """Run the named benchmarks, or all."""
    names = sys.argv[1:] or ALL
    for name in names:
        if name not in ALL:
            sys.exit(f"no benchmark {name!r}: one of {', '.join(ALL)}")
        importlib.import_module(f"bench.{name}").main()


main()
