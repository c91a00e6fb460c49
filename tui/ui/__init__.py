"""The screen: the only package that imports Textual. Its private parts in use: `docs/upstream/textual.md`."""
