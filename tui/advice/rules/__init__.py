"""Rules: each is a function of the evidence that returns a suggestion, or the reason for none.

A new rule is one function here and one row in `tui.advice.advise.RULES`.
"""
