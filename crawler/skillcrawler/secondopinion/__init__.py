"""Another scanner's opinion of the contents, in an environment and a process of its own; it changes no verdict.

    runner      what that environment's Python runs: a folder's name in, one line of JSON out
    process     that process: its limits, its end, and what it may say
    scanner     a package in, an opinion out
    asking      the contents that have none, page by page
    activity    the same for the worker

docs/adr/0033-a-second-opinion.md says why it is kept apart.
"""
