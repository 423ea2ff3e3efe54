"""Profiles files that nobody has described yet and proposes their contract, with evidence and a confidence each."""
