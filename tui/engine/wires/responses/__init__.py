"""The Responses API: OpenAI's protocol of typed events, which some gateways and local servers speak as well."""
