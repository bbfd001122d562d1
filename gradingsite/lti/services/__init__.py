"""All writes of the app, keyword-only."""
