# SPDX-License-Identifier: Apache-2.0
# Binary package: grub-mkimage and the x86_64-efi modules are taken as they are.
mkdir -p "$DEST/bin" "$DEST/lib/grub"
cp "$SRC/usr/bin/grub-mkimage" "$SRC/usr/bin/grub-editenv" "$DEST/bin/"
cp -r "$SRC/usr/lib/grub/x86_64-efi" "$DEST/lib/grub/"
