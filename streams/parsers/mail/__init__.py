"""From the headers of a mail to the facts of `docs/events.md`; pure, one mail at a time.

1. `headers.read_headers(block)` reads a header block into a `Mail`. It raises `MailError`, whose
   `reason` is from a fixed list, and nothing else, whatever the bytes are.
2. `correspondence.Correspondence.glimpse(mail, folder=..., arrived_at=..., flags=...)` decides
   what the mail is to the organisation: a `Sight`, which holds pseudonyms only and may be stored.
3. `correspondence.Correspondence.tell(sight, index, ...)` finds its conversation and returns a
   `Told`: events, why there are none, and what is worth counting. It writes what it learnt into
   the `Index`, whose owner commits when the events were delivered, or rolls back.

`Correspondence.read(mail, index, ...)` does 2 and 3 at once. Order matters little, but an answer
without references is only found when the question was read before: read inboxes before sent
folders, and many mails at once in the order of their arrival.
"""
