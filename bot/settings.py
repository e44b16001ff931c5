"""How this process runs, read from the environment once; secrets never show themselves."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import InvalidConfiguration

SIGNING_KEY_LENGTH = 32
"""Characters; a shorter key is not worth the name."""


def _is_api_url(url: str) -> str:
    if not url.startswith(("http://", "https://")) or not url.endswith("/api/"):
        raise ValueError("must be a URL that ends in /api/")
    return url


def _is_redis_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return url


def _is_long_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < SIGNING_KEY_LENGTH:
        raise ValueError(f"must have at least {SIGNING_KEY_LENGTH} characters; for example: openssl rand -hex 32")
    return key


SigningKey = Annotated[SecretStr, AfterValidator(_is_long_key)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """The REGISTRY_BOT_… environment; Alibaba keys come by the SDK's own credentials chain."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_BOT_", extra="ignore", hide_input_in_errors=True)

    config: Path
    redis_url: Annotated[SecretStr, AfterValidator(_is_redis_url)]
    redis_replicas: Annotated[int, Field(ge=0, le=16)] = 0
    redis_durability: Literal["", "asserted"] = ""
    redis_allow_volatile: bool = False
    signing_key: SigningKey
    signing_key_previous: SigningKey | None = None
    slack_bot_token: SecretStr
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_mode: Literal["socket", "http"] = "socket"
    slack_api_url: Annotated[str, AfterValidator(_is_api_url)] = "https://slack.com/api/"
    slack_proxy: str | None = None
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    metrics_port: Port = 9090
    alibaba_pvtz_endpoint: str = "pvtz.aliyuncs.com"
    alibaba_cr_endpoint: str = "cr.{region}.aliyuncs.com"
    alibaba_protocol: Literal["https", "http"] = "https"
    connect_to: str = ""
    freeze: bool = False
    freeze_file: Path | None = None

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        if self.slack_mode == "socket" and not _is_filled(self.slack_app_token):
            raise ValueError("socket mode needs REGISTRY_BOT_SLACK_APP_TOKEN (xapp-…, scope connections:write)")
        if self.slack_mode == "http" and not _is_filled(self.slack_signing_secret):
            raise ValueError("http mode needs REGISTRY_BOT_SLACK_SIGNING_SECRET")
        return self

    @property
    def redirects(self) -> dict[str, tuple[str, int]]:
        """Return REGISTRY_BOT_CONNECT_TO as `host:port` → where to dial instead."""
        return parse_connect_to(self.connect_to)


def load_settings() -> Settings:
    """Read the environment.

    Raises InvalidConfiguration that names every variable that is wrong or missing, and no value.
    """
    try:
        settings = Settings()
        parse_connect_to(settings.connect_to)
    except ValidationError as error:
        raise InvalidConfiguration(_sentences(error)) from None
    return settings


def parse_connect_to(text: str) -> dict[str, tuple[str, int]]:
    """Read `host:443=127.0.0.1:18443,…`. Raises InvalidConfiguration for anything else."""
    redirects: dict[str, tuple[str, int]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        source, separator, target = part.partition("=")
        host, colon, port = target.rpartition(":")
        if not (separator and colon and host and port.isdigit() and ":" in source):
            raise InvalidConfiguration(
                f"REGISTRY_BOT_CONNECT_TO: '{part}' is not of the form host:port=address:port. Correct or unset it."
            )
        redirects[source.lower()] = (host, int(port))
    return redirects


def _is_filled(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value().strip())


def _sentences(error: ValidationError) -> str:
    lines = [_sentence(str(part["loc"][0]) if part["loc"] else "", part["msg"]) for part in error.errors()]
    return "The environment is not complete:\n" + "\n".join(f"- {line}" for line in sorted(lines))


def _sentence(name: str, message: str) -> str:
    said = message.removeprefix("Value error, ")
    if not name:
        return said
    return f"REGISTRY_BOT_{name.upper()}: {'is not set' if said == 'Field required' else said}"
