"""`pinlake` and `python -m jobs`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; errors that a user can act on end in their own exit code and one or two lines."""
    from jobs.errors import PinlakeError
    from models.specs import ModelError, SpecError

    try:
        from jobs.cli import app

        app()
    except PinlakeError as error:
        print(f"pinlake: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ModelError as error:
        print(f"pinlake: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SpecError) else 1)
    except ValueError as error:
        print(f"pinlake: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("pinlake: interrupted; what was published stays, the same command goes on from there", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
