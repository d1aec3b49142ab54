"""The ``ttm-bench`` command as a process."""

from ttm_estimators.signals import run_main


def main() -> None:
    """Run the ``ttm-bench`` command."""
    run_main("ttm_benchmarks.command_line")


if __name__ == "__main__":
    main()
