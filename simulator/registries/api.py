"""What an instance says over HTTPS: the registry, the token service it sends callers to, and its layer bucket."""

import asyncio
import re
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from simulator.images import INDEX_TYPE, Image
from simulator.logins import Logins
from simulator.model import Instance
from simulator.registries.shelf import Shelf
from simulator.registries.tokens import TOKEN_SECONDS, Grant, Tokens
from simulator.repositories import Tag

API_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
PULL_SCOPE = re.compile(r"repository:(?P<name>[^:]+):(?:[a-z]+,)*pull(?:,[a-z]+)*")
STORED = "/docker/registry/v2/blobs/sha256/{short}/{hex}/data"

SLOW_SECONDS = 1.0

Find = Callable[[], Instance]
IsOn = Callable[[str], bool]
"""Tells whether a fault is on for the instance."""


def service_of(instance: Instance) -> str:
    """Name an instance as its challenges do: region and instance id come last."""
    return f"registry.aliyuncs.com:{instance.region}:26842:{instance.id}"


class KnownLogins:
    """Who may ask for tokens: the password that never changes, and those that were handed out for a while."""

    def __init__(self, fixed: str, passing: Logins) -> None:
        self._fixed = fixed
        self._passing = passing

    def know(self, header: str, service: str) -> bool:
        """Tell whether this Authorization header is good for the instance that a service names at its end."""
        return header == self._fixed or self._passing.admits(header, service.rpartition(":")[2])

    def may_pull(self, header: str) -> bool:
        """Tell whether a known login lets anything be pulled."""
        return header == self._fixed or self._passing.may_pull()


def registry_app(
    find: Find, tokens: Tokens, shelf: Shelf, bucket_host: Callable[[], str], is_on: IsOn
) -> web.Application:
    """Serve `/v2/` of one instance; layers are to be fetched from the bucket host that `bucket_host` names."""
    api = _Registry(find, tokens, shelf, bucket_host, is_on)
    app = web.Application(middlewares=[_late_when_slow(is_on), api.known_host, _versioned])
    app.router.add_get("/v2/", api.base)
    app.router.add_get("/v2/{name:.+}/manifests/{reference}", api.manifest)
    app.router.add_get("/v2/{name:.+}/blobs/{digest}", api.blob)
    return app


def services_app(
    services: Callable[[], set[str]], tokens: Tokens, shelf: Shelf, logins: KnownLogins, is_on: IsOn
) -> web.Application:
    """Serve what stands beside an instance: the token service of its region, and its layer bucket."""
    app = web.Application(middlewares=[_late_when_slow(is_on)])
    app.router.add_get("/auth", _TokenService(services, tokens, logins).token)
    app.router.add_get(STORED.format(short="{short}", hex="{hex}"), _Bucket(tokens, shelf, is_on).layer)
    return app


class _Registry:
    def __init__(self, find: Find, tokens: Tokens, shelf: Shelf, bucket_host: Callable[[], str], is_on: IsOn) -> None:
        self._find = find
        self._is_on = is_on
        self._tokens = tokens
        self._shelf = shelf
        self._bucket_host = bucket_host

    @web.middleware
    async def known_host(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer only to the instance's own names and to the custom domains that it carries."""
        instance = self._find()
        names = {instance.public_domain, instance.vpc_domain, *instance.custom_domains}
        if request.host.partition(":")[0].lower() not in names:
            raise web.HTTPNotFound(text="404 page not found\n")
        return await handler(request)

    async def base(self, request: web.Request) -> web.Response:
        if self._grant(request) is None:
            return self._challenge(request)
        return web.json_response({})

    async def manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        if not self._may_pull(request, name):
            return self._challenge(request, name)
        image = self._image(name, reference)
        if image is None:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown", {"name": name, "reference": reference})
        if image.platforms and not _takes_indexes(request):
            message = "OCI index found, but accept header does not support OCI indexes"
            return _error(404, "MANIFEST_UNKNOWN", message, {"name": name, "reference": reference})
        headers = {"Docker-Content-Digest": image.digest, "ETag": f'"{image.digest}"'}
        return web.Response(body=image.manifest, content_type=image.media_type, headers=headers)

    async def blob(self, request: web.Request) -> web.Response:
        name, digest = request.match_info["name"], request.match_info["digest"]
        if not self._may_pull(request, name):
            return self._challenge(request, name)
        content = self._content(name, digest)
        if content is None:
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
        self._shelf.put(digest, content)
        return web.Response(status=307, headers={"Location": self._link(digest), "Docker-Content-Digest": digest})

    def _link(self, digest: str) -> str:
        code = digest.partition(":")[2]
        path = STORED.format(short=code[:2], hex=code)
        query = "&".join(f"{key}={value}" for key, value in self._tokens.sign_link(path).items())
        return f"https://{self._bucket_host()}{path}?{query}"

    def _tags(self, name: str) -> list[Tag]:
        repository = self._find().repositories.get(name)
        return list(repository.tags.values()) if repository else []

    def _content(self, name: str, digest: str) -> bytes | None:
        for tag in self._tags(name):
            if digest not in tag.lacks and digest in (blobs := tag.image.blobs):
                return blobs[digest]
        return None

    def _image(self, name: str, reference: str) -> Image | None:
        if self._is_on("manifest_missing"):
            return None
        if ":" not in reference:
            tag = self._find().tag(name, reference)
            return tag.image if tag else None
        found = (tag.image.find(reference) for tag in self._tags(name) if reference not in tag.lacks)
        return next((image for image in found if image is not None), None)

    def _grant(self, request: web.Request) -> Grant | None:
        """Read the bearer token; one made for another instance is as good as none."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = self._tokens.read(token) if scheme.lower() == "bearer" else None
        return grant if grant and grant.service == service_of(self._find()) else None

    def _may_pull(self, request: web.Request, name: str) -> bool:
        grant = self._grant(request)
        return grant is not None and name in grant.repositories

    def _challenge(self, request: web.Request, name: str | None = None) -> web.Response:
        instance = self._find()
        challenge = f'Bearer realm="https://{instance.realm_host}/auth",service="{service_of(instance)}"'
        if name is not None:
            challenge += f',scope="repository:{name}:pull"'
        if "Authorization" in request.headers:
            challenge += ',error="insufficient_scope"' if self._grant(request) else ',error="invalid_token"'
        response = _error(401, "UNAUTHORIZED", "authentication required", None)
        response.headers["WWW-Authenticate"] = challenge
        return response


class _TokenService:
    def __init__(self, services: Callable[[], set[str]], tokens: Tokens, logins: KnownLogins) -> None:
        self._services = services
        self._tokens = tokens
        self._logins = logins

    async def token(self, request: web.Request) -> web.Response:
        """Grant what was asked for to the login, nothing to the nameless, and no token at all to a wrong password."""
        service = request.query.get("service", "")
        if service not in self._services():
            return _error(400, "UNSUPPORTED", "service is unknown to this realm", {"service": service})
        given = request.headers.get("Authorization")
        if given is not None and not self._logins.know(given, service):
            return _error(401, "UNAUTHORIZED", "authentication required", None)
        scopes = request.query.getall("scope", []) if given and self._logins.may_pull(given) else []
        asked = (PULL_SCOPE.fullmatch(part) for scope in scopes for part in scope.split())
        token = self._tokens.issue(Grant(service, tuple(match["name"] for match in asked if match)))
        return web.json_response({"token": token, "access_token": token, "expires_in": TOKEN_SECONDS})


class _Bucket:
    def __init__(self, tokens: Tokens, shelf: Shelf, is_on: IsOn) -> None:
        self._tokens = tokens
        self._shelf = shelf
        self._is_on = is_on

    async def layer(self, request: web.Request) -> web.Response:
        """Serve a stored layer to whoever holds a signed link."""
        expires, signature = request.query.get("Expires", ""), request.query.get("Signature", "")
        if not self._tokens.opens(request.path, expires, signature):
            return _oss_error(403, "AccessDenied")
        content = self._shelf.get("sha256:" + request.match_info["hex"])
        if content is None or self._is_on("blob_missing"):
            return _oss_error(404, "NoSuchKey")
        return web.Response(body=content, content_type="application/octet-stream")


def _takes_indexes(request: web.Request) -> bool:
    accepted = ",".join(request.headers.getall("Accept", ["*/*"]))
    return INDEX_TYPE in accepted or "*/*" in accepted


def _late_when_slow(is_on: IsOn) -> Middleware:
    @web.middleware
    async def late(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(SLOW_SECONDS if is_on("slow") else 0.0)
        return await handler(request)

    return late


@web.middleware
async def _versioned(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers.update(API_VERSION)
    return response


def _error(status: int, code: str, message: str, detail: object) -> web.Response:
    """Refuse in the form of the distribution specification."""
    return web.json_response({"errors": [{"code": code, "message": message, "detail": detail}]}, status=status)


def _oss_error(status: int, code: str) -> web.Response:
    """Refuse in the form of the object store."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>\n'
    return web.Response(status=status, text=text, content_type="application/xml")
