"""What the contract calls an error is a text: this makes one of a mistake, told with its place."""

import functools
import traceback
from pathlib import PurePath

from componentize_py_types import Err


def reporting(call):
    """`call`, with whatever it raises as a text, which the host shows as the fault `guest-error`."""

    @functools.wraps(call)
    def reported(*args):
        try:
            return call(*args)
        except Err as error:
            # A refusal of the host has a code and a message.
            value = error.value
            raise Err(value if isinstance(value, str) else f"{value.code}: {value.message}") from None
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{PurePath(place.filename).name}:{place.lineno}"
            raise Err(f"{type(error).__name__}: {error} ({where})") from None

    return reported
