"""The Messages API, as Anthropic, Foundry, Vertex, Bedrock and compatible servers speak it."""
