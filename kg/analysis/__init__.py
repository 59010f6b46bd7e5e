"""Answers over a built graph, each with the sentences that it rests on.

An analysis is a function of an open graph that returns a frozen value; a second function turns the value into a
:class:`~kg.analysis.render.Document`, which :func:`~kg.analysis.render.render` writes in any of its formats.
"""
