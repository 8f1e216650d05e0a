#!/bin/sh
# Says how many orders there are. Takes in: the orders of the service. Gives out: a line.
echo "orders of $BOOTSMITH_ENVIRONMENT: $(wc -l </orders)"
