"""`pinlake` and `python -m jobs`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line; errors that a user can act on end in their own exit code and one or two lines."""
    from jobs.errors import PinlakeError
    from jobs.failures import explained
    from jobs.telling import speak
    from models.specs import ModelError, SpecError

    speak(os.environ.get("PINLAKE_LOG_FORMAT", "text"), None)  # what is said before the settings are read
    try:
        from jobs.cli import app

        app()
    except PinlakeError as error:
        _end(str(error), error.exit_code)
    except ModelError as error:
        _end(str(error), 2 if isinstance(error, SpecError) else 1)
    except ValueError as error:
        _end(explained(error) or str(error), 2)
    except KeyboardInterrupt:
        _end("interrupted; what was published stays, the same command goes on from there", 130)
    except Exception as error:
        why = explained(error)
        if why is None:
            raise
        _end(why, 1)


def _end(why: str, exit_code: int) -> None:
    from jobs.telling import failed

    failed(why, exit_code)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
