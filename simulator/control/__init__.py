"""Operating the region by hand: HTTP and JSON on loopback."""
