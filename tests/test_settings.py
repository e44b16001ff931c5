"""The environment: what is missing or wrong is named, all of it at once, and no secret is ever quoted."""

import os

import pytest

from bot.errors import InvalidConfiguration
from bot.settings import CloudSettings, SiteSettings, load_settings, read_environment
from tests.secrets import marked

SECRET = marked("k" * 32)
GOOD = {
    "CONFIG": "registry.yaml",
    "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:6379/0",
    "SIGNING_KEY": SECRET,
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("REGISTRY_BOT_")]:
        monkeypatch.delenv(name)


def _set(monkeypatch: pytest.MonkeyPatch, **values: str | None) -> None:
    for name, value in (GOOD | values).items():
        if value is not None:
            monkeypatch.setenv(f"REGISTRY_BOT_{name}", value)


def _complaint() -> str:
    with pytest.raises(InvalidConfiguration) as raised:
        load_settings()
    return str(raised.value)


def test_the_defaults_are_those_of_a_bot_on_one_host_in_socket_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch)

    settings = load_settings()

    assert (settings.slack_mode, settings.slack_api_url) == ("socket", "https://slack.com/api/")
    assert (settings.http_host, settings.http_port, settings.metrics_port) == ("127.0.0.1", 8080, 9090)
    assert (settings.redis_replicas, settings.redis_durability, settings.redis_allow_volatile) == (0, "", False)
    assert (settings.alibaba_pvtz_endpoint, settings.alibaba_protocol) == ("pvtz.aliyuncs.com", "https")
    assert not settings.freeze


def test_everything_that_is_missing_is_named_at_once() -> None:
    said = _complaint()

    assert [line for line in said.splitlines()[1:] if "is not set" not in line] == []
    named = ("CONFIG", "REDIS_URL", "SIGNING_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
    assert [name for name in named if f"REGISTRY_BOT_{name}:" not in said] == []


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, SLACK_BOT_TOKEN="", FREEZE="")

    assert "REGISTRY_BOT_SLACK_BOT_TOKEN: is not set" in _complaint()


def test_http_mode_needs_the_signing_secret_and_no_app_token(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, SLACK_MODE="http", SLACK_APP_TOKEN=None)

    said = _complaint()

    assert "REGISTRY_BOT_SLACK_SIGNING_SECRET: is not set" in said
    assert "APP_TOKEN" not in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", "xapp-1", "holds an app-level token"),
        ("SLACK_APP_TOKEN", "xoxb-1", "holds a bot token"),
        ("SLACK_BOT_TOKEN", "xoxb-1\n", "holds white space"),
        ("SLACK_MODE", "pigeon", "must be 'socket' or 'http'"),
        ("SLACK_API_URL", "https://slack.com", "must be a URL that ends in /api/"),
        ("SLACK_PROXY", "proxy", "must be the URL of a proxy"),
        ("REDIS_URL", "http://127.0.0.1", "must begin with redis://"),
        ("REDIS_URL", "redis://redis:none/0", "must look like redis://user:password@host:6379/0"),
        ("REDIS_URL", "redis://redis:6379/zero", "must look like redis://user:password@host:6379/0"),
        ("REDIS_URL", "redis://:pass/word@redis:6379/0", "must look like redis://user:password@host:6379/0"),
        ("REDIS_URL", "redis://redis:6379/0?db=zero", "must look like redis://user:password@host:6379/0"),
        ("REDIS_URL", "unix:///run/redis.sock?db=zero", "must look like redis://user:password@host:6379/0"),
        ("REDIS_REPLICAS", "two", "must be a whole number"),
        ("SIGNING_KEY", "short", "must have at least 32 characters"),
        ("HTTP_PORT", "99999", "must be less than or equal to 65535"),
        ("FREEZE", "maybe", "must be 1 or 0"),
        ("FREEZE_FILE", "frozen", "must be an absolute path"),
        ("FREEZE_FILE", "~/frozen", "must be an absolute path"),
        ("ALIBABA_CR_ENDPOINT", "cr.{zone}.example.com", "must be a host name with {region} in it"),
        ("ALIBABA_CR_ENDPOINT", "cn-hangzhou=", "must be a host name with {region} in it"),
        ("ALIBABA_PROTOCOL", "gopher", "must be 'https' or 'http'"),
        ("CONNECT_TO", "example.com=127.0.0.1:1", "is not of the form host:port=address:port"),
        ("CONNECT_TO", "example.com:443=127.0.0.1:70000", "is not of the form host:port=address:port"),
    ],
)
def test_a_wrong_value_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    _set(monkeypatch, **{name: value})

    assert f"REGISTRY_BOT_{name}: " in _complaint()
    assert said in _complaint()


def test_no_secret_is_quoted_in_a_complaint_or_in_a_printed_object(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch)
    shown = repr(load_settings())
    _set(monkeypatch, REDIS_URL=f"redis://:{SECRET}@redis:none/0")
    shown += _complaint()
    _set(monkeypatch, REDIS_URL=f"http://{SECRET}", SLACK_BOT_TOKEN=f"xapp-{SECRET}", SLACK_APP_TOKEN=f"xoxb-{SECRET}")

    assert SECRET not in shown + _complaint()


def test_redirects_are_read_as_dial_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_BOT_CONNECT_TO", "A.example.com:443=127.0.0.1:18443, 10.1.0.10:443=127.0.0.1:18444,")

    redirects = read_environment(CloudSettings).redirects

    assert redirects == {"a.example.com:443": ("127.0.0.1", 18443), "10.1.0.10:443": ("127.0.0.1", 18444)}


def test_looking_at_sites_needs_the_file_and_neither_slack_nor_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_BOT_CONFIG", "registry.yaml")

    assert read_environment(SiteSettings).config.name == "registry.yaml"


def test_a_name_that_is_no_setting_is_refused_with_the_one_that_it_resembles(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, FREZE="1", REDIS_REPLICA="1", COLOUR=SECRET)

    said = _complaint()

    assert "REGISTRY_BOT_FREZE: is no setting of this bot; did you mean REGISTRY_BOT_FREEZE?" in said
    assert "REGISTRY_BOT_REDIS_REPLICA: is no setting of this bot; did you mean REGISTRY_BOT_REDIS_REPLICAS?" in said
    assert "REGISTRY_BOT_COLOUR: is no setting of this bot; unset it" in said
    assert SECRET not in said


def test_names_that_mean_nothing_and_values_that_are_wrong_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, FREZE="1", FREEZE="maybe")

    assert [name for name in ("REGISTRY_BOT_FREZE:", "REGISTRY_BOT_FREEZE:") if name not in _complaint()] == []


@pytest.mark.parametrize(
    "name",
    ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR", "WEB_PORT"],
)
def test_what_kubernetes_sets_for_a_service_of_that_name_is_let_be(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _set(monkeypatch, **{name: "tcp://10.0.0.1:8080"})

    assert load_settings().http_port == 8080


def test_printing_the_manual_steps_does_not_mind_a_name_that_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_BOT_CONFIG", "registry.yaml")
    monkeypatch.setenv("REGISTRY_BOT_FREZE", "1")

    assert read_environment(SiteSettings).config.name == "registry.yaml"
