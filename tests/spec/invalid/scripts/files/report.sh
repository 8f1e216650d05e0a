#!/bin/sh
echo another report
