"""The simulator: a real HTTP server on loopback that speaks the wire protocols of the Messages API and of
Chat Completions, so that the same engine, SDK and sockets run without a key.

It shares no code with what it checks: nothing here imports the engine, the core or the SDK.
"""
