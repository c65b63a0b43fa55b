# SPDX-License-Identifier: Apache-2.0
# One PEM file, the roots in the order of their names.
(cd "$SRC/usr/share/ca-certificates/mozilla" && cat ./*.crt) > "$DEST/roots.pem"
[ "$(grep -c '^-----BEGIN CERTIFICATE-----$' "$DEST/roots.pem")" -ge 100 ]
