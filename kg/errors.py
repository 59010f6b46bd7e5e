"""Errors that are meant for people: one line that says what is wrong, where, and how to mend it."""

from __future__ import annotations


class KGError(Exception):
    """Base of all errors that the command line prints as one line.

    ``exit_code`` follows the command-line contract: 1 the work failed, 2 the command line or an input file is wrong.
    """

    exit_code = 1


class InputError(KGError):
    """An input file, a query or an option is wrong; the message names the file, the record and the mend."""

    exit_code = 2
