"""Publishing the JSON index to where readers fetch it: a folder, or a bucket, of static files.

- `order`      the order in which files go out; start here
- `publisher`  publishing one snapshot, and going back to an earlier one
- `target`     a folder or a bucket as a place to publish to
- `small`      the small documents of skills, repositories and owners
- `clientfiles` the files that clients install from
- `rawfiles`   deleting raw files at once
- `uploads`    packages, shards, deltas and large files
- `signed`     the documents that the signed metadata vouches for
- `published`  what a target has
- `plan`       which deltas a snapshot is published with
- `feed`       the change feed
- `guard`      what must not go out without a maintainer's word
- `collect`    deleting what nothing has referenced for long
- `purge`      telling a CDN
"""
