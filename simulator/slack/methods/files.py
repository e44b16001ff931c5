"""Methods of the external upload: ask for an address, put the bytes there, share the file."""

import mimetypes
from typing import Any
from uuid import uuid4

from simulator.slack.calls import Call, Methods, Upload
from simulator.slack.model import BOT_USER_ID, Json
from simulator.slack.refusals import Refusal, invalid_arguments

methods = Methods()


@methods.method("files.getUploadURLExternal", "files:write", tier=4, takes_json=False)
def get_upload_url(call: Call) -> Json:
    """Give out an address that takes so many bytes, once."""
    name, length = call.arguments.text("filename"), call.arguments.integer("length", 0)
    if length < 1:
        raise invalid_arguments("must be greater than 0 [json-pointer:/length]")
    upload = Upload(f"F{uuid4().hex[:10].upper()}", name, length)
    call.site.uploads[upload.file_id] = upload
    return {"upload_url": f"{call.site.base_url}/files/upload/{upload.file_id}", "file_id": upload.file_id}


@methods.method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(call: Call) -> Json:
    """Share uploaded files in a channel or a thread; without a channel they stay private."""
    entries = _entries(call)
    files = [_file(call, entry) for entry in entries]
    if call.arguments.optional("channel_id"):
        _share(call, files)
    for entry in entries:
        call.site.uploads[entry["id"]].shared = True
    return {"files": files}


def _entries(call: Call) -> list[Json]:
    entries: Any = call.arguments.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise invalid_arguments("missing required field: files")
    return entries


def _file(call: Call, entry: Json) -> Json:
    upload = call.site.uploads.get(str(entry.get("id")))
    if upload is None or upload.content is None or upload.shared:
        raise Refusal("file_not_found")
    kind = mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
    address = f"{call.site.base_url}/files/{upload.file_id}"
    named = {"id": upload.file_id, "name": upload.name, "title": entry.get("title") or upload.name}
    return {**named, "mimetype": kind, "size": upload.length, "user": BOT_USER_ID, "url_private": address}


def _share(call: Call, files: list[Json]) -> None:
    channel = call.joined_channel("channel_id")
    thread = call.arguments.optional("thread_ts")
    if thread and call.site.workspace.find(channel.id, thread) is None:
        raise Refusal("thread_not_found")
    comment = call.arguments.optional("initial_comment") or ""
    call.site.workspace.post(channel.id, BOT_USER_ID, comment, thread_ts=thread, files=files)
