"""Alibaba Cloud: PrivateZone and Container Registry; the vendor's SDK is loaded late and its types end here."""
