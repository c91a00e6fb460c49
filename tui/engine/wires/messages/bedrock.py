"""Amazon Bedrock: the SDK's client, with what AWS's own library says of credentials made an error of the SDK's kind."""

import anthropic
import httpx2

INSTALL = "Install AWS's library (pip install 'latency-tui[bedrock]'), or name a Bedrock API key with api_key_env."


class SigningError(anthropic.AnthropicError):
    """The request could not be signed, so it was not sent; its words say why, and hold no secret."""


class BedrockClient(anthropic.AsyncAnthropicBedrockMantle):
    """Speaks the Messages API as Bedrock serves it: with a key of Bedrock's as a bearer token, or signed (SigV4)."""

    async def _prepare_request(self, request: httpx2.Request) -> None:
        try:
            await super()._prepare_request(request)
        except ImportError:
            raise SigningError(f"AWS's library is not installed. {INSTALL}") from None
        except Exception as error:
            # boto3 and botocore raise errors of many kinds, for profiles, expired sign-ins and roles.
            raise SigningError(f"{error}. Sign in to AWS, or name a Bedrock API key with api_key_env.") from error
