"""Publishing the JSON index to where readers fetch it: a folder, or a bucket, of static files.

- `order`      the order in which files go out; start here
- `publisher`  publishing one snapshot, and going back to an earlier one
- `alone`      one publisher at a time
- `target`     a folder or a bucket as a place to publish to
- `entries`    the entry document, from which readers find everything else
- `small`      the small documents of skills, repositories and owners; `smallfiles` writes them
- `clientfiles` the files that clients install from
- `rawfiles`   deleting raw files at once
- `uploads`    packages, shards, deltas and large files
- `signed`     the documents that the signed metadata vouches for
- `published`  what a target has
- `plan`       which deltas a snapshot is published with
- `aftermath`  what tells of a snapshot: history, status, schema, and `feed`, the change feed
- `guard`      what must not go out without a maintainer's word
- `collect`    deleting what nothing has referenced for long
- `purge`      telling a CDN
"""
