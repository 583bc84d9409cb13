#!/bin/sh
# Install the built wheel into a new environment and run the demo from it, outside the checkout.
# usage: install_wheel.sh PYTHON DIST
set -eu
python=$1
dist=$(cd "$2" && pwd)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
"$python" -m venv "$room/venv"
"$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$dist"/*.whl
cd "$room"
"$room/venv/bin/cityid" demo > demo.txt
tail -n 3 demo.txt
echo 'the demo runs from the installed wheel'
