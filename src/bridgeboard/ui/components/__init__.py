"""Parts that pages are made of: cards, charts, tables, filters, downloads, notices."""
