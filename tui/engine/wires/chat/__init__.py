"""Chat Completions, the API of OpenAI that most other makers, gateways and local servers speak as well."""
