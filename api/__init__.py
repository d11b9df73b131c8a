"""Who can use it: the store, the command, the service and the exports."""

__all__: list[str] = []
