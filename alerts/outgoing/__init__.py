"""From a decision to a send: rows first, then the outbox, lane by lane."""
