#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The build's promises that need no machine: SBOM and manifest, sources refused or moved,
# sources.tar, packages' keys, host packages.
. "$(dirname "$0")/lib.sh"
IMG=$O/x86_64

sbom() {
	/usr/bin/python3 - "$IMG/sbom.spdx.json" "$TOP/tests/data/spdx/profile.schema.json" ${SPDX_SCHEMA:+"$SPDX_SCHEMA"} <<'EOF' || fail "SBOM"
import json, sys, jsonschema
doc = json.load(open(sys.argv[1]))
bad = 0
for path in sys.argv[2:]:
    schema = json.load(open(path))
    cls = jsonschema.validators.validator_for(schema)
    cls.check_schema(schema)
    for e in cls(schema).iter_errors(doc):
        print(path, list(e.path), e.message)
        bad = 1
ids = [p["SPDXID"] for p in doc["packages"]] + [doc["SPDXID"]]
if len(ids) != len(set(ids)):
    print("an SPDXID stands twice")
    bad = 1
for r in doc["relationships"]:
    for key in ("spdxElementId", "relatedSpdxElement"):
        if r[key] not in ids:
            print("dangling", r[key])
            bad = 1
related = {r["spdxElementId"] for r in doc["relationships"]} | {r["relatedSpdxElement"] for r in doc["relationships"]}
for i in ids:
    if i not in related:
        print("unrelated", i)
        bad = 1
sys.exit(bad)
EOF
	# Every pin of the production image is in it, with its hash.
	for path in "$TOP"/pkg/*/sources; do
		case $path in
		*/busybox-dev/* | */tpm2-tools/*) continue ;;
		*/ca-certificates/*) [ "$tls_roots" = public ] || continue ;;
		esac
		sed -n 's/^\([0-9a-f]\{64\}\) .*/\1/p' "$path" | while read -r sha; do
			grep -q "$sha" "$IMG/sbom.spdx.json" || fail "$path: $sha is not in the SBOM"
		done
	done
}

manifest() {
	jq -r '.files | to_entries[] | "\(.value.sha256) \(.value.size) \(.key)"' "$IMG/manifest.json" >list
	[ "$(wc -l <list)" -ge 10 ] || fail "few files in manifest.json"
	while read -r sha size name; do
		[ -f "$IMG/$name" ] || continue
		[ "$(stat -c %s "$IMG/$name")" = "$size" ] || fail "$name: size"
		[ "$(sha256sum <"$IMG/$name" | cut -c1-64)" = "$sha" ] || fail "$name: hash"
	done <list
	salt=$(jq -r .root.salt "$IMG/manifest.json")
	blocks=$(jq -r .root.blocks "$IMG/manifest.json")
	"$CAIRN" verity "$IMG/root.img" --salt "$salt" --check --blocks "$blocks" \
		--roothash "$(jq -r .root.hash "$IMG/manifest.json")" >/dev/null || fail "root hash"
}

# project - a checkout of our own with one small package, sharing nothing but the sources.
project() {
	mkdir -p p/pkg/musl
	cp -R "$TOP/scripts" "$TOP/conf" p/
	cp "$TOP"/pkg/musl/* p/pkg/musl/
	export O="$PWD/p/out" CAIRN_CACHE="$PWD/cache"
	mkdir -p "$O"
	sha=$(sed -n 's/^\([0-9a-f]\{64\}\) .*/\1/p' p/pkg/musl/sources)
}

# packed - a sources.tar with musl's source, or with other bytes in its place.
packed() {
	mkdir -p s
	cp "${CAIRN_SRC:-${XDG_CACHE_HOME:-$HOME/.cache}/cairn}/src/$sha" s/ 2>/dev/null ||
		skip "musl's source is not in the cache"
	[ -z "${1:-}" ] || echo changed >>"s/$sha"
	tar -C s -cf sources.tar "$sha"
	p/scripts/sources.sh unpack "$PWD/sources.tar"
}

offline() {
	CAIRN_SRC=${CAIRN_CACHE:-} && export CAIRN_SRC
	[ -n "$CAIRN_SRC" ] || unset CAIRN_SRC
	project
	packed
	SOURCES=sources.tar unshare -n p/scripts/fetch.sh musl || fail "fetch from sources.tar"
	cmp "s/$sha" "$CAIRN_CACHE/src/$sha" || fail "other bytes"
	[ ! -e "$O/apt" ] || fail "apt was asked in an offline build"
}

refused() {
	CAIRN_SRC=${CAIRN_CACHE:-} && export CAIRN_SRC
	[ -n "$CAIRN_SRC" ] || unset CAIRN_SRC
	project
	packed changed
	got=$(sha256sum <"s/$sha" | cut -c1-64)
	if SOURCES=sources.tar p/scripts/fetch.sh musl 2>err; then fail "other bytes were taken"; fi
	grep -q "pinned: $sha" err || fail "the pinned hash is not shown: $(cat err)"
	grep -q "got: *$got" err || fail "the other hash is not shown: $(cat err)"
	[ ! -f "$CAIRN_CACHE/src/$sha" ] || fail "refused bytes are in the cache"
}

keys() {
	project
	key() { p/scripts/pkg-hash.sh musl p/pkg/musl/sources | sed -n 's/^key //p'; }
	first=$(key)
	[ "$(key)" = "$first" ] || fail "the same inputs, another key"
	echo '# a change' >>p/pkg/musl/build.sh
	second=$(key)
	[ "$second" != "$first" ] || fail "a changed build.sh meets the old result"
	rm p/pkg/musl/0001-*.patch
	[ "$(key)" != "$second" ] || fail "a patch taken away meets the old result"
	sed -i "s/^$sha/$(echo "$sha" | tr 0-9 1-90)/" p/pkg/musl/sources
	[ "$(key)" != "$first" ] || fail "another source meets the old result"
}

unlisted() {
	mkdir -p extra/skeleton/etc
	echo x >extra/skeleton/etc/stray
	: >extra/manifest.list
	if ROOT_EXTRA=$PWD/extra "$TOP/scripts/root.sh" "$PWD/root.squashfs" 2>err; then
		fail "a file that no list names got in"
	fi
	grep -q 'etc/stray: not in' err || fail "not said: $(cat err)"
	echo 'f /etc/stray 4755 0:0 skel:etc/stray # setuid' >extra/manifest.list
	if ROOT_EXTRA=$PWD/extra "$TOP/scripts/root.sh" "$PWD/root.squashfs" 2>err; then
		fail "a setuid file got in"
	fi
}

# Every claim of the threat model names a test, and every test that it names is there.
threats() {
	doc=$TOP/docs/threat-model.md
	# A row of a table that has no test in its last column (heads and rules aside).
	grep '^| ' "$doc" | grep -v '^| attack ' | grep -v '`\([0-9][0-9]-[a-z0-9-]*\|test_[a-z0-9_]*\)`.* |$' >bare || :
	[ ! -s bare ] || fail "no test: $(cat bare)"
	grep '^| ' "$doc" | sed 's/.*| \([^|]*\) |$/\1/' | grep -o '`[^`]*`' | tr -d '`' | sort -u >names
	[ "$(wc -l <names)" -ge 20 ] || fail "the names were not found"
	while read -r name; do
		[ -n "$(find "$TOP/tests" -name "$name.sh" -o -name "$name.c" | head -n 1)" ] || fail "there is no test $name"
	done <names
}

t "the threat model names tests that are there" threats
t "the SBOM is valid SPDX 2.3 and names every source" sbom
t "manifest.json is true" manifest
t "sources.tar gives an offline build its sources" offline
t "other bytes than the pinned are refused, both hashes shown" refused
t "a package's key follows every input" keys
t "the root takes nothing that no list names" unlisted
finish
