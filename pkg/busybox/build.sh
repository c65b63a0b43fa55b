# SPDX-License-Identifier: Apache-2.0
# Both variants: a base configuration, then the lines of this package's `config`,
# each of which must be in the final one.
config=${BUSYBOX_CONFIG:-$TOP/pkg/busybox/config}
base=${BUSYBOX_BASE:-allnoconfig}
unset CFLAGS LDFLAGS
export KCONFIG_NOTIMESTAMP=1
bb() {
	make -C "$SRC" O="$PWD" CC="$CC" HOSTCC=gcc SKIP_STRIP=y "$@"
}
bb "$base"
sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=.*/\1/p' "$config" > keys
grep -vwFf keys .config > .config.new
grep '^CONFIG_' "$config" | sed 's/^\(CONFIG_[A-Z0-9_]*\)=n$/# \1 is not set/' > wanted
cat .config.new wanted > .config
yes '' | bb oldconfig
while read -r line; do
	grep -qxF "$line" .config || { echo "$line: asked for, not in the final .config" >&2; exit 1; }
done < wanted
bb EXTRA_CFLAGS="-ffile-prefix-map=$SRC=/build/src -ffile-prefix-map=$PWD=/build" busybox
mkdir -p "$DEST/bin"
install -s -m 755 busybox "$DEST/bin/busybox"
cp .config "$DEST/config"
