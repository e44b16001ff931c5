"""How this process runs, read from the environment once; secrets never show themselves."""

import difflib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio.connection import parse_url

from bot.errors import InvalidConfiguration

PREFIX = "REGISTRY_BOT_"
SIGNING_KEY_LENGTH = 32
"""Characters; a shorter key is not worth the name."""


def _is_api_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/(\S*/)?api/", url):
        raise ValueError("must be a URL that ends in /api/")
    return url


def _is_proxy(url: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/?", url):
        raise ValueError("must be the URL of a proxy, such as http://proxy.example.com:3128")
    return url


def _is_redis_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if not _can_be_dialled(text):
        raise ValueError(
            "must look like redis://user:password@host:6379/0, with special characters of the password percent-encoded"
        )
    return url


def _can_be_dialled(url: str) -> bool:
    """Ask the client's own parser, and look at what that one only guesses at: a path that is no database, port 0."""
    try:
        parse_url(url)
        parts = urlsplit(url)
        is_file = parts.scheme == "unix"
        return is_file or (parts.port != 0 and re.fullmatch(r"(/\d*)?", parts.path, flags=re.ASCII) is not None)
    except ValueError:
        return False


def _is_long_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < SIGNING_KEY_LENGTH:
        raise ValueError(f"must have at least {SIGNING_KEY_LENGTH} characters; for example: openssl rand -hex 32")
    return key


def _is_one_word(secret: SecretStr) -> SecretStr:
    if re.search(r"\s", secret.get_secret_value()):
        raise ValueError("holds white space; copy it again")
    return secret


def _is_no_app_token(token: SecretStr) -> SecretStr:
    if token.get_secret_value().startswith("xapp-"):
        raise ValueError("holds an app-level token (xapp-…); the bot token begins with xoxb-")
    return token


def _is_cr_endpoint(endpoint: str) -> str:
    if "=" in endpoint:
        parts = [part.strip() for part in endpoint.split(",") if part.strip()]
        is_good = all(re.fullmatch(r"[a-z0-9-]+=[^=\s{}]+", part) for part in parts)
    else:
        is_good = not re.search(r"[{}\s/]", endpoint.replace("{region}", ""))
    if not is_good:
        raise ValueError("must be a host name with {region} in it, or a list such as cn-hangzhou=host:port,…")
    return endpoint


def _are_redirects(text: str) -> str:
    _redirects(text)
    return text


def _is_absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path: where a relative one leads depends on where the bot is started")
    return path


Token = Annotated[SecretStr, AfterValidator(_is_one_word)]
SigningKey = Annotated[SecretStr, AfterValidator(_is_long_key)]
Port = Annotated[int, Field(ge=0, le=65535)]


_ENVIRONMENT = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)


class CloudSettings(BaseSettings):
    """How to reach Alibaba Cloud and its registries; the keys come by the SDK's own credentials chain."""

    model_config = _ENVIRONMENT

    alibaba_pvtz_endpoint: str = "pvtz.aliyuncs.com"
    alibaba_cr_endpoint: Annotated[str, AfterValidator(_is_cr_endpoint)] = "cr.{region}.aliyuncs.com"
    alibaba_protocol: Literal["https", "http"] = "https"
    alibaba_qps: Annotated[float, Field(gt=0, le=10_000)] = 20.0
    alibaba_in_flight: Annotated[int, Field(ge=2, le=1_000)] = 8
    connect_to: Annotated[str, AfterValidator(_are_redirects)] = ""

    @property
    def redirects(self) -> dict[str, tuple[str, int]]:
        """Return REGISTRY_BOT_CONNECT_TO as `host:port` → where to dial instead."""
        return _redirects(self.connect_to)


class SiteSettings(CloudSettings):
    """What it takes to look at the configured sites without Slack and without Redis."""

    config: Path


class AuditSettings(BaseSettings):
    """What it takes to look at the audit: where it is, and the keys that its ends are signed with."""

    model_config = _ENVIRONMENT

    redis_url: Annotated[SecretStr, AfterValidator(_is_redis_url)]
    signing_key: SigningKey
    signing_key_previous: SigningKey | None = None


class Settings(SiteSettings, AuditSettings):
    """The whole REGISTRY_BOT_… environment."""

    redis_replicas: Annotated[int, Field(ge=0, le=16)] = 0
    redis_durability: Literal["", "asserted"] = ""
    redis_allow_volatile: bool = False
    slack_mode: Literal["socket", "http"] = "socket"
    slack_bot_token: Annotated[Token, AfterValidator(_is_no_app_token)]
    slack_app_token: Annotated[Token | None, Field(validate_default=True)] = None
    slack_signing_secret: Annotated[Token | None, Field(validate_default=True)] = None
    slack_api_url: Annotated[str, AfterValidator(_is_api_url)] = "https://slack.com/api/"
    slack_proxy: Annotated[str, AfterValidator(_is_proxy)] | None = None
    inventory_every: Annotated[int, Field(ge=1)] = 120
    inventory_full_every: Annotated[int, Field(ge=1)] = 21_600
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    metrics_port: Port = 9090
    freeze: bool = False
    freeze_file: Annotated[Path, AfterValidator(_is_absolute)] | None = None

    @field_validator("slack_app_token")
    @classmethod
    def _fits_socket_mode(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token is None and info.data.get("slack_mode") == "socket":
            raise ValueError("is not set; socket mode needs an app-level token (xapp-…, scope connections:write)")
        if token is not None and token.get_secret_value().startswith("xoxb-"):
            raise ValueError("holds a bot token (xoxb-…); the app-level token begins with xapp-")
        return token

    @field_validator("slack_signing_secret")
    @classmethod
    def _fits_http_mode(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("slack_mode") == "http":
            raise ValueError("is not set; http mode needs the app's signing secret (Basic Information)")
        return secret


S = TypeVar("S", bound=BaseSettings)


def load_settings() -> Settings:
    """Read the whole environment, which may hold no name that begins like ours and means nothing.

    A misspelt REGISTRY_BOT_FREEZE would otherwise stop nothing, and nobody would know.
    Raises InvalidConfiguration as `read_environment` does.
    """
    unknown = _unknown_names(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        raise _wrong([*_mistakes(error), *unknown]) from None
    if unknown:
        raise _wrong(unknown)
    return settings


def read_environment(kind: type[S]) -> S:
    """Read as much of the environment as `kind` needs.

    Raises InvalidConfiguration that names every variable that is wrong or missing, and no value.
    """
    try:
        return kind()
    except ValidationError as error:
        raise _wrong(_mistakes(error)) from None


def _redirects(text: str) -> dict[str, tuple[str, int]]:
    """Read `host:443=127.0.0.1:18443,…`. Raises ValueError for anything else."""
    redirects: dict[str, tuple[str, int]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([^=\s]+:\d{1,5})=([^=\s]+):(\d{1,5})", part, flags=re.ASCII)
        if match is None or not 0 < int(match[3]) <= 65535:
            raise ValueError("an entry is not of the form host:port=address:port; correct or unset it")
        redirects[match[1].lower()] = (match[2], int(match[3]))
    return redirects


def _wrong(mistakes: Iterable[str]) -> InvalidConfiguration:
    lines = "\n".join(f"- {line}" for line in sorted(mistakes))
    return InvalidConfiguration(f"The environment is wrong or incomplete:\n{lines}")


def _mistakes(error: ValidationError) -> list[str]:
    return [_sentence(part) for part in error.errors()]


def _sentence(part: ErrorDetails) -> str:
    said = _SAID.get(part["type"]) or part["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return f"{PREFIX}{str(part['loc'][0]).upper()}: {said}"


_SAID = {
    "missing": "is not set",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be 1 or 0",
}


def _unknown_names(environment: Iterable[str]) -> list[str]:
    """Return a sentence for each name with our prefix that is no setting; what it may have been meant for, too."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    ours = (name for name in environment if name.upper().startswith(PREFIX))
    return [_unknown(name, known) for name in ours if name.upper() not in known and not _SERVICE_LINK.fullmatch(name)]


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name[:80]}: is no setting of this bot{hint or '; unset it'}"


_SERVICE_LINK = re.compile(
    rf"{PREFIX}([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes sets in every pod for a Service whose name begins with registry-bot; nobody has typed these."""
