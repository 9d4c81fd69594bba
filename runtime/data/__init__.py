"""The torch side of compiler.parts.data: batches from recordings and manifests."""
