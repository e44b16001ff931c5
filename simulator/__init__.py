"""The outside world of the bot on loopback: Alibaba Cloud, resolvers, registries and Slack."""
