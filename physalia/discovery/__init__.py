"""Where cells are, as caches know it: small, replaceable, perhaps old, and never needed by who knows its cell."""

from physalia.discovery.cache import Cache
from physalia.discovery.serving import BadCache, CacheSettings, read_cache_settings, serve

__all__ = ["BadCache", "Cache", "CacheSettings", "read_cache_settings", "serve"]
