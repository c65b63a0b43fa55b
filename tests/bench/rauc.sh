#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: rauc.sh DIR IMAGE SLOT
# Installs IMAGE into the device SLOT with RAUC: a plain bundle, a raw slot, no bootloader, its
# service on a bus of its own. Prints milliseconds of `rauc install`, and the service's peak in KiB.
# DIR keeps key and bundle from call to call.
set -eu
dir=$1 image=$2 slot=$3
mkdir -p "$dir/in" "$dir/mnt"
cd "$dir"
if [ ! -f bundle.raucb ]; then
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 \
		-subj /CN=bench -sha256 2> /dev/null
	cp "$image" in/rootfs.img
	printf '%s\n' '[update]' compatible=bench version=2 '[bundle]' format=plain \
		'[image.rootfs]' filename=rootfs.img > in/manifest.raucm
	rauc bundle --cert=cert.pem --key=key.pem in bundle.raucb > bundle.log 2>&1 ||
		{ cat bundle.log >&2; exit 1; }
fi
printf '%s\n' '[system]' compatible=bench bootloader=noop "mountprefix=$dir/mnt" \
	"statusfile=$dir/status" bundle-formats=plain '[keyring]' "path=$dir/cert.pem" \
	'[slot.rootfs.0]' device=/dev/null type=raw bootname=a \
	'[slot.rootfs.1]' "device=$slot" type=raw bootname=b > system.conf
cat > once.sh <<- 'END'
	export DBUS_STARTER_BUS_TYPE=session
	# What it has written before would not be written again.
	rm -f status
	rauc --conf="$PWD/system.conf" --override-boot-slot=a service > service.log 2>&1 &
	pid=$!
	end=$(($(date +%s) + 30))
	until rauc status > /dev/null 2>&1; do
		[ "$(date +%s)" -lt $end ] || { cat service.log >&2; exit 1; }
	done
	from=$(date +%s%N)
	rauc install "$PWD/bundle.raucb" > install.log 2>&1 || { cat service.log install.log >&2; exit 1; }
	echo $((($(date +%s%N) - from) / 1000000)) "$(awk '/VmHWM/ { print $2 }' /proc/$pid/status)"
	kill $pid
	wait $pid || :
END
dbus-run-session -- sh once.sh 2> once.err || { cat once.err >&2; exit 1; }
