"""Persons who stay the same from delivery to delivery: the standing spine, its ids, its history, decisions about it."""
