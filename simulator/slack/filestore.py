"""The other host of an upload: takes the bytes of a file once, and hands them out again as a download."""

from aiohttp import web

from simulator.slack.calls import Site


class FileStore:
    """Takes uploads to the addresses that files.getUploadURLExternal gave out."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve uploads and downloads."""
        router.add_post("/files/upload/{file_id}", self._upload)
        router.add_get("/files/{file_id}", self._download)

    async def _upload(self, request: web.Request) -> web.Response:
        upload = self._site.uploads.get(request.match_info["file_id"])
        if upload is None or upload.content is not None:
            return web.Response(status=404, text="This upload address is unknown or was used.")
        content = await _content(request)
        if len(content) != upload.length:
            return web.Response(status=400, text=f"{upload.length} bytes were announced, {len(content)} came.")
        upload.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        upload = self._site.uploads.get(request.match_info["file_id"])
        if upload is None or upload.content is None:
            raise web.HTTPNotFound
        name = "".join(letter for letter in upload.name if letter.isalnum() or letter in "._-")
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        return web.Response(body=upload.content, content_type="application/octet-stream", headers=headers)


async def _content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    part = next((part for part in form.values() if isinstance(part, web.FileField)), None)
    return part.file.read() if part is not None else b""
