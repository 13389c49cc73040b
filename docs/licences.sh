#!/bin/bash
# Licences of the program and of all that is linked into it: docs/licences.sh FOLDER
set -euo pipefail
folder=$1/share/doc/clm-replay
mkdir -p "$folder/linked-in"
cp LICENSE README.md "$folder/"
for package in swift-argument-parser Yams swift-mustache; do
  cp .build/checkouts/$package/LICENSE* "$folder/linked-in/$package.txt"
done
cp "$(dirname "$(readlink -f "$(command -v swiftc)")")/../share/swift/LICENSE.txt" "$folder/linked-in/swift.txt"
# Archives that were found (`make build`); each stands in a -dev package with a copyright file.
for archive in .build/static/*.a; do
  package=$(dpkg -S "$(readlink -f "$archive")" | sed 's/:.*//')
  cp "/usr/share/doc/$package/copyright" "$folder/linked-in/$package.txt"
done
