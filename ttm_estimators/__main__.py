"""The ``ttm`` command as a process."""

from ttm_estimators.signals import run_main


def main() -> None:
    """Run the ``ttm`` command."""
    run_main("ttm_estimators.command_line")


if __name__ == "__main__":
    main()
