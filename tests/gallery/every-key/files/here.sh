#!/bin/sh
# Runs in the bootstrap container.
set -eu
echo "$BOOTSMITH_PROJECT"
