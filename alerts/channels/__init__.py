"""The channels that come with Fengsui; importing this package registers their kinds."""

from alerts.channels import outbox, webhook

__all__ = ["outbox", "webhook"]
