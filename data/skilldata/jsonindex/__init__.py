"""The JSON index: what agents and mirrors fetch from static files (docs/formats.md).

- `documents`  the documents, as models; their JSON Schemas follow from these
- `trie`       which record lies in which shard
- `records`    one record for each repository and skill of a snapshot
- `build`      the shards and directories of a snapshot; start here
- `tree`       reading them back, from a folder, a bucket or the network, and comparing two
- `deltas`     what changed from one snapshot to another, as one document
- `client`     a small client: start cold, refresh, look one skill up, all verified
"""
