"""The TabPFN-TS adapter. It has no public names yet."""
