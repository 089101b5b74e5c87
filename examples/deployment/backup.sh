#!/bin/sh
# Backs up Bridgeboard: the store as Parquet files, views and notes, and the audit log.
#
#   backup.sh BRIDGEBOARD TARGET DAYS
#
# makes a new folder in TARGET, named by the time, and deletes those older than DAYS. The settings
# come from the environment; BRIDGEBOARD_DATA must name the data folder. Nothing else may have the
# store open meanwhile.
set -eu
umask 077

bridgeboard=$1
target=$2
days=$3

name=$(date -u +%Y-%m-%dT%H%M%SZ)
growing=$target/$name.partial
rm -rf "$target"/*.partial
mkdir "$growing"
"$bridgeboard" backup "$growing/store"
for file in "$BRIDGEBOARD_DATA"/*.desk.json "$BRIDGEBOARD_DATA"/audit.jsonl \
  "$BRIDGEBOARD_DATA"/audit.key; do
  if [ -f "$file" ]; then cp -p "$file" "$growing/"; fi
done
mv "$growing" "$target/$name"

find "$target" -mindepth 1 -maxdepth 1 -type d -name '*T*Z' -mtime "+$days" -exec rm -rf {} +
