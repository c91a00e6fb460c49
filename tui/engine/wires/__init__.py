"""The protocols that endpoints speak, one package each.

Each module of a wire says what one protocol's requests, answers and refusals look like. Connections, deadlines, stamps
and retries are the same for all of them and stand above.
"""
