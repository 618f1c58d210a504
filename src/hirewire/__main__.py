"""`python -m hirewire`, and the `hirewire` script."""

from hirewire.cli import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
