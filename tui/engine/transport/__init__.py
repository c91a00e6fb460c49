"""Connections under the SDK's HTTP client whose data carry the time of their arrival, and the decoding of a body."""
