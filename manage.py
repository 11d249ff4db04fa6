#!/usr/bin/env python3
"""The command `tagsync` from the sources, installed or not."""

from tagsync.__main__ import main

if __name__ == "__main__":
    main()
