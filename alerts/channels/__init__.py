"""The channels that come with Fengsui; importing this package registers their kinds."""

from alerts.channels import (
    alertmanager,
    aliyun_sms,
    aliyun_voice,
    dingtalk,
    email,
    feishu,
    mqtt,
    outbox,
    pagerduty,
    smpp,
    syslog,
    tencent_sms,
    webhook,
    wecom,
    yunmas,
)

__all__ = [
    "alertmanager",
    "aliyun_sms",
    "aliyun_voice",
    "dingtalk",
    "email",
    "feishu",
    "mqtt",
    "outbox",
    "pagerduty",
    "smpp",
    "syslog",
    "tencent_sms",
    "webhook",
    "wecom",
    "yunmas",
]
