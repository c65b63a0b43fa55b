#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbom.sh DIR - DIR/sbom.spdx.json: what the image is made of, with versions, hashes of
# sources and outputs, licences, and the tools that made it. SPDX 2.3, JSON.
set -eu
. "$(dirname "$0")/common.sh"

dir=$1
out=$dir/sbom.spdx.json
created=$(date -u -d "@$source_date_epoch" +%Y-%m-%dT%H:%M:%SZ)
relations=''

# relate A TYPE B
relate() {
	relations="$relations${relations:+,
}    {\"spdxElementId\": \"SPDXRef-$1\", \"relationshipType\": \"$2\", \"relatedSpdxElement\": \"SPDXRef-$3\"}"
}

# id TEXT - letters, digits, dot and dash only, as SPDX identifiers want.
id() {
	printf '%s' "$1" | tr -c 'A-Za-z0-9.-' -
}

# package ID NAME VERSION LICENCE HOMEPAGE DOWNLOAD SHA256 PURPOSE COMMENT
package() {
	printf '    {\n      "SPDXID": "SPDXRef-%s",\n      "name": "%s",\n      "versionInfo": "%s",\n' "$1" "$2" "$3"
	[ "$7" = - ] || printf '      "checksums": [{"algorithm": "SHA256", "checksumValue": "%s"}],\n' "$7"
	[ "$5" = - ] || printf '      "homepage": "%s",\n' "$5"
	printf '      "downloadLocation": "%s",\n      "filesAnalyzed": false,\n' "$6"
	printf '      "licenseConcluded": "NOASSERTION",\n      "licenseDeclared": "%s",\n' "$4"
	printf '      "copyrightText": "NOASSERTION",\n      "supplier": "NOASSERTION",\n'
	printf '      "primaryPackagePurpose": "%s",\n      "comment": "%s"\n    }' "$8" "$9"
}

exec 3> "$out.packages"
package cairn cairn "$version" Apache-2.0 - NOASSERTION - OPERATING_SYSTEM \
	"variant ${VARIANT:-production}, $ARCH" >&3
relate DOCUMENT DESCRIBES cairn

for f in root.img vmlinuz grub.efi; do
	printf ',\n' >&3
	package "output-$(id "$f")" "$f" "$version" NOASSERTION - NOASSERTION "$(sha256 "$dir/$f")" \
		FILE "an output, before signing" >&3
	relate "output-$(id "$f")" VARIANT_OF cairn
done

for path in "$TOP"/pkg/*/recipe; do
	name=$(basename "$(dirname "$path")")
	[ "$name" != busybox-dev ] || [ "$VARIANT" = dev ] || continue
	[ "$name" != tpm2-tools ] || [ "${ADDON:-}" = tpm2-tools ] || continue
	# shellcheck disable=SC2154
	[ "$name" != ca-certificates ] || [ "$tls_roots" = public ] || continue
	sources=$TO/sources/$name
	[ -f "$sources" ] || sources=$TOP/pkg/$name/sources
	recipe "$name"
	n=0
	# shellcheck disable=SC2034
	while read -r sha kind spec file url; do
		case $sha in '' | '#'*) continue ;; esac
		n=$((n + 1))
		ref=$(id "pkg-$name")
		[ "$n" = 1 ] || ref=$ref-$n
		got=${spec#*=}
		[ "$url" != - ] || url=NOASSERTION
		printf ',\n' >&3
		package "$ref" "${spec%%=*}" "${got%@*}" "$license" "${homepage:--}" "$url" "$sha" SOURCE \
			"package $name, upstream version $version, file $file of suite ${got##*@}$(
				ls "$TOP/pkg/$name"/*.patch > /dev/null 2>&1 && echo ', with patches of pkg/'"$name")" >&3
		case $name in
		linux-headers | squashfs-tools) relate "$ref" BUILD_TOOL_OF cairn ;;
		*) relate cairn CONTAINS "$ref" ;;
		esac
	done < "$sources"
	. "$TOP/conf/cairn.conf"
done

while read -r tool; do
	printf ',\n' >&3
	package "tool-$(id "${tool%%=*}")" "${tool%%=*}" "${tool#*=}" NOASSERTION - NOASSERTION - \
		APPLICATION "package of the machine that built" >&3
	relate "tool-$(id "${tool%%=*}")" BUILD_TOOL_OF cairn
done < "$O/toolchain"
exec 3>&-

{
	cat <<EOF
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "cairn-$version-$ARCH${VARIANT:+-$VARIANT}",
  "documentNamespace": "https://cairn.invalid/spdx/$version/$(sha256 "$out.packages")",
  "creationInfo": {
    "created": "$created",
    "creators": ["Tool: cairn-sbom-$version"]
  },
  "packages": [
EOF
	cat "$out.packages"
	printf '\n  ],\n  "relationships": [\n%s\n  ]\n}\n' "$relations"
} > "$out.new"
rm "$out.packages"
mv "$out.new" "$out"
