"""Training that is killed over and over: see docs/reliability.md. No part of the wheel."""
