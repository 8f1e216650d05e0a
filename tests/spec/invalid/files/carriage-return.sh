# A report.
if true; then
    echo hi
fi
