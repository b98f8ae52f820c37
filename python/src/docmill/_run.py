"""Runs docmill, here or at a server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar, Union, overload

from ._program import DocmillError, program
from ._results import Results

M = TypeVar("M")
Source = Union[str, "os.PathLike[str]"]
Progress = Union[bool, Callable[[str], None], None]


@overload
def run(source: Source | Sequence[Source], template: type[M], **options: Any) -> Results[M]: ...
@overload
def run(
    source: Source | Sequence[Source], template: str | os.PathLike[str] | dict[str, Any], **options: Any
) -> Results[dict[str, Any]]: ...
def run(source: Any, template: Any, **options: Any) -> Results[Any]:
    """Turns documents into data, and returns when all of them are done or the budget is used up.

    The same call goes on with what was not finished, and pays for nothing twice.

    :param source: a file, a folder, a ZIP archive, a bucket prefix, or several of them.
    :param template: a Pydantic model, a JSON Schema, the name of a built-in template, or its file.
    :param model: `offline` (free, no network), `openai/gpt-4o-mini`, `sim/MODEL` (a rehearsal) …
    :param budget: dollars that are never passed; "none": no limit. Without one, the recommended.
    :param concurrency: calls in flight.
    :param name: what the batch is called.
    :param base_url: where a server is that speaks OpenAI's protocol.
    :param price: (dollars per million tokens in, out), or "free", for a model that nobody knows.
    :param fallback: models to ask when the one before cannot answer.
    :param server: a docmill server that does the work; without one, it is done here.
    :param data_dir: where everything is kept; without one, where the command line keeps it.
    :param options: further options of `docmill run`, as `no_ocr=True` or `between="22:00-06:00"`.
    :param progress: True or False, or what is called with each line; without, shown to people.
    :raises DocmillError: when it could not begin, or was given up.
    """
    options = dict(options)
    progress: Progress = options.pop("progress", None)
    common = _common(options)
    sources = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    with tempfile.TemporaryDirectory() as folder:
        model, named = _template(template, Path(folder))
        paths = [str(os.fspath(each)) for each in sources]
        command = [program(), *common, "run", *paths, "--template", named, "--yes", "--json"]
        command += _flags(options)
        batch = _batch(command, progress)
    return Results(batch, model, common)


async def arun(source: Any, template: Any, **options: Any) -> Results[Any]:
    """The same as `run`, for asynchronous programs."""
    return await asyncio.to_thread(lambda: run(source, template, **options))


def results(batch: str = "last", template: Any = None, **options: Any) -> Results[Any]:
    """The results of a batch that was run before, by its id, name, or `last`."""
    common = _common(options)
    if options:
        raise TypeError(f"unknown options: {', '.join(options)}")
    shown = _batch([program(), *common, "show", batch, "--json"], False)
    return Results(shown, template if isinstance(template, type) else None, common)


def _common(options: dict[str, Any]) -> list[str]:
    common = []
    for name in ("server", "data_dir"):
        value = options.pop(name, None)
        if value is not None:
            common += [f"--{name.replace('_', '-')}", os.fspath(value)]
    return common


def _template(template: Any, folder: Path) -> tuple[type[Any] | None, str]:
    if isinstance(template, type):
        schema = getattr(template, "model_json_schema", None)
        if schema is None:
            raise TypeError(f"{template.__name__} is no Pydantic model; a JSON Schema does as well")
        return template, _written(folder, template.__name__, schema())
    if isinstance(template, dict):
        return None, _written(folder, str(template.get("title") or "schema"), template)
    return None, os.fspath(template)


def _written(folder: Path, name: str, schema: dict[str, Any]) -> str:
    plain = "".join(c.lower() if c.isascii() and c.isalnum() else "-" for c in name).strip("-") or "schema"
    file = folder / f"{plain}.json"
    file.write_text(json.dumps(schema), encoding="utf-8")
    return str(file)


def _flags(options: dict[str, Any]) -> list[str]:
    flags: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is None or value is False:
            continue
        if value is True:
            flags.append(flag)
        elif name == "price" and not isinstance(value, str):
            flags += [flag, ",".join(f"{part:f}" for part in value)]
        elif name == "fallback" and not isinstance(value, str):
            flags += [flag, ",".join(value)]
        elif isinstance(value, (list, tuple)):
            for each in value:
                flags += [flag, str(each)]
        elif isinstance(value, float):
            # Never as 1e-05.
            flags += [flag, f"{value:.9f}".rstrip("0").rstrip(".")]
        else:
            flags += [flag, str(value)]
    return flags


def _batch(command: list[str], progress: Progress) -> dict[str, Any]:
    hear = _hearer(progress)
    # On a terminal the program draws its own bar.
    inherits = progress is None and sys.stderr is not None and sys.stderr.isatty()
    said: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=None if inherits else subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        listener = None
        if process.stderr is not None:
            listener = threading.Thread(target=_listen, args=(process.stderr, said, hear), daemon=True)
            listener.start()
        try:
            out = process.stdout.read()
        except KeyboardInterrupt:
            # As Ctrl-C at the command: what is in flight is finished and paid.
            process.wait()
            raise
    if listener is not None:
        listener.join()
    try:
        batch = json.loads(out)
    except ValueError:
        batch = None
    if isinstance(batch, dict) and "state" in batch:
        return batch
    message = "\n".join(said).strip() or f"docmill ended with status {process.returncode}"
    raise DocmillError(message, process.returncode)


def _listen(stream: IO[str], said: list[str], hear: Callable[[str], None] | None) -> None:
    for line in stream:
        line = line.rstrip()
        said.append(line)
        del said[:-200]
        if hear is not None and line:
            hear(line)


def _hearer(progress: Progress) -> Callable[[str], None] | None:
    if callable(progress):
        return progress
    in_notebook = "ipykernel" in sys.modules
    if progress or (progress is None and in_notebook):
        return lambda line: print(f"\r{line}\x1b[K", end="", flush=True) if in_notebook else print(line, file=sys.stderr)
    return None
