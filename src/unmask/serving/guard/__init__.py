"""What stands before the routes: each module is one ASGI middleware, or what one counts with."""
