#!/bin/sh
# A report.
if [ 1 = 1 ]; then
    echo hi
fi
