"""Tasks on several cores: results in the order of the tasks, errors whole, the caller's own process works too.

Processes are started afresh (spawn), so that nothing of a caller's threads or open files gets into them, and without
running the caller's main module again. One killed, or the caller gone, ends all.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from commonground.errors import CommonGroundError, Said, StorageError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of the GNU C library's malloc.h
_KEPT, _USUAL = 1 << 28, 1 << 26
_WAITING = 2  # tasks that each process has before it, one being worked on


@dataclass(frozen=True)
class Fault:
    """An error of the user's, as it travels between processes."""

    kind: type[CommonGroundError]
    what: Said
    why: Said | None
    todo: Said | None
    where: str

    @classmethod
    def of(cls, error: CommonGroundError) -> Fault:
        """Take an error apart."""
        return cls(type(error), error.what, error.why, error.todo, error.where)

    def error(self) -> CommonGroundError:
        """Put it together again."""
        return self.kind(self.what, why=self.why, todo=self.todo, where=self.where)


def spread(
    tasks: Iterable[Any], do: Callable[[Any], Any], workers: int, start: Callable[..., None], words: tuple[Any, ...]
) -> Iterator[tuple[Any, Any]]:
    """Do tasks and give each with its result or ``Fault``, in their order.

    Parameters
    ----------
    tasks : iterable
        Taken as they are needed; no more are taken after a fault.
    do : callable
        Of one task; a function of a module, for it runs in other processes too.
    workers : int
        Processes in all, this one among them; 1: no other is started.
    start : callable
        Called with ``words`` in every process before its first task.

    Raises
    ------
    StorageError
        A process was killed, most likely because the memory was full.
    """
    start(*words)
    with _memory_kept():
        yield from _spread(tasks, do, workers, start, words)


def _spread(
    tasks: Iterable[Any], do: Callable[[Any], Any], workers: int, start: Callable[..., None], words: tuple[Any, ...]
) -> Iterator[tuple[Any, Any]]:
    if workers <= 1:
        for task in tasks:
            result = guarded(do, task)
            yield task, result
            if isinstance(result, Fault):
                return
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers - 1, context, _begin, (start, words))
    try:
        yield from _in_order(tasks, do, pool, (workers - 1) * _WAITING)
    except BrokenProcessPool:
        raise _killed() from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    tasks: Iterable[Any], do: Callable[[Any], Any], pool: ProcessPoolExecutor, room: int
) -> Iterator[tuple[Any, Any]]:
    waiting: list[tuple[Any, Future[Any]]] = []
    for task, left in _counted(tasks, room):
        # near the end nobody should have two tasks before it while this process has none
        if sum(not future.done() for _, future in waiting) < (room if left == room else max(1, room // _WAITING)):
            with _no_main():
                waiting.append((task, pool.submit(guarded, do, task)))
        else:
            own: Future[Any] = Future()
            own.set_result(guarded(do, task))
            waiting.append((task, own))
        while waiting and waiting[0][1].done():
            done, future = waiting.pop(0)
            yield done, future.result()
            if isinstance(future.result(), Fault):
                return
    for done, future in waiting:
        yield done, future.result()
        if isinstance(future.result(), Fault):
            return


def _counted(tasks: Iterable[Any], most: int) -> Iterator[tuple[Any, int]]:
    """Give each task and how many follow it, as far as ``most``."""
    ahead: list[Any] = []
    for task in tasks:
        ahead.append(task)
        if len(ahead) > most:
            yield ahead.pop(0), most
    while ahead:
        yield ahead.pop(0), len(ahead)


def guarded(do: Callable[[Any], Any], task: Any) -> Any:
    """Do a task; an error of the user's becomes a ``Fault``."""
    try:
        return do(task)
    except CommonGroundError as error:
        return Fault.of(error)


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """Hide the main module while a process starts: a script without ``if __name__ …`` would run a second time."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin(start: Callable[..., None], words: tuple[Any, ...]) -> None:
    """Make a process ready: an interrupt ends it without a word, and so does the end of the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _keep_memory(_KEPT)
    _without_pandas()
    import pyarrow as pa

    pa.set_cpu_count(1)
    start(*words)


@contextlib.contextmanager
def _memory_kept() -> Iterator[None]:
    """Keep what is freed for the next block while tasks are done, then give it back."""
    _keep_memory(_KEPT)
    try:
        yield
    finally:
        _keep_memory(_USUAL)


def _keep_memory(limit: int) -> None:
    """Give freed memory back to the system only beyond ``limit`` bytes, where the C library can be told so.

    Blocks are large; without this each is got from the system anew, which clears it page by page.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 25)
        library.mallopt(_M_TRIM_THRESHOLD, limit)
        if limit == _USUAL:
            library.malloc_trim(0)


class _NoPandas:
    """Finds no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not asked for here", name=name)


def _without_pandas() -> None:
    """Let Arrow do without pandas: where it is installed Arrow loads it with its first array, for half a second."""
    import pyarrow as pa

    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])  # it looks once a process
    finally:
        sys.meta_path.remove(_NoPandas)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _killed() -> StorageError:
    return StorageError(
        Said("读取数据的一个进程被终止。", "A process that read data was killed."),
        why=Said("多半是内存不够。", "Most likely the memory was full."),
        todo=Said(
            "请在 city.toml 的 [intake] 中减小 workers，或关闭其他程序后再运行。",
            "Lower workers under [intake] in city.toml, or close other programs, and run again.",
        ),
    )
