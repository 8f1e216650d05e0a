#!/bin/bash
# Fills the table of visits.
set -eu
fill-visits
