"""The Smart Emergency Fallback: what prices, pools and signals mean. Needs no engine, ever."""
