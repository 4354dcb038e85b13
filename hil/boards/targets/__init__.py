"""Open boards of each target, one module a target, as `hil.boards.registry.Target` describes it."""
