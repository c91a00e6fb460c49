"""latency-tui: tune LLM latency in the terminal. Imports nothing, so that `--version` and `--help` stay quick."""

__version__ = "0.1.0"
