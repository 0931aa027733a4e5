"""From what exchanges, spreadsheets and mail servers write to events; pure, one row at a time."""
