"""One module a target, as `hil.boards.registry.Target` describes it; a new file here is a new target."""
