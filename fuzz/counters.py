# SPDX-License-Identifier: MIT
"""The model's counter map as plain memory: clear it, copy it.

Contract: the memory belongs to the machine, which is kept alive. Clearing and copying are one
memory operation each, whatever mode the model runs in.
"""

import ctypes
from typing import Final, final

from simulator.run import Machine

_SIMPLE: Final = 0  # PyBUF_SIMPLE: address and size


class _PyBuffer(ctypes.Structure):
    """Py_buffer of CPython's C API, for PyObject_GetBuffer: a memoryview of a vec is
    read-only, and Python shows no address of it."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


@final
class CounterMap:
    """The counters of one machine, which is kept alive."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._counters = machine.counters
        buffer = _PyBuffer()
        ctypes.pythonapi.PyObject_GetBuffer(
            ctypes.py_object(self._counters), ctypes.byref(buffer), _SIMPLE
        )
        if not buffer.buf:
            raise MemoryError("the counter map has no address")
        self._address: int = buffer.buf
        self._size: int = buffer.len
        self._buffer = buffer  # never released: it pins the memory

    def clear(self) -> None:
        ctypes.memset(self._address, 0, self._size)

    def snapshot(self) -> bytes:
        return ctypes.string_at(self._address, self._size)
