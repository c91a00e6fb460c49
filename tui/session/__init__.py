"""The session that both front ends share: the engine held, events folded into lanes, results kept. No Textual."""
