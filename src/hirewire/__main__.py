"""`python -m hirewire`, and the `hirewire` script."""

import os
import sys


def main() -> None:
    """Run the command line."""
    _take_data_dir(sys.argv)
    from hirewire.cli.main import app

    app()


def _take_data_dir(arguments: list[str]) -> None:
    """`--data-dir`, wherever it stands, is the setting HIREWIRE_DATA_DIR for every command."""
    for place, word in enumerate(arguments[1:], 1):
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if name != "--data-dir":
            continue
        given = [value] if equals else arguments[place + 1 : place + 2]
        if given and given[0]:
            os.environ["HIREWIRE_DATA_DIR"] = given[0]
            del arguments[place : place + (1 if equals else 2)]
        return


if __name__ == "__main__":
    main()
