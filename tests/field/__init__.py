"""Real proxies and servers from Debian between the engine and the simulator."""
