"""Advice: what would save time, by how much, how sure that is, and how to try it. Pure: it reads what was measured."""
