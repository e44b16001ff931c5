"""Alibaba Cloud's OpenAPI for PrivateZone and Container Registry, as far as the bot and its neighbours may call it."""
