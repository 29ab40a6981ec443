"""From notification to typed batch: notice, decode, classify, parse. Pure: bytes in, values out."""
