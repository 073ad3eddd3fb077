#!/bin/sh
# A daemon's program for DaemonStarterTests: what it does is in its home. (A file written by the test itself could not be
# run at once: another test's child may still have it open for writing, ETXTBSY.)
cd "$DEVDB_HOME" || exit 9
echo $$ >>count
. ./devd.sh
