"""From a message to an answer: calls, receipts, replies, reports, and what falls due by itself."""
