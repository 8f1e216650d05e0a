#!/bin/bash
# Writes the data.
set -eu
tar -C /data -cf - .
