"""The binary payloads of the protocol: tensors and plans."""
