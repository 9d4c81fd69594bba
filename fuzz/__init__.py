"""Anything at all, given to lint, fmt and plan: see docs/security.md. No part of the wheel."""
