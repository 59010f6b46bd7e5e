"""One atheris process: `python -m fuzz.harness TARGET [options of libFuzzer] CORPUS...`, started by run.py."""

from __future__ import annotations

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["kg.readers", "kg.ids", "rispy", "bibtexparser"]):
    from fuzz.target import targets, timed

from fuzz.mutations import mutate


def mutator(data: bytes, limit: int, seed: int) -> bytes:
    """Half of the time damage by format, else by bytes."""
    random = Random(seed)
    if random.random() < 0.5:
        return bytes(atheris.Mutate(data, limit))
    return mutate(data, random, steps=random.choice((1, 1, 2, 4)), limit=limit)


def main() -> None:
    """Fuzz until a limit of libFuzzer is reached or something is found."""
    check = targets()[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: timed(check, data), custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
