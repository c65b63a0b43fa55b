# SPDX-License-Identifier: Apache-2.0
# Binary packages: the program with its names, and what it needs, found from the files themselves.
tree=$PWD/tree
libs=usr/lib/x86_64-linux-gnu
mkdir -p "$tree/bin" "$tree/lib/x86_64-linux-gnu" "$tree/lib64"
for name in "$SRC"/usr/bin/tpm2 "$SRC"/usr/bin/tpm2_*; do
	cp -P "$name" "$tree/bin/"
done
# Debian has them in /lib or /usr/lib, which are one folder on a machine.
find_lib() {
	for dir in "$libs" "lib/x86_64-linux-gnu"; do
		[ ! -e "$SRC/$dir/$1" ] || {
			echo "$SRC/$dir/$1"
			return
		}
	done
	echo "tpm2-tools: $1 is in no package of its sources" >&2
	return 1
}
# The one that is loaded by name at run time: the device.
todo="libtss2-tcti-device.so.0 $(readelf -d "$tree/bin/tpm2" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | tr '\n' ' ')"
while [ -n "${todo# }" ]; do
	name=${todo%% *}
	todo=${todo#* }
	case $name in '') continue ;; esac
	[ ! -e "$tree/lib/x86_64-linux-gnu/$name" ] || continue
	from=$(find_lib "$name")
	cp -L "$from" "$tree/lib/x86_64-linux-gnu/$name"
	todo="$todo$(readelf -d "$from" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | tr '\n' ' ')"
done
mv "$tree/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$tree/lib64/"
ln -s ../../lib64/ld-linux-x86-64.so.2 "$tree/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
find "$tree" -type f -exec chmod 755 {} +
epoch=$SOURCE_DATE_EPOCH
unset SOURCE_DATE_EPOCH
"$DEPS/squashfs-tools/bin/mksquashfs" "$tree" "$DEST/tpm2-tools.squashfs" -comp zstd \
	-Xcompression-level 19 -b 131072 -noappend -no-exports -no-xattrs -all-root \
	-root-mode 755 -mkfs-time "$epoch" -all-time "$epoch" -quiet -no-progress
