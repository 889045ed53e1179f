"""What every answer carries: security headers and CORS."""

from __future__ import annotations

# The API is public and knows no cookies, so any site may read it; answers go out with the same headers
# whether or not an Origin was sent, which keeps shared caches right.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "*",  # all, to requests without credentials; a list would be 150 bytes an answer
}
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match, X-Request-ID",
    "Access-Control-Max-Age": "86400",
}
