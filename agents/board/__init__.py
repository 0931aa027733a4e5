"""The wallboard: one light page for each organisation, fed by server-sent events."""
