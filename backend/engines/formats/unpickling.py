"""Unpickle with an exact list of names. What is not on the list is never looked up.

The pure-Python unpickler of the standard library, because joblib's arrays stand between the
opcodes, as raw bytes after the object that describes them.
"""

import io
import math
import pickle
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import numpy as np

from backend.engines.errors import ModelRefused

MOST_ARRAY_BYTES: Final = 256 * 1024 * 1024
_DESCRIBED_ARRAY: Final = ("joblib.numpy_pickle", "NumpyArrayWrapper")

Names = Mapping[tuple[str, str], Any]


class DescribedArray:
    """Where joblib says that an array follows: its shape and type, as plain attributes."""

    def read(self, stream: io.BytesIO, read_objects: Callable[[], Any]) -> Any:
        """Return the array whose bytes come next in the stream.

        Args:
            stream: Stands behind the description.
            read_objects: Reads a pickle there, with the same list: an array of objects is one.

        Raises:
            ModelRefused: it has more bytes than there are, or is not what it says.
        """
        facts = self.__dict__
        dtype, shape = np.dtype(facts["dtype"]), tuple(int(length) for length in facts["shape"])
        if dtype.hasobject:
            found = read_objects()
            if not isinstance(found, np.ndarray):
                raise ModelRefused("The model is refused: an array of it is something else")
            return found
        if facts.get("numpy_array_alignment_bytes") is not None:
            stream.read(stream.read(1)[0])
        size = math.prod(shape) * dtype.itemsize
        if not 0 <= size <= MOST_ARRAY_BYTES:
            raise ModelRefused("The model is refused: an array of it is too large")
        data = stream.read(size)
        if len(data) != size:
            raise ModelRefused("The model is refused: it is cut off")
        order = "F" if facts.get("order") == "F" else "C"
        flat: Any = np.frombuffer(data, dtype=dtype)
        return flat.reshape(shape, order=order).copy(order=order)


_Base: Any = pickle._Unpickler  # noqa: SLF001 - see the module


class ListedUnpickler(_Base):  # type: ignore[misc]
    """Finds the listed names only."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(_Base.dispatch)

    def __init__(self, content: bytes | io.BytesIO, names: Names, advice: str) -> None:
        self._stream = content if isinstance(content, io.BytesIO) else io.BytesIO(content)
        self._names = names
        self._advice = advice
        super().__init__(self._stream)

    def find_class(self, module: str, name: str) -> Any:
        """Return what a listed name stands for.

        Raises:
            ModelRefused: naming what is not on the list.
        """
        if (module, name) == _DESCRIBED_ARRAY:
            return DescribedArray
        try:
            return self._names[(module, name)]
        except KeyError:
            raise ModelRefused(
                f"The model is refused: it refers to {module}.{name}, which is not on the list of"
                f" what a model may hold. {self._advice}"
            ) from None

    def load_build(self) -> None:
        """Set an object's state; an array that is described here is read right away."""
        super().load_build()
        if isinstance(self.stack[-1], DescribedArray):
            self.stack.append(self.stack.pop().read(self._stream, self._nested))

    dispatch[pickle.BUILD[0]] = load_build

    def _nested(self) -> Any:
        return ListedUnpickler(self._stream, self._names, self._advice).load()


def finish(reader: ListedUnpickler) -> Any:
    """Return what a pickle holds.

    Raises:
        ModelRefused: it refers to what is not listed, or is damaged.
    """
    try:
        return reader.load()
    except ModelRefused:
        raise
    except (
        pickle.UnpicklingError, EOFError, IndexError, KeyError, ValueError, TypeError,
        AttributeError,
    ) as error:  # fmt: skip
        raise ModelRefused(
            f"The model is refused: it cannot be read ({type(error).__name__}: {error})"[:500]
        ) from error
