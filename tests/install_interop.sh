#!/bin/sh
# Install the JavaScript resolver of did:ethr, to compare with; what is there stays.
# usage: install_interop.sh FOLDER
# No script of a package runs.
set -eu
folder=$1
version=11.1.3

[ -e "$folder/.made-$version" ] && exit 0
mkdir -p "$folder"
npm install --prefix "$folder" --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
    --fetch-retries 1 --loglevel error "ethr-did-resolver@$version" did-resolver
touch "$folder/.made-$version"
