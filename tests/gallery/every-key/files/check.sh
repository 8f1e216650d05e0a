#!/bin/sh
# Checks the data.
set -eu
test -d /data
