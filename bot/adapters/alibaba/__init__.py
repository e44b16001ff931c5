"""Alibaba Cloud: PrivateZone and Container Registry over one shared HTTP session."""
